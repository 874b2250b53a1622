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
	"bobbin/agent/badgerstore"
)

func TestARunningTurnEndsWithinTheDrainAndNoOtherBegins(t *testing.T) {
	bubble(t, func(r *rig) {
		release := make(chan struct{})
		r.plays(agenttest.Waits(release, agenttest.Says("done")), agenttest.Says("second"))
		r.opts.Drain = 10 * time.Second
		r.up()
		r.say("s", 1)
		r.settle()
		r.say("s", 2)
		r.stop()
		r.settle() // or it may be before the agent has heard of it
		r.say("other", 1)
		time.Sleep(9 * time.Second)
		close(release)
		r.settle()
		same(r.T, "text", r.outcome().Text, "done")
		r.down()
		r.up()
		r.settle()
		var got []string
		for _, s := range r.replies.Finished() {
			got = append(got, fmt.Sprint(s.Turn.Inbound[0].Text, ": ", s.Outcome.Text, " ", s.Turn.Attempt))
		}
		if len(got) != 3 || got[0] != "say s-1: done 1" {
			r.Errorf("turns %q", got)
		}
		r.idle()
	})
}

func TestATurnPastTheDrainIsPutDownAndGoesOnWhereItWas(t *testing.T) {
	bubble(t, func(r *rig) {
		m := r.plays(
			agenttest.Calls("looking", call("look", "c1")),
			agenttest.Waits(make(chan struct{}), nil, "and"),
			agenttest.Waits(make(chan struct{}), nil),
			agenttest.Waits(make(chan struct{}), nil),
			agenttest.Waits(make(chan struct{}), nil),
			agenttest.Says("done"),
		)
		r.opts.Drain = 10 * time.Second
		look := &tool{name: "look"}
		r.opts.Tools = []agent.Tool{look}
		for n := range 4 { // more often than a turn is tried
			r.up()
			if n == 0 {
				r.say("s", 1)
			}
			r.settle()
			r.stop()
			time.Sleep(9 * time.Second)
			r.settle()
			same(r.T, "live within the drain", r.agent.Live(), 1)
			time.Sleep(2 * time.Second)
			r.settle()
			same(r.T, "live after the drain", r.agent.Live(), 0)
			same(r.T, "outcomes", len(r.outcomes()), 0)
			r.down()
		}
		r.up()
		same(r.T, "text", r.outcome().Text, "looking\n\ndone")
		all := r.replies.All()
		last := all[len(all)-1]
		same(r.T, "attempt", last.Turn.Attempt, 1)
		same(r.T, "turn", last.Turn.ID, all[0].Turn.ID)
		same(r.T, "parts", len(last.Turn.Parts), 1)
		same(r.T, "calls", look.calls(), []string{"c1"})
		same(r.T, "requests", len(m.Requests()), 6)
		if p := all[0].Outcome; p == nil || p.Kind != agent.Paused || p.Text != "looking\n\nand" || p.Notice == "" {
			r.Errorf("word of the pause: %+v", p)
		}
		r.idle()
		same(r.T, "transcript", shape(r.transcript("s")), []string{
			"user: say s-1", "assistant: looking [c1]", "tool [c1]: did c1", "assistant: done",
		})
	})
}

func TestARunThatIsToEndBeforeItBeginsIsNoError(t *testing.T) {
	bubble(t, func(r *rig) {
		r.plays(agenttest.Says("hi"))
		r.up()
		r.down()
		db, err := badgerstore.Open(r.dir, badgerstore.Options{})
		if err != nil {
			r.Fatal(err)
		}
		defer db.Close()
		r.opts.Store = db
		a, err := agent.New(r.opts)
		if err != nil {
			r.Fatal(err)
		}
		ended, cancel := context.WithCancel(r.Context())
		cancel()
		if err := a.Run(ended); err != nil {
			r.Error(err)
		}
	})
}

func TestATurnIsGivenUpWhenItHasFailedTooOften(t *testing.T) {
	bubble(t, func(r *rig) {
		m := r.plays(
			agenttest.Calls("looking", call("look", "c1")),
			agenttest.Waits(make(chan struct{}), nil),
		)
		r.opts.Tools = []agent.Tool{&tool{name: "look"}}
		r.opts.Settle = 10 * time.Second
		r.up()
		r.say("s", 1)
		r.settle()
		for range 3 { // something in it brings the daemon down
			time.Sleep(r.opts.Settle)
			r.settle()
			same(r.T, "outcomes", len(r.outcomes()), 0)
			r.crash()
			r.up()
			r.settle()
		}
		o := r.outcome()
		if o.Kind != agent.Failed || o.Text != "looking" || !strings.Contains(o.Notice, "gave up") {
			r.Errorf("outcome %+v", o)
		}
		same(r.T, "requests", len(m.Requests()), 4)
		r.idle()
		got := shape(r.transcript("s"))
		if len(got) != 4 || !strings.Contains(got[3], "gave up") {
			r.Errorf("transcript %q", got)
		}
	})
}

