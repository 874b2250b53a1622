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

func (b *busyReplies) Open(ctx context.Context, t *agent.Turn, record func(context.Context, agent.Part) error) (agent.Reply, error) {
	b.parts = append(b.parts, t.Parts)
	reply, err := b.Replies.Open(ctx, t, record)
	return &busyReply{Reply: reply, shows: func() error {
		return record(context.WithoutCancel(ctx), agent.Part{Key: "K1", ID: "M1", Shows: 100})
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
