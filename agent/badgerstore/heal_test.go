package badgerstore

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/dgraph-io/badger/v4"

	"bobbin/agent"
)

// logged is what an admin would read.
type logged struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *logged) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

// take returns what was logged since it was asked last.
func (l *logged) take() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	defer l.text.Reset()
	return l.text.String()
}

func (l *logged) options() Options {
	return Options{Log: slog.New(slog.NewTextHandler(l, &slog.HandlerOptions{Level: slog.LevelWarn}))}
}

// asides returns what was set aside, oldest first.
func asides(t testing.TB, s *Store) (all []aside) {
	t.Helper()
	err := s.view(func(txn *tx) error {
		return each(txn, []byte("z/"), func(k []byte, item *badger.Item) error {
			var a aside
			if err := decode(item, &a); err != nil {
				a = aside{At: asideAt(k), Why: err.Error()}
			}
			all = append(all, a)
			return nil
		})
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// calls is a step that calls.
func calls(text string, ids ...string) agent.Entry {
	e := agent.Entry{Role: agent.RoleAssistant, Text: text}
	for _, id := range ids {
		e.Calls = append(e.Calls, agent.ToolCall{ID: id, Name: "look", Args: []byte(`{}`)})
	}
	return e
}

func found(id string) agent.Entry {
	return agent.Entry{Role: agent.RoleTool, CallID: id, Tool: "look", Text: "found " + id}
}

// brief shows entries in a few words.
func brief(es []agent.Entry) string {
	words := make([]string, len(es))
	for i, e := range es {
		words[i] = e.Text
		if e.Text == lostResult {
			words[i] = "lost " + e.CallID
		}
	}
	return strings.Join(words, ", ")
}

const bad = "?" // the text of an entry that the test damages

func TestATranscriptIsPutRightInTheStore(t *testing.T) {
	user := agent.Entry{Role: agent.RoleUser, Text: "hi"}
	for name, test := range map[string]struct {
		entries []agent.Entry
		want    string
		aside   int
		silent  bool
	}{
		"sound":                 {[]agent.Entry{user, calls("a", "1", "2"), found("2"), found("1"), entry(1)}, "hi, a, found 2, found 1, entry 1", 0, true},
		"an orphan result":      {[]agent.Entry{user, found("1"), entry(1)}, "hi, entry 1", 1, false},
		"results first":         {[]agent.Entry{found("1"), found("2"), user}, "hi", 2, false},
		"one result too many":   {[]agent.Entry{calls("a", "1"), found("1"), found("1"), found("2")}, "a, found 1", 2, false},
		"an orphan call":        {[]agent.Entry{calls("a", "1"), user}, "a, lost 1, hi", 0, false},
		"an orphan call at end": {[]agent.Entry{user, calls("a", "1")}, "hi, a, lost 1", 0, false},
		"some results":          {[]agent.Entry{calls("a", "1", "2", "3"), found("2"), user}, "a, found 2, lost 1, lost 3, hi", 0, false},
		"a damaged result":      {[]agent.Entry{calls("a", "1", "2"), calls(bad), found("2"), user}, "a, found 2, lost 1, hi", 1, false},
		"a damaged last result": {[]agent.Entry{calls("a", "1", "2"), found("1"), calls(bad), user}, "a, found 1, lost 2, hi", 1, false},
		"a damaged step":        {[]agent.Entry{user, calls(bad), found("1"), found("2"), entry(1)}, "hi, entry 1", 3, false},
		"everything":            {[]agent.Entry{calls(bad), calls(bad)}, "", 2, false},
		"a call called twice":   {[]agent.Entry{calls("a", "1", "1"), found("1"), found("1"), user}, "a, found 1, found 1, hi", 0, true},
	} {
		t.Run(name, func(t *testing.T) {
			dir, log := t.TempDir(), &logged{}
			s, err := Open(dir, log.options())
			if err != nil {
				t.Fatal(err)
			}
			id := place.Session()
			accept(t, s, said(place, "M1", "one"))
			if err := s.Commit(t.Context(), begin(t, s, id), test.entries); err != nil {
				t.Fatal(err)
			}
			for i, e := range test.entries {
				if e.Text == bad {
					put(t, s, entryKey(id, 0, uint64(i)), []byte(`{"role":`))
				}
			}
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			s = openAt(t, dir, log.options())
			accept(t, s, said(place, "M2", "two"))
			turn := begin(t, s, id)
			for look := range 3 {
				es, err := s.History(t.Context(), turn, 1e6)
				if err != nil || brief(es) != test.want || !sound(es, false, false) {
					t.Errorf("look %d: %s, error %v, want %s", look, brief(es), err, test.want)
				}
				if said := log.take(); (said == "") != (look > 0 || test.silent) {
					t.Errorf("look %d logs %q", look, said)
				}
			}
			all := asides(t, s)
			if len(all) != test.aside {
				t.Errorf("%d records are set aside, want %d", len(all), test.aside)
			}
			for _, a := range all {
				if a.Session != id || a.Why == "" || a.At.IsZero() || a.Size == 0 || len(a.Value) != a.Size || !bytes.HasPrefix(a.Key, []byte("m/")) {
					t.Errorf("set aside: %+v", a)
				}
			}
			if err := s.Commit(t.Context(), turn, []agent.Entry{entry(9)}); err != nil {
				t.Fatal(err)
			}
			want := strings.TrimPrefix(test.want+", entry 9", ", ")
			if got := strings.Join(history(t, s, place), ", "); strings.Count(got, ", ") != strings.Count(want, ", ") || !strings.HasSuffix(got, "entry 9") {
				t.Errorf("after another turn: %s, want %s", got, want)
			}
		})
	}
}

func TestAResultWhoseStepIsOlderThanTheBudgetIsNoOrphan(t *testing.T) {
	log := &logged{}
	s := openAt(t, t.TempDir(), log.options())
	accept(t, s, said(place, "M1", "one"))
	if err := s.Commit(t.Context(), begin(t, s, place.Session()), []agent.Entry{calls("a", "1", "2"), found("1"), found("2"), entry(1)}); err != nil {
		t.Fatal(err)
	}
	accept(t, s, said(place, "M2", "two"))
	turn := begin(t, s, place.Session())
	for budget := range 80 {
		if _, err := s.History(t.Context(), turn, budget); err != nil {
			t.Fatal(err)
		}
	}
	wantTexts(t, s, turn, "a", "found 1", "found 2", "entry 1")
	if said := log.take(); said != "" {
		t.Errorf("logged %q", said)
	}
}

func TestALongTranscriptThatIsAllDamagedIsPutAside(t *testing.T) {
	log := &logged{}
	s := openAt(t, t.TempDir(), log.options())
	id := place.Session()
	es := make([]agent.Entry, 2*maxMended+100)
	for i := range es {
		es[i] = entry(i)
	}
	accept(t, s, said(place, "M1", "one"))
	if err := s.Commit(t.Context(), begin(t, s, id), es); err != nil {
		t.Fatal(err)
	}
	batch := s.db.NewWriteBatch()
	for i := range es[:len(es)-1] {
		if err := batch.Set(entryKey(id, 0, uint64(i)), []byte("?")); err != nil {
			t.Fatal(err)
		}
	}
	if err := batch.Flush(); err != nil {
		t.Fatal(err)
	}
	accept(t, s, said(place, "M2", "two"))
	turn := begin(t, s, id)
	wantTexts(t, s, turn, es[len(es)-1].Text)
	if lines := strings.Count(log.take(), "\n"); lines == 0 || lines > 5*(maxToldOf+1) {
		t.Errorf("%d log lines", lines)
	}
	wantTexts(t, s, turn, es[len(es)-1].Text)
	if said := log.take(); said != "" {
		t.Errorf("the second look logs %q", said)
	}
	if n := len(asides(t, s)); n != maxAside {
		t.Errorf("%d records are set aside", n)
	}
	if n := expire(t, s, time.Now().Add(-time.Hour)); n != 0 || len(asides(t, s)) != maxAside {
		t.Errorf("%d records expired before their time", n)
	}
	if n := expire(t, s, time.Now()); n != maxAside || len(asides(t, s)) != 0 {
		t.Errorf("%d records expired, and %d are left", n, len(asides(t, s)))
	}
}

func TestACommitBesideARepairIsNotLost(t *testing.T) {
	s := openAt(t, t.TempDir(), Options{})
	id := place.Session()
	large := entry(7)
	large.Text = strings.Repeat("x", oneTransaction)
	for n, ending := range [][]agent.Entry{{entry(8)}, {large, large, entry(8)}} {
		for round := range 20 {
			name := fmt.Sprint(n, "-", round)
			accept(t, s, said(place, "A"+name, "one"))
			if err := s.Commit(t.Context(), begin(t, s, id), []agent.Entry{entry(1), calls("a", "1"), found("2"), calls("b", "3")}); err != nil {
				t.Fatal(err)
			}
			accept(t, s, said(place, "B"+name, "two"))
			turn := begin(t, s, id)
			var both sync.WaitGroup
			both.Go(func() { _, _ = s.History(t.Context(), turn, 1e9) }) // which may find the turn ended
			both.Go(func() {
				if err := s.Commit(t.Context(), turn, ending); err != nil {
					t.Error(err)
				}
			})
			both.Wait()
			accept(t, s, said(place, "C"+name, "three"))
			next := begin(t, s, id)
			es, err := s.History(t.Context(), next, 1e9)
			if want := "entry 1, a, lost 1, b, lost 3, " + brief(ending); err != nil || brief(es) != want {
				t.Fatalf("history %.200s, error %v", brief(es), err)
			}
			if err := s.Commit(t.Context(), next, nil); err != nil {
				t.Fatal(err)
			}
			if err := s.Reset(t.Context(), id); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func TestWhatWasWrittenSinceItWasFoundDamagedIsLeftAlone(t *testing.T) {
	log := &logged{}
	s := openAt(t, t.TempDir(), log.options())
	k := entryKey(place.Session(), 0, 0)
	put(t, s, k, []byte("?"))
	var f fix
	err := s.view(func(txn *tx) error {
		item, err := txn.Get(k)
		if err == nil {
			f = readLine(item).fix
		}
		return err
	})
	if err != nil || f.why == "" {
		t.Fatalf("fix %+v, error %v", f, err)
	}
	sound, err := marshal(entry(1))
	if err != nil {
		t.Fatal(err)
	}
	put(t, s, k, sound)
	if err := s.repair(place.Session(), []fix{f}); err != nil {
		t.Fatal(err)
	}
	if n := keysOf(t, s, k); n != 1 || len(asides(t, s)) != 0 || log.take() != "" {
		t.Errorf("%d records are left, %d are set aside", n, len(asides(t, s)))
	}
}

func TestACommitWhoseFirstHalfWasTakenForLeftoversIsDoneAgain(t *testing.T) {
	s := openAt(t, t.TempDir(), Options{})
	id := place.Session()
	accept(t, s, said(place, "M1", "one"))
	turn := begin(t, s, id)
	large := entry(1)
	large.Text = strings.Repeat("x", oneTransaction)
	values, _, err := encode([]agent.Entry{large, entry(2)})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.writeAhead(turn, values); err != nil {
		t.Fatal(err)
	}
	begin(t, s, id) // by another, who finds them
	err = s.update(func(txn *tx) error {
		_, err := finish(txn, turn, values, len(values), func(*tx, begun) error { return nil })
		return err
	})
	if !errors.Is(err, errAheadGone) {
		t.Errorf("error %v", err)
	}
	if err := s.Commit(t.Context(), turn, []agent.Entry{large, entry(2)}); err != nil {
		t.Fatal(err)
	}
	if got := history(t, s, place); len(got) != 2 || got[1] != "entry 2" {
		t.Errorf("history of %d entries", len(got))
	}
}
