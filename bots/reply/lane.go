package reply

import (
	"slices"
	"time"

	"bobbin/bots"
)

const (
	// reserve is how many calls of a burst edits leave to final and first texts. It is
	// kept without cost: an edit that waits for it uses what comes in meanwhile.
	reserve = 1
	// haste is by how much one reply alone is faster while a burst is untouched. It slows
	// down by itself as the burst is used up.
	haste = 2.0
	// hasty is the part of a window whose calls may be made so fast, as a fraction of 1: what
	// is saved up is for a reply that begins, and spread evenly otherwise.
	hasty = 4.0
	// maxCount bounds how many calls a period may have, and so what is kept of them.
	maxCount = 1000
)

// lane is one limit: what is left of it, and who waits for it.
type lane struct {
	limit  bots.Limit
	parent *lane // the lane that this one lies within, or nil
	within int   // lanes that lie within this one

	waiting places
	ready   lanes // of those within
	index   int   // in parent.ready; -1 if it is not there

	tokens  float64
	counted time.Time // when tokens was right
	held    time.Time // no grant before this
	granted time.Time // when last
	last    time.Time // when that would have been, had nothing else held it up
	earlier time.Time // last before that
	lesson  lesson

	count  int           // calls in a window; 0 if the platform does not count so
	window time.Duration // of the platform
	past   []time.Time   // grants in the last window, at most count
	until  time.Time     // when the platform's count begins anew, as it has said
	left   int           // calls until then

	due   time.Time // when it is to be served
	stop  func() bool
	alarm int // of those set, the one that counts
}

func newLane(limit bots.Limit, s lesson, now time.Time) *lane {
	l := &lane{limit: limit, index: -1, lesson: s, counted: now, window: limit.Window}
	if limit.Every > 0 && limit.Window >= limit.Every {
		l.count = min(int(limit.Window/limit.Every), maxCount)
	}
	l.tokens = l.full(now)
	return l
}

// top returns whose call is worth most, of those who need wait for nothing below l.
func (l *lane) top() *place {
	var best *place
	if len(l.waiting) > 0 {
		best = l.waiting[0]
	}
	if len(l.ready) > 0 {
		if w := l.ready[0].top(); w != nil && (best == nil || w.before(best)) {
			best = w
		}
	}
	return best
}

// every returns the time between two calls at a steady pace.
func (l *lane) every(now time.Time) time.Duration {
	d := l.limit.Every
	if l.count > 0 {
		d = l.window / time.Duration(l.count)
	}
	return scale(d, 1/l.lesson.factor(now))
}

// full returns how many calls a burst has. A platform that allows less than it says is not
// tried with as many.
func (l *lane) full(now time.Time) float64 {
	burst := max(l.limit.Burst, 1)
	if l.lesson.factor(now) < 1 {
		burst = max(burst/2, min(burst, 1+reserve))
	}
	return float64(burst)
}

// leastGuard is as much as calls differ in how long they take, on a common day.
const leastGuard = 100 * time.Millisecond

// guard is by how much calls that leave a window apart may come closer together on their
// way.
func guard(window time.Duration) time.Duration {
	return min(max(window/50, leastGuard), window/20)
}

// fill adds the tokens that come until then.
func (l *lane) fill(until time.Time) {
	every := l.every(until)
	switch {
	case every <= 0:
		l.tokens = l.full(until)
	case until.After(l.counted):
		l.tokens = min(l.full(until), l.tokens+float64(until.Sub(l.counted))/float64(every))
	default:
		return
	}
	l.counted = until
}

// hair is how far below a whole token counts as one: divisions round.
const hair = 1e-6

// free returns when a call of that urgency may be made; now or earlier if it may be made
// now.
func (l *lane) free(now time.Time, u urgency) time.Time {
	at := l.held
	if now.Before(l.until) && l.left <= 0 {
		at = latest(at, l.until)
	}
	every := l.every(now)
	if every <= 0 {
		return at
	}
	l.fill(latest(now, l.counted))
	need := 1.0
	if u == stale && l.full(now) > reserve {
		need += reserve
	}
	if l.tokens < need-hair {
		at = latest(at, l.counted.Add(scale(every, need-l.tokens)))
	}
	if l.count > 0 && len(l.past) >= l.count {
		// A final text goes closer to the limit than an edit, which leaves it that room.
		room := guard(l.window)
		if u != stale {
			room = min(room, max(room/4, leastGuard))
		}
		at = latest(at, l.past[len(l.past)-l.count].Add(l.period(now, room)))
	}
	if u == stale && !l.last.IsZero() {
		at = latest(at, l.last.Add(l.gap(now, every)))
	}
	return at
}

