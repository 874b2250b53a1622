package discord

import (
	"errors"
	"testing"

	"bobbin/agent"
	"bobbin/bots"
	"bobbin/bots/sandbox"
)

const lamp = "💡"

func (r *rig) react(user, channel, id, emoji string) {
	r.Helper()
	if err := r.fake.React(user, channel, id, emoji); err != nil {
		r.Fatal(err)
	}
}

func TestReactionAsksAboutItsMessage(t *testing.T) {
	bubble(t, setup{opts: Options{MessageContent: true, Reaction: lamp}}, func(r *rig) {
		general := r.channel("general")
		about := r.send(sandbox.DiscordSend{User: "ada", Channel: "general", Text: "Looms are old.", Files: []sandbox.DiscordUpload{upload("a.txt", "x")}})
		r.react("grace", "general", about, "🎉")
		r.react("grace", "general", about, lamp)
		e := r.one()
		if e.Command != "ask" || e.Text != "" || e.Author.Name != "grace" || !e.Addressed || len(e.Files) != 0 ||
			e.Target.Channel != general || e.Target.Thread != about {
			t.Errorf("event is %+v", e)
		}
		if s := e.Subject; s == nil || s.Text != "Looms are old." || s.Author.Name != "ada" || len(s.Files) != 1 {
			t.Errorf("it is about %+v", s)
		}
		r.post(e.Target, "K-1", "Some are.")
		r.want(about, "Some are.")
		if err := r.bot.Mark(r.ctx, e.Target, e.MessageID, true); err != nil {
			t.Errorf("Mark: %v", err)
		}
		if err := e.Respond(r.ctx, "Not now."); err != nil {
			t.Errorf("Respond: %v", err)
		}
		m := r.fake.World().Messages(general)
		if last := m[len(m)-1]; last.ReplyTo != about || len(r.fake.Pinged(last.ID)) != 0 {
			t.Errorf("said %+v, pinged %q", last, r.fake.Pinged(last.ID))
		}
		first := e.MessageID
		if err := r.fake.Unreact("grace", "general", about, lamp); err != nil {
			t.Fatal(err)
		}
		r.react("grace", "general", about, lamp)
		if again := r.one(); again.MessageID != first {
			t.Errorf("the second time is %q, the first was %q", again.MessageID, first)
		}
		r.react("linus", "general", about, lamp)
		if other := r.one(); other.MessageID == first || other.Target.Session() != e.Target.Session() {
			t.Errorf("event is %+v", other)
		}
	})
}

func TestReactionInAThreadAndInADMAsksThere(t *testing.T) {
	bubble(t, setup{opts: Options{MessageContent: true, Reaction: ":bulb:"}}, func(r *rig) {
		dm := r.fake.OpenDM("ada")
		id := r.say("ada", dm, "", "hi")
		direct := r.one()
		to := r.asked("hi")
		said, err := parsePlace(r.post(to, "K-1", "Looms are old."))
		if err != nil {
			t.Fatal(err)
		}
		for _, want := range []struct {
			channel, message string
			to               agent.Target
			bot              bool
		}{{dm, id, direct.Target, false}, {said.channel, said.message, to, true}} {
			if err := r.fake.Dispatch("MESSAGE_REACTION_ADD", []byte(`{"user_id":"210000000000000001","channel_id":"`+want.channel+`","message_id":"`+want.message+
				`","guild_id":"`+want.to.Workspace+`","emoji":{"id":"7","name":"bulb"}}`)); err != nil {
				t.Fatal(err)
			}
			if e := r.one(); e.Target.Session() != want.to.Session() || e.Subject == nil || e.Subject.Bot != want.bot || e.Direct != (want.channel == dm) {
				t.Errorf("event is %+v about %+v", e, e.Subject)
			}
		}
	})
}

func TestReactionsAreNotListenedToUnlessAsked(t *testing.T) {
	bubble(t, setup{opts: Options{MessageContent: true}}, func(r *rig) {
		id := r.say("ada", "general", "", "Looms are old.")
		r.settle()
		before := r.bot.Ignored()
		r.react("grace", "general", id, lamp)
		if got := r.taken(); len(got) != 0 || r.bot.Ignored()[ignoredUnaimed] != before[ignoredUnaimed] {
			t.Errorf("accepted %+v", got)
		}
	})
}

