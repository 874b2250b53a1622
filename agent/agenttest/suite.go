package agenttest

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"bobbin/agent"
)

// Store is a store that can be closed, as at the end of a daemon.
type Store interface {
	agent.Store
	io.Closer
}

// Auditor is a store that counts what it has accepted.
type Auditor interface {
	// Audit returns how many messages are unaccounted for.
	Audit(ctx context.Context) (int, error)
}

// StoreSuite tests the behaviour that every agent.Store has. open opens the store in a
// directory; opened again after Close, it finds there what was written before.
func StoreSuite(t *testing.T, open func(dir string) (Store, error)) {
	for _, tests := range [][]storeTest{inboxTests, noteTests, turnTests, anewTests, historyTests} {
		for _, test := range tests {
			t.Run(test.name, func(t *testing.T) {
				t.Parallel() // most of the time goes into waiting for the disk
				r := &rig{T: t, dir: t.TempDir(), openIn: open}
				r.open()
				t.Cleanup(r.close)
				test.run(r)
			})
		}
	}
	t.Run("behaves like the model under random operations and restarts", func(t *testing.T) {
		t.Parallel()
		againstModel(t, open)
	})
}

type storeTest struct {
	name string
	run  func(r *rig)
}

// rig is an open store and the words that the tests use.
type rig struct {
	*testing.T
	Store
	dir    string
	openIn func(dir string) (Store, error)
}

func (r *rig) open() {
	r.Helper()
	s, err := r.openIn(r.dir)
	r.ok(err)
	r.Store = s
}

func (r *rig) close() {
	if err := r.Close(); err != nil {
		r.Errorf("close: %v", err)
	}
}

func (r *rig) reopen() {
	r.Helper()
	r.close()
	r.open()
}

func (r *rig) ok(err error) {
	r.Helper()
	if err != nil {
		r.Fatal(err)
	}
}

// same compares what a store gave with what was put into it.
func same[T any](t rapid.TB, what string, got, want T) {
	t.Helper()
	if d := cmp.Diff(want, got, cmpopts.EquateEmpty(), cmp.Comparer(sameBytes)); d != "" {
		t.Fatalf("%s (-want +got):\n%s", what, d)
	}
}

func (r *rig) accept(ins ...agent.Inbound) {
	r.Helper()
	for _, in := range ins {
		fresh, err := r.Accept(r.Context(), in, nil)
		r.ok(err)
		if !fresh {
			r.Fatalf("message %q is not fresh", in.MessageID)
		}
	}
}

func (r *rig) begin(s agent.SessionID) *agent.Turn {
	r.Helper()
	t, err := r.Begin(r.Context(), s)
	r.ok(err)
	if t == nil {
		r.Fatalf("session %q has nothing to do", s)
	}
	return t
}

func (r *rig) idle(s agent.SessionID) {
	r.Helper()
	t, err := r.Begin(r.Context(), s)
	r.ok(err)
	if t != nil {
		r.Errorf("session %q has a turn: %+v", s, t)
	}
}

// turn is one whole turn that says entries.
func (r *rig) turn(in agent.Inbound, entries ...agent.Entry) {
	r.Helper()
	r.accept(in)
	r.ok(r.Commit(r.Context(), r.begin(in.Session()), entries))
}

// history begins a turn to read the session's history, and leaves it under way.
func (r *rig) history(in agent.Inbound, budget int) []agent.Entry {
	r.Helper()
	r.accept(in)
	es, err := r.History(r.Context(), r.begin(in.Session()), budget)
	r.ok(err)
	return es
}

func (r *rig) pending() (ids []agent.SessionID) {
	r.Helper()
	for id, err := range r.Pending(r.Context()) {
		r.ok(err)
		ids = append(ids, id)
	}
	slices.Sort(ids)
	return ids
}

// start is when the tests' conversations take place.
var start = time.Date(2026, time.March, 1, 12, 0, 0, 0, time.UTC)

var place = agent.Address{Platform: "slack", Workspace: "T1", Channel: "C1", Thread: "1700000000.000100"}

// message is the nth message in a place.
func message(at agent.Address, n int) agent.Inbound {
	return agent.Inbound{
		EventID: fmt.Sprintf("Ev%d", n), MessageID: agent.MessageID(fmt.Sprintf("M%d", n)),
		Target: agent.Target{Address: at, ReplyTo: agent.MessageID(fmt.Sprintf("M%d", n)), Recipient: "U1"},
		Author: agent.Author{ID: "U1", Name: "Ada \u202e<@everyone>"},
		Text:   fmt.Sprintf("message %d, with \x00, \u2028 and 🧵", n), Sent: start.Add(time.Duration(n) * time.Second),
	}
}

// said is the nth entry of a transcript.
func said(n int) agent.Entry {
	return agent.Entry{
		Role: agent.RoleAssistant, At: start.Add(time.Duration(n) * time.Second), Text: fmt.Sprintf("entry %d", n),
		Model: "m", Usage: &agent.Usage{Input: n, Neurons: 0.25},
	}
}

func ids(ins []agent.Inbound) (all []agent.MessageID) {
	for _, in := range ins {
		all = append(all, in.MessageID)
	}
	return all
}

// sameBytes spares cmp a look at each byte of what may be megabytes.
func sameBytes(a, b json.RawMessage) bool { return bytes.Equal(a, b) }
