package agent_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"bobbin/agent"
	"bobbin/agent/agenttest"
)

func anyone([]agent.Inbound) bool { return true }

func nobody([]agent.Inbound) bool { return false }

func session(name string) agent.SessionID { return message(name, 1).Session() }

func TestAStoppedTurnKeepsItsTextAndTheNextBegins(t *testing.T) {
	bubble(t, func(r *rig) {
		r.plays(agenttest.Waits(make(chan struct{}), nil, "half of"), agenttest.Says("the next"))
		r.up()
		r.say("s", 1)
		r.settle()
		r.say("s", 2)
		id, runs := r.agent.Running(session("s"))
		if !runs || id == "" {
			r.Fatal("the turn does not run")
		}
		for name, stop := range map[string]func() (bool, error){
			"another turn":    func() (bool, error) { return r.agent.Stop(session("s"), "ANOTHER", anyone) },
			"another session": func() (bool, error) { return r.agent.Stop(session("x"), id, anyone) },
		} {
			if did, err := stop(); did || err != nil {
				r.Errorf("%s was stopped: %v %v", name, did, err)
			}
		}
		if did, err := r.agent.Stop(session("s"), id, nobody); did || !errors.Is(err, agent.ErrForbidden) {
			r.Errorf("stopped by a stranger: %v %v", did, err)
		}
		if did, err := r.agent.Stop(session("s"), id, anyone); !did || err != nil {
			r.Errorf("%v %v", did, err)
		}
		r.idle()
		os := r.outcomes()
		if len(os) != 2 || os[0].Kind != agent.Stopped || os[0].Text != "half of" || os[0].Notice != "Stopped." || os[1].Text != "the next" {
			r.Errorf("outcomes %+v", os)
		}
		same(r.T, "transcript", shape(r.transcript("s")), []string{
			"user: say s-1", "assistant: half of\n\n(Stopped.)", "user: say s-2", "assistant: the next",
		})
	})
}

func TestATurnWhoseAnswerIsCompleteDoesNotRunAnyMore(t *testing.T) {
	bubble(t, func(r *rig) {
		looks := 0
		r.replies.OnFinish = func(context.Context, *agent.Turn, agent.Outcome) error {
			looks++
			if id, runs := r.agent.Running(session("s")); runs {
				r.Errorf("turn %s runs while its answer is shown", id)
			}
			if stopped, err := r.agent.Stop(session("s"), "", func([]agent.Inbound) bool { return true }); stopped || err != nil {
				r.Errorf("an answer that is complete was stopped: %v, %v", stopped, err)
			}
			return nil
		}
		r.plays(agenttest.Says("one"), agenttest.Says("two"))
		r.up()
		r.say("s", 1)
		r.idle()
		r.say("s", 2)
		r.idle()
		if looks != 2 {
			r.Errorf("%d answers were shown", looks)
		}
	})
}

func TestATurnThatWaitsForASlotCanBeStopped(t *testing.T) {
	bubble(t, func(r *rig) {
		release := make(chan struct{})
		r.plays(agenttest.Waits(release, agenttest.Says("one")))
		r.opts.MaxTurns = 1
		r.up()
		r.say("a", 1)
		r.settle()
		r.say("b", 1)
		r.settle()
		if did, err := r.agent.Stop(session("b"), "", anyone); !did || err != nil {
			r.Errorf("%v %v", did, err)
		}
		r.settle()
		same(r.T, "waiting", r.agent.Queued(), 0)
		same(r.T, "outcome", r.outcome().Kind, agent.Stopped)
		close(release)
		r.idle()
	})
}

func TestAStoppedToolIsAnsweredForInTheTranscript(t *testing.T) {
	bubble(t, func(r *rig) {
		r.plays(agenttest.Calls("looking", call("slow", "c1")))
		r.opts.Tools = []agent.Tool{&tool{name: "slow", call: func(ctx context.Context, _ agent.ToolCall) (agent.Result, error) {
			<-ctx.Done()
			return agent.Result{}, ctx.Err()
		}}}
		r.up()
		r.say("s", 1)
		r.settle()
		if did, err := r.agent.Stop(session("s"), "", anyone); !did || err != nil {
			r.Errorf("%v %v", did, err)
		}
		r.idle()
		same(r.T, "transcript", shape(r.transcript("s")), []string{
			"user: say s-1", "assistant: looking [c1]", "tool [c1]: There is no result: the turn ended first. (failed)", "assistant: (Stopped.)",
		})
	})
}

