package reply

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"bobbin/agent"
	"bobbin/bots"
)

// The stage fails every test in which a call comes too early. Here many share a budget.
func TestRepliesThatShareABudgetAreEditedEvenlyAndNeverTooFast(t *testing.T) {
	bubble(t, func(t *testing.T, s *theatre) {
		const n = 7
		var replies []agent.Reply
		for i := range n {
			replies = append(replies, s.reply(agent.TurnID("T"+string(rune('A'+i))), &journal{}))
			say(replies[i], "begun")
			time.Sleep(10 * time.Millisecond)
		}
		for i := range 1000 { // 100 s of deltas, some replies faster than others
			for k, r := range replies {
				if i%(k+1) == 0 {
					say(r, fmt.Sprint(i))
				}
			}
			time.Sleep(100 * time.Millisecond)
		}
		edits := make(map[string]int)
		for _, c := range s.all() {
			if c.what == "edit" {
				edits[c.key[:2]]++
			}
		}
		total := 0
		for _, k := range edits {
			total += k
			if k < 11 || k > 14 {
				t.Errorf("edits are shared as %v", edits)
			}
		}
		if total < 83 {
			t.Errorf("%d edits in 100 s leave budget unused", total)
		}
		for i, r := range replies {
			s.finish(r, "final")
			s.want(agent.TurnID("T"+string(rune('A'+i))), "final")
		}
	})
}

// With 200 alive nobody starves, and when all end at once every final text lands in turn.
func TestTwoHundredRepliesShareABudgetAndAllFinalTextsLand(t *testing.T) {
	bubble(t, func(t *testing.T, s *theatre) {
		const n, every = 200, 50 * time.Millisecond
		s.budget = func(to agent.Target) bots.Budget {
			return bots.Budget{
				Post: bots.Rate{Scope: to.Channel, Every: time.Second, Burst: 2},
				Edit: bots.Rate{Scope: "edit", Every: every, Burst: 8, Window: 10 * time.Second},
			}
		}
		turn := func(i int) agent.TurnID { return agent.TurnID("T" + string(rune('A'+i/26)) + string(rune('A'+i%26))) }
		var replies []agent.Reply
		for i := range n {
			replies = append(replies, s.reply(turn(i), &journal{}))
		}
		for i := range 60 { // 60 s
			for _, r := range replies {
				say(r, fmt.Sprint(i))
			}
			time.Sleep(time.Second)
		}
		edits := make(map[string]int)
		for _, c := range s.all() {
			if c.what == "edit" {
				edits[c.key[:3]]++
			}
		}
		for i := range n {
			if k := edits[string(turn(i))]; k < 5 || k > 7 {
				t.Errorf("%s was edited %d times in 60 s", turn(i), k)
			}
		}
		began := time.Now()
		var ends sync.WaitGroup
		for i, r := range replies {
			ends.Go(func() {
				s.finish(r, "final")
				s.want(turn(i), "final")
			})
		}
		ends.Wait()
		if d := time.Since(began); d > n*every*11/10 {
			t.Errorf("all final texts stood after %v", d)
		}
	})
}

func TestFinalTextGoesBeforeAFirstAndAFirstBeforeAStaleOne(t *testing.T) {
	bubble(t, func(t *testing.T, s *theatre) {
		one := bots.Rate{Scope: "all", Every: time.Second, Burst: 1}
		s.budget = func(agent.Target) bots.Budget { return bots.Budget{Post: one, Edit: one} }
		stale, again, begun, done := s.reply("S", &journal{}), s.reply("A", &journal{}), s.reply("F", &journal{}), s.reply("D", &journal{})
		for _, r := range []agent.Reply{stale, again, done} {
			say(r, "1")
			time.Sleep(5 * time.Second)
		}
		say(done, "2") // takes the budget
		synctest.Wait()
		say(stale, "2")
		time.Sleep(time.Millisecond)
		say(again, "2")
		time.Sleep(time.Millisecond)
		say(begun, "1")
		time.Sleep(60 * time.Millisecond)
		s.finish(done, "3")
		time.Sleep(10 * time.Second)
		var order []string
		for _, c := range s.all()[4:] {
			order = append(order, c.key[:1])
		}
		if want := []string{"D", "F", "S", "A"}; !slices.Equal(order, want) {
			t.Errorf("order is %q, want %q", order, want)
		}
	})
}

