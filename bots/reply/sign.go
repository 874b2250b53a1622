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

// sign keeps up the platform's own sign that bobbin is at work. It is shown in a goroutine of
// its own, so that a slow sign never holds up text; that it cannot be shown stops nothing.
type sign struct {
	typist bots.Typist
	to     agent.Target
	log    *slog.Logger
	shows  runner      // of keep
	timer  *time.Timer // has keep look again

	mu       sync.Mutex
	begun    bool      // signDelay has passed
	over     bool      // it is to be taken away
	doing    string    // empty: writing
	words    string    // the newest doing that was not empty
	newest   time.Time // when the newest post that has succeeded began
	hasStood bool      // there is text to be seen

	// For keep only.
	up    string    // what the platform shows, as far as we know
	seen  time.Time // when the newest post that was taken note of began
	since time.Time // when up was shown
	fades bool      // it goes with time or with a post
	until time.Time // when it is shown anew; zero: it need not be
	quiet time.Time // no call before this
}

// newSign returns nil for a platform without signs; a nil sign does nothing. An answer that is
// there at once has none. Calls of the platform end with ctx.
func newSign(ctx context.Context, p bots.Platform, to agent.Target, log *slog.Logger) *sign {
	typist, can := p.(bots.Typist)
	if !can {
		return nil
	}
	s := &sign{typist: typist, to: to, log: log}
	s.shows.do = func() { s.keep(ctx) }
	s.timer = time.AfterFunc(signDelay, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.begun = true
		s.shows.wake()
	})
	return s
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

// poke has it looked at, unless that is too early. The caller holds mu.
func (s *sign) poke() {
	if s.begun {
		s.shows.wake()
	}
}

// end has the sign taken away. The context of newSign has ended by then.
func (s *sign) end() {
	if s == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.over = true
	s.timer.Stop()
	s.poke()
}

// close waits for that.
func (s *sign) close() {
	if s != nil {
		s.shows.stop()
	}
}

// wanted returns what to show, and when the newest post began. Until there is text, the
// sign stays although the text is being written.
func (s *sign) wanted() (doing string, newest time.Time, over bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.doing == "" && !s.hasStood {
		return s.words, s.newest, s.over
	}
	return s.doing, s.newest, s.over
}

// keep shows what was set, if that does not stand already, and takes away in the end what
// would stay.
func (s *sign) keep(ctx context.Context) {
	defer func() {
		if p := recover(); p != nil {
			s.log.Error("showing the typing sign panicked", "panic", p)
		}
	}()
	doing, newest, over := s.wanted()
	if over {
		s.timer.Stop()
		if s.up != "" {
			s.up = ""
			last, cancel := context.WithTimeout(context.WithoutCancel(ctx), signLast)
			defer cancel()
			_, _, _ = s.show(last, "")
		}
		return
	}
	now := time.Now()
	due := !s.until.IsZero() && !now.Before(s.until)
	if s.fades && newest != s.seen {
		due = true // the post may have taken it away
		if newest.After(s.since) {
			s.up = ""
		}
	}
	s.seen = newest
	if now.Before(s.quiet) || doing == s.up && (doing == "" || !due) {
		return
	}
	lasts, wait, asked := s.show(ctx, doing)
	s.since, s.until = time.Now(), time.Time{}
	switch {
	case wait > 0:
		if asked { // and nobody knows what is shown
			s.up = cmp.Or(doing, s.up)
		}
		s.fades, s.quiet = true, s.since.Add(wait)
		s.again(wait)
	default:
		if s.up, s.fades = doing, lasts > 0; s.fades && doing != "" {
			s.again(lasts)
		}
	}
}

// again has it shown anew when d has passed.
func (s *sign) again(d time.Duration) {
	s.until = s.since.Add(d)
	s.timer.Reset(d)
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
