package discord

import (
	"errors"
	"testing"
	"time"

	"bobbin/agent"
	"bobbin/bots"
)

const (
	turn      = "AAAAAAAAAAAAAAAAAAAA"
	otherTurn = "BBBBBBBBBBBBBBBBBBBB"
)

// later is after a restart, when Discord has forgotten nonces.
func (r *rig) later() {
	r.Helper()
	r.down()
	time.Sleep(time.Hour)
	r.up()
}

func (r *rig) finds(to agent.Target, key string, want agent.MessageID) {
	r.Helper()
	got, err := r.bot.Find(r.ctx, to, key)
	if want == "" {
		wantErr(r.T, err, bots.ErrNotFound)
		return
	}
	if err != nil || got != want {
		r.Errorf("%s: found %q, %v, want %q", key, got, err, want)
	}
}

func TestAnswerInItsOwnThreadIsFoundByItsOrder(t *testing.T) {
	remembering(t, withContent, func(r *rig, _ *notebook) {
		to := r.asked("hi")
		r.finds(to, bots.PartKey(turn, 1), "")
		one := r.post(to, bots.PartKey(turn, 1), "hello")
		r.later()
		r.finds(to, bots.PartKey(turn, 1), one)
		r.finds(to, bots.PartKey(turn, 2), "")
		two := r.post(to, bots.PartKey(turn, 2), "more")
		r.say("grace", to.Thread, "", "ah")
		r.later()
		r.finds(to, bots.PartKey(turn, 2), two)
		// Which of the two is the first, if the second was never journaled?
		r.finds(to, bots.PartKey(turn, 1), "")
		r.finds(to, bots.PartKey(turn, 3), "")
		if err := r.fake.Remove(to.Thread, messageOf(two)); err != nil {
			t.Fatal(err)
		}
		r.finds(to, bots.PartKey(turn, 2), "")
	})
}

func TestWordsBesideAnAnswerAreNotTakenForIt(t *testing.T) {
	remembering(t, withContent, func(r *rig, _ *notebook) {
		to := r.asked("hi")
		r.post(to, bots.PartKey(turn, 1), "hello")
		r.say("grace", to.Thread, "", "and me?")
		if err := r.one().Respond(r.ctx, "not now"); err != nil {
			t.Fatal(err)
		}
		r.later()
		r.finds(to, bots.PartKey(turn, 2), "")
		r.finds(to, bots.PartKey(turn, 1), "")
	})
}

func TestMessageOfAnotherTurnIsNotTakenUp(t *testing.T) {
	remembering(t, withContent, func(r *rig, _ *notebook) {
		to := r.asked("hi")
		r.post(to, bots.PartKey(otherTurn, 1), "hello")
		r.finds(to, bots.PartKey(turn, 1), "")
		// A follow-up may have been asked while an earlier answer was being written.
		r.say("grace", to.Thread, "", "and me?")
		follow := r.one().Target
		r.post(follow, bots.PartKey(otherTurn, 2), "more of the first answer")
		r.later()
		r.finds(follow, bots.PartKey(turn, 1), "")
	})
}

func TestAnswerInAChannelIsFoundByWhatItRefersTo(t *testing.T) {
	for name, threads := range map[string]Threads{"no thread can be opened": Auto, "threads are off": Never} {
		t.Run(name, func(t *testing.T) {
			remembering(t, setup{opts: Options{Threads: threads}}, func(r *rig, _ *notebook) {
				r.noThreads()
				to, other := r.asked("hi"), r.asked("hello")
				one := r.post(to, bots.PartKey(turn, 1), "yes")
				r.post(to, bots.PartKey(turn, 2), "more")
				its := r.post(other, bots.PartKey(otherTurn, 1), "yes?")
				r.later()
				r.finds(to, bots.PartKey(turn, 1), one)
				r.finds(other, bots.PartKey(otherTurn, 1), its)
				r.finds(to, bots.PartKey(turn, 2), "")
			})
		})
	}
}

func TestLateAnswerInADMIsFoundByWhatItRefersTo(t *testing.T) {
	remembering(t, setup{}, func(r *rig, n *notebook) {
		dm := r.fake.OpenDM("grace")
		n.add(agent.Address{Platform: Name, Channel: dm})
		live := func() agent.Target { r.say("grace", dm, "", "hi"); return r.one().Target }()
		r.post(live, bots.PartKey(otherTurn, 1), "hello")
		r.down()
		time.Sleep(time.Hour)
		r.say("grace", dm, "", "still there?")
		time.Sleep(time.Hour)
		r.up()
		got := r.taken()
		to := got[len(got)-1].Target
		one := r.post(to, bots.PartKey(turn, 1), "yes")
		r.later()
		r.finds(to, bots.PartKey(turn, 1), one)
		r.finds(live, bots.PartKey(otherTurn, 1), "")
	})
}

func TestFindBeforeTheFirstConnectionLeavesItOpen(t *testing.T) {
	bubble(t, setup{idle: true}, func(r *rig) {
		to := agent.Target{Address: agent.Address{Platform: Name, Workspace: r.fake.GuildID(), Channel: r.channel("general")}}
		if _, err := r.bot.Find(r.ctx, to, bots.PartKey(turn, 1)); err == nil || errors.Is(err, bots.ErrNotFound) {
			t.Errorf("error is %v, want one that leaves it open", err)
		}
		r.start()
	})
}

func TestReplyToAnOldWordBesideAThreadOpensItsOwn(t *testing.T) {
	remembering(t, withContent, func(r *rig, _ *notebook) {
		r.say("ada", "general", "", r.mention("hi"))
		e := r.one()
		if err := e.Respond(r.ctx, "wait a moment"); err != nil {
			t.Fatal(err)
		}
		r.post(e.Target, bots.PartKey(turn, 1), "hello")
		m := r.fake.World().Messages(r.channel("general"))
		note := m[len(m)-1].ID
		r.later()
		r.taken()
		id := r.say("ada", "general", note, "why?")
		if e := r.one(); e.Target.Thread != id {
			t.Errorf("thread is %q, want %q", e.Target.Thread, id)
		}
	})
}

// messageOf returns the message part of an id.
func messageOf(id agent.MessageID) string {
	p, _ := parsePlace(id)
	return p.message
}
