package slack

import (
	"context"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"bobbin/agent"
	"bobbin/bots"
	"bobbin/bots/sandbox"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// memory is what a store keeps between runs, and the messages it has taken, each once.
type memory struct {
	mu     sync.Mutex
	heard  time.Time
	set    int // how often heard was moved
	active []agent.Address
	taken  []bots.Event
	known  map[agent.MessageID]bool
	refuse func(bots.Event) error
}

func (m *memory) Heard(context.Context, string) (time.Time, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.heard, nil
}

func (m *memory) SetHeard(_ context.Context, _ string, t time.Time) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.set++
	if t.After(m.heard) {
		m.heard = t
	}
	return nil
}

func (m *memory) Active(context.Context, string, time.Time) ([]agent.Address, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.active), nil
}

// take accepts an event as the store does: the same message twice is one.
func (m *memory) take(_ context.Context, ev bots.Event) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.refuse != nil {
		if err := m.refuse(ev); err != nil {
			return err
		}
	}
	if m.known == nil {
		m.known = make(map[agent.MessageID]bool)
	}
	if !m.known[ev.MessageID] {
		m.known[ev.MessageID] = true
		m.taken = append(m.taken, ev)
	}
	return nil
}

// texts returns what was taken since the last call, once nothing moves any more.
func (m *memory) texts() []string {
	var texts []string
	for _, ev := range m.events() {
		texts = append(texts, ev.Text)
	}
	return texts
}

func (m *memory) events() []bots.Event {
	synctest.Wait()
	m.mu.Lock()
	defer m.mu.Unlock()
	events := m.taken
	m.taken = nil
	return events
}

func (m *memory) at() time.Time {
	synctest.Wait()
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.heard
}

func (m *memory) refuseWith(f func(bots.Event) error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.refuse = f
}

func (m *memory) activeIn(places ...agent.Address) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.active = places
}

// never is a workspace that delivers each event once only, so that what is missed is
// missed for good.
func never() sandbox.SlackOptions { return sandbox.SlackOptions{Redeliver: []time.Duration{}} }

// remembering runs f in virtual time with an adapter that has a memory and is not
// running yet.
func remembering(t *testing.T, o sandbox.SlackOptions, f func(t *testing.T, r *rig, m *memory)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		r, m := newRig(t, o), new(memory)
		r.onAccept(m.take)
		r.renew(t, m)
		f(t, r, m)
	})
}

// renew makes another adapter, as a new process would.
func (r *rig) renew(t *testing.T, m *memory) {
	t.Helper()
	o := r.s.opts
	o.Memory, o.CatchUp = m, 24*time.Hour
	var err error
	if r.s, err = New(o); err != nil {
		t.Fatal(err)
	}
}

// connect runs the adapter until nothing moves any more.
func (r *rig) connect(t *testing.T) {
	t.Helper()
	r.start(t)
	synctest.Wait()
	if err := r.s.Ready(); err != nil {
		t.Fatalf("not ready: %v", err)
	}
}

// end ends the run.
func (r *rig) end(t *testing.T, m *memory) {
	t.Helper()
	if err := r.stop(); err != nil {
		t.Fatal(err)
	}
	r.renew(t, m)
}

// ranOnce is a workspace in which the adapter has run and is down now.
func ranOnce(t *testing.T, o sandbox.SlackOptions, f func(t *testing.T, r *rig, m *memory)) {
	t.Helper()
	remembering(t, o, func(t *testing.T, r *rig, m *memory) {
		r.connect(t)
		r.end(t, m)
		time.Sleep(time.Hour)
		f(t, r, m)
	})
}

func want(t *testing.T, got []string, texts ...string) {
	t.Helper()
	if diff := cmp.Diff(texts, got, cmpopts.EquateEmpty()); diff != "" {
		t.Error(diff)
	}
}
