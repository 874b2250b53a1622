package reply

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"bobbin/agent"
	"bobbin/bots"
)

const (
	// signDelay spares the platform the sign of an answer that is there at once.
	signDelay = 100 * time.Millisecond
	// signRetry is when a sign that could not be shown is tried again.
	signRetry = 10 * time.Second
	// signLast bounds taking the sign away when everything else is over.
	signLast = 3 * time.Second
)

// sign keeps up the platform's own sign that bobbin is at work. It has a goroutine of its
// own, so that a slow sign never holds up text; that it cannot be shown stops nothing.
type sign struct {
	typist bots.Typist
	to     agent.Target
	log    *slog.Logger

	mu      sync.Mutex
	doing   string // what to show; empty: nothing
	posted  bool   // a message was posted, which may have taken the sign away
	changed chan struct{}
}

// newSign returns nil for a platform without signs; a nil sign does nothing.
func newSign(p bots.Platform, to agent.Target, log *slog.Logger) *sign {
	typist, can := p.(bots.Typist)
	if !can {
		return nil
	}
	return &sign{typist: typist, to: to, log: log, changed: make(chan struct{}, 1)}
}

// set says what to show from now on.
func (s *sign) set(doing string, posted bool) {
	if s == nil {
		return
	}
	s.mu.Lock()
	same := s.doing == doing && !posted
	s.doing, s.posted = doing, s.posted || posted
	s.mu.Unlock()
	if same {
		return
	}
	select {
	case s.changed <- struct{}{}:
	default:
	}
}

// keep shows what was set until ctx ends, and then takes away what would stay.
func (s *sign) keep(ctx context.Context) {
	var (
		shown string           // what the platform shows, as far as we know
		next  <-chan time.Time = time.After(signDelay)
		early                  = true
		fades                  = false // it goes by itself
	)
	for {
		select {
		case <-ctx.Done():
			if shown != "" {
				last, cancel := context.WithTimeout(context.WithoutCancel(ctx), signLast)
				defer cancel()
				s.show(last, "")
			}
			return
		case <-s.changed:
			if early {
				continue
			}
		case <-next:
			early = false
		}
		s.mu.Lock()
		doing, posted := s.doing, s.posted
		s.posted = false
		s.mu.Unlock()
		if posted && fades {
			shown = "" // a sign that goes by itself goes with a posted message too
		}
		next = nil
		if doing == "" && shown == "" {
			continue
		}
		lasts := s.show(ctx, doing)
		shown, fades = doing, lasts > 0
		if fades && doing != "" {
			next = time.After(lasts)
		}
	}
}

func (s *sign) show(ctx context.Context, doing string) (lasts time.Duration) {
	lasts, err := s.typist.Typing(ctx, s.to, doing)
	if err != nil {
		s.log.Debug("the typing sign could not be changed", "error", err)
		return signRetry
	}
	return lasts
}
