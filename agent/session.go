package agent

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"time"
)

// maxAttempts is how often a turn is taken up before it is given up: something in it
// brings the daemon down or cannot be finished.
const maxAttempts = 3

// lastWords bounds the writes that end a turn, which outlive its cancellation.
const lastWords = 10 * time.Second

// wake makes sure that a worker will look at the session's inbox after this moment.
func (a *Agent) wake(s SessionID) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.running == nil || a.isClosing() {
		return // it stays in the store for the next Run
	}
	if w := a.live[s]; w != nil {
		w.again = true
		return
	}
	w := &worker{}
	a.live[s] = w
	a.workers.Go(func() { a.work(a.running, s, w) })
}

// work is a session's goroutine: turn after turn until there is nothing to do.
func (a *Agent) work(ctx context.Context, s SessionID, w *worker) {
	failures := 0
	for {
		busy, err := a.next(ctx, s)
		switch {
		case err != nil && ctx.Err() == nil && !a.isClosing():
			failures++
			a.Log.Error("a turn could not be finished and is taken up again", "session", s, "failures", failures, "error", err)
			a.pause(ctx, min(time.Second<<min(failures, 6), time.Minute))
		case err == nil && busy:
			failures = 0
		case a.retire(s, w, err != nil):
			return
		}
	}
}

// retire ends the worker, unless the session was woken meanwhile.
func (a *Agent) retire(s SessionID, w *worker, stopping bool) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if w.again && !stopping && !a.isClosing() {
		w.again = false
		return false
	}
	delete(a.live, s)
	return true
}

func (a *Agent) isClosing() bool {
	select {
	case <-a.closing:
		return true
	default:
		return false
	}
}

// pause waits for d or until the agent stops.
func (a *Agent) pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-a.closing:
	case <-ctx.Done():
	}
}

// next runs the session's next turn from where the journal has it to its end. It
// reports whether there was one. After an error the turn is still in the journal.
func (a *Agent) next(ctx context.Context, s SessionID) (busy bool, err error) {
	if a.isClosing() {
		return false, nil
	}
	t, err := a.Store.Begin(ctx, s)
	if err != nil || t == nil {
		return false, err
	}
	began := time.Now()
	a.Observer.TurnBegan(t)
	err = a.deliver(ctx, t)
	a.Observer.TurnEnded(t, time.Since(began), err)
	if errors.Is(context.Cause(ctx), ErrShutdown) && err != nil {
		last, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastWords)
		defer cancel()
		return true, errors.Join(err, a.Store.Suspend(last, t))
	}
	return true, err
}

// deliver takes a turn from running to answered to delivered. A panic in it is an
// error, so that it ends this turn's attempt and nothing else.
func (a *Agent) deliver(ctx context.Context, t *Turn) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("turn %s panicked: %v\n%s", t.ID, p, debug.Stack())
		}
	}()
	reply, err := a.Replies.Open(ctx, t, func(ctx context.Context, p Part) error { return a.Store.RecordPart(ctx, t, p) })
	if err != nil {
		return fmt.Errorf("open reply: %w", err)
	}
	defer reply.Close()

	if t.Outcome == nil {
		o, err := a.outcome(ctx, t, reply)
		if err != nil {
			return err
		}
		if err := a.Store.Answer(ctx, t, o); err != nil {
			return fmt.Errorf("journal the answer: %w", err)
		}
		t.Outcome = &o
	}
	if err := reply.Finish(ctx, *t.Outcome); err != nil {
		if !errors.Is(err, ErrUndeliverable) && t.Attempt <= 2*maxAttempts {
			return fmt.Errorf("deliver the answer: %w", err)
		}
		a.Log.Warn("an answer could not be delivered; it is kept in the transcript", "session", t.Session, "turn", t.ID, "error", err)
	}
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastWords)
	defer cancel()
	if err := a.Store.Commit(last, t, t.transcript()); err != nil {
		return fmt.Errorf("commit the turn: %w", err)
	}
	return nil
}

// outcome answers the turn, unless it has failed too often already.
func (a *Agent) outcome(ctx context.Context, t *Turn, reply Reply) (Outcome, error) {
	if t.Attempt <= maxAttempts {
		return a.answer(ctx, t, reply)
	}
	a.Log.Error("a turn is given up", "session", t.Session, "turn", t.ID, "attempts", t.Attempt)
	return Outcome{
		Kind:   Failed,
		Text:   t.text(),
		Notice: "I tried to answer this several times and failed each time, so I gave up. Please ask again, perhaps in other words.",
	}, nil
}
