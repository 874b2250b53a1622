package slack

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"

	"bobbin/bots"
	"bobbin/bots/sandbox"
)

func TestChannelIsGreetedWhenBobbinComes(t *testing.T) {
	bubble(t, sandbox.SlackOptions{NoLimits: true}, func(t *testing.T, r *rig) {
		r.Forbid("C0RANDOM", "not_in_channel")
		if err := errors.Join(r.Invite("U0GRACE", "C0RANDOM"), r.Join("U0LINUS", "C0RANDOM")); err != nil {
			t.Fatal(err)
		}
		ev := r.one(t)
		if !ev.Greet || ev.Author.ID != "U0GRACE" || ev.Target.Channel != "C0RANDOM" || ev.Target.Thread != "" || ev.Addressed || ev.Direct || ev.Text != "" {
			t.Errorf("%+v", ev)
		}
		if err := ev.Respond(t.Context(), "Hello **all**."); err != nil {
			t.Fatal(err)
		}
		if shown := r.shown("C0RANDOM"); len(shown) != 1 || textOf(t, shown[0]) != "Hello **all**." {
			t.Errorf("shown %+v", shown)
		}
	}, func(o *Options) { o.Greet = true })
}

func TestPersonIsGreetedAtTheFirstLookAndPromptsAreSuggested(t *testing.T) {
	prompts := func(o *Options) {
		o.Greet, o.Prompts = true, []Prompt{{Title: "Sum up", Message: "Sum up #general"}, {Title: "Hi"}, {Title: "3"}, {Title: "4"}, {Title: "5"}}
	}
	bubble(t, sandbox.SlackOptions{NoLimits: true}, func(t *testing.T, r *rig) {
		dm, err := r.OpenMessages("U0ADA")
		if err != nil {
			t.Fatal(err)
		}
		first := r.one(t)
		if !first.Greet || !first.Direct || first.Target.Channel != dm || first.Target.Thread != "" || first.Author.ID != "U0ADA" {
			t.Errorf("%+v", first)
		}
		if _, got := r.Prompts(dm, ""); len(got) != maxPrompts || got[0] != (sandbox.SlackPrompt{Title: "Sum up", Message: "Sum up #general"}) || got[1].Message != "Hi" {
			t.Errorf("prompts %+v", got)
		}
		if _, err := r.OpenMessages("U0ADA"); err != nil { // before the welcome was written
			t.Fatal(err)
		}
		if again := r.one(t); again.MessageID != first.MessageID {
			t.Errorf("greeted as %q and %q", first.MessageID, again.MessageID)
		}
		if err := first.Respond(t.Context(), "Hello."); err != nil {
			t.Fatal(err)
		}
		if _, err := r.OpenMessages("U0ADA"); err != nil {
			t.Fatal(err)
		}
		if events := r.got(); len(events) != 0 {
			t.Errorf("greeted once more: %+v", events)
		}
	}, prompts)
	bubble(t, sandbox.SlackOptions{NoLimits: true, Agent: sandbox.SlackAssistantView}, func(t *testing.T, r *rig) {
		dm, thread, err := r.OpenAssistant("U0ADA", "C0GENERAL")
		if err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if _, got := r.Prompts(dm, thread); len(got) != maxPrompts {
			t.Errorf("prompts %+v", got)
		}
		if events := r.got(); len(events) != 0 {
			t.Errorf("%+v", events)
		}
		for _, text := range []string{"What   is *spinning*, and why does it take so long to learn it properly?", "And weaving?"} {
			r.say(t, "U0ADA", dm, thread, text)
			if ev := r.one(t); ev.Target.Thread != thread || !ev.Direct {
				t.Errorf("%+v", ev)
			}
		}
		if _, title := r.Session(dm, thread); !strings.HasPrefix(title, "What is ") || !strings.HasSuffix(title, "…") || len([]rune(title)) > maxTitle {
			t.Errorf("title %q", title)
		}
	}, prompts)
	bubble(t, sandbox.SlackOptions{NoLimits: true, Agent: sandbox.SlackNoAgent}, func(t *testing.T, r *rig) {
		for range 3 {
			if _, err := r.OpenMessages("U0ADA"); err != nil {
				t.Fatal(err)
			}
			r.got()
		}
		if n := r.Calls("assistant.threads.setSuggestedPrompts"); n != 1 {
			t.Errorf("%d calls of an app that is no agent", n)
		}
	}, prompts)
}

func TestSlacksOwnStopUnderAnAgentIsAPressToo(t *testing.T) {
	bubble(t, sandbox.SlackOptions{NoLimits: true}, func(t *testing.T, r *rig) {
		to := r.asked(t)
		id, err := r.s.Post(t.Context(), to, "TURN-222", page("Here it goes on and on"))
		if err != nil {
			t.Fatal(err)
		}
		if err := r.StopStreaming("U0ADA", "C0GENERAL", to.Thread); err != nil {
			t.Fatal(err)
		}
		ev := r.one(t)
		if ev.Press == nil || *ev.Press != (bots.Button{Action: bots.Stop, Turn: "TURN"}) || ev.Target.Session() != to.Session() || ev.Author.ID != "U0ADA" {
			t.Errorf("%+v", ev)
		}
		if status, _ := r.Session("C0GENERAL", to.Thread); status != "active" {
			t.Errorf("the session is %s", status)
		}
		m := page("Here it goes on and on")
		m.Final, m.Foot = true, "stopped"
		if err := r.s.Edit(t.Context(), to, id, m); err != nil {
			t.Fatal(err)
		}
		if got := r.stands(t, to); len(got) != 1 || got[0] != m.Text {
			t.Errorf("there stands %q", got)
		}
		if m := r.World().Replies("C0GENERAL", to.Thread)[0]; !strings.Contains(m.Key, "TURN-222") {
			t.Errorf("the message bears the key %q", m.Key)
		}
	}, native)
}

func TestHomeShowsWhatItIsGiven(t *testing.T) {
	fails := false
	home := func(o *Options) {
		o.Home = func(_ context.Context, user string) (string, error) {
			if fails {
				return "", errors.New("the disk is full")
			}
			return "# Hello\n\nYou are **" + user + "** & <!channel>.", nil
		}
	}
	bubble(t, sandbox.SlackOptions{NoLimits: true}, func(t *testing.T, r *rig) {
		look := func() string {
			t.Helper()
			if _, _, err := r.OpenHome("U0ADA"); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
			v, ok := r.Home("U0ADA")
			if !ok {
				t.Fatal("nothing is published")
			}
			return strings.NewReplacer(`\u003c`, "<", `\u003e`, ">", `\u0026`, "&").Replace(v.Blocks)
		}
		if got := look(); !strings.Contains(got, "U0ADA") || !strings.Contains(got, "&lt;!channel&gt;") || !strings.Contains(got, "slack://app?") || !strings.Contains(got, "A0BOBBIN") {
			t.Errorf("shows %s", got)
		}
		fails = true
		if got := look(); !strings.Contains(got, homePlain) || strings.Contains(got, "disk") {
			t.Errorf("shows %s", got)
		}
		if events := r.got(); len(events) != 0 {
			t.Errorf("%+v", events)
		}
	}, home)
}
