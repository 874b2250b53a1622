package agent

import (
	"context"
	"iter"
	"testing"
)

// BenchmarkAsk takes an answer of 40 tokens from a model to a reply, both of which do
// nothing, in a session that has said little.
func BenchmarkAsk(b *testing.B) {
	var s said
	for range 5 {
		s.entries = append(s.entries, Entry{Role: RoleUser, Text: "Tell me something.", Author: &Author{ID: "U1", Name: "Ada"}}, Entry{Role: RoleAssistant, Text: "Something ordinary, in a sentence or two, that ends."})
	}
	a, err := New(Options{Store: s, Model: parrot{}, Replies: struct{ Replies }{}})
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		r := &turn{Agent: a, Turn: &Turn{}, reply: unseen{}}
		if _, _, err := r.ask(b.Context(), false, Entry{Role: RoleUser, Text: "and now?"}); err != nil {
			b.Fatal(err)
		}
	}
}

// said is a Store with something in it to read.
type said struct {
	Store
	entries []Entry
}

func (s said) History(context.Context, *Turn, int) ([]Entry, error) { return s.entries, nil }

// parrot is a Model that says one word all the time.
type parrot struct{}

func (parrot) Stream(context.Context, Request) iter.Seq2[Chunk, error] {
	return func(yield func(Chunk, error) bool) {
		for range 40 {
			if !yield(Chunk{Text: " something"}, nil) {
				return
			}
		}
		yield(Chunk{Finish: FinishStop}, nil)
	}
}

// unseen is a Reply that nobody sees.
type unseen struct{}

func (unseen) Update(Update)                         {}
func (unseen) First() (Part, bool)                   { return Part{}, false }
func (unseen) Finish(context.Context, Outcome) error { return nil }
func (unseen) Close()                                {}
