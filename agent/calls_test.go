package agent_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"bobbin/agent"
	"bobbin/agent/agenttest"
)

func TestCallsOfAStepRunSideBySideAndAnswerInTheirOrder(t *testing.T) {
	bubble(t, func(r *rig) {
		m := r.plays(agenttest.Calls("looking", call("slow", "c1"), call("fast", "c2"), call("slow", "c3")), agenttest.Says("done"))
		slow := &tool{name: "slow", call: func(_ context.Context, c agent.ToolCall) (agent.Result, error) {
			time.Sleep(10 * time.Second)
			return agent.Result{Text: "slowly " + c.ID}, nil
		}}
		r.opts.Tools = []agent.Tool{slow, &tool{name: "fast"}}
		r.up()
		began := time.Now()
		r.say("s", 1)
		r.settle()
		same(r.T, "running", len(slow.calls()), 2)
		all := r.replies.All()
		same(r.T, "status", all[0].Updates[len(all[0].Updates)-1], agent.Update{
			Text: "looking", Status: "doing slow, doing fast", Steps: []string{"doing slow, doing fast"}, Working: true,
		})
		time.Sleep(10 * time.Second)
		same(r.T, "text", r.outcome().Text, "looking\n\ndone")
		same(r.T, "time", time.Since(began), 10*time.Second)
		same(r.T, "the next window", shape(m.Requests()[1].Messages), []string{
			"user: say s-1", "assistant: looking [c1] [c2] [c3]", "tool [c1]: slowly c1", "tool [c2]: did c2", "tool [c3]: slowly c3",
		})
	})
}

func TestWhatGoesWrongInACallIsForTheModel(t *testing.T) {
	for name, test := range map[string]struct {
		call  func(context.Context, agent.ToolCall) (agent.Result, error)
		calls string
		words string
	}{
		"unknown tool": {nil, "nothing", `There is no tool "nothing". The tools are: look.`},
		"failed result": {func(context.Context, agent.ToolCall) (agent.Result, error) {
			return agent.Result{Text: "no such city", Failed: true}, nil
		}, "look", "no such city"},
		"panic": {func(context.Context, agent.ToolCall) (agent.Result, error) { panic("secret internals") }, "look", "The tool failed for a reason of its own."},
	} {
		for _, effects := range []bool{false, true} {
			t.Run(name, func(t *testing.T) {
				bubble(t, func(r *rig) {
					m := r.plays(agenttest.Calls("", call(test.calls, "c1")), agenttest.Says("sorry"))
					r.opts.Tools = []agent.Tool{&tool{name: "look", call: test.call, effects: effects}}
					r.up()
					r.say("s", 1)
					same(r.T, "outcome", r.outcome().Kind, agent.Answered)
					got := m.Requests()[1].Messages
					last := got[len(got)-1]
					if last.CallID != "c1" || !last.Failed || !strings.Contains(last.Text, test.words) || strings.Contains(last.Text, "secret") {
						r.Errorf("result %+v", last)
					}
				})
			})
		}
	}
}

func TestAToolErrorEndsTheTurnAndLeavesNoCallOpen(t *testing.T) {
	for _, effects := range []bool{false, true} {
		bubble(t, func(r *rig) {
			r.plays(agenttest.Calls("looking", call("broken", "c1"), call("look", "c2")), agenttest.Says("never"))
			broken := &tool{name: "broken", effects: effects, call: func(context.Context, agent.ToolCall) (agent.Result, error) {
				return agent.Result{}, errors.Join(errors.New("secret internals"), sorry{})
			}}
			r.opts.Tools = []agent.Tool{broken, &tool{name: "look"}}
			r.up()
			r.say("s", 1)
			o := r.outcome()
			if o.Kind != agent.Failed || o.Text != "looking" || o.Notice != (sorry{}).Public() {
				r.Errorf("outcome %+v", o)
			}
			r.idle()
			same(r.T, "transcript", shape(r.transcript("s")), []string{
				"user: say s-1", "assistant: looking [c1] [c2]",
				"tool [c1]: There is no result: the turn ended first. (failed)", "tool [c2]: There is no result: the turn ended first. (failed)",
				"assistant: (The model is away.)",
			})
		})
	}
}

