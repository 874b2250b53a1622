package slack

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"bobbin/agent"
	"bobbin/bots"
	"bobbin/bots/sandbox"

	slackgo "github.com/slack-go/slack"
)

// answered posts an answer with buttons in a thread and returns its ts.
func (r *rig) answered(t *testing.T, actions ...bots.Action) (to agent.Target, ts string) {
	t.Helper()
	to = general(r.say(t, "U0ADA", "C0GENERAL", "", "@bobbin hi"))
	r.got()
	m := page("answer")
	for _, a := range actions {
		m.Buttons = append(m.Buttons, bots.Button{Action: a, Turn: "TURN2"})
	}
	id, err := r.s.Post(t.Context(), to, "K", m)
	if err != nil {
		t.Fatal(err)
	}
	_, ts, err = splitID(id)
	if err != nil {
		t.Fatal(err)
	}
	return to, ts
}

func (r *rig) press(t *testing.T, user, ts string, a bots.Action) {
	t.Helper()
	if err := r.Press(user, "C0GENERAL", ts, actionPrefix+string(a)); err != nil {
		t.Errorf("pressing %s: %v", a, err)
	}
}

func TestAnswerToAPressIsPrivateAndInTheThread(t *testing.T) {
	bubble(t, sandbox.SlackOptions{}, func(t *testing.T, r *rig) {
		to, ts := r.answered(t, bots.Up)
		r.press(t, "U0GRACE", ts, bots.Up)
		ev := r.one(t)
		if ev.Author.ID != "U0GRACE" || ev.Target.Recipient != "U0GRACE" || ev.Target.Address != to.Address || ev.Target.ReplyTo != messageID("C0GENERAL", ts) {
			t.Errorf("%+v", ev)
		}
		if err := ev.Respond(t.Context(), "Only <!channel> **Ada** may."); err != nil {
			t.Fatal(err)
		}
		for _, m := range r.World().Messages("C0GENERAL") {
			if m.OnlyFor == "" {
				continue
			}
			if m.OnlyFor != "U0GRACE" || m.Thread != to.Thread || m.Text != "Only &lt;!channel&gt; *Ada* may." {
				t.Errorf("told %+v", m)
			}
			return
		}
		t.Error("nobody was told")
	})
}

func TestStopDoesNotWaitForTheEventsBeforeIt(t *testing.T) {
	bubble(t, sandbox.SlackOptions{}, func(t *testing.T, r *rig) {
		to, ts := r.answered(t, bots.Stop)
		stuck := make(chan struct{})
		r.onAccept(func(_ context.Context, ev bots.Event) error {
			if ev.Press == nil {
				<-stuck
			}
			return nil
		})
		r.say(t, "U0ADA", "C0GENERAL", to.Thread, "wait")
		synctest.Wait()
		began := time.Now()
		r.press(t, "U0ADA", ts, bots.Stop)
		if ev := r.one(t); ev.Press == nil || ev.Press.Action != bots.Stop || time.Since(began) > time.Second {
			t.Errorf("after %v: %+v", time.Since(began), ev)
		}
		close(stuck)
		r.one(t)
	})
}

func TestPressIsAcknowledgedInTimeAndToldWhatBecameOfIt(t *testing.T) {
	bubble(t, sandbox.SlackOptions{}, func(t *testing.T, r *rig) {
		_, ts := r.answered(t, bots.Retry)
		r.onAccept(func(ctx context.Context, _ bots.Event) error { <-ctx.Done(); return errors.New("the disk is full") })
		began := time.Now()
		r.press(t, "U0ADA", ts, bots.Retry)
		if took := time.Since(began); took > 3*time.Second {
			t.Errorf("acknowledged after %v", took)
		}
		time.Sleep(time.Minute)
		if told := r.whispers("C0GENERAL", "U0ADA"); len(told) != 1 || told[0] != notTaken {
			t.Errorf("told %q", told)
		}
	})
}

