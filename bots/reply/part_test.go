package reply

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"bobbin/agent"
	"bobbin/bots"
)

var errPatience = errors.New("out of patience")

func contextWithCause(t *testing.T, d time.Duration) (context.Context, context.CancelFunc) {
	return context.WithTimeoutCause(t.Context(), d, errPatience)
}

func TestPostWhoseAnswerWasLostIsFoundAndAdopted(t *testing.T) {
	bubble(t, func(t *testing.T, s *theatre) {
		s.faults(map[string][]fault{"post": {{errLost, true}}})
		j := &journal{}
		r := s.reply("T", j)
		say(r, "a")
		time.Sleep(10 * time.Second)
		s.finish(r, "ab")
		s.want("T", "ab")
		s.wantCalls("post find", "post a", "find")
		if got := j.all(); !slices.Equal(got, []agent.Part{{Key: "T-223", ID: "m1", Shows: 2}}) {
			t.Errorf("the journal has %+v", got)
		}
	})
}

func TestPostThatWasNotMadeIsMadeAgainWithItsKey(t *testing.T) {
	bubble(t, func(t *testing.T, s *theatre) {
		s.faults(map[string][]fault{"post": {{err: errLost}, {err: errLost}}, "find": {{}, {err: errLost}}})
		s.finish(s.reply("T", &journal{}), "a")
		s.want("T", "a")
		s.wantCalls("post find", "post a", "find", "post a", "find", "find", "post a")
		for _, c := range s.all() {
			if c.key != "T-223" {
				t.Errorf("%s with the key %s", c.what, c.key)
			}
		}
	})
}

func TestPostThatIsRefusedForItsRateIsNotSearchedFor(t *testing.T) {
	bubble(t, func(t *testing.T, s *theatre) {
		s.faults(map[string][]fault{"post": {{err: &bots.RetryAfterError{After: time.Minute, Err: errLost}}}})
		s.finish(s.reply("T", &journal{}), "a")
		s.wantCalls("post find", "post a", "post a")
	})
}

func TestMessageThatCannotBeJournaledIsNotPosted(t *testing.T) {
	bubble(t, func(t *testing.T, s *theatre) {
		j := &journal{err: errors.New("disk full")}
		r := s.reply("T", j)
		say(r, "a")
		time.Sleep(time.Hour)
		s.wantCalls("post")
		j.fail(nil)
		s.finish(r, "a")
		s.want("T", "a")
		if got := j.all(); !slices.Equal(got, []agent.Part{{Key: "T-223", ID: "m1", Shows: 1}}) {
			t.Errorf("the journal has %+v", got)
		}
	})
}

func TestEveryMessageIsJournaledBeforeItIsPostedAndAfterwards(t *testing.T) {
	bubble(t, func(t *testing.T, s *theatre) {
		j := &journal{}
		s.onCall(func(c call) fault {
			if got := j.all(); c.what == "post" && (len(got) == 0 || got[len(got)-1] != agent.Part{Key: c.key}) {
				t.Errorf("posted %s when the journal had %+v", c.key, got)
			}
			return fault{}
		})
		s.finish(s.reply("T", j), "0123456789abc")
		if want := []string{" false", "m1 false", " false", "m2 false"}; !slices.Equal(j.says, want) {
			t.Errorf("journaled %q, want %q", j.says, want)
		}
	})
}

