package reply

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"bobbin/agent"
	"bobbin/bots"

	"pgregory.net/rapid"
)

// Whatever a platform, its people and the power supply do, in the end the final text
// stands, and its files below it: all of it, once, in order. The stage also sees to it that no call comes too
// early and that no key is used for two messages.
func TestFinalTextStandsOnceWhateverHappens(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		// Hidden, as rapid asks a *testing.T for its deadline, which no bubble has.
		rapid.Check(struct{ rapid.TB }{t}, survive)
	})
}

func survive(t *rapid.T) {
	s := newTheatre(t)
	s.replies = New(Options{}, &filing{stage: s.stage})
	s.pageSize = rapid.IntRange(3, 8).Draw(t, "page")
	s.latency = rapid.SampledFrom([]time.Duration{0, time.Millisecond, 300 * time.Millisecond}).Draw(t, "latency")
	began := time.Now()
	troubles := rapid.SliceOfN(trouble, 0, 20).Draw(t, "troubles")
	s.onCall(func(call) (f fault) {
		if len(troubles) > 0 {
			f, troubles = troubles[0], troubles[1:]
		}
		return f
	})
	actors := []*actor{newActor(s, "AAA"), newActor(s, "BBB")}
	defer func() {
		for _, a := range actors {
			a.crash() // what a failed check has left running
		}
	}()
	for range rapid.IntRange(1, 25).Draw(t, "acts") {
		a := rapid.SampledFrom(actors).Draw(t, "whose")
		switch rapid.SampledFrom([]string{"say", "say", "say", "close", "crash", "lose", "disk", "answer"}).Draw(t, "act") {
		case "say":
			a.say(rapid.StringMatching(`[a-z]{0,6}`).Draw(t, "more"))
		case "close":
			a.reply.Close()
			a.restart()
		case "crash":
			a.crash()
			a.restart()
		case "answer": // and is made to answer again, or cut off in that
			ctx, cancel := context.WithTimeout(t.Context(), time.Duration(rapid.IntRange(0, 9).Draw(t, "s"))*time.Second)
			_ = a.reply.Finish(ctx, someAnswer(t)) // it may not get there
			cancel()
			a.crash()
			a.restart()
		case "lose":
			s.loseOne(rapid.IntRange(0, 9).Draw(t, "which"), rapid.Bool().Draw(t, "frozen"))
		case "disk":
			a.journal.fail(errors.New("disk full"))
			time.AfterFunc(time.Second, func() { a.journal.fail(nil) })
		}
		time.Sleep(time.Duration(rapid.IntRange(0, 1500).Draw(t, "ms")) * time.Millisecond)
	}
	for _, a := range actors {
		final := someAnswer(t)
		s.give(a.reply, final)
		a.reply.Close()
		var want []string
		for piece := range slices.Chunk([]byte(final.Text), s.pageSize) {
			want = append(want, string(piece))
		}
		for _, m := range final.Made {
			want = append(want, m.Name)
		}
		s.want(a.turn, want...)
	}
	if d := time.Since(began); d > time.Hour {
		t.Errorf("it took %v", d)
	}
	time.Sleep(time.Minute)
	if n := s.lanes(); n != 0 {
		t.Errorf("%d budgets are kept", n)
	}
}

// someAnswer is a final text, with files or without.
func someAnswer(t *rapid.T) agent.Outcome {
	return drawn(rapid.StringMatching(`[A-Z]{1,20}`).Draw(t, "final"), rapid.SliceOfN(rapid.SampledFrom([]string{"a.png", "b.png"}), 0, 3).Draw(t, "files")...)
}

// trouble is what may be wrong with a call; most calls have none.
var trouble = rapid.Custom(func(t *rapid.T) fault {
	switch rapid.IntRange(0, 5).Draw(t, "trouble") {
	case 0:
		return fault{err: errLost}
	case 1:
		return fault{err: errLost, done: true}
	case 2:
		after := time.Duration(rapid.IntRange(0, 40).Draw(t, "after")) * time.Second
		return fault{err: &bots.RetryAfterError{After: after, Err: errLost}}
	}
	return fault{}
})

// actor is a turn that is answered, on a daemon that may go down.
type actor struct {
	*theatre
	turn    agent.TurnID
	text    string
	journal *journal
	reply   agent.Reply
}

func newActor(s *theatre, turn agent.TurnID) *actor {
	a := &actor{theatre: s, turn: turn, journal: &journal{}}
	a.restart()
	return a
}

// restart opens the reply anew, from what the journal has.
func (a *actor) restart() {
	a.text = ""
	a.journal.fail(nil)
	r, err := a.replies.Open(a.Context(), turnOf(a.turn, "c", a.journal.all()...), a.journal)
	if err != nil {
		a.Fatal(err)
	}
	a.reply = r
}

// crash ends the reply; the journal hears of nothing from now on, although a post that is
// under way may happen.
func (a *actor) crash() {
	a.journal.fail(errors.New("the power is off"))
	a.reply.Close()
}

func (a *actor) say(more string) {
	a.text += more
	say(a.reply, strings.Clone(a.text))
}

// loseOne has a person delete a message, or the platform close it for editing. A file that a
// person deletes is not given back.
func (s *stage) loseOne(i int, frozen bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case i >= len(s.messages), strings.HasSuffix(s.messages[i].text, ".png"):
	case frozen:
		s.messages[i].frozen = true
	default:
		s.messages[i].gone = true
	}
}
