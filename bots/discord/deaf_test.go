package discord

import (
	"errors"
	"testing"
	"time"

	"bobbin/agent"
)

func TestDeafGatewayIsFoundAndReplaced(t *testing.T) {
	remembering(t, setup{}, func(r *rig, _ *notebook) {
		r.say("ada", "general", "", r.mention("before"))
		r.one()
		r.fake.DeafenGateway(true)
		time.Sleep(2 * time.Minute)
		id := r.say("ada", "general", "", r.mention("hello?"))
		for r.bot.Deaf() == 0 {
			r.pass(100 * time.Millisecond)
			if time.Since(sent(id)) > time.Hour {
				t.Fatal("not found")
			}
		}
		if err := r.bot.Ready(); !errors.Is(err, errDeaf) {
			t.Errorf("Ready is %v while connecting anew", err)
		}
		r.pass(time.Minute)
		if err := r.bot.Ready(); err != nil {
			t.Error(err)
		}
		if e := r.one(); e.EventID != id || !e.Late {
			t.Errorf("event is %+v", e)
		}
		r.say("ada", "general", "", r.mention("better"))
		if e := r.one(); e.Late {
			t.Errorf("event is %+v", e)
		}
		if n := r.fake.Identifies(); n != 2 {
			t.Errorf("identified %d times", n)
		}
	})
}

func TestDeafGatewayIsFoundInAConversationOfAnEarlierRun(t *testing.T) {
	remembering(t, setup{}, func(r *rig, n *notebook) {
		n.add(agent.Address{Platform: Name, Workspace: r.fake.GuildID(), Channel: r.channel("random"), Thread: "12345"})
		r.fake.DeafenGateway(true)
		time.Sleep(2 * time.Minute)
		r.say("ada", "random", "", r.mention("hello?"))
		r.pass(15 * time.Minute)
		if e := r.one(); e.Text != "hello?" || r.bot.Deaf() != 1 {
			t.Errorf("event is %+v, deaf %d times", e, r.bot.Deaf())
		}
	})
}

func TestQuietGuildCausesNoReconnect(t *testing.T) {
	remembering(t, setup{}, func(r *rig, n *notebook) {
		to := r.asked("hi")
		n.add(to.Address)
		r.post(to, "K-1", "hello")
		r.settle()
		calls := r.fake.Calls(fakeHistory)
		const quiet = 6 * time.Hour
		r.pass(quiet)
		if r.bot.Deaf() != 0 || r.fake.Identifies() != 1 {
			t.Errorf("deaf %d times, identified %d times", r.bot.Deaf(), r.fake.Identifies())
		}
		if n, most := r.fake.Calls(fakeHistory)-calls, probes*int(quiet/deafAfter); n == 0 || n > most {
			t.Errorf("made %d calls, want 1 to %d", n, most)
		}
	})
}

// A message that no connection tells of must not cause one new connection after another.
func TestOneMessageIsNoReasonTwice(t *testing.T) {
	remembering(t, setup{}, func(r *rig, _ *notebook) {
		r.say("ada", "general", "", "hi")
		r.settle()
		r.fake.DeafenGateway(true)
		time.Sleep(2 * time.Minute)
		ahead := snowflake(time.Now().Add(48 * time.Hour))
		r.history(`[{"id":"` + ahead + `","type":0,"author":{"id":"4","username":"zoe"},"content":"x"}]`)
		r.pass(6 * time.Hour)
		if n := r.bot.Deaf(); n != 1 {
			t.Errorf("deaf %d times", n)
		}
	})
}
