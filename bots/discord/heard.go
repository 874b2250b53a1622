package discord

import (
	"context"
	"sync"
	"time"
)

const (
	// noteEvery is how often the time of what was heard is kept.
	noteEvery = 15 * time.Second
	// noteFirst is how soon the first time is: without one nothing can be caught up on.
	noteFirst = 250 * time.Millisecond
	// noteWithin bounds keeping it when Run ends.
	noteWithin = 3 * time.Second
)

// ledger knows up to when every message is taken in. It counts in the messages' own
// time: what waits in a queue, or is replayed by a resumed session, is not older for
// having come late, and a clock of ours that is wrong does no harm.
type ledger struct {
	mu    sync.Mutex
	upTo  time.Time            // of the newest message that has arrived
	open  map[string]time.Time // messages that are not taken in yet, by id
	gap   int                  // counts the gateway sessions: each begins with a gap
	held  bool                 // what was said in the gap is not read yet
	floor time.Time            // while held, everything is known up to here and no further
	first time.Time            // when bobbin first listened; zero before begin
}

// arrived notes a message. Unless it needs nothing more, settled has to follow.
func (l *ledger) arrived(id string, needs bool) {
	t := sent(id)
	if now := time.Now(); t.After(now) {
		t = now
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if t.After(l.upTo) {
		l.upTo = t
	}
	if !needs {
		return
	}
	if l.open == nil {
		l.open = make(map[string]time.Time)
	}
	l.open[id] = t
}

// settled notes that a message is accepted, answered or of no concern.
func (l *ledger) settled(id string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.open, id)
}

// hold keeps the mark where it is until release is called with the number that it
// returns; a later hold makes that number void.
func (l *ledger) hold() (gap int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.held {
		l.floor, l.held = l.mark(), true
	}
	l.gap++
	return l.gap
}

// release says that the gap is read. began, when the gateway began to tell, counts if
// nothing was ever heard, so that there is something to catch up from.
func (l *ledger) release(gap int, began time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if gap != l.gap {
		return
	}
	if l.upTo.IsZero() {
		l.upTo = began
	}
	l.held = false
}

// session returns the number of the newest gap.
func (l *ledger) session() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.gap
}

// window returns from when what nobody heard has to be read, at most that far back: where
// bobbin has listened before, and in a place that it does not know. It reports false
// before begin.
func (l *ledger) window(most time.Duration) (recent, all time.Time, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.first.IsZero() {
		return recent, all, false
	}
	oldest := time.Now().Add(-most)
	if all = l.first; all.Before(oldest) {
		all = oldest
	}
	mark := l.mark()
	if mark.IsZero() { // the first run ever
		return all, all, true
	}
	if recent = mark.Add(-overlap); recent.Before(oldest) {
		recent = oldest
	}
	if all.After(recent) {
		all = recent
	}
	return recent, all, true
}

// begin sets what earlier runs have heard, and when the first of them began to listen.
func (l *ledger) begin(t, first time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.floor, l.first = t, first
	if t.After(l.upTo) {
		l.upTo = t
	}
}

// heard returns the time before which every message is taken in; zero if that is not
// known.
func (l *ledger) heard() time.Time {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.mark()
}

func (l *ledger) mark() time.Time {
	if l.held {
		return l.floor
	}
	t := l.upTo
	for _, o := range l.open {
		if !o.After(t) {
			t = o.Add(-time.Millisecond)
		}
	}
	return t
}

// note keeps the time of what was heard, until ctx ends.
func (in *intake) note(ctx context.Context) {
	for {
		next := noteEvery
		if in.noted.IsZero() {
			next = noteFirst
		}
		timer := time.NewTimer(next)
		select {
		case <-timer.C:
			in.noteOnce(ctx)
		case <-ctx.Done():
			timer.Stop()
			return
		}
	}
}

// noteOnce must not be called by two at once.
func (in *intake) noteOnce(ctx context.Context) {
	t := in.ledger.heard()
	if t.IsZero() || !t.After(in.noted) {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, noteWithin)
	defer cancel()
	if err := in.d.opts.Memory.SetHeard(ctx, Name, t); err != nil {
		in.d.log.WarnContext(ctx, "how far Discord was heard could not be kept", "err", err)
		return
	}
	in.noted = t
}
