package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"time"
)

// benchCmd measures what bobbin costs: the real daemon, started as a process of its own,
// between stand-ins of Slack and of Workers AI that share the machine with it.
type benchCmd struct {
	Quick    bool   `help:"Take under a minute: shorter runs, fewer sessions, smaller stores."`
	Markdown bool   `help:"Print the table as it stands in the README."`
	Only     string `help:"Measure one section: floor, store, latency, throughput, history, memory or start." placeholder:"SECTION"`
	JSON     string `name:"json" help:"Also write the table to this file, as JSON." placeholder:"FILE"`
	Profile  string `help:"Write profiles of the daemon's processor time and memory into this directory." placeholder:"DIR"`
	Dir      string `help:"Where stores are made and thrown away: on the disk to measure. By default it is that for temporary files." placeholder:"DIR"`
}

// benchSections are the parts of the table, in their order. The floor is measured for each
// of the others, which are compared with it.
var benchSections = []struct {
	name    string
	measure func(*bench, context.Context) error
}{
	{"floor", (*bench).measureFloor},
	{"store", (*bench).measureStore},
	{"latency", (*bench).measureLatency},
	{"throughput", (*bench).measureThroughput},
	{"history", (*bench).measureHistory},
	{"memory", (*bench).measureMemory},
	{"start", (*bench).measureStart},
}

// Validate implements kong's check.
func (cmd benchCmd) Validate() error {
	for _, s := range benchSections {
		if cmd.Only == "" || cmd.Only == s.name {
			return nil
		}
	}
	return fmt.Errorf("--only: there is no section %q", cmd.Only)
}

// Run prints the table. A target that is missed is no failure: the machine may be busy.
func (cmd benchCmd) Run(c console) error {
	// The stand-ins run here. They may have memory, which costs those that are measured
	// nothing, rather than processor time, which does.
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(400)
	}
	self, err := os.Executable()
	if err != nil {
		return fmt.Errorf("find this program: %w", err)
	}
	b := bench{benchCmd: cmd, out: c.stdout, progress: c.stderr, program: self, command: func(ctx context.Context, args ...string) *exec.Cmd {
		return exec.CommandContext(ctx, self, args...) //nolint:gosec // this very program
	}}
	return b.run(c.ctx)
}

// benchSize is how much is done.
type benchSize struct {
	syncs    int // bare writes
	accepts  int // by each sender
	lasts    time.Duration
	paced    time.Duration
	sessions []int // of latency
	clients  []int // of throughput
	entries  []int // of history
	turnsOf  int   // measured in each history
	idle     []int // sessions in a store
	loaded   int   // turns before a daemon is weighed
	stream   int   // sessions at once
	starts   int
}

var (
	benchFull = benchSize{
		syncs: 4000, accepts: 4000, lasts: 4 * time.Second, paced: 6 * time.Second,
		sessions: []int{1, 16, 256}, clients: []int{1, 16, 64, 256},
		entries: []int{10, 1_000, 100_000}, turnsOf: 600,
		idle: []int{1_000, 100_000}, loaded: 5_300, stream: 1_000, starts: 7,
	}
	benchQuick = benchSize{
		syncs: 200, accepts: 200, lasts: 300 * time.Millisecond, paced: time.Second,
		sessions: []int{1, 16}, clients: []int{1, 16},
		entries: []int{10, 1_000}, turnsOf: 40,
		idle: []int{100, 1_000}, loaded: 200, stream: 50, starts: 2,
	}
)

// bench is one run of it.
type bench struct {
	benchCmd
	out, progress io.Writer
	program       string
	command       func(ctx context.Context, args ...string) *exec.Cmd // starts this program

	benchSize
	dir   string
	table benchTable
	floor time.Duration // of a synced write, half of them
	lives int           // daemons ever started
}

func (b *bench) run(ctx context.Context) (err error) {
	b.benchSize = benchFull
	if b.Quick {
		b.benchSize = benchQuick
	}
	if b.Profile != "" {
		if err := os.MkdirAll(b.Profile, 0o750); err != nil {
			return fmt.Errorf("make the directory for profiles: %w", err)
		}
	}
	if b.dir, err = os.MkdirTemp(b.Dir, "bobbin-bench-"); err != nil {
		return fmt.Errorf("make a directory for the bench: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(b.dir)) }()
	b.table.Machine = fmt.Sprintf("%d cores, %s/%s, %s", runtime.NumCPU(), runtime.GOOS, runtime.GOARCH, runtime.Version())
	for _, s := range benchSections {
		if b.Only != "" && b.Only != s.name && s.name != "floor" {
			continue
		}
		began := time.Now()
		if err := s.measure(b, ctx); err != nil {
			return fmt.Errorf("bench: %s: %w", s.name, err)
		}
		fmt.Fprintf(b.progress, "bench: %s took %s, load %s\n", s.name, time.Since(began).Round(100*time.Millisecond), loadAverage())
	}
	text := b.table.String()
	if b.Markdown {
		text = b.table.markdown()
	}
	if _, err := io.WriteString(b.out, text); err != nil {
		return err
	}
	if b.JSON != "" {
		return b.table.write(b.JSON)
	}
	return nil
}

// data makes a directory for a store.
func (b *bench) data(name string) string { return filepath.Join(b.dir, name) }

// durations are those of one kind of thing.
type durations []time.Duration

// quantile returns the duration that a part of all, such as 0.5, does not exceed.
func (ds durations) quantile(part float64) time.Duration {
	if len(ds) == 0 {
		return 0
	}
	if !slices.IsSorted(ds) {
		slices.Sort(ds)
	}
	return ds[min(int(float64(len(ds))*part), len(ds)-1)]
}

func millis(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

func mebi(bytes float64) float64 { return bytes / (1 << 20) }

// loadAverage is how busy the machine is, where it says so.
func loadAverage() string {
	b, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return "unknown"
	}
	load, _, _ := strings.Cut(string(b), " ")
	return load
}
