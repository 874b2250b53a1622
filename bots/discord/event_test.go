package discord

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"bobbin/agent"
	"bobbin/bots"
	"bobbin/bots/sandbox"
)

var withContent = setup{opts: Options{MessageContent: true}}

func TestMentionBelongsToTheThreadThatWillHangOnIt(t *testing.T) {
	bubble(t, setup{}, func(r *rig) {
		general := r.channel("general")
		id := r.say("ada", "general", "", r.mention("what is **spinning**?"))
		e := r.one()
		want := agent.Address{Platform: "discord", Workspace: r.fake.GuildID(), Channel: general, Thread: id}
		if e.Target.Address != want {
			t.Errorf("address is %+v, want %+v", e.Target.Address, want)
		}
		if !e.Addressed || e.Direct || e.Command != "" || e.Text != "what is **spinning**?" || e.Author.Name != "ada" {
			t.Errorf("event is %+v", e)
		}
		if e.EventID != id || e.MessageID != agent.MessageID(general+"/"+id) || e.Target.ReplyTo != e.MessageID || e.Target.Recipient != e.Author.ID {
			t.Errorf("ids are %+v", e)
		}
		if e.Sent.IsZero() {
			t.Error("Sent is zero")
		}
		if n := len(r.fake.World().Channels()); n != 2 {
			t.Error("the thread was opened before there was an answer")
		}
	})
}

func TestMentionBelongsToTheChannelWhereThreadsAreOff(t *testing.T) {
	bubble(t, setup{opts: Options{Threads: Never}}, func(r *rig) {
		r.say("ada", "general", "", r.mention("hi"))
		e := r.one()
		if e.Target.Thread != "" || e.Target.Channel != r.channel("general") {
			t.Errorf("address is %+v", e.Target.Address)
		}
		id := r.post(e.Target, "K-1", "hello")
		if m := r.message(id); m.ReplyTo != e.EventID || m.Channel != r.channel("general") {
			t.Errorf("posted %+v", m)
		}
	})
}

func TestDirectMessageIsItsOwnSession(t *testing.T) {
	bubble(t, setup{}, func(r *rig) {
		dm := r.fake.OpenDM("ada")
		r.say("ada", dm, "", "hello you")
		e := r.one()
		if want := (agent.Address{Platform: "discord", Channel: dm}); e.Target.Address != want || !e.Direct || !e.Addressed || e.Text != "hello you" {
			t.Errorf("event is %+v", e)
		}
		id := r.post(e.Target, "K-1", "hello")
		if m := r.message(id); m.Channel != dm || m.ReplyTo != "" {
			t.Errorf("posted %+v", m)
		}
	})
}

func TestThreadMessagesBelongToTheThread(t *testing.T) {
	bubble(t, withContent, func(r *rig) {
		general := r.channel("general")
		root := r.say("ada", "general", "", r.mention("hi"))
		first := r.one()
		r.post(first.Target, "K-1", "hello")
		r.say("grace", root, "", "and me?")
		e := r.one()
		if e.Target.Session() != first.Target.Session() {
			t.Errorf("session is %q, want %q", e.Target.Session(), first.Target.Session())
		}
		if e.Addressed {
			t.Error("a follow-up without mention is addressed")
		}
		id := r.post(e.Target, "K-2", "you too")
		if m := r.message(id); m.Channel != root {
			t.Errorf("posted in %s, want %s (channel is %s)", m.Channel, root, general)
		}
	})
}

func TestThreadIsLookedUpOnceWhereItsOpeningWasNotSeen(t *testing.T) {
	bubble(t, withContent, func(r *rig) {
		thread, err := r.fake.StartThread("ada", "general", "", "spindles")
		if err != nil {
			t.Fatal(err)
		}
		r.settle()
		forget(r.bot.channels)
		r.say("ada", thread, "", "one")
		r.say("ada", thread, "", r.mention("two"))
		got := r.taken()
		if len(got) != 2 || got[0].Addressed || !got[1].Addressed {
			t.Fatalf("accepted %+v", got)
		}
		for _, e := range got {
			if e.Target.Thread != thread || e.Target.Channel != r.channel("general") {
				t.Errorf("address is %+v", e.Target.Address)
			}
		}
		if n := r.fake.Calls("GET /channels/{channel}"); n != 1 {
			t.Errorf("looked up %d times", n)
		}
		if id := r.post(got[1].Target, "K-1", "yes"); r.message(id).Channel != thread {
			t.Errorf("posted at %s", id)
		}
		if n := r.fake.Calls(fakeThreads); n != 0 {
			t.Errorf("tried %d times to open a thread that is there", n)
		}
	})
}

