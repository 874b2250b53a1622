package reply

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime/debug"
	"time"

	"bobbin/agent"
	"bobbin/bots"
)

// show makes the platform show what is wanted, one call at a time, until the outcome
// stands or ctx ends. A panic of the platform's ends this reply only.
func (l *live) show(ctx context.Context) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("show a reply: panic: %v\n%s", p, debug.Stack())
		}
	}()
	failures := 0
	for {
		if l.stays() {
			return nil
		}
		pages, complete := l.wanted()
		if complete {
			l.repost()
		}
		i := l.next(pages)
		surplus := &l.left
		if len(l.parts) > len(pages) {
			surplus = &l.parts
		}
		if complete && i < 0 && len(*surplus) == 0 {
			l.unmark()
			return l.refusal // nil, unless a sentence stands for an answer that may not
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		var err error
		switch {
		case i >= 0:
			err = l.step(ctx, i, complete, pages[i].File)
		case complete:
			err = l.trim(ctx, surplus, failures)
		default:
			l.rest(ctx)
		}
		switch late := (*bots.RetryAfterError)(nil); {
		case err == nil:
			failures = 0
		case errors.Is(err, agent.ErrUndeliverable):
			return err
		case errors.Is(err, bots.ErrRejected) && failures >= maxRejections:
			if l.refusal != nil {
				return l.refusal
			}
			l.log.Error("the platform refuses an answer; a sentence stands for it", "error", err)
			l.refusal = fmt.Errorf("%w: %w", agent.ErrUndeliverable, err)
			failures = 0
		case errors.As(err, &late):
			l.log.Debug("the platform asks to wait", "after", late.After, "error", err)
			pause(ctx, late.After)
		case ctx.Err() == nil:
			failures++
			l.log.Warn("a message of a reply could not be shown and is tried again", "failures", failures, "error", err)
			pause(ctx, backoff(failures))
		}
	}
}

// repost has the complete answer stand in messages of its own. Those that it was streamed
// to go once it does.
func (l *live) repost() {
	l.mu.Lock()
	answered := l.outcome.Kind == agent.Answered
	l.mu.Unlock()
	if l.Repost && answered && !l.reposted {
		l.left, l.parts, l.reposted = append(l.left, l.parts...), nil, true
	}
}

// next finds the first message that is not as it should be: -1 for none. Messages beyond
// the wanted ones are left from an attempt that had got further; they are removed at the
// end only, since the text may grow into them again.
func (l *live) next(pages []bots.Message) int {
	for i, want := range pages {
		if i >= len(l.parts) || !l.parts[i].shows(want) {
			return i
		}
	}
	return -1
}

// rest waits for something new.
func (l *live) rest(ctx context.Context) {
	select {
	case <-l.changed:
	case <-ctx.Done():
	}
}

// step brings message i up to date, as far as one call can.
func (l *live) step(ctx context.Context, i int, complete bool, file *bots.Upload) error {
	rate, u, call := l.budget.Edit, stale, l.edit
	if i >= len(l.parts) || l.parts[i].ID == "" {
		if ready, err := l.prepare(ctx, i, file); !ready || err != nil {
			return err
		}
		rate, call = l.budget.Post, l.post
		if i == 0 {
			u = first
		}
	}
	if complete {
		u = final
	}
	return l.paced(ctx, rate, u, i, call)
}

// paced waits for the budget and then makes call for message i, with the text as it is
// at that moment. Being asked to wait is no error: it holds up all who share the budget.
func (l *live) paced(ctx context.Context, rate bots.Rate, u urgency, i int, call func(context.Context, int, bots.Message) error) error {
	w, err := l.queue(ctx, rate, u)
	if err != nil {
		return err
	}
	m, since, due := l.take(i)
	if !due {
		l.pacer.leave(w)
		return nil
	}
	if err = l.settle(ctx); err != nil {
		l.pacer.leave(w)
	} else if err = call(ctx, i, m); err == nil {
		return nil
	}
	if !since.IsZero() {
		l.mu.Lock()
		l.since = since // it is as stale as before
		l.mu.Unlock()
	}
	if late, ok := errors.AsType[*bots.RetryAfterError](err); ok {
		l.log.Debug("the platform asks to wait", "scope", rate.Scope, "after", late.After, "error", err)
		l.pacer.refused(w, late)
		return nil
	}
	return err
}

// settle has the outcome durable before anything of it is seen. One that was cut off to be
// gone on with later is none.
func (l *live) settle(ctx context.Context) error {
	l.mu.Lock()
	due := l.outcome != nil && l.outcome.Kind != agent.Paused && !l.settled
	l.mu.Unlock()
	if !due {
		return nil
	}
	if err := l.journal.Settle(ctx); err != nil {
		return fmt.Errorf("journal an answer before it is shown: %w", err)
	}
	l.settled = true
	return nil
}

// leastWait keeps a platform that asks for no time at all from being asked in a loop.
const leastWait = 100 * time.Millisecond

// queue waits until the budget allows a call. A reply that becomes complete while it
// waits is raised.
func (l *live) queue(ctx context.Context, rate bots.Rate, u urgency) (*place, error) {
	l.mu.Lock()
	since := l.since
	l.mu.Unlock()
	if since.IsZero() {
		since = time.Now()
	}
	w := l.pacer.queue(rate, u, since)
	for {
		select {
		case <-w.granted:
			if ctx.Err() == nil {
				return w, nil
			}
			l.pacer.leave(w)
			return nil, context.Cause(ctx)
		case <-ctx.Done():
			l.pacer.leave(w)
			return nil, context.Cause(ctx)
		case <-l.changed:
			l.mu.Lock()
			complete := l.outcome != nil
			l.mu.Unlock()
			if complete {
				l.pacer.raise(w, final)
			}
		}
	}
}

// take returns what message i is to show, unless it shows that already, and since when
// that was newer than what stands. From here on the text counts as shown, so that a
// reply that gets new text all the time does not go before others each time.
func (l *live) take(i int) (m bots.Message, since time.Time, due bool) {
	l.mu.Lock()
	since, l.since = l.since, time.Time{}
	l.mu.Unlock()
	pages, _ := l.wanted()
	if i >= len(pages) || l.parts[i].shows(pages[i]) {
		return bots.Message{}, since, false
	}
	l.upTo = upTo(pages[:i+1])
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.outcome != nil { // a notice is no part of the text
		l.upTo = min(l.upTo, len(l.opening)+len(l.outcome.Text))
	}
	return pages[i], since, true
}

// upTo is how much of the Markdown pages show, in bytes.
func upTo(pages []bots.Message) (n int) {
	for _, p := range pages {
		n += len(p.Source)
	}
	return n
}

// backoff is how long to wait after so many failures in a row: a second at first, half a
// minute at most, with jitter so that replies do not come back all at once.
func backoff(failures int) time.Duration {
	d := min(time.Second<<min(failures-1, 5), 30*time.Second)
	return d/2 + rand.N(d/2) //nolint:gosec // jitter
}

func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
