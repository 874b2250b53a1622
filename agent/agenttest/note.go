package agenttest

import (
	"errors"

	"bobbin/agent"
)

var noteTests = []storeTest{
	{"a message that needs no turn is noted once, and is no turn's", noteOnce},
	{"a full inbox refuses a message, and takes it when there is room", inboxFull},
}

func noteOnce(r *rig) {
	in := message(place, 1)
	seen := func(in agent.Inbound, want bool) {
		r.Helper()
		if seen, err := r.Seen(r.Context(), in); err != nil || seen != want {
			r.Errorf("seen %v, error %v, want %v", seen, err, want)
		}
	}
	seen(in, false)
	r.ok(r.Note(r.Context(), in))
	seen(in, true)
	r.ok(r.Note(r.Context(), in))
	r.reopen()
	seen(in, true)
	byEvent := message(place, 2)
	byEvent.EventID = in.EventID
	seen(byEvent, true)
	if fresh, err := r.Accept(r.Context(), in, nil); err != nil || fresh {
		r.Errorf("accepted after it was noted: fresh %v, error %v", fresh, err)
	}
	r.idle(in.Session())
	accepted := message(place, 3)
	r.accept(accepted)
	seen(accepted, true)
}

func inboxFull(r *rig) {
	for i := range agent.MaxInbox {
		r.accept(message(place, i))
	}
	late := message(place, agent.MaxInbox)
	if _, err := r.Accept(r.Context(), late, nil); !errors.Is(err, agent.ErrInboxFull) || !errors.Is(err, agent.ErrRefused) {
		r.Fatalf("the inbox is full, and Accept says %v", err)
	}
	t := r.begin(late.Session())
	r.ok(r.Commit(r.Context(), t, nil))
	r.accept(late)
}
