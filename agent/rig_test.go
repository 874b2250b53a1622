package agent_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"bobbin/agent"
	"bobbin/agent/agenttest"
	"bobbin/agent/badgerstore"
)

// rig is an agent over a real store, in a bubble of virtual time.
type rig struct {
	*testing.T
	dir     string
	opts    agent.Options
	replies *agenttest.Replies
	db      *badgerstore.Store
	store   *faulty
	agent   *agent.Agent
	stop    context.CancelFunc // ends Run
	down    func()             // ends Run, waits for it and closes the store
	// endsWith is the error that Run is to end with.
	endsWith error
}

// bubble runs f in a bubble with an agent that is not yet running. Channels have to be
// made in it, as those from outside stop its time.
func bubble(t *testing.T, f func(r *rig)) {
	t.Helper()
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		replies := &agenttest.Replies{}
		r := &rig{T: t, dir: dir, replies: replies, opts: agent.Options{Replies: replies, Instructions: "Be kind."}}
		r.down = func() {}
		defer func() { r.down() }()
		f(r)
	})
}

// plays makes the steps the agent's model.
func (r *rig) plays(steps ...agenttest.Step) *agenttest.Model {
	m := agenttest.NewModel(steps...)
	r.opts.Model = m
	return m
}

// up opens the store and runs the agent.
func (r *rig) up() {
	r.Helper()
	db, err := badgerstore.Open(r.dir, badgerstore.Options{})
	if err != nil {
		r.Fatal(err)
	}
	r.db, r.store = db, &faulty{Store: db}
	r.opts.Store = r.store
	a, err := agent.New(r.opts)
	if err != nil {
		r.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() {
		if err := a.Run(ctx); !errors.Is(err, r.endsWith) {
			r.Errorf("run: %v", err)
		}
	})
	synctest.Wait()
	r.agent, r.stop = a, stop
	r.down = func() {
		stop()
		running.Wait()
		if n := a.Live(); n != 0 {
			r.Errorf("%d sessions are live after the end", n)
		}
		if err := db.Close(); err != nil {
			r.Errorf("close: %v", err)
		}
		r.down = func() {}
	}
}

// crash ends the agent as a kill does: nothing is written any more.
func (r *rig) crash() {
	r.Helper()
	r.store.fail(func(string) error { return errPower })
	r.down() // the drain costs no time in a bubble
}

var errPower = errors.New("the power is off")

// say submits the nth message of a session.
func (r *rig) say(session string, n int) {
	r.Helper()
	if _, err := r.agent.Submit(r.Context(), message(session, n)); err != nil {
		r.Fatal(err)
	}
}

// settle waits until nothing happens any more without the time going on.
func (r *rig) settle() { synctest.Wait() }

// outcomes returns the outcomes that were shown, in order.
func (r *rig) outcomes() (os []agent.Outcome) {
	for _, s := range r.replies.Finished() {
		os = append(os, *s.Outcome)
	}
	return os
}

// outcome waits for all to be quiet and returns the only outcome that was shown.
func (r *rig) outcome() agent.Outcome {
	r.Helper()
	r.settle()
	os := r.outcomes()
	if len(os) != 1 {
		r.Fatalf("%d outcomes were shown: %+v", len(os), os)
	}
	return os[0]
}

// idle checks that nothing is left to do and nobody waits to do it.
func (r *rig) idle() {
	r.Helper()
	r.settle()
	if n := r.agent.Live(); n != 0 {
		r.Errorf("%d sessions are live", n)
	}
	for s, err := range r.store.Pending(r.Context()) {
		r.Errorf("session %s is pending, error %v", s, err)
	}
}

// transcript reads what is kept of a session, by a turn of its own.
func (r *rig) transcript(session string) []agent.Entry {
	r.Helper()
	in := message(session, 9999)
	if _, err := r.store.Accept(r.Context(), in, nil); err != nil {
		r.Fatal(err)
	}
	t, err := r.store.Begin(r.Context(), in.Session())
	if err != nil || t == nil {
		r.Fatalf("turn %v, error %v", t, err)
	}
	es, err := r.store.History(r.Context(), t, 1e9)
	if err != nil {
		r.Fatal(err)
	}
	if err := r.store.Commit(r.Context(), t, nil); err != nil {
		r.Fatal(err)
	}
	return es
}

// shape says in short who said what.
func shape(es []agent.Entry) (lines []string) {
	for _, e := range es {
		line := fmt.Sprintf("%s: %s", e.Role, e.Text)
		for _, c := range e.Calls {
			line += fmt.Sprintf(" [%s]", c.ID)
		}
		if e.Role == agent.RoleTool {
			line = fmt.Sprintf("tool [%s]: %s", e.CallID, e.Text)
		}
		if e.Failed {
			line += " (failed)"
		}
		lines = append(lines, line)
	}
	return lines
}

