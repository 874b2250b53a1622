package agent_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing/synctest"
	"time"

	"bobbin/agent"
	"bobbin/agent/agenttest"
	"bobbin/agent/badgerstore"

	"pgregory.net/rapid"
)

// world is all that outlives a daemon: its store's directory, the platform, what tools
// have done outside. In it the power fails between any two operations.
type world struct {
	*rapid.T
	dir  string
	busy agent.Busy

	db    *badgerstore.Store
	agent *agent.Agent
	end   func() // ends the daemon in good order, or what a failure of the power has left of it

	mu      sync.Mutex
	fuse    int           // operations until the power fails; below 0: it does not
	moment  string        // the operation before or after which it fails; empty: none
	off     chan struct{} // closed when it has
	hiccups int           // operations of the store that fail next
	refused int           // deliveries that fail next
	cured   bool          // nothing is poisoned or gone any more

	n       int                                   // for keys that are unique
	posted  map[string]string                     // by key: what people see
	ends    []ending                              // in order
	effects map[string]int                        // by message
	sent    []agent.Inbound                       // whether accepted or not
	took    map[agent.SessionID][]agent.MessageID // what was accepted at once, in order
	unsure  map[agent.MessageID]bool              // submitted in vain, perhaps
}

// ending is an outcome that stands.
type ending struct {
	turn    agent.TurnID
	session agent.SessionID
	answers []agent.MessageID
	outcome agent.Outcome
	keys    []string // of its messages
}

// worldSettle is longer than all that happens between two failures of the power. All in
// all a check has to be short, as rapid ends its work after a day.
const worldSettle = 3 * time.Second

// up starts the daemon.
func (w *world) up() {
	db, err := badgerstore.Open(w.dir, badgerstore.Options{})
	if err != nil {
		w.Fatal(err)
	}
	w.mu.Lock()
	w.fuse, w.moment, w.off = -1, "", make(chan struct{})
	w.mu.Unlock()
	a, err := agent.New(agent.Options{
		Store: &frail{Store: db, w: w}, Model: agenttest.NewModel(w.model), Replies: w,
		Tools: []agent.Tool{
			&tool{name: "record", effects: true, call: w.record},
			&tool{name: "look", call: func(context.Context, agent.ToolCall) (agent.Result, error) {
				return agent.Result{Text: "seen"}, w.step("look", func() error { return nil })
			}},
		},
		MaxTurns: 2, Settle: worldSettle, Drain: 50 * time.Millisecond, WhileBusy: w.busy,
	})
	if err != nil {
		w.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	var running sync.WaitGroup
	var ended error
	running.Go(func() { ended = a.Run(ctx) })
	w.db, w.agent = db, a
	w.end = sync.OnceFunc(func() {
		stop()
		running.Wait()
		if err := errors.Join(ended, db.Close()); err != nil && !w.dark() {
			w.Errorf("end: %v", err)
		}
	})
	synctest.Wait()
}

func (w *world) dark() bool {
	select {
	case <-w.off:
		return true
	default:
		return false
	}
}

// fail has the power fail now.
func (w *world) fail() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.dark() {
		close(w.off)
	}
}

// tick is a moment at which the power may fail.
func (w *world) tick(moment string) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if (w.fuse == 0 || w.moment == moment) && !w.dark() {
		close(w.off)
	}
	if w.fuse > 0 {
		w.fuse--
	}
	if w.dark() {
		return errPower
	}
	return nil
}

// step does something that lasts, unless the power fails before it. If it fails
// afterwards, nobody hears that it is done.
func (w *world) step(name string, do func() error) error {
	if err := w.tick("before " + name); err != nil {
		return err
	}
	return errors.Join(do(), w.tick("after "+name))
}

// worldMoments are those at which a daemon that is not careful would lose something, or
// do it twice.
func worldMoments() (moments []string) {
	for _, op := range []string{"Accept", "Begin", "Append", "StartCall", "record", "RecordPart", "show", "Answer", "Settle", "finish", "Commit", "Abandon", "Suspend"} {
		moments = append(moments, "before "+op, "after "+op)
	}
	return moments
}

