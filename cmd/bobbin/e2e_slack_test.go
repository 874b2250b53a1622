package main

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"

	"bobbin/bots/sandbox"
)

func TestSlackMentionIsAnsweredInItsThreadByEdits(t *testing.T) {
	bubble(t, setup{}, func(r *rig) {
		text := "Here is *some* code:\n\n```go\nfor range n {\n\tturns++\n}\n```\n\nAnd inline `wind(3, 4)`, which gives **7**. " + strings.Repeat("More of it. ", 30) + "The end."
		r.script(sandbox.AISays(text))
		root := r.say(ada, general, "", "@bobbin show me code")
		r.settle()
		m := r.one(r.thread(general, root))
		if shown(m) != text {
			t.Errorf("the answer is %q, want %q", shown(m), text)
		}
		steps := states(r.slack.World(), m.ID)
		if len(steps) < 3 {
			t.Errorf("the answer was shown in %d steps, want it to grow: %q", len(steps), steps)
		}
		for i := range steps[1:] {
			if len(steps[i+1]) < len(steps[i]) {
				t.Errorf("the answer shrank from %q to %q", steps[i], steps[i+1])
			}
		}
		if n := r.slack.Limited("chat.update") + r.slack.Limited("chat.postMessage"); n > 0 {
			t.Errorf("Slack asked %d times to slow down", n)
		}
	})
}

func TestSlackThreadRemembersWithoutMentionAndKeepsToItself(t *testing.T) {
	bubble(t, setup{}, func(r *rig) {
		first := r.say(ada, general, "", "@bobbin the password is swordfish")
		r.settle()
		r.say(ada, general, first, "what is the password?")
		r.settle()
		if n := len(r.answers(r.thread(general, first))); n != 2 {
			t.Errorf("there are %d answers in the thread, want 2", n)
		}
		if told := r.told(); !strings.Contains(told, "swordfish") {
			t.Errorf("the model has forgotten; it was told:\n%s", told)
		}

		second := r.say(ada, general, "", "@bobbin what is the password?")
		r.settle()
		r.one(r.thread(general, second))
		if told := r.told(); strings.Contains(told, "swordfish") {
			t.Errorf("another thread knows what was said in the first:\n%s", told)
		}
	})
}

func TestSlackMessagesToOthersAreLeftAlone(t *testing.T) {
	robot := sandbox.User{ID: "U0ROBOT", Name: "Robot", Bot: true}
	people := []sandbox.User{{ID: ada, Name: "Ada"}, {ID: grace, Name: "Grace"}, robot}
	bubble(t, setup{slack: sandbox.SlackOptions{Users: people}}, func(r *rig) {
		root := r.say(ada, general, "", "@Grace what is 1+1?")
		r.say(grace, general, root, "2, of course")
		r.say(robot.ID, general, "", "@bobbin what is 1+1?")
		r.settle()
		if n := r.ai.Count(); n > 0 {
			t.Errorf("the model was asked %d times", n)
		}
		for _, m := range r.answers(r.slack.World().Messages(general)) {
			t.Errorf("bobbin butted in: %q", shown(m))
		}

		root = r.say(ada, general, "", "@bobbin hello")
		r.settle()
		r.say(robot.ID, general, root, "I am a robot too")
		r.settle()
		r.one(r.thread(general, root)) // and no answer to the robot
	})
}

func TestSlackDirectMessagesAreOneConversation(t *testing.T) {
	bubble(t, setup{}, func(r *rig) {
		dm := r.slack.OpenDM(ada)
		r.say(ada, dm, "", "my cat is called Minka. My cat is Minka")
		r.settle()
		r.say(ada, dm, "", "what is my cat?")
		r.settle()
		answers := r.answers(r.slack.World().Messages(dm))
		if len(answers) != 2 {
			t.Fatalf("there are %d answers, want 2: %s", len(answers), dump(answers))
		}
		r.shows(answers[1], "Minka")
		if answers[1].Thread != "" {
			t.Errorf("the answer to a message in a DM is in a thread")
		}
	})
}

func TestSlackAskPutsTheQuestionUpAndAnswersBelowIt(t *testing.T) {
	bubble(t, setup{}, func(r *rig) {
		if err := r.slack.Command(ada, general, "/bobbin", "ask what is 6*7?"); err != nil {
			t.Fatal(err)
		}
		r.settle()
		all := r.answers(r.slack.World().Messages(general))
		if len(all) != 2 {
			t.Fatalf("bobbin wrote %d messages, want the question and the answer: %s", len(all), dump(all))
		}
		r.shows(all[0], "what is 6*7?", ada)
		if all[0].Thread != "" || all[1].Thread != all[0].ID {
			t.Errorf("the answer is not in the thread of the question: %s", dump(all))
		}
		r.shows(all[1], "42")

		r.say(ada, general, all[0].ID, "and what did I ask?")
		r.settle()
		if told := r.told(); !strings.Contains(told, "what is 6*7?") {
			t.Errorf("the question is not part of the thread; the model was told:\n%s", told)
		}
	})
}

