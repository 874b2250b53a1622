package badgerstore

import (
	"fmt"
	"strings"
	"testing"

	"bobbin/agent"
)

var longText = strings.Repeat("some words ", 20)

// long makes a store with a transcript of n entries, and a turn under way in it.
func long(t testing.TB, n int) (*Store, *agent.Turn) {
	t.Helper()
	s := openAt(t, t.TempDir(), Options{})
	es := make([]agent.Entry, n)
	for i := range es {
		es[i] = agent.Entry{Role: agent.RoleAssistant, Text: longText}
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

func TestAnIdleSessionTakesNoMemory(t *testing.T) {
	s := openAt(t, t.TempDir(), Options{})
	for n := range 20 {
		at := in(fmt.Sprint("C", n))
		talk(t, s, at, at.Channel, turnTime, "done")
		if n%2 == 0 { // a turn that is taken up again, and one that is abandoned
			accept(t, s, said(at, at.Channel+"b", "again"))
			begin(t, s, at.Session())
			if err := s.Abandon(t.Context(), begin(t, s, at.Session()), "broken"); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := s.Begin(t.Context(), at.Session()); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Accept(t.Context(), said(at, at.Channel, "known"), nil); err != nil {
			t.Fatal(err)
		}
	}
	if l := s.live; len(l.inbox)+len(l.turns)+len(l.locks)+len(l.stray) > 0 {
		t.Errorf("%d inboxes, %d turns, %d locks and %d strays are in memory", len(l.inbox), len(l.turns), len(l.locks), len(l.stray))
	}
}

func TestTheSpaceOfLargeValuesIsFreedAndWhatIsLeftIsKept(t *testing.T) {
	dir := t.TempDir()
	reopen := func(s *Store) *Store {
		t.Helper()
		if s != nil {
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
		}
		s, err := Open(dir, Options{})
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	s := reopen(nil)
	large := func(n int) agent.Inbound {
		return said(in(fmt.Sprint("L", n)), fmt.Sprint("L", n), strings.Repeat("x", 2*valueThreshold))
	}
	for n := range 20 {
		accept(t, s, large(n))
	}
	for n := range 18 {
		if n%2 == 0 {
			s = reopen(s) // each time is a table more
		}
		if err := s.Commit(t.Context(), begin(t, s, large(n).Session()), nil); err != nil {
			t.Fatal(err)
		}
	}
	s = reopen(s)
	if err := s.db.Flatten(1); err != nil { // Badger counts what is deleted when it compacts
		t.Fatal(err)
	}
	if !s.collectFile() {
		t.Error("no space was freed")
	}
	s = reopen(s)
	defer func() { _ = s.Close() }()
	for n := 18; n < 20; n++ {
		if turn := begin(t, s, large(n).Session()); turn.Inbound[0].Text != large(n).Text {
			t.Errorf("message %d is damaged", n)
		}
	}
}