func TestReplyToBobbinIsAddressed(t *testing.T) {
	for _, ping := range []bool{true, false} {
		t.Run(fmt.Sprint("ping ", ping), func(t *testing.T) {
			bubble(t, setup{opts: Options{MessageContent: true, Threads: Never}}, func(r *rig) {
				r.say("ada", "general", "", r.mention("hi"))
				answer, _ := parsePlace(r.post(r.one().Target, "K-1", "hello"))
				if _, err := r.fake.Send(sandbox.DiscordSend{User: "grace", Channel: "general", ReplyTo: answer.message, Text: "why?", NoPing: !ping}); err != nil {
					t.Fatal(err)
				}
				if e := r.one(); !e.Addressed || e.Text != "why?" || e.Target.Thread != "" {
					t.Errorf("event is %+v", e)
				}
			})
		})
	}
}

func TestReplyToAnAnswerInTheChannelOpensItsOwnThread(t *testing.T) {
	bubble(t, withContent, func(r *rig) {
		r.say("ada", "general", "", r.mention("hi"))
		e := r.one()
		note := func() string {
			if err := e.Respond(r.ctx, "not now"); err != nil {
				t.Fatal(err)
			}
			m := r.fake.World().Messages(r.channel("general"))
			return m[len(m)-1].ID
		}()
		id := r.say("ada", "general", note, "then when?")
		if e := r.one(); e.Target.Thread != id {
			t.Errorf("thread is %q, want %q", e.Target.Thread, id)
		}
	})
}

func TestReplyToAnAnswerSaysWhichAndWhereItWouldBranchOff(t *testing.T) {
	for name, c := range map[string]struct {
		opts   Options
		thread bool // the reply begins one
	}{
		"a thread for each":     {withContent.opts, true},
		"threads are off":       {Options{MessageContent: true, Threads: Never}, false},
		"one for the channel":   {Options{MessageContent: true, Channels: bots.Channels{Default: bots.Rules{Session: bots.PerChannel}}}, false},
		"one for each person":   {Options{MessageContent: true, Channels: bots.Channels{Default: bots.Rules{Session: bots.PerUser}}}, false},
		"whatever threads says": {Options{MessageContent: true, Threads: Always, Channels: bots.Channels{Default: bots.Rules{Session: bots.PerUser}}}, false},
	} {
		bubble(t, setup{opts: c.opts}, func(r *rig) {
			r.noThreads()
			r.say("ada", "general", "", r.mention("hi"))
			at := r.one().Target
			if c.thread {
				at.Thread = ""
			}
			answer := r.post(at, "K-1", "hello")
			next := r.say("ada", "general", messageOf(answer), "and then?")
			e := r.one()
			if e.Reply == nil || e.Reply.To != answer || e.Reply.Branch == nil || e.Reply.Branch.Thread != next || e.Reply.Branch.User != "" ||
				e.Reply.Branch.ReplyTo != e.MessageID || parseHook(e.Reply.Branch.Hook).Title != "and then?" {
				t.Errorf("%s: reply is %+v", name, e.Reply)
			}
			if begins := e.Target.Thread == next; begins != c.thread || !begins && e.Target.Thread != "" {
				t.Errorf("%s: address is %+v", name, e.Target.Address)
			}
		})
	}
}