func TestSlackHelpAndUnknownCommandsAnswerOneself(t *testing.T) {
	bubble(t, setup{}, func(r *rig) {
		for _, text := range []string{"help", "", "dance <!channel>"} {
			if err := r.slack.Command(ada, general, "/bobbin", text); err != nil {
				t.Fatalf("/bobbin %s: %v", text, err)
			}
		}
		r.settle()
		whispers := r.whispers(general, ada)
		if len(whispers) != 3 {
			t.Fatalf("Ada sees %d answers, want 3: %q", len(whispers), whispers)
		}
		for _, w := range whispers {
			if !strings.Contains(w, "reset") || strings.Contains(w, "<!channel>") {
				t.Errorf("an answer is no harmless help: %q", w)
			}
		}
		if n := len(r.slack.World().Messages(general)); n != 3 {
			t.Errorf("the channel holds %d messages, want nothing that others see", n-3)
		}
	})
}

func TestSlackResetForgets(t *testing.T) {
	bubble(t, setup{}, func(r *rig) {
		root := r.say(ada, general, "", "@bobbin the password is swordfish")
		r.settle()
		r.say(ada, general, root, "!reset")
		r.settle()
		if w := r.whispers(general, ada); len(w) != 1 || !strings.Contains(w[0], "afresh") {
			t.Errorf("!reset is answered with %q", w)
		}
		r.say(ada, general, root, "what is the password?")
		r.settle()
		if told := r.told(); strings.Contains(told, "swordfish") {
			t.Errorf("after !reset the model is told:\n%s", told)
		}

		dm := r.slack.OpenDM(grace)
		r.say(grace, dm, "", "the password is shark")
		r.settle()
		if err := r.slack.Command(grace, dm, "/bobbin", "reset"); err != nil {
			t.Fatal(err)
		}
		r.say(grace, dm, "", "what is the password?")
		r.settle()
		if told := r.told(); strings.Contains(told, "shark") {
			t.Errorf("after /bobbin reset the model is told:\n%s", told)
		}
	})
}

func TestSlackToolsAreCalledAndSeen(t *testing.T) {
	bubble(t, setup{}, func(r *rig) {
		r.script(
			sandbox.AIReply{Think: "let me see", Calls: []sandbox.AICall{{Name: "calculate", Args: `{"expression":"0.1+0.2"}`}, {Name: "current_time", Args: `{"zone":"Asia/Tokyo"}`}}},
			sandbox.AISays("It is 0.3, and late in Tokyo."),
		)
		root := r.say(ada, general, "", "@bobbin what is 0.1+0.2, and what time is it in Tokyo?")
		r.settle()
		r.shows(r.one(r.thread(general, root)), "It is 0.3, and late in Tokyo.")

		results := map[string]string{}
		for _, m := range r.ai.Requests()[1].Messages {
			if m.Role == "tool" {
				results[m.ToolCallID] = m.Text()
			}
		}
		var all []string
		for _, text := range results {
			all = append(all, text)
		}
		if joined := strings.Join(all, "\n"); len(all) != 2 || !strings.Contains(joined, "0.3") || !strings.Contains(joined, "Asia/Tokyo") {
			t.Errorf("the model was told %q", all)
		}
		var signs []string
		for c := range changes(r.slack.World(), 0) {
			if c.Kind == sandbox.Typing {
				signs = append(signs, c.Status)
			}
		}
		if len(signs) == 0 || !strings.HasPrefix(signs[0], "is ") {
			t.Errorf("the signs of being at work were %q", signs)
		}
	})
}

func TestSlackThreadsAreAnsweredSideBySide(t *testing.T) {
	bubble(t, setup{}, func(r *rig) {
		both := make(chan struct{}) // closed when both turns have asked the model
		var asked atomic.Int32
		r.ai.SetScript(func(ctx context.Context, q sandbox.AIRequest) sandbox.AIReply {
			if asked.Add(1) == 2 {
				close(both)
			}
			select {
			case <-both:
			case <-ctx.Done():
			}
			return sandbox.AISays("You said: " + q.Last())
		})
		one := r.say(ada, general, "", "@bobbin apples")
		two := r.say(grace, general, "", "@bobbin pears")
		r.settle()
		r.shows(r.one(r.thread(general, one)), "apples")
		r.shows(r.one(r.thread(general, two)), "pears")
	})
}

