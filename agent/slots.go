package agent

import (
	"context"
	"slices"
	"sync"
	"time"
)

// slots bounds the turns that are answered at once. Who waits is let in fairly: the
// workspace with the fewest turns running first, within it the person with the fewest,
// then whoever came first. So neither a busy workspace nor a person who floods one with
// questions makes the others wait for all of theirs. A turn that is to run alone holds up
// who comes after it until those before it have ended, for a while.
type slots struct {
	mu      sync.Mutex // held for a look at the queue, never across work
	size    int
	free    int
	alone   *slotWait      // it runs, and no other may
	running map[string]int // by workspace, and by person within it
	waiting []*slotWait
}

type slotWait struct {
	keys    [2]string // workspace, person
	alone   bool
	granted chan struct{}
}

const (
	// aloneWait is how long a turn that is to run alone waits for the others to end.
	aloneWait = time.Minute
	// aloneFor is how long it keeps the others waiting then. What brings a process down
	// mostly does so at once.
	aloneFor = 30 * time.Second
)

func newSlots(n int) *slots { return &slots{size: n, free: n, running: make(map[string]int)} }

// slotKeys says whom a turn counts for.
func slotKeys(t *Turn) [2]string {
	last := t.Inbound[len(t.Inbound)-1]
	workspace := last.Target.Platform + "/" + last.Target.Workspace
	return [2]string{workspace, workspace + "/" + last.Author.ID}
}

// enter takes a slot if one is free. Otherwise it calls wait once and blocks until there
// is one, or ctx ends. What it returns gives the slot back.
func (s *slots) enter(ctx context.Context, t *Turn, wait func() error) (leave func(), err error) {
	return s.enterAs(ctx, &slotWait{keys: slotKeys(t), granted: make(chan struct{})}, wait)
}

// enterAlone is enter for a turn that no other is to run beside, for its first
// [aloneFor]. If the others do not end within [aloneWait], it runs beside them.
func (s *slots) enterAlone(ctx context.Context, t *Turn) (leave func(), err error) {
	w := &slotWait{keys: slotKeys(t), alone: true, granted: make(chan struct{})}
	waited := time.AfterFunc(aloneWait, func() { s.share(w) })
	left, err := s.enterAs(ctx, w, func() error { return nil })
	waited.Stop()
	if err != nil {
		return nil, err
	}
	shared := time.AfterFunc(aloneFor, func() { s.share(w) })
	return func() {
		shared.Stop()
		left()
	}, nil
}

// share has others run beside w from now on.
func (s *slots) share(w *slotWait) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if w.alone = false; s.alone == w {
		s.alone = nil
	}
	s.grant()
}

func (s *slots) enterAs(ctx context.Context, w *slotWait, wait func() error) (leave func(), err error) {
	leave = sync.OnceFunc(func() { s.leave(w) })
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
		if err := wait(); err != nil {
			return nil, err
		}
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

func (s *slots) leave(w *slotWait) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.free++
	if s.alone == w {
		s.alone = nil
	}
	for _, k := range w.keys {
		if s.running[k]--; s.running[k] == 0 {
			delete(s.running, k)
		}
	}
	s.grant()
}

// grant lets in as many as there are free slots. The caller holds mu.
func (s *slots) grant() {
	for s.free > 0 && s.alone == nil && len(s.waiting) > 0 {
		next := slices.IndexFunc(s.waiting, func(w *slotWait) bool { return w.alone })
		switch {
		case next < 0:
			next = s.fairest()
		case s.free < s.size:
			return
		}
		w := s.waiting[next]
		s.waiting = slices.Delete(s.waiting, next, next+1)
		s.free--
		if w.alone {
			s.alone = w
		}
		for _, k := range w.keys {
			s.running[k]++
		}
		close(w.granted)
	}
}

func (s *slots) fairest() (best int) {
	for i, w := range s.waiting {
		if s.before(w, s.waiting[best]) {
			best = i
		}
	}
	return best
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
