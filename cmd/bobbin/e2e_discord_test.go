package main

import (
	"fmt"
	"strings"
	"testing"

	"bobbin/bots/sandbox"
)

// mention has a person mention bobbin in #general on Discord, and returns the message.
func (r *rig) mention(user, text string) (id string) {
	r.Helper()
	return r.sayD(user, "general", "", "<@"+r.discord.BotID()+"> "+text)
}

// inD returns the messages of a channel, thread or DM on Discord, by id or name.
func (r *rig) inD(channel string) []sandbox.Message {
	for _, c := range r.discord.World().Channels() {
		if c.Name == channel {
			channel = c.ID
		}
	}
	return r.discord.World().Messages(channel)
}

func TestDiscordMentionOpensAThreadThatRemembers(t *testing.T) {
	bubble(t, setup{}, func(r *rig) {
		text := strings.Repeat("More of it. ", 40) + "The end."
		r.script(sandbox.AISays(text))
		first := r.mention("ada", "the password is swordfish")
		r.settle()
		if c, ok := r.discord.World().Channel(first); !ok || c.Parent == "" || !strings.Contains(c.Name, "password") {
			t.Fatalf("the message has no thread named after it: %+v", c)
		}
		if ms := r.answers(r.inD("general")); len(ms) > 0 {
			t.Errorf("bobbin wrote in the channel too: %s", dump(ms))
		}
		m := r.one(r.inD(first))
		if m.Text != text {
			t.Errorf("the answer is %q, want %q", m.Text, text)
		}
		if steps := states(r.discord.World(), m.ID); len(steps) < 3 {
			t.Errorf("the answer was shown in %d steps, want it to grow: %q", len(steps), steps)
		}

		r.sayD("grace", first, "", "what is the password?")
		r.settle()
		if n := len(r.answers(r.inD(first))); n != 2 {
			t.Errorf("there are %d answers in the thread, want 2", n)
		}
		if told := r.told(); !strings.Contains(told, "swordfish") {
			t.Errorf("the model has forgotten; it was told:\n%s", told)
		}
		second := r.mention("ada", "what is the password?")
		r.settle()
		r.one(r.inD(second))
		if told := r.told(); strings.Contains(told, "swordfish") {
			t.Errorf("another thread knows what was said in the first:\n%s", told)
		}
		if n := r.discord.Limited("PATCH /channels/{channel}/messages/{message}"); n > 0 {
			t.Errorf("Discord asked %d times to slow down", n)
		}
	})
}

func TestDiscordWithoutThreadsAnswersInTheChannel(t *testing.T) {
	config := func(c *Config) { c.Discord.Threads = "never" }
	bubble(t, setup{config: config}, func(r *rig) {
		asked := r.mention("ada", "the password is swordfish")
		r.settle()
		m := r.one(r.inD("general"))
		if m.ReplyTo != asked {
			t.Errorf("the answer refers to %q, want %q", m.ReplyTo, asked)
		}
		r.sayD("grace", "general", "", "what is the password?")
		r.settle()
		r.one(r.inD("general")) // what is said to others in the channel is left alone

		r.sayD("grace", "general", m.ID, "and to you: what is the password?")
		r.settle()
		if n := len(r.answers(r.inD("general"))); n != 2 {
			t.Errorf("there are %d answers, want 2: a reply to bobbin is for it", n)
		}
		if told := r.told(); !strings.Contains(told, "swordfish") {
			t.Errorf("the model has forgotten; it was told:\n%s", told)
		}
	})
}

func TestDiscordDirectMessagesAreOneConversation(t *testing.T) {
	bubble(t, setup{}, func(r *rig) {
		dm := r.discord.OpenDM("ada")
		r.sayD("ada", dm, "", "the password is swordfish")
		r.settle()
		r.sayD("ada", dm, "", "what is the password?")
		r.settle()
		if n := len(r.answers(r.inD(dm))); n != 2 {
			t.Errorf("there are %d answers, want 2", n)
		}
		if told := r.told(); !strings.Contains(told, "swordfish") {
			t.Errorf("the model has forgotten; it was told:\n%s", told)
		}
		if err := r.discord.Command("ada", dm, "reset", nil); err != nil {
			t.Fatal(err)
		}
		r.sayD("ada", dm, "", "what is the password?")
		r.settle()
		if told := r.told(); strings.Contains(told, "swordfish") {
			t.Errorf("after /reset the model is told:\n%s", told)
		}
	})
}

