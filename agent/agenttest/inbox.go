package agenttest

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"bobbin/agent"
)

var inboxTests = []storeTest{
	{"a message is accepted once, by its event id and by its message id", acceptOnce},
	{"of concurrent deliveries of a message one is fresh", acceptConcurrently},
	{"a message without an id is refused", acceptNothing},
	{"a turn takes the inbox in the order of acceptance", inboxOrder},
	{"a worker that is about to begin finds the message before it is durable", acceptReady},
	{"a turn that was written with its message takes what comes before it begins", acceptMore},
	{"what is changed before a turn begins counts for it", changedBeforeBegin},
	{"a turn takes at most MaxTake messages and leaves the rest to the next", takeAtMost},
	{"a session is known from its first message on", knownSession},
	{"pending are exactly the sessions with something to do", pendingSessions},
	{"sessions do not touch each other, whatever their names", isolated},
	{"an ended context writes nothing", endedContext},
}

func acceptOnce(r *rig) {
	first := message(place, 1)
	r.accept(first)
	check := func(when string) {
		byEvent, byMessage, elsewhere := message(place, 2), message(place, 3), message(agent.Address{Platform: "slack", Channel: "C9"}, 4)
		byEvent.EventID = first.EventID
		byMessage.MessageID = first.MessageID
		elsewhere.MessageID = first.MessageID
		for what, in := range map[string]agent.Inbound{"as it was": first, "by event": byEvent, "by message": byMessage, "in another session": elsewhere} {
			if fresh, err := r.Accept(r.Context(), in, nil); err != nil || fresh {
				r.Errorf("%s, again %s: fresh %v, error %v", when, what, fresh, err)
			}
		}
	}
	check("waiting")
	r.reopen()
	check("after a restart")
	t := r.begin(first.Session())
	same(r, "what the turn answers", t.Inbound, []agent.Inbound{first})
	check("under way")
	r.ok(r.Commit(r.Context(), t, nil))
	check("answered")
	r.idle(first.Session())

	// Ids are unique within a platform only, and an event id may be missing.
	other := message(agent.Address{Platform: "discord", Channel: "C1"}, 1)
	none, none2 := message(place, 5), message(place, 6)
	none.EventID, none2.EventID = "", ""
	// What is an event's id is not thereby a message's.
	crossed := message(place, 7)
	crossed.MessageID, crossed.EventID = agent.MessageID(first.EventID), string(first.MessageID)
	r.accept(other, none, none2, crossed)
}

func acceptConcurrently(r *rig) {
	const messages, deliveries = 8, 6
	var fresh [messages]atomic.Int32
	var all sync.WaitGroup
	for n := range messages {
		for d := range deliveries {
			all.Go(func() {
				in := message(place, n)
				// One event in several deliveries, and one message as several events.
				if d%2 == 1 {
					in.EventID = fmt.Sprintf("Ev%d-%d", n, d)
				}
				ok, err := r.Accept(r.Context(), in, nil)
				if err != nil {
					r.Error(err)
				}
				if ok {
					fresh[n].Add(1)
				}
			})
		}
	}
	all.Wait()
	for n := range fresh {
		if f := fresh[n].Load(); f != 1 {
			r.Errorf("message %d was fresh %d times", n, f)
		}
	}
	if t := r.begin(place.Session()); len(t.Inbound) != messages {
		r.Errorf("the turn answers %d messages of %d", len(t.Inbound), messages)
	}
}

func acceptNothing(r *rig) {
	in := message(place, 1)
	in.MessageID = ""
	if fresh, err := r.Accept(r.Context(), in, nil); err == nil || fresh {
		r.Errorf("fresh %v, error %v", fresh, err)
	}
	same(r, "pending", r.pending(), nil)
}

func inboxOrder(r *rig) {
	var want []agent.Inbound
	for n := range 30 {
		in := message(place, 30-n) // neither ids nor the platform's clock decide
		want = append(want, in)
		r.accept(in)
		if n%10 == 9 {
			r.reopen()
		}
	}
	t := r.begin(place.Session())
	same(r, "what the turn answers", t.Inbound, want)
	if t.Session != place.Session() || t.Attempt != 1 || t.Outcome != nil || len(t.Entries)+len(t.Started)+len(t.Parts) > 0 {
		r.Errorf("a new turn is %+v", t)
	}
	same(r, "where the answer goes", t.Target(), want[29].Target)
}

// now is for a worker that begins at once.
func now() {}