// period is the window with some room, at the rate that was learned.
func (l *lane) period(now time.Time, room time.Duration) time.Duration {
	return scale(l.window+room, 1/l.lesson.factor(now))
}

// gap is how long after the last call an edit goes: calls are spread evenly over what the
// window still allows, so that it is never used up too early. Alone, a reply begins faster
// than that and uses the burst.
func (l *lane) gap(now time.Time, every time.Duration) time.Duration {
	d, idle := every, 1.0
	if l.count > 0 {
		// With calls d apart, as many as there is room for and j more fit only if the
		// jth of the past ones has left the window by then.
		period := l.period(now, guard(l.window))
		past := l.past
		for len(past) > 0 && !past[0].Add(period).After(now) {
			past = past[1:]
		}
		room := l.count - len(past)
		idle = max(0, 1-hasty*float64(len(past))/float64(l.count))
		for j, t := range past {
			d = max(d, (period-l.last.Sub(t))/time.Duration(room+j+1))
		}
		if now.Before(l.until) {
			d = max(d, l.until.Sub(l.last)/time.Duration(max(l.left, 0)+1))
		}
	}
	spare := max(0, l.tokens-1-reserve) / l.full(now)
	others := max(len(l.waiting)+len(l.ready), 1)
	return scale(d, 1/(1+haste*idle*spare/float64(others)))
}

// take counts a call.
func (l *lane) take(now time.Time) {
	l.fill(now)
	l.earlier = l.last
	if every := l.every(now); every > 0 && !l.last.IsZero() {
		// What waited for something else does not put off those after it, within reason.
		gap := l.gap(now, every)
		l.last = earliest(now, latest(l.last.Add(gap), now.Add(-gap/2)))
	} else {
		l.last = now
	}
	l.granted = now
	l.spend(now)
}

// spend counts a call that was not asked for.
func (l *lane) spend(now time.Time) {
	l.fill(now)
	if l.limit.Every > 0 {
		l.tokens--
	}
	if l.count > 0 {
		l.past = append(l.past, now)
		if over := len(l.past) - l.count; over > 0 {
			l.past = slices.Delete(l.past, 0, over)
		}
	}
	l.left--
}

// giveBack undoes the count of a call that was granted at that time and not made.
func (l *lane) giveBack(now, at time.Time) {
	l.fill(now)
	l.tokens = min(l.tokens+1, l.full(now))
	if l.granted.Equal(at) {
		l.last = l.earlier
	}
	if i := slices.IndexFunc(l.past, at.Equal); i >= 0 {
		l.past = slices.Delete(l.past, i, i+1)
	}
	l.left++
}

// hold allows no call until then, because the platform asked for it.
func (l *lane) hold(now, until time.Time) {
	l.fill(now)
	l.held = latest(l.held, until)
	if l.held.After(l.counted) {
		// At most one call when the time is up, not as many as fit into the burst: the
		// platform's own count is at its end.
		l.tokens, l.counted = min(l.tokens, 1), l.held
	}
}

// longestWindow is what a reset may be away that tells of a pace and not of a quota.
const longestWindow = time.Minute

// told takes over the platform's own count.
func (l *lane) told(now time.Time, u bots.Usage) {
	if l.limit.Every <= 0 || l.count == 0 || u.Limit < 1 || u.Remaining < 0 || u.Reset <= 0 || u.Reset > longestWindow {
		return
	}
	l.count = min(u.Limit, maxCount)
	if over := len(l.past) - l.count; over > 0 {
		l.past = slices.Delete(l.past, 0, over)
	}
	if u.Remaining >= u.Limit-1 && (u.Reset-l.window).Abs() > l.window/10 {
		l.window = u.Reset
	}
	until := now.Add(u.Reset)
	switch apart := until.Sub(l.until); {
	case apart > l.window/2: // another window than the one known
		l.until, l.left = until, u.Remaining
	case apart > -l.window/2:
		l.until, l.left = earliest(l.until, until), min(l.left, u.Remaining)
	}
}

// rested returns when l is as good as a new one.
func (l *lane) rested(now time.Time) time.Time {
	l.fill(latest(now, l.counted))
	at := latest(l.held, l.until)
	if full := l.full(now); l.tokens < full-hair {
		at = latest(at, l.counted.Add(scale(l.every(now), full-l.tokens)))
	}
	if n := len(l.past); n > 0 {
		at = latest(at, l.past[n-1].Add(l.period(now, guard(l.window))))
	}
	return at
}

func scale(d time.Duration, by float64) time.Duration { return time.Duration(float64(d) * by) }

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

func earliest(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}
