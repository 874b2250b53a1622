package reply

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"bobbin/agent"
	"bobbin/bots"
	"bobbin/bots/markup"
)

// Options say how replies look. The zero value is a plain reply without anything around
// it.
type Options struct {
	// Footer names what the line below an answer tells, in this order.
	Footer []Fact
	// Buttons puts buttons under replies: to stop one, and to judge or repeat it.
	Buttons bool
	// MaxParts is how many messages an answer may take. The whole of a longer one is
	// given as a file, where the platform can. 0: as many as it takes.
	MaxParts int
	// Repost shows the complete answer in new messages, which notify people, instead of
	// in those that it was streamed to.
	Repost bool
	// Budget stands for the platforms' own; nil: theirs.
	Budget func(agent.Target) bots.Budget
	// Log may be nil.
	Log *slog.Logger
}

// Replies opens replies on platforms.
type Replies struct {
	opts      Options
	platforms map[string]bots.Platform
	pacer     *pacer
	log       *slog.Logger

	unmarking context.Context // of what is done when an answer stands
	stop      context.CancelFunc
	rest      sync.WaitGroup
}

var _ agent.Replies = (*Replies)(nil)

// New returns Replies on the given platforms. They are to be closed.
func New(o Options, platforms ...bots.Platform) *Replies {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	r := &Replies{opts: o, platforms: make(map[string]bots.Platform), pacer: newPacer(), log: o.Log}
	r.unmarking, r.stop = context.WithCancel(context.Background())
	for _, p := range platforms {
		r.platforms[p.Name()] = p
		if m, ok := p.(bots.Meter); ok {
			m.Meter(r.pacer.report)
		}
	}
	return r
}

// closeWait is how long Close waits for signs to be taken away.
const closeWait = 2 * time.Second

// Close ends what is still done about answers that stand already. It is called when no
// reply is open any more.
func (r *Replies) Close() {
	late := time.AfterFunc(closeWait, r.stop)
	r.rest.Wait()
	late.Stop()
	r.stop()
}

// unmark takes away the signs that messages wait. The platform may let that be done a few
// times a minute only, so an answer is not held up by it. A sign that stays does no harm.
func (r *Replies) unmark(p bots.Platform, answered []agent.Inbound, log *slog.Logger) {
	marker, can := p.(bots.Marker)
	marked := slices.DeleteFunc(slices.Clone(answered), func(in agent.Inbound) bool { return !in.Waits })
	if !can || len(marked) == 0 {
		return
	}
	r.rest.Go(func() {
		for _, in := range marked {
			if err := marker.Mark(r.unmarking, in.Target, in.MessageID, false); err != nil {
				log.Debug("the sign that a message waits could not be taken away", "error", err)
			}
		}
	})
}

// Open implements agent.Replies. It fails if the platform of the turn's answer is off.
func (r *Replies) Open(ctx context.Context, t *agent.Turn, j agent.Journal) (agent.Reply, error) {
	to := t.Target()
	p := r.platforms[to.Platform]
	if p == nil {
		return nil, fmt.Errorf("%w: %q: its answers wait until it is on again", agent.ErrAway, to.Platform)
	}
	// The reply ends with Finish or Close. The daemon's end must not cut off a last edit.
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	budget := p.Budget
	if r.opts.Budget != nil {
		budget = r.opts.Budget
	}
	log := slog.New(&logOf{Handler: r.log.Handler(), attrs: []slog.Attr{slog.String("session", string(t.Session)), slog.String("turn", string(t.ID))}})
	l := &live{
		Options:  r.opts,
		opening:  opening(p, t),
		words:    words(p, to),
		streams:  streams(p, to),
		platform: p,
		to:       to,
		budget:   budget(to),
		pacer:    r.pacer,
		journal:  j,
		turn:     t.ID,
		unmark:   func() { r.unmark(p, t.Inbound, log) },
		log:      log,
		cancel:   cancel,
		done:     make(chan struct{}),
	}
	l.shows.do = func() { l.show(ctx) }
	l.begun = len(t.Parts) > 0
	for _, part := range t.Parts {
		l.made++
		if !part.Gone {
			l.floor = max(l.floor, part.Shows)
			l.parts = append(l.parts, shownPart{Part: part, doubt: part.ID == ""})
		}
	}
	l.sign = newSign(ctx, p, to, l.log)
	if slices.ContainsFunc(l.parts, func(p shownPart) bool { return p.ID != "" }) {
		l.sign.stands(time.Time{})
	}
	if t.Outcome == nil {
		l.sign.set("thinking")
	}
	return l, nil
}

