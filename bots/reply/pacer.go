package reply

import (
	"slices"
	"sync"
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

// pacer shares out what the platforms allow. Its lanes live while they are in use.
type pacer struct {
	mu    sync.Mutex
	lanes map[string]*lane // by Rate.Scope
}

// lane is one budget: a token bucket and those who wait for it.
type lane struct {
	rate    bots.Rate
	tokens  float64
	counted time.Time // when tokens was right
	held    time.Time // no grant before this
	waiting []*place
	timer   *time.Timer
}

// place is a reply's place in a lane.
type place struct {
	urgency urgency
	since   time.Time
	granted chan struct{}
}

func newLane(r bots.Rate) *lane {
	l := &lane{rate: r, counted: time.Now()}
	l.tokens = l.full()
	return l
}

func newPacer() *pacer { return &pacer{lanes: make(map[string]*lane)} }

// queue asks for one call. The place's granted channel is closed when the call may be
// made; until then the place may be raised or given up.
func (p *pacer) queue(r bots.Rate, u urgency, since time.Time) *place {
	p.mu.Lock()
	defer p.mu.Unlock()
	l := p.lanes[r.Scope]
	if l == nil {
		l = newLane(r)
		p.lanes[r.Scope] = l
	}
	w := &place{urgency: u, since: since, granted: make(chan struct{})}
	l.waiting = append(l.waiting, w)
	p.grant(l)
	return w
}

// raise makes a waiting place more urgent.
func (p *pacer) raise(r bots.Rate, w *place, u urgency) {
	p.mu.Lock()
	defer p.mu.Unlock()
	w.urgency = max(w.urgency, u)
	if l := p.lanes[r.Scope]; l != nil {
		p.grant(l)
	}
}

// leave gives a place up. A grant that has come already, and was not used, is given back.
func (p *pacer) leave(r bots.Rate, w *place) {
	p.mu.Lock()
	defer p.mu.Unlock()
	l := p.lanes[r.Scope]
	if l == nil {
		return
	}
	if i := slices.Index(l.waiting, w); i >= 0 {
		l.waiting = slices.Delete(l.waiting, i, i+1)
	} else {
		l.tokens = min(l.tokens+1, l.full())
	}
	p.grant(l)
}

// hold stops all grants of a scope for d, because the platform asked for it.
func (p *pacer) hold(r bots.Rate, d time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	l := p.lanes[r.Scope]
	if l == nil {
		l = newLane(r)
		p.lanes[r.Scope] = l
	}
	if until := time.Now().Add(d); until.After(l.held) {
		l.held = until
	}
	l.fill(l.held)
	// At most one call when the time is up, not as many as fit into the burst: the
	// platform's own count is at its end.
	l.tokens = min(l.tokens, 1)
	p.grant(l)
}

func (l *lane) full() float64 { return float64(max(l.rate.Burst, 1)) }

// fill adds the tokens that come until then.
func (l *lane) fill(until time.Time) {
	switch {
	case l.rate.Every <= 0:
		l.tokens = l.full()
	case until.After(l.counted):
		l.tokens = min(l.full(), l.tokens+float64(until.Sub(l.counted))/float64(l.rate.Every))
		l.counted = until
	}
}

// grant gives tokens to those who wait and sets the timer for the next. The caller holds
// mu.
func (p *pacer) grant(l *lane) {
	now := time.Now()
	l.fill(now)
	full := l.full()
	// A hair below a whole token is one: the division above rounds.
	for len(l.waiting) > 0 && l.tokens > 1-1e-6 && !now.Before(l.held) {
		i := most(l.waiting)
		close(l.waiting[i].granted)
		l.waiting = slices.Delete(l.waiting, i, i+1)
		if l.rate.Every > 0 {
			l.tokens--
		}
	}
	var next time.Duration
	switch {
	case now.Before(l.held):
		next = l.held.Sub(now)
	case len(l.waiting) > 0:
		next = time.Duration((1 - l.tokens) * float64(l.rate.Every))
	case l.tokens < full:
		next = time.Duration((full - l.tokens) * float64(l.rate.Every))
	default: // full and idle: the next user starts with a fresh one
		delete(p.lanes, l.rate.Scope)
		if l.timer != nil {
			l.timer.Stop()
		}
		return
	}
	if l.timer != nil {
		l.timer.Stop()
	}
	l.timer = time.AfterFunc(max(next, time.Millisecond), func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		if p.lanes[l.rate.Scope] == l {
			p.grant(l)
		}
	})
}

// most finds whose call is worth most: the most urgent, then the longest waiting.
func most(ws []*place) int {
	best := 0
	for i, w := range ws {
		b := ws[best]
		if w.urgency > b.urgency || w.urgency == b.urgency && w.since.Before(b.since) {
			best = i
		}
	}
	return best
}