func acceptReady(r *rig) {
	first, second := message(place, 1), message(place, 2)
	var t *agent.Turn
	fresh, err := r.Accept(r.Context(), first, func() {
		if t != nil {
			r.Error("told twice")
		}
		t = r.begin(place.Session())
	})
	r.ok(err)
	if !fresh || t == nil {
		r.Fatalf("fresh %v, turn %+v", fresh, t)
	}
	same(r, "what the turn answers", t.Inbound, []agent.Inbound{first})
	same(r, "attempt", t.Attempt, 1)
	if _, err := r.Accept(r.Context(), first, func() { r.Error("told of a message that is known") }); err != nil {
		r.Error(err)
	}
	told := false
	if _, err := r.Accept(r.Context(), second, func() { told = true }); err != nil || !told {
		r.Errorf("told %v of a message that waits, error %v", told, err)
	}
	r.ok(r.Commit(r.Context(), t, []agent.Entry{said(1)}))
	t = r.begin(place.Session())
	same(r, "what the next turn answers", t.Inbound, []agent.Inbound{second})
	same(r, "attempt", t.Attempt, 1)

	// What nobody has begun in time is taken up as if somebody had.
	elsewhere := message(agent.Address{Platform: "slack", Channel: "C9"}, 3)
	if _, err := r.Accept(r.Context(), elsewhere, now); err != nil {
		r.Error(err)
	}
	r.reopen()
	t = r.begin(elsewhere.Session())
	same(r, "what the turn answers after a crash", t.Inbound, []agent.Inbound{elsewhere})
	same(r, "attempt", t.Attempt, 2)
	r.ok(r.Resume(r.Context(), t))
	r.ok(r.Commit(r.Context(), t, nil))
	r.idle(elsewhere.Session())
}

func acceptMore(r *rig) {
	var want []agent.Inbound
	for n := range 3 {
		want = append(want, message(place, n))
		if _, err := r.Accept(r.Context(), want[n], now); err != nil {
			r.Error(err)
		}
	}
	t := r.begin(place.Session())
	same(r, "what the turn answers", t.Inbound, want)
	r.ok(r.Append(r.Context(), t, said(1)))
	r.reopen()
	again := r.begin(place.Session())
	same(r, "the turn after a crash", again.ID, t.ID)
	same(r, "what it answers", again.Inbound, want)
	r.ok(r.Commit(r.Context(), again, nil))
	r.idle(place.Session())
}

func changedBeforeBegin(r *rig) {
	r.turn(message(place, 0), said(0))
	in := message(place, 1)
	if _, err := r.Accept(r.Context(), in, now); err != nil {
		r.Error(err)
	}
	turn, found, err := r.Revise(r.Context(), place.Session(), in.MessageID, "other words", false)
	r.ok(err)
	if turn != "" || !found {
		r.Errorf("turn %q, found %v", turn, found)
	}
	r.ok(r.Reset(r.Context(), place.Session()))
	t := r.begin(place.Session())
	in.Text = "other words"
	same(r, "what the turn answers", t.Inbound, []agent.Inbound{in})
	same(r, "attempt", t.Attempt, 1)
	if t.Revised || t.Suspended {
		r.Errorf("a turn that begins is %+v", t)
	}
	es, err := r.History(r.Context(), t, 1e9)
	r.ok(err)
	same(r, "history", es, nil)
	r.ok(r.Commit(r.Context(), t, []agent.Entry{said(1)}))
	same(r, "history", r.history(message(place, 2), 1e9), []agent.Entry{said(1)})
}

func takeAtMost(r *rig) {
	var want []agent.MessageID
	for n := range agent.MaxTake + 3 {
		in := message(place, n)
		want = append(want, in.MessageID)
		r.accept(in)
	}
	t := r.begin(place.Session())
	same(r, "the first turn", ids(t.Inbound), want[:agent.MaxTake])
	late := message(place, 1000)
	r.accept(late)
	r.reopen()
	t = r.begin(place.Session())
	same(r, "the first turn, taken up again", ids(t.Inbound), want[:agent.MaxTake])
	r.ok(r.Commit(r.Context(), t, nil))
	t = r.begin(place.Session())
	same(r, "the second turn", ids(t.Inbound), append(want[agent.MaxTake:], late.MessageID))
	r.ok(r.Commit(r.Context(), t, nil))
	r.idle(place.Session())
}

func knownSession(r *rig) {
	known := func(want bool, when string) {
		if got, err := r.Known(r.Context(), place.Session()); err != nil || got != want {
			r.Errorf("%s: known %v, error %v", when, got, err)
		}
	}
	known(false, "at first")
	r.ok(r.Reset(r.Context(), place.Session()))
	known(false, "after a reset of nothing")
	in := message(place, 1)
	r.accept(in)
	known(true, "waiting")
	r.ok(r.Commit(r.Context(), r.begin(in.Session()), nil))
	r.reopen()
	known(true, "answered")
	r.ok(r.Reset(r.Context(), place.Session()))
	known(true, "after a reset")
}

func pendingSessions(r *rig) {
	waiting, running, suspended, answered, done := place, place, place, place, place
	waiting.Thread, running.Thread, suspended.Thread, answered.Thread, done.Thread = "w", "r", "s", "a", "d"
	for n, at := range []agent.Address{waiting, running, suspended, answered, done} {
		r.accept(message(at, n))
	}
	r.begin(running.Session())
	r.ok(r.Suspend(r.Context(), r.begin(suspended.Session())))
	r.ok(r.Answer(r.Context(), r.begin(answered.Session()), agent.Outcome{Kind: agent.Answered}))
	r.ok(r.Commit(r.Context(), r.begin(done.Session()), []agent.Entry{said(1)}))
	want := []agent.SessionID{answered.Session(), running.Session(), suspended.Session(), waiting.Session()}
	same(r, "pending", r.pending(), want)
	r.reopen()
	same(r, "pending after a restart", r.pending(), want)
	r.accept(message(done, 10))
	same(r, "pending after another message", r.pending(), slices.Insert(want, 1, done.Session()))
	for _, err := range r.Pending(r.Context()) {
		r.ok(err)
		break // a reader may stop early
	}
}

