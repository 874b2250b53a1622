package badgerstore

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"bobbin/agent"
)

func abandoned(t testing.TB, s *Store) (dead []Dead) {
	t.Helper()
	for d, err := range s.Abandoned(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		dead = append(dead, d)
	}
	return dead
}

func TestAnAbandonedTurnIsKeptForTheAdminAndOutOfTheWay(t *testing.T) {
	s := openAt(t, t.TempDir(), Options{})
	accept(t, s, said(place, "M1", "poison"))
	accept(t, s, said(place, "M2", "more of it"))
	turn := begin(t, s, place.Session())
	turn.Outcome = &agent.Outcome{Kind: agent.Failed, Text: "so far", Notice: "I gave up."}
	if err := s.Answer(t.Context(), turn, *turn.Outcome); err != nil {
		t.Fatal(err)
	}
	accept(t, s, said(place, "M3", "harmless"))
	if err := s.Abandon(t.Context(), turn, "failed 3 times"); err != nil {
		t.Fatal(err)
	}
	if err := s.Abandon(t.Context(), turn, "again"); !errors.Is(err, errNotUnderWay) {
		t.Errorf("abandoned twice: %v", err)
	}

	next := begin(t, s, place.Session())
	if next.ID == turn.ID || next.Attempt != 1 || len(next.Inbound) != 1 || next.Inbound[0].Text != "harmless" || len(next.Entries)+len(next.Parts) > 0 || next.Outcome != nil {
		t.Errorf("the next turn is %+v", next)
	}
	es, err := s.History(t.Context(), next, 10_000)
	if err != nil || len(es) != 3 || es[0].Text != "poison" || es[1].Text != "more of it" || es[2].Text != "so far\n\n(I gave up.)" {
		t.Errorf("history %+v, %v", es, err)
	}

	dead := abandoned(t, s)
	if len(dead) != 1 {
		t.Fatalf("%d abandoned turns", len(dead))
	}
	d := dead[0]
	if d.ID != turn.ID || d.Session != place.Session() || d.Why != "failed 3 times" || d.Text != "so far" || d.Attempt != 1 || d.At.IsZero() || !d.Began.Equal(turn.Began) {
		t.Errorf("abandoned: %+v", d)
	}
	if len(d.Inbound) != 2 || d.Inbound[0].Text != "poison" || d.Inbound[1].Text != "more of it" {
		t.Errorf("it should have answered %+v", d.Inbound)
	}
	if data := backupOf(t, s); strings.Count(string(data), "bearer-secret") != 1 { // that of M3
		t.Error("the platform's handle on an abandoned turn is kept")
	}
}

func TestATurnWithoutAnOutcomeCanBeAbandoned(t *testing.T) {
	s := openAt(t, t.TempDir(), Options{})
	accept(t, s, said(place, "M1", "poison"))
	turn := begin(t, s, place.Session())
	turn.Entries = []agent.Entry{{Role: agent.RoleAssistant, Text: "looking", Calls: []agent.ToolCall{{ID: "c1", Name: "look"}}}}
	if err := s.Abandon(t.Context(), turn, "it crashed"); err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(history(t, s, place), "|"); got != "poison|looking|There is no result: the turn ended first.|(I gave up on this.)" {
		t.Errorf("history %q", got)
	}
}

