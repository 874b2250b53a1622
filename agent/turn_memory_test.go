package agent

import (
	"context"
	"iter"
	"runtime"
	"testing"
	"weak"
)

// lender is a Store and a Model that tell whether what they gave and got is still held.
type lender struct {
	Store
	history, window weak.Pointer[Entry]
	held            []string
}

func (l *lender) History(context.Context, *Turn, int) ([]Entry, error) {
	es := []Entry{{Role: RoleUser, Text: "Tell me something."}, {Role: RoleAssistant, Text: "Something."}}
	l.history = weak.Make(&es[0])
	return es, nil
}

func (l *lender) Stream(_ context.Context, r Request) iter.Seq2[Chunk, error] {
	l.window = weak.Make(&r.Messages[0])
	return func(yield func(Chunk, error) bool) {
		if !yield(Chunk{Text: "Well,"}, nil) {
			return
		}
		runtime.GC()
		if l.history.Value() != nil {
			l.held = append(l.held, "the history")
		}
		if l.window.Value() != nil {
			l.held = append(l.held, "the window")
		}
		yield(Chunk{Text: " yes.", Finish: FinishStop}, nil)
	}
}

func TestNobodyHoldsTheWindowWhileAnAnswerStreams(t *testing.T) {
	l := new(lender)
	a, err := New(Options{Store: l, Model: l, Replies: struct{ Replies }{}})
	if err != nil {
		t.Fatal(err)
	}
	r := &turn{Agent: a, Turn: &Turn{Inbound: []Inbound{{Text: "and now?"}}}, reply: unseen{}}
	if said, _, err := r.ask(t.Context(), false); err != nil || said.Text != "Well, yes." {
		t.Fatal(said, err)
	}
	if l.held != nil {
		t.Errorf("held while the answer streams: %q", l.held)
	}
}
