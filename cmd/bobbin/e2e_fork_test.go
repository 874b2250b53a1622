package main

import (
	"strings"
	"testing"

	"bobbin/bots"
	"bobbin/bots/sandbox"
)

// has fails the test unless the model was told all of want and nothing of not.
func (r *rig) has(what string, want, not []string) {
	r.Helper()
	told := r.told()
	for _, w := range want {
		if !strings.Contains(told, w) {
			r.Errorf("%s: %q is missing in what the model is told:\n%s", what, w, told)
		}
	}
	for _, n := range not {
		if strings.Contains(told, n) {
			r.Errorf("%s: %q is in what the model is told:\n%s", what, n, told)
		}
	}
}

// threads returns the newest thread on Discord.
func (r *rig) newestThread() (t sandbox.Channel) {
	for _, c := range r.discord.World().Channels() {
		if c.Parent != "" && c.ID > t.ID {
			t = c
		}
	}
	return t
}

// forkOf returns the newest message of a channel on Slack below which a fork goes on.
func (r *rig) forkOf(channel string) (fork sandbox.Message) {
	r.Helper()
	for _, m := range r.answers(r.slack.World().Messages(channel)) {
		if strings.Contains(shown(m), "goes on here") && (m.Thread == "" || m.Thread == m.ID) {
			fork = m
		}
	}
	if fork.ID == "" {
		r.Fatal("nothing was forked")
	}
	return fork
}

func TestForkGoesOnInANewThreadOnSlack(t *testing.T) {
	bubble(t, setup{}, func(r *rig) {
		root := r.say(ada, general, "", "<@"+r.slack.Options().Bot.ID+"> the password is swordfish")
		r.settle()
		r.say(grace, general, root, "!fork")
		r.settle()
		told := r.whispers(general, grace)
		if len(told) != 1 || !strings.Contains(told[0], "I opened") || !strings.Contains(told[0], "archives/"+general+"/p") {
			t.Fatalf("grace is told %q", told)
		}
		fork := r.forkOf(general)
		if !strings.Contains(shown(fork), "Grace") || !strings.Contains(shown(fork), "goes on here from an earlier conversation") {
			t.Fatalf("the fork begins with %s", dump([]sandbox.Message{fork}))
		}
		r.say(ada, general, root, "the colour is red")
		r.settle()
		r.restart()
		r.say(grace, general, fork.ID, "what is it?")
		r.settle()
		r.one(r.thread(general, fork.ID))
		r.has("in the fork", []string{"[Ada] the password is swordfish", "[Grace] what is it?"}, []string{"colour"})
		r.say(ada, general, root, "and now?")
		r.settle()
		r.has("where it comes from", []string{"swordfish", "colour"}, []string{"what is it?"})
	})
}

func TestForkGoesOnInANewThreadOnDiscord(t *testing.T) {
	bubble(t, setup{}, func(r *rig) {
		first := r.mention("ada", "the password is swordfish")
		r.settle()
		answer := r.one(r.inD(first))
		r.sayD("ada", first, "", "the colour is red")
		r.settle()
		if err := r.discord.Command("grace", first, "fork", nil); err != nil {
			t.Fatal(err)
		}
		r.settle()
		fork := r.newestThread()
		if fork.ID == first || !strings.Contains(fork.Name, "password") {
			t.Fatalf("the newest thread is %+v", fork)
		}
		if ms := r.answers(r.inD("general")); len(ms) != 1 || ms[0].ID != fork.ID || !strings.Contains(ms[0].Text, "**grace** goes on here") {
			t.Errorf("in the channel stands %s", dump(ms))
		}
		r.sayD("grace", fork.ID, "", "what is it?")
		r.settle()
		r.has("in the fork", []string{"swordfish", "colour", "[grace] what is it?"}, nil)

		r.sayD("ada", first, answer.ID, "!fork")
		r.settle()
		ms := r.answers(r.inD(first))
		if said := ms[len(ms)-1]; !strings.Contains(said.Text, "/"+r.newestThread().ID) {
			t.Errorf("ada is told %s", said.Text)
		}
		r.sayD("ada", r.newestThread().ID, "", "and from the first answer?")
		r.settle()
		r.has("from an answer", []string{"swordfish"}, []string{"colour"})
	})
}

