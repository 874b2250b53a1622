package agenttest

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"bobbin/agent"
)

var turnTests = []storeTest{
	{"a turn that was cut off goes on with all of its journal", cutOff},
	{"attempts count since the last step that was journaled", attemptsOfAStep},
	{"a turn that was suspended does not count another attempt", suspended},
	{"messages that arrive during a turn wait for the next", arriveDuring},
	{"the journal goes on where it is, whatever the caller's turn holds", appendGoesOn},
	{"parts are recorded while steps are", partsDuringSteps},
	{"a commit clears the turn and nothing else", commitClears},
	{"a turn that has ended takes nothing more", endedTurn},
	{"an abandoned turn is out of the way, and remembered", abandoned},
	{"large turns are journaled and committed", largeTurns},
	{"an answer is recorded as it is", answers},
}

func step(n int, calls ...string) agent.Entry {
	e := said(n)
	for _, id := range calls {
		e.Calls = append(e.Calls, agent.ToolCall{ID: id, Name: "look", Args: []byte(`{"at":"<here>"}`)})
	}
	return e
}

func result(n int, call string) agent.Entry {
	return agent.Entry{Role: agent.RoleTool, At: start.Add(time.Duration(n) * time.Second), CallID: call, Tool: "look", Text: "seen\x00", Failed: n%2 == 0}
}

func cutOff(r *rig) {
	r.accept(message(place, 1), message(place, 2))
	want := r.begin(place.Session())
	again := func(what string) {
		r.Helper()
		r.reopen()
		want.Attempt++
		want.Suspended = true
		got := r.begin(place.Session())
		slices.Sort(got.Started)
		same(r, what, got, want)
		r.ok(r.Resume(r.Context(), want))
	}
	again("begun")
	r.ok(r.Append(r.Context(), want, step(1, "c1", "c2")))
	want.Entries, want.Attempt = append(want.Entries, step(1, "c1", "c2")), 1
	again("a step")
	r.ok(r.StartCall(r.Context(), want, "c2"))
	r.ok(r.StartCall(r.Context(), want, "c1"))
	want.Started = []string{"c1", "c2"}
	again("calls started")
	r.ok(r.Append(r.Context(), want, result(2, "c2")))
	want.Entries, want.Attempt = append(want.Entries, result(2, "c2")), 1
	again("one result")
	drawn := result(3, "c1")
	drawn.Made = &[]agent.Made{{Name: "a.png", Type: "image/png", Data: bytes.Repeat([]byte{0, 255, '<'}, 300<<10)}, {Name: "b", Data: []byte("b")}}
	drawn.Usage = &agent.Usage{Neurons: 57.6}
	more := []agent.Entry{drawn, step(4)}
	r.ok(r.Append(r.Context(), want, more...))
	want.Entries, want.Attempt = append(want.Entries, more...), 1
	again("more entries")
	r.ok(r.RecordPart(r.Context(), want, agent.Part{Key: "K-001"}))
	r.ok(r.RecordPart(r.Context(), want, agent.Part{Key: "K-002"}))
	r.ok(r.RecordPart(r.Context(), want, agent.Part{Key: "K-003", File: true, Sum: "ABC"}))
	want.Parts = []agent.Part{{Key: "K-001"}, {Key: "K-002"}, {Key: "K-003", File: true, Sum: "ABC"}}
	again("parts about to be posted")
	r.ok(r.RecordPart(r.Context(), want, agent.Part{Key: "K-001", ID: "m1"}))
	r.ok(r.RecordPart(r.Context(), want, agent.Part{Key: "K-001", ID: "m1", Shows: 120}))
	r.ok(r.RecordPart(r.Context(), want, agent.Part{Key: "K-002", ID: "m2", Gone: true}))
	want.Parts = []agent.Part{{Key: "K-001", ID: "m1", Shows: 120}, {Key: "K-002", ID: "m2", Gone: true}, {Key: "K-003", File: true, Sum: "ABC"}}
	again("parts posted")
	o := agent.Outcome{Kind: agent.Failed, Text: "so far", Notice: "it failed", Usage: agent.Usage{Input: 3}, Model: "m", Steps: 2}
	r.ok(r.Answer(r.Context(), want, o))
	want.Outcome, want.Attempt = &o, 1
	again("answered")
}

