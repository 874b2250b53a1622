package agent_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"bobbin/agent"
	"bobbin/agent/agenttest"
)

// sorry is an error with a sentence for people in chat.
type sorry struct{}

func (sorry) Error() string  { return "code 7: secret internals" }
func (sorry) Public() string { return "The model is away." }

func TestAnswerIsStreamedAndKept(t *testing.T) {
	bubble(t, func(r *rig) {
		m := r.plays(agenttest.Says("Hel", "lo", " Ada"))
		r.up()
		r.say("s", 1)
		same(r.T, "outcome", r.outcome(), agent.Outcome{Kind: agent.Answered, Text: "Hello Ada", Usage: agenttest.Cost, Model: agenttest.Name, Steps: 1})
		same(r.T, "updates", r.replies.All()[0].Updates, []agent.Update{{Text: "Hel"}, {Text: "Hello"}, {Text: "Hello Ada"}, {Text: "Hello Ada", Ending: true}})
		if q := m.Requests()[0]; q.NoCalls || q.Session != message("s", 1).Session() {
			r.Errorf("request %+v", q)
		}
		r.idle()
		if !r.replies.All()[0].Closed {
			r.Error("the reply was not closed")
		}
		same(r.T, "transcript", shape(r.transcript("s")), []string{"user: say s-1", "assistant: Hello Ada"})
	})
}

func TestATurnThatFailsKeepsItsTextAndSaysSo(t *testing.T) {
	for name, test := range map[string]struct {
		step  agenttest.Step
		text  string
		words string // in the notice
		kind  agent.OutcomeKind
	}{
		"public error":        {agenttest.Fails(sorry{}, "so ", "far"), "so far", "The model is away.", agent.Failed},
		"wrapped error":       {agenttest.Fails(fmt.Errorf("try 3: %w", sorry{})), "", "The model is away.", agent.Failed},
		"inner error":         {agenttest.Fails(errors.New("secret internals"), "so far"), "so far", "Something went wrong", agent.Failed},
		"stream without end":  {agenttest.Fails(nil, "so far"), "so far", "Something went wrong", agent.Failed},
		"empty stream":        {agenttest.Fails(nil), "", "Something went wrong", agent.Failed},
		"deadline of its own": {agenttest.Fails(context.DeadlineExceeded), "", "took too long to respond", agent.Failed},
		"empty answer":        {agenttest.Says(), "", "empty answer", agent.Failed},
		"blank answer":        {agenttest.Says(" \n", "\t"), "", "empty answer", agent.Failed},
		"length":              {agenttest.Ends(agent.FinishLength, "so far"), "so far", "length limit", agent.Answered},
		"filter":              {agenttest.Ends(agent.FinishFilter, "so far"), "so far", "withheld", agent.Answered},
		"calls without calls": {agenttest.Ends(agent.FinishCalls, "so far"), "so far", "", agent.Answered},
		"panic": {func(_ context.Context, _ agent.Request, yield func(agent.Chunk) bool) error {
			yield(agent.Chunk{Text: "so far"})
			panic("secret internals")
		}, "so far", "Something went wrong", agent.Failed},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(r *rig) {
				r.plays(test.step)
				r.up()
				r.say("s", 1)
				o := r.outcome()
				if o.Kind != test.kind || o.Text != test.text || !strings.Contains(o.Notice, test.words) || strings.Contains(o.Notice, "secret") {
					r.Errorf("outcome %+v", o)
				}
				r.idle()
				es := r.transcript("s")
				last := es[len(es)-1]
				if len(es) != 2 || last.Role != agent.RoleAssistant || !strings.HasPrefix(last.Text, o.Text) || !strings.Contains(last.Text, o.Notice) {
					r.Errorf("transcript %q", shape(es))
				}
			})
		})
	}
}

func TestATurnThatTakesTooLongSaysSoAndKeepsItsText(t *testing.T) {
	bubble(t, func(r *rig) {
		r.plays(agenttest.Waits(make(chan struct{}), nil, "so far"))
		r.opts.TurnTimeout = time.Minute
		r.up()
		r.say("s", 1)
		time.Sleep(time.Minute - time.Second)
		r.settle()
		same(r.T, "outcomes before", len(r.outcomes()), 0)
		time.Sleep(2 * time.Second)
		o := r.outcome()
		if o.Kind != agent.Failed || o.Text != "so far" || !strings.Contains(o.Notice, "longer than I am allowed") {
			r.Errorf("outcome %+v", o)
		}
		r.idle()
	})
}

