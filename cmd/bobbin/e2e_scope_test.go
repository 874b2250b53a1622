package main

import (
	"strings"
	"testing"
	"time"

	"bobbin/bots"
	"bobbin/bots/sandbox"
)

// talk is a channel in which people mention bobbin, on either platform.
type talk struct {
	*rig
	name string
	say  func(user, text string) (id string) // a mention
	all  func() []sandbox.Message
}

func (k talk) newest() sandbox.Message {
	k.Helper()
	ms := k.answers(k.all())
	if len(ms) == 0 {
		k.Fatalf("%s: bobbin has written nothing", k.name)
	}
	return ms[len(ms)-1]
}

// ask has a person ask, and returns what the model is told then.
func (k talk) ask(user, text string) string {
	k.Helper()
	k.say(user, text)
	k.settle()
	return k.told()
}

// inChannels runs test in a channel of each platform, with the sessions of all channels as
// they are told to be.
func inChannels(t *testing.T, scope bots.Scope, also func(*Config), test func(k talk)) {
	t.Helper()
	config := func(c *Config) {
		c.Slack.Session, c.Discord.Session = string(scope), string(scope)
		c.Agent.Drain = time.Millisecond
		if also != nil {
			also(c)
		}
	}
	bubble(t, setup{config: config}, func(r *rig) {
		test(talk{
			rig: r, name: "slack",
			say: func(user, text string) string {
				return r.say("U0"+strings.ToUpper(user), general, "", "<@"+r.slack.Options().Bot.ID+"> "+text)
			},
			all: func() []sandbox.Message { return r.slack.World().Messages(general) },
		})
		test(talk{rig: r, name: "discord", say: r.mention, all: func() []sandbox.Message { return r.inD("general") }})
	})
}

func TestAChannelsConversationIsSharedByAllInIt(t *testing.T) {
	inChannels(t, bots.PerChannel, nil, func(k talk) {
		k.ask("ada", "the password is swordfish")
		if m := k.newest(); m.Thread != "" {
			k.Errorf("%s: answered in a thread: %s", k.name, dump(k.all()))
		}
		if told := k.ask("grace", "what is the password?"); !strings.Contains(told, "[Ada] the password is swordfish") && !strings.Contains(told, "[ada] the password is swordfish") {
			k.Errorf("%s: grace's question comes with:\n%s", k.name, told)
		}
		k.restart()
		if told := k.ask("ada", "and now?"); !strings.Contains(told, "swordfish") || !strings.Contains(told, "what is the password?") {
			k.Errorf("%s: after a restart it comes with:\n%s", k.name, told)
		}
		if ms := k.answers(k.all()); len(ms) != 3 {
			k.Errorf("%s: %d answers in the channel", k.name, len(ms))
		}
	})
}

func TestEachPersonsConversationIsTheirOwn(t *testing.T) {
	inChannels(t, bots.PerUser, nil, func(k talk) {
		k.ask("ada", "the password is swordfish")
		if told := k.ask("grace", "what is the password?"); strings.Contains(told, "swordfish") {
			k.Errorf("%s: grace's question comes with:\n%s", k.name, told)
		}
		k.restart()
		told := k.ask("ada", "and now?")
		if !strings.Contains(told, "user: the password is swordfish") || strings.Contains(told, "what is the password?") {
			k.Errorf("%s: ada's second question comes with:\n%s", k.name, told)
		}
	})
}

func TestCommandsActOnThePersonsOwnConversation(t *testing.T) {
	inChannels(t, bots.PerUser, nil, func(k talk) {
		for _, name := range []string{"ada", "grace"} {
			k.ask(name, "the password of "+name+" is swordfish")
		}
		k.ask("grace", "!reset")
		if told := k.ask("grace", "what is it?"); strings.Contains(told, "swordfish") {
			k.Errorf("%s: after her reset grace's question comes with:\n%s", k.name, told)
		}
		if k.name == "slack" {
			if err := k.slack.Command(ada, general, "/bobbin", "status"); err != nil {
				k.Fatal(err)
			}
			k.settle()
			if got := k.whispers(general, ada); len(got) == 0 || !strings.Contains(got[len(got)-1], "I know 2 entries") {
				k.Errorf("status is %q", got)
			}
		}
		if told := k.ask("ada", "what is it?"); !strings.Contains(told, "swordfish") {
			k.Errorf("%s: after the reset of grace, ada's question comes with:\n%s", k.name, told)
		}
	})
}

