package slack

import (
	"context"
	"fmt"
	"time"

	"bobbin/agent"
)

const (
	// heardEvery is how often the time up to which all has arrived is stored.
	heardEvery = 15 * time.Second
	// heardFirst is how soon the first time is: without one nothing can be caught up on.
	heardFirst   = 250 * time.Millisecond
	heardTimeout = 5 * time.Second
)

// recall reads what an earlier run has stored.
func (s *Slack) recall(ctx context.Context) error {
	if s.opts.Memory == nil {
		return nil
	}
	heard, err := s.opts.Memory.Heard(ctx, s.Name())
	if err != nil {
		return fmt.Errorf("slack: %w", err)
	}
	s.hear.load(heard)
	return nil
}

// keepHeard stores how far all has arrived, until ctx ends.
func (s *Slack) keepHeard(ctx context.Context) {
	next := heardEvery
	if s.unheard() {
		next = heardFirst
	}
	for {
		timer := time.NewTimer(next)
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-timer.C:
			s.storeHeard(ctx)
			if next = min(2*next, heardEvery); !s.unheard() {
				next = heardEvery
			}
		}
	}
}

// unheard reports whether nothing was ever stored.
func (s *Slack) unheard() bool {
	s.hear.mu.Lock()
	defer s.hear.mu.Unlock()
	return s.opts.Memory != nil && s.hear.stored.IsZero()
}

// storeHeard also serves as the last word of Run, when ctx has ended.
func (s *Slack) storeHeard(ctx context.Context) {
	if s.opts.Memory == nil {
		return
	}
	s.hear.mu.Lock()
	t, stored := s.hear.sure(), s.hear.stored
	s.hear.mu.Unlock()
	if !t.After(stored) {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), heardTimeout)
	defer cancel()
	if err := s.opts.Memory.SetHeard(ctx, s.Name(), t); err != nil {
		s.log.Warn("slack: how far events have arrived was not stored; more will be read again after a restart", "error", err)
		return
	}
	s.hear.mu.Lock()
	defer s.hear.mu.Unlock()
	s.hear.stored = t
}

// recent remembers the last ids that it was given.
type recent struct {
	ids  map[agent.MessageID]struct{}
	ring []agent.MessageID
	next int
}

func (r *recent) has(id agent.MessageID) bool {
	_, ok := r.ids[id]
	return ok
}

func (r *recent) add(id agent.MessageID) {
	if r.has(id) {
		return
	}
	if r.ids == nil {
		r.ids = make(map[agent.MessageID]struct{})
	}
	if len(r.ring) < maxOpen {
		r.ring = append(r.ring, id)
	} else {
		delete(r.ids, r.ring[r.next])
		r.ring[r.next] = id
		r.next = (r.next + 1) % maxOpen
	}
	r.ids[id] = struct{}{}
}
