package discord

import (
	"context"
	"fmt"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

const (
	// accountCalls is how many calls Discord takes from an account in accountPeriod, which
	// is a second and what calls may come closer together on their way.
	accountCalls  = 50
	accountPeriod = time.Second + 50*time.Millisecond
	// spareWait is when a call that was left out may be made.
	spareWait = time.Second
)

// turnstile keeps the calls of all kinds within Discord's limit on an account. Those that
// are neither Post nor Edit have no budget that anybody keeps, and get four fifths of it at most.
type turnstile struct {
	others *rate.Limiter

	mu   sync.Mutex
	past []time.Time // the newest calls, and those that wait
}

func newTurnstile() *turnstile {
	return &turnstile{others: rate.NewLimiter(accountCalls*4/5, 10)}
}

// pass waits until c may be made.
func (t *turnstile) pass(ctx context.Context, c call) error {
	switch {
	case c.hook:
		return nil
	case c.paced():
	case c.spare:
		if !t.others.Allow() {
			return late(spareWait, false, true, fmt.Errorf("%s: there are many calls", c.what))
		}
	default:
		if err := t.others.Wait(ctx); err != nil {
			return fmt.Errorf("%s: wait for others: %w", c.what, err)
		}
	}
	wait := t.place()
	if wait <= 0 {
		return nil
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("%s: wait for others: %w", c.what, context.Cause(ctx))
	}
}

// place counts a call and returns how long it has to wait.
func (t *turnstile) place() time.Duration {
	t.mu.Lock()
	defer t.mu.Unlock()
	at := time.Now()
	if len(t.past) == accountCalls {
		if free := t.past[0].Add(accountPeriod); free.After(at) {
			at = free
		}
		t.past = t.past[1:]
	}
	t.past = append(t.past, at)
	return time.Until(at)
}
