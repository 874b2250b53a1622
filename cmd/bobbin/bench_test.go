package main

import (
	"context"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestBenchMeasuresAllOfItsTable(t *testing.T) {
	if testing.Short() {
		t.Skip("runs daemons for some seconds")
	}
	t.Parallel() // what it measures is of no interest here
	var out strings.Builder
	dir := t.TempDir()
	program, err := exec.LookPath("bobbin") // TestMain puts it into PATH
	if err != nil {
		t.Fatal(err)
	}
	b := bench{
		benchCmd: benchCmd{Quick: true, JSON: filepath.Join(dir, "table.json"), Profile: filepath.Join(dir, "profiles"), Dir: dir},
		out:      &out, progress: io.Discard, program: program,
		command: func(ctx context.Context, args ...string) *exec.Cmd {
			return exec.CommandContext(ctx, program, args...)
		},
	}
	if err := b.run(t.Context()); err != nil {
		t.Fatalf("%v\n%s", err, &out)
	}
	for _, what := range []string{
		"write of 600 bytes and sync", "accept, 64 at once", "append a step, 1 at once",
		"event → first post", "event → model request, 16 sessions", "as often as these events, 16 sessions", "as often as these events, instant model, 1 session", "first token → first visible text, 1 session", "last token → final text, 16 sessions",
		"durable turns, 1 session", "durable turns, 16 sessions", "processor time per turn, daemon", "turns, bare program, 16 sessions",
		"event → model request, instant model, 16 sessions", "event → model request, bare program, 1 session",
		"processor time per turn, bare program", "processor time per turn, its stand-ins", "what bobbin adds to the bare program's, 1 session", "told of all that is said, 16 sessions", "of the daemon's processor time: ", "memory (RSS) then", "the disk was waited for",
		"turn of a session with 10 entries", "turn of a session with 1000 entries", "1000 : 10 entries", "full window",
		"RSS idle, empty store", "1000 idle sessions in the store", "heap per idle session", "RSS after 200 turns of 16 sessions at once", "goroutines per session", "heap and stacks per session beside its text", "streaming at once, a full window behind each",
		"ready with 0 entries", "ready with 10000 entries", "size of the program",
	} {
		if !strings.Contains(out.String(), what) {
			t.Errorf("the table does not show %q", what)
		}
	}
	written, err := os.ReadFile(b.JSON)
	if err != nil {
		t.Fatal(err)
	}
	var table benchTable
	if err := json.Unmarshal(written, &table); err != nil || len(table.Rows) != len(b.table.Rows) {
		t.Errorf("the JSON has %d of %d rows, error %v", len(table.Rows), len(b.table.Rows), err)
	}
	for _, r := range table.Rows {
		// Memory that is left when all is over may be none, and so may be what only Linux tells.
		if r.Value <= 0 && r.Section != "memory" && !strings.Contains(r.What, "processor") && !strings.Contains(r.What, "RSS") && !strings.Contains(r.What, "files in memory") {
			t.Errorf("%s: %s is %v", r.Section, r.What, r.Value)
		}
	}
	if left, err := filepath.Glob(filepath.Join(dir, "bobbin-bench-*")); err != nil || len(left) > 0 {
		t.Errorf("the bench leaves %v behind, error %v", left, err)
	}
}

func TestBenchTableTellsWhichTargetsAreMet(t *testing.T) {
	var table benchTable
	table.add("one", "fine", 1.5, "ms").atMost(2, "2 × floor")
	table.add("one", "too slow", 250.4, "ms").atMost(150, "")
	table.add("two", "enough", 12, "/s").atLeast(12, "")
	table.spread("two", "spread", durations{3 * time.Millisecond, time.Millisecond, 2 * time.Millisecond})
	got := table.String()
	for _, want := range []string{
		"| one | fine     |         1.50 |     | ms   | ≤ 2 (2 × floor) | yes |",
		"|     | too slow |          250 |     | ms   | ≤ 150           | no  |",
		"| two | enough   |           12 |     | /s   | ≥ 12            | yes |",
		"|     | spread   |            2 |   3 | ms   |                 |     |",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("no row %s in\n%s", want, got)
		}
	}
}

func TestBenchTableForTheReadmePutsSessionsSideBySide(t *testing.T) {
	var table benchTable
	table.Machine = "2 cores"
	table.spread("one", "latency", durations{time.Millisecond}).of(1).atMost(2, "")
	table.add("one", "alone", 7, "MiB").atMost(6, "")
	table.spread("one", "latency", durations{3 * time.Millisecond}).of(16)
	table.add("split", "of the time: JSON", 12, "%").of(16)
	want := `2 cores. A pair is what half and what 99 of 100 do not exceed.

| sessions at once | 1 | 16 | |
|---|--:|--:|---|
| latency | 1 / 1 | 3 / 3 | ms |

| | | | aim |
|---|--:|---|---|
| latency, 1 session | 1 / 1 | ms | ≤ 2 |
| alone | 7 | MiB | ≤ 6: missed |

Of the time, with 16 sessions: JSON 12 %.
`
	if got := table.markdown(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestBenchRefusesASectionThatIsNotThere(t *testing.T) {
	if err := (benchCmd{Only: "latency"}).Validate(); err != nil {
		t.Error(err)
	}
	if err := (benchCmd{Only: "speed"}).Validate(); err == nil {
		t.Error("--only speed is taken")
	}
}

func TestBenchKnowsATurnByItsLastMark(t *testing.T) {
	for text, want := range map[string]int{
		"": -1, "bench": -1, "bench#": 0, "bench#7": 7, `bench#12: what, [bench#345"}]`: 345, "bench#8 answer#9": 8,
	} {
		if got := benchNumber(text, benchAsks); got != want {
			t.Errorf("%q is of turn %d, want %d", text, got, want)
		}
		if got := benchNumber([]byte(text), benchAsks); got != want {
			t.Errorf("the bytes of %q are of turn %d, want %d", text, got, want)
		}
	}
}

func TestBenchSaysWhyTheBareProgramDoesNotStart(t *testing.T) {
	path := filepath.Join(t.TempDir(), "calls.json")
	var out, log strings.Builder
	if code := run(console{t.Context(), &out, &log}, []string{"bench-bare", "--calls", path}); code != exitFailed || !strings.Contains(log.String(), path) {
		t.Errorf("without calls the code is %d: %s", code, &log)
	}
	bare := newBenchBare(benchCalls{API: "http://127.0.0.1:1/api/"}) // where nothing listens
	if err := bare.run(t.Context(), func() { t.Error("it is ready") }); err == nil || !strings.Contains(err.Error(), "apps.connections.open") {
		t.Errorf("without Slack the error is %v", err)
	}
}