func TestTheNewestTurnIsAnsweredOnceMoreInItsPlace(t *testing.T) {
	bubble(t, func(r *rig) {
		m := r.plays(agenttest.Says("zero"), agenttest.Says("one"), agenttest.Says("two"), agenttest.Says("three"))
		r.up()
		r.say("s", 1)
		r.idle()
		r.say("s", 2)
		r.idle()
		first, second := r.replies.Finished()[0].Turn, r.replies.Finished()[1].Turn
		if err := r.agent.Again(r.Context(), session("s"), first.ID, anyone); !errors.Is(err, agent.ErrPast) {
			r.Errorf("an older turn: %v", err)
		}
		if err := r.agent.Again(r.Context(), session("s"), second.ID, nobody); !errors.Is(err, agent.ErrForbidden) {
			r.Errorf("a stranger: %v", err)
		}
		for _, id := range []agent.TurnID{second.ID, ""} { // again and again
			if err := r.agent.Again(r.Context(), session("s"), id, anyone); err != nil {
				r.Error(err)
			}
			r.idle()
		}
		all := r.replies.Finished()
		again := all[len(all)-1].Turn
		if again.ID != second.ID || again.Attempt != 1 || len(again.Parts) != 1 || len(again.Inbound) != 1 || again.Inbound[0].MessageID != "s-2" {
			r.Errorf("the turn is %+v, was %+v", again, second)
		}
		same(r.T, "what the model is asked", shape(m.Requests()[3].Messages), []string{"user: say s-1", "assistant: zero", "user: say s-2"})
		same(r.T, "transcript", shape(r.transcript("s")), []string{"user: say s-1", "assistant: zero", "user: say s-2", "assistant: three"})
	})
}

func TestATurnIsNotAnsweredOnceMoreWhileAnotherRuns(t *testing.T) {
	bubble(t, func(r *rig) {
		release := make(chan struct{})
		r.plays(agenttest.Says("one"), agenttest.Waits(release, agenttest.Says("two")))
		r.up()
		r.say("s", 1)
		r.idle()
		r.say("s", 2)
		r.settle()
		if err := r.agent.Again(r.Context(), session("s"), "", anyone); !errors.Is(err, agent.ErrPast) {
			r.Errorf("error %v", err)
		}
		close(release)
		r.idle()
	})
}

func TestATurnThatIsAnsweredOnceMoreNeedsNothingWhenThatIsAskedAgain(t *testing.T) {
	bubble(t, func(r *rig) {
		release := make(chan struct{})
		m := r.plays(agenttest.Says("one"), agenttest.Waits(release, agenttest.Says("two")))
		r.up()
		r.say("s", 1)
		r.idle()
		id := r.replies.Finished()[0].Turn.ID
		again := func(may agent.May) error { return r.agent.Again(r.Context(), session("s"), id, may) }
		for range 2 { // a double click
			if err := again(anyone); err != nil {
				r.Errorf("pressed twice: %v", err)
			}
		}
		r.settle()
		if err := again(anyone); err != nil {
			r.Errorf("while the answer is written: %v", err)
		}
		if err := again(nobody); !errors.Is(err, agent.ErrForbidden) {
			r.Errorf("a stranger: %v", err)
		}
		if err := r.agent.Again(r.Context(), session("s"), "ANOTHER", anyone); !errors.Is(err, agent.ErrPast) {
			r.Errorf("an older turn: %v", err)
		}
		close(release)
		r.idle()
		if n := len(m.Requests()); n != 2 {
			r.Errorf("the model was asked %d times", n)
		}
	})
}

func TestAChangedQuestionIsAnsweredAnewInItsPlace(t *testing.T) {
	for name, test := range map[string]struct {
		withdrawn bool
		asked     []string // the last window
		kept      []string
	}{
		"changed":   {false, []string{"user: say else"}, []string{"user: say else", "assistant: two"}},
		"withdrawn": {true, nil, nil},
	} {
		revise := func(r *rig) {
			r.Helper()
			if did, err := r.agent.Revise(r.Context(), session("s"), "s-1", "say else", test.withdrawn); !did || err != nil {
				r.Errorf("%v %v", did, err)
			}
		}
		check := func(r *rig, m *agenttest.Model) {
			r.Helper()
			r.idle()
			all := r.replies.Finished()
			end := all[len(all)-1]
			if test.withdrawn != (end.Outcome.Kind == agent.Withdrawn) {
				r.Errorf("outcome %+v", end.Outcome)
			}
			if !test.withdrawn {
				asked := m.Requests()
				same(r.T, "window", shape(asked[len(asked)-1].Messages), test.asked)
			}
			same(r.T, "transcript", shape(r.transcript("s")), test.kept)
		}
		t.Run(name+" while it is answered", func(t *testing.T) {
			bubble(t, func(r *rig) {
				m := r.plays(agenttest.Waits(make(chan struct{}), nil, "half"), agenttest.Says("two"))
				r.up()
				r.say("s", 1)
				r.settle()
				revise(r)
				check(r, m)
				if test.withdrawn {
					same(r.T, "asked", len(m.Requests()), 1)
				}
			})
		})
		t.Run(name+" right after", func(t *testing.T) {
			bubble(t, func(r *rig) {
				m := r.plays(agenttest.Says("one"), agenttest.Says("two"))
				r.up()
				r.say("s", 1)
				r.idle()
				first := r.replies.Finished()[0].Turn.ID
				revise(r)
				check(r, m)
				same(r.T, "turn", r.replies.Finished()[1].Turn.ID, first)
			})
		})
		t.Run(name+" while it waits", func(t *testing.T) {
			bubble(t, func(r *rig) {
				release := make(chan struct{})
				m := r.plays(agenttest.Waits(release, agenttest.Says("zero")), agenttest.Says("two"))
				r.up()
				r.say("s", 0)
				r.settle()
				r.say("s", 1)
				revise(r)
				close(release)
				r.idle()
				if asked := m.Requests(); len(asked) > 1 != !test.withdrawn {
					r.Errorf("%d requests", len(asked))
				}
				same(r.T, "transcript", shape(r.transcript("s")), append([]string{"user: say s-0", "assistant: zero"}, test.kept...))
			})
		})
		t.Run(name+" while its answer is delivered", func(t *testing.T) {
			bubble(t, func(r *rig) {
				m := r.plays(agenttest.Says("one"), agenttest.Says("two"))
				done := false
				r.replies.OnFinish = func(context.Context, *agent.Turn, agent.Outcome) error {
					if !done {
						done = true
						revise(r)
					}
					return nil
				}
				r.up()
				r.say("s", 1)
				check(r, m)
			})
		})
	}
}

