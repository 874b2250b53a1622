package agent_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"bobbin/agent"
	"bobbin/agent/agenttest"
)

func same[T any](t *testing.T, what string, got, want T) {
	t.Helper()
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("%s (-want +got):\n%s", what, d)
	}
}

// crowd is a model that answers when told, and knows how many answers it gives at once.
type crowd struct {
	mu      sync.Mutex
	now     map[agent.SessionID]int
	most    int // in one session
	abreast int // in all
	release chan struct{}
}

func (c *crowd) step(ctx context.Context, r agent.Request, yield func(agent.Chunk) bool) error {
	c.count(r.Session, 1)
	defer c.count(r.Session, -1)
	return agenttest.Waits(c.release, agenttest.Says("fine"))(ctx, r, yield)
}

func (c *crowd) count(s agent.SessionID, by int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now[s] += by
	all := 0
	for _, n := range c.now {
		c.most = max(c.most, n)
		all += n
	}
	c.abreast = max(c.abreast, all)
}

func TestSessionsRunSideBySideAndEachOneTurnAtATime(t *testing.T) {
	bubble(t, func(r *rig) {
		c := &crowd{now: make(map[agent.SessionID]int), release: make(chan struct{})}
		r.plays(c.step)
		r.up()
		var all sync.WaitGroup
		for s := range 5 {
			for n := range 4 {
				all.Go(func() { r.say(fmt.Sprint("s", s), n) })
			}
		}
		all.Wait()
		r.settle()
		if n := r.agent.Live(); n != 5 {
			r.Errorf("%d sessions are live", n)
		}
		close(c.release)
		r.idle()
		if c.most != 1 || c.abreast != 5 {
			r.Errorf("%d turns at once in a session, %d in all", c.most, c.abreast)
		}
		answered := 0
		for _, s := range r.replies.Finished() {
			answered += len(s.Turn.Inbound)
		}
		if answered != 20 {
			r.Errorf("%d messages of 20 were answered", answered)
		}
	})
}

func TestMessagesThatArriveDuringATurnAreAnsweredTogetherByTheNext(t *testing.T) {
	bubble(t, func(r *rig) {
		release := make(chan struct{})
		m := r.plays(agenttest.Waits(release, agenttest.Says("one")), agenttest.Says("the rest"))
		r.up()
		r.say("s", 1)
		r.settle()
		r.say("s", 2)
		r.say("s", 3)
		r.say("s", 2) // delivered again
		close(release)
		r.idle()
		var took [][]string
		for _, s := range r.replies.Finished() {
			var texts []string
			for _, in := range s.Turn.Inbound {
				texts = append(texts, in.Text)
			}
			took = append(took, texts)
		}
		same(r.T, "turns", took, [][]string{{"say s-1"}, {"say s-2", "say s-3"}})
		same(r.T, "the second window", shape(m.Requests()[1].Messages), []string{
			"user: say s-1", "assistant: one", "user: say s-2", "user: say s-3",
		})
		same(r.T, "transcript", shape(r.transcript("s")), []string{
			"user: say s-1", "assistant: one", "user: say s-2", "user: say s-3", "assistant: the rest",
		})
	})
}

func TestAMessageIsAnsweredOnceHoweverOftenItIsDelivered(t *testing.T) {
	bubble(t, func(r *rig) {
		r.plays(agenttest.Says("hi"))
		r.up()
		var all sync.WaitGroup
		for range 10 {
			all.Go(func() { r.say("s", 1) })
		}
		all.Wait()
		r.idle()
		r.down()
		r.up()
		r.say("s", 1)
		r.idle()
		same(r.T, "outcome", r.outcome(), agent.Outcome{Kind: agent.Answered, Text: "hi", Usage: agenttest.Cost, Model: agenttest.Name, Steps: 1})
	})
}

func TestAMessageThatWasWrittenAlthoughItsAcceptFailedIsAnsweredWhenItComesAgain(t *testing.T) {
	bubble(t, func(r *rig) {
		r.plays(agenttest.Says("hi"))
		r.up()
		if _, err := r.store.Accept(r.Context(), message("s", 1), nil); err != nil {
			r.Fatal(err)
		}
		r.say("s", 1)
		same(r.T, "text", r.outcome().Text, "hi")
		r.idle()
	})
}

func TestWhatIsSubmittedWhileTheAgentIsDownIsAnsweredAtTheNextStart(t *testing.T) {
	bubble(t, func(r *rig) {
		r.plays(agenttest.Says("hi"))
		r.up()
		r.stop()
		r.settle()
		r.say("s", 1) // Run has ended, the store is open
		r.settle()
		same(r.T, "outcomes", len(r.outcomes()), 0)
		r.down()
		r.up()
		same(r.T, "text", r.outcome().Text, "hi")
		r.idle()
	})
}