func TestTheTurnsTimeBoundsItsToolsTooAndTheirResultsAreKept(t *testing.T) {
	for _, effects := range []bool{false, true} {
		t.Run(fmt.Sprint("effects ", effects), func(t *testing.T) {
			bubble(t, func(r *rig) {
				r.plays(agenttest.Calls("looking", call("slow", "c1")), func(ctx context.Context, _ agent.Request, _ func(agent.Chunk) bool) error {
					return ctx.Err()
				})
				r.opts.TurnTimeout = time.Minute
				slow := &tool{name: "slow", effects: effects, call: func(ctx context.Context, _ agent.ToolCall) (agent.Result, error) {
					<-ctx.Done()
					return agent.Result{Text: "half of it"}, nil
				}}
				r.opts.Tools = []agent.Tool{slow}
				r.up()
				r.say("s", 1)
				time.Sleep(time.Minute + time.Second)
				o := r.outcome()
				if o.Kind != agent.Failed || o.Text != "looking" || !strings.Contains(o.Notice, "longer than I am allowed") {
					r.Errorf("outcome %+v", o)
				}
				same(r.T, "attempts", len(r.replies.All()), 1)
				same(r.T, "calls", slow.calls(), []string{"c1"})
				r.idle()
				same(r.T, "transcript", shape(r.transcript("s")), []string{
					"user: say s-1", "assistant: looking [c1]", "tool [c1]: half of it", "assistant: (" + o.Notice + ")",
				})
			})
		})
	}
}

func TestAModelThatCallsToolsForEverIsAskedForAnAnswerInTheEnd(t *testing.T) {
	for name, test := range map[string]struct {
		last         agenttest.Step
		text, notice string
	}{
		"it answers":     {agenttest.Says("that is all"), "that is all", ""},
		"it calls again": {agenttest.Calls("one more", call("look", "c9")), "one more", "I stopped here"},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(r *rig) {
				m := r.plays(agenttest.Calls("", call("look", "c1")), agenttest.Calls("", call("look", "c2")), test.last)
				look := &tool{name: "look"}
				r.opts.Tools, r.opts.MaxSteps = []agent.Tool{look}, 3
				r.up()
				r.say("s", 1)
				o := r.outcome()
				if o.Kind != agent.Answered || o.Text != test.text || !strings.Contains(o.Notice, test.notice) || o.Steps != 3 {
					r.Errorf("outcome %+v", o)
				}
				same(r.T, "calls", look.calls(), []string{"c1", "c2"})
				var noCalls []bool
				for _, q := range m.Requests() {
					noCalls = append(noCalls, q.NoCalls)
				}
				same(r.T, "asked for no calls", noCalls, []bool{false, false, true})
			})
		})
	}
}

func TestTextOfSeveralStepsGrowsAndStandsOnceInTheTranscript(t *testing.T) {
	bubble(t, func(r *rig) {
		r.plays(
			agenttest.Calls("\n\nFirst. ", call("look", "c1")),
			agenttest.Calls(" \n", call("look", "c2")),
			agenttest.Calls("", call("look", "c3")),
			agenttest.Calls("Second.\n", call("look", "c4")),
			agenttest.Says("\n", " Third", ".\n"),
		)
		r.opts.Tools = []agent.Tool{&tool{name: "look"}}
		r.up()
		r.say("s", 1)
		o := r.outcome()
		same(r.T, "text", o.Text, "First. \n\nSecond.\n\n\nThird.")
		before := ""
		for _, u := range r.replies.All()[0].Updates {
			if !strings.HasPrefix(u.Text, before) {
				r.Errorf("text %q does not go on from %q", u.Text, before)
			}
			before = u.Text
		}
		same(r.T, "transcript", shape(r.transcript("s")), []string{
			"user: say s-1", "assistant: First.  [c1]", "tool [c1]: did c1", "assistant:  [c2]", "tool [c2]: did c2",
			"assistant:  [c3]", "tool [c3]: did c3", "assistant: Second.\n [c4]", "tool [c4]: did c4", "assistant: Third.",
		})
	})
}

func TestUsageIsCountedOnceWhereverTheTurnWasCutOff(t *testing.T) {
	bubble(t, func(r *rig) {
		r.plays(
			agenttest.Calls("", call("look", "c1")),
			agenttest.Waits(make(chan struct{}), nil),
			agenttest.Says("done"),
		)
		r.opts.Tools = []agent.Tool{&tool{name: "look"}}
		r.up()
		r.say("s", 1)
		r.settle()
		r.crash()
		r.up()
		o := r.outcome()
		same(r.T, "usage of the turn", o.Usage, agenttest.Cost.Add(agenttest.Cost))
		same(r.T, "steps", o.Steps, 2)
		var sum agent.Usage
		for _, e := range r.transcript("s") {
			if e.Usage != nil {
				sum = sum.Add(*e.Usage)
			}
		}
		same(r.T, "usage in the transcript", sum, o.Usage)
	})
}

func TestThinkingIsShownAsAStatus(t *testing.T) {
	bubble(t, func(r *rig) {
		r.plays(func(_ context.Context, _ agent.Request, yield func(agent.Chunk) bool) error {
			_ = yield(agent.Chunk{Reasoning: true}) && yield(agent.Chunk{Text: "42"}) && yield(agent.Chunk{Finish: agent.FinishStop})
			return nil
		})
		r.up()
		r.say("s", 1)
		r.settle()
		same(r.T, "updates", r.replies.All()[0].Updates, []agent.Update{{Status: "thinking"}, {Text: "42"}, {Text: "42", Ending: true}})
	})
}
