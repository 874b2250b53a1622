package badgerstore

import (
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/dgraph-io/badger/v4"

	"bobbin/agent"
)

// audited checks how many messages are unaccounted for.
func audited(t *testing.T, s *Store, want int) {
	t.Helper()
	if n, err := s.Audit(t.Context()); n != want || err != nil {
		t.Errorf("%d messages are unaccounted for, want %d; error %v", n, want, err)
	}
}

func TestWhatIsDoneWithMessagesLeavesNoneUnaccountedFor(t *testing.T) {
	dir := t.TempDir()
	s := openAt(t, dir, Options{})
	check := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		audited(t, s, 0)
	}
	accept(t, s, said(place, "M1", "one"))
	accept(t, s, said(place, "M2", "two"))
	audited(t, s, 0)
	turn := begin(t, s, place.Session())
	accept(t, s, said(place, "M3", "three"))
	check(s.Abandon(t.Context(), turn, "broken"))
	_, n, err := s.Retry(t.Context(), turn.ID)
	check(err)
	if n != 2 {
		t.Errorf("%d retried", n)
	}
	check(s.Reset(t.Context(), place.Session()))
	check(s.Commit(t.Context(), begin(t, s, place.Session()), []agent.Entry{entry(1)}))
	last, err := s.Last(t.Context(), place.Session())
	check(err)
	done, err := s.Reopen(t.Context(), last)
	check(err)
	if !done {
		t.Error("not reopened")
	}
	sum := begin(t, s, place.Session())
	sum.Outcome = &agent.Outcome{Kind: agent.Answered, Text: "all", Summary: true}
	check(s.Commit(t.Context(), sum, sum.Transcript()))
	_, err = s.Fork(t.Context(), place.Session(), alone.Session(), "")
	check(err)
	accept(t, s, said(alone, "M4", "four"))
	check(s.Choose(t.Context(), alone.Session(), "wise"))
	check(s.Commit(t.Context(), begin(t, s, alone.Session()), []agent.Entry{entry(2)}))
	_, err = s.Expire(t.Context(), time.Now().Add(time.Hour))
	check(err)
}

func TestMessagesThatAreAcceptedAtOnceAreAllCounted(t *testing.T) {
	s := openAt(t, t.TempDir(), Options{})
	var all sync.WaitGroup
	for n := range 40 {
		all.Go(func() { accept(t, s, said(place, fmt.Sprint("M", n), "hi")) })
	}
	all.Wait()
	audited(t, s, 0)
}

func TestAMessageThatIsGoneIsToldOfOnce(t *testing.T) {
	dir := t.TempDir()
	s, err := Open(dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	accept(t, s, said(place, "M1", "one"))
	accept(t, s, said(place, "M2", "two"))
	accept(t, s, said(alone, "M3", "three"))
	err = s.db.Update(func(txn *badger.Txn) error {
		return txn.Delete(inboxKey(place.Session(), s.live.waiting(place.Session())[0]))
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	var log strings.Builder
	s = openAt(t, dir, Options{Log: slog.New(slog.NewTextHandler(&log, nil))})
	audited(t, s, 1)
	if text := log.String(); !strings.Contains(text, "unaccounted for") || !strings.Contains(text, string(place.Session())) || strings.Contains(text, string(alone.Session())) {
		t.Errorf("the log says\n%s", text)
	}
	audited(t, s, 0)
}

func TestAnAuditGoesThroughAllSessionsWhileMessagesAreAccepted(t *testing.T) {
	s := openAt(t, t.TempDir(), Options{})
	at := func(n int) agent.Address {
		return agent.Address{Platform: "slack", Workspace: "T1", Channel: fmt.Sprintf("C%04d", n)}
	}
	const sessions = 2*auditStep + 10
	for n := range sessions {
		accept(t, s, said(at(n), fmt.Sprint("M", n), "hi"))
	}
	for _, n := range []int{0, auditStep, sessions - 1} {
		err := s.db.Update(func(txn *badger.Txn) error {
			return txn.Delete(inboxKey(at(n).Session(), s.live.waiting(at(n).Session())[0]))
		})
		if err != nil {
			t.Fatal(err)
		}
		s.live.forget(at(n).Session(), s.live.waiting(at(n).Session())...)
	}
	var busy sync.WaitGroup
	for n := range sessions {
		if n%8 == 1 {
			busy.Go(func() { accept(t, s, said(at(n), fmt.Sprint("L", n), "and")) })
		}
	}
	audited(t, s, 3)
	busy.Wait()
	audited(t, s, 0)
}

func TestSessionsOfABobbinThatDidNotCountAreCountedFromNowOn(t *testing.T) {
	s := openAt(t, t.TempDir(), Options{})
	accept(t, s, said(place, "M1", "one"))
	err := s.db.Update(func(txn *badger.Txn) error { return txn.Set(key("k/", place.Session()), stamp(time.Now())) })
	if err != nil {
		t.Fatal(err)
	}
	audited(t, s, 0)
	accept(t, s, said(place, "M2", "two"))
	audited(t, s, 0)
	if info, err := s.Session(t.Context(), place.Session()); err != nil || info.Heard.IsZero() || info.Waiting != 2 {
		t.Errorf("the session: %+v, %v", info, err)
	}
	a := account{}
	if err := s.view(func(txn *tx) (err error) { a, err = readAccount(txn, place.Session()); return err }); err != nil || a.accepted != 2 || !a.known {
		t.Errorf("the account is %+v, %v", a, err)
	}
}
