package agenttest

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"bobbin/agent"
)

// memory is what a store is, in the simplest words: the model it is compared with.
type memory struct {
	seen     map[string]bool
	sessions map[agent.SessionID]*conversation
}

type conversation struct {
	known      bool
	generation int
	inbox      []agent.Inbound
	turn       *agent.Turn // as the next Begin must return it, but for its Attempt
	suspended  bool
	history    []agent.Entry // of the generation
	old        bool          // the turn is of an earlier generation
	before     []agent.Entry // history of the turn
	unbegun    bool          // the turn that will take the inbox was written with its first message
	cut        bool          // and then came a crash
}

// against runs a store and its model side by side.
type against struct {
	memory
	store   Store
	openIn  func() (Store, error)
	testing testing.TB
	n       int // for all that has to be unique
}

func againstModel(t *testing.T, open func(dir string) (Store, error)) {
	root := t.TempDir()
	rapid.Check(t, func(rt *rapid.T) {
		dir, err := os.MkdirTemp(root, "") //nolint:usetesting // one for each check, gone after it
		must(rt, err)
		defer func() { must(rt, os.RemoveAll(dir)) }()
		a := &against{
			memory:  memory{seen: make(map[string]bool), sessions: make(map[agent.SessionID]*conversation)},
			openIn:  func() (Store, error) { return open(dir) },
			testing: t,
		}
		a.store, err = a.openIn()
		must(rt, err)
		defer func() { must(rt, a.store.Close()) }()
		rt.Repeat(map[string]func(*rapid.T){
			"":          a.check,
			"accept":    a.accept,
			"note":      a.note,
			"begin":     a.begin,
			"append":    a.append,
			"startCall": a.startCall,
			"part":      a.recordPart,
			"answer":    a.answer,
			"suspend":   a.suspend,
			"resume":    a.resume,
			"commit":    a.commit,
			"abandon":   a.abandon,
			"reset":     a.reset,
			"history":   a.readHistory,
			"crash":     a.crash,
		})
	})
}

