package badgerstore

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/dgraph-io/badger/v4"

	"bobbin/agent"
)

var turnTime = time.Date(2026, time.March, 1, 12, 0, 0, 0, time.UTC)

func in(channel string) agent.Address {
	return agent.Address{Platform: "slack", Workspace: "T1", Channel: channel}
}

// keysOf counts the keys that a session has of one kind.
func keysOf(t testing.TB, s *Store, prefix []byte) (n int) {
	t.Helper()
	err := s.view(func(txn *tx) error {
		return each(txn, prefix, func([]byte, *badger.Item) error { n++; return nil })
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func expire(t testing.TB, s *Store, before time.Time) int {
	t.Helper()
	n, err := s.Expire(t.Context(), before)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestRetentionForgetsWhatIsIdleAndNothingElse(t *testing.T) {
	s := openAt(t, t.TempDir(), Options{})
	old := time.Now()
	many := make([]string, 2*maxDeleted+7) // more than one transaction takes
	for i := range many {
		many[i] = fmt.Sprint("old ", i)
	}
	talk(t, s, in("idle"), "M1", old, many...)
	if _, err := s.Rate(t.Context(), in("idle").Session(), "TURN", "U1", 1); err != nil {
		t.Fatal(err)
	}
	talk(t, s, in("busy"), "M2", old, "from before")
	talk(t, s, in("pending"), "M3", old, "kept for the turn")
	accept(t, s, said(in("pending"), "M4", "not answered yet"))
	talk(t, s, in("running"), "M5", old, "kept for the turn")
	accept(t, s, said(in("running"), "M6", "being answered"))
	begin(t, s, in("running").Session())
	talk(t, s, in("reset"), "M7", old, "put aside")
	if err := s.Reset(t.Context(), in("reset").Session()); err != nil {
		t.Fatal(err)
	}
	accept(t, s, said(in("dead"), "M8", "poison"))
	if err := s.Abandon(t.Context(), begin(t, s, in("dead").Session()), "it crashed"); err != nil {
		t.Fatal(err)
	}
	if n := expire(t, s, old); n != 0 {
		t.Errorf("%d were too old at once", n)
	}

	limit := time.Now()
	talk(t, s, in("busy"), "M9", time.Now(), "of today")
	talk(t, s, in("reset"), "M10", time.Now(), "of today")
	if n := expire(t, s, limit); n != 4 { // idle, reset's first, dead's transcript, the dead turn
		t.Errorf("%d transcripts and turns went, want 4", n)
	}
	if n := expire(t, s, limit); n != 0 {
		t.Errorf("%d more went the second time", n)
	}
	for _, prefix := range []string{"k/", "h/", "m/", "f/"} {
		if n := keysOf(t, s, key(prefix, in("idle").Session())); n != 0 {
			t.Errorf("the idle session has %d keys %s", n, prefix)
		}
	}
	if n := keysOf(t, s, entriesOf(in("reset").Session(), 0)); n != 0 {
		t.Errorf("what was put aside has %d entries", n)
	}
	if d := abandoned(t, s); len(d) > 0 || keysOf(t, s, []byte("x/")) > 0 {
		t.Errorf("abandoned: %+v", d)
	}
	for place, want := range map[string]string{"busy": "[from before of today]", "reset": "[of today]", "idle": "[]"} {
		if got := fmt.Sprint(history(t, s, in(place))); got != want {
			t.Errorf("history of %s: %s, want %s", place, got, want)
		}
	}
	for _, place := range []string{"pending", "running"} {
		turn := begin(t, s, in(place).Session())
		if es, err := s.History(t.Context(), turn, 1000); err != nil || len(es) != 1 || len(turn.Inbound) != 1 {
			t.Errorf("%s: %+v with %+v, %v", place, turn, es, err)
		}
	}
}

func TestASessionThatIsSpokenInWhileItExpiresLosesNothingNew(t *testing.T) {
	s := openAt(t, t.TempDir(), Options{})
	long := make([]string, 300)
	var both sync.WaitGroup
	for i := range 20 {
		at := in(fmt.Sprint("c", i))
		talk(t, s, at, fmt.Sprint("old", i), time.Now().Add(-time.Hour), long...)
		both.Go(func() {
			if _, err := s.Accept(t.Context(), said(at, fmt.Sprint("new", i), "new"), nil); err != nil {
				t.Error(err)
			}
		})
	}
	both.Go(func() {
		if _, err := s.Expire(t.Context(), time.Now().Add(time.Hour)); err != nil {
			t.Error(err)
		}
	})
	both.Wait()
	for i := range 20 {
		at := in(fmt.Sprint("c", i))
		if known, err := s.Known(t.Context(), at.Session()); err != nil || !known {
			t.Errorf("session %d is not known: %v", i, err)
		}
		turn := begin(t, s, at.Session())
		if len(turn.Inbound) != 1 || turn.Inbound[0].Text != "new" {
			t.Errorf("session %d has %+v", i, turn.Inbound)
		}
		if err := s.Commit(t.Context(), turn, []agent.Entry{{Role: agent.RoleAssistant, Text: "answer"}}); err != nil {
			t.Error(err)
		}
		if got := history(t, s, at); len(got) == 0 || got[len(got)-1] != "answer" {
			t.Errorf("session %d has lost its answer: %q", i, got)
		}
	}
}