// attemptsOfAStep: a turn that gets on between its crashes is never given up, one that
// does not is.
func attemptsOfAStep(r *rig) {
	r.accept(message(place, 1))
	t := r.begin(place.Session())
	attempt := func(when string, want int) {
		r.Helper()
		if t = r.begin(place.Session()); t.Attempt != want {
			r.Errorf("%s: attempt %d, want %d", when, t.Attempt, want)
		}
		r.ok(r.Resume(r.Context(), t))
	}
	for n := range 5 {
		r.reopen()
		attempt("cut off once after each step", 2)
		r.ok(r.Append(r.Context(), t, step(2*n, "c")))
		r.ok(r.Append(r.Context(), t, result(2*n, "c")))
	}
	for n := range 4 {
		attempt("cut off in the same step", n+2)
		r.ok(r.StartCall(r.Context(), t, fmt.Sprint("c", n)))
		r.ok(r.RecordPart(r.Context(), t, agent.Part{Key: "K", ID: "m"}))
		r.ok(r.Append(r.Context(), t)) // which is no step
	}
	r.ok(r.Suspend(r.Context(), t))
	attempt("put down in good order", 5)
	r.ok(r.Append(r.Context(), t, said(100)))
	r.ok(r.Suspend(r.Context(), t))
	attempt("put down after a step", 1)
}

func suspended(r *rig) {
	r.accept(message(place, 1))
	want := r.begin(place.Session())
	want.Suspended = true
	for range 3 {
		r.ok(r.Suspend(r.Context(), want))
		r.reopen()
		same(r, "the turn", r.begin(place.Session()), want)
		r.reopen() // as it is taken up, and before it goes on
		same(r, "the turn", r.begin(place.Session()), want)
		r.ok(r.Resume(r.Context(), want))
	}
	r.reopen() // and now while it runs
	want.Attempt = 2
	same(r, "the turn", r.begin(place.Session()), want)
}

func arriveDuring(r *rig) {
	r.accept(message(place, 1))
	t := r.begin(place.Session())
	r.accept(message(place, 2), message(place, 3))
	r.reopen()
	again := r.begin(place.Session())
	same(r, "the turn", ids(again.Inbound), ids(t.Inbound))
	r.accept(message(place, 4))
	r.ok(r.Commit(r.Context(), again, nil))
	next := r.begin(place.Session())
	same(r, "the next turn", ids(next.Inbound), []agent.MessageID{"M2", "M3", "M4"})
	if next.ID == t.ID || next.Attempt != 1 {
		r.Errorf("the next turn is %s, attempt %d, after %s", next.ID, next.Attempt, t.ID)
	}
}

func appendGoesOn(r *rig) {
	r.accept(message(place, 1))
	t := r.begin(place.Session())
	for n := range 3 {
		r.ok(r.Append(r.Context(), t, said(2*n), said(2*n+1)))
	}
	r.ok(r.Append(r.Context(), t))
	same(r, "entries", r.begin(place.Session()).Entries, []agent.Entry{said(0), said(1), said(2), said(3), said(4), said(5)})
	if len(t.Entries) > 0 {
		r.Error("the store changed the caller's turn")
	}
}

func partsDuringSteps(r *rig) {
	r.accept(message(place, 1))
	t := r.begin(place.Session())
	var both sync.WaitGroup
	var want agent.Turn
	for n := range 20 {
		want.Entries = append(want.Entries, said(n))
		want.Parts = append(want.Parts, agent.Part{Key: fmt.Sprintf("K-%03d", n), ID: "id"})
	}
	both.Go(func() {
		for _, e := range want.Entries {
			if err := r.Append(r.Context(), t, e); err != nil {
				r.Error(err)
			}
		}
	})
	both.Go(func() {
		for _, p := range want.Parts {
			if err := r.RecordPart(r.Context(), t, p); err != nil {
				r.Error(err)
			}
		}
	})
	both.Wait()
	got := r.begin(place.Session())
	same(r, "entries", got.Entries, want.Entries)
	same(r, "parts", got.Parts, want.Parts)
}