func TestOtherPeoplesButtonsAndEditsReachTheirConversation(t *testing.T) {
	also := func(c *Config) { c.Slack.Admins, c.Discord.Admins = []string{grace}, nil }
	inChannels(t, bots.PerUser, also, func(k talk) {
		if k.name == "discord" {
			for _, u := range k.discord.World().Users() {
				if u.Name == "grace" {
					k.daemon.intake.Admins["discord"] = []string{u.ID}
				}
			}
		}
		k.script(sandbox.AISays("A first answer."))
		k.ask("grace", "something else")
		asked := k.say("ada", "what is a bobbin?")
		k.settle()
		m := k.newest()
		k.script(sandbox.AISays("A second answer."))
		press := func() error { return k.slack.Press(grace, m.Channel, m.ID, "bobbin_retry") }
		edit := func(text string) error {
			return k.slack.Edit(ada, m.Channel, asked, "<@"+k.slack.Options().Bot.ID+"> "+text)
		}
		remove := func() error { return k.slack.Delete(ada, m.Channel, asked) }
		if k.name == "discord" {
			press = func() error { return k.discord.Press("grace", m.Channel, m.ID, "Try again") }
			edit = func(text string) error {
				return k.discord.Edit("ada", m.Channel, asked, "<@"+k.discord.BotID()+"> "+text)
			}
			remove = func() error { return k.discord.Delete("ada", m.Channel, asked) }
		}
		if err := press(); err != nil {
			k.Fatal(err)
		}
		k.settle()
		if now, _ := k.find(m); !strings.Contains(shown(now), "A second answer.") {
			k.Errorf("%s: an admin's “Try again” under ada's answer leaves %q", k.name, shown(now))
		}
		k.restart()
		k.script(sandbox.AISays("A third answer."))
		if err := edit("what is a spindle?"); err != nil {
			k.Fatal(err)
		}
		k.settle()
		if now, _ := k.find(m); !strings.Contains(shown(now), "A third answer.") {
			k.Errorf("%s: after an edit of the question its answer is %q", k.name, shown(now))
		}
		if err := remove(); err != nil {
			k.Fatal(err)
		}
		k.settle()
		if _, there := k.find(m); there {
			k.Errorf("%s: the answer to a deleted question stands", k.name)
		}
	})
}

// find returns a message as it is now.
func (k talk) find(m sandbox.Message) (sandbox.Message, bool) {
	for _, now := range k.all() {
		if now.ID == m.ID {
			return now, true
		}
	}
	return m, false
}

func TestAnAnswerInAChannelGoesOnInPlaceAfterARestart(t *testing.T) {
	for _, scope := range []bots.Scope{bots.PerChannel, bots.PerUser} {
		inChannels(t, scope, nil, func(k talk) {
			k.script(sandbox.AIReply{Pieces: []string{"The beginning, ", "and the rest."}, Delay: time.Second, Pace: time.Minute})
			k.say("ada", "tell me")
			k.eventually("the answer has begun", func() bool {
				ms := k.answers(k.all())
				return len(ms) > 0 && strings.Contains(shown(ms[len(ms)-1]), "The beginning")
			})
			before := k.newest()
			k.script(sandbox.AISays("The beginning, and the rest."))
			k.restart()
			k.settle()
			if m := k.newest(); m.ID != before.ID || !strings.Contains(shown(m), "and the rest.") {
				k.Errorf("%s, %s: it stands %q", k.name, scope, dump(k.answers(k.all())))
			}
		})
	}
}

func TestWhatWasMissedInAChannelIsAnsweredInItsConversation(t *testing.T) {
	for _, scope := range []bots.Scope{bots.PerChannel, bots.PerUser} {
		inChannels(t, scope, nil, func(k talk) {
			k.ask("ada", "the password is swordfish")
			k.halt()
			time.Sleep(time.Minute) // virtual
			k.say("ada", "what is it?")
			time.Sleep(time.Minute)
			k.start()
			k.eventually("the missed question is answered", func() bool { return len(k.answers(k.all())) == 2 })
			k.settle()
			if told := k.told(); !strings.Contains(told, "swordfish") || !strings.Contains(told, "what is it?") {
				k.Errorf("%s, %s: it comes with:\n%s", k.name, scope, told)
			}
		})
	}
}

func TestChannelsDifferAsConfigured(t *testing.T) {
	user, no := "user", false
	config := func(c *Config) {
		c.Slack.Channels = map[string]ChannelConfig{"C0RANDOM": {Session: &user}, general: {Follow: &no}}
	}
	bubble(t, setup{config: config}, func(r *rig) {
		bot := "<@" + r.slack.Options().Bot.ID + "> "
		root := r.say(ada, general, "", bot+"hello")
		r.settle()
		r.one(r.thread(general, root))
		r.say(ada, general, root, "and?")
		r.settle()
		r.one(r.thread(general, root)) // no follow here
		r.say(ada, general, root, bot+"and?")
		r.settle()
		if n := len(r.answers(r.thread(general, root))); n != 2 {
			t.Errorf("%d answers in the thread", n)
		}
		r.say(ada, "C0RANDOM", "", bot+"hello")
		r.settle()
		if m := r.one(r.slack.World().Messages("C0RANDOM")); m.Thread != "" {
			t.Errorf("answered in a thread: %s", dump([]sandbox.Message{m}))
		}
	})
}