func TestButtonThatIsNotKnownIsTurnedAwayPolitely(t *testing.T) {
	bubble(t, sandbox.SlackOptions{}, func(t *testing.T, r *rig) {
		label := slackgo.NewTextBlockObject(slackgo.PlainTextType, "x", false, false)
		_, ts, err := r.s.api.PostMessage("C0GENERAL", slackgo.MsgOptionText("x", false),
			slackgo.MsgOptionBlocks(slackgo.NewActionBlock("",
				slackgo.NewButtonBlockElement("bobbin_stop", "of another time", label),
				slackgo.NewButtonBlockElement("their_button", "stop:TURN2", label))))
		if err != nil {
			t.Fatal(err)
		}
		for i, action := range []string{"bobbin_stop", "their_button"} {
			if err := r.Press("U0ADA", "C0GENERAL", ts, action); err != nil {
				t.Error(err)
			}
			if told := r.whispers("C0GENERAL", "U0ADA"); len(told) != i+1 || told[i] != strangeButton {
				t.Errorf("told %q", told)
			}
		}
		if events := r.got(); len(events) != 0 {
			t.Errorf("got %+v", events)
		}
	})
}

func TestTooManyPressesAtOnceAreNotAcknowledged(t *testing.T) {
	bubble(t, sandbox.SlackOptions{}, func(t *testing.T, r *rig) {
		_, ts := r.answered(t, bots.Up)
		r.onAccept(func(ctx context.Context, _ bots.Event) error { <-ctx.Done(); return ctx.Err() })
		for range maxGestures {
			go func() { _ = r.Press("U0ADA", "C0GENERAL", ts, "bobbin_up") }()
		}
		synctest.Wait()
		if err := r.Press("U0ADA", "C0GENERAL", ts, "bobbin_up"); !errors.Is(err, sandbox.ErrSlackTimeout) {
			t.Errorf("one press too many: %v", err)
		}
		time.Sleep(time.Minute)
	})
}

func TestHTTPModeTakesPresses(t *testing.T) {
	r := startHTTP(t)
	m := page("answer")
	m.Buttons = []bots.Button{{Action: bots.Down, Turn: "TURN2"}}
	id, err := r.s.Post(t.Context(), general(""), "K", m)
	if err != nil {
		t.Fatal(err)
	}
	_, ts, _ := splitID(id)
	if err := r.Press("U0ADA", "C0GENERAL", ts, "bobbin_down"); err != nil {
		t.Error(err)
	}
	if ev := <-r.events; ev.Press == nil || *ev.Press != m.Buttons[0] {
		t.Errorf("%+v", ev)
	}
	r.fail.Store(true)
	if err := r.Press("U0ADA", "C0GENERAL", ts, "bobbin_down"); err != nil {
		t.Error(err)
	}
	shown := r.World().Messages("C0GENERAL")
	if last := shown[len(shown)-1]; last.OnlyFor != "U0ADA" || last.Text != notTaken {
		t.Errorf("told %+v", last)
	}
}

func FuzzInteraction(f *testing.F) {
	for _, seed := range []string{
		`{"type":"block_actions","user":{"id":"U1"},"channel":{"id":"C1"},"message":{"ts":"1.1","thread_ts":"1.0"},"trigger_id":"x","actions":[{"action_id":"bobbin_stop","value":"stop:T","action_ts":"2.2"}]}`,
		`{"type":"block_actions","user":{"id":"U1"},"container":{"channel_id":"D1","message_ts":"1.1"},"actions":[]}`,
		`{"type":"message_action","callback_id":"ask_about","user":{"id":"U1"},"channel":{"id":"C1"},"message":{"ts":"1.1","text":"<@U2>","user":"U2"}}`,
		`{"type":"view_submission","user":{"id":"U1"},"view":{"id":"V1","callback_id":"bobbin_about","private_metadata":"{\"channel\":\"C1\",\"ts\":\"1.1\"}","state":{"values":{"bobbin_question":{"bobbin_question":{"value":"why?"}}}}}}`,
		`{"type":"shortcut","callback_id":"x","user":null}`, `[]`, `{"type":"block_actions","message":7}`,
	} {
		f.Add([]byte(seed))
	}
	s := testSlack(f)
	in := newIntake(s, func(context.Context, bots.Event) error { return nil })
	f.Fuzz(func(t *testing.T, payload []byte) {
		g, why := in.interaction(payload)
		if why != "" || g.check != nil && g.event.Command == "" {
			return
		}
		ev := g.event
		if ev.Press == nil && ev.Command == "" || ev.Author.ID == "" || ev.MessageID == "" || ev.Respond == nil || !isID(ev.Target.Channel) || (!ev.Direct && !isTS(ev.Target.Thread)) {
			t.Errorf("incomplete event %+v", ev)
		}
		if strings.ContainsAny(string(ev.MessageID), " \n") {
			t.Errorf("id %q", ev.MessageID)
		}
	})
}