func TestAStoreThatRefusesAMessageFailsItsSubmit(t *testing.T) {
	bubble(t, func(r *rig) {
		r.plays(agenttest.Says("hi"))
		r.up()
		r.store.fail(func(op string) error { return errPower })
		if _, err := r.agent.Submit(r.Context(), message("s", 1)); err == nil {
			r.Error("a message was accepted that was not written")
		}
		r.store.fail(nil)
		r.say("s", 1)
		same(r.T, "text", r.outcome().Text, "hi")
	})
}

func TestAPanicWhileATurnIsTakenUpEndsThatAttemptAlone(t *testing.T) {
	bubble(t, func(r *rig) {
		r.plays(agenttest.Says("hi"), agenttest.Says("hi"))
		r.up()
		failed, panicked := false, false
		r.store.fail(func(op string) error {
			switch {
			case op == "Answer" && !failed:
				failed = true
				return errPower
			case op == "Resume" && !panicked: // of the attempt after that
				panicked = true
				panic("no")
			}
			return nil
		})
		r.say("s", 1)
		time.Sleep(time.Minute)
		same(r.T, "text", r.outcome().Text, "hi")
		r.idle()
		if !failed || !panicked {
			r.Errorf("failed %v, panicked %v", failed, panicked)
		}
	})
}

func TestResetStartsAFreshAndARunningTurnEndsWhereItBegan(t *testing.T) {
	bubble(t, func(r *rig) {
		release := make(chan struct{})
		m := r.plays(agenttest.Waits(release, agenttest.Says("old")), agenttest.Says("new"))
		r.up()
		r.say("s", 1)
		r.settle()
		if err := r.agent.Reset(r.Context(), message("s", 1).Session()); err != nil {
			r.Fatal(err)
		}
		r.say("s", 2)
		close(release)
		r.idle()
		same(r.T, "window", shape(m.Requests()[1].Messages), []string{"user: say s-2"})
		known, err := r.agent.Known(r.Context(), message("s", 1).Session())
		if err != nil || !known {
			r.Errorf("known %v, error %v", known, err)
		}
		same(r.T, "transcript", shape(r.transcript("s")), []string{"user: say s-2", "assistant: new"})
	})
}

func TestWindowNamesTheAuthorsOfASharedSessionOnly(t *testing.T) {
	bubble(t, func(r *rig) {
		m := r.plays(agenttest.Says("hi"))
		r.up()
		shared := message("shared", 1)
		shared.Direct = false
		if _, err := r.agent.Submit(r.Context(), shared); err != nil {
			r.Fatal(err)
		}
		r.settle()
		r.say("direct", 1)
		r.settle()
		same(r.T, "shared", m.Requests()[0].Messages[0].Author, &agent.Author{ID: "U1", Name: "Ada"})
		same(r.T, "direct", []bool{m.Requests()[0].Messages[0].Direct, m.Requests()[1].Messages[0].Direct}, []bool{false, true})
		same(r.T, "instructions", m.Requests()[0].System, "Be kind.")
	})
}

func TestAStoreThatFailsLosesNoTurn(t *testing.T) {
	for _, op := range []string{"Begin", "History", "Append", "StartCall", "RecordPart", "Answer", "Commit"} {
		t.Run(op, func(t *testing.T) {
			send := &tool{name: "send"}
			send.effects = op == "StartCall"
			bubble(t, func(r *rig) {
				r.plays(untilResult(agenttest.Calls("looking", call("send", "c1")), agenttest.Says("done")))
				r.opts.Tools = []agent.Tool{send}
				r.up()
				var mu sync.Mutex
				failures := 0
				r.store.fail(func(o string) error {
					mu.Lock()
					defer mu.Unlock()
					if o != op || failures == 2 {
						return nil
					}
					failures++
					return errPower
				})
				r.say("s", 1)
				time.Sleep(time.Minute)
				o := r.outcomes()
				if len(o) == 0 || o[0].Kind != agent.Answered || !strings.HasSuffix(o[len(o)-1].Text, "done") {
					r.Errorf("outcomes %+v", o)
				}
				r.idle()
				if failures != 2 {
					r.Errorf("%s failed %d times", op, failures)
				}
				got := shape(r.transcript("s"))
				if slices.Contains(got, "") || got[0] != "user: say s-1" || !strings.HasSuffix(got[len(got)-1], "done") {
					r.Errorf("transcript %q", got)
				}
			})
		})
	}
}

func TestAgentNeedsItsPartsAndToolsOfDifferentNames(t *testing.T) {
	whole := agent.Options{Store: &faulty{}, Model: agenttest.NewModel(), Replies: &agenttest.Replies{}}
	for what, spoil := range map[string]func(*agent.Options){
		"no store":   func(o *agent.Options) { o.Store = nil },
		"no model":   func(o *agent.Options) { o.Model = nil },
		"no replies": func(o *agent.Options) { o.Replies = nil },
		"twins":      func(o *agent.Options) { o.Tools = []agent.Tool{&tool{name: "a"}, &tool{name: "a"}} },
	} {
		o := whole
		spoil(&o)
		if _, err := agent.New(o); err == nil {
			t.Errorf("%s: an agent was made", what)
		}
	}
	if _, err := agent.New(whole); err != nil {
		t.Error(err)
	}
}
