package discord

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"bobbin/agent"
	"bobbin/bots"
	"bobbin/bots/sandbox"
)

func stopButton() []bots.Button { return []bots.Button{{Action: bots.Stop, Turn: turn}} }

// pressable posts an answer with a button, and returns the press of it.
func (r *rig) pressable(to agent.Target) (press func() error) {
	r.Helper()
	id, err := r.bot.Post(r.ctx, to, bots.PartKey(turn, 1), bots.Message{Text: "spinning", Buttons: stopButton()})
	if err != nil {
		r.Fatal(err)
	}
	at, _ := parsePlace(id)
	return func() error { return r.fake.Press("ada", at.channel, at.message, "Stop") }
}

func TestPressSaysUnderWhichMessage(t *testing.T) {
	bubble(t, withContent, func(r *rig) {
		r.noThreads()
		press := r.pressable(r.asked("hi"))
		m := r.fake.World().Messages(r.channel("general"))
		want := place{r.channel("general"), m[len(m)-1].ID}.id()
		if err := press(); err != nil {
			t.Fatal(err)
		}
		if e := r.one(); e.Target.ReplyTo != want || e.Press == nil {
			t.Errorf("event is %+v, want it under %q", e, want)
		}
	})
}

func TestPressIsInTheChannelWhereThreadsAreOff(t *testing.T) {
	bubble(t, setup{opts: Options{Threads: Never}}, func(r *rig) {
		to := r.asked("hi")
		if err := r.pressable(to)(); err != nil {
			t.Fatal(err)
		}
		if e := r.one(); e.Target.Session() != to.Session() {
			t.Errorf("event is %+v", e)
		}
	})
}

func TestPressIsAcknowledgedBeforeItIsAcceptedAndAnsweredPrivately(t *testing.T) {
	bubble(t, setup{}, func(r *rig) {
		long := strings.Repeat("All work and no play. ", 120)
		r.onAccept(func(ctx context.Context, e bots.Event) error {
			if e.Press == nil {
				return nil
			}
			time.Sleep(time.Minute)
			return errors.Join(e.Respond(ctx, long), e.Respond(ctx, "again"))
		})
		to := r.asked("hi")
		press := r.pressable(to)
		before := time.Now()
		if err := press(); err != nil || time.Since(before) > time.Second {
			t.Fatalf("after %v: %v", time.Since(before), err)
		}
		r.pass(2 * time.Minute)
		if got := r.private(to.Thread); len(got) != 2 {
			t.Errorf("told %d things", len(got))
		}
		r.want(to.Thread, "spinning", r.private(to.Thread)[0], r.private(to.Thread)[1])
	})
}

func TestPressThatCannotBeAcknowledgedIsNotTakenIn(t *testing.T) {
	bubble(t, setup{}, func(r *rig) {
		press := r.pressable(r.asked("hi"))
		r.fake.Inject(sandbox.DiscordFault{Route: fakeCallback, Times: -1, Status: 500})
		if err := press(); !errors.Is(err, sandbox.ErrDiscordNoAnswer) {
			t.Errorf("the person sees %v", err)
		}
		if got := r.taken(); len(got) != 0 || r.bot.Ignored()[ignoredLate] != 1 {
			t.Errorf("accepted %+v", got)
		}
	})
}

func TestOldAndForeignButtonsGetAWord(t *testing.T) {
	bubble(t, setup{}, func(r *rig) {
		to := r.asked("hi")
		for i, action := range []bots.Action{"dance", "stop:x"} {
			id, err := r.bot.Post(r.ctx, to, bots.PartKey(turn, i+1), bots.Message{Text: "x", Buttons: []bots.Button{{Action: action, Turn: turn}}})
			if err != nil {
				t.Fatal(err)
			}
			at, _ := parsePlace(id)
			if err := r.fake.Press("ada", at.channel, at.message, string(action)); err != nil {
				t.Error(err)
			}
		}
		if got := r.taken(); len(got) != 0 {
			t.Errorf("accepted %+v", got)
		}
		if got := r.private(to.Thread); len(got) != 2 || !strings.Contains(got[0], "does nothing any more") {
			t.Errorf("told %q", got)
		}
	})
}
