package agent_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"bobbin/agent"
	"bobbin/agent/agenttest"
)

// painter is a costly tool that makes one file a call, of so many bytes.
func painter(size int) *tool {
	return &tool{name: "paint", effects: true, call: func(_ context.Context, c agent.ToolCall) (agent.Result, error) {
		return agent.Result{
			Text: "Painted.", Usage: agent.Usage{Neurons: 5},
			Made: []agent.Made{{Name: c.ID + ".png", Type: "image/png", Data: bytes.Repeat([]byte(c.ID[:1]), size)}},
		}, nil
	}}
}

func names(made []agent.Made) (all []string) {
	for _, m := range made {
		all = append(all, fmt.Sprintf("%s %s %d", m.Name, m.Type, len(m.Data)))
	}
	return all
}

// A file is made once and given with the answer, wherever the daemon is cut off between the
// end of the tool and the end of the turn.
func TestWhatAToolMadeIsNeitherLostNorMadeTwice(t *testing.T) {
	const size = 700 << 10 // more than a transaction takes
	for name, cut := range map[string]struct {
		at      func(r *rig) // has the turn stand still where it is cut off
		resumed func(r *rig)
	}{
		"while the model is asked": {func(r *rig) {
			r.plays(
				agenttest.Calls("", call("paint", "c1")), agenttest.Waits(make(chan struct{}), nil),
				agenttest.Says("Look."),
			)
		}, nil},
		"while it is delivered": {func(r *rig) {
			r.plays(agenttest.Calls("", call("paint", "c1")), agenttest.Says("Look."))
			r.replies.OnFinish = func(ctx context.Context, _ *agent.Turn, _ agent.Outcome) error {
				<-ctx.Done()
				return ctx.Err()
			}
		}, func(r *rig) { r.replies.OnFinish = nil }},
		"not at all": {func(r *rig) {
			r.plays(agenttest.Calls("", call("paint", "c1")), agenttest.Says("Look."))
		}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(r *rig) {
				cut.at(r)
				paint := painter(size)
				r.opts.Tools = []agent.Tool{paint}
				r.up()
				r.say("s", 1)
				r.settle()
				r.crash()
				if cut.resumed != nil {
					cut.resumed(r)
				}
				r.up()
				o := r.outcome()
				same(r.T, "text", o.Text, "Look.")
				same(r.T, "files", names(o.Made), []string{fmt.Sprintf("c1.png image/png %d", size)})
				same(r.T, "calls", paint.calls(), []string{"c1"})
				same(r.T, "neurons", o.Usage.Neurons, 2*agenttest.Cost.Neurons+5)
				r.idle()
				var sum agent.Usage
				es := r.transcript("s")
				for _, e := range es {
					if e.Made != nil || len(e.Text) > 1000 {
						r.Errorf("the transcript keeps %+.100v", e)
					}
					if e.Usage != nil {
						sum = sum.Add(*e.Usage)
					}
				}
				same(r.T, "usage in the transcript", sum, o.Usage)
				same(r.T, "transcript", shape(es), []string{
					"user: say s-1", "assistant:  [c1]", "tool [c1]: Painted.\n[The file “c1.png” is given to people below your answer. Do not link to it.]", "assistant: Look.",
				})
			})
		})
	}
}

func TestATurnThatIsAnsweredOnceMoreGivesWhatItMadeThen(t *testing.T) {
	bubble(t, func(r *rig) {
		r.plays(
			agenttest.Calls("", call("paint", "c1")), agenttest.Says("Look."),
			agenttest.Calls("", call("paint", "c2")), agenttest.Says("See."),
		)
		paint := painter(10)
		r.opts.Tools = []agent.Tool{paint}
		r.up()
		r.say("s", 1)
		r.idle()
		if err := r.agent.Again(r.Context(), session("s"), "", anyone); err != nil {
			r.Fatal(err)
		}
		r.idle()
		os := r.outcomes()
		same(r.T, "files", names(os[1].Made), []string{"c2.png image/png 10"})
		same(r.T, "calls", paint.calls(), []string{"c1", "c2"})
	})
}