func TestReplyInAThreadBranchesOffNowhere(t *testing.T) {
	bubble(t, withContent, func(r *rig) {
		to := r.asked("hi")
		answer := r.post(to, "K-1", "hello")
		r.say("ada", to.Thread, messageOf(answer), "and then?")
		if e := r.one(); e.Reply == nil || e.Reply.To != answer || e.Reply.Branch != nil {
			t.Errorf("reply is %+v", e.Reply)
		}
		r.say("ada", to.Thread, "", "and then?")
		if e := r.one(); e.Reply == nil || e.Reply.To != (place{to.Channel, to.Thread}).id() || e.Reply.Branch != nil {
			t.Errorf("in a thread below a message it is %+v", e.Reply)
		}
	})
}

func TestChannelsSayWhoSharesAConversation(t *testing.T) {
	rules := bots.Channels{Default: bots.Rules{Session: bots.PerUser}, Special: map[string]bots.Rules{}}
	bubble(t, setup{opts: Options{MessageContent: true, Channels: rules}}, func(r *rig) {
		rules.Special[r.channel("random")] = bots.Rules{Session: bots.PerChannel}
		at := func(where, who string) agent.Address {
			r.say(who, where, "", r.mention("hi"))
			return r.one().Target.Address
		}
		ada, grace := at("general", "ada"), at("general", "grace")
		if ada.User == "" || ada.Thread != "" || ada.User == grace.User || ada.Channel != grace.Channel {
			t.Errorf("ada is in %+v, grace in %+v", ada, grace)
		}
		r.command("general", "ask", ask("hi"))
		if e := r.one(); e.Target.Address != ada {
			t.Errorf("a command is in %+v, want %+v", e.Target.Address, ada)
		}
		r.command("general", "reset", nil)
		if e := r.one(); e.Target.Address != ada {
			t.Errorf("a reset is in %+v, want %+v", e.Target.Address, ada)
		}
		if a, g := at("random", "ada"), at("random", "grace"); a != g || a.User+a.Thread != "" {
			t.Errorf("where all share one: %+v and %+v", a, g)
		}
		dm := r.fake.OpenDM("ada")
		r.say("ada", dm, "", "hello")
		if e := r.one(); e.Target.Address != (agent.Address{Platform: Name, Channel: dm}) {
			t.Errorf("a DM is in %+v", e.Target.Address)
		}
	})
}

func TestWhatIsNotForBobbinIsIgnoredAndCounted(t *testing.T) {
	bubble(t, withContent, func(r *rig) {
		r.say("ada", "general", "", "nobody in particular")
		r.say("ada", "general", "", "@everyone look")
		r.fake.AddUser("robot", true)
		r.say("robot", "general", "", r.mention("beep"))
		first := r.say("ada", "general", "", "grace?")
		r.say("grace", "general", first, "yes")
		r.post(agent.Target{Address: agent.Address{Platform: Name, Workspace: r.fake.GuildID(), Channel: r.channel("general")}}, "K-1", r.mention("me"))
		raw := func(extra string) {
			d := fmt.Sprintf(`{"id":"9","channel_id":%q,"guild_id":%q,"author":{"id":"4"},"content":"x","mentions":[{"id":%q}],%s}`, r.channel("general"), r.fake.GuildID(), r.fake.BotID(), extra)
			if err := r.fake.Dispatch("MESSAGE_CREATE", json.RawMessage(d)); err != nil {
				t.Fatal(err)
			}
		}
		raw(`"webhook_id":"77"`)
		raw(`"type":7`)
		raw(`"type":6`)
		if got := r.taken(); len(got) != 0 {
			t.Errorf("accepted %+v", got)
		}
		n := r.bot.Ignored()
		want := map[string]uint64{ignoredUnaimed: 4, ignoredBot: 2, ignoredOwn: 1, ignoredSystem: 2}
		for why, w := range want {
			if n[why] != w {
				t.Errorf("%s: counted %d, want %d", why, n[why], w)
			}
		}
		if r.fake.Calls("GET /channels/{channel}") != 0 {
			t.Error("channels that the guild told of were looked up")
		}
	})
}

