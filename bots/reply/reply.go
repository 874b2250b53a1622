package reply

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"bobbin/agent"
	"bobbin/bots"
)

// Replies opens replies on platforms.
type Replies struct {
	platforms map[string]bots.Platform
	pacer     *pacer
	log       *slog.Logger
}

var _ agent.Replies = (*Replies)(nil)

// New returns Replies on the given platforms. log may be nil.
func New(log *slog.Logger, platforms ...bots.Platform) *Replies {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	r := &Replies{platforms: make(map[string]bots.Platform), pacer: newPacer(), log: log}
	for _, p := range platforms {
		r.platforms[p.Name()] = p
	}
	return r
}

// Open implements agent.Replies. It fails if the platform of the turn's answer is off.
func (r *Replies) Open(ctx context.Context, t *agent.Turn, record func(context.Context, agent.Part) error) (agent.Reply, error) {
	to := t.Target()
	p := r.platforms[to.Platform]
	if p == nil {
		return nil, fmt.Errorf("%w: %q: its answers wait until it is on again", agent.ErrAway, to.Platform)
	}
	// The reply ends with Finish or Close. The daemon's end must not cut off a last edit.
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	l := &live{
		platform: p,
		to:       to,
		budget:   p.Budget(to),
		pacer:    r.pacer,
		record:   record,
		turn:     t.ID,
		log:      r.log.With("session", t.Session, "turn", t.ID),
		cancel:   cancel,
		changed:  make(chan struct{}, 1),
		done:     make(chan struct{}),
	}
	for _, part := range t.Parts {
		l.made++
		if !part.Gone {
			l.parts = append(l.parts, shownPart{Part: part, doubt: part.ID == ""})
		}
	}
	if t.Outcome == nil {
		l.want.Status = "thinking"
	}
	l.sign = newSign(p, to, l.log)
	l.goroutine.Go(func() { l.show(ctx) })
	return l, nil
}

// live is one growing answer. Its goroutine alone touches parts and made.
type live struct {
	platform bots.Platform
	to       agent.Target
	budget   bots.Budget
	pacer    *pacer
	record   func(context.Context, agent.Part) error
	turn     agent.TurnID
	log      *slog.Logger

	mu      sync.Mutex
	want    agent.Update
	since   time.Time      // when want became newer than what is shown
	outcome *agent.Outcome // set once the answer is complete
	changed chan struct{}

	parts []shownPart
	made  int // parts ever made, for their keys

	sign *sign

	cancel    context.CancelFunc
	goroutine sync.WaitGroup
	done      chan struct{} // closed when the goroutine has ended
	err       error         // why the outcome does not stand; set before done is closed
}

// shownPart is a message of the reply and what it shows.
type shownPart struct {
	agent.Part
	shown bots.Message // zero when that is not known, as after a restart
	doubt bool         // it may have been posted, although it has no id
}

// Update implements agent.Reply.
func (l *live) Update(u agent.Update) {
	l.mu.Lock()
	if l.outcome == nil {
		if l.since.IsZero() && u.Text != l.want.Text {
			l.since = time.Now()
		}
		l.want = u
	}
	l.mu.Unlock()
	l.poke()
}

// Finish implements agent.Reply.
func (l *live) Finish(ctx context.Context, o agent.Outcome) error {
	l.mu.Lock()
	l.outcome = &o
	l.mu.Unlock()
	l.poke()
	select {
	case <-l.done:
		return l.err
	case <-ctx.Done():
		l.Close()
		if l.err == nil {
			return nil // it stood just then
		}
		return context.Cause(ctx)
	}
}

// Close implements agent.Reply.
func (l *live) Close() {
	l.cancel()
	l.goroutine.Wait()
}

func (l *live) poke() {
	select {
	case l.changed <- struct{}{}:
	default:
	}
}

// desired returns the messages that should stand now, and how urgent that is.
func (l *live) desired() (pages []bots.Message, u agent.Update, complete bool, since time.Time) {
	l.mu.Lock()
	u, since = l.want, l.since
	o := l.outcome
	l.mu.Unlock()
	if o != nil {
		return l.platform.Render(finalText(*o)), agent.Update{}, true, since
	}
	pages = l.platform.Render(u.Text)
	if len(pages) == 1 && pages[0].Text == nothingYet {
		pages = nil
	}
	return pages, u, false, since
}

// nothingYet is what Markdown is rendered as that has begun and shows nothing so far.
const nothingYet = "…"

// finalText is what stands in the end: the answer, and a sentence if something is wrong.
func finalText(o agent.Outcome) string {
	switch {
	case o.Text == "" && o.Notice == "":
		return "I have nothing to say to that."
	case o.Notice == "":
		return o.Text
	case o.Text == "":
		return o.Notice
	}
	return o.Text + "\n\n" + "⚠️ " + o.Notice
}
