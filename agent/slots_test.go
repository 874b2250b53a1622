package agent_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"bobbin/agent"
	"bobbin/agent/agenttest"
)

func TestTurnsAtOnceAreBoundedAndTheRestSayThatTheyWait(t *testing.T) {
	bubble(t, func(r *rig) {
		c := &crowd{now: make(map[agent.SessionID]int), release: make(chan struct{})}
		r.plays(c.step)
		r.opts.MaxTurns = 2
		r.up()
		for n := range 5 {
			r.say(fmt.Sprint("s", n), 1)
			r.settle()
		}
		same(r.T, "running", c.abreast, 2)
		same(r.T, "waiting", r.agent.Queued(), 3)
		all := r.replies.All()
		same(r.T, "what a waiting reply shows", all[4].Updates, []agent.Update{{Status: "waiting for other answers to finish"}})
		close(c.release)
		r.idle()
		same(r.T, "most at once", c.abreast, 2)
		same(r.T, "answered", len(r.outcomes()), 5)
		same(r.T, "waiting in the end", r.agent.Queued(), 0)
	})
}

func TestAFloodFromOnePersonOrWorkspaceDoesNotKeepTheOthersWaiting(t *testing.T) {
	bubble(t, func(r *rig) {
		turn := make(chan struct{})
		var order []string
		r.plays(func(ctx context.Context, q agent.Request, yield func(agent.Chunk) bool) error {
			order = append(order, q.Messages[0].Text)
			<-turn
			return agenttest.Says("fine")(ctx, q, yield)
		})
		r.opts.MaxTurns = 2
		r.up()
		for n, who := range []string{"busy/flood", "busy/flood", "busy/flood", "busy/flood", "busy/other", "calm/ada"} {
			in := message(fmt.Sprint("s", n), n)
			in.Target.Workspace, in.Author.ID, in.Text = who[:4], who[5:], who
			if _, err := r.agent.Submit(r.Context(), in); err != nil {
				r.Fatal(err)
			}
			r.settle()
		}
		for range 6 {
			turn <- struct{}{}
			r.settle()
		}
		same(r.T, "order", order, []string{"busy/flood", "busy/flood", "calm/ada", "busy/flood", "busy/other", "busy/flood"})
		r.idle()
	})
}

func TestATurnThatWaitsForOthersIsPutDownAtTheEndOfTheDrain(t *testing.T) {
	bubble(t, func(r *rig) {
		r.plays(agenttest.Waits(make(chan struct{}), nil), agenttest.Says("one"), agenttest.Says("two"))
		r.opts.MaxTurns, r.opts.Drain = 1, time.Second
		r.up()
		r.say("a", 1)
		r.settle()
		r.say("b", 1)
		r.settle()
		same(r.T, "waiting", r.agent.Queued(), 1)
		r.down()
		same(r.T, "waiting after the end", r.agent.Queued(), 0)
		r.up()
		r.idle()
		for _, s := range r.replies.Finished() {
			if s.Turn.Attempt != 1 || s.Outcome.Kind != agent.Answered {
				r.Errorf("attempt %d, outcome %+v", s.Turn.Attempt, s.Outcome)
			}
		}
		same(r.T, "answered", len(r.outcomes()), 2)
	})
}

func TestAReplyThatPanicsWhileItsTurnWaitsTakesNoSlotWithIt(t *testing.T) {
	bubble(t, func(r *rig) {
		c := &crowd{now: make(map[agent.SessionID]int), release: make(chan struct{})}
		r.plays(c.step)
		r.opts.MaxTurns = 1
		panicked := false
		r.opts.Replies = panicky{r.replies, func(u agent.Update) {
			if strings.HasPrefix(u.Status, "waiting") && !panicked {
				panicked = true
				panic("the reply broke")
			}
		}}
		r.up()
		for n := range 3 {
			r.say(fmt.Sprint("s", n), 1)
			r.settle()
		}
		close(c.release)
		time.Sleep(time.Minute) // the panic's turn is taken up again
		r.idle()
		same(r.T, "panicked", panicked, true)
		same(r.T, "answered", len(r.outcomes()), 3)
		same(r.T, "waiting in the end", r.agent.Queued(), 0)
	})
}

// panicky opens replies that show each update to a function first.
type panicky struct {
	agent.Replies
	update func(agent.Update)
}

func (p panicky) Open(ctx context.Context, t *agent.Turn, j agent.Journal) (agent.Reply, error) {
	reply, err := p.Replies.Open(ctx, t, j)
	return panickyReply{reply, p.update}, err
}

type panickyReply struct {
	agent.Reply
	update func(agent.Update)
}

func (p panickyReply) Update(u agent.Update) {
	p.update(u)
	p.Reply.Update(u)
}
