package sandbox

import (
	"context"
	"iter"
	"slices"
	"time"
)

// ChangeKind classifies a Change.
type ChangeKind string

// The kinds of change.
const (
	Posted  ChangeKind = "posted"
	Edited  ChangeKind = "edited"
	Deleted ChangeKind = "deleted"
	Opened  ChangeKind = "opened" // a channel or thread appeared
	Typing  ChangeKind = "typing" // the bot shows that it is at work; Status may say with what
	Shown   ChangeKind = "shown"  // a surface appeared, changed or, without data, went away
)

// Change is one thing that people saw happen. What it points to is never changed.
type Change struct {
	Number  int        `json:"number"`
	At      time.Time  `json:"at"`
	Kind    ChangeKind `json:"kind"`
	Message *Message   `json:"message,omitempty"` // posted, edited, deleted
	Channel *Channel   `json:"channel,omitempty"` // opened
	Surface *Surface   `json:"surface,omitempty"` // shown
	In      string     `json:"in,omitempty"`      // typing: the channel
	Thread  string     `json:"thread,omitempty"`  // typing: the Slack thread
	Status  string     `json:"status,omitempty"`  // typing: words; on Slack empty takes the sign away
	Loading []string   `json:"loading,omitempty"` // typing: what Slack shows in turn in place of the status
}

// keptChanges bounds the feed's memory. A watcher that falls further behind misses
// what was dropped; it can read the state again.
const keptChanges = 20_000

// Next returns the number that the next change will have.
func (w *World) Next() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.first + len(w.log)
}

// Watch yields every change from the one numbered from on, as it happens, until ctx
// ends. All watchers read the one log: nothing is copied for each.
func (w *World) Watch(ctx context.Context, from int) iter.Seq[Change] {
	return func(yield func(Change) bool) {
		for {
			batch, changed := w.since(&from)
			for _, c := range batch {
				if !yield(c) {
					return
				}
			}
			if from += len(batch); len(batch) > 0 {
				continue
			}
			select {
			case <-changed:
			case <-ctx.Done():
				return
			}
		}
	}
}

// since returns the changes from the one numbered from on, which it moves up to the
// oldest that is kept; if there is none, it returns what is closed at the next. The
// log is only ever appended to or replaced, so what is returned stays as it is.
func (w *World) since(from *int) ([]Change, <-chan struct{}) {
	w.mu.Lock()
	defer w.mu.Unlock()
	*from = max(*from, w.first)
	if at := *from - w.first; at < len(w.log) {
		return w.log[at:len(w.log):len(w.log)], nil
	}
	if w.changed == nil {
		w.changed = make(chan struct{})
	}
	return nil, w.changed
}

// tell appends to the feed. The caller holds mu.
func (w *World) tell(c Change) {
	c.Number = w.first + len(w.log)
	c.At = time.Now()
	w.log = append(w.log, c)
	if drop := len(w.log) - keptChanges; drop > keptChanges/10 {
		w.log = slices.Clone(w.log[drop:])
		w.first += drop
	}
	if w.changed != nil {
		close(w.changed)
		w.changed = nil
	}
}
