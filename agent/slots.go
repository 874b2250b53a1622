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
// questions makes the others wait for all of theirs. A turn on trial holds up who comes
// after it until those before it have ended, for a while; and no two of them ever run at
// once, since one may bring the other down, which would be blamed, too.
type slots struct {
	mu      sync.Mutex // held for a look at the queue, never across work
	size    int
	free    int
	trial   *slotWait      // the one on trial that runs
	running map[string]int // by workspace, and by person within it
	waiting []*slotWait
}

type slotWait struct {
	keys    [2]string // workspace, person
	trial   bool
	alone   bool // no other may run beside it
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

// enterTrial is enter for a turn on trial: no other is to run beside it for its first
// [aloneFor], and no other on trial at any time. If those not on trial do not end within
// [aloneWait], it runs beside them.
func (s *slots) enterTrial(ctx context.Context, t *Turn) (leave func(), err error) {
	w := &slotWait{keys: slotKeys(t), trial: true, alone: true, granted: make(chan struct{})}
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
	w.alone = false
	s.grant()
}

func (s *slots) enterAs(ctx context.Context, w *slotWait, wait func() error) (leave func(), err error) {
	s.mu.Lock()
	s.waiting = append(s.waiting, w)
	s.grant()
	s.mu.Unlock()
	entered := false
	defer func() { // also when wait panics
		if !entered {
			s.giveUp(w)
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
		return sync.OnceFunc(func() { s.leave(w) }), nil
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// giveUp takes w out of the queue, or gives back what it was granted just then.
func (s *slots) giveUp(w *slotWait) {
	s.mu.Lock()
	i := slices.Index(s.waiting, w)
	if i >= 0 {
		s.waiting = slices.Delete(s.waiting, i, i+1)
		s.grant() // to those that it held up
	}
	s.mu.Unlock()
	if i < 0 {
		s.leave(w)
	}
}

func (s *slots) leave(w *slotWait) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.free++
	if s.trial == w {
		s.trial = nil
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
	for s.free > 0 && (s.trial == nil || !s.trial.alone) {
		next := s.next()
		if next < 0 {
			return
		}
		w := s.waiting[next]
		s.waiting = slices.Delete(s.waiting, next, next+1)
		s.free--
		if w.trial {
			s.trial = w
		}
		for _, k := range w.keys {
			s.running[k]++
		}
		close(w.granted)
	}
}

// next returns who is let in next, or -1 if nobody may be.
func (s *slots) next() (best int) {
	if s.trial == nil {
		if alone := slices.IndexFunc(s.waiting, func(w *slotWait) bool { return w.alone }); alone >= 0 && s.free < s.size {
			return -1
		} else if alone >= 0 {
			return alone
		}
	}
	best = -1
	for i, w := range s.waiting {
		if (s.trial == nil || !w.trial) && (best < 0 || s.before(w, s.waiting[best])) {
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