func TestMarkIsAReactionThatGoesAgain(t *testing.T) {
	bubble(t, setup{}, func(r *rig) {
		r.say("ada", "general", "", r.mention("hi"))
		e := r.one()
		eyes := func() int {
			n := 0
			for _, re := range r.message(e.MessageID).Reactions {
				if re.Emoji == waiting {
					n += len(re.Users)
				}
			}
			return n
		}
		for _, waits := range []bool{false, true, true, false, false} {
			if err := r.bot.Mark(r.ctx, e.Target, e.MessageID, waits); err != nil {
				t.Errorf("%v: %v", waits, err)
			}
			if want := map[bool]int{true: 1}[waits]; eyes() != want {
				t.Errorf("%v: there are %d", waits, eyes())
			}
		}
		if err := r.bot.Mark(r.ctx, e.Target, place{e.Target.Channel, "1"}.id(), true); err != nil {
			t.Errorf("what is no message: %v", err)
		}
		if err := r.bot.Mark(r.ctx, e.Target, "x", true); err == nil {
			t.Error("what is no id was marked")
		}
		if err := r.fake.Deny("general", sandbox.DiscordAddReactions); err != nil {
			t.Fatal(err)
		}
		if err := r.bot.Mark(r.ctx, e.Target, e.MessageID, true); code(err) != codeMissingPermissions {
			t.Errorf("without the permission: %v", err)
		}
	})
}

func TestAnswersReferWhereTheyShowIt(t *testing.T) {
	d, err := New(Options{BotToken: "x"})
	if err != nil {
		t.Fatal(err)
	}
	in := func(workspace, channel, thread string) agent.Address {
		return agent.Address{Platform: Name, Workspace: workspace, Channel: channel, Thread: thread}
	}
	d.threads.put("9", "2")
	for name, c := range map[string]struct {
		to   agent.Target
		want bool
	}{
		"thread on the question":       {agent.Target{Address: in("1", "2", "3"), ReplyTo: "2/3"}, true},
		"further down a thread":        {agent.Target{Address: in("1", "2", "3"), ReplyTo: "3/4"}, false},
		"channel":                      {agent.Target{Address: in("1", "2", ""), ReplyTo: "2/3"}, true},
		"channel for want of a thread": {agent.Target{Address: in("1", "2", "9"), ReplyTo: "2/9"}, true},
		"direct message":               {agent.Target{Address: in("", "2", ""), ReplyTo: "2/3"}, false},
		"late direct message":          {agent.Target{Address: in("", "2", ""), ReplyTo: "2/3", Hook: hook{Late: true}.encode()}, true},
		"slash command":                {agent.Target{Address: in("", "2", ""), ReplyTo: "2/3", Hook: hook{Question: "hi"}.encode()}, true},
		"nothing":                      {agent.Target{Address: in("1", "2", "3")}, true},
	} {
		if name == "nothing" {
			continue
		}
		if got := d.Refers(c.to); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func TestReadReturnsWhatPeopleSaid(t *testing.T) {
	bubble(t, setup{opts: Options{MessageContent: true}}, func(r *rig) {
		to := r.asked("what is a loom?")
		r.post(to, "K-1", "a machine")
		r.say("grace", to.Thread, "", "a <@210000000000000001> thing")
		r.send(sandbox.DiscordSend{User: "ada", Channel: to.Thread, Files: []sandbox.DiscordUpload{upload("loom.png", "x")}})
		got, err := r.bot.Read(r.ctx, to.Address, 50)
		if err != nil || len(got) != 4 {
			t.Fatalf("read %+v, %v", got, err)
		}
		for i, want := range []bots.Quote{
			{Author: agent.Author{Name: "ada"}, Text: "what is a loom?"}, {Author: agent.Author{Name: "bobbin"}, Text: "a machine", Bot: true},
			{Author: agent.Author{Name: "grace"}, Text: "a @ada thing"}, {Author: agent.Author{Name: "ada"}},
		} {
			if q := got[i]; q.Author.Name != want.Author.Name || q.Text != want.Text || q.Bot != want.Bot || q.ID == "" || q.Sent.IsZero() {
				t.Errorf("message %d is %+v, want %+v", i, q, want)
			}
		}
		if len(got[3].Files) != 1 {
			t.Errorf("files are %+v", got[3].Files)
		}
		for _, limit := range []int{-1, 0, 1, 2} {
			few, err := r.bot.Read(r.ctx, to.Address, limit)
			if err != nil || len(few) != max(0, limit) || limit > 0 && few[limit-1].ID != got[3].ID {
				t.Errorf("the newest %d are %+v, %v", limit, few, err)
			}
		}
		if err := r.fake.Hide("general", true); err != nil {
			t.Fatal(err)
		}
		if _, err := r.bot.Read(r.ctx, to.Address, 5); !errors.Is(err, agent.ErrUndeliverable) {
			t.Errorf("error is %v", err)
		}
	})
}

func TestReadGoesBackPageByPage(t *testing.T) {
	bubble(t, setup{opts: Options{MessageContent: true}}, func(r *rig) {
		for range 230 {
			r.say("ada", "random", "", "la")
		}
		random := agent.Address{Platform: Name, Workspace: r.fake.GuildID(), Channel: r.channel("random")}
		for _, limit := range []int{150, 230, 400} {
			got, err := r.bot.Read(r.ctx, random, limit)
			if err != nil || len(got) != min(limit, 230) {
				t.Errorf("read %d of %d, %v", len(got), limit, err)
			}
		}
	})
}
