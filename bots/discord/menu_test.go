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
