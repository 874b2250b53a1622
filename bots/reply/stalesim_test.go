package reply

import (
	"container/heap"
	"math"
	"math/rand/v2"
	"slices"
	"time"

	"bobbin/bots"
)

// The simulation plays replies that stream on a platform with limits, in virtual time: so
// many at once, each followed by another when it is complete. It is single-threaded and
// draws the same numbers each time, so its results are exact and can be compared.

// scene is what is played.
type scene struct {
	replies int             // at any time
	lasts   time.Duration   // mean length of a reply
	pens    []time.Duration // how long replies take for each token, in turn; nil means pens
	// together has each place reply once, for this long, and all at the same time.
	together time.Duration
	end      time.Duration // when the play is over
	budget   func(channel string) bots.Budget
	limits   func() service // what the platform really allows
}

// service is the platform's side of the limits.
type service struct {
	edits   func(channel string) limiter
	account limiter // over all calls; may be nil
	// capacity is how many edits there can be in all channels, besides so many posts.
	capacity func(in time.Duration, posts int) float64
	whole    bool // waits are told in whole seconds
}

// The way of a call to the platform, and back, takes between leastWay and mostWay each.
const (
	leastWay = 40 * time.Millisecond
	mostWay  = 90 * time.Millisecond
	meanWay  = (leastWay + mostWay) / 2
)

// pens is 10 to 100 tokens a second.
var pens = []time.Duration{50 * time.Millisecond, 20 * time.Millisecond, 10 * time.Millisecond, 100 * time.Millisecond}

// streamed is one reply: a token each pen from begin to end.
type streamed struct {
	channel    string
	begin, end time.Duration
	pen        time.Duration
	tokens     int

	seen  int           // tokens that people see
	since time.Duration // when they were seen
	stood time.Duration // when the final text was seen, or given up; -1 before
}

func (r *streamed) arrival(token int) time.Duration {
	return r.begin + time.Duration(token-1)*r.pen
}

// written returns how many tokens there are at that time.
func (r *streamed) written(at time.Duration) int {
	if at < r.begin {
		return 0
	}
	return min(int((at-r.begin)/r.pen)+1, r.tokens)
}

// span is a time in which the age of what is seen grows from one value to another.
type span struct{ from, to float64 }

// play is one run of a scene.
type play struct {
	scene
	service
	now    time.Duration
	queue  cues
	made   int // cues
	random *rand.Rand
	all    []*streamed
	editor map[string]limiter

	spans    []span
	fresh    float64 // seconds in which what was seen was up to date
	refusals int
	edits    int
	finals   []time.Duration // from the last token to when it was seen
	firsts   []time.Duration // from the first token to when it was seen
	lost     int
}

// policy decides when the calls of a reply are made.
type policy interface {
	// begins is called at a reply's first token.
	begins(p *play, r *streamed)
}

// run plays the scene and returns the play when it is over.
func (s scene) run(by policy) *play {
	p := &play{scene: s, service: s.limits(), random: rand.New(rand.NewPCG(1, uint64(s.replies))), editor: make(map[string]limiter)}
	p.all = s.cast()
	for _, r := range p.all {
		p.at(r.begin, func() { by.begins(p, r) })
	}
	for len(p.queue) > 0 && p.queue[0].at <= s.end {
		p.next()
	}
	for _, r := range p.all {
		if r.stood < 0 {
			p.aged(r, s.end)
		}
	}
	return p
}

// next has the next thing happen.
func (p *play) next() {
	c, _ := heap.Pop(&p.queue).(*cue)
	p.now = c.at
	c.do()
}

// cast returns the replies of a scene: in each of the places one after the other.
func (s scene) cast() (all []*streamed) {
	random := rand.New(rand.NewPCG(2, uint64(s.replies)))
	if s.pens == nil {
		s.pens = pens
	}
	for place := range s.replies {
		var begin time.Duration
		for n := 0; begin < s.end; n++ {
			lasts := scale(s.lasts, 0.7+0.6*random.Float64())
			if n == 0 {
				lasts = scale(lasts, 0.2+0.8*random.Float64()) // so that not all end together
			}
			if s.together > 0 {
				lasts = s.together
			}
			r := &streamed{channel: string(rune('A' + place)), begin: begin, pen: s.pens[(place+n)%len(s.pens)], stood: -1}
			r.tokens = max(2, int(lasts/r.pen))
			r.end = r.arrival(r.tokens)
			r.since = r.begin
			all = append(all, r)
			begin = r.end + 100*time.Millisecond
			if s.together > 0 {
				break
			}
		}
	}
	return all
}

// way is how long a call is on its way.
func (p *play) way() time.Duration {
	return leastWay + time.Duration(p.random.Int64N(int64(mostWay-leastWay)))
}

// call makes a call that shows so many of r's tokens, and hands over the answer.
func (p *play) call(r *streamed, post bool, tokens int, answer func(late *bots.RetryAfterError, says bots.Usage)) {
	p.at(p.now+p.way(), func() {
		late, says := p.carryOut(r, post, tokens)
		p.at(p.now+p.way(), func() { answer(late, says) })
	})
}

func (p *play) carryOut(r *streamed, post bool, tokens int) (late *bots.RetryAfterError, says bots.Usage) {
	wait := time.Duration(0)
	if p.account != nil {
		wait, _ = p.account.take(p.now)
	}
	switch {
	case wait > 0:
		late = &bots.RetryAfterError{After: wait, Err: errLost, Scope: p.budget(r.channel).Edit.Within.Scope}
	case !post:
		l := p.editor[r.channel]
		if l == nil {
			l = p.service.edits(r.channel)
			p.editor[r.channel] = l
		}
		if wait, says = l.take(p.now); wait > 0 {
			late = &bots.RetryAfterError{After: wait, Err: errLost}
		}
	}
	if late != nil {
		p.refusals++
		if p.whole {
			late.After = (late.After + time.Second - 1).Truncate(time.Second)
		}
		return late, says
	}
	if !post {
		p.edits++
	}
	p.see(r, tokens)
	return nil, says
}

