package reply

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"bobbin/agent"
	"bobbin/bots"
)

func TestFirstTextIsPostedAtOnce(t *testing.T) {
	bubble(t, func(t *testing.T, s *theatre) {
		r := s.reply("T", &journal{})
		time.Sleep(3 * time.Second)
		say(r, "H")
		synctest.Wait()
		if at := s.times("post"); len(at) != 1 || at[0] != 3*time.Second {
			t.Errorf("posted at %v", at)
		}
	})
}

func TestTextThatShowsNothingYetIsNotPosted(t *testing.T) {
	bubble(t, func(t *testing.T, s *theatre) {
		r := s.reply("T", &journal{})
		for _, text := range []string{"", "  \n", "…"} {
			say(r, text)
			time.Sleep(time.Second)
		}
		s.wantCalls("post")
		s.finish(r, "…")
		s.want("T", "…")
	})
}

func TestNewestTextWinsAndTheRestIsSkipped(t *testing.T) {
	bubble(t, func(t *testing.T, s *theatre) {
		s.budget = func(agent.Target) bots.Budget {
			return bots.Budget{Post: bots.Rate{Scope: "p", Every: time.Second, Burst: 1}, Edit: bots.Rate{Scope: "e", Every: time.Second, Burst: 1}}
		}
		r := s.reply("T", &journal{})
		for i := range 25 { // 2.5 s
			say(r, strings.Repeat("x", i/3+1))
			time.Sleep(100 * time.Millisecond)
		}
		s.finish(r, "xxxxxxxxx!")
		s.wantCalls("post edit", "post x", "edit xx", "edit xxxxx", "edit xxxxxxxx", "edit xxxxxxxxx!")
	})
}

// An answer that is said at once costs one call, however short the budget of edits is.
func TestAnswerThatIsSaidAtOnceIsShownWithItsOutcome(t *testing.T) {
	bubble(t, func(t *testing.T, s *theatre) {
		r := s.reply("T", &journal{})
		say(r, "so")
		r.Update(agent.Update{Text: "so it is", Ending: true})
		synctest.Wait()
		s.wantCalls("post edit")
		s.finish(r, "so it is")
		s.wantCalls("post edit", "post so it is")
	})
}

func TestWhatStandsAlreadyIsNotEditedAgain(t *testing.T) {
	bubble(t, func(t *testing.T, s *theatre) {
		r := s.reply("T", &journal{})
		say(r, "same")
		time.Sleep(time.Second)
		for range 20 {
			r.Update(agent.Update{Text: "same", Status: fmt.Sprint(time.Now())})
			time.Sleep(time.Second)
		}
		s.finish(r, "same")
		s.wantCalls("post edit", "post same")
	})
}

// A page that is due when its call is asked for may have come to stand as it is when the
// budget allows the call.
func TestEditThatBecameNeedlessWhileItWaitedIsNotMade(t *testing.T) {
	bubble(t, func(t *testing.T, s *theatre) {
		s.budget = func(agent.Target) bots.Budget {
			return bots.Budget{Post: bots.Rate{Scope: "p", Every: time.Second, Burst: 1}, Edit: bots.Rate{Scope: "e", Every: time.Second, Burst: 1}}
		}
		r := s.reply("T", &journal{})
		say(r, "a")
		time.Sleep(time.Second)
		for _, text := range []string{"ab", "abc"} { // the second waits for the budget
			say(r, text)
			time.Sleep(100 * time.Millisecond)
		}
		s.finish(r, "ab")
		s.wantCalls("edit", "edit ab")
		// What was granted for it is given back: the next edit need not wait for another.
		at := s.times("edit")
		s.finish(s.reply("U", &journal{parts: []agent.Part{{Key: "T-223", ID: "m1"}}}), "x")
		if next := s.times("edit")[1]; next-at[0] > time.Second {
			t.Errorf("edits at %v, and the next one at %v", at, next)
		}
	})
}

