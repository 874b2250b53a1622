package reply

import "sync"

// runner has do run after it was woken, in a goroutine, one run at a time. Between runs it
// has none: most replies wait most of the time, for text or for the platform's leave.
type runner struct {
	do    func()
	going sync.WaitGroup

	mu      sync.Mutex
	running bool
	again   bool // it was woken while it ran
	stopped bool
}

// wake sees to it that do runs after this moment. It never blocks.
func (r *runner) wake() {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case r.stopped:
	case r.running:
		r.again = true
	default:
		r.running = true
		r.going.Go(r.run)
	}
}

func (r *runner) run() {
	for more := true; more; more = r.goesOn() {
		r.do()
	}
}

func (r *runner) goesOn() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.running, r.again = r.again, false
	return r.running
}

// stop has it be woken no more, and waits for what it was woken for before.
func (r *runner) stop() {
	r.mu.Lock()
	r.stopped = true
	r.mu.Unlock()
	r.going.Wait()
}