func message(session string, n int) agent.Inbound {
	id := fmt.Sprintf("%s-%d", session, n)
	return agent.Inbound{
		EventID: "Ev" + id, MessageID: agent.MessageID(id), Direct: true, Text: "say " + id, Sent: time.Now().Round(0),
		Target: agent.Target{Address: agent.Address{Platform: "test", Channel: "C", Thread: session}},
		Author: agent.Author{ID: "U1", Name: "Ada"},
	}
}

// faulty is a store that fails when told to.
type faulty struct {
	agent.Store
	f atomic.Pointer[func(op string) error]
}

// fail makes f decide which operations fail; nil for none.
func (s *faulty) fail(f func(op string) error) {
	if f == nil {
		f = func(string) error { return nil }
	}
	s.f.Store(&f)
}

func (s *faulty) fault(op string) error {
	if f := s.f.Load(); f != nil {
		return (*f)(op)
	}
	return nil
}

func (s *faulty) Accept(ctx context.Context, in agent.Inbound, ready func()) (bool, error) {
	if err := s.fault("Accept"); err != nil {
		return false, err
	}
	return s.Store.Accept(ctx, in, ready)
}

func (s *faulty) Begin(ctx context.Context, id agent.SessionID) (*agent.Turn, error) {
	if err := s.fault("Begin"); err != nil {
		return nil, err
	}
	return s.Store.Begin(ctx, id)
}

func (s *faulty) History(ctx context.Context, t *agent.Turn, budget int) ([]agent.Entry, error) {
	if err := s.fault("History"); err != nil {
		return nil, err
	}
	return s.Store.History(ctx, t, budget)
}

func (s *faulty) Append(ctx context.Context, t *agent.Turn, es ...agent.Entry) error {
	return orElse(s.fault("Append"), func() error { return s.Store.Append(ctx, t, es...) })
}

func (s *faulty) StartCall(ctx context.Context, t *agent.Turn, id string) error {
	return orElse(s.fault("StartCall"), func() error { return s.Store.StartCall(ctx, t, id) })
}

func (s *faulty) RecordPart(ctx context.Context, t *agent.Turn, p agent.Part) error {
	return orElse(s.fault("RecordPart"), func() error { return s.Store.RecordPart(ctx, t, p) })
}

func (s *faulty) Answer(ctx context.Context, t *agent.Turn, o agent.Outcome, parts ...agent.Part) error {
	return orElse(s.fault("Answer"), func() error { return s.Store.Answer(ctx, t, o, parts...) })
}

func (s *faulty) Suspend(ctx context.Context, t *agent.Turn) error {
	return orElse(s.fault("Suspend"), func() error { return s.Store.Suspend(ctx, t) })
}

func (s *faulty) Resume(ctx context.Context, t *agent.Turn) error {
	return orElse(s.fault("Resume"), func() error { return s.Store.Resume(ctx, t) })
}

func (s *faulty) Commit(ctx context.Context, t *agent.Turn, es []agent.Entry) error {
	return orElse(s.fault("Commit"), func() error { return s.Store.Commit(ctx, t, es) })
}

func (s *faulty) Abandon(ctx context.Context, t *agent.Turn, why string) error {
	return orElse(s.fault("Abandon"), func() error { return s.Store.Abandon(ctx, t, why) })
}

func orElse(err error, f func() error) error {
	if err != nil {
		return err
	}
	return f()
}

// tool is a tool made of a function.
type tool struct {
	name    string
	effects bool
	call    func(ctx context.Context, c agent.ToolCall) (agent.Result, error)

	mu  sync.Mutex
	ran []string // ids of calls
}

func (t *tool) Spec() agent.ToolSpec {
	return agent.ToolSpec{Name: t.name, Schema: json.RawMessage(`{"type":"object"}`), Effects: t.effects, Doing: "doing " + t.name}
}

func (t *tool) Call(ctx context.Context, c agent.ToolCall) (agent.Result, error) {
	t.mu.Lock()
	t.ran = append(t.ran, c.ID)
	t.mu.Unlock()
	if t.call == nil {
		return agent.Result{Text: "did " + c.ID}, nil
	}
	return t.call(ctx, c)
}

// calls returns the ids of the calls that were run.
func (t *tool) calls() []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return append([]string(nil), t.ran...)
}

func call(name, id string) agent.ToolCall {
	return agent.ToolCall{ID: id, Name: name, Args: json.RawMessage(`{}`)}
}

// untilResult plays one step while the window has no result of a call, and then the other.
func untilResult(before, after agenttest.Step) agenttest.Step {
	return func(ctx context.Context, q agent.Request, yield func(agent.Chunk) bool) error {
		for _, e := range q.Messages {
			if e.Role == agent.RoleTool {
				return after(ctx, q, yield)
			}
		}
		return before(ctx, q, yield)
	}
}