func TestLongTextGrowsIntoFurtherMessages(t *testing.T) {
	bubble(t, func(t *testing.T, s *theatre) {
		text := strings.Repeat("0123456789", 5) + "end"
		j := &journal{}
		r := s.reply("T", j)
		for i := range text {
			say(r, text[:i+1])
			time.Sleep(200 * time.Millisecond)
		}
		s.finish(r, text)
		s.want("T", "0123456789", "0123456789", "0123456789", "0123456789", "0123456789", "end")
		for i, p := range j.all() {
			if p.ID == "" || p.Gone || p.Key != bots.PartKey("T", i+1) {
				t.Errorf("part %d is %+v", i, p)
			}
		}
	})
}

func TestFinalTextStandsHoweverUpdatesRace(t *testing.T) {
	bubble(t, func(t *testing.T, s *theatre) {
		r := s.reply("T", &journal{})
		stop := make(chan struct{})
		go func() {
			defer close(stop)
			for i := range 200 {
				say(r, fmt.Sprint("draft ", i))
				time.Sleep(7 * time.Millisecond)
			}
		}()
		time.Sleep(600 * time.Millisecond)
		s.finish(r, "final")
		<-stop
		time.Sleep(time.Minute)
		s.want("T", "final")
	})
}

func TestWhatStandsInTheEnd(t *testing.T) {
	for _, c := range []struct {
		o    agent.Outcome
		want string
	}{
		{agent.Outcome{Text: "yes"}, "yes"},
		{agent.Outcome{Text: "yes", Notice: "but"}, "yes\n\n⚠️ but"},
		{agent.Outcome{Text: "so:\n```go\nx := 1", Notice: "but"}, "so:\n```go\nx := 1\n```\n\n⚠️ but"},
		{agent.Outcome{Text: "**bold", Notice: "but", Kind: agent.Stopped}, "**bold**\n\n⏹️ but"},
		{agent.Outcome{Notice: "but"}, "but"},
		{agent.Outcome{Text: " \n", Notice: "but"}, "but"},
		{agent.Outcome{Text: "yes", Notice: "\t"}, "yes"},
		{agent.Outcome{}, "I have nothing to say to that."},
		{agent.Outcome{Text: "\n\n"}, "I have nothing to say to that."},
	} {
		t.Run(c.want, func(t *testing.T) {
			bubble(t, func(t *testing.T, s *theatre) {
				s.pageSize = 1000
				if err := s.reply("T", &journal{}).Finish(t.Context(), c.o); err != nil {
					t.Error(err)
				}
				s.want("T", c.want)
			})
		})
	}
}

func TestUpdateNeverBlocks(t *testing.T) {
	bubble(t, func(t *testing.T, s *theatre) {
		s.latency = time.Hour
		r := s.reply("T", &journal{})
		for i := range 1000 {
			say(r, fmt.Sprint(i))
		}
		if d := time.Since(epoch); d != 0 {
			t.Errorf("a thousand updates took %v", d)
		}
		r.Close()
		say(r, "too late")
	})
}

func TestClosedReplyLeavesWhatIsShownAndNoGoroutine(t *testing.T) {
	for name, after := range map[string]time.Duration{
		"before there is text": 0,
		"during the post":      20 * time.Millisecond,
		"during the edit":      70 * time.Millisecond,
		"waiting for budget":   300 * time.Millisecond,
		"at rest":              time.Hour,
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, s *theatre) {
				j := &journal{}
				r := s.reply("T", j)
				go func() {
					for _, text := range []string{"a", "ab", "abc", "abcd", "abcde", "abcdef"} {
						say(r, text)
						time.Sleep(60 * time.Millisecond)
					}
				}()
				time.Sleep(after)
				r.Close()
				r.Close()
				stood, calls := s.stands("T"), len(s.all())
				time.Sleep(time.Hour)
				if got := s.stands("T"); len(got) != len(stood) || len(s.all()) != calls {
					t.Errorf("it went on: %q became %q", stood, got)
				}
				if n := s.lanes(); n != 0 {
					t.Errorf("%d budgets are kept", n)
				}
			})
		})
	}
}

// Its answer says what would have to be searched for at the next start.
func TestPostThatIsUnderWayWhenItsReplyIsClosedIsJournaled(t *testing.T) {
	bubble(t, func(t *testing.T, s *theatre) {
		s.latency = time.Second
		j := &journal{}
		r := s.reply("T", j)
		say(r, "a")
		time.Sleep(10 * time.Millisecond)
		r.Close()
		if got := j.all(); len(got) != 1 || got[0].ID != "m1" {
			t.Errorf("the journal has %+v", got)
		}
	})
}