func TestWithoutTheIntentUnaddressedMessagesAreEmptyAndIgnored(t *testing.T) {
	bubble(t, setup{}, func(r *rig) {
		root := r.say("ada", "general", "", r.mention("hi"))
		r.post(r.one().Target, "K-1", "hello")
		r.say("ada", root, "", "follow-up")
		if got := r.taken(); len(got) != 0 {
			t.Errorf("accepted %+v", got)
		}
		if n := r.bot.Ignored()[ignoredEmpty]; n < 1 {
			t.Error("not counted")
		}
		r.say("ada", root, "", r.mention("follow-up"))
		if e := r.one(); e.Text != "follow-up" || e.Target.Thread != root {
			t.Errorf("event is %+v", e)
		}
	})
}

// A message is not lost because a part of it is new to the client library.
func TestMessageWithUnknownPartsIsRead(t *testing.T) {
	bubble(t, setup{}, func(r *rig) {
		d := fmt.Sprintf(`{"id":"300000000000099999","channel_id":%q,"guild_id":%q,"type":0,"author":{"id":"4","username":"zoe","global_name":"Zoe"},
			"member":{"nick":"Z"},"content":"<@!%[3]s> hi","mentions":[{"id":%[3]q}],"components":[{"type":99,"x":{}}],"embeds":"?","poll":7}`,
			r.channel("general"), r.fake.GuildID(), r.fake.BotID())
		if err := r.fake.Dispatch("MESSAGE_CREATE", json.RawMessage(d)); err != nil {
			t.Fatal(err)
		}
		if e := r.one(); e.Text != "hi" || e.Author.Name != "Z" {
			t.Errorf("event is %+v", e)
		}
	})
}

func TestRoleOfTheBotMentionsIt(t *testing.T) {
	bubble(t, setup{}, func(r *rig) {
		guild := fmt.Sprintf(`{"id":%q,"roles":[{"id":"41"},{"id":"42","tags":{"bot_id":%q}}]}`, r.fake.GuildID(), r.fake.BotID())
		d := fmt.Sprintf(`{"id":"300000000000099999","channel_id":%q,"guild_id":%q,"author":{"id":"4","username":"zoe"},"content":"<@&42> hi <@&41>","mention_roles":["42"]}`,
			r.channel("general"), r.fake.GuildID())
		for event, data := range map[string]string{"GUILD_CREATE": guild} {
			if err := r.fake.Dispatch(event, json.RawMessage(data)); err != nil {
				t.Fatal(err)
			}
		}
		if err := r.fake.Dispatch("MESSAGE_CREATE", json.RawMessage(d)); err != nil {
			t.Fatal(err)
		}
		if e := r.one(); !e.Addressed || e.Text != "hi <@&41>" {
			t.Errorf("event is %+v", e)
		}
	})
}

func TestChannelWithoutThreadsIsTheSession(t *testing.T) {
	voice := func(r *rig, id string) {
		if err := r.fake.Dispatch("CHANNEL_UPDATE", json.RawMessage(fmt.Sprintf(`{"id":%q,"type":2,"name":"voice"}`, id))); err != nil {
			r.Fatal(err)
		}
	}
	bubble(t, setup{}, func(r *rig) {
		voice(r, r.channel("general"))
		r.say("ada", "general", "", r.mention("hi"))
		if e := r.one(); e.Target.Thread != "" {
			t.Errorf("address is %+v", e.Target.Address)
		}
	})
	bubble(t, setup{opts: Options{Threads: Always}}, func(r *rig) {
		voice(r, r.channel("general"))
		r.say("ada", "general", "", r.mention("hi"))
		time.Sleep(time.Second)
		if got := r.taken(); len(got) != 0 {
			t.Errorf("accepted %+v", got)
		}
		if got := r.shows(r.channel("general")); len(got) != 1 {
			t.Errorf("channel shows %q", got)
		}
	})
}

func TestRedeliveredMessageHasTheSameIDs(t *testing.T) {
	bubble(t, setup{}, func(r *rig) {
		id := r.say("ada", "general", "", r.mention("hi"))
		a := r.one()
		if err := r.fake.Redeliver(id); err != nil {
			t.Fatal(err)
		}
		if b := r.one(); a.EventID != b.EventID || a.MessageID != b.MessageID || a.Target != b.Target {
			t.Errorf("first %+v, then %+v", a, b)
		}
	})
}