// live is one growing answer. Only show touches what is between pending and sign.
type live struct {
	Options
	opening  string // Markdown before the answer
	floor    int    // as many bytes of Markdown an earlier attempt has shown
	words    bool   // the platform's sign has words
	streams  bool   // the platform wants to know which edit is the last
	platform bots.Platform
	to       agent.Target
	budget   bots.Budget
	pacer    *pacer
	journal  agent.Journal
	turn     agent.TurnID
	unmark   func() // called while its worker waits for the end
	log      *slog.Logger

	mu      sync.Mutex
	begun   bool           // a message is journaled, or about to be
	first   agent.Part     // that is journaled together with the outcome; without a key: none
	update  agent.Update   // the newest
	headed  time.Time      // since when there is a head
	since   time.Time      // when what is to be seen became newer than what was last taken to be shown
	outcome *agent.Outcome // set once the answer is complete
	pending *pending       // waits for the budget

	rendered string         // the Markdown that was rendered last, to pages
	pages    []bots.Message // never changed

	parts []shownPart // in the order in which they stand
	left  []shownPart // that can no longer be edited, and are to be removed
	made  int         // parts ever made, for their keys
	upTo  int         // bytes of Markdown in the messages up to the one that take returned last
	lost  int         // parts that could no longer be edited
	fails int         // calls in a row that have failed
	// file is a long answer as a file, once it is complete; noFile says that the platform
	// will not have it. given are the files that go with the answer, once it is complete.
	file    *bots.Upload
	noFile  bool
	given   []*given
	settled bool // the outcome is durable
	// reposted says that the complete answer has messages of its own.
	reposted bool
	// refusal is why the platform will not have what the answer says, once that is
	// certain.
	refusal error

	sign *sign

	shows  runner // of show
	cancel context.CancelFunc
	ending sync.Once
	done   chan struct{} // closed when the reply has ended
	err    error         // why the outcome does not stand; set before done is closed
}

// Update implements agent.Reply.
func (l *live) Update(u agent.Update) {
	l.mu.Lock()
	if l.outcome != nil {
		l.mu.Unlock()
		return
	}
	was, head := l.head(l.update), l.head(u)
	news := u.Text != l.update.Text || head != was
	if news && l.since.IsZero() {
		l.since = time.Now()
	}
	if was == "" && head != "" {
		l.headed = time.Now()
		time.AfterFunc(headDelay, l.shows.wake)
	}
	l.update = u
	waits := l.pending != nil // it shows what there is when it may be made
	l.mu.Unlock()
	if l.behind(u.Text) { // what is written is not seen yet
		u.Status = cmp.Or(u.Status, agent.Thinking)
	}
	l.sign.set(u.Status)
	if news && !waits {
		l.shows.wake()
	}
}

// First implements agent.Reply.
func (l *live) First() (agent.Part, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.begun {
		return agent.Part{}, false
	}
	l.begun, l.first = true, agent.Part{Key: bots.PartKey(l.turn, 1)}
	return l.first, true
}

// Finish implements agent.Reply.
func (l *live) Finish(ctx context.Context, o agent.Outcome) error {
	l.mu.Lock()
	l.outcome = &o
	l.mu.Unlock()
	l.sign.set("")
	l.shows.wake()
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
	l.shows.stop()
	l.end(context.Canceled)
	l.sign.close()
}