// see notes that people see so many of r's tokens from now on.
func (p *play) see(r *streamed, tokens int) {
	if r.stood >= 0 || tokens <= r.seen {
		return
	}
	p.aged(r, p.now)
	if r.seen == 0 {
		p.firsts = append(p.firsts, p.now-r.begin)
	}
	r.seen, r.since = tokens, p.now
	if tokens == r.tokens {
		p.ends(r)
	}
}

// giveUp notes that the rest of r will never be seen.
func (p *play) giveUp(r *streamed) {
	p.aged(r, p.now)
	p.lost++
	r.stood = p.now
}

func (p *play) ends(r *streamed) {
	r.stood = p.now
	p.finals = append(p.finals, p.now-r.end)
}

// aged counts how old what is seen has become since it was seen: that is the time since
// the first token that it lacks.
func (p *play) aged(r *streamed, until time.Duration) {
	grows := max(r.since, r.arrival(r.seen+1))
	if grows >= until {
		p.fresh += (until - r.since).Seconds()
		return
	}
	p.fresh += (grows - r.since).Seconds()
	began := r.arrival(r.seen + 1)
	p.spans = append(p.spans, span{(grows - began).Seconds(), (until - began).Seconds()})
}

// mean returns the mean age of what was seen, in seconds.
func (p *play) mean() float64 {
	area, length := 0.0, p.fresh
	for _, s := range p.spans {
		area += (s.to*s.to - s.from*s.from) / 2
		length += s.to - s.from
	}
	return area / length
}

// p99 returns the age that what was seen exceeded for a hundredth of the time.
func (p *play) p99() float64 {
	length := p.fresh
	for _, s := range p.spans {
		length += s.to - s.from
	}
	return bisect(func(x float64) bool {
		over := 0.0
		for _, s := range p.spans {
			over += max(0, s.to-max(s.from, x))
		}
		return over <= length/100
	})
}

// bisect returns from where on enough holds.
func bisect(enough func(float64) bool) float64 {
	low, high := 0.0, 1.0
	for !enough(high) {
		if low, high = high, high*2; high > 1e9 {
			return math.Inf(1)
		}
	}
	for high-low > 1e-6*high {
		if middle := (low + high) / 2; enough(middle) {
			high = middle
		} else {
			low = middle
		}
	}
	return high
}

// quantile returns the q-quantile in seconds; it sorts ds.
func quantile(ds []time.Duration, q float64) float64 {
	if len(ds) == 0 {
		return 0
	}
	slices.Sort(ds)
	return ds[min(len(ds)-1, int(q*float64(len(ds))))].Seconds()
}

// limiter counts calls. Its take returns how long to wait, or 0 if the call is made.
type limiter interface {
	take(now time.Duration) (wait time.Duration, says bots.Usage)
}

// strict is a platform that forgives nothing: a bucket that holds a burst, and no more than
// count calls in any window.
type strict struct {
	count   int
	window  time.Duration
	burst   float64
	tokens  float64
	counted time.Duration
	past    []time.Duration
}

func (l *strict) take(now time.Duration) (wait time.Duration, says bots.Usage) {
	every := l.window / time.Duration(l.count)
	l.tokens = min(l.burst, l.tokens+float64(now-l.counted)/float64(every))
	l.counted = now
	if l.tokens < 1-hair {
		wait = scale(every, 1-l.tokens)
	}
	if n := len(l.past) - l.count; n >= 0 {
		wait = max(wait, l.past[n]+l.window-now)
	}
	if wait <= 0 {
		l.tokens--
		l.past = append(l.past, now)
		l.past = l.past[max(0, len(l.past)-l.count):]
	}
	return wait, says
}

// windows counts in windows that the first call begins.
type windows struct {
	scope  string
	count  int
	window time.Duration
	left   int
	resets time.Duration
}

func (l *windows) take(now time.Duration) (wait time.Duration, says bots.Usage) {
	if now >= l.resets {
		l.left, l.resets = l.count, now+l.window
	}
	if l.left == 0 {
		wait = l.resets - now
	} else {
		l.left--
	}
	return wait, bots.Usage{Scope: l.scope, Limit: l.count, Remaining: l.left, Reset: l.resets - now}
}

// cue is something that happens in a play.
type cue struct {
	at    time.Duration
	order int
	do    func()
	index int
}

// at has something happen, and returns a function that has it not happen.
func (p *play) at(t time.Duration, do func()) (stop func() bool) {
	p.made++
	c := &cue{at: max(t, p.now), order: p.made, do: do}
	heap.Push(&p.queue, c)
	return func() bool {
		if c.index < 0 {
			return false
		}
		heap.Remove(&p.queue, c.index)
		return true
	}
}

type cues []*cue

func (h cues) Len() int { return len(h) }
func (h cues) Less(i, j int) bool {
	return h[i].at < h[j].at || h[i].at == h[j].at && h[i].order < h[j].order
}

func (h cues) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].index, h[j].index = i, j
}

func (h *cues) Push(x any) {
	if c, ok := x.(*cue); ok {
		c.index = len(*h)
		*h = append(*h, c)
	}
}

func (h *cues) Pop() any {
	last := len(*h) - 1
	c := (*h)[last]
	(*h)[last] = nil
	*h = (*h)[:last]
	c.index = -1
	return c
}