func TestReplyGoesOnInTheMessagesOfAnEarlierAttempt(t *testing.T) {
	for name, c := range map[string]struct {
		parts []agent.Part
		calls []string
		want  []string
	}{
		"with its id": {
			[]agent.Part{{Key: "T-223", ID: "m1"}},
			[]string{"edit 0123456789", "post abc"}, []string{"0123456789", "abc"},
		},
		"that stands, without its id": {
			[]agent.Part{{Key: "T-223"}},
			[]string{"find", "edit 0123456789", "post abc"}, []string{"0123456789", "abc"},
		},
		"that does not stand": {
			[]agent.Part{{Key: "T-223", ID: "m1"}, {Key: "T-225"}},
			[]string{"edit 0123456789", "find", "post abc"}, []string{"0123456789", "abc"},
		},
		"that are too many": {
			[]agent.Part{{Key: "T-223", ID: "m1"}, {Key: "T-224"}, {Key: "T-225"}, {Key: "T-226", ID: "m3"}},
			[]string{"edit 0123456789", "find", "edit abc", "delete", "find"}, []string{"0123456789", "abc"},
		},
		"some of which are gone": {
			[]agent.Part{{Key: "T-222", ID: "m0", Gone: true}, {Key: "T-223", ID: "m1"}},
			[]string{"edit 0123456789", "post abc"}, []string{"0123456789", "abc"},
		},
		"of which one in the middle never stood": {
			[]agent.Part{{Key: "T-222"}, {Key: "T-224", ID: "m2"}},
			[]string{"find", "edit 0123456789", "post abc"}, []string{"old", "0123456789", "abc"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, s *theatre) {
				s.messages = []*message{{id: "m1", key: "T-223", text: "old"}}
				if len(c.parts) > 1 {
					s.messages = append(s.messages, &message{id: "m2", key: "T-224", text: "old"}, &message{id: "m3", key: "T-226", text: "old"})
				}
				if len(c.parts) < 4 {
					s.messages = slices.DeleteFunc(s.messages, func(m *message) bool { return m.id == "m3" || m.id == "m2" && c.parts[1].ID != "m2" })
				}
				j := &journal{parts: slices.Clone(c.parts)}
				s.finish(s.reply("T", j), "0123456789abc")
				s.wantCalls("post find edit delete", c.calls...)
				s.want("T", c.want...)
				keys := make(map[string]bool)
				for _, call := range s.all() {
					if call.what == "post" {
						keys[call.key] = true
					}
				}
				for _, p := range c.parts {
					if p.ID != "" && keys[p.Key] {
						t.Errorf("%s was posted again", p.Key)
					}
				}
			})
		})
	}
}

func TestSurplusMessagesStayUntilTheAnswerIsComplete(t *testing.T) {
	bubble(t, func(t *testing.T, s *theatre) {
		s.messages = []*message{{id: "m1", key: "T-223", text: "old"}, {id: "m2", key: "T-224", text: "old"}}
		j := &journal{parts: []agent.Part{{Key: "T-223", ID: "m1"}, {Key: "T-224", ID: "m2"}}}
		r := s.reply("T", j)
		say(r, "new")
		time.Sleep(time.Minute)
		s.want("T", "new", "old")
		s.finish(r, "new")
		s.want("T", "new")
		if got := j.all(); !got[1].Gone || got[0].Gone {
			t.Errorf("the journal has %+v", got)
		}
	})
}

func TestRemovingWaitsWhenItIsAskedTo(t *testing.T) {
	bubble(t, func(t *testing.T, s *theatre) {
		s.messages = []*message{{id: "m1", key: "T-223"}, {id: "m2", key: "T-224"}}
		s.faults(map[string][]fault{"delete": {{err: &bots.RetryAfterError{After: time.Minute, Err: errLost}}}})
		s.finish(s.reply("T", &journal{parts: []agent.Part{{Key: "T-223", ID: "m1"}, {Key: "T-224", ID: "m2"}}}), "new")
		s.want("T", "new")
		if at := s.times("delete"); len(at) != 2 || at[1]-at[0] < time.Minute {
			t.Errorf("removed at %v", at)
		}
	})
}

func TestSurplusMessageThatCannotBeRemovedDoesNotHoldUpTheTurnForEver(t *testing.T) {
	bubble(t, func(t *testing.T, s *theatre) {
		s.messages = []*message{{id: "m1", key: "T-223"}, {id: "m2", key: "T-224", text: "old"}}
		s.onCall(func(c call) (f fault) {
			if c.what == "delete" {
				f.err = errors.New("cant_delete_message")
			}
			return f
		})
		j := &journal{parts: []agent.Part{{Key: "T-223", ID: "m1"}, {Key: "T-224", ID: "m2"}}}
		s.finish(s.reply("T", j), "new")
		s.want("T", "new", "old")
		if d := time.Since(epoch); d < time.Minute || d > 10*time.Minute || len(s.times("delete")) != maxTrims+1 {
			t.Errorf("%d tries in %v", len(s.times("delete")), d)
		}
	})
}

func TestAnotherMessageTakesThePlaceOfOneThatIsGone(t *testing.T) {
	for name, lose := range map[string]func(m *message){
		"deleted":            func(m *message) { m.gone = true },
		"closed for editing": func(m *message) { m.frozen = true },
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, s *theatre) {
				j := &journal{}
				r := s.reply("T", j)
				say(r, "a")
				time.Sleep(time.Second)
				s.mu.Lock()
				lose(s.messages[0])
				s.mu.Unlock()
				say(r, "ab")
				time.Sleep(time.Minute)
				s.want("T", "ab")
				if got := j.all(); !slices.Equal(got, []agent.Part{{Key: "T-223", ID: "m1", Gone: true, Shows: 2}, {Key: "T-224", ID: "m2", Shows: 2}}) {
					t.Errorf("the journal has %+v", got)
				}
				s.finish(r, "abc")
				s.want("T", "abc")
			})
		})
	}
}

