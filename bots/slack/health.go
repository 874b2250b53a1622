package slack

import (
	"maps"
	"sync"
)

// health is why bobbin is not connected, or nil.
type health struct {
	mu  sync.Mutex
	why error
}

func (h *health) set(why error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.why = why
}

func (h *health) get() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.why
}

// maxReasons bounds a tally, since some of its reasons come from outside.
const maxReasons = 64

// tally counts by reason.
type tally struct {
	mu sync.Mutex
	n  map[string]int
}

func (t *tally) add(why string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.n == nil {
		t.n = make(map[string]int)
	}
	if _, known := t.n[why]; !known && len(t.n) >= maxReasons {
		why = "other"
	}
	t.n[why]++
}

func (t *tally) counts() map[string]int {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.n == nil {
		return map[string]int{}
	}
	return maps.Clone(t.n)
}