func TestAnAnswerThatWasNotDeliveredIsDeliveredLaterAndNotMadeAgain(t *testing.T) {
	for _, how := range []string{"error", "panic", "crash"} {
		t.Run(how, func(t *testing.T) {
			bubble(t, func(r *rig) {
				m := r.plays(agenttest.Says("once"))
				tries := 0
				r.replies.OnFinish = func(ctx context.Context, t *agent.Turn, _ agent.Outcome) error {
					tries++
					switch {
					case tries > 2:
						return nil
					case how == "panic":
						panic("secret internals")
					case how == "crash":
						<-ctx.Done()
						return context.Cause(ctx)
					}
					return errors.New("the platform is down")
				}
				r.up()
				r.say("s", 1)
				if how == "crash" {
					for range 2 {
						r.settle()
						r.crash()
						r.up()
					}
				}
				time.Sleep(time.Minute)
				same(r.T, "text", r.outcome().Text, "once")
				same(r.T, "requests", len(m.Requests()), 1)
				same(r.T, "tries", tries, 3)
				r.idle()
				same(r.T, "transcript", shape(r.transcript("s")), []string{"user: say s-1", "assistant: once"})
			})
		})
	}
}

func TestAnAnswerThatCanNeverBeDeliveredIsKeptAndTheSessionGoesOn(t *testing.T) {
	undeliverable := fmt.Errorf("channel: %w", agent.ErrUndeliverable)
	for name, test := range map[string]struct {
		open, finish func() error
		asked        bool
	}{
		"undeliverable":      {nil, func() error { return undeliverable }, true},
		"nowhere to open":    {func() error { return undeliverable }, nil, false},
		"finish never works": {nil, func() error { return errors.New("no") }, true},
		"finish panics":      {nil, func() error { panic("no") }, true},
		"open never works":   {func() error { return errors.New("no") }, nil, false},
		"open panics":        {func() error { panic("no") }, nil, false},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(r *rig) {
				m := r.plays(agenttest.Says("hi"))
				broken := func(t *agent.Turn) bool { return t.Inbound[0].Text == "say s-1" }
				r.replies.OnOpen = func(_ context.Context, t *agent.Turn) error {
					if broken(t) && test.open != nil {
						return test.open()
					}
					return nil
				}
				r.replies.OnFinish = func(_ context.Context, t *agent.Turn, _ agent.Outcome) error {
					if broken(t) && test.finish != nil {
						return test.finish()
					}
					return nil
				}
				r.up()
				r.say("s", 1)
				r.settle()
				r.say("s", 2)
				time.Sleep(5 * time.Minute)
				same(r.T, "the next answer", r.outcome().Text, "hi")
				r.idle()
				asked := 1
				if test.asked {
					asked = 2
				}
				same(r.T, "requests", len(m.Requests()), asked)
				got := shape(r.transcript("s"))
				if len(got) != 4 || got[0] != "user: say s-1" || test.asked && got[1] != "assistant: hi" || got[3] != "assistant: hi" {
					r.Errorf("transcript %q", got)
				}
			})
		})
	}
}

func TestATurnOfAPlatformThatIsOffWaitsForARunInWhichItIsOn(t *testing.T) {
	bubble(t, func(r *rig) {
		r.plays(agenttest.Says("hi"))
		off := true
		r.replies.OnOpen = func(context.Context, *agent.Turn) error {
			if off {
				return fmt.Errorf("test: %w", agent.ErrAway)
			}
			return nil
		}
		for range 5 {
			r.up()
			r.say("s", 1)
			time.Sleep(time.Minute)
			r.settle()
			same(r.T, "live", r.agent.Live(), 0)
			r.down()
		}
		off = false
		r.up()
		same(r.T, "text", r.outcome().Text, "hi")
		r.idle()
	})
}

func TestAnAnswerWhoseDeliveryIsCutOffByAStopIsNotSetAside(t *testing.T) {
	bubble(t, func(r *rig) {
		r.plays(agenttest.Says("once"))
		r.opts.Drain = time.Second
		through := false
		r.replies.OnFinish = func(ctx context.Context, _ *agent.Turn, _ agent.Outcome) error {
			if through {
				return nil
			}
			<-ctx.Done()
			return context.Cause(ctx)
		}
		r.up()
		r.say("s", 1)
		for range 8 { // more often than a turn is taken up
			r.settle()
			r.crash()
			r.up()
		}
		r.settle()
		r.down() // in good order
		through = true
		r.up()
		time.Sleep(time.Minute) // it was under way too often to be taken up at once
		r.idle()
		same(r.T, "text", r.outcome().Text, "once")
		same(r.T, "transcript", shape(r.transcript("s")), []string{"user: say s-1", "assistant: once"})
		if all := r.replies.Finished(); all[len(all)-1].Turn.Abandoned {
			r.Error("it was set aside")
		}
	})
}