func TestForkSaysWhyThereIsNone(t *testing.T) {
	bubble(t, setup{}, func(r *rig) {
		if err := r.slack.Command(ada, general, "/bobbin", "fork"); err != nil {
			t.Fatal(err)
		}
		r.settle()
		if told := r.whispers(general, ada); len(told) != 1 || !strings.Contains(told[0], "There is no conversation here") {
			t.Errorf("ada is told %q", told)
		}
		dm := r.discord.OpenDM("ada")
		r.sayD("ada", dm, "", "hello")
		r.settle()
		r.sayD("ada", dm, "", "!fork")
		r.settle()
		ms := r.answers(r.inD(dm))
		r.shows(ms[len(ms)-1], "Discord has no threads in direct messages")

		first := r.mention("ada", "hello")
		r.settle()
		before := len(r.answers(r.inD("general")))
		r.discord.Inject(sandbox.DiscordFault{Route: "POST /channels/{channel}/messages/{message}/threads", Status: 403, Body: `{"code":50013,"message":"Missing Permissions"}`, Times: -1})
		r.sayD("ada", first, "", "!fork")
		r.settle()
		ms = r.answers(r.inD(first))
		r.shows(ms[len(ms)-1], "I cannot open a thread here", "Create Public Threads")
		if n := len(r.answers(r.inD("general"))); n != before {
			t.Errorf("%d messages of a thread that could not be opened stand in the channel", n-before)
		}
	})
}

func TestForkOfADirectMessageOnSlackStaysThere(t *testing.T) {
	bubble(t, setup{}, func(r *rig) {
		dm := r.slack.OpenDM(ada)
		r.say(ada, dm, "", "the password is swordfish")
		r.settle()
		if err := r.slack.Command(ada, dm, "/bobbin", "fork"); err != nil {
			t.Fatal(err)
		}
		r.settle()
		fork := r.forkOf(dm)
		r.say(ada, dm, fork.ID, "what is it?")
		r.settle()
		r.one(r.thread(dm, fork.ID))
		r.has("in the fork", []string{"swordfish"}, nil)
	})
}

func TestReplyToAnOlderAnswerOnDiscordStartsFromIt(t *testing.T) {
	for name, c := range map[string]struct {
		config   func(*Config)
		thread   bool // the fork stands in a thread
		noThread bool // bobbin may not open any
	}{
		"a channel's conversation": {config: func(c *Config) { c.Discord.Session = "channel" }, thread: true},
		"a person's conversation":  {config: func(c *Config) { c.Discord.Session = "user" }, thread: true},
		"threads are off":          {config: func(c *Config) { c.Discord.Threads = "never" }},
		"threads cannot be opened": {config: func(*Config) {}, noThread: true},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, setup{config: c.config}, func(r *rig) {
				if c.noThread {
					r.discord.Inject(sandbox.DiscordFault{Route: "POST /channels/{channel}/messages/{message}/threads", Status: 403, Body: `{"code":50013,"message":"Missing Permissions"}`, Times: -1})
				}
				ask := func(replyTo, text string) sandbox.Message {
					t.Helper()
					if replyTo == "" {
						text = "<@" + r.discord.BotID() + "> " + text
					}
					asked := r.sayD("ada", "general", replyTo, text)
					r.settle()
					if in := r.inD(asked); len(in) > 0 {
						return r.one(in)
					}
					ms := r.answers(r.inD("general"))
					return ms[len(ms)-1]
				}
				first := ask("", "the password is swordfish")
				ask(first.ID, "the colour is red")
				r.has("the newest answer", []string{"swordfish"}, nil)
				r.restart()
				forked := ask(first.ID, "what is it?")
				r.has("an older answer", []string{"swordfish", "what is it?"}, []string{"colour"})
				if got := forked.Channel != first.Channel; got != c.thread {
					t.Errorf("the answer stands in a thread: %v", got)
				}
				r.restart()
				if c.thread {
					r.sayD("grace", forked.Channel, "", "and then?")
					r.settle()
				} else {
					ask(forked.ID, "and then?")
				}
				r.has("in the fork", []string{"swordfish", "what is it?", "and then?"}, []string{"colour"})
				if !c.noThread {
					ask("", "where were we?")
					r.has("where it comes from", []string{"swordfish", "colour"}, []string{"what is it?", "and then?"})
				}
			})
		})
	}
}

