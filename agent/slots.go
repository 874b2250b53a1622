package agent

import (
	"context"
	"slices"
	"sync"
)

// slots bounds the turns that are answered at once. Who waits is let in fairly: the
// workspace with the fewest turns running first, within it the person with the fewest,
// then whoever came first. So neither a busy workspace nor a person who floods one with
// questions makes the others wait for all of theirs.
type slots struct {
	mu      sync.Mutex // held for a look at the queue, never across work
	free    int
	running map[string]int // by workspace, and by person within it
	waiting []*slotWait
}

type slotWait struct {
	keys    [2]string // workspace, person
	granted chan struct{}
}

func newSlots(n int) *slots { return &slots{free: n, running: make(map[string]int)} }

// slotKeys says whom a turn counts for.
func slotKeys(t *Turn) [2]string {
	last := t.Inbound[len(t.Inbound)-1]
	workspace := last.Target.Platform + "/" + last.Target.Workspace
	return [2]string{workspace, workspace + "/" + last.Author.ID}
}

// enter takes a slot if one is free. Otherwise it calls wait once and blocks until there
// is one, or ctx ends. What it returns gives the slot back.
func (s *slots) enter(ctx context.Context, t *Turn, wait func()) (leave func(), err error) {
	w := &slotWait{keys: slotKeys(t), granted: make(chan struct{})}
	leave = sync.OnceFunc(func() { s.leave(w.keys) })
	s.mu.Lock()
	s.waiting = append(s.waiting, w)
	s.grant()
	s.mu.Unlock()
	entered := false
	defer func() { // also when wait panics
		if !entered {
			s.giveUp(w, leave)
		}
	}()
	select {
	case <-w.granted:
	default:
		wait()
	}
	select {
	case <-w.granted:
		entered = true
		return leave, nil
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// giveUp takes w out of the queue, or gives back what it was granted just then.
func (s *slots) giveUp(w *slotWait, leave func()) {
	s.mu.Lock()
	i := slices.Index(s.waiting, w)
	if i >= 0 {
		s.waiting = slices.Delete(s.waiting, i, i+1)
	}
	s.mu.Unlock()
	if i < 0 {
		leave()
	}
}

func (s *slots) leave(keys [2]string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.free++
	for _, k := range keys {
		if s.running[k]--; s.running[k] == 0 {
			delete(s.running, k)
		}
	}
	s.grant()
}

// grant lets in as many as there are free slots. The caller holds mu.
func (s *slots) grant() {
	for s.free > 0 && len(s.waiting) > 0 {
		best := 0
		for i, w := range s.waiting {
			if s.before(w, s.waiting[best]) {
				best = i
			}
		}
		w := s.waiting[best]
		s.waiting = slices.Delete(s.waiting, best, best+1)
		s.free--
		for _, k := range w.keys {
			s.running[k]++
		}
		close(w.granted)
	}
}

// before reports whether a is let in before b, which has waited longer.
func (s *slots) before(a, b *slotWait) bool {
	for i := range a.keys {
		if x, y := s.running[a.keys[i]], s.running[b.keys[i]]; x != y {
			return x < y
		}
	}
	return false
}

// queued returns how many turns wait.
func (s *slots) queued() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.waiting)
}