// behind reports whether people have seen more of the answer already, as when the daemon
// was stopped while the model wrote and asks it again. Until the text has got as far, what
// stands is left alone: it would shrink and grow again.
func (l *live) behind(text string) bool { return len(l.opening)+len(text) < l.floor }

// stays reports whether all is left as it stands: the turn pauses once more, and what people
// see says more than there is.
func (l *live) stays() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.outcome != nil && l.outcome.Kind == agent.Paused && l.behind(l.outcome.Text)
}

// maxLost is how many messages of an answer may be lost to the platform, or to people
// who remove them, before the rest of it is only shown when it is complete.
const maxLost = 3

// wanted returns the messages that should stand now.
func (l *live) wanted() (pages []bots.Message, complete bool) {
	l.mu.Lock()
	u, o, headed := l.update, l.outcome, l.headed
	ending := u.Ending || l.first.Key != ""
	l.mu.Unlock()
	switch {
	case o != nil && o.Kind == agent.Withdrawn:
		return nil, true
	case l.stays():
		return nil, false
	case o != nil && l.refusal != nil:
		return l.framed(l.platform.Render(refused), bots.Message{Final: true}), true
	case o != nil:
		files, sorry := l.gives(o.Made)
		markdown := l.opening + finalText(*o)
		if sorry != "" {
			markdown = markup.Closed(markdown) + "\n\n" + sorry
		}
		pages, whole := l.shorten(l.render(markdown), markdown)
		last := l.last(o)
		if whole != nil { // and the end of the text is only there
			last.Foot = clip(join(join(wholeBelow, sorry), last.Foot))
		}
		return slices.Concat(l.framed(pages, last), whole, files), true
	case ending, l.lost > maxLost, l.refusal != nil, l.behind(u.Text):
		return nil, false
	}
	pages = l.render(l.opening + u.Text)
	now := bots.Message{Head: l.head(u), Buttons: l.buttons(bots.Stop)}
	switch blank := strings.TrimSpace(u.Text) == "" || len(pages) == 1 && pages[0].Text == nothingYet; {
	case !blank:
		pages, _ = l.shorten(pages, "")
	case now.Head != "" && !l.words && time.Since(headed) >= headDelay:
		pages = []bots.Message{{Plain: now.Head}}
	default:
		return nil, false
	}
	return l.framed(pages, now), false
}

// render is the platform's, which is asked once for each text. The pages are the caller's.
func (l *live) render(markdown string) []bots.Message {
	if l.rendered != markdown || l.pages == nil {
		l.rendered, l.pages = markdown, l.platform.Render(markdown)
	}
	return slices.Clone(l.pages)
}

// maxRejections is how often a message that the platform refuses is tried again.
const maxRejections = 3

// refused stands for an answer that the platform will not have.
const refused = "I have an answer, but I am not allowed to post it here. My admin can read it."

// headDelay spares people a message that says what is being done when that is done at once.
const headDelay = 1500 * time.Millisecond

// nothingYet is what Markdown is rendered as that has begun and shows nothing so far.
const nothingYet = "…"

// finalText is what stands in the end: the answer, and a sentence if something is wrong.
func finalText(o agent.Outcome) string {
	text, notice := strings.TrimSpace(o.Text) != "", strings.TrimSpace(o.Notice) != ""
	mark := "⚠️ "
	switch {
	case o.Kind == agent.Paused:
		mark = "⏳ "
	case o.Kind == agent.Stopped:
		mark = "⏹️ "
	case o.Summary:
		mark = "🧵 "
	}
	switch {
	case text && notice:
		return markup.Closed(o.Text) + "\n\n" + mark + o.Notice
	case notice && o.Kind == agent.Paused:
		return mark + o.Notice
	case text:
		return o.Text
	case notice:
		return o.Notice
	}
	return "I have nothing to say to that."
}