var worldMessage = regexp.MustCompile(`(msg-\d+) (\w+)`)

// model answers each message of the turn. What kind it is of says what happens on the way.
func (w *world) model(ctx context.Context, q agent.Request, yield func(agent.Chunk) bool) error {
	var asked [][]string
	results := make(map[string]string) // of calls in all turns: what is retried makes none twice
	for _, m := range q.Messages {
		switch {
		case m.Role == agent.RoleUser:
			asked = append(asked, worldMessage.FindAllStringSubmatch(m.Text, -1)...)
		case m.Role == agent.RoleTool:
			what, _, _ := strings.Cut(m.CallID, "/")
			results[what] = m.Text
		case len(m.Calls) == 0:
			asked = nil
		}
	}
	time.Sleep(20 * time.Millisecond)
	if err := w.step("model", func() error { return ctx.Err() }); err != nil {
		return err
	}
	var calls []agent.ToolCall
	var answer strings.Builder
	for _, m := range asked {
		id, kind := m[1], m[2]
		switch {
		case kind == "poison" && !w.cured:
			w.fail()
			return errPower
		case kind == "fails" && !w.cured:
			return errors.New("the model has failed")
		case kind == "record" && results[id] == "":
			calls = append(calls, call("record", w.unique(id+"/")))
		case kind == "look" && results[id] == "":
			calls = append(calls, call("look", w.unique(id+"/")))
		}
		fmt.Fprintf(&answer, "[%s: %s] ", id, strings.Fields(results[id] + " fine")[0])
	}
	if len(calls) > 0 {
		return agenttest.Calls("", calls...)(ctx, q, yield)
	}
	return agenttest.Says(w.unique(answer.String()))(ctx, q, yield)
}

func (w *world) unique(stem string) string {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.n++
	return fmt.Sprintf("%s%d", stem, w.n)
}

// record has an effect outside, once for each message.
func (w *world) record(_ context.Context, c agent.ToolCall) (agent.Result, error) {
	err := w.step("record", func() error {
		w.mu.Lock()
		defer w.mu.Unlock()
		what, _, _ := strings.Cut(c.ID, "/")
		w.effects[what]++
		return nil
	})
	return agent.Result{Text: "recorded"}, err
}

// Open implements agent.Replies: one message for each turn, journaled before it is posted
// and afterwards.
func (w *world) Open(_ context.Context, t *agent.Turn, j agent.Journal) (agent.Reply, error) {
	return &worldReply{world: w, turn: t, journal: j}, nil
}

type worldReply struct {
	*world
	turn    *agent.Turn
	journal agent.Journal
	part    agent.Part
}

// show posts the turn's message, or edits it.
func (r *worldReply) show(ctx context.Context, name, text string) error {
	if r.part.Key == "" && len(r.turn.Parts) > 0 {
		r.part = r.turn.Parts[0]
	}
	if r.part.Key == "" {
		p := agent.Part{Key: r.unique(string(r.turn.ID) + "-")}
		if err := r.journal.Record(ctx, p); err != nil {
			return err
		}
		r.part = p
	}
	err := r.step(name, func() error {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.posted[r.part.Key] = text
		return nil
	})
	if err != nil || r.part.ID != "" {
		return err
	}
	r.part.ID = agent.MessageID(r.part.Key)
	return r.journal.Record(ctx, r.part)
}

func (r *worldReply) Update(u agent.Update) {
	_ = r.show(context.Background(), "show", u.Text+u.Status) // as a reply that cannot be shown for now
}

func (r *worldReply) First() (agent.Part, bool) {
	if r.part.Key != "" || len(r.turn.Parts) > 0 {
		return agent.Part{}, false
	}
	r.part = agent.Part{Key: r.unique(string(r.turn.ID) + "-")}
	return r.part, true
}