func TestDiscordAskPutsTheQuestionUpAndAnswersBelowIt(t *testing.T) {
	bubble(t, setup{}, func(r *rig) {
		if err := r.discord.Command("ada", "general", "ask", map[string]string{"text": "what is 6*7?"}); err != nil {
			t.Fatal(err)
		}
		r.settle()
		question := r.one(r.inD("general"))
		r.shows(question, "what is 6*7?")
		if question.Pending {
			t.Error("the command still looks unanswered")
		}
		r.shows(r.one(r.inD(question.ID)), "42")

		r.sayD("grace", question.ID, "", "and what was asked?")
		r.settle()
		if told := r.told(); !strings.Contains(told, "6*7") {
			t.Errorf("the question is not part of the thread; the model was told:\n%s", told)
		}
		if err := r.discord.Command("grace", question.ID, "reset", nil); err != nil {
			t.Fatal(err)
		}
		r.sayD("grace", question.ID, "", "and now?")
		r.settle()
		if told := r.told(); strings.Contains(told, "6*7") {
			t.Errorf("after /reset in the thread the model is told:\n%s", told)
		}
	})
}

func TestDiscordHelpAnswersOneself(t *testing.T) {
	bubble(t, setup{}, func(r *rig) {
		if err := r.discord.Command("ada", "general", "help", nil); err != nil {
			t.Fatal(err)
		}
		r.settle()
		m := r.one(r.inD("general"))
		r.shows(m, "reset")
		if m.OnlyFor == "" {
			t.Error("everybody sees it")
		}
		if n := r.ai.Count(); n > 0 {
			t.Errorf("the model was asked %d times", n)
		}
	})
}

func TestDiscordDeliveriesOfOneMessageAreAnsweredOnce(t *testing.T) {
	bubble(t, setup{}, func(r *rig) {
		r.discord.DispatchTwice(true)
		first := r.mention("ada", "hello")
		r.settle()
		if err := r.discord.Redeliver(first); err != nil {
			t.Fatal(err)
		}
		r.settle()
		r.restart()
		if err := r.discord.Redeliver(first); err != nil {
			t.Fatal(err)
		}
		r.settle()
		r.one(r.inD(first))
		if n := r.ai.Count(); n != 1 {
			t.Errorf("the model was asked %d times, want 1", n)
		}
	})
}

func TestDiscordBotsAreLeftAlone(t *testing.T) {
	bubble(t, setup{}, func(r *rig) {
		robot := r.discord.AddUser("robot", true)
		r.mention(robot, "hello")
		r.settle()
		if ms := r.answers(r.inD("general")); len(ms) > 0 || r.ai.Count() > 0 {
			t.Errorf("a bot was answered: %s", dump(ms))
		}
	})
}

func TestDiscordLongAnswerGoesOnInFurtherMessages(t *testing.T) {
	bubble(t, setup{}, func(r *rig) {
		var long strings.Builder
		for i := range 300 {
			if i%100 == 20 {
				long.WriteString("```go\n")
			}
			fmt.Fprintf(&long, "line %04d stands here once\n", i)
			if i%100 == 90 {
				long.WriteString("```\n")
			}
		}
		r.script(sandbox.AIReply{Pieces: pieces(long.String(), 40)})
		first := r.mention("ada", "list them all")
		r.settle()
		answers := r.answers(r.inD(first))
		if len(answers) < 4 {
			t.Fatalf("%d characters stand in %d messages", long.Len(), len(answers))
		}
		r.wholeLines(answers, 300, 2000)
	})
}

func TestDiscordMentionsInAnswersNotifyNobody(t *testing.T) {
	bubble(t, setup{}, func(r *rig) {
		grace := ""
		for _, u := range r.discord.World().Users() {
			if u.Name == "grace" {
				grace = u.ID
			}
		}
		r.script(sandbox.AISays("@everyone @here <@" + grace + "> that is all"))
		first := r.mention("ada", "call everybody")
		r.settle()
		m := r.one(r.inD(first))
		if who := r.discord.Pinged(m.ID); len(who) > 0 {
			t.Errorf("the answer %q notifies %q", m.Text, who)
		}
		r.shows(m, "that is all")
	})
}
