package reply

import (
	"time"

	"bobbin/bots"
)

// bobbin is the pacer itself on a play's clock, asked as a reply asks it.
type bobbin struct{ pacer *pacer }

func (b *bobbin) begins(p *play, r *streamed) {
	if b.pacer == nil {
		b.pacer = newPacer()
		b.pacer.now = func() time.Time { return epoch.Add(p.now) }
		b.pacer.after = func(d time.Duration, f func()) func() bool { return p.at(p.now+d, f) }
	}
	b.next(p, r, 0)
}

// next asks for the call after those that showed so many tokens.
func (b *bobbin) next(p *play, r *streamed, shown int) {
	if shown == r.tokens {
		return
	}
	if due := r.arrival(shown + 1); p.now < due {
		p.at(due, func() { b.next(p, r, shown) })
		return
	}
	budget := p.budget(r.channel)
	rate, u := budget.Edit, stale
	if shown == 0 {
		rate, u = budget.Post, first
	}
	if p.now >= r.end {
		u = final
	}
	var w *place
	granted := func() {
		p.at(p.now, func() {
			tokens := r.written(p.now)
			p.call(r, shown == 0, tokens, func(late *bots.RetryAfterError, says bots.Usage) {
				if late != nil {
					b.pacer.refused(w, late)
					tokens = shown
				}
				if says.Limit > 0 {
					b.pacer.report(says)
				}
				b.next(p, r, tokens)
			})
		})
	}
	w = b.pacer.queue(rate, u, epoch.Add(r.arrival(shown+1)), granted)
	if !b.pacer.waits(w) {
		granted()
	}
	if u != final {
		p.at(r.end, func() { b.pacer.raise(w, final) })
	}
}

// triesOfOthers is how often others try to show a final text.
const triesOfOthers = 3

// interval is what most do: each reply is edited at a fixed interval, counted from call to
// call. Asked to wait, it waits.
type interval time.Duration

func (v interval) begins(p *play, r *streamed) { v.next(p, r, 0, 0) }

func (v interval) next(p *play, r *streamed, shown, tries int) {
	if due := r.arrival(shown + 1); p.now < due {
		p.at(due, func() { v.next(p, r, shown, tries) })
		return
	}
	began := p.now
	send(p, r, shown, tries, func(shown, tries int) {
		// The final text does not wait for the interval.
		p.at(min(began+time.Duration(v), max(r.end, p.now)), func() { v.next(p, r, shown, tries) })
	})
}

// send shows what is written, and calls then once another call may be made, unless there
// is nothing more to show.
func send(p *play, r *streamed, shown, tries int, then func(shown, tries int)) {
	tokens, complete := r.written(p.now), p.now >= r.end
	p.call(r, shown == 0, tokens, func(late *bots.RetryAfterError, _ bots.Usage) {
		switch {
		case late == nil && complete:
		case late == nil:
			then(tokens, 0)
		case complete && tries+1 == triesOfOthers:
			p.giveUp(r)
		case complete:
			p.at(p.now+late.After, func() { send(p, r, shown, tries+1, then) })
		default:
			p.at(p.now+late.After, func() { then(shown, 0) })
		}
	})
}

// oneClock is one interval for all replies together: whoever gets a token first when it is
// over makes the next edit. First and final texts do not wait for it.
type oneClock struct {
	every time.Duration
	last  time.Duration
}

func (o *oneClock) begins(p *play, r *streamed) { o.next(p, r, 0) }

func (o *oneClock) next(p *play, r *streamed, shown int) {
	due := max(p.now, r.arrival(shown+1))
	if shown > 0 && p.now < r.end {
		// The next token at or after the end of the interval.
		if due < o.last+o.every {
			due = min(r.end, r.arrival(r.written(o.last+o.every-1)+1))
		}
	}
	if p.now < due {
		p.at(due, func() { o.next(p, r, shown) })
		return
	}
	if shown > 0 && p.now < r.end {
		o.last = p.now
	}
	send(p, r, shown, 0, func(shown, _ int) { o.next(p, r, shown) })
}
