package agenttest

import (
	"errors"
	"strings"
	"time"

	"bobbin/agent"
)

var anewTests = []storeTest{
	{"the last turn can be reopened, and only that", reopenLast},
	{"a reopened turn is the last one again when it is committed", reopenTwice},
	{"what followed the last turn keeps it closed", closedLast},
	{"a turn that is rewound keeps its messages only", rewound},
	{"a turn takes what has arrived since", takeMore},
	{"messages are revised where they wait and where they are answered", revised},
	{"a summary begins the transcript anew", summedUp},
	{"a command has a turn of its own", commandAlone},
}

func (r *rig) last(s agent.SessionID) *agent.Turn {
	r.Helper()
	t, err := r.Last(r.Context(), s)
	r.ok(err)
	return t
}

func (r *rig) reopenTurn(t *agent.Turn, want bool) {
	r.Helper()
	did, err := r.Reopen(r.Context(), t)
	r.ok(err)
	if did != want {
		r.Errorf("reopened: %v", did)
	}
}

func reopenLast(r *rig) {
	s := place.Session()
	if t := r.last(s); t != nil {
		r.Errorf("a new session has a last turn: %+v", t)
	}
	r.turn(message(place, 1), said(1), said(2))
	r.accept(message(place, 2), message(place, 3))
	first := r.begin(s)
	r.ok(r.RecordPart(r.Context(), first, agent.Part{Key: "K-001", ID: "m1", Shows: 120}))
	r.ok(r.RecordPart(r.Context(), first, agent.Part{Key: "K-002", ID: "m2", Gone: true}))
	r.ok(r.Append(r.Context(), first, step(3, "c1"), result(4, "c1")))
	if t := r.last(s); t != nil {
		r.Errorf("while a turn is under way there is a last one: %+v", t)
	}
	r.ok(r.Commit(r.Context(), first, []agent.Entry{said(5), said(6)}))
	r.reopen()
	t := r.last(s)
	if t == nil || t.ID != first.ID || len(t.Inbound) != 2 || len(t.Parts) != 2 {
		r.Fatalf("the last turn is %+v, was %+v", t, first)
	}
	other := *t
	other.ID = "ANOTHER"
	r.reopenTurn(&other, false)
	t.Inbound[0].Text = "changed"
	r.reopenTurn(t, true)
	r.reopenTurn(t, false)
	same(r, "pending", r.pending(), []agent.SessionID{s})
	r.reopen()
	again := r.begin(s)
	if again.ID != first.ID || again.Attempt != 1 || again.Inbound[0].Text != "changed" || again.Inbound[1].MessageID != first.Inbound[1].MessageID ||
		len(again.Entries)+len(again.Started) != 0 || again.Outcome != nil {
		r.Errorf("reopened it is %+v", again)
	}
	same(r, "parts", again.Parts, []agent.Part{{Key: "K-001", ID: "m1"}, {Key: "K-002", ID: "m2", Gone: true}})
	es, err := r.History(r.Context(), again, 1e9)
	r.ok(err)
	same(r, "history", es, []agent.Entry{said(1), said(2)})
	r.ok(r.Commit(r.Context(), again, []agent.Entry{said(7)}))
	same(r, "history", r.history(message(place, 9), 1e9), []agent.Entry{said(1), said(2), said(7)})
}

func reopenTwice(r *rig) {
	s := place.Session()
	r.turn(message(place, 1), said(1))
	for n := range 3 {
		t := r.last(s)
		if t == nil {
			r.Fatal("there is no last turn")
		}
		r.reopenTurn(t, true)
		r.ok(r.Commit(r.Context(), r.begin(s), []agent.Entry{said(n + 2)}))
	}
	same(r, "history", r.history(message(place, 9), 1e9), []agent.Entry{said(4)})
}

func closedLast(r *rig) {
	s := place.Session()
	r.turn(message(place, 1), said(1))
	t := r.last(s)
	r.accept(message(place, 2))
	r.reopenTurn(t, true) // a message that waits is no obstacle
	got := r.begin(s)
	same(r, "messages", ids(got.Inbound), []agent.MessageID{message(place, 1).MessageID})
	r.ok(r.Commit(r.Context(), got, []agent.Entry{said(2)}))
	t = r.last(s)
	r.ok(r.Commit(r.Context(), r.begin(s), []agent.Entry{said(3)}))
	r.reopenTurn(t, false)
	t = r.last(s)
	r.ok(r.Reset(r.Context(), s))
	r.reopenTurn(t, false)
	if t := r.last(s); t != nil {
		r.Errorf("after a reset the last turn is %+v", t)
	}
	huge := message(place, 4)
	huge.Text = strings.Repeat("much ", 200_000)
	r.turn(huge, said(4))
	if t := r.last(s); t != nil {
		r.Error("a huge turn is kept for reopening")
	}
	r.idle(s)
}

func rewound(r *rig) {
	r.accept(message(place, 1))
	t := r.begin(place.Session())
	r.ok(r.Append(r.Context(), t, step(1, "c1")))
	r.ok(r.StartCall(r.Context(), t, "c1"))
	r.ok(r.RecordPart(r.Context(), t, agent.Part{Key: "K-001", ID: "m1", Shows: 120}))
	r.ok(r.Answer(r.Context(), t, agent.Outcome{Kind: agent.Answered, Text: "x"}, agent.Part{Key: "K-002", Shows: 240}))
	r.ok(r.Rewind(r.Context(), t))
	r.reopen()
	want := *t
	want.Parts, want.Suspended = []agent.Part{{Key: "K-001", ID: "m1"}, {Key: "K-002"}}, true
	same(r, "turn", r.begin(place.Session()), &want)
}

