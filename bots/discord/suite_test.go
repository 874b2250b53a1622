package discord

import (
	"net/http"
	"testing"
	"time"

	"bobbin/agent"
	"bobbin/bots"
	"bobbin/bots/botstest"
	"bobbin/bots/sandbox"
)

func TestDiscordIsAPlatform(t *testing.T) {
	botstest.PlatformSuite(t, suiteRig)
}

func suiteRig(t *testing.T) botstest.Rig {
	fake := sandbox.NewDiscord(sandbox.DiscordOptions{})
	client := botstest.Serve(t, fake.Handler())
	t.Cleanup(fake.Close)
	wires, ok := client.Transport.(*http.Transport)
	if !ok {
		t.Fatalf("the client's transport is %T", client.Transport)
	}
	bot, err := New(Options{
		BotToken: fake.Token(), APIURL: "http://discord.test/", MessageContent: true,
		HTTPClient: client, Dial: wires.DialContext,
	})
	if err != nil {
		t.Fatal(err)
	}
	say := func(channel, text string) {
		if _, err := fake.Say("ada", channel, "", text); err != nil {
			t.Error(err)
		}
	}
	place := func(to agent.Target) string {
		if to.Thread != "" {
			return to.Thread
		}
		return to.Channel
	}
	texts := func(to agent.Target) (texts []string) {
		for _, m := range fake.World().Messages(place(to)) {
			if m.User == fake.BotID() {
				texts = append(texts, m.Text)
			}
		}
		return texts
	}
	return botstest.Rig{
		Platform: bot,
		Mention:  func(text string) { say("general", "<@"+fake.BotID()+"> "+text) },
		Direct:   func(text string) { say(fake.OpenDM("ada"), text) },
		FollowUp: func(to agent.Target, text string) { say(place(to), text) },
		Texts:    texts,
		Shown:    texts,
		Press: func(_ agent.Target, id agent.MessageID, action bots.Action) {
			at, err := parsePlace(id)
			if err == nil {
				err = fake.Press("ada", at.channel, at.message, ownID+string(action)+":TURN2")
			}
			if err != nil {
				t.Error(err)
			}
		},
		Whispers: func(to agent.Target) (texts []string) {
			for _, m := range fake.World().Messages(place(to)) {
				if m.OnlyFor != "" {
					texts = append(texts, m.Text)
				}
			}
			return texts
		},
		Revise: func(ev bots.Event, text string) {
			at, _ := parsePlace(ev.MessageID)
			if err := fake.Edit("ada", at.channel, at.message, text); err != nil {
				t.Error(err)
			}
		},
		Retract: func(ev bots.Event) {
			at, _ := parsePlace(ev.MessageID)
			if err := fake.Delete("ada", at.channel, at.message); err != nil {
				t.Error(err)
			}
		},
		Attach: func(text string, f bots.Upload) {
			file := sandbox.DiscordUpload{Name: f.Name, Data: f.Content}
			if _, err := fake.Send(sandbox.DiscordSend{User: "ada", Channel: fake.OpenDM("ada"), Text: text, Files: []sandbox.DiscordUpload{file}}); err != nil {
				t.Error(err)
			}
		},
		Files: func(to agent.Target) (files []bots.Upload) {
			for _, m := range fake.World().Messages(place(to)) {
				for _, f := range m.Files {
					name, data, _ := fake.File(place(to), f.ID)
					files = append(files, bots.Upload{Name: name, Content: data})
				}
			}
			return files
		},
		Marked: func(_ agent.Target, id agent.MessageID) bool {
			at, _ := parsePlace(id)
			m, _ := fake.World().Message(at.channel, at.message)
			return len(m.Reactions) > 0
		},
		Remove: func(id agent.MessageID) {
			at, err := parsePlace(id)
			if err == nil {
				err = fake.Remove(at.channel, at.message)
			}
			if err != nil {
				t.Error(err)
			}
		},
		LosePost:   func(happens bool) { fake.Inject(sandbox.DiscordFault{Route: fakeSend, Execute: happens, Drop: true}) },
		Redelivery: time.Minute,
	}
}
