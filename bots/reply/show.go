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

// progress is what a reply has come to.
type progress int

const (
	advanced progress = iota // there may be more to do
	waiting                  // for something new, or for the budget
	ended                    // the outcome stands, or ctx has ended
)

// show makes the platform show what is wanted, one call at a time, until the reply has to
// wait or has ended. A panic of the platform's ends this reply only.
func (l *live) show(ctx context.Context) {
	defer func() {
		if p := recover(); p != nil {
			l.end(fmt.Errorf("show a reply: panic: %v\n%s", p, debug.Stack()))
		}
	}()
	select {
	case <-l.done:
		return // it was woken once more than needed
	default:
	}
	for {
		come, err := l.advance(ctx)
		switch late := (*bots.RetryAfterError)(nil); {
		case come == waiting:
			return
		case come == ended, errors.Is(err, agent.ErrUndeliverable):
			l.end(err)
			return
		case err == nil:
			l.fails = 0
		case errors.Is(err, bots.ErrRejected) && l.fails >= maxRejections:
			if l.refusal != nil {
				l.end(l.refusal)
				return
			}
			l.log.Error("the platform refuses an answer; a sentence stands for it", "error", err)
			l.refusal = fmt.Errorf("%w: %w", agent.ErrUndeliverable, err)
			l.fails = 0
		case errors.As(err, &late):
			l.log.Debug("the platform asks to wait", "after", late.After, "error", err)
			pause(ctx, late.After)
		case ctx.Err() == nil:
			l.fails++
			l.log.Warn("a message of a reply could not be shown and is tried again", "failures", l.fails, "error", err)
			pause(ctx, backoff(l.fails))
		}
	}
}

// advance makes the next call, if there is one to be made and the budget allows it.
func (l *live) advance(ctx context.Context) (progress, error) {
	if l.stays() {
		return ended, nil
	}
	if l.pending == nil {
		pages, complete := l.wanted()
		if complete {
			l.repost()
		}
		i := l.next(pages)
		surplus := &l.left
		if len(l.parts) > len(pages) {
			surplus = &l.parts
		}
		switch {
		case complete && i < 0 && len(*surplus) == 0:
			l.unmark()
			return ended, l.refusal // nil, unless a sentence stands for an answer that may not
		case ctx.Err() != nil:
			return ended, context.Cause(ctx)
		case i < 0 && complete:
			return advanced, l.trim(ctx, surplus, l.fails)
		case i < 0:
			return waiting, nil
		}
		if ready, err := l.ask(ctx, i, complete, pages[i].File); !ready || err != nil {
			return advanced, err
		}
	}
	switch {
	case ctx.Err() != nil:
		return ended, context.Cause(ctx)
	case !l.allowed():
		return waiting, nil
	}
	return advanced, l.make(ctx)
}

// end is called once the reply has ended; err says why its outcome does not stand.
func (l *live) end(err error) {
	l.ending.Do(func() {
		if l.pending != nil {
			l.pacer.leave(l.pending.place)
		}
		l.cancel()
		l.sign.end()
		l.err = err
		close(l.done)
	})
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

// pending is a call that brings message i up to date, as soon as the budget allows it.
type pending struct {
	place *place
	i     int
	make  func(context.Context, int, bots.Message) error
}

// ask prepares the call that message i needs and asks the budget for it. It reports false if
// there is none to be made after all.
func (l *live) ask(ctx context.Context, i int, complete bool, file *bots.Upload) (ready bool, err error) {
	c, rate, u := &pending{i: i, make: l.edit}, l.budget.Edit, stale
	if i >= len(l.parts) || l.parts[i].ID == "" {
		if ready, err := l.prepare(ctx, i, file); !ready || err != nil {
			return false, err
		}
		c.make, rate = l.post, l.budget.Post
		if i == 0 {
			u = first
		}
	}
	if complete {
		u = final
	}
	l.mu.Lock()
	since := l.since
	l.mu.Unlock()
	if since.IsZero() {
		since = time.Now()
	}
	c.place = l.pacer.queue(rate, u, since, l.shows.wake)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.pending = c
	return true, nil
}

// allowed reports whether the budget allows the call. That of a reply that became complete
// while it waited is raised.
func (l *live) allowed() bool {
	l.mu.Lock()
	complete := l.outcome != nil
	l.mu.Unlock()
	if complete {
		l.pacer.raise(l.pending.place, final)
	}
	return !l.pacer.waits(l.pending.place)
}

// make makes the call, with the text as it is at that moment. Being asked to wait is no
// error: it holds up all who share the budget.
func (l *live) make(ctx context.Context) error {
	l.mu.Lock()
	c := l.pending
	l.pending = nil
	l.mu.Unlock()
	m, since, due := l.take(c.i)
	if !due {
		l.pacer.leave(c.place)
		return nil
	}
	err := l.settle(ctx)
	if err != nil {
		l.pacer.leave(c.place)
	} else if err = c.make(ctx, c.i, m); err == nil {
		return nil
	}
	if !since.IsZero() {
		l.mu.Lock()
		l.since = since // it is as stale as before
		l.mu.Unlock()
	}
	if late, ok := errors.AsType[*bots.RetryAfterError](err); ok {
		l.log.Debug("the platform asks to wait", "scope", c.place.rate.Scope, "after", late.After, "error", err)
		l.pacer.refused(c.place, late)
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