func (r *worldReply) Finish(ctx context.Context, o agent.Outcome) error {
	if gone := r.turn.Inbound[0].Text; strings.HasSuffix(gone, " gone") && !r.cured {
		return fmt.Errorf("no channel: %w", agent.ErrUndeliverable)
	}
	r.mu.Lock()
	refused := r.refused > 0
	if refused {
		r.refused--
	}
	r.mu.Unlock()
	if refused {
		return errors.New("the platform has failed")
	}
	if err := r.journal.Settle(ctx); err != nil {
		return err
	}
	err := r.show(ctx, "finish", o.Text+o.Notice)
	if o.Kind == agent.Paused {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.posted[r.part.Key] != o.Text+o.Notice {
		return err
	}
	e := ending{turn: r.turn.ID, session: r.turn.Session, outcome: o}
	for _, in := range r.turn.Inbound {
		e.answers = append(e.answers, in.MessageID)
	}
	for _, key := range slices.Sorted(maps.Keys(r.posted)) {
		if strings.HasPrefix(key, string(e.turn)) {
			e.keys = append(e.keys, key)
		}
	}
	r.ends = append(r.ends, e) // also if nobody hears of it
	return err
}

func (r *worldReply) Close() {}

// frail is a store in the world: before and after each operation the power may fail, and
// some fail by themselves.
type frail struct {
	agent.Store
	w *world
}

func (f *frail) do(name string, op func() error) error {
	return f.w.step(name, func() error {
		f.w.mu.Lock()
		hiccup := f.w.hiccups > 0
		if hiccup {
			f.w.hiccups--
		}
		f.w.mu.Unlock()
		if hiccup {
			return errors.New("the disk has failed")
		}
		return op()
	})
}

func (f *frail) Accept(ctx context.Context, in agent.Inbound, ready func()) (fresh bool, err error) {
	err = f.do("Accept", func() (err error) { fresh, err = f.Store.Accept(ctx, in, ready); return err })
	return fresh, err
}

func (f *frail) Begin(ctx context.Context, s agent.SessionID) (t *agent.Turn, err error) {
	if err = f.do("Begin", func() (err error) { t, err = f.Store.Begin(ctx, s); return err }); err != nil {
		return nil, err
	}
	return t, nil
}

func (f *frail) History(ctx context.Context, t *agent.Turn, budget int) (es []agent.Entry, err error) {
	err = f.do("History", func() (err error) { es, err = f.Store.History(ctx, t, budget); return err })
	return es, err
}

func (f *frail) Take(ctx context.Context, t *agent.Turn, step func(agent.Inbound) agent.Entry) (taken []agent.Inbound, err error) {
	err = f.do("Take", func() (err error) { taken, err = f.Store.Take(ctx, t, step); return err })
	return taken, err
}

func (f *frail) Append(ctx context.Context, t *agent.Turn, es ...agent.Entry) error {
	return f.do("Append", func() error { return f.Store.Append(ctx, t, es...) })
}

func (f *frail) StartCall(ctx context.Context, t *agent.Turn, id string) error {
	return f.do("StartCall", func() error { return f.Store.StartCall(ctx, t, id) })
}

func (f *frail) RecordPart(ctx context.Context, t *agent.Turn, p agent.Part) error {
	return f.do("RecordPart", func() error { return f.Store.RecordPart(ctx, t, p) })
}

func (f *frail) Answer(ctx context.Context, t *agent.Turn, o agent.Outcome, parts ...agent.Part) error {
	return f.do("Answer", func() error { return f.Store.Answer(ctx, t, o, parts...) })
}

func (f *frail) Settle(ctx context.Context, t *agent.Turn) error {
	return f.do("Settle", func() error { return f.Store.Settle(ctx, t) })
}

func (f *frail) Suspend(ctx context.Context, t *agent.Turn) error {
	return f.do("Suspend", func() error { return f.Store.Suspend(ctx, t) })
}

func (f *frail) Resume(ctx context.Context, t *agent.Turn) error {
	return f.do("Resume", func() error { return f.Store.Resume(ctx, t) })
}

func (f *frail) Commit(ctx context.Context, t *agent.Turn, es []agent.Entry) error {
	return f.do("Commit", func() error { return f.Store.Commit(ctx, t, es) })
}

func (f *frail) Abandon(ctx context.Context, t *agent.Turn, why string) error {
	return f.do("Abandon", func() error { return f.Store.Abandon(ctx, t, why) })
}
