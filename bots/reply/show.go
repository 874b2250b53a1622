package reply

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime/debug"
	"sync"
	"time"

	"bobbin/agent"
	"bobbin/bots"
)

// show is the goroutine of a live reply: it makes the platform show what is wanted, one
// call at a time, until the outcome stands or ctx ends.
func (l *live) show(ctx context.Context) {
	defer close(l.done)
	defer func() {
		if p := recover(); p != nil {
			l.err = fmt.Errorf("showing the reply panicked: %v\n%s", p, debug.Stack())
		}
	}()
	defer l.startSign(ctx)()
	failures := 0
	for {
		pages, u, complete, since := l.desired()
		l.sign.set(u.Status, false)
		i := l.next(pages)
		if i < 0 && !complete {
			l.caughtUp()
			select {
			case <-l.changed:
				continue
			case <-ctx.Done():
				l.err = context.Cause(ctx)
				return
			}
		}
		var err error
		switch {
		case i >= 0:
			err = l.step(ctx, i, complete, since)
		case len(l.parts) > len(pages):
			err = l.trim(ctx)
		default:
			return
		}
		var late *bots.RetryAfterError
		switch {
		case err == nil:
			failures = 0
		case ctx.Err() != nil:
			l.err = context.Cause(ctx)
			return
		case errors.Is(err, agent.ErrUndeliverable):
			l.err = err
			return
		case errors.As(err, &late):
			l.log.Debug("the platform asks to wait", "after", late.After)
		default:
			failures++
			l.log.Warn("a message of a reply could not be shown and is tried again", "failures", failures, "error", err)
			l.pause(ctx, failures)
		}
	}
}

// startSign begins to show the sign of being at work; what it returns ends that.
func (l *live) startSign(ctx context.Context) (end func()) {
	if l.sign == nil {
		return func() {}
	}
	ctx, cancel := context.WithCancel(ctx)
	var kept sync.WaitGroup
	kept.Go(func() { l.sign.keep(ctx) })
	return func() {
		cancel()
		kept.Wait()
	}
}

// next finds the first message that is not as it should be: -1 for none. Messages beyond
// the wanted ones are left from an attempt that had got further; they are removed at the
// end only, since the text may grow into them again.
func (l *live) next(pages []bots.Message) int {
	for i, want := range pages {
		if i >= len(l.parts) || l.parts[i].ID == "" || l.parts[i].shown.Text != want.Text {
			return i
		}
	}
	return -1
}

// step brings message i up to date, once the budget allows. The text is taken anew then.
func (l *live) step(ctx context.Context, i int, complete bool, since time.Time) error {
	post := i >= len(l.parts) || l.parts[i].ID == ""
	rate, u := l.budget.Edit, stale
	if post {
		rate = l.budget.Post
		if i == 0 {
			u = first
		}
	}
	if complete {
		u = final
	}
	if err := l.turnIn(ctx, rate, u, since); err != nil {
		return err
	}
	pages, _, _, _ := l.desired()
	if i >= len(pages) {
		return nil
	}
	var err error
	if post {
		err = l.post(ctx, i, pages[i])
	} else {
		err = l.edit(ctx, i, pages[i])
	}
	if late, ok := errors.AsType[*bots.RetryAfterError](err); ok {
		l.pacer.hold(rate, late.After)
	}
	return err
}

// turnIn waits for the budget. A reply that becomes complete while it waits is raised.
func (l *live) turnIn(ctx context.Context, rate bots.Rate, u urgency, since time.Time) error {
	if since.IsZero() {
		since = time.Now()
	}
	w := l.pacer.queue(rate, u, since)
	for {
		select {
		case <-w.granted:
			return nil
		case <-ctx.Done():
			l.pacer.leave(rate, w)
			return context.Cause(ctx)
		case <-l.changed:
			l.mu.Lock()
			complete := l.outcome != nil
			l.mu.Unlock()
			if complete {
				l.pacer.raise(rate, w, final)
			}
		}
	}
}

