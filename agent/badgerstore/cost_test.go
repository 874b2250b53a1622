package badgerstore

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"bobbin/agent"
)

// long makes a store with a transcript of n entries, and a turn under way in it.
func long(t testing.TB, n int) (*Store, *agent.Turn) {
	t.Helper()
	s := openAt(t, t.TempDir(), Options{})
	es := make([]agent.Entry, n)
	for i := range es {
		es[i] = agent.Entry{Role: agent.RoleAssistant, Text: strings.Repeat("some words ", 20)}
	}
	accept(t, s, said(place, "M1", "one"))
	if err := s.Commit(t.Context(), begin(t, s, place.Session()), es); err != nil {
		t.Fatal(err)
	}
	accept(t, s, said(place, "M2", "two"))
	return s, begin(t, s, place.Session())
}

func TestHistoryCostsTheSameHoweverLongTheSessionIs(t *testing.T) {
	cost := func(n int) (allocations float64) {
		s, turn := long(t, n)
		return testing.AllocsPerRun(20, func() {
			es, err := s.History(t.Context(), turn, 1500)
			if err != nil || len(es) < 20 || len(es) > 40 {
				t.Fatalf("%d entries, error %v", len(es), err)
			}
		})
	}
	if short, long := cost(100), cost(10_000); long > 3*short {
		t.Errorf("%v allocations with 100 entries, %v with 10,000", short, long)
	}
}

func BenchmarkAccept(b *testing.B) {
	s := openAt(b, b.TempDir(), Options{})
	n := 0
	for b.Loop() {
		n++
		accept(b, s, said(place, fmt.Sprint("M", n), "hello there"))
		if n%agent.MaxTake == 0 { // or the inbox is full one day
			b.StopTimer()
			if err := s.Commit(b.Context(), begin(b, s, place.Session()), nil); err != nil {
				b.Fatal(err)
			}
			b.StartTimer()
		}
	}
}

// cycle is a turn with one step of tools.
func cycle(b *testing.B, s *Store, at agent.Address, id string) {
	accept(b, s, said(at, id, "what is the time?"))
	t := begin(b, s, at.Session())
	_, err := s.History(b.Context(), t, 24_000)
	for _, f := range []func() error{
		func() error { return err },
		func() error { return s.RecordPart(b.Context(), t, agent.Part{Key: string(t.ID) + "-001"}) },
		func() error { return s.RecordPart(b.Context(), t, agent.Part{Key: string(t.ID) + "-001", ID: "m1"}) },
		func() error { return s.Append(b.Context(), t, entry(1)) },
		func() error { return s.Append(b.Context(), t, entry(2)) },
		func() error { return s.Answer(b.Context(), t, agent.Outcome{Kind: agent.Answered, Text: "late"}) },
		func() error { return s.Commit(b.Context(), t, []agent.Entry{entry(1), entry(2), entry(3)}) },
	} {
		if err := f(); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkTurn(b *testing.B) {
	s := openAt(b, b.TempDir(), Options{})
	n := 0
	for b.Loop() {
		n++
		cycle(b, s, place, fmt.Sprint("M", n))
	}
}

func BenchmarkTurnsSideBySide(b *testing.B) {
	s := openAt(b, b.TempDir(), Options{})
	var sessions, n atomic.Int64
	b.SetParallelism(16)
	b.RunParallel(func(pb *testing.PB) {
		at := place
		at.Thread = fmt.Sprint(sessions.Add(1))
		for pb.Next() {
			cycle(b, s, at, fmt.Sprint("M", n.Add(1)))
		}
	})
}

func BenchmarkHistory(b *testing.B) {
	for _, n := range []int{10, 1_000, 100_000} {
		b.Run(fmt.Sprint(n, " entries"), func(b *testing.B) {
			s, turn := long(b, n)
			for b.Loop() {
				if _, err := s.History(b.Context(), turn, 24_000); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkSyncedWrite is the floor below which no durable write can be: of the same size
// as an accepted message, without any database.
func BenchmarkSyncedWrite(b *testing.B) {
	f, err := os.Create(filepath.Join(b.TempDir(), "log"))
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	record := make([]byte, 600)
	for b.Loop() {
		if _, err := f.Write(record); err != nil {
			b.Fatal(err)
		}
		if err := f.Sync(); err != nil {
			b.Fatal(err)
		}
	}
}
