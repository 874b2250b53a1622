package reply

import (
	"cmp"
	"context"
	"errors"
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

// sign keeps up the platform's own sign that bobbin is at work. Once it is due it has a
// goroutine of its own, so that a slow sign never holds up text; that it cannot be shown stops nothing.
type sign struct {
	typist bots.Typist
	to     agent.Target
	log    *slog.Logger

	mu       sync.Mutex
	doing    string    // empty: writing
	words    string    // the newest doing that was not empty
	newest   time.Time // when the newest post that has succeeded began
	hasStood bool      // there is text to be seen
	changed  chan struct{}
}

// newSign returns nil for a platform without signs; a nil sign does nothing.
func newSign(p bots.Platform, to agent.Target, log *slog.Logger) *sign {
	typist, can := p.(bots.Typist)
	if !can {
		return nil
	}
	return &sign{typist: typist, to: to, log: log, changed: make(chan struct{}, 1)}
}

// set says what is being done from now on; empty: writing, which is its own sign.
func (s *sign) set(doing string) {
	if s == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.doing == doing {
		return
	}
	if s.doing = doing; doing != "" {
		s.words = doing
	}
	s.poke()
}

// stands says that there is text to be seen, and when its posting began; the zero time
// if that was before this reply was opened.
func (s *sign) stands(posted time.Time) {
	if s == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.newest, s.hasStood = posted, true
	s.poke()
}

func (s *sign) poke() {
	select {
	case s.changed <- struct{}{}:
	default:
	}
}

// wanted returns what to show, and when the newest post began. Until there is text, the
// sign stays although the text is being written.
func (s *sign) wanted() (doing string, newest time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.doing == "" && !s.hasStood {
		return s.words, s.newest
	}
	return s.doing, s.newest
}

// begin keeps the sign up until end is called, with a goroutine of wg's. An answer that is
// there at once needs none.
func (s *sign) begin(ctx context.Context, wg *sync.WaitGroup) (end func()) {
	if s == nil {
		return func() {}
	}
	ctx, cancel := context.WithCancel(ctx)
	wg.Add(1)
	start := time.AfterFunc(signDelay, func() {
		defer wg.Done()
		s.keep(ctx)
	})
	return func() {
		cancel()
		if start.Stop() {
			wg.Done()
		}
	}
}

// keep shows what was set until ctx ends, and then takes away what would stay.
func (s *sign) keep(ctx context.Context) {
	defer func() {
		if p := recover(); p != nil {
			s.log.Error("showing the typing sign panicked", "panic", p)
		}
	}()
	var (
		up    string    // what the platform shows, as far as we know
		seen  time.Time // when the newest post that was taken note of began
		since time.Time // when that was shown
		fades bool      // it goes with time or with a post
		quiet time.Time // no call before this
		timer = time.NewTimer(0)
	)
	defer timer.Stop()
	for {
		due := false
		select {
		case <-ctx.Done():
			if up != "" {
				last, cancel := context.WithTimeout(context.WithoutCancel(ctx), signLast)
				defer cancel()
				_, _, _ = s.show(last, "")
			}
			return
		case <-timer.C:
			due = true
		case <-s.changed:
		}
		doing, newest := s.wanted()
		if fades && newest != seen {
			due = true // the post may have taken it away
			if newest.After(since) {
				up = ""
			}
		}
		seen = newest
		if time.Now().Before(quiet) || doing == up && (doing == "" || !due) {
			continue
		}
		lasts, wait, asked := s.show(ctx, doing)
		since = time.Now()
		if wait > 0 {
			if asked { // and nobody knows what is shown
				up = cmp.Or(doing, up)
			}
			fades, quiet = true, since.Add(wait)
			timer.Reset(wait)
			continue
		}
		up, fades = doing, lasts > 0
		timer.Stop()
		if fades && doing != "" {
			timer.Reset(lasts)
		}
	}
}

// show returns how long the sign lasts, or after an error how long to leave it alone and
// whether the platform was asked at all.
func (s *sign) show(ctx context.Context, doing string) (lasts, wait time.Duration, asked bool) {
	lasts, err := s.typist.Typing(ctx, s.to, doing)
	if err == nil {
		return lasts, 0, true
	}
	s.log.Debug("the typing sign could not be changed", "error", err)
	wait, asked = signRetry, true
	if late, ok := errors.AsType[*bots.RetryAfterError](err); ok {
		wait, asked = max(wait, late.After), !late.Unsent
	}
	return 0, wait, asked
}
