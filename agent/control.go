package agent

import (
	"context"
	"errors"
	"fmt"
	"slices"
)

// Compact is the Inbound.Command that has the model sum up the session, which goes on
// with the summary alone.
const Compact = "compact"

// Busy says what becomes of messages that arrive while their session has a turn running.
type Busy string

// The ways to deal with them.
const (
	Queue     Busy = "queue"     // they are the next turn's
	Interrupt Busy = "interrupt" // the turn begins anew and answers them as well
	Steer     Busy = "steer"     // the model is told of them before its next step
)

var (
	// ErrStopped is the cause of a turn's context when somebody has stopped it.
	ErrStopped = errors.New("the turn was stopped")
	// ErrRevised and errInterrupted are the causes of a turn's context when it has to begin
	// anew, because what it answers has changed, or is more than it was. A Store's Commit
	// returns the first if the turn has not begun anew since the change.
	ErrRevised     = errors.New("what the turn answers was changed")
	errInterrupted = errors.New("more has come for the turn to answer")
)

// ErrPast refuses to touch a turn that is not the session's newest any more.
var ErrPast error = pastError{}

type pastError struct{}

func (pastError) Error() string { return "the turn is not the session's newest" }
func (pastError) Public() string {
	return "The conversation has gone on since, so I leave that answer as it is. Ask me again instead."
}

// ErrForbidden refuses to let somebody act on an answer that was not for them.
var ErrForbidden error = forbiddenError{}

type forbiddenError struct{}

func (forbiddenError) Error() string { return "the turn is somebody else's" }
func (forbiddenError) Public() string {
	return "Only the person I was answering can do that, or an admin."
}

// May decides whether somebody may act on a turn that answers these messages.
type May func(in []Inbound) bool

// Running returns the turn that the session is working on, if any. One whose answer is
// complete and only has to be shown is none: whoever writes now hardly waits for it.
func (a *Agent) Running(s SessionID) (TurnID, bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if w := a.live[s]; w != nil && w.turn != nil && !w.over {
		return w.turn.ID, true
	}
	return "", false
}

// Stop ends a running turn as it is. It reports false if the session has no such turn, in
// the sense of Running; an empty id stands for any. Messages that wait are answered all the
// same.
func (a *Agent) Stop(s SessionID, id TurnID, may May) (bool, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	w := a.live[s]
	if w == nil || w.turn == nil || w.over || id != "" && w.turn.ID != id {
		return false, nil
	}
	if !may(w.asked) {
		return false, ErrForbidden
	}
	w.end(ErrStopped)
	return true, nil
}

// Again answers the session's newest turn once more, in the same place. An empty id
// stands for the newest, whichever it is. It fails with [ErrPast] if id is not that one
// or if another turn runs. One that is being answered already needs nothing: people press
// twice.
func (a *Agent) Again(ctx context.Context, s SessionID, id TurnID, may May) error {
	t, err := a.Store.Last(ctx, s)
	switch {
	case err != nil:
		return fmt.Errorf("look for the turn: %w", err)
	case t == nil && id != "":
		return a.answers(s, id, may)
	case t == nil || id != "" && t.ID != id:
		return ErrPast
	case !may(t.Inbound):
		return ErrForbidden
	}
	return a.reopen(ctx, t)
}

func (a *Agent) reopen(ctx context.Context, t *Turn) error {
	done, err := a.Store.Reopen(ctx, t)
	switch {
	case err != nil:
		return fmt.Errorf("answer once more: %w", err)
	case !done:
		return ErrPast
	}
	a.Observer.Reopened(t)
	a.wake(t.Session)
	a.mu.Lock()
	defer a.mu.Unlock()
	if w := a.live[t.Session]; w != nil && w.turn == nil {
		w.reopened = t
	}
	return nil
}

// answers returns nil if the session's turn under way, or about to be, is that one, and
// otherwise why nothing can be done for it.
func (a *Agent) answers(s SessionID, id TurnID, may May) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	var now TurnID
	var asked []Inbound
	switch w := a.live[s]; {
	case w == nil:
	case w.turn != nil:
		now, asked = w.turn.ID, w.asked
	case w.reopened != nil:
		now, asked = w.reopened.ID, w.reopened.Inbound
	}
	switch {
	case now != id:
		return ErrPast
	case !may(asked):
		return ErrForbidden
	}
	return nil
}

// Revise follows a message that its author has changed, or withdrawn, after it was
// submitted. One that is being answered, or was answered by the session's newest turn, is
// answered anew in the same place; if nothing is left to answer, the answer is taken
// away. It reports false for a message that it cannot follow.
func (a *Agent) Revise(ctx context.Context, s SessionID, m MessageID, text string, withdrawn bool) (bool, error) {
	turn, found, err := a.Store.Revise(ctx, s, m, text, withdrawn)
	if err != nil {
		return false, fmt.Errorf("follow a change: %w", err)
	}
	if found {
		if turn != "" {
			a.anew(s, turn)
		}
		return true, nil
	}
	t, err := a.Store.Last(ctx, s)
	if err != nil || t == nil {
		return false, err
	}
	i := slices.IndexFunc(t.Inbound, func(in Inbound) bool { return in.MessageID == m })
	if i < 0 || !withdrawn && t.Inbound[i].Text == text {
		return false, nil
	}
	if t.Inbound[i].Withdrawn = withdrawn; !withdrawn {
		t.Inbound[i].Text = text
	}
	if err := a.reopen(ctx, t); err != nil && !errors.Is(err, ErrPast) {
		return false, err
	}
	return err == nil, nil
}

// anew has a running turn begin anew, or one that is just about to run.
func (a *Agent) anew(s SessionID, id TurnID) {
	a.mu.Lock()
	defer a.mu.Unlock()
	w := a.live[s]
	switch {
	case w == nil:
	case w.turn == nil:
		w.revised = id
	case w.turn.ID == id:
		w.end(ErrRevised)
	}
}

// arrived tells a session's worker of a message that came while it runs a turn.
func (a *Agent) arrived(s SessionID) {
	a.mu.Lock()
	defer a.mu.Unlock()
	w := a.live[s]
	if w == nil || w.turn == nil {
		return
	}
	w.more = true
	if a.WhileBusy == Interrupt {
		w.end(errInterrupted)
	}
}

// begins notes the turn that a worker runs from now on. ended is to be called after it.
func (a *Agent) begins(w *worker, t *Turn, end context.CancelCauseFunc) (ended func()) {
	a.mu.Lock()
	defer a.mu.Unlock()
	w.turn, w.asked, w.end, w.more, w.over = t, slices.Clone(t.Inbound), end, false, t.Outcome != nil
	if w.revised == t.ID {
		end(ErrRevised)
	}
	w.revised, w.reopened = "", nil
	return func() {
		a.mu.Lock()
		defer a.mu.Unlock()
		w.turn, w.asked, w.end = nil, nil, nil
	}
}

// answered notes that the answer of the worker's turn is complete.
func (a *Agent) answered(w *worker) {
	a.mu.Lock()
	defer a.mu.Unlock()
	w.over = true
}

// newcomers reports, once for each time, whether messages have arrived for the turn.
func (a *Agent) newcomers(w *worker) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	more := w.more
	w.more = false
	return more
}
