package agent_test

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"bobbin/agent"
	"bobbin/agent/agenttest"
)

// deadly is a model that answers all but one message, which brings the daemon down.
type deadly struct {
	poison string
	asked  chan struct{}            // closed while the poison is at work
	takes  map[string]time.Duration // to answer; else two seconds

	mu    sync.Mutex
	order []string // what was asked, in order
}

// asks returns what was asked so far.
func (d *deadly) asks() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.order)
}

func (d *deadly) step(ctx context.Context, q agent.Request, yield func(agent.Chunk) bool) error {
	last := q.Messages[len(q.Messages)-1].Text
	d.mu.Lock()
	d.order = append(d.order, last)
	d.mu.Unlock()
	if last != d.poison {
		select {
		case <-time.After(cmp.Or(d.takes[last], 2*time.Second)):
			return agenttest.Says("fine")(ctx, q, yield)
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	close(d.asked)
	<-ctx.Done()
	return context.Cause(ctx)
}

// endure runs the agent, which dies whenever the poison is asked, until it does not for
// five minutes. It returns how often it died.
func (r *rig) endure(d *deadly, say func()) (deaths int) {
	for {
		d.asked = make(chan struct{})
		r.up()
		if deaths == 0 {
			say()
		}
		select {
		case <-d.asked:
			r.settle()
			r.crash()
			deaths++
		case <-time.After(5 * time.Minute):
			return deaths
		}
	}
}

// given lists the sessions whose turn was given up, and how many messages were answered.
func (r *rig) given() (up []string, answered int) {
	for _, s := range r.replies.Finished() {
		if s.Outcome.GivenUp != "" {
			up = append(up, s.Turn.Inbound[0].Text)
		} else if s.Outcome.Kind == agent.Answered {
			answered += len(s.Turn.Inbound)
		}
	}
	return up, answered
}

func TestATurnIsNotBlamedForWhatAnotherDoes(t *testing.T) {
	bubble(t, func(r *rig) {
		d := &deadly{poison: "say bad-1"}
		r.plays(d.step)
		r.opts.MaxTurns = 4
		deaths := r.endure(d, func() {
			for n := range 10 { // more than run at once
				r.say(fmt.Sprint("s", n), 1)
				if n == 3 {
					r.say("bad", 1)
				}
			}
		})
		r.idle()
		up, answered := r.given()
		same(r.T, "given up", up, []string{"say bad-1"})
		same(r.T, "answered", answered, 10)
		if deaths < 3 || deaths > 5 {
			r.Errorf("the daemon died %d times", deaths)
		}
	})
}

func TestATurnIsGivenUpOnlyIfTheDaemonDiesWhileItRunsAlone(t *testing.T) {
	bubble(t, func(r *rig) {
		d := &deadly{poison: "say s-1"}
		r.plays(d.step)
		r.opts.Settle = 20 * time.Second
		r.up()
		d.asked = make(chan struct{})
		r.say("s", 1)
		for range 9 { // whatever kills it, kills it soon
			time.Sleep(19 * time.Second)
			r.settle()
			r.crash()
			d.asked = make(chan struct{})
			r.up()
			r.settle()
		}
		same(r.T, "asked", len(d.asks()), 2)
		r.say("other", 1)
		time.Sleep(19 * time.Second) // then "other" runs still
		r.say("third", 1)
		r.settle()
		same(r.T, "asked within the time to settle", d.asks()[2:], []string{"say other-1", "say third-1"})
		time.Sleep(time.Minute)
		r.settle()
		same(r.T, "asked alone", d.asks()[4:], []string{"say s-1"})
		d.poison = ""
		r.down()
		r.up()
		time.Sleep(time.Minute)
		r.idle()
		up, answered := r.given()
		same(r.T, "given up", len(up), 0)
		same(r.T, "answered", answered, 3)
	})
}

func TestNothingRunsBesideATurnOnTrialForAWhile(t *testing.T) {
	bubble(t, func(r *rig) {
		d := &deadly{poison: "say bad-1"}
		r.plays(d.step)
		r.opts.Settle = 10 * time.Second
		d.asked = make(chan struct{})
		r.up()
		r.say("bad", 1)
		for range 2 {
			r.settle()
			r.crash()
			d.asked = make(chan struct{})
			r.up()
		}
		time.Sleep(9 * time.Second)
		r.say("before", 1)
		time.Sleep(1500 * time.Millisecond)
		r.say("behind", 1) // while the one before it runs, and the suspect waits
		time.Sleep(time.Second)
		r.say("beside", 1)
		time.Sleep(10 * time.Second)
		r.settle()
		same(r.T, "asked", d.asks()[2:], []string{"say before-1", "say bad-1"})
		same(r.T, "waiting", r.agent.Queued(), 2)
		time.Sleep(time.Minute) // the suspect is stuck
		r.settle()
		same(r.T, "asked in the end", len(d.asks()), 6)
		same(r.T, "waiting in the end", r.agent.Queued(), 0)
		_, answered := r.given()
		same(r.T, "answered", answered, 3)
	})
}

func TestTurnsOnTrialAreNotBlamedForEachOther(t *testing.T) {
	bubble(t, func(r *rig) {
		d := &deadly{poison: "say bad-1", takes: make(map[string]time.Duration)}
		for n := range 4 {
			d.takes[fmt.Sprintf("say s%d-1", n)] = 50 * time.Second // longer than it runs alone
		}
		r.plays(d.step)
		r.endure(d, func() {
			for n := range 4 {
				r.say(fmt.Sprint("s", n), 1)
			}
			r.say("bad", 1)
		})
		r.idle()
		up, answered := r.given()
		same(r.T, "given up", up, []string{"say bad-1"})
		same(r.T, "answered", answered, 4)
	})
}

func TestWhoWaitsBehindATurnOnTrialIsLetInWhenThatIsStopped(t *testing.T) {
	bubble(t, func(r *rig) {
		d := &deadly{poison: "say bad-1", takes: map[string]time.Duration{"say before-1": 4 * time.Minute}}
		r.plays(d.step)
		r.opts.Settle = 10 * time.Second
		d.asked = make(chan struct{})
		r.up()
		r.say("bad", 1)
		for range 2 {
			r.settle()
			r.crash()
			d.asked = make(chan struct{})
			r.up()
		}
		r.say("before", 1)
		time.Sleep(11 * time.Second) // the suspect waits for it
		r.say("behind", 1)
		r.settle()
		same(r.T, "waiting", r.agent.Queued(), 2)
		if stopped, err := r.agent.Stop(session("bad"), "", func([]agent.Inbound) bool { return true }); !stopped || err != nil {
			r.Errorf("stopped: %v, %v", stopped, err)
		}
		r.settle()
		same(r.T, "asked", d.asks()[2:], []string{"say before-1", "say behind-1"})
		time.Sleep(5 * time.Minute)
		r.idle()
	})
}

func TestATurnThatIsStoppedBeforeItsTrialTakesNothingDown(t *testing.T) {
	bubble(t, func(r *rig) {
		const turns = 12
		var bad []string
		d := &deadly{asked: make(chan struct{}), takes: make(map[string]time.Duration)}
		for n := range turns {
			bad = append(bad, fmt.Sprint("bad", n))
			d.takes["say "+bad[n]+"-1"] = time.Hour
		}
		r.plays(d.step)
		r.opts.Settle = 10 * time.Second
		r.up()
		for _, s := range bad {
			r.say(s, 1)
		}
		for range 2 {
			r.settle()
			r.crash()
			r.up()
		}
		r.settle()
		for _, s := range bad { // it then has room at the moment at which it ends
			if stopped, err := r.agent.Stop(session(s), "", func([]agent.Inbound) bool { return true }); !stopped || err != nil {
				r.Errorf("stopped: %v, %v", stopped, err)
			}
			r.settle()
		}
		r.idle()
		same(r.T, "waiting", r.agent.Queued(), 0)
		same(r.T, "asked on trial", len(d.asks()), 2*turns)
		for _, s := range r.replies.Finished() {
			same(r.T, "outcome", s.Outcome.Kind, agent.Stopped)
		}
		r.say("next", 1)
		time.Sleep(time.Minute)
		r.idle()
		same(r.T, "answered", len(r.outcomes()), turns+1)
	})
}

func TestATurnThatWaitsForOthersIsNotBlamed(t *testing.T) {
	bubble(t, func(r *rig) {
		d := &deadly{poison: "say first-1"}
		r.plays(d.step)
		r.opts.MaxTurns = 1
		d.asked = make(chan struct{})
		r.up()
		r.say("first", 1)
		r.settle()
		r.say("second", 1)
		r.settle()
		r.crash()
		same(r.T, "asked", len(d.asks()), 1)
		d.poison = ""
		r.up()
		time.Sleep(time.Minute)
		r.idle()
		for _, s := range r.replies.Finished() {
			if want := map[string]int{"say first-1": 2, "say second-1": 1}[s.Turn.Inbound[0].Text]; s.Turn.Attempt != want {
				r.Errorf("%s: attempt %d, want %d", s.Turn.Inbound[0].Text, s.Turn.Attempt, want)
			}
		}
		same(r.T, "answered", len(r.outcomes()), 2)
	})
}

func TestAnAnswerThatBringsTheDaemonDownWhenItIsShownIsGivenUp(t *testing.T) {
	for name, sentenceToo := range map[string]bool{"the answer": false, "the sentence too": true} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(r *rig) {
				m := r.plays(agenttest.Says("the answer"))
				var showing chan struct{}
				r.replies.OnFinish = func(ctx context.Context, t *agent.Turn, o agent.Outcome) error {
					if t.Inbound[0].Text != "say s-1" || o.Kind != agent.Answered && !sentenceToo {
						return nil
					}
					close(showing)
					<-ctx.Done()
					return context.Cause(ctx)
				}
				deaths := 0
				for alive := false; !alive; {
					showing = make(chan struct{})
					r.up()
					if deaths == 0 {
						r.say("s", 1)
					}
					select {
					case <-showing:
						r.settle()
						r.crash()
						deaths++
					case <-time.After(5 * time.Minute):
						alive = true
					}
				}
				r.say("s", 2)
				r.idle()
				same(r.T, "requests", len(m.Requests()), 2)
				up, _ := r.given()
				if sentenceToo {
					same(r.T, "deaths", deaths, 6)
					same(r.T, "told", len(up), 0)
				} else {
					same(r.T, "deaths", deaths, 3)
					same(r.T, "told", up, []string{"say s-1"})
				}
				got := r.transcript("s")
				if len(got) != 4 || !strings.Contains(got[1].Text, "gave up") || got[3].Text != "the answer" {
					r.Errorf("transcript %q", shape(got))
				}
				for d, err := range r.db.Abandoned(r.Context()) {
					if err != nil || d.Text != "the answer" || !strings.Contains(d.Why, "down") && !strings.Contains(d.Why, "died") {
						r.Errorf("set aside: %+v, error %v", d, err)
					}
					deaths = 0
				}
				same(r.T, "set aside", deaths, 0)
			})
		})
	}
}

func TestATurnOnTrialIsPutDownAtOnceByAStop(t *testing.T) {
	bubble(t, func(r *rig) {
		d := &deadly{poison: "say s-1", asked: make(chan struct{})}
		r.plays(d.step)
		r.up()
		r.say("s", 1)
		for range 2 {
			r.settle()
			r.crash()
			d.asked = make(chan struct{})
			r.up()
		}
		r.settle()
		began := time.Now()
		r.down()
		same(r.T, "the stop took", time.Since(began), 0)
		d.poison = ""
		r.up()
		time.Sleep(time.Minute)
		r.idle()
		all := r.replies.Finished()
		if len(all) != 1 || all[0].Outcome.Kind != agent.Answered || all[0].Turn.Attempt != 3 {
			r.Errorf("after the restart: %+v", all)
		}
	})
}
