package reply

import (
	"bytes"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"bobbin/agent"
	"bobbin/bots"
)

func TestRunnerRunsOnceMoreAfterEveryWakeAndNeverTwiceAtOnce(t *testing.T) {
	var said, seen, at atomic.Int64
	r := runner{do: func() {
		if at.Add(1) > 1 {
			t.Error("it runs twice at once")
		}
		seen.Store(said.Load())
		runtime.Gosched()
		at.Add(-1)
	}}
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 200 {
				said.Add(1)
				r.wake()
			}
		})
	}
	all.Wait()
	r.stop()
	if seen.Load() != 8*200 {
		t.Errorf("the last run saw %d of %d", seen.Load(), 8*200)
	}
	said.Add(1)
	r.wake()
	r.stop()
	if seen.Load() != 8*200 {
		t.Error("it ran after it was stopped")
	}
}

func TestReplyThatWaitsHasNoGoroutine(t *testing.T) {
	for name, every := range map[string]time.Duration{"for text": 0, "for the budget": time.Hour} {
		t.Run(name, func(t *testing.T) {
			withSigns(t, time.Minute, func(t *testing.T, s *theatre, on *signs) {
				s.budget = func(agent.Target) bots.Budget {
					return bots.Budget{Post: bots.Rate{Scope: "post"}, Edit: bots.Rate{Scope: "edit", Every: every, Burst: 1}}
				}
				for _, turn := range []agent.TurnID{"T", "U", "V"} {
					r := s.reply(turn, &journal{})
					time.Sleep(time.Second)
					for _, text := range []string{"a", "ab", "abc"} {
						say(r, text)
						time.Sleep(time.Second)
					}
				}
				synctest.Wait()
				stacks := make([]byte, 1<<20)
				stacks = stacks[:runtime.Stack(stacks, true)]
				if n := bytes.Count(stacks, []byte("reply.(*runner).run(")); n > 0 {
					t.Errorf("three replies that wait have %d goroutines", n)
				}
				if shown := s.stands("T")[0] == "abc"; shown != (every == 0) {
					t.Errorf("%q stands", s.stands("T"))
				}
			})
		})
	}
}