func TestARetriedTurnIsAnsweredAgainOnce(t *testing.T) {
	dir := t.TempDir()
	s, err := Open(dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	accept(t, s, said(place, "M1", "poison"))
	turn := begin(t, s, place.Session())
	if err := s.Abandon(t.Context(), turn, "it crashed"); err != nil {
		t.Fatal(err)
	}
	if _, _, err := s.Retry(t.Context(), "NOSUCHTURN"); !errors.Is(err, ErrNoSuchTurn) {
		t.Errorf("another id: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = openAt(t, dir, Options{})
	accept(t, s, said(place, "M2", "was there first"))
	session, n, err := s.Retry(t.Context(), turn.ID)
	if err != nil || session != place.Session() || n != 1 {
		t.Fatalf("session %q, %d messages, %v", session, n, err)
	}
	if _, _, err := s.Retry(t.Context(), turn.ID); !errors.Is(err, ErrNoSuchTurn) {
		t.Errorf("retried twice: %v", err)
	}
	if d := abandoned(t, s); len(d) > 0 {
		t.Errorf("still abandoned: %+v", d)
	}
	again := begin(t, s, place.Session())
	if again.ID == turn.ID || again.Attempt != 1 || len(again.Inbound) != 2 {
		t.Fatalf("the turn is %+v", again)
	}
	if in := again.Inbound[1]; in.Text != "poison" || !in.Late || in.Target.Address != place || in.Target.Hook != "" || again.Inbound[0].Late {
		t.Errorf("it answers %+v", again.Inbound)
	}
	if fresh, err := s.Accept(t.Context(), said(place, "M1", "poison"), nil); fresh || err != nil {
		t.Errorf("delivered again: fresh %v, %v", fresh, err)
	}
}

// soonOver is a context that has ended when it is asked for the second time.
type soonOver struct {
	context.Context
	asked bool
}

func (c *soonOver) Err() error {
	if c.asked {
		return context.Canceled
	}
	c.asked = true
	return nil
}

func TestTheLargestTurnCanBeAbandonedAndRetried(t *testing.T) {
	s := openAt(t, t.TempDir(), Options{})
	for i := range agent.MaxTake {
		accept(t, s, said(place, fmt.Sprint("M", i), strings.Repeat("é", 15_000)+fmt.Sprint(i)))
	}
	turn := begin(t, s, place.Session())
	if len(turn.Inbound) != agent.MaxTake {
		t.Fatalf("%d messages", len(turn.Inbound))
	}
	if err := s.Abandon(t.Context(), turn, "too much"); err != nil {
		t.Fatal(err)
	}
	if d := abandoned(t, s); len(d) != 1 || len(d[0].Inbound) != agent.MaxTake {
		t.Fatalf("abandoned: %d", len(d))
	}
	if got := history(t, s, place); len(got) != agent.MaxTake+1 {
		t.Errorf("history has %d entries", len(got))
	}
	session, some, err := s.Retry(&soonOver{Context: t.Context()}, turn.ID)
	if !errors.Is(err, context.Canceled) || session != place.Session() || some == 0 || some == agent.MaxTake {
		t.Errorf("cut off: %d messages of %q, %v", some, session, err)
	}
	if _, n, err := s.Retry(t.Context(), turn.ID); err != nil || some+n != agent.MaxTake {
		t.Fatalf("%d and %d messages, %v", some, n, err)
	}
	again := begin(t, s, place.Session())
	if len(again.Inbound) != agent.MaxTake {
		t.Fatalf("%d messages again", len(again.Inbound))
	}
	for i, in := range again.Inbound {
		if !strings.HasSuffix(in.Text, "é"+fmt.Sprint(i)) {
			t.Fatalf("message %d is out of order", i)
		}
	}
}

func TestDamagedRecordsOfAbandonedTurnsAreListedAndRetried(t *testing.T) {
	s := openAt(t, t.TempDir(), Options{})
	accept(t, s, said(place, "M1", "one"))
	accept(t, s, said(place, "M2", "two"))
	turn := begin(t, s, place.Session())
	if err := s.Abandon(t.Context(), turn, "it crashed"); err != nil {
		t.Fatal(err)
	}
	err := s.update(func(txn *tx) error {
		return errors.Join(txn.Set(deadKey(turn.ID), []byte("{")), txn.Set(unansweredKey(turn.ID, 0), []byte("[")))
	})
	if err != nil {
		t.Fatal(err)
	}
	if d := abandoned(t, s); len(d) != 1 || d[0].ID != turn.ID || len(d[0].Inbound) != 1 || d[0].Why == "" {
		t.Errorf("abandoned: %+v", d)
	}
	if session, n, err := s.Retry(t.Context(), turn.ID); err != nil || session != place.Session() || n != 1 {
		t.Errorf("session %q, %v", session, err)
	}
	if again := begin(t, s, place.Session()); len(again.Inbound) != 1 || again.Inbound[0].Text != "two" {
		t.Errorf("the turn is %+v", again)
	}
}

func TestUnfinishedWorkIsListed(t *testing.T) {
	s := openAt(t, t.TempDir(), Options{})
	answered, running, waiting := place, place, place
	answered.Channel, running.Channel, waiting.Channel = "A", "R", "W"
	for _, at := range []agent.Address{answered, running, waiting} {
		accept(t, s, said(at, at.Channel+"1", "first in "+at.Channel))
		if at != waiting {
			turn := begin(t, s, at.Session())
			if at == answered {
				if err := s.Answer(t.Context(), turn, agent.Outcome{Kind: agent.Answered, Text: "x"}); err != nil {
					t.Fatal(err)
				}
			}
		}
		accept(t, s, said(at, at.Channel+"2", "second"))
	}
	talk(t, s, place, "M1", turnTime, "done")
	got := map[string]string{}
	for w, err := range s.Unfinished(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		if w.Since.IsZero() || w.Turn != "" != (w.Attempt == 1) {
			t.Errorf("work %+v", w)
		}
		a, _ := w.Session.Address()
		got[a.Channel] = fmt.Sprintf("turn %v, answered %v, %d, %s", w.Turn != "", w.Answered, w.Messages, w.First.Text)
	}
	want := map[string]string{
		"A": "turn true, answered true, 2, first in A",
		"R": "turn true, answered false, 2, first in R",
		"W": "turn false, answered false, 2, first in W",
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("unfinished: %v, want %v", got, want)
	}
}
