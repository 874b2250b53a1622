package reply

import (
	"math"
	"slices"
	"time"
)

// What follows is how stale text must be at least, whatever decides over the edits, even if
// it knows all tokens and all limits beforehand, and is never refused a call. Only one thing
// is asked of it: that it shows a first text at once, which is a post and costs no edit. It
// is a bound, not a schedule: bursts, windows and whole numbers of edits may keep any
// schedule from reaching it.
//
// Let a reply get a token each p, and let a call need w until it is seen. Its edits take
// the text at times u0 < u1 < … and are seen at u0+w, u1+w, …. What edit j showed lacks the
// first token after uj, which comes at uj+p at the latest. From when edit j is seen until
// the next is seen, c later, the age of what is seen therefore grows to at least c+w-p, and
// from max(0, w-p): summed up over that time it is at least
//
//	h(c) = (max(0, c+w-p)² - max(0, w-p)²) / 2.
//
// Before that, from its first token until the first text is seen, its age grows from 0 to w.
// h is convex. A reply of length L that is edited m times has ages that sum up to at least
// m·h(L/m), by Jensen's inequality: even spacing is best. All replies together have as
// many edits as the limits allow in that time, M. The least sum of m·h(L/m) over all replies
// with their m adding up to M is found with a Lagrange multiplier, as m·h(L/m) is convex in m:
// at the optimum h(c)-c·h'(c) is the same for all, which gives c as a function of it.
//
// For k replies that all the time have new text (p → 0), and B edits a second, that is
// c = k/B, and a mean age of c/2 + w = k/(2B) + w. When there are more edits than tokens,
// c is p, and the mean age is w²/(2p): the text is stale only while calls are on their way.
//
// The same counting gives the age that is exceeded for a hundredth of the time: in a cycle
// c, age x is exceeded for at least max(0, c+w-p-x), so over a reply for at least
// L - m·(x+p-w); those m that make the sum over all replies least are found greedily.

// group is replies that are alike.
type group struct {
	length float64 // of all of them together, in seconds
	pen    float64 // between tokens
}

// groups returns the replies of a play by their pens, up to its end, and how many edits
// there can be: those that the limits allow besides first texts, and for a reply that goes
// on beyond the end one that makes it fresh then.
func (p *play) groups() (all []group, edits float64) {
	length := make(map[time.Duration]float64)
	edits = p.capacity(p.end, len(p.all))
	for _, r := range p.all {
		length[r.pen] += max(0, min(r.end, p.end)-r.begin).Seconds()
		if r.end > p.end {
			edits++
		}
	}
	for pen, sum := range length {
		all = append(all, group{sum, pen.Seconds()})
	}
	slices.SortFunc(all, func(a, b group) int { return int(math.Copysign(1, b.pen-a.pen)) })
	return all, edits
}

// leastMean returns the least mean age of what is seen.
func (p *play) leastMean() float64 {
	groups, edits := p.groups()
	way := meanWay.Seconds()
	cycle := func(g group, multiplier float64) float64 {
		return max(math.Sqrt(2*multiplier+math.Pow(max(0, g.pen-way), 2)), g.pen)
	}
	multiplier := bisect(func(x float64) bool {
		used := 0.0
		for _, g := range groups {
			used += g.length / cycle(g, x)
		}
		return used <= edits
	})
	n := float64(len(p.all))
	area, length := n*way*way/2, n*way // until the first texts are seen
	for _, g := range groups {
		c, head := cycle(g, multiplier), max(0, way-g.pen)
		tail := max(0, c+way-g.pen)
		area += g.length / c * (tail*tail - head*head) / 2
		length += g.length
	}
	return area / length
}

// leastP99 returns the least age that is exceeded for a hundredth of the time.
func (p *play) leastP99() float64 {
	groups, edits := p.groups() // the slowest first: an edit of theirs is worth most
	way := meanWay.Seconds()
	length, before := 0.0, float64(len(p.all))*way // until the first texts are seen
	for _, g := range groups {
		length += g.length
	}
	return bisect(func(x float64) bool {
		over, left := length, edits
		for _, g := range groups {
			worth := max(0, x+g.pen-way)
			if worth > 0 {
				m := min(left, g.length/max(worth, g.pen))
				over, left = over-m*worth, left-m
			}
		}
		return over <= (length+before)/100
	})
}
