package agenttest

import "bobbin/agent"

// abandoned: what was said stays in the transcript, and the next turn is another.
func abandoned(r *rig) {
	r.accept(message(place, 1), message(place, 2))
	t := r.begin(place.Session())
	r.ok(r.Append(r.Context(), t, step(1, "c1")))
	t.Entries = append(t.Entries, step(1, "c1"))
	r.ok(r.StartCall(r.Context(), t, "c1"))
	r.ok(r.RecordPart(r.Context(), t, agent.Part{Key: "K", ID: "P1"}))
	r.accept(message(place, 3))
	t.Outcome = &agent.Outcome{Kind: agent.Failed, Notice: "I gave up."}
	r.ok(r.Answer(r.Context(), t, *t.Outcome))
	r.ok(r.Abandon(r.Context(), t, "it brings the daemon down"))
	if r.Abandon(r.Context(), t, "again") == nil || r.Commit(r.Context(), t, nil) == nil {
		r.Error("a turn that was abandoned is ended again")
	}
	r.reopen()

	next := r.begin(place.Session())
	same(r, "the next turn", ids(next.Inbound), []agent.MessageID{"M3"})
	if next.ID == t.ID || next.Attempt != 1 || len(next.Entries)+len(next.Started)+len(next.Parts) > 0 || next.Outcome != nil {
		r.Errorf("the next turn has something of the abandoned one: %+v", next)
	}
	es, err := r.History(r.Context(), next, 1<<20)
	r.ok(err)
	var texts []string
	for _, e := range es {
		texts = append(texts, e.Text)
	}
	same(r, "the transcript", texts, []string{
		message(place, 1).Text, message(place, 2).Text, step(1).Text, "There is no result: the turn ended first.", "(I gave up.)",
	})
	r.ok(r.Commit(r.Context(), next, nil))
	r.idle(place.Session())
	fresh, err := r.Accept(r.Context(), message(place, 1), nil)
	r.ok(err)
	if fresh {
		r.Error("a message of an abandoned turn is answered when it is delivered again")
	}
}
