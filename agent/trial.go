package agent

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
)

// maxAttempts is how often a turn may fail, or be under way when the daemon dies, without
// getting on before it is given up.
const maxAttempts = 3

// trial waits until a turn may run that was under way each time when the daemon died, and
// did not get on. That may be bad luck: a machine that loses power, or another turn, takes
// all down that are under way. So its last attempt is one that tells: it begins when the
// daemon has lived for a while, so that whatever kills it does not do so anyhow, and
// nothing runs beside it. If the daemon dies before then, that is not held against it.
//
// Nothing is shown meanwhile, as showing may be what it dies of. A turn that is to end is
// on trial no more.
func (a *Agent) trial(ctx context.Context, t *Turn) (leave func(), err error) {
	a.Log.Warn("a turn was under way each time when the daemon died; it is tried alone", "session", t.Session, "turn", t.ID, "attempt", t.Attempt)
	a.pause(ctx, time.Until(a.settled))
	if a.isClosing() {
		return nil, ErrShutdown
	}
	leave, err = a.slots.enterTrial(ctx, t)
	if err != nil && !errors.Is(err, ErrShutdown) {
		return func() {}, nil
	}
	return leave, err
}

// enter waits until there is room for a turn. It is not held against the turn if the
// daemon dies meanwhile.
func (a *Agent) enter(ctx context.Context, t *Turn, reply Reply) (leave func(), err error) {
	waited := false
	leave, err = a.slots.enter(ctx, t, func() error {
		waited = true
		reply.Update(Update{Text: t.text(), Status: "waiting for other answers to finish"})
		if err := lastly(ctx, func(ctx context.Context) error { return a.Store.Suspend(ctx, t) }); err != nil {
			return fmt.Errorf("%w: journal that a turn waits: %w", errStore, err)
		}
		return nil
	})
	if err != nil || !waited {
		return leave, err
	}
	if err := a.goOn(ctx, t); err != nil {
		leave()
		return nil, err
	}
	return leave, nil
}

func (a *Agent) goOn(ctx context.Context, t *Turn) error {
	if err := lastly(ctx, func(ctx context.Context) error { return a.Store.Resume(ctx, t) }); err != nil {
		return fmt.Errorf("%w: journal that a turn goes on: %w", errStore, err)
	}
	return nil
}

// givenUp is the outcome of a turn that was not answered in [maxAttempts].
func givenUp(t *Turn) *Outcome {
	return &Outcome{
		Kind:    Failed,
		Text:    strings.TrimSpace(t.text()),
		Usage:   t.usage(),
		Steps:   t.steppedSoFar(),
		Notice:  "I tried to answer this several times and failed each time, so I gave up. Please ask again, perhaps in other words.",
		GivenUp: fmt.Sprintf("it failed or was cut off %d times", maxAttempts),
	}
}

// unshown is the outcome of a turn whose answer brings the daemon down when it is shown.
func unshown(t *Turn) *Outcome {
	o := t.Outcome
	return &Outcome{
		Kind: Failed, Usage: o.Usage, Model: o.Model, Steps: o.Steps, Took: o.Took,
		Notice:  "I have an answer, but I failed each time when I tried to show it, so I gave up. My admin can read it.",
		GivenUp: fmt.Sprintf("the daemon died %d times when it showed the answer", maxAttempts),
		Unshown: strings.TrimSpace(o.Text + "\n\n" + o.Notice),
	}
}

// suspect reports whether the worker's turn has to be on trial.
func (w *worker) suspect() bool { return w.deaths == maxAttempts-1 }

// hopeless reports whether even to tell people that a turn is given up has brought the
// daemon down.
func (w *worker) hopeless(t *Turn) bool {
	return w.deaths >= 2*maxAttempts || w.deaths >= maxAttempts && t.Outcome != nil && t.Outcome.GivenUp != ""
}
