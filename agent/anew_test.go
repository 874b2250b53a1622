package agent_test

import (
	"context"
	"testing"

	"bobbin/agent"
	"bobbin/agent/agenttest"
)

// busyReplies opens replies that are just showing something when they are closed.
type busyReplies struct {
	agent.Replies
	parts [][]agent.Part // of each turn that was opened
}

func (b *busyReplies) Open(ctx context.Context, t *agent.Turn, j agent.Journal) (agent.Reply, error) {
	b.parts = append(b.parts, t.Parts)
	reply, err := b.Replies.Open(ctx, t, j)
	return &busyReply{Reply: reply, shows: func() error {
		return j.Record(context.WithoutCancel(ctx), agent.Part{Key: "K1", ID: "M1", Shows: 100})
	}}, err
}

type busyReply struct {
	agent.Reply
	shows  func() error
	closed bool
}

func (b *busyReply) Close() {
	if !b.closed {
		b.closed = true
		_ = b.shows() // fails after the turn's end
	}
	b.Reply.Close()
}

func TestAnAnswerThatBeginsAnewIsShownFromItsStart(t *testing.T) {
	bubble(t, func(r *rig) {
		r.plays(agenttest.Waits(make(chan struct{}), nil, "half"), agenttest.Says("two"))
		busy := &busyReplies{Replies: r.replies}
		r.opts.Replies = busy
		r.up()
		r.say("s", 1)
		r.settle()
		if did, err := r.agent.Revise(r.Context(), session("s"), "s-1", "say else", false); !did || err != nil {
			r.Errorf("%v %v", did, err)
		}
		r.idle()
		if len(busy.parts) != 2 || len(busy.parts[1]) == 0 {
			r.Fatalf("opened with %+v", busy.parts)
		}
		for _, p := range busy.parts[1] {
			same(r.T, "how much "+p.Key+" shows", p.Shows, 0)
		}
	})
}

func TestAChangeThatComesInTheLastMomentIsFollowed(t *testing.T) {
	bubble(t, func(r *rig) {
		r.plays(agenttest.Says("one"), agenttest.Says("two"))
		r.up()
		revised := false
		r.store.fail(func(op string) error {
			if op == "Commit" && !revised {
				revised = true
				if did, err := r.agent.Revise(r.Context(), session("s"), "s-1", "say else", false); !did || err != nil {
					r.Errorf("%v, %v", did, err)
				}
			}
			return nil
		})
		r.say("s", 1)
		r.idle()
		same(r.T, "transcript", shape(r.transcript("s")), []string{"user: say else", "assistant: two"})
	})
}

func TestAChangeIsFollowedAlsoIfTheDaemonDiesBeforeItsTurnBeginsAnew(t *testing.T) {
	bubble(t, func(r *rig) {
		r.plays(agenttest.Calls("old", call("look", "c1")), agenttest.Waits(make(chan struct{}), nil), agenttest.Says("two"))
		r.opts.Tools = []agent.Tool{&tool{name: "look", call: func(context.Context, agent.ToolCall) (agent.Result, error) {
			return agent.Result{Text: "found"}, nil
		}}}
		r.up()
		r.say("s", 1)
		r.settle()
		if turn, found, err := r.store.Revise(r.Context(), session("s"), "s-1", "say else", false); turn == "" || !found || err != nil {
			r.Errorf("%q, %v, %v", turn, found, err)
		}
		r.crash()
		r.up()
		r.idle()
		same(r.T, "transcript", shape(r.transcript("s")), []string{"user: say else", "assistant: two"})
	})
}
