package discord

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"bobbin/bots"
)

func (r *rig) fromMenu(channel, id, name string) {
	r.Helper()
	if err := r.fake.UseOnMessage("grace", channel, name, id); err != nil {
		r.Fatal(err)
	}
}

func (r *rig) submit(text string) {
	r.Helper()
	if err := r.fake.SubmitModal("grace", map[string]string{fieldText: text}); err != nil {
		r.Fatal(err)
	}
}

func TestAskAboutAMessage(t *testing.T) {
	for name, text := range map[string]string{"with a question": "is that so?", "with none": ""} {
		t.Run(name, func(t *testing.T) {
			bubble(t, setup{}, func(r *rig) {
				general := r.channel("general")
				about := r.say("ada", "general", "", "Looms are *older* than looms.")
				r.fromMenu("general", about, menuAsk)
				if m, open := r.fake.Modal("grace"); !open || m.Title != menuAsk {
					t.Fatalf("a form is open: %v, %+v", open, m)
				}
				r.submit(text)
				e := r.one()
				if e.Command != "ask" || e.Text != text || e.Author.Name != "grace" || e.Target.Channel != general || e.Target.Thread == "" {
					t.Errorf("event is %+v", e)
				}
				if s := e.Subject; s == nil || s.Text != "Looms are *older* than looms." || s.Author.Name != "ada" || s.Bot || s.ID != (place{general, about}).id() {
					t.Fatalf("it is about %+v", s)
				}
				r.post(e.Target, "K-1", "No.")
				shown := r.shows(general)
				if len(shown) != 1 || !strings.Contains(shown[0], text) || !strings.HasSuffix(shown[0], "/"+general+"/"+about) {
					t.Errorf("channel shows %q", shown)
				}
				r.want(e.Target.Thread, "No.")
			})
		})
	}
}

func TestAskAboutAMessageAfterARestartReadsIt(t *testing.T) {
	bubble(t, setup{opts: Options{MessageContent: true}}, func(r *rig) {
		about := r.say("ada", "general", "", "Looms are old.")
		r.fromMenu("general", about, menuAsk)
		forget(r.bot.subjects)
		r.submit("really?")
		if e := r.one(); e.Subject == nil || e.Subject.Text != "Looms are old." {
			t.Errorf("it is about %+v", e.Subject)
		}
		r.fromMenu("general", about, menuAsk)
		forget(r.bot.subjects)
		if err := r.fake.Remove("general", about); err != nil {
			t.Fatal(err)
		}
		r.taken()
		r.submit("really?")
		if e := r.one(); e.Subject != nil || e.Text != "really?" {
			t.Errorf("event is %+v", e)
		}
	})
}

func TestSummariseStandsWhereAnAnswerWould(t *testing.T) {
	bubble(t, setup{opts: Options{MessageContent: true}}, func(r *rig) {
		about := r.say("ada", "general", "", "Looms are old.")
		r.fromMenu("general", about, menuSummarise)
		e := r.one()
		if e.Command != "summarise" || e.Text != "" || e.Subject == nil || e.Target.Thread == "" {
			t.Errorf("event is %+v", e)
		}
		read, err := r.bot.Read(r.ctx, e.Target.Address, 10)
		if err != nil || !slices.ContainsFunc(read, func(q bots.Quote) bool { return q.Text == "Looms are old." }) {
			t.Errorf("read %+v, %v", read, err)
		}
	})
}

func TestFormsThatAreNoneGetAWord(t *testing.T) {
	bubble(t, setup{}, func(r *rig) {
		general := r.channel("general")
		for _, id := range []string{"", "other:1", aboutID, aboutID + "1/2", aboutID + general + "/../x"} {
			i := interaction{ID: "1", AppID: "2", Token: "t", ChannelID: general, User: &user{ID: "3"}, Type: interactionForm, arrived: time.Now()}
			i.Data.CustomID = id
			r.onAccept(func(context.Context, bots.Event) error { t.Errorf("%q was accepted", id); return nil })
			_ = newIntake(r.bot, func(ctx context.Context, e bots.Event) error { return r.accept(ctx, e) }).form(r.ctx, &i)
		}
	})
}

func TestReplyToSomebodyElseIsAboutTheirMessage(t *testing.T) {
	bubble(t, setup{opts: Options{MessageContent: true}}, func(r *rig) {
		about := r.say("ada", "general", "", "Looms are old.")
		r.say("grace", "general", about, r.mention("is that so?"))
		e := r.one()
		if e.Text != "is that so?" || e.Subject == nil || e.Subject.Text != "Looms are old." || e.Subject.Author.Name != "ada" || e.Target.Thread == about {
			t.Errorf("event is %+v about %+v", e, e.Subject)
		}
		said, _ := parsePlace(r.post(e.Target, "K-1", "Yes."))
		r.say("grace", said.channel, said.message, "sure?")
		if e := r.one(); e.Subject != nil {
			t.Errorf("event is %+v about %+v", e, e.Subject)
		}
	})
}

func TestForwardedMessageIsWhatItIsAbout(t *testing.T) {
	bubble(t, setup{}, func(r *rig) {
		dm := r.fake.OpenDM("ada")
		forward := func(snapshots string) {
			if err := r.fake.Dispatch("MESSAGE_CREATE", []byte(`{"id":"300000000000000999","channel_id":"`+dm+`","type":0,"content":"","author":{"id":"210000000000000001","username":"ada"},
				"message_reference":{"type":1,"channel_id":"1","message_id":"2"},"message_snapshots":`+snapshots+`}`)); err != nil {
				t.Fatal(err)
			}
		}
		forward(`[{"message":{"type":0,"content":"Looms are <@210000000000000002>'s.","mentions":[{"id":"210000000000000002","username":"grace"}],
			"attachments":[{"id":"5","filename":"a.txt","size":1,"url":"https://cdn.discordapp.com/a"}]}}]`)
		e := r.one()
		if s := e.Subject; e.Text != "" || s == nil || s.Text != "Looms are @grace's." || len(s.Files) != 1 || s.Author.ID != "" {
			t.Errorf("event is %+v about %+v", e, s)
		}
	})
	for name, snapshots := range map[string]string{"none": "[]", "null": "null", "empty": `[{}]`, "no message": `[{"message":null}]`} {
		t.Run(name, func(t *testing.T) {
			bubble(t, setup{}, func(r *rig) {
				if err := r.fake.Dispatch("MESSAGE_CREATE", []byte(`{"id":"300000000000000999","channel_id":"`+r.fake.OpenDM("ada")+`","author":{"id":"210000000000000001","username":"ada"},"message_snapshots":`+snapshots+`}`)); err != nil {
					t.Fatal(err)
				}
				if e := r.one(); e.Subject != nil {
					t.Errorf("event is %+v about %+v", e, e.Subject)
				}
			})
		})
	}
}