func TestAChangeThatComesTooLateIsLeftAlone(t *testing.T) {
	bubble(t, func(r *rig) {
		r.plays(agenttest.Says("one"), agenttest.Says("two"))
		r.up()
		r.say("s", 1)
		r.idle()
		for _, same := range []string{"say s-1"} { // an edit that changes nothing, such as a preview
			if did, err := r.agent.Revise(r.Context(), session("s"), "s-1", same, false); did || err != nil {
				r.Errorf("the same text: %v %v", did, err)
			}
		}
		r.say("s", 2)
		r.idle()
		for _, id := range []agent.MessageID{"s-1", "never-seen"} {
			if did, err := r.agent.Revise(r.Context(), session("s"), id, "else", false); did || err != nil {
				r.Errorf("%s: %v %v", id, did, err)
			}
		}
		r.idle()
		same(r.T, "answered", len(r.outcomes()), 2)
	})
}

func TestWhatArrivesDuringATurn(t *testing.T) {
	for busy, want := range map[agent.Busy][]string{
		agent.Queue: {
			"user: say s-1", "assistant: first [c1]", "tool [c1]: found", "assistant: said: say s-1", "user: say s-2", "assistant: said: say s-1 say s-2",
		},
		agent.Interrupt: {"user: say s-1", "user: say s-2", "assistant: said: say s-1 say s-2"},
		agent.Steer: {
			"user: say s-1", "assistant: first [c1]", "tool [c1]: found", "user: say s-2", "assistant: said: say s-1 say s-2",
		},
	} {
		t.Run(string(busy), func(t *testing.T) {
			bubble(t, func(r *rig) {
				echo := func(ctx context.Context, q agent.Request, yield func(agent.Chunk) bool) error {
					said := []string{"said:"}
					for _, e := range q.Messages {
						if e.Role == agent.RoleUser {
							said = append(said, e.Text)
						}
					}
					return agenttest.Says(strings.Join(said, " "))(ctx, q, yield)
				}
				r.plays(agenttest.Calls("first", call("look", "c1")), echo, echo)
				found := make(chan struct{})
				r.opts.WhileBusy = busy
				r.opts.Tools = []agent.Tool{&tool{name: "look", call: func(ctx context.Context, _ agent.ToolCall) (agent.Result, error) {
					select {
					case <-found:
						return agent.Result{Text: "found"}, nil
					case <-ctx.Done():
						return agent.Result{}, ctx.Err()
					}
				}}}
				r.up()
				r.say("s", 1)
				r.settle()
				r.say("s", 2)
				r.settle()
				close(found)
				r.idle()
				same(r.T, "transcript", shape(r.transcript("s")), want)
				answered := map[agent.MessageID]int{}
				for _, s := range r.replies.Finished() {
					for _, in := range s.Turn.Inbound {
						answered[in.MessageID]++
					}
				}
				if busy != agent.Steer && (answered["s-1"] != 1 || answered["s-2"] != 1) {
					r.Errorf("answered %v", answered)
				}
			})
		})
	}
}

func TestASteeredTurnGoesOnAfterACrash(t *testing.T) {
	bubble(t, func(r *rig) {
		m := r.plays(agenttest.Calls("", call("look", "c1")), agenttest.Waits(make(chan struct{}), nil), agenttest.Says("both"))
		found := make(chan struct{})
		r.opts.WhileBusy = agent.Steer
		r.opts.Tools = []agent.Tool{&tool{name: "look", call: func(context.Context, agent.ToolCall) (agent.Result, error) {
			<-found
			return agent.Result{Text: "found"}, nil
		}}}
		r.up()
		r.say("s", 1)
		r.settle()
		r.say("s", 2)
		r.settle()
		close(found)
		r.settle()
		r.crash()
		r.up()
		r.idle()
		asked := m.Requests()
		same(r.T, "window after the crash", shape(asked[len(asked)-1].Messages), shape(asked[1].Messages))
		same(r.T, "transcript", shape(r.transcript("s")), []string{
			"user: say s-1", "assistant:  [c1]", "tool [c1]: found", "user: say s-2", "assistant: both",
		})
	})
}
