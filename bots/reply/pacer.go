package reply

import (
	"container/heap"
	"sync"
	"time"

	"bobbin/bots"
)

// pacer shares out what the platforms allow. A call needs the leave of its own scope's
// lane and of the one that this lies within; each of them gives it to the place whose call
// is worth most. Lanes live while they are in use.
type pacer struct {
	mu      sync.Mutex
	lanes   map[string]*lane  // by scope
	lessons map[string]lesson // by scope, of lanes that are not in use
	queued  int               // places ever made

	// What a simulation replaces.
	now   func() time.Time
	after func(time.Duration, func()) (stop func() bool)
}

func newPacer() *pacer {
	return &pacer{
		lanes:   make(map[string]*lane),
		lessons: make(map[string]lesson),
		now:     time.Now,
		after:   func(d time.Duration, f func()) func() bool { return time.AfterFunc(d, f).Stop },
	}
}

// queue asks for one call. If it may not be made at once, granted is called when it may;
// until then the place may be raised or given up. granted returns at once and does not call
// the pacer.
func (p *pacer) queue(r bots.Rate, u urgency, since time.Time, granted func()) *place {
	p.mu.Lock()
	defer p.mu.Unlock()
	l := p.lane(r)
	p.queued++
	w := &place{rate: r, lane: l, urgency: u, since: since, order: p.queued}
	heap.Push(&l.waiting, w)
	p.serve(l)
	w.granted = granted
	return w
}

// waits reports whether w's call may not be made yet.
func (p *pacer) waits(w *place) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return w.lane != nil
}

// raise makes a waiting place more urgent.
func (p *pacer) raise(w *place, u urgency) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if w.lane != nil && u > w.urgency {
		w.urgency = u
		heap.Fix(&w.lane.waiting, w.index)
		p.serve(w.lane)
	}
}

// leave gives a place up. A grant that has come already, and was not used, is given back.
func (p *pacer) leave(w *place) {
	p.mu.Lock()
	defer p.mu.Unlock()
	l := w.lane
	if l != nil {
		heap.Remove(&l.waiting, w.index)
		w.lane = nil
	} else {
		l = p.giveBack(w)
	}
	p.serve(l)
}

// refused notes that the platform asks to wait instead of carrying out a call that was
// granted.
func (p *pacer) refused(w *place, late *bots.RetryAfterError) {
	p.mu.Lock()
	defer p.mu.Unlock()
	l := p.lane(w.rate)
	shut := l
	if l.parent != nil && late.Scope == l.parent.limit.Scope {
		shut = l.parent
	}
	now := p.now()
	until := now.Add(max(late.After, leastWait))
	if late.Unsent {
		p.giveBack(w)
	} else {
		shut.lesson = shut.lesson.after(w.at, now, until)
	}
	shut.hold(now, until)
	p.serve(l)
}

// report notes what a platform says is left of a budget.
func (p *pacer) report(u bots.Usage) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if l := p.lanes[u.Scope]; l != nil {
		now := p.now()
		for range min(u.Spent, maxCount) {
			l.spend(now)
		}
		l.told(now, u)
		p.serve(l)
	}
}

// lane returns the lane of r. The caller holds mu, as for all that follows.
func (p *pacer) lane(r bots.Rate) *lane {
	l := p.open(bots.Limit{Scope: r.Scope, Every: r.Every, Burst: r.Burst, Window: r.Window})
	if l.parent == nil && l.within == 0 && r.Within.Scope != "" && r.Within.Scope != r.Scope {
		l.parent = p.open(r.Within)
		l.parent.within++
	}
	return l
}

func (p *pacer) open(limit bots.Limit) *lane {
	l := p.lanes[limit.Scope]
	if l == nil {
		l = newLane(limit, p.lessons[limit.Scope], p.now())
		delete(p.lessons, limit.Scope)
		p.lanes[limit.Scope] = l
	}
	return l
}

// giveBack undoes a grant and returns its lane.
func (p *pacer) giveBack(w *place) *lane {
	own := p.lane(w.rate)
	for l := own; l != nil; l = l.parent {
		l.giveBack(p.now(), w.at)
	}
	return own
}

// serve gives what l, and what it lies within, allow now to those whose call is worth
// most, and sees to it that it is asked again when there is more.
func (p *pacer) serve(l *lane) {
	for ; l.parent != nil; l = l.parent {
		p.stand(l)
	}
	now := p.now()
	for {
		w := l.top()
		if w == nil {
			p.settle(l)
			return
		}
		if at := l.free(now, w.urgency); at.After(now) {
			p.wake(l, at)
			return
		}
		p.grant(w, now)
	}
}

// stand enters l among those that its parent chooses from, if l itself allows a call now.
func (p *pacer) stand(l *lane) {
	w, now := l.top(), p.now()
	ready := false
	if w == nil {
		p.settle(l)
	} else if at := l.free(now, w.urgency); at.After(now) {
		p.wake(l, at)
	} else {
		ready = true
	}
	switch queue := &l.parent.ready; {
	case ready && l.index < 0:
		heap.Push(queue, l)
	case ready:
		heap.Fix(queue, l.index)
	case l.index >= 0:
		heap.Remove(queue, l.index)
	}
}

func (p *pacer) grant(w *place, now time.Time) {
	heap.Remove(&w.lane.waiting, w.index)
	for l := w.lane; l != nil; l = l.parent {
		l.take(now)
	}
	for l := w.lane; l.parent != nil; l = l.parent {
		p.stand(l)
	}
	if w.lane, w.at = nil, now; w.granted != nil {
		w.granted()
	}
}

// settle forgets a lane that nobody waits for once it is as good as a new one. What was
// learned about its rate is kept for longer.
func (p *pacer) settle(l *lane) {
	if l.within > 0 || p.lanes[l.limit.Scope] != l {
		return
	}
	now := p.now()
	if at := l.rested(now); at.After(now) {
		p.wake(l, at)
		return
	}
	if l.alarm++; l.stop != nil {
		l.stop()
	}
	delete(p.lanes, l.limit.Scope)
	p.remember(l.limit.Scope, l.lesson, now)
	if l.parent != nil {
		if l.parent.within--; l.parent.top() == nil {
			p.settle(l.parent)
		}
	}
}

// maxLessons is when what was learned, and is of no use any more, is looked for.
const maxLessons = 256

func (p *pacer) remember(scope string, s lesson, now time.Time) {
	if s.factor(now) == 1 {
		return
	}
	if len(p.lessons) >= maxLessons {
		for k, o := range p.lessons {
			if o.factor(now) == 1 || len(p.lessons) >= 2*maxLessons {
				delete(p.lessons, k)
			}
		}
	}
	p.lessons[scope] = s
}

// wake has l served at that time.
func (p *pacer) wake(l *lane, at time.Time) {
	if l.stop != nil {
		if l.due.Equal(at) {
			return
		}
		l.stop()
	}
	l.alarm++
	mine := l.alarm
	l.due = at
	l.stop = p.after(max(at.Sub(p.now()), time.Microsecond), func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		if l.alarm == mine {
			l.stop = nil
			p.serve(l)
		}
	})
}