// post sends message i. It is journaled before and after, and looked for if an earlier
// try may have sent it, so that it never stands twice.
func (l *live) post(ctx context.Context, i int, m bots.Message) error {
	if i >= len(l.parts) {
		l.made++
		part := agent.Part{Key: fmt.Sprintf("%s-%03d", l.turn, l.made)}
		if err := l.record(ctx, part); err != nil {
			l.made--
			return fmt.Errorf("journal a message before it is posted: %w", err)
		}
		l.parts = append(l.parts, shownPart{Part: part})
	}
	part := &l.parts[i]
	if part.doubt {
		id, err := l.platform.Find(ctx, l.to, part.Key)
		if err == nil {
			return l.adopt(ctx, i, id, bots.Message{}) // what it shows is not known: it is edited next
		}
		if !errors.Is(err, bots.ErrNotFound) {
			return fmt.Errorf("look for a message that may have been posted: %w", err)
		}
	}
	id, err := l.platform.Post(ctx, l.to, part.Key, m)
	if err != nil {
		if _, refused := errors.AsType[*bots.RetryAfterError](err); !refused {
			part.doubt = true
		}
		return fmt.Errorf("post: %w", err)
	}
	l.sign.set("", true)
	return l.adopt(ctx, i, id, m)
}

func (l *live) adopt(ctx context.Context, i int, id agent.MessageID, shown bots.Message) error {
	l.parts[i].ID, l.parts[i].shown = id, shown
	// A failure costs no more than looking for the message after a crash.
	if err := l.record(ctx, l.parts[i].Part); err != nil {
		l.log.Error("a posted message could not be journaled", "error", err)
	}
	return nil
}

// edit changes message i. If the platform no longer lets it be edited, another takes its
// place.
func (l *live) edit(ctx context.Context, i int, m bots.Message) error {
	err := l.platform.Edit(ctx, l.to, l.parts[i].ID, m)
	if errors.Is(err, bots.ErrGone) {
		return l.replace(ctx, i)
	}
	if err != nil {
		return fmt.Errorf("edit: %w", err)
	}
	l.parts[i].shown = m
	return nil
}

// replace forgets message i and journals the key of the one to be posted instead.
func (l *live) replace(ctx context.Context, i int) error {
	gone := l.parts[i].Part
	gone.Gone = true
	if err := l.record(ctx, gone); err != nil {
		return fmt.Errorf("journal that a message is gone: %w", err)
	}
	l.made++
	part := agent.Part{Key: fmt.Sprintf("%s-%03d", l.turn, l.made)}
	if err := l.record(ctx, part); err != nil {
		l.made--
		return fmt.Errorf("journal a message before it is posted: %w", err)
	}
	l.parts[i] = shownPart{Part: part}
	return nil
}

// caughtUp notes that all there is is shown.
func (l *live) caughtUp() {
	l.mu.Lock()
	l.since = time.Time{}
	l.mu.Unlock()
}

// trim removes the last message, which an earlier attempt needed and this one does not.
func (l *live) trim(ctx context.Context) error {
	last := len(l.parts) - 1
	part := l.parts[last].Part
	var err error
	if part.ID == "" {
		part.ID, err = l.platform.Find(ctx, l.to, part.Key)
	}
	if err == nil {
		err = l.platform.Delete(ctx, l.to, part.ID)
	}
	if err != nil && !errors.Is(err, bots.ErrNotFound) && !errors.Is(err, bots.ErrGone) {
		return fmt.Errorf("remove a message that is not needed: %w", err)
	}
	part.Gone = true
	if err := l.record(ctx, part); err != nil {
		return fmt.Errorf("journal that a message is gone: %w", err)
	}
	l.parts = l.parts[:last]
	return nil
}

// pause waits before a failed call is tried again: a second at first, half a minute at
// most, with jitter so that replies do not come back all at once.
func (l *live) pause(ctx context.Context, failures int) {
	d := min(time.Second<<min(failures-1, 5), 30*time.Second)
	d = d/2 + rand.N(d/2) //nolint:gosec // jitter
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