func TestReplyThatBecomesCompleteWhileItWaitsIsMovedForward(t *testing.T) {
	bubble(t, func(t *testing.T, s *theatre) {
		one := bots.Rate{Scope: "all", Every: time.Second, Burst: 1}
		s.budget = func(agent.Target) bots.Budget { return bots.Budget{Post: one, Edit: one} }
		var replies []agent.Reply
		for i := range 5 {
			replies = append(replies, s.reply(agent.TurnID(rune('A'+i)), &journal{}))
			say(replies[i], "1")
			time.Sleep(time.Millisecond) // it is the last in the queue
		}
		go s.finish(replies[4], "2")
		time.Sleep(1500 * time.Millisecond)
		if c := s.all()[1]; c.key[:1] != "E" || c.text != "2" {
			t.Errorf("second call is %+v", c)
		}
	})
}

func TestNobodyCallsBeforeThePlatformAllowsItAgain(t *testing.T) {
	bubble(t, func(t *testing.T, s *theatre) {
		a, b := s.reply("A", &journal{}), s.reply("B", &journal{})
		say(a, "a")
		say(b, "b")
		time.Sleep(10 * time.Second)
		s.faults(map[string][]fault{"edit": {{err: &bots.RetryAfterError{After: 30 * time.Second, Err: errLost}}}})
		say(a, "aa")
		time.Sleep(time.Second)
		say(b, "bb")
		s.finish(b, "bbb")
		s.finish(a, "aaa")
		at := s.times("edit")
		// One at the moment it is allowed, the next at half the pace that was refused.
		want := []time.Duration{0, 30*time.Second + s.latency, 32400*time.Millisecond + s.latency}
		for i := range want {
			want[i] += 10 * time.Second
		}
		if !slices.Equal(at, want) {
			t.Errorf("edits at %v, want %v", at, want)
		}
		s.want("A", "aaa")
		s.want("B", "bbb")
	})
}

func TestPlatformThatAsksForNoTimeAtAllIsNotAskedInALoop(t *testing.T) {
	bubble(t, func(t *testing.T, s *theatre) {
		s.latency = 0
		s.budget = func(agent.Target) bots.Budget {
			return bots.Budget{Post: bots.Rate{Scope: "p"}, Edit: bots.Rate{Scope: "e"}}
		}
		tries := 0
		s.onCall(func(call) fault {
			if tries++; tries > 100 {
				return fault{}
			}
			return fault{err: &bots.RetryAfterError{Err: errLost}}
		})
		s.finish(s.reply("A", &journal{}), "a")
		if d := time.Since(epoch); d < 100*leastWait {
			t.Errorf("a hundred tries in %v", d)
		}
	})
}

func TestFailuresAreTriedAgainEverMoreSlowlyUntilTheFinalTextStands(t *testing.T) {
	bubble(t, func(t *testing.T, s *theatre) {
		s.onCall(func(c call) (f fault) {
			if c.at < time.Hour {
				f.err = errors.New("bad gateway")
			}
			return f
		})
		s.finish(s.reply("A", &journal{}), "a")
		s.want("A", "a")
		if n := len(s.times("post")) + len(s.times("find")); n < 100 || n > 300 {
			t.Errorf("%d calls in an hour", n)
		}
		if d := time.Since(epoch); d > time.Hour+time.Minute {
			t.Errorf("the answer stood after %v", d)
		}
	})
}

func TestBudgetsThatAreNotUsedCostNoMemory(t *testing.T) {
	bubble(t, func(t *testing.T, s *theatre) {
		s.faults(map[string][]fault{"post": {{}, {err: &bots.RetryAfterError{After: time.Minute, Err: errLost}}}})
		for i := range 50 {
			id := agent.TurnID("T" + strings.Repeat("A", i%10) + strings.Repeat("B", i/10))
			s.finish(s.reply(id, &journal{}), "x")
		}
		if s.lanes() == 0 {
			t.Error("a budget that was just used is forgotten at once")
		}
		time.Sleep(5 * time.Second)
		if n := s.lanes(); n != 0 {
			t.Errorf("%d budgets are kept", n)
		}
	})
}

func TestPauseEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		pause(ctx, time.Hour)
		if d := time.Since(epoch); d != 0 {
			t.Errorf("paused for %v", d)
		}
	})
}
