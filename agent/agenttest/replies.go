package agenttest

import (
	"context"
	"slices"
	"sync"

	"bobbin/agent"
)

// Replies are an agent.Replies that remember what they were to show. Like a real one, a
// reply posts a message, journaled before and after, unless the turn has one already.
type Replies struct {
	// OnOpen and OnFinish may fail, block or panic. They may be nil, and must not be
	// changed while an agent runs.
	OnOpen   func(ctx context.Context, t *agent.Turn) error
	OnFinish func(ctx context.Context, t *agent.Turn, o agent.Outcome) error

	mu    sync.Mutex
	shown []*Shown
}

// Shown is what one attempt at a turn showed.
type Shown struct {
	Turn    agent.Turn // as it was when the reply was opened
	Updates []agent.Update
	Outcome *agent.Outcome // nil unless Finish succeeded
	Closed  bool
}

// All returns a copy of what was shown so far, one for each attempt, in the order in
// which they were opened.
func (r *Replies) All() []Shown {
	r.mu.Lock()
	defer r.mu.Unlock()
	all := make([]Shown, len(r.shown))
	for i, s := range r.shown {
		all[i] = *s
		all[i].Updates = slices.Clone(s.Updates)
	}
	return all
}

// Finished returns those that came to their end, which a turn that is paused has not.
func (r *Replies) Finished() []Shown {
	return slices.DeleteFunc(r.All(), func(s Shown) bool { return s.Outcome == nil || s.Outcome.Kind == agent.Paused })
}

// Open implements agent.Replies.
func (r *Replies) Open(ctx context.Context, t *agent.Turn, j agent.Journal) (agent.Reply, error) {
	s := &Shown{Turn: *t}
	r.mu.Lock()
	r.shown = append(r.shown, s)
	r.mu.Unlock()
	if r.OnOpen != nil {
		if err := r.OnOpen(ctx, t); err != nil {
			return nil, err
		}
	}
	if len(t.Parts) == 0 {
		key := string(t.ID) + "-001"
		for _, p := range []agent.Part{{Key: key}, {Key: key, ID: agent.MessageID("posted-" + key)}} {
			if err := j.Record(ctx, p); err != nil {
				return nil, err
			}
		}
	}
	return &reply{replies: r, turn: t, journal: j, shown: s}, nil
}

type reply struct {
	replies *Replies
	turn    *agent.Turn
	journal agent.Journal
	shown   *Shown
}

// Update implements agent.Reply.
func (r *reply) Update(u agent.Update) {
	r.replies.mu.Lock()
	defer r.replies.mu.Unlock()
	r.shown.Updates = append(r.shown.Updates, u)
}

// First implements agent.Reply: what the reply begins with is journaled when it is opened.
func (r *reply) First() (agent.Part, bool) { return agent.Part{}, false }

// Finish implements agent.Reply.
func (r *reply) Finish(ctx context.Context, o agent.Outcome) error {
	if err := r.journal.Settle(ctx); err != nil {
		return err
	}
	if f := r.replies.OnFinish; f != nil {
		if err := f(ctx, r.turn, o); err != nil {
			return err
		}
	}
	if err := context.Cause(ctx); err != nil {
		return err
	}
	r.replies.mu.Lock()
	defer r.replies.mu.Unlock()
	r.shown.Outcome = &o
	return nil
}

// Close implements agent.Reply.
func (r *reply) Close() {
	r.replies.mu.Lock()
	defer r.replies.mu.Unlock()
	r.shown.Closed = true
}
