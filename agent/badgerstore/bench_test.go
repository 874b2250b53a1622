//go:build unix

package badgerstore

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"bobbin/agent"
)

var benchEntries = flag.Int("entries", 100_000, "transcript entries of the store that BenchmarkOpen opens")

// taken are the durations of single operations.
type taken struct {
	mu  sync.Mutex
	all []time.Duration
}

func (t *taken) since(began time.Time) {
	d := time.Since(began)
	t.mu.Lock()
	defer t.mu.Unlock()
	t.all = append(t.all, d)
}

func (t *taken) report(b *testing.B) {
	b.Helper()
	slices.Sort(t.all)
	n := len(t.all)
	b.ReportMetric(float64(t.all[n/2].Nanoseconds()), "p50-ns")
	b.ReportMetric(float64(t.all[n*99/100].Nanoseconds()), "p99-ns")
	b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "/s")
}

// cpu is the processor time that the process has used: unlike all else here it does not
// depend on what else runs on the machine.
func cpu() time.Duration {
	var u unix.Rusage
	if unix.Getrusage(unix.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// sideBySide runs f in so many goroutines, b.N times in all.
func sideBySide(b *testing.B, goroutines int, f func(worker, n int)) {
	var times taken
	before := cpu()
	var left atomic.Int64
	left.Store(int64(b.N))
	var all sync.WaitGroup
	b.ResetTimer()
	for w := range goroutines {
		all.Go(func() {
			for {
				n := left.Add(-1)
				if n < 0 {
					return
				}
				began := time.Now()
				f(w, int(n))
				times.since(began)
			}
		})
	}
	all.Wait()
	b.StopTimer()
	b.ReportMetric(float64(cpu()-before)/float64(b.N), "cpu-ns/op")
	times.report(b)
}

// BenchmarkSyncedWrite is the floor below which no durable write can be: of the same size
// as an accepted message, without any database.
func BenchmarkSyncedWrite(b *testing.B) {
	f, err := os.Create(filepath.Join(b.TempDir(), "log"))
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	record := make([]byte, 600)
	sideBySide(b, 1, func(int, int) {
		if _, err := f.Write(record); err != nil {
			b.Error(err)
		}
		if err := datasync(f); err != nil {
			b.Error(err)
		}
	})
}

// BenchmarkAccept accepts messages, each in a session of its own.
func BenchmarkAccept(b *testing.B) {
	for _, senders := range []int{1, 16, 64} {
		b.Run(fmt.Sprintf("senders=%d", senders), func(b *testing.B) {
			s := openAt(b, b.TempDir(), Options{})
			sideBySide(b, senders, func(_, n int) {
				at := place
				at.Thread = fmt.Sprint(n)
				accept(b, s, said(at, fmt.Sprint("M", n), "hello there"))
			})
		})
	}
}

// cycle is a turn, from the message to its commit, of a model that says all at once, or has
// the first words seen and one step of tools run before it ends.
func cycle(b *testing.B, s *Store, at agent.Address, id string, tools bool) {
	if fresh, err := s.Accept(b.Context(), said(at, id, "what is the time?"), func() {}); err != nil || !fresh {
		b.Error(fresh, err)
	}
	t := begin(b, s, at.Session())
	_, err := s.History(b.Context(), t, 2_000)
	part := agent.Part{Key: string(t.ID) + "-001"}
	said := []agent.Entry{{Role: agent.RoleUser, Text: "what is the time?"}}
	first := []agent.Part{part} // is posted with the outcome
	var steps []func() error
	if tools {
		first = nil
		said = append(said, calls("let me see", "c1"), found("c1"))
		steps = []func() error{
			func() error { return s.RecordPart(b.Context(), t, part) },
			func() error { return s.Append(b.Context(), t, said[1]) },
			func() error { return s.Append(b.Context(), t, said[2]) },
		}
	}
	said = append(said, agent.Entry{Role: agent.RoleAssistant, Text: longText})
	t.Outcome = &agent.Outcome{Kind: agent.Answered, Text: longText, Usage: agent.Usage{Input: 900, Output: 40}}
	for _, f := range slices.Concat([]func() error{func() error { return err }}, steps, []func() error{
		func() error { return s.Answer(b.Context(), t, *t.Outcome, first...) },
		func() error { return s.Settle(b.Context(), t) },
		func() error {
			part.ID = agent.MessageID(part.Key)
			return s.RecordPart(b.Context(), t, part)
		},
		func() error { return s.Commit(b.Context(), t, said) },
	}) {
		if err := f(); err != nil {
			b.Error(err)
		}
	}
}

// BenchmarkTurn is a whole turn of so many sessions at once.
func BenchmarkTurn(b *testing.B) {
	for _, sessions := range []int{1, 16, 64, 256} {
		for _, tools := range []bool{false, true} {
			b.Run(fmt.Sprintf("sessions=%d/tools=%t", sessions, tools), func(b *testing.B) {
				s := openAt(b, b.TempDir(), Options{})
				sideBySide(b, sessions, func(worker, n int) {
					at := place
					at.Thread = fmt.Sprint(worker, n/sessions/10) // conversations of some ten turns
					cycle(b, s, at, fmt.Sprint("M", n), tools)
				})
				syncs, _ := s.Syncs()
				b.ReportMetric(float64(syncs)/float64(b.N), "syncs/op")
			})
		}
	}
}

// BenchmarkTurnInALongSession is a turn in a session that has said more and more.
func BenchmarkTurnInALongSession(b *testing.B) {
	for _, n := range []int{10, 1_000, 100_000} {
		b.Run(fmt.Sprintf("entries=%d", n), func(b *testing.B) {
			s, turn := settled(b, n)
			if err := s.Commit(b.Context(), turn, nil); err != nil {
				b.Fatal(err)
			}
			sideBySide(b, 1, func(_, n int) { cycle(b, s, place, fmt.Sprint("T", n), true) })
		})
	}
}

// settled is long, once Badger has come to rest after so much at once.
func settled(b *testing.B, n int) (*Store, *agent.Turn) {
	s, turn := long(b, n)
	if err := s.db.Flatten(2); err != nil {
		b.Fatal(err)
	}
	return s, turn
}

// BenchmarkHistory reads the same window of transcripts that are longer and longer.
func BenchmarkHistory(b *testing.B) {
	for _, n := range []int{0, 10, 1_000, 100_000} {
		b.Run(fmt.Sprintf("entries=%d", n), func(b *testing.B) {
			s, turn := settled(b, n)
			budget := 10 * agent.Tokens(agent.Entry{Role: agent.RoleAssistant, Text: longText})
			sideBySide(b, 1, func(int, int) {
				if es, err := s.History(b.Context(), turn, budget); err != nil || len(es) != min(n, 10) {
					b.Error(len(es), err)
				}
			})
		})
	}
	b.Run("window=24000", func(b *testing.B) {
		s, turn := long(b, 1_000)
		sideBySide(b, 1, func(int, int) {
			if _, err := s.History(b.Context(), turn, 24_000); err != nil {
				b.Error(err)
			}
		})
	})
}

// BenchmarkOpen opens a store with a past, as at a start: until what is unfinished is
// known.
func BenchmarkOpen(b *testing.B) {
	for _, n := range []int{0, *benchEntries} {
		b.Run(fmt.Sprintf("entries=%d", n), func(b *testing.B) {
			dir := b.TempDir()
			fillStore(b, dir, n)
			for b.Loop() {
				s, err := Open(dir, Options{})
				if err != nil {
					b.Fatal(err)
				}
				for _, err := range s.Pending(b.Context()) {
					if err != nil {
						b.Fatal(err)
					}
				}
				if _, err := s.Backlog(b.Context()); err != nil {
					b.Fatal(err)
				}
				b.StopTimer()
				if err := s.Close(); err != nil {
					b.Fatal(err)
				}
				b.StartTimer()
			}
		})
	}
}

// fillStore makes a store with sessions of 100 entries each, and one that has something
// to do.
func fillStore(b *testing.B, dir string, entries int) {
	s, err := Open(dir, Options{})
	if err != nil {
		b.Fatal(err)
	}
	batch := s.db.NewWriteBatch()
	for n := range entries {
		at := place
		at.Thread = fmt.Sprint(n / 100)
		id := at.Session()
		v, err := marshal(agent.Entry{Role: agent.RoleAssistant, Text: fmt.Sprint(longText, n)})
		if err != nil {
			b.Fatal(err)
		}
		writes := map[string][]byte{string(entryKey(id, 0, uint64(n%100))): v}
		if n%100 == 99 {
			writes[string(key("h/", id))], _ = json.Marshal(head{Next: 100})
			writes[string(key("k/", id))] = stamp(time.Now())
		}
		for k, v := range writes {
			if err := batch.Set([]byte(k), v); err != nil {
				b.Fatal(err)
			}
		}
	}
	if err := batch.Flush(); err != nil {
		b.Fatal(err)
	}
	accept(b, s, said(place, "M1", "hello"))
	if err := s.Close(); err != nil {
		b.Fatal(err)
	}
}
