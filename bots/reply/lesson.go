package reply

import (
	"math"
	"time"
)

const (
	// firstCut is what is left of a rate that is refused although the platform should
	// allow it: the true one may be anything below.
	firstCut = 0.5
	// nextCut is for a rate that was found by going up again: the true one is near.
	nextCut = 0.75
	// slowest bounds how far a rate is cut.
	slowest = 1.0 / 16
	// recovery is by how much of the documented rate a lane goes up with each minute after
	// its first lesson; after n lessons it is the nth part of that.
	recovery = 0.05
)

// lesson is what refusals have taught about a rate. It fades with time.
type lesson struct {
	share float64   // of the documented rate, when it was learned
	at    time.Time // when calls were allowed again
	cuts  int       // lessons learned before this one had faded; 0 means no lesson
}

// factor is the share of the documented rate that is tried now, in (0, 1].
func (s lesson) factor(now time.Time) float64 {
	if s.cuts == 0 {
		return 1
	}
	return min(1, s.share+recovery/float64(s.cuts)*max(0, math.Floor(now.Sub(s.at).Minutes())))
}

// after returns what a refusal teaches that holds until then. That of a call which was on
// its way already when the last lesson was learned teaches nothing new.
func (s lesson) after(granted, now, until time.Time) lesson {
	share := s.factor(now)
	switch {
	case share == 1:
		return lesson{share: firstCut, at: until, cuts: 1}
	case granted.Before(s.at):
		return s
	}
	return lesson{share: max(slowest, share*nextCut), at: until, cuts: s.cuts + 1}
}