func takeMore(r *rig) {
	s := place.Session()
	r.accept(message(place, 1))
	t := r.begin(s)
	none, err := r.Take(r.Context(), t, nil)
	r.ok(err)
	same(r, "taken of nothing", none, nil)
	r.accept(message(place, 2), message(place, 3))
	taken, err := r.Take(r.Context(), t, nil)
	r.ok(err)
	same(r, "taken", ids(taken), []agent.MessageID{message(place, 2).MessageID, message(place, 3).MessageID})
	r.accept(message(place, 4), message(place, 5))
	_, found, err := r.Revise(r.Context(), s, message(place, 5).MessageID, "", true)
	r.ok(err)
	same(r, "withdrawn", found, true)
	taken, err = r.Take(r.Context(), t, func(in agent.Inbound) agent.Entry {
		return agent.Entry{Role: agent.RoleUser, Text: in.Text, At: start.Add(time.Hour)}
	})
	r.ok(err)
	same(r, "taken as steps", ids(taken), []agent.MessageID{message(place, 4).MessageID, message(place, 5).MessageID})
	r.reopen()
	got := r.begin(s)
	if len(got.Inbound) != 5 || got.Steered != 2 || len(got.Entries) != 1 || got.Entries[0].Text != message(place, 4).Text {
		r.Errorf("the turn is %+v", got)
	}
	same(r, "target", got.Target(), message(place, 3).Target)
	r.ok(r.Commit(r.Context(), got, nil))
	r.idle(s)
}

func revised(r *rig) {
	s := place.Session()
	revise := func(n int, text string, withdrawn bool, turn agent.TurnID, found bool) {
		r.Helper()
		id, ok, err := r.Revise(r.Context(), s, message(place, n).MessageID, text, withdrawn)
		r.ok(err)
		if id != turn || ok != found {
			r.Errorf("message %d is in turn %q, %v; want %q, %v", n, id, ok, turn, found)
		}
	}
	r.accept(message(place, 1), message(place, 2))
	revise(1, "waits", false, "", true)
	t := r.begin(s)
	same(r, "text", t.Inbound[0].Text, "waits")
	r.accept(message(place, 3))
	revise(1, "is answered", false, t.ID, true)
	revise(2, "", true, t.ID, true)
	revise(3, "", true, "", true)
	revise(4, "was never there", false, "", false)
	r.reopen()
	t = r.begin(s)
	if t.Inbound[0].Text != "is answered" || t.Inbound[0].Withdrawn || !t.Inbound[1].Withdrawn || t.Inbound[1].Text != message(place, 2).Text || t.Withdrawn() || !t.Revised {
		r.Errorf("the turn is %+v", t)
	}
	if err := r.Commit(r.Context(), t, nil); !errors.Is(err, agent.ErrRevised) {
		r.Errorf("what was revised is committed: %v", err)
	}
	r.ok(r.Rewind(r.Context(), t))
	if t = r.begin(s); t.Revised {
		r.Errorf("the turn that was rewound is %+v", t)
	}
	r.ok(r.Commit(r.Context(), t, nil))
	revise(1, "was answered", false, "", false)
	if t = r.begin(s); !t.Withdrawn() {
		r.Errorf("the turn is %+v", t)
	}
}

func summedUp(r *rig) {
	s := place.Session()
	r.turn(message(place, 1), said(1), said(2))
	in := message(place, 2)
	in.Command = agent.Compact
	r.accept(in)
	t := r.begin(s)
	t.Outcome = &agent.Outcome{Kind: agent.Answered, Text: "short", Summary: true}
	r.ok(r.Answer(r.Context(), t, *t.Outcome))
	r.ok(r.Commit(r.Context(), t, []agent.Entry{said(3)}))
	if t := r.last(s); t != nil {
		r.Errorf("a summary can be reopened: %+v", t)
	}
	r.reopen()
	same(r, "history", r.history(message(place, 4), 1e9), []agent.Entry{said(3)})

	// A reset during it leaves nothing to sum up.
	r.ok(r.Commit(r.Context(), r.begin(s), []agent.Entry{said(4)}))
	in = message(place, 5)
	in.Command = agent.Compact
	r.accept(in)
	t = r.begin(s)
	r.ok(r.Reset(r.Context(), s))
	t.Outcome = &agent.Outcome{Kind: agent.Answered, Text: "short", Summary: true}
	r.ok(r.Commit(r.Context(), t, []agent.Entry{said(5)}))
	same(r, "history after a reset", r.history(message(place, 6), 1e9), nil)
}

func commandAlone(r *rig) {
	s := place.Session()
	in := message(place, 2)
	in.Command = agent.Compact
	r.accept(message(place, 1), in, message(place, 3))
	for n := range 3 {
		t := r.begin(s)
		same(r, "messages", ids(t.Inbound), []agent.MessageID{message(place, n+1).MessageID})
		r.ok(r.Commit(r.Context(), t, nil))
	}
	r.idle(s)
}