// A new message can only stand at the end.
func TestMessagesStandInOrderAlthoughOneInTheMiddleIsGone(t *testing.T) {
	bubble(t, func(t *testing.T, s *theatre) {
		parts := []agent.Part{{Key: "T-223", ID: "m1"}, {Key: "T-224", ID: "m2"}, {Key: "T-225", ID: "m3"}}
		s.messages = []*message{{id: "m1", key: "T-223", frozen: true}, {id: "m2", key: "T-224", gone: true}, {id: "m3", key: "T-225"}}
		j := &journal{parts: parts}
		s.finish(s.reply("T", j), "0123456789abcdefghij!")
		s.want("T", "0123456789", "abcdefghij", "!")
		if got := j.all(); len(got) != 5 || !got[0].Gone || !got[1].Gone || got[2].ID != "m3" || got[3].ID != "m4" || got[4].ID != "m5" {
			t.Errorf("the journal has %+v", got)
		}
	})
}

// Somebody, or something, does not want it: it is not forced on them with every edit.
func TestReplyWhoseMessagesKeepGoingIsShownOnlyWhenComplete(t *testing.T) {
	bubble(t, func(t *testing.T, s *theatre) {
		r := s.reply("T", &journal{})
		s.onCall(func(c call) fault {
			for _, m := range s.messages {
				m.frozen = true
			}
			return fault{}
		})
		text := ""
		for i := range 100 {
			text = fmt.Sprint(i)
			say(r, text)
			time.Sleep(2 * time.Second)
		}
		if n := len(s.times("post")); n != maxLost+1 {
			t.Errorf("%d posts", n)
		}
		s.finish(r, "final")
		s.want("T", "final")
	})
}

func TestMessageThatCanNeitherBeEditedNorRemovedHoldsUpNoText(t *testing.T) {
	bubble(t, func(t *testing.T, s *theatre) {
		s.messages = []*message{{id: "m1", key: "T-223", text: "old", frozen: true}}
		s.onCall(func(c call) (f fault) {
			if c.what == "delete" && c.at < 20*time.Second {
				f.err = errLost
			}
			return f
		})
		j := &journal{parts: []agent.Part{{Key: "T-223", ID: "m1"}}}
		r := s.reply("T", j)
		say(r, "new")
		time.Sleep(time.Second)
		s.want("T", "old", "new")
		if got := j.all(); got[0].Gone {
			t.Error("it would be forgotten at a restart")
		}
		s.finish(r, "new")
		s.want("T", "new")
	})
}

func TestTextThatBeginsAgainIsShownOnceItHasGotAsFarAsBefore(t *testing.T) {
	bubble(t, func(t *testing.T, s *theatre) {
		j := &journal{}
		before := s.reply("T", j)
		say(before, "0123")
		say(before, "0123456789abcdef")
		time.Sleep(time.Minute)
		before.Close() // as when the daemon is stopped
		s.want("T", "0123456789", "abcdef")

		after := s.reply("T", j)
		edits := len(s.all())
		for _, soFar := range []string{"", "0", "0123456789", "0123456789ab"} {
			say(after, soFar)
			time.Sleep(time.Minute)
			s.want("T", "0123456789", "abcdef")
		}
		if n := len(s.all()) - edits; n > 0 {
			t.Errorf("there were %d calls although there was nothing to show", n)
		}
		if err := after.Finish(t.Context(), agent.Outcome{Kind: agent.Paused, Text: "0123456789ab", Notice: "wait"}); err != nil {
			t.Error(err)
		}
		s.want("T", "0123456789", "abcdef")

		after = s.reply("T", j)
		say(after, "0123456789abcdefghi")
		time.Sleep(time.Minute)
		s.want("T", "0123456789", "abcdefghi")
		s.finish(after, "short")
		s.want("T", "short")
	})
}

func TestHowMuchIsShownIsJournaledBeforeItIsAndNotForEachEdit(t *testing.T) {
	bubble(t, func(t *testing.T, s *theatre) {
		s.pageSize = 10_000
		j := &journal{}
		r := s.reply("T", j)
		text := ""
		for range 200 {
			text += strings.Repeat("x", 20)
			say(r, text)
			time.Sleep(time.Minute)
			if p := j.all()[0]; p.Shows < len(text) || p.Shows > len(text)*9/8 {
				t.Fatalf("%d bytes stand, and the journal has %d", len(text), p.Shows)
			}
		}
		r.Close()
		if n := len(j.says); n > 60 {
			t.Errorf("200 edits were journaled %d times", n)
		}
	})
}