func must(t *rapid.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func drawPlace(t *rapid.T) agent.Address { return rapid.SampledFrom(oddPlaces()[:4]).Draw(t, "place") }

func (a *against) drawSession(t *rapid.T) (agent.SessionID, *conversation) {
	id := drawPlace(t).Session()
	return id, a.session(id)
}

func (a *against) session(id agent.SessionID) *conversation {
	if a.sessions[id] == nil {
		a.sessions[id] = &conversation{}
	}
	return a.sessions[id]
}

// running draws a session with a turn under way.
func (a *against) running(t *rapid.T) (*conversation, *agent.Turn) {
	id, c := a.drawSession(t)
	if c.turn == nil {
		t.Skip("no turn in", id)
	}
	return c, c.turn
}

func (a *against) check(t *rapid.T) {
	var want, got []agent.SessionID
	for id, c := range a.sessions {
		if c.turn != nil || len(c.inbox) > 0 {
			want = append(want, id)
		}
		known, err := a.store.Known(a.testing.Context(), id)
		must(t, err)
		same(t, "known", known, c.known)
	}
	for id, err := range a.store.Pending(a.testing.Context()) {
		must(t, err)
		got = append(got, id)
	}
	slices.Sort(want)
	slices.Sort(got)
	same(t, "pending", got, want)
	if s, ok := a.store.(Auditor); ok {
		n, err := s.Audit(a.testing.Context())
		must(t, err)
		same(t, "messages unaccounted for", n, 0)
	}
}

// drawMessage draws a message that may have arrived before, and whether it has.
func (a *against) drawMessage(t *rapid.T) (in agent.Inbound, seen bool) {
	in = message(drawPlace(t), rapid.IntRange(0, 40).Draw(t, "message"))
	in.EventID = rapid.SampledFrom([]string{"", in.EventID, in.EventID + "b", "shared"}).Draw(t, "event")
	return in, a.seen["m"+string(in.MessageID)] || in.EventID != "" && a.seen["e"+in.EventID]
}

func (a *against) remember(in agent.Inbound) {
	a.seen["m"+string(in.MessageID)] = true
	if in.EventID != "" {
		a.seen["e"+in.EventID] = true
	}
}

func (a *against) accept(t *rapid.T) {
	in, seen := a.drawMessage(t)
	told := 0
	var ready func()
	if rapid.Bool().Draw(t, "a worker is about to begin") {
		ready = func() { told++ }
	}
	fresh, err := a.store.Accept(a.testing.Context(), in, ready)
	must(t, err)
	same(t, "fresh", fresh, !seen)
	if seen || ready == nil {
		same(t, "how often the worker was told", told, 0)
	} else {
		same(t, "how often the worker was told", told, 1)
	}
	if seen {
		return
	}
	a.remember(in)
	c := a.session(in.Session())
	if ready != nil && c.turn == nil && len(c.inbox) == 0 {
		c.unbegun, c.before, c.old = true, c.history, false
	}
	c.known, c.inbox = true, append(c.inbox, in)
}

func (a *against) note(t *rapid.T) {
	in, want := a.drawMessage(t)
	seen, err := a.store.Seen(a.testing.Context(), in)
	must(t, err)
	same(t, "seen", seen, want)
	if rapid.Bool().Draw(t, "only look") {
		return
	}
	must(t, a.store.Note(a.testing.Context(), in))
	a.remember(in)
}

func (a *against) begin(t *rapid.T) {
	id, c := a.drawSession(t)
	got, err := a.store.Begin(a.testing.Context(), id)
	must(t, err)
	switch {
	case c.turn != nil:
		c.again()
	case c.cut:
		if got == nil {
			t.Fatal("no turn, although it was begun")
		}
		c.turn = &agent.Turn{
			ID: got.ID, Session: id, Generation: got.Generation, Began: got.Began, Attempt: 2, Suspended: true, Inbound: c.inbox[:1],
		}
		c.inbox, c.suspended = c.inbox[1:], true
	case len(c.inbox) > 0:
		if got == nil {
			t.Fatal("no turn, although there are messages")
		}
		took := min(len(c.inbox), agent.MaxTake)
		c.turn = &agent.Turn{
			ID: got.ID, Session: id, Generation: got.Generation, Began: got.Began, Attempt: 1, Inbound: slices.Clone(c.inbox[:took]),
		}
		c.inbox, c.before, c.old = c.inbox[took:], c.history, false
	}
	c.unbegun, c.cut = false, false
	if got != nil {
		slices.Sort(got.Started)
	}
	same(t, "the turn", got, c.turn)
}

func (a *against) append(t *rapid.T) {
	_, turn := a.running(t)
	var es []agent.Entry
	for range rapid.IntRange(0, 3).Draw(t, "entries") {
		es = append(es, a.entry(t))
	}
	must(t, a.store.Append(a.testing.Context(), turn, es...))
	turn.Entries = append(turn.Entries, es...)
	if len(es) > 0 {
		turn.Attempt = 1
	}
}

func (a *against) entry(t *rapid.T) agent.Entry {
	a.n++
	e := said(a.n)
	e.Text = rapid.String().Draw(t, "text")
	return e
}

func (a *against) startCall(t *rapid.T) {
	_, turn := a.running(t)
	a.n++
	id := fmt.Sprintf("c%06d", a.n)
	must(t, a.store.StartCall(a.testing.Context(), turn, id))
	turn.Started = append(turn.Started, id)
}

func (a *against) recordPart(t *rapid.T) {
	_, turn := a.running(t)
	p := agent.Part{
		Key:   fmt.Sprintf("%s-%03d", turn.ID, rapid.IntRange(1, len(turn.Parts)+1).Draw(t, "part")),
		ID:    agent.MessageID(rapid.StringN(0, 5, -1).Draw(t, "id")),
		Gone:  rapid.Bool().Draw(t, "gone"),
		Shows: rapid.IntRange(0, 1).Draw(t, "shows"),
	}
	must(t, a.store.RecordPart(a.testing.Context(), turn, p))
	if i := slices.IndexFunc(turn.Parts, func(q agent.Part) bool { return q.Key == p.Key }); i >= 0 {
		turn.Parts[i] = p
	} else {
		turn.Parts = append(turn.Parts, p)
	}
}

func (a *against) answer(t *rapid.T) {
	_, turn := a.running(t)
	o := agent.Outcome{
		Kind: rapid.SampledFrom([]agent.OutcomeKind{agent.Answered, agent.Failed, agent.Stopped}).Draw(t, "kind"),
		Text: rapid.String().Draw(t, "text"), Steps: rapid.IntRange(0, 9).Draw(t, "steps"),
	}
	var parts []agent.Part
	if rapid.Bool().Draw(t, "with a part") {
		parts = []agent.Part{{Key: fmt.Sprintf("%s-%03d", turn.ID, len(turn.Parts)+1)}}
	}
	must(t, a.store.Answer(a.testing.Context(), turn, o, parts...))
	turn.Outcome, turn.Attempt, turn.Parts = &o, 1, append(turn.Parts, parts...)
}

func (a *against) suspend(t *rapid.T) {
	c, turn := a.running(t)
	must(t, a.store.Suspend(a.testing.Context(), turn))
	c.suspended = true
}

func (a *against) resume(t *rapid.T) {
	c, turn := a.running(t)
	must(t, a.store.Resume(a.testing.Context(), turn))
	c.suspended = false
}

func (a *against) commit(t *rapid.T) {
	c, turn := a.running(t)
	var es []agent.Entry
	for range rapid.IntRange(0, 4).Draw(t, "entries") {
		es = append(es, a.entry(t))
	}
	if len(es) > 0 && rapid.IntRange(0, 9).Draw(t, "large") == 0 {
		for range 20 { // together more than a transaction takes
			e := a.entry(t)
			e.Text = fmt.Sprintf("%d%060000d", a.n, 0)
			es = append(es, e)
		}
	}
	must(t, a.store.Commit(a.testing.Context(), turn, es))
	c.ended(es)
}

func (a *against) abandon(t *rapid.T) {
	c, turn := a.running(t)
	if turn.Outcome == nil {
		turn.Outcome = &agent.Outcome{Kind: agent.Failed} // without last words, whose time is not known
	}
	turn.Outcome.Text, turn.Outcome.Notice = "", ""
	must(t, a.store.Abandon(a.testing.Context(), turn, "it is broken"))
	c.ended(turn.Transcript())
}

// again is what Begin does for a turn that is under way.
func (c *conversation) again() {
	if !c.suspended {
		c.turn.Attempt++
	}
	c.suspended, c.turn.Suspended = true, true
}

// ended is what the end of a turn does.
func (c *conversation) ended(es []agent.Entry) {
	if !c.old {
		c.history = slices.Concat(c.history, es)
	}
	c.turn, c.suspended = nil, false
}

func (a *against) reset(t *rapid.T) {
	id, c := a.drawSession(t)
	must(t, a.store.Reset(a.testing.Context(), id))
	c.generation++
	c.history, c.old = nil, true
}

func (a *against) readHistory(t *rapid.T) {
	c, turn := a.running(t)
	budget := rapid.SampledFrom([]int{0, 10, 40, 100, 1000, 1e9}).Draw(t, "budget")
	want, sum := c.before, 0
	for i, e := range slices.Backward(c.before) {
		if sum += agent.Tokens(e); sum > budget {
			want = c.before[i+1:]
			break
		}
	}
	got, err := a.store.History(a.testing.Context(), turn, budget)
	must(t, err)
	same(t, "history", got, want)
}

// crash closes the store in the middle of everything. What a worker had in its hands is
// gone; its turns are taken up by begin.
func (a *against) crash(t *rapid.T) {
	must(t, a.store.Close())
	var err error
	a.store, err = a.openIn()
	must(t, err)
	for _, id := range slices.Sorted(maps.Keys(a.sessions)) {
		c := a.sessions[id]
		c.cut = c.unbegun
		if c.turn == nil {
			continue
		}
		got, err := a.store.Begin(a.testing.Context(), id)
		must(t, err)
		c.again()
		slices.Sort(got.Started)
		same(t, "the turn after a crash", got, c.turn)
	}
}
