package bots_test

import (
	"fmt"
	"strings"
	"testing"

	"bobbin/agent"
	"bobbin/bots"
)

func TestAnswersNameCommandsAsTheyAreWrittenThere(t *testing.T) {
	guild := agent.Address{Platform: "discord", Channel: "C1", Thread: "1"}
	d := newDesk()
	for name, c := range map[string]struct {
		ev   bots.Event
		want string
	}{
		"by Slack's slash command":      {command("forget", d.event(channel, "")), "write `/bobbin forget me`"},
		"in a thread of Slack's":        {d.event(thread, "!forget"), "write `!forget me`"},
		"by Discord's slash command":    {command("forget", d.event(guild, "")), "write `/forget who:me`"},
		"typed on Discord":              {mention(d.event(guild, "!forget")), "write `!forget me`"},
		"a model, by slash command":     {command("model", d.event(channel, "")), "write `/bobbin model` and one"},
		"a model, in a thread":          {d.event(thread, "!model"), "write `!model` and one"},
		"what there is not, in Discord": {command("retry", d.event(agent.Address{Platform: "discord", Channel: "C1"}, "")), "write `/retry` in that thread"},
	} {
		*d = *newDesk()
		d.Models, d.entries = []string{"one", "two"}, 1
		d.Channels["discord"] = bots.Channels{Default: bots.Rules{Follow: true}}
		if got := d.accept(t, c.ev); !strings.Contains(got, c.want) {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}

func late(e bots.Event) bots.Event { e.Late = true; return e }

func TestPlainWordsThatNoModelCanSeeToAreCommands(t *testing.T) {
	d := newDesk()
	busy := map[agent.SessionID]agent.TurnID{thread.Session(): "T1"}
	for i, c := range []struct {
		ev      bots.Event
		running map[agent.SessionID]agent.TurnID
		want    string
	}{
		{mention(d.event(channel, "help")), nil, "answered Mention me in a channel"},
		{direct(d.event(channel, "Help!")), nil, "answered Mention me in a channel"},
		{mention(d.event(thread, "forget me.")), nil, "answered This erases all that you ever said to me"},
		{d.event(thread, "Stop!"), busy, "stop T1"},
		{mention(d.event(thread, " stop ")), busy, "stop T1"},
		{late(d.event(thread, "stop")), busy, "stop T1"}, // the turn went on after a restart
		{d.event(thread, "stop"), nil, "taken stop"},
		{d.event(thread, "help"), nil, "taken help"},
		{d.event(thread, "stop it, Ada"), busy, "taken stop it, Ada"},
		{mention(d.event(channel, "help me")), nil, "taken help me"},
		{mention(d.event(channel, "status")), nil, "taken status"},
		{d.event(strange, "stop"), busy, ""},
	} {
		*d = *newDesk()
		d.running = c.running
		d.asked = []agent.Inbound{{Author: agent.Author{ID: "U1"}}}
		if got := d.accept(t, c.ev); !strings.HasPrefix(got, c.want) || c.want == "" && got != "" {
			t.Errorf("%s: %s, want %s", fmt.Sprintf("%d, %q", i, c.ev.Text), got, c.want)
		}
	}
}