// oddPlaces have ids that begin with each other or hold what a store may use itself.
func oddPlaces() []agent.Address {
	return []agent.Address{
		{Platform: "p", Channel: "C"}, {Platform: "p", Channel: "C1"}, {Platform: "p", Channel: "C", Thread: "1"},
		{Platform: "p", Channel: "C", Thread: "1/2"}, {Platform: "p", Channel: "C/1"}, {Platform: "p", Workspace: "C", Channel: "C"},
		{Platform: "p", Channel: "C\x00"}, {Platform: "p", Channel: "C\x00\x00\x00\x00\x00\x00\x00\x00e"}, {Platform: "p", Channel: "\xff\xff"},
		{Platform: "p", Channel: "%00"}, {Platform: "p", Channel: "🧵 \n"}, {Platform: "p", Channel: strings.Repeat("x", 2000)},
	}
}

func isolated(r *rig) {
	places := oddPlaces()
	for n, at := range places {
		r.turn(message(at, 100+n), said(n))
		r.accept(message(at, n))
	}
	turns := make([]*agent.Turn, len(places))
	for n, at := range places {
		turns[n] = r.begin(at.Session())
		r.ok(r.Append(r.Context(), turns[n], said(n)))
		r.ok(r.StartCall(r.Context(), turns[n], fmt.Sprint("call", n)))
		r.ok(r.RecordPart(r.Context(), turns[n], agent.Part{Key: fmt.Sprint("PART-", n)}))
	}
	r.reopen()
	for n, at := range places {
		switch n % 3 {
		case 0:
			r.ok(r.Commit(r.Context(), turns[n], []agent.Entry{said(1000 + n)}))
		case 1:
			r.ok(r.Reset(r.Context(), at.Session()))
		}
	}
	for n, at := range places {
		if n%3 == 0 {
			r.idle(at.Session())
			same(r, "history", r.history(message(at, 200+n), 1e6), []agent.Entry{said(n), said(1000 + n)})
			continue
		}
		t := r.begin(at.Session())
		same(r, "inbox", ids(t.Inbound), []agent.MessageID{message(at, n).MessageID})
		same(r, "entries", t.Entries, []agent.Entry{said(n)})
		same(r, "started calls", t.Started, []string{fmt.Sprint("call", n)})
		same(r, "parts", t.Parts, []agent.Part{{Key: fmt.Sprint("PART-", n)}})
		es, err := r.History(r.Context(), t, 1e6)
		r.ok(err)
		same(r, "history", es, []agent.Entry{said(n)})
	}
}

func endedContext(r *rig) {
	ended, cancel := context.WithCancel(r.Context())
	cancel()
	in, s := message(place, 1), place.Session()
	refuse := func(what string, err error) {
		r.Helper()
		if err == nil {
			r.Errorf("%s worked although the context had ended", what)
		}
	}
	_, err := r.Accept(ended, in, nil)
	refuse("Accept", err)
	_, err = r.Known(ended, s)
	refuse("Known", err)
	r.accept(in)
	_, err = r.Begin(ended, s)
	refuse("Begin", err)
	_, err = r.Seen(ended, in)
	refuse("Seen", err)
	refuse("Note", r.Note(ended, message(place, 2)))
	if seen, err := r.Seen(r.Context(), message(place, 2)); err != nil || seen {
		r.Errorf("a Note that failed is remembered: %v, error %v", seen, err)
	}
	t := r.begin(s)
	if t.Attempt != 1 {
		r.Errorf("a Begin that failed counts as an attempt: %d", t.Attempt)
	}
	_, err = r.History(ended, t, 1e6)
	refuse("History", err)
	refuse("Append", r.Append(ended, t, said(1)))
	refuse("StartCall", r.StartCall(ended, t, "c"))
	refuse("RecordPart", r.RecordPart(ended, t, agent.Part{Key: "K"}))
	refuse("Answer", r.Answer(ended, t, agent.Outcome{Kind: agent.Answered}))
	refuse("Suspend", r.Suspend(ended, t))
	refuse("Commit", r.Commit(ended, t, []agent.Entry{said(1)}))
	refuse("Abandon", r.Abandon(ended, t, "why"))
	refuse("Reset", r.Reset(ended, s))
	err = nil
	for _, e := range r.Pending(ended) {
		err = e
	}
	refuse("Pending", err)

	want := *t
	want.Attempt, want.Suspended = 2, true // it was not
	same(r, "the turn", r.begin(s), &want)
	es, err := r.History(r.Context(), t, 1e6)
	r.ok(err)
	same(r, "history", es, nil)
}
