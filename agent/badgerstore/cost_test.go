package badgerstore

import (
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