func TestSlackMessagesOfARunningTurnAreAnsweredTogether(t *testing.T) {
	bubble(t, setup{}, func(r *rig) {
		root := r.say(ada, general, "", "@bobbin write a long answer")
		r.eventually("the first answer begins", func() bool { return len(r.thread(general, root)) > 0 })
		r.say(ada, general, root, "my dog is Rex")
		r.say(grace, general, root, "my bird is Piet")
		r.settle()
		if n := r.ai.Count(); n != 2 {
			t.Errorf("the model was asked %d times, want once for the first message and once for the others", n)
		}
		answers := r.answers(r.thread(general, root))
		r.shows(answers[len(answers)-1], "Rex", "Piet")
	})
}

func TestSlackDeliveriesOfOneMessageAreAnsweredOnce(t *testing.T) {
	bubble(t, setup{}, func(r *rig) {
		r.slack.Duplicate(2)
		root := r.say(ada, general, "", "@bobbin hello")
		r.settle()
		r.slack.Again(6)
		r.settle()
		r.restart()
		r.slack.Again(6)
		r.settle()
		r.one(r.thread(general, root))
		if n := r.ai.Count(); n != 1 {
			t.Errorf("the model was asked %d times, want 1", n)
		}
		for _, m := range r.slack.World().Messages(general) {
			if len(m.Reactions) > 0 {
				t.Errorf("a sign of waiting has stayed: %s", dump([]sandbox.Message{m}))
			}
		}
	})
}

func TestSlackLongAnswerGoesOnInFurtherMessages(t *testing.T) {
	bubble(t, setup{}, func(r *rig) {
		var long strings.Builder
		for i := range 700 {
			if i%100 == 20 {
				long.WriteString("```go\n")
			}
			fmt.Fprintf(&long, "line %04d stands here once\n", i)
			if i%100 == 90 {
				long.WriteString("```\n")
			}
		}
		r.script(sandbox.AIReply{Pieces: pieces(long.String(), 40)})
		root := r.say(ada, general, "", "@bobbin list them all")
		r.settle()
		answers := r.answers(r.thread(general, root))
		if len(answers) < 2 {
			t.Fatalf("%d characters stand in %d messages", long.Len(), len(answers))
		}
		r.wholeLines(answers, 700, 12_000)
	})
}

// pieces cuts text into pieces of n bytes.
func pieces(text string, n int) (ps []string) {
	for text != "" {
		n = min(n, len(text))
		ps, text = append(ps, text[:n]), text[n:]
	}
	return ps
}

// wholeLines fails the test unless the messages hold n numbered lines in their order,
// each once and whole, with code blocks that are closed where they were opened.
func (r *rig) wholeLines(ms []sandbox.Message, n, most int) {
	r.Helper()
	next := 0
	for i, m := range ms {
		text := shown(m)
		if len([]rune(text)) > most {
			r.Errorf("message %d has %d characters, more than %d", i, len([]rune(text)), most)
		}
		fenced := false
		for line := range strings.Lines(text) {
			line = strings.TrimSpace(line)
			if strings.HasPrefix(line, "```") {
				fenced = !fenced
			}
			if !strings.HasPrefix(line, "line ") {
				continue
			}
			if want := fmt.Sprintf("line %04d stands here once", next); line != want {
				r.Fatalf("message %d has %q, want %q", i, line, want)
			}
			if code := next%100 >= 20 && next%100 <= 90; code != fenced {
				r.Errorf("line %d in a code block: %t, want %t", next, fenced, code)
			}
			next++
		}
		if fenced {
			r.Errorf("message %d ends in an open code block", i)
		}
	}
	if next != n {
		r.Errorf("%d lines are shown, want %d", next, n)
	}
}

func TestSlackMentionsInAnswersNotifyNobody(t *testing.T) {
	bubble(t, setup{}, func(r *rig) {
		r.script(sandbox.AISays("<!channel> <!here|now> <@U0GRACE> <!subteam^S0TEAM> <@U0GRACE|Grace> & `<!everyone>` that is all"))
		root := r.say(ada, general, "", "@bobbin call everybody")
		r.settle()
		m := r.one(r.thread(general, root))
		for _, live := range []string{"<!channel", "<!here", "<@U0GRACE", "<!subteam", "<!everyone"} {
			if strings.Contains(m.Text, live) || strings.Contains(shown(m), live) {
				t.Errorf("%s is live in the text %q or the block %q", live, m.Text, shown(m))
			}
		}
		r.shows(m, "that is all")
	})
}
