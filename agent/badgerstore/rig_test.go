package badgerstore

import (
	"context"
	"crypto/rand"
	"testing"
	"time"

	"bobbin/agent"
)

var place = agent.Address{Platform: "slack", Workspace: "T1", Channel: "C1", Thread: "1.1"}

func openAt(t testing.TB, dir string, o Options) *Store {
	t.Helper()
	s, err := Open(dir, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return s
}

func said(at agent.Address, id, text string) agent.Inbound {
	return agent.Inbound{
		MessageID: agent.MessageID(id), Target: agent.Target{Address: at, Hook: "bearer-secret"},
		Author: agent.Author{ID: "U1"}, Text: text, Sent: time.Now(),
	}
}

func accept(t testing.TB, s *Store, in agent.Inbound) {
	t.Helper()
	if fresh, err := s.Accept(t.Context(), in, nil); err != nil || !fresh {
		t.Fatalf("accept %s: fresh %v, %v", in.MessageID, fresh, err)
	}
}

func begin(t testing.TB, s *Store, id agent.SessionID) *agent.Turn {
	t.Helper()
	turn, err := s.Begin(t.Context(), id)
	if err != nil || turn == nil {
		t.Fatalf("begin in %s: %v, %v", id, turn, err)
	}
	return turn
}

// talk has a turn in which text is said and answered with each of the answers.
func talk(t testing.TB, s *Store, at agent.Address, id string, said1 time.Time, answers ...string) {
	t.Helper()
	accept(t, s, said(at, id, "say "+id))
	es := make([]agent.Entry, len(answers))
	for i, a := range answers {
		es[i] = agent.Entry{Role: agent.RoleAssistant, At: said1, Text: a}
	}
	if err := s.Commit(t.Context(), begin(t, s, at.Session()), es); err != nil {
		t.Fatal(err)
	}
}

// history is what a new turn in the place knows of it. The turn ends without a trace.
func history(t testing.TB, s *Store, at agent.Address) (texts []string) {
	t.Helper()
	accept(t, s, said(at, "look "+rand.Text(), "look"))
	turn := begin(t, s, at.Session())
	es, err := s.History(t.Context(), turn, 1<<30)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Commit(context.WithoutCancel(t.Context()), turn, nil); err != nil {
		t.Fatal(err)
	}
	for _, e := range es {
		texts = append(texts, e.Text)
	}
	return texts
}