func TestHungPostDoesNotHoldUpCloseForLong(t *testing.T) {
	bubble(t, func(t *testing.T, s *theatre) {
		s.latency = time.Hour
		r := s.reply("T", &journal{})
		say(r, "a")
		time.Sleep(10 * time.Millisecond)
		began := time.Now()
		r.Close()
		if d := time.Since(began); d != postGrace {
			t.Errorf("Close took %v", d)
		}
	})
}

func TestFinishEndsWithItsContext(t *testing.T) {
	bubble(t, func(t *testing.T, s *theatre) {
		s.onCall(func(call) fault { return fault{err: errLost} })
		r := s.reply("T", &journal{})
		ctx, cancel := contextWithCause(t, time.Minute)
		defer cancel()
		err := r.Finish(ctx, agent.Outcome{Text: "x"})
		if !errors.Is(err, errPatience) || time.Since(epoch) > time.Minute+postGrace {
			t.Errorf("after %v: %v", time.Since(epoch), err)
		}
	})
}

// When the daemon stops, a last word about that is still to be shown.
func TestReplyOutlivesTheContextThatItWasOpenedWith(t *testing.T) {
	bubble(t, func(t *testing.T, s *theatre) {
		ctx, cancel := context.WithCancel(t.Context())
		r, err := s.replies.Open(ctx, turnOf("T", "c"), &journal{})
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		say(r, "a")
		time.Sleep(time.Second)
		cancel()
		s.finish(r, "ab")
		s.want("T", "ab")
	})
}

func TestUndeliverableEndsTheReply(t *testing.T) {
	for _, what := range []string{"post", "edit", "find", "delete"} {
		t.Run(what, func(t *testing.T) {
			bubble(t, func(t *testing.T, s *theatre) {
				s.messages = []*message{{id: "m1", key: "T-223"}, {id: "m2", key: "T-224"}}
				j := &journal{parts: map[string][]agent.Part{
					"edit":   {{Key: "T-223", ID: "m1"}},
					"find":   {{Key: "T-223"}},
					"delete": {{Key: "T-223", ID: "m1"}, {Key: "T-224", ID: "m2"}},
				}[what]}
				s.onCall(func(c call) (f fault) {
					if c.what == what {
						f.err = fmt.Errorf("channel_not_found: %w", agent.ErrUndeliverable)
					}
					return f
				})
				r := s.reply("T", j)
				say(r, "a")
				time.Sleep(time.Second)
				err := r.Finish(t.Context(), agent.Outcome{Text: "x"})
				if !errors.Is(err, agent.ErrUndeliverable) || time.Since(epoch) > 5*time.Second {
					t.Errorf("after %v: %v", time.Since(epoch), err)
				}
			})
		})
	}
}

func TestPlatformThatIsOffRefusesReplies(t *testing.T) {
	turn := turnOf("T", "c")
	turn.Inbound[0].Target.Platform = "irc"
	if _, err := New(Options{}).Open(t.Context(), turn, nil); !errors.Is(err, agent.ErrAway) || !strings.Contains(err.Error(), `"irc"`) {
		t.Errorf("Open: %v", err)
	}
}

func TestPanicOfAPlatformEndsThatReplyOnly(t *testing.T) {
	bubble(t, func(t *testing.T, s *theatre) {
		s.budget = func(to agent.Target) bots.Budget {
			if to.Channel == "c-BAD" && time.Since(epoch) > time.Second {
				panic("a bug")
			}
			return perChannel(to)
		}
		bad, good := s.reply("BAD", &journal{}), s.reply("GOOD", &journal{})
		time.Sleep(2 * time.Second)
		if err := bad.Finish(t.Context(), agent.Outcome{Text: "x"}); err == nil || !strings.Contains(err.Error(), "a bug") {
			t.Errorf("Finish: %v", err)
		}
		s.finish(good, "fine")
		s.want("GOOD", "fine")
	})
}