func TestAfterACrashReadsRunAgainAndEffectsDoNot(t *testing.T) {
	bubble(t, func(r *rig) {
		m := r.plays(
			agenttest.Calls("working", call("read", "r1"), call("send", "e1"), call("fastsend", "e2")),
			agenttest.Says("done"),
		)
		hang := func(ctx context.Context, _ agent.ToolCall) (agent.Result, error) {
			<-ctx.Done()
			return agent.Result{}, ctx.Err()
		}
		read, send, fast := &tool{name: "read", call: hang}, &tool{name: "send", effects: true, call: hang}, &tool{name: "fastsend", effects: true}
		r.opts.Tools = []agent.Tool{read, send, fast}
		r.up()
		r.say("s", 1)
		r.settle()
		r.crash()
		same(r.T, "requests", len(m.Requests()), 1)

		read.call = nil
		r.up()
		same(r.T, "text", r.outcome().Text, "working\n\ndone")
		same(r.T, "reads", read.calls(), []string{"r1", "r1"})
		same(r.T, "sends", send.calls(), []string{"e1"})
		same(r.T, "fast sends", fast.calls(), []string{"e2"})
		same(r.T, "attempt", r.replies.All()[1].Turn.Attempt, 2)
		if got := m.Requests()[1].Messages; len(got) != 5 {
			r.Errorf("window %q", shape(got))
		} else {
			same(r.T, "the result that was there", got[4].Text, "did e2")
			if !strings.Contains(got[3].Text, "outcome of this call is unknown") || !got[3].Failed {
				r.Errorf("the result that is unknown: %+v", got[3])
			}
		}
	})
}

func TestACallThatIsToRunAfterTheTurnsTimeDoesNotStart(t *testing.T) {
	bubble(t, func(r *rig) {
		send := &tool{name: "send", effects: true}
		r.opts.Tools = []agent.Tool{send}
		r.opts.TurnTimeout = time.Second
		r.plays(func(ctx context.Context, q agent.Request, yield func(agent.Chunk) bool) error {
			<-ctx.Done()
			return agenttest.Calls("", call("send", "c1"))(ctx, q, yield) // a model that has not noticed
		})
		r.up()
		r.say("s", 1)
		time.Sleep(2 * time.Second)
		same(r.T, "outcome", r.outcome().Kind, agent.Failed)
		same(r.T, "calls", len(send.calls()), 0)
		r.idle()
	})
}

func TestAToolThatDoesNotHeedItsContextHoldsUpNeitherItsTurnNorTheEnd(t *testing.T) {
	bubble(t, func(r *rig) {
		r.plays(agenttest.Calls("looking", call("deaf", "c1")), func(ctx context.Context, _ agent.Request, _ func(agent.Chunk) bool) error {
			return ctx.Err()
		})
		r.opts.TurnTimeout = time.Minute
		awake := make(chan struct{})
		r.opts.Tools = []agent.Tool{&tool{name: "deaf", effects: true, call: func(context.Context, agent.ToolCall) (agent.Result, error) {
			<-awake
			return agent.Result{Text: "too late"}, nil
		}}}
		r.up()
		r.say("s", 1)
		time.Sleep(time.Minute + 6*time.Second)
		o := r.outcome()
		if o.Kind != agent.Failed || o.Text != "looking" {
			r.Errorf("outcome %+v", o)
		}
		same(r.T, "transcript", shape(r.transcript("s")), []string{
			"user: say s-1", "assistant: looking [c1]", "tool [c1]: The outcome of this call is unknown: the tool did not end in time. (failed)",
			"assistant: (" + o.Notice + ")",
		})
		r.endsWith = agent.ErrStray
		r.down()
		close(awake)
	})
}
