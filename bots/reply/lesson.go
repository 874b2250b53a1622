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
	// recovery is by how much of the documented rate a lane goes up with each minute.
	recovery = 0.05
	// below is how near to a rate that was refused it goes in the minutes of wary, after
	// which it tries again whether more is allowed now.
	below = 0.9
	wary  = 15
)

// lesson is what refusals have taught about a rate. It fades with time.
type lesson struct {
	share   float64   // of the documented rate, when it was learned; 0 means no lesson
	refused float64   // the share that was refused
	at      time.Time // when calls were allowed again
}

// factor is the share of the documented rate that is tried now, in (0, 1].
func (s lesson) factor(now time.Time) float64 {
	if s.share == 0 {
		return 1
	}
	minutes := max(0, math.Floor(now.Sub(s.at).Minutes()))
	share := s.share + recovery*minutes
	if s.refused < 1 {
		share = min(share, below*s.refused) + recovery*max(0, minutes-wary)
	}
	return min(1, max(slowest, share))
}

// after returns what a refusal teaches that holds until then. That of a call which was on
// its way already when the last lesson was learned teaches nothing new.
func (s lesson) after(granted, now, until time.Time) lesson {
	share := s.factor(now)
	switch {
	case share == 1:
		return lesson{share: firstCut, refused: 1, at: until}
	case granted.Before(s.at):
		return s
	}
	return lesson{share: share * nextCut, refused: share, at: until}
}
