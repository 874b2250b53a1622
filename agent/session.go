package agent

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"strings"
	"time"
)

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

// work is a session's goroutine: turn after turn until there is nothing to do. Thousands of
// them may wait for a model, each with a stack from here to there. What is large goes by its
// pointer on that way, so that 8 KiB are enough.
func (a *Agent) work(ctx context.Context, s SessionID, w *worker) {
	failures := 0
	for {
		busy, err := a.next(ctx, s, w)
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

// isRunning reports whether new turns begin.
func (a *Agent) isRunning() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.running != nil && !a.isClosing()
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
func (a *Agent) next(ctx context.Context, s SessionID, w *worker) (busy bool, err error) {
	if a.isClosing() {
		return false, nil
	}
	t, err := a.Store.Begin(ctx, s)
	if err != nil || t == nil {
		return false, err
	}
	w.deaths = t.Attempt - 1
	t.Attempt += w.failed
	steps, answered := len(t.Entries), t.Outcome != nil
	began := time.Now()
	a.Observer.TurnBegan(t)
	running, end := context.WithCancelCause(ctx)
	defer end(nil)
	ended := a.begins(w, t, end)
	err = a.attempt(ctx, running, w, t)
	ended()
	a.Observer.TurnEnded(t, time.Since(began), err)
	switch {
	case err == nil, errors.Is(err, errAnew):
		w.failed = 0
		return true, nil
	case len(t.Entries) > steps, w.over && !answered:
		w.failed = 0 // it has got on
	}
	w.failed++
	// What the process survives is counted by the worker.
	away := errors.Is(err, ErrAway)
	err = errors.Join(err, lastly(ctx, func(ctx context.Context) error { return a.Store.Suspend(ctx, t) }))
	if away {
		a.Log.Warn("a turn waits for its platform to be on again", "session", s, "turn", t.ID, "error", err)
		return false, nil
	}
	return true, err
}

// attempt takes a turn up. One that the daemon has died of, perhaps, is on trial. A panic
// is an error, so that it ends this attempt and nothing else.
func (a *Agent) attempt(ctx, running context.Context, w *worker, t *Turn) (err error) {
	defer recovered(&err)
	w.leave = nil
	if t.Revised { // and the daemon ended before it could begin anew
		return a.rewind(ctx, t)
	}
	if w.hopeless(t) {
		return a.abandon(ctx, t, "even to say that it is given up brought the daemon down")
	}
	if w.suspect() {
		leave, err := a.trial(running, t)
		if err != nil {
			return err
		}
		w.leave = leave
		defer leave()
	}
	if t.Suspended {
		if err := a.goOn(ctx, t); err != nil {
			return err
		}
	}
	return a.deliver(ctx, running, w, t)
}

// errAnew ends an attempt at a turn that was rewound.
var errAnew = errors.New("the turn begins anew")

// deliver takes a turn from running to answered to delivered. The answer is worked on
// while running lasts, which people can end; ctx is the worker's.
func (a *Agent) deliver(ctx, running context.Context, w *worker, t *Turn) error {
	reply, err := a.open(ctx, t)
	if err != nil {
		if !w.final(err) {
			return fmt.Errorf("open reply: %w", err)
		}
		t.Outcome = cmp.Or(t.Outcome, &Outcome{Kind: Failed, Text: strings.TrimSpace(t.text()), Notice: "This could not be answered: there was no place to show an answer."})
		return a.abandon(ctx, t, "there is no place to show an answer: "+err.Error())
	}
	defer reply.Close()

	o := t.Outcome
	switch {
	case o != nil && w.deaths >= maxAttempts:
		o = unshown(t)
		if err := a.journalAnswer(ctx, t, o); err != nil {
			return err
		}
	case o != nil && w.leave != nil:
		defer time.AfterFunc(aloneFor, w.leave).Stop() // a platform that is away may hold it up for long
	case o == nil:
		o, err = a.outcome(running, w, t, reply)
		switch cause := context.Cause(running); {
		case err == nil:
		case errors.Is(cause, ErrRevised), errors.Is(cause, errInterrupted):
			reply.Close() // or it could still journal how much it shows of what is void
			return a.rewind(ctx, t)
		case !errors.Is(cause, ErrStopped):
			return errors.Join(err, a.pausedSign(ctx, t, reply, o.Text))
		default:
			o = stopped(t, o.Text)
		}
		if err := a.journalAnswer(ctx, t, o, firstPart(reply, o)...); err != nil {
			return err
		}
		a.answered(w)
	}
	if err := finish(ctx, reply, t, o); err != nil {
		if !w.final(err) || errors.Is(context.Cause(ctx), ErrShutdown) && !errors.Is(err, ErrUndeliverable) {
			return fmt.Errorf("deliver the answer: %w", err)
		}
		t.Outcome = o
		return a.abandon(ctx, t, "the answer could not be delivered: "+err.Error())
	}
	if errors.Is(context.Cause(running), ErrRevised) {
		return a.rewind(ctx, t)
	}
	t.Outcome = o
	if o.GivenUp != "" {
		return a.abandon(ctx, t, o.GivenUp)
	}
	err = a.commit(ctx, t)
	if errors.Is(err, ErrRevised) { // just now
		return a.rewind(ctx, t)
	}
	return err
}

// firstPart returns the message that an outcome begins with, if that is still to be journaled.
func firstPart(reply Reply, o *Outcome) []Part {
	if o.Kind == Withdrawn { // nothing will be shown
		return nil
	}
	if p, ok := reply.First(); ok {
		return []Part{p}
	}
	return nil
}

func (a *Agent) journalAnswer(ctx context.Context, t *Turn, o *Outcome, parts ...Part) error {
	if err := lastly(ctx, func(ctx context.Context) error { return a.Store.Answer(ctx, t, *o, parts...) }); err != nil {
		return fmt.Errorf("journal the answer: %w", err)
	}
	return nil
}

// rewind has the turn begin anew, with all that waits if that is wanted. The messages of
// its reply stay and are written to again.
func (a *Agent) rewind(ctx context.Context, t *Turn) error {
	err := lastly(ctx, func(ctx context.Context) error { return a.Store.Rewind(ctx, t) })
	if err == nil && a.WhileBusy == Interrupt {
		err = lastly(ctx, func(ctx context.Context) error {
			_, err := a.Store.Take(ctx, t, nil)
			return err
		})
	}
	if err != nil {
		return fmt.Errorf("begin a turn anew: %w", err)
	}
	return errAnew
}

// stopped is the outcome of a turn that somebody has stopped.
func stopped(t *Turn, soFar string) *Outcome {
	return &Outcome{
		Kind: Stopped, Text: strings.TrimSpace(soFar), Notice: "Stopped.",
		Usage: t.usage(), Steps: t.steppedSoFar(), Took: time.Since(t.Began),
	}
}

// pausedSign leaves word in the reply of a turn that is cut off by a stop of the daemon,
// so that nobody waits before an answer that seems to be writing.
func (a *Agent) pausedSign(ctx context.Context, t *Turn, reply Reply, soFar string) error {
	if !errors.Is(context.Cause(ctx), ErrShutdown) {
		return nil
	}
	err := lastly(ctx, func(ctx context.Context) error {
		return finish(ctx, reply, t, &Outcome{Kind: Paused, Text: strings.TrimSpace(soFar), Notice: "I am being restarted and go on here as soon as I am back."})
	})
	if err != nil {
		return fmt.Errorf("leave word that the turn goes on later: %w", err)
	}
	return nil
}

// final reports whether a turn whose reply fails with err is not tried again.
func (w *worker) final(err error) bool {
	return errors.Is(err, ErrUndeliverable) || w.failed >= 2*maxAttempts
}

func (a *Agent) open(ctx context.Context, t *Turn) (reply Reply, err error) {
	defer recovered(&err)
	return a.Replies.Open(ctx, t, journal{a.Store, t})
}

// journal is a turn's.
type journal struct {
	store Store
	turn  *Turn
}

func (j journal) Record(ctx context.Context, p Part) error { return j.store.RecordPart(ctx, j.turn, p) }
func (j journal) Settle(ctx context.Context) error         { return j.store.Settle(ctx, j.turn) }

func finish(ctx context.Context, reply Reply, t *Turn, o *Outcome) (err error) {
	defer recovered(&err)
	return reply.Finish(ctx, t.withMade(*o))
}

func (a *Agent) commit(ctx context.Context, t *Turn) error {
	err := lastly(ctx, func(ctx context.Context) error { return a.Store.Commit(ctx, t, t.Transcript()) })
	if err != nil {
		return fmt.Errorf("commit the turn: %w", err)
	}
	return nil
}

// abandon sets the turn aside, so that its session goes on without it.
func (a *Agent) abandon(ctx context.Context, t *Turn, why string) error {
	a.Log.Error("a turn is set aside; “bobbin turns” lists it", "session", t.Session, "turn", t.ID, "why", why)
	if err := lastly(ctx, func(ctx context.Context) error { return a.Store.Abandon(ctx, t, why) }); err != nil {
		return fmt.Errorf("set the turn aside: %w", err)
	}
	t.Abandoned = true
	return nil
}

// lastly runs a write that ends something, even though ctx may have ended.
func lastly(ctx context.Context, write func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastWords)
	defer cancel()
	return write(ctx)
}

// recovered makes a panic an error.
func recovered(err *error) {
	if p := recover(); p != nil {
		*err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
	}
}

// outcome answers the turn, unless it has failed too often already. With an error it returns
// how far the text has come.
func (a *Agent) outcome(ctx context.Context, w *worker, t *Turn, reply Reply) (*Outcome, error) {
	switch {
	case t.Withdrawn():
		return &Outcome{Kind: Withdrawn}, nil
	case w.deaths >= maxAttempts, w.failed >= maxAttempts:
		a.Log.Error("a turn is given up", "session", t.Session, "turn", t.ID, "attempts", t.Attempt)
		return givenUp(t), nil
	}
	leave := w.leave
	if leave == nil {
		var err error
		if leave, err = a.enter(ctx, t, reply); err != nil {
			return &Outcome{Text: t.text()}, err
		}
	}
	defer leave()
	return a.answer(ctx, w, t, reply)
}
