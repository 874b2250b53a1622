package reply

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"bobbin/agent"
	"bobbin/bots"
)

// signs is a platform that shows signs, which fade or not.
type signs struct {
	*stage
	lasts  time.Duration
	typing func(ctx context.Context, doing string) error // may be nil

	mu    sync.Mutex
	shown []string // "100ms thinking"
}

func (s *signs) Typing(ctx context.Context, _ agent.Target, doing string) (time.Duration, error) {
	s.mu.Lock()
	s.shown = append(s.shown, fmt.Sprint(time.Since(epoch), " ", doing))
	typing := s.typing
	s.mu.Unlock()
	if typing != nil {
		if err := typing(ctx, doing); err != nil {
			return 0, err
		}
	}
	return s.lasts, nil
}

func (s *signs) want(t *testing.T, want ...string) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if !slices.Equal(s.shown, want) {
		t.Errorf("signs were %q, want %q", s.shown, want)
	}
}

// withSigns plays on a stage that has signs.
func withSigns(t *testing.T, lasts time.Duration, play func(t *testing.T, s *theatre, on *signs)) {
	t.Helper()
	bubble(t, func(t *testing.T, s *theatre) {
		on := &signs{stage: s.stage, lasts: lasts}
		s.replies = New(Options{}, on)
		play(t, s, on)
	})
}

func TestAnswerThatIsThereAtOnceHasNoSign(t *testing.T) {
	withSigns(t, time.Minute, func(t *testing.T, s *theatre, on *signs) {
		r := s.reply("T", &journal{})
		say(r, "a")
		s.finish(r, "a")
		r.Close()
		on.want(t)
	})
}

func TestSignStandsUntilThereIsTextAndIsKeptUp(t *testing.T) {
	withSigns(t, 8*time.Second, func(t *testing.T, s *theatre, on *signs) {
		r := s.reply("T", &journal{})
		time.Sleep(10 * time.Second)
		r.Update(agent.Update{Status: "looking"})
		time.Sleep(5 * time.Second)
		say(r, "a") // which takes it away
		time.Sleep(time.Minute)
		s.finish(r, "ab")
		r.Close()
		on.want(t, "100ms thinking", "8.1s thinking", "10s looking")
	})
}

func TestSignThatStaysByItselfIsTakenAway(t *testing.T) {
	withSigns(t, 0, func(t *testing.T, s *theatre, on *signs) {
		r := s.reply("T", &journal{})
		time.Sleep(time.Minute)
		say(r, "a")
		time.Sleep(time.Minute)
		r.Update(agent.Update{Text: "a", Status: "looking"})
		time.Sleep(time.Minute)
		r.Close()
		on.want(t, "100ms thinking", "1m0.05s ", "2m0s looking", "3m0s ")
	})
}

func TestSignThatAPostTookAwayComesBackWhileThereIsMoreToDo(t *testing.T) {
	withSigns(t, time.Minute, func(t *testing.T, s *theatre, on *signs) {
		r := s.reply("T", &journal{})
		time.Sleep(time.Second)
		r.Update(agent.Update{Text: "a", Status: "looking"})
		time.Sleep(time.Second)
		r.Close()
		on.want(t, "100ms thinking", "1s looking", "1.05s looking", "2s ")
	})
}

// Until there is something to read, being written is not enough to be seen.
func TestSignStaysWhileTheFirstTextWaitsForTheBudget(t *testing.T) {
	withSigns(t, time.Minute, func(t *testing.T, s *theatre, on *signs) {
		s.faults(map[string][]fault{"post": {{err: &bots.RetryAfterError{After: 90 * time.Second, Err: errLost}}}})
		r := s.reply("T", &journal{})
		say(r, "a")
		time.Sleep(2 * time.Minute)
		r.Close()
		on.want(t, "100ms thinking", "1m0.1s thinking")
	})
}

// The two cross on their way, and the sign may have come last.
func TestSignThatWasShownDuringAPostIsTakenAway(t *testing.T) {
	withSigns(t, time.Minute, func(t *testing.T, s *theatre, on *signs) {
		s.latency = 200 * time.Millisecond
		r := s.reply("T", &journal{})
		time.Sleep(50 * time.Millisecond)
		s.finish(r, "a")
		time.Sleep(time.Minute)
		r.Close()
		on.want(t, "100ms thinking", "250ms ")
	})
}