func TestReplyToSomebodyElsesAnswerStartsFromIt(t *testing.T) {
	bubble(t, setup{config: func(c *Config) { c.Discord.Session = "user" }}, func(r *rig) {
		r.mention("ada", "the password is swordfish")
		r.settle()
		answer := r.one(r.inD("general"))
		r.mention("grace", "the colour is red")
		r.settle()
		asked := r.sayD("grace", "general", answer.ID, "what is it?")
		r.settle()
		r.one(r.inD(asked))
		r.has("in the fork", []string{"[ada] the password is swordfish", "[grace] what is it?"}, []string{"colour"})
		r.mention("ada", "go on")
		r.settle()
		r.has("ada's own", []string{"swordfish"}, []string{"what is it?"})
	})
}

func TestAThreadBelowAnAnswerStartsFromIt(t *testing.T) {
	config := func(c *Config) { c.Slack.Session, c.Discord.Session = string(bots.PerChannel), string(bots.PerChannel) }
	bubble(t, setup{config: config}, func(r *rig) {
		bot := "<@" + r.slack.Options().Bot.ID + "> "
		r.say(ada, general, "", bot+"the password is swordfish")
		r.settle()
		answer := r.one(r.slack.World().Messages(general))
		r.say(ada, general, "", bot+"the colour is red")
		r.settle()
		r.restart()
		r.say(grace, general, answer.ID, "what is it?")
		r.settle()
		r.one(r.thread(general, answer.ID))
		r.has("in a thread on Slack", []string{"[Ada] the password is swordfish", "[Grace] what is it?"}, []string{"colour"})
		r.say(grace, general, answer.ID, "and then?")
		r.settle()
		r.has("further in it", []string{"swordfish", "what is it?", "and then?"}, []string{"colour"})

		r.mention("ada", "the password is swordfish")
		r.settle()
		m := r.one(r.inD("general"))
		r.mention("ada", "the colour is red")
		r.settle()
		thread, err := r.discord.StartThread("grace", "general", m.ID, "aside")
		if err != nil {
			t.Fatal(err)
		}
		r.sayD("grace", thread, "", "what is it?")
		r.settle()
		r.one(r.inD(thread))
		r.has("in a thread on Discord", []string{"[ada] the password is swordfish", "[grace] what is it?"}, []string{"colour"})
	})
}

func TestAReplyThatIsEditedKeepsItsConversation(t *testing.T) {
	bubble(t, setup{config: func(c *Config) { c.Discord.Threads = "never" }}, func(r *rig) {
		r.mention("ada", "the password is swordfish")
		r.settle()
		answer := r.one(r.inD("general"))
		asked := r.sayD("ada", "general", answer.ID, "the colour is red")
		r.settle()
		before := len(r.answers(r.inD("general")))
		r.restart()
		if err := r.discord.Edit("ada", "general", asked, "the colour is blue"); err != nil {
			t.Fatal(err)
		}
		r.settle()
		r.has("an edit", []string{"swordfish", "the colour is blue"}, []string{"red"})
		if n := len(r.answers(r.inD("general"))); n != before {
			t.Errorf("%d answers, %d before the edit", n, before)
		}
	})
}