func TestAStoppedOrFailedTurnGivesWhatItHasMade(t *testing.T) {
	for name, end := range map[string]func(r *rig) agenttest.Step{
		"stopped": func(*rig) agenttest.Step { return agenttest.Waits(make(chan struct{}), nil) },
		"failed":  func(*rig) agenttest.Step { return agenttest.Fails(errors.New("no")) },
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(r *rig) {
				r.plays(agenttest.Calls("", call("paint", "c1")), end(r))
				r.opts.Tools = []agent.Tool{painter(10)}
				r.up()
				r.say("s", 1)
				r.settle()
				if name == "stopped" {
					if did, err := r.agent.Stop(session("s"), "", anyone); !did || err != nil {
						r.Errorf("%v %v", did, err)
					}
				}
				o := r.outcome()
				same(r.T, "kind", string(o.Kind), name)
				same(r.T, "files", names(o.Made), []string{"c1.png image/png 10"})
			})
		})
	}
	t.Run("stopped while it is made", func(t *testing.T) {
		bubble(t, func(r *rig) {
			r.plays(agenttest.Calls("", call("paint", "c1")))
			r.opts.Tools = []agent.Tool{&tool{name: "paint", effects: true, call: func(ctx context.Context, _ agent.ToolCall) (agent.Result, error) {
				<-ctx.Done()
				return agent.Result{}, ctx.Err()
			}}}
			r.up()
			r.say("s", 1)
			r.settle()
			if did, err := r.agent.Stop(session("s"), "", anyone); !did || err != nil {
				r.Errorf("%v %v", did, err)
			}
			same(r.T, "files", len(r.outcome().Made), 0)
		})
	})
	t.Run("withdrawn", func(t *testing.T) {
		bubble(t, func(r *rig) {
			r.plays(agenttest.Calls("", call("paint", "c1")), agenttest.Says("Look."))
			r.opts.Tools = []agent.Tool{painter(10)}
			r.up()
			r.say("s", 1)
			r.idle()
			if did, err := r.agent.Revise(r.Context(), session("s"), "s-1", "", true); !did || err != nil {
				r.Errorf("%v %v", did, err)
			}
			r.idle()
			os := r.outcomes()
			same(r.T, "kind", os[len(os)-1].Kind, agent.Withdrawn)
			same(r.T, "files", len(os[len(os)-1].Made), 0)
		})
	})
}

func TestFilesWithoutAWordAreAnAnswer(t *testing.T) {
	bubble(t, func(r *rig) {
		r.plays(agenttest.Calls("", call("paint", "c1")), agenttest.Says(""))
		r.opts.Tools = []agent.Tool{painter(10)}
		r.up()
		r.say("s", 1)
		o := r.outcome()
		same(r.T, "kind", o.Kind, agent.Answered)
		same(r.T, "text", o.Text, "Here it is.")
		same(r.T, "files", len(o.Made), 1)
		es := r.transcript("s")
		same(r.T, "last word", es[len(es)-1].Text, "Here it is.")
	})
}

func TestWhatIsMadeBeyondTheBoundsIsLeftOutAndTheModelIsTold(t *testing.T) {
	for _, effects := range []bool{false, true} {
		bubble(t, func(r *rig) {
			m := r.plays(
				agenttest.Calls("", call("paint", "c1"), call("paint", "c2"), call("paint", "c3")), agenttest.Calls("", call("paint", "c4")),
				agenttest.Says("Look."),
			)
			paint := &tool{name: "paint", effects: effects, call: func(_ context.Context, c agent.ToolCall) (agent.Result, error) {
				switch c.ID {
				case "c1":
					return agent.Result{Made: []agent.Made{{Name: "huge.png", Data: make([]byte, agent.MaxMadeBytes+1)}, {Name: "none.png"}}}, nil
				case "c2":
					return agent.Result{Made: []agent.Made{{Name: "a.png", Data: make([]byte, 10)}, {Name: "“b”\n.png", Data: make([]byte, 10)}, {Name: ".png", Data: make([]byte, 10)}}}, nil
				case "c3":
					time.Sleep(time.Second)
					return agent.Result{Text: "nothing"}, nil
				}
				return agent.Result{Made: []agent.Made{{Data: make([]byte, 10)}, {Name: "over.png", Data: make([]byte, 10)}}}, nil
			}}
			r.opts.Tools = []agent.Tool{paint}
			r.up()
			r.say("s", 1)
			r.settle()
			time.Sleep(time.Minute)
			same(r.T, "files", names(r.outcome().Made), []string{"a.png  10", "b .png  10", "file.png  10", "file  10"})
			said := make(map[string]string)
			for _, e := range m.Requests()[2].Messages {
				said[e.CallID] = e.Text
			}
			for id, want := range map[string][]string{
				"c1": {"“huge.png” cannot be given to people: it is empty, or larger than 8 MiB", "“none.png” cannot"},
				"c2": {"“a.png” is given", "“b .png” is given", "“file.png” is given"},
				"c4": {"“file” is given", "“over.png” cannot be given to people: an answer has at most 4 files"},
			} {
				for _, w := range want {
					if !strings.Contains(said[id], w) {
						r.Errorf("%s says %q, not %q", id, said[id], w)
					}
				}
			}
			same(r.T, "what made nothing", said["c3"], "nothing")
		})
	}
}
