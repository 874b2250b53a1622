package agent_test

import (
	"errors"
	"testing"

	"bobbin/agent"
	"bobbin/agent/agenttest"
)

func TestACompactedSessionGoesOnFromItsSummary(t *testing.T) {
	for name, test := range map[string]struct {
		summary agenttest.Step
		kind    agent.OutcomeKind
		next    []string
	}{
		"summed up": {agenttest.Says("They greeted."), agent.Answered, []string{
			"user: [A summary of this conversation so far, written by you:]\nThey greeted.", "user: say s-3",
		}},
		"failed":  {agenttest.Fails(errors.New("no model")), agent.Failed, nil},
		"cut off": {agenttest.Ends(agent.FinishLength, "They gr"), agent.Failed, nil},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(r *rig) {
				m := r.plays(agenttest.Says("hello"), agenttest.Says("well"), test.summary, agenttest.Says("fine"))
				r.up()
				r.say("s", 1)
				r.idle()
				r.say("s", 2)
				r.idle()
				in := message("s", 100)
				in.Command = agent.Compact
				if _, err := r.agent.Submit(r.Context(), in); err != nil {
					r.Fatal(err)
				}
				r.say("s", 3) // is not part of it
				r.idle()
				os := r.outcomes()
				if len(os) != 4 || os[2].Kind != test.kind {
					r.Errorf("outcomes %+v", os)
				}
				asked := m.Requests()
				got := shape(asked[len(asked)-1].Messages)
				if test.next != nil {
					same(r.T, "window after it", got, test.next)
				} else if len(got) < 5 || got[0] != "user: say s-1" || got[1] != "assistant: hello" {
					r.Errorf("after a failure the window is %q", got)
				}
			})
		})
	}
}

func TestASummaryTellsWhoseWordsItIsOfWhereNobodyElseSpeaks(t *testing.T) {
	for _, direct := range []bool{false, true} {
		bubble(t, func(r *rig) {
			r.plays(agenttest.Says("hello"), agenttest.Says("They greeted."))
			r.up()
			for n, command := range []string{"", agent.Compact} {
				in := message("s", n)
				in.Command, in.Direct = command, direct
				if _, err := r.agent.Submit(r.Context(), in); err != nil {
					r.Fatal(err)
				}
				r.idle()
			}
			es := r.transcript("s")
			if len(es) != 1 || es[0].Direct != direct || (es[0].Author != nil) != direct {
				r.Errorf("direct: %v, transcript %+v", direct, es)
			}
		})
	}
}

func TestNothingIsCompactedWhereNothingWasSaid(t *testing.T) {
	bubble(t, func(r *rig) {
		r.plays()
		r.up()
		in := message("s", 1)
		in.Command = agent.Compact
		if _, err := r.agent.Submit(r.Context(), in); err != nil {
			r.Fatal(err)
		}
		r.idle()
		same(r.T, "answer", r.outcome().Text, "There is nothing to sum up yet.")
	})
}