func commitClears(r *rig) {
	other := place
	other.Thread = "another"
	r.accept(message(place, 1), message(other, 2))
	t := r.begin(place.Session())
	r.ok(r.Append(r.Context(), t, step(1, "c"), result(2, "c")))
	r.ok(r.StartCall(r.Context(), t, "c"))
	r.ok(r.RecordPart(r.Context(), t, agent.Part{Key: "K", ID: "m"}))
	r.ok(r.Answer(r.Context(), t, agent.Outcome{Kind: agent.Answered, Text: "yes"}))
	r.accept(message(place, 3))
	r.ok(r.Commit(r.Context(), t, []agent.Entry{said(1), said(2)}))
	r.reopen()
	next := r.begin(place.Session())
	same(r, "the next turn", next, &agent.Turn{
		ID: next.ID, Session: place.Session(), Generation: t.Generation, Began: next.Began, Attempt: 1, Inbound: []agent.Inbound{message(place, 3)},
	})
	es, err := r.History(r.Context(), next, 1e6)
	r.ok(err)
	same(r, "history", es, []agent.Entry{said(1), said(2)})
	same(r, "the other session", ids(r.begin(other.Session()).Inbound), []agent.MessageID{"M2"})
}

func endedTurn(r *rig) {
	r.accept(message(place, 1))
	ended := r.begin(place.Session())
	r.ok(r.Commit(r.Context(), ended, []agent.Entry{said(1)}))
	check := func(when string) {
		for what, err := range map[string]error{
			"Append": r.Append(r.Context(), ended, said(9)), "StartCall": r.StartCall(r.Context(), ended, "late"),
			"RecordPart": r.RecordPart(r.Context(), ended, agent.Part{Key: "LATE"}),
			"Answer":     r.Answer(r.Context(), ended, agent.Outcome{Kind: agent.Failed}),
			"Resume":     r.Resume(r.Context(), ended),
			"Suspend":    r.Suspend(r.Context(), ended), "Commit": r.Commit(r.Context(), ended, []agent.Entry{said(9)}),
			"Abandon": r.Abandon(r.Context(), ended, "late"),
		} {
			if err == nil {
				r.Errorf("%s: %s of a turn that has ended worked", when, what)
			}
		}
	}
	check("nothing under way")
	same(r, "pending", r.pending(), nil)
	r.accept(message(place, 2))
	next := r.begin(place.Session())
	check("another under way")
	next.Attempt, next.Suspended = 2, true
	same(r, "the next turn", r.begin(place.Session()), next)
	es, err := r.History(r.Context(), next, 1e6)
	r.ok(err)
	same(r, "history", es, []agent.Entry{said(1)})
}

func largeTurns(r *rig) {
	many := make([]agent.Entry, 1500)
	for n := range many {
		many[n] = said(n)
		many[n].Text = strings.Repeat("x", 1000)
	}
	markup := []agent.Entry{step(0)} // grows sixfold in JSON
	for n := range 50 {
		call := fmt.Sprint("c", n)
		markup[0].Calls = append(markup[0].Calls, agent.ToolCall{ID: call, Name: "look", Args: []byte("{}")})
		found := result(n, call)
		found.Text = strings.Repeat("<", 9000)
		markup = append(markup, found)
	}
	huge := []agent.Entry{said(1), said(2), said(3), result(4, "c")}
	huge[0].Text = strings.Repeat("0123456789", 150_000)
	huge[1].Text = strings.Repeat("🧵", 200_000)
	huge[2].Calls = []agent.ToolCall{{ID: "c", Name: "n", Args: []byte(`"` + strings.Repeat("a", 300_000) + `"`)}}
	n := 0
	for name, entries := range map[string][]agent.Entry{"many": many, "markup": markup, "huge": huge} {
		at := place
		at.Thread = name
		in := message(at, n)
		in.Text = strings.Repeat("long ", 30_000)
		r.accept(in)
		t := r.begin(at.Session())
		r.ok(r.Append(r.Context(), t, entries...))
		r.reopen()
		again := r.begin(at.Session())
		same(r, name+": inbox", again.Inbound, []agent.Inbound{in})
		same(r, name+": journal", again.Entries, entries)
		r.ok(r.Commit(r.Context(), again, entries))
		r.reopen()
		r.idle(at.Session())
		same(r, name+": history", r.history(message(at, n+1), 1e9), entries)
		n += 2
	}
}

func answers(r *rig) {
	for n, o := range []agent.Outcome{
		{Kind: agent.Answered, Text: "fine \x00 <&> 🧵"}, {Kind: agent.Stopped}, {Kind: agent.Failed, Text: "a", Notice: "b", Steps: 7},
	} {
		at := place
		at.Thread = fmt.Sprint(n)
		r.accept(message(at, n))
		t := r.begin(at.Session())
		r.ok(r.Answer(r.Context(), t, agent.Outcome{Kind: agent.Answered, Text: "a first thought"}))
		r.ok(r.Answer(r.Context(), t, o))
		same(r, "the outcome", r.begin(at.Session()).Outcome, &o)
	}
}
