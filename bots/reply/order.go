package reply

import (
	"time"

	"bobbin/bots"
)

// urgency orders those who wait for the same budget.
type urgency int

const (
	stale urgency = iota // newer text than what is shown
	first                // nothing is shown yet
	final                // the answer is complete
)

// place is a reply's place in a lane.
type place struct {
	rate    bots.Rate
	lane    *lane // nil when it waits no more
	urgency urgency
	since   time.Time // when what is shown was last up to date
	order   int       // among those that are alike
	index   int       // in lane.waiting
	at      time.Time // of the grant
	granted func()    // called then; nil while it has just been queued
}

// before reports whether w's call is worth more than o's: the more urgent one's, then that
// of the one that has been stale for longest. As no edit costs more than another, turns by
// age are what keeps many replies least stale.
func (w *place) before(o *place) bool {
	switch {
	case w.urgency != o.urgency:
		return w.urgency > o.urgency
	case !w.since.Equal(o.since):
		return w.since.Before(o.since)
	}
	return w.order < o.order
}

// places is a heap of those who wait for a lane.
type places []*place

func (h places) Len() int           { return len(h) }
func (h places) Less(i, j int) bool { return h[i].before(h[j]) }
func (h places) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].index, h[j].index = i, j
}

// Push implements heap.Interface.
func (h *places) Push(x any) {
	if w, ok := x.(*place); ok {
		w.index = len(*h)
		*h = append(*h, w)
	}
}

// Pop implements heap.Interface.
func (h *places) Pop() any {
	last := len(*h) - 1
	w := (*h)[last]
	(*h)[last] = nil
	*h = (*h)[:last]
	return w
}

// lanes is a heap of lanes in which somebody waits for nothing but their parent.
type lanes []*lane

func (h lanes) Len() int           { return len(h) }
func (h lanes) Less(i, j int) bool { return h[i].top().before(h[j].top()) }
func (h lanes) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].index, h[j].index = i, j
}

// Push implements heap.Interface.
func (h *lanes) Push(x any) {
	if l, ok := x.(*lane); ok {
		l.index = len(*h)
		*h = append(*h, l)
	}
}

// Pop implements heap.Interface.
func (h *lanes) Pop() any {
	last := len(*h) - 1
	l := (*h)[last]
	(*h)[last] = nil
	*h = (*h)[:last]
	l.index = -1
	return l
}