func TestReplyThatGoesOnAfterARestartHasASignWhileItThinks(t *testing.T) {
	withSigns(t, 0, func(t *testing.T, s *theatre, on *signs) {
		s.messages = []*message{{id: "m1", key: "T-223"}}
		r := s.reply("T", &journal{parts: []agent.Part{{Key: "T-223", ID: "m1"}}})
		time.Sleep(time.Second)
		say(r, "a")
		time.Sleep(time.Second)
		r.Close()
		on.want(t, "100ms thinking", "1s ")
	})
}

func TestAnswerThatOnlyHasToBeDeliveredHasNoSign(t *testing.T) {
	withSigns(t, 0, func(t *testing.T, s *theatre, on *signs) {
		s.faults(map[string][]fault{"post": {{err: errLost}}})
		turn := turnOf("T", "c")
		turn.Outcome = &agent.Outcome{Text: "a"}
		s.finish(s.replyIn(s.replies, turn, &journal{}), "a")
		on.want(t)
	})
}

func TestHungSignHoldsUpNoText(t *testing.T) {
	withSigns(t, 0, func(t *testing.T, s *theatre, on *signs) {
		on.typing = func(ctx context.Context, _ string) error { <-ctx.Done(); return ctx.Err() }
		r := s.reply("T", &journal{})
		time.Sleep(time.Second)
		say(r, "a")
		time.Sleep(time.Second)
		s.finish(r, "ab")
		if d := time.Since(epoch); d > 2100*time.Millisecond {
			t.Errorf("the answer stood after %v", d)
		}
		began := time.Now()
		r.Close()
		if d := time.Since(began); d > signLast {
			t.Errorf("Close took %v", d)
		}
	})
}

func TestSignThatCannotBeShownIsLeftAloneForAWhile(t *testing.T) {
	withSigns(t, 0, func(t *testing.T, s *theatre, on *signs) {
		errs := []error{errors.New("hiccup"), &bots.RetryAfterError{After: time.Minute, Err: errLost}}
		on.typing = func(context.Context, string) (err error) {
			if len(errs) > 0 {
				err, errs = errs[0], errs[1:]
			}
			return err
		}
		r := s.reply("T", &journal{})
		for i := range 80 {
			r.Update(agent.Update{Status: fmt.Sprint("step ", i)})
			time.Sleep(time.Second)
			synctest.Wait()
			if i == 70 {
				break
			}
		}
		r.Close()
		on.want(t, "100ms step 0", "10.1s step 10", "1m10.1s step 70", "1m11s ")
	})
}

func TestSignThatCouldNotBeTakenAwayIsTriedAgain(t *testing.T) {
	withSigns(t, 0, func(t *testing.T, s *theatre, on *signs) {
		failed := false
		on.typing = func(_ context.Context, doing string) error {
			if doing == "" && !failed {
				failed = true
				return errLost
			}
			return nil
		}
		r := s.reply("T", &journal{})
		time.Sleep(time.Second)
		say(r, "a")
		time.Sleep(time.Minute)
		r.Close()
		on.want(t, "100ms thinking", "1.05s ", "11.05s ")
	})
}

func TestPanicOfASignStopsNothing(t *testing.T) {
	withSigns(t, 0, func(t *testing.T, s *theatre, on *signs) {
		on.typing = func(context.Context, string) error { panic("a bug") }
		r := s.reply("T", &journal{})
		time.Sleep(time.Second)
		s.finish(r, "a")
		s.want("T", "a")
	})
}

func TestSignThatWasNeverAskedForIsNotTakenAway(t *testing.T) {
	withSigns(t, 0, func(t *testing.T, s *theatre, on *signs) {
		on.typing = func(context.Context, string) error {
			return &bots.RetryAfterError{After: time.Second, Err: errors.New("there are many signs"), Unsent: true}
		}
		r := s.reply("T", &journal{})
		time.Sleep(time.Second)
		r.Close()
		on.want(t, "100ms thinking")
	})
}

func TestSignStandsWhileTextThatWasSeenIsWrittenAgain(t *testing.T) {
	withSigns(t, 0, func(t *testing.T, s *theatre, on *signs) {
		s.messages = []*message{{id: "m1", key: "T-223"}}
		r := s.reply("T", &journal{parts: []agent.Part{{Key: "T-223", ID: "m1", Shows: 4}}})
		for _, soFar := range []string{"a", "ab", "abc", "abcd"} {
			time.Sleep(time.Second)
			say(r, soFar)
		}
		time.Sleep(time.Second)
		r.Close()
		on.want(t, "100ms thinking", "4s ")
	})
}
