package slack

import (
	"net/url"
	"testing"

	"bobbin/agent"
	"bobbin/bots"
	"bobbin/bots/botstest"
	"bobbin/bots/sandbox"
	"time"
)

func TestSlackIsAPlatform(t *testing.T) {
	botstest.PlatformSuite(t, func(t *testing.T) botstest.Rig {
		r := newRig(t, sandbox.SlackOptions{})
		dm := r.OpenDM("U0ADA")
		return botstest.Rig{
			Platform: r.s,
			Mention:  func(text string) { r.say(t, "U0ADA", "C0GENERAL", "", "@bobbin "+text) },
			Direct:   func(text string) { r.say(t, "U0ADA", dm, "", text) },
			FollowUp: func(to agent.Target, text string) { r.say(t, "U0ADA", to.Channel, to.Thread, text) },
			Texts: func(to agent.Target) (texts []string) {
				for _, m := range r.shown(to.Channel) {
					if m.User == r.Options().Bot.ID && m.Thread == to.Thread {
						texts = append(texts, m.Text)
					}
				}
				return texts
			},
			Shown: func(to agent.Target) (texts []string) {
				for _, m := range r.shown(to.Channel) {
					if m.User == r.Options().Bot.ID && m.Thread == to.Thread {
						texts = append(texts, look(t, m))
					}
				}
				return texts
			},
			Press: func(to agent.Target, id agent.MessageID, action bots.Action) {
				_, ts, err := splitID(id)
				if err == nil {
					err = r.Press("U0ADA", to.Channel, ts, actionPrefix+string(action))
				}
				if err != nil {
					t.Error(err)
				}
			},
			Whispers: func(to agent.Target) []string { return r.whispers(to.Channel, "U0ADA") },
			Revise: func(ev bots.Event, text string) {
				_, ts, err := splitID(ev.MessageID)
				if err == nil {
					err = r.Edit("U0ADA", ev.Target.Channel, ts, text)
				}
				if err != nil {
					t.Error(err)
				}
			},
			Retract: func(ev bots.Event) {
				_, ts, err := splitID(ev.MessageID)
				if err == nil {
					err = r.Delete("U0ADA", ev.Target.Channel, ts)
				}
				if err != nil {
					t.Error(err)
				}
			},
			Attach: func(text string, f bots.Upload) {
				if _, err := r.Upload("U0ADA", dm, "", text, sandbox.SlackFile{Name: f.Name, Data: f.Content}); err != nil {
					t.Error(err)
				}
			},
			Files: func(to agent.Target) (files []bots.Upload) {
				for _, m := range r.shown(to.Channel) {
					for _, file := range m.Files {
						if f, ok := r.File(file.ID); ok && m.Thread == to.Thread && m.User == r.Options().Bot.ID {
							files = append(files, bots.Upload{Name: f.Name, Content: f.Data})
						}
					}
				}
				return files
			},
			Marked: func(_ agent.Target, id agent.MessageID) bool {
				channel, ts, err := splitID(id)
				if err != nil {
					t.Error(err)
				}
				m, _ := r.World().Message(channel, ts)
				return len(m.Reactions) > 0
			},
			Remove: func(id agent.MessageID) {
				channel, ts, err := splitID(id)
				if err != nil || !r.World().Delete(channel, ts) {
					t.Errorf("there is no message %s (%v)", id, err)
				}
			},
			LosePost: func(happens bool) {
				r.Fault(func(method string, _ url.Values) *sandbox.SlackFault {
					if method != "chat.postMessage" {
						return nil
					}
					r.Fault(nil)
					return &sandbox.SlackFault{Execute: happens, Drop: true}
				})
			},
			Redelivery: 2 * time.Minute,
		}
	})
}
