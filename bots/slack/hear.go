package slack

import (
	"context"
	"sync"
	"time"

	"bobbin/agent"
	"bobbin/bots"
)

const (
	// longGap is the longest time without a connection that Slack bridges by
	// delivering again. A dead connection may have gone unnoticed for half a minute
	// before.
	longGap = 30 * time.Second
	// overdue is when Slack has delivered an event for the last time.
	overdue = 10 * time.Minute
	maxOpen = 4096
)

// hearing is how far the workspace's events have arrived, and whether some are missing.
type hearing struct {
	wake chan struct{} // gets a token when something is missing and can be read

	mu        sync.Mutex
	last      time.Time // of the newest event that came in, by Slack's clock
	stored    time.Time
	arrived   time.Time // when anything last came in, or the connection was made, by ours
	open      map[agent.MessageID]arrival
	accepted  recent
	missing   time.Time // since when events may be missing; zero if none are
	holes     int       // how often missing was set
	connected bool
	before    bool      // there has been a connection
	down      time.Time // when the last one ended
	reconnect context.CancelFunc
	strikes   int       // deaf connections in a row
	probed    time.Time // when silence was last looked into, by our clock
	overheard time.Time // the newest message that proved deafness
}

// arrival is an event that came in and is not accepted yet.
type arrival struct{ sent, at time.Time }

func newHearing() *hearing {
	return &hearing{wake: make(chan struct{}, 1), open: make(map[agent.MessageID]arrival)}
}

// load takes what an earlier run has stored.
func (h *hearing) load(heard time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.last, h.stored = heard, heard
}

// up notes that a connection stands; reconnect, if not nil, replaces it.
func (h *hearing) up(reconnect context.CancelFunc) {
	h.mu.Lock()
	defer h.mu.Unlock()
	now := time.Now()
	if h.connected {
		return
	}
	switch {
	case h.last.IsZero():
		h.last = now // what nobody has listened for cannot be missing
	case !h.before || now.Sub(h.down) > longGap:
		h.hole(h.sure())
	}
	h.connected, h.before, h.arrived, h.reconnect = true, true, now, reconnect
	if !h.missing.IsZero() {
		h.nudge()
	}
}

// lost notes that there is no connection any more.
func (h *hearing) lost() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.connected {
		h.connected, h.down, h.reconnect = false, time.Now(), nil
	}
}

// came notes a delivery that nobody has to accept; sent may be zero.
func (h *hearing) came(sent time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.heardOf(sent)
}

// opened notes an event that has to be accepted.
func (h *hearing) opened(id agent.MessageID, sent time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.heardOf(sent)
	if _, ok := h.open[id]; ok {
		return
	}
	if len(h.open) >= maxOpen {
		h.hole(sent)
		return
	}
	h.open[id] = arrival{sent: sent, at: time.Now()}
}

// heardOf moves last. A time that is to come would hide what is said until then. The
// caller holds mu.
func (h *hearing) heardOf(sent time.Time) {
	now := time.Now()
	h.arrived, h.strikes = now, 0
	if sent.After(now) {
		sent = now
	}
	if sent.After(h.last) {
		h.last = sent
	}
}

// settle notes that an event was accepted.
func (h *hearing) settle(id agent.MessageID) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.open, id)
	h.accepted.add(id)
}

// knows reports whether an event was accepted not long ago.
func (h *hearing) knows(id agent.MessageID) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.accepted.has(id)
}

// sure is the time up to which everything was accepted. The caller holds mu.
func (h *hearing) sure() time.Time {
	t := h.last
	if !h.missing.IsZero() && h.missing.Before(t) {
		t = h.missing
	}
	for _, a := range h.open {
		if !a.sent.After(t) {
			t = a.sent.Add(-time.Nanosecond)
		}
	}
	return t
}

// hole notes that events since then may be missing. The caller holds mu.
func (h *hearing) hole(since time.Time) {
	h.holes++
	if h.missing.IsZero() || since.Before(h.missing) {
		h.missing = since
	}
}

func (h *hearing) nudge() {
	select {
	case h.wake <- struct{}{}:
	default:
	}
}

// behind says since when events are missing that can be looked for now. An event that
// Slack will not deliver again is among them.
func (h *hearing) behind() (since time.Time, holes int, ok bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	now := time.Now()
	for _, a := range h.open {
		if now.Sub(a.at) > overdue {
			h.hole(a.sent)
		}
	}
	return h.missing, h.holes, h.connected && !h.missing.IsZero()
}

// caughtUp notes that what was said after since, and was missing when holes was read,
// has been looked for, from began on, and how new the newest message was.
func (h *hearing) caughtUp(holes int, since, began, newest time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for id, a := range h.open {
		late := began.Sub(a.at) > overdue // and older than one cares to look
		if a.at.Before(began) && (late || a.sent.After(since)) {
			delete(h.open, id)
		}
	}
	if h.holes != holes {
		return
	}
	h.missing = time.Time{}
	if newest.After(began) {
		newest = began
	}
	if newest.After(h.last) {
		h.last = newest
	}
}

// settling is what of an event settled has to be told when it was accepted.
func settling(ev bots.Event) agent.MessageID {
	if inHistory(ev) {
		return ev.MessageID
	}
	return ""
}

// settled notes that a delivery was accepted.
func (s *Slack) settled(id agent.MessageID) {
	if id != "" {
		s.hear.settle(id)
	}
}

// arrives notes a delivery before anything is done with it.
func (s *Slack) arrives(cb *callback, ev bots.Event, ignored string) {
	s.deafness.set(nil)
	if ignored == "" && inHistory(ev) {
		s.hear.opened(ev.MessageID, ev.Sent)
		return
	}
	if cb.EventTime <= 0 {
		s.hear.came(time.Time{})
		return
	}
	s.hear.came(time.Unix(cb.EventTime, 0))
}

// stirs notes that something has come in which is not found in any history.
func (s *Slack) stirs() {
	s.deafness.set(nil)
	s.hear.came(time.Time{})
}

// isUp notes a connection.
func (s *Slack) isUp(reconnect context.CancelFunc) {
	s.deafness.set(nil)
	s.hear.up(reconnect)
}
