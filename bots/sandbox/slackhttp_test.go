package sandbox_test

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/slack-go/slack"
	"github.com/slack-go/slack/slackevents"
	"github.com/slack-go/slack/socketmode"

	"bobbin/bots/sandbox"
)

// slackApp is an app in HTTP mode that checks each request's signature.
type slackApp struct {
	mu     sync.Mutex
	events []slackevents.EventsAPIEvent
	heads  []http.Header
	answer func(n int, w http.ResponseWriter) // to the nth event
}

func (a *slackApp) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	v, err := slack.NewSecretsVerifier(r.Header, "a secret")
	if err == nil {
		_, err = v.Write(body)
	}
	if err = errors.Join(err, v.Ensure()); err != nil {
		http.Error(w, err.Error(), http.StatusUnauthorized)
		return
	}
	if r.URL.Path == "/slack/commands" {
		r.Body = io.NopCloser(strings.NewReader(string(body)))
		c, err := slack.SlashCommandParse(r)
		if err == nil && c.Text == "plain" {
			_, _ = io.WriteString(w, "plain "+c.UserID)
			return
		}
		if err != nil || c.Text == "fail" {
			w.WriteHeader(http.StatusTeapot)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(map[string]string{"response_type": "in_channel", "text": c.Command + " " + c.Text})
		return
	}
	e, err := slackevents.ParseEvent(body, slackevents.OptionNoVerifyToken())
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	if e.Type == slackevents.URLVerification {
		_, _ = io.WriteString(w, e.Data.(*slackevents.EventsAPIURLVerificationEvent).Challenge)
		return
	}
	a.mu.Lock()
	n := len(a.events)
	a.events, a.heads = append(a.events, e), append(a.heads, r.Header)
	a.mu.Unlock()
	if a.answer != nil {
		a.answer(n, w)
	}
}

func newSlackApp(t *testing.T, answer func(int, http.ResponseWriter)) (*slackRig, *slackApp) {
	t.Helper()
	app := &slackApp{answer: answer}
	r := newSlackRig(t, sandbox.SlackOptions{SigningSecret: "a secret", HTTPClient: newSlackPipe().serve(t, app)})
	r.SetHTTP("http://app.test/")
	return r, app
}

func TestSlackSignsWhatItPosts(t *testing.T) {
	r, app := newSlackApp(t, nil)
	if err := r.VerifyURL(t.Context()); err != nil {
		t.Error(err)
	}
	for _, text := range []string{"one", "two", "three", "four"} {
		if _, err := r.Say("U0ADA", "C0GENERAL", "", text); err != nil {
			t.Fatal(err)
		}
	}
	if err := r.Settled(t.Context()); err != nil {
		t.Fatal(err)
	}
	var texts []string
	for _, e := range app.events {
		texts = append(texts, e.InnerEvent.Data.(*slackevents.MessageEvent).Text)
	}
	if !slices.Equal(texts, []string{"one", "two", "three", "four"}) || r.Deliveries().Acked != 4 {
		t.Errorf("the app got %v, %+v", texts, r.Deliveries())
	}
}

func TestSlackRepeatsRefusedPostsWithRetryHeaders(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, app := newSlackApp(t, func(n int, w http.ResponseWriter) {
			switch n {
			case 0:
				w.WriteHeader(http.StatusInternalServerError)
			case 1:
				time.Sleep(5 * time.Second)
			}
		})
		if _, err := r.Say("U0ADA", "C0GENERAL", "", "hello"); err != nil {
			t.Fatal(err)
		}
		if err := r.Settled(t.Context()); err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, h := range app.heads {
			got = append(got, h.Get("X-Slack-Retry-Num")+" "+h.Get("X-Slack-Retry-Reason"))
		}
		if !slices.Equal(got, []string{" ", "1 http_error", "2 http_timeout"}) || r.Deliveries().Acked != 1 {
			t.Errorf("retries %q, %+v", got, r.Deliveries())
		}
	})
}

func TestSlackRepeatsNoPostWhenAskedNotTo(t *testing.T) {
	r, app := newSlackApp(t, func(_ int, w http.ResponseWriter) {
		w.Header().Set("X-Slack-No-Retry", "1")
		w.WriteHeader(http.StatusInternalServerError)
	})
	if _, err := r.Say("U0ADA", "C0GENERAL", "", "hello"); err != nil {
		t.Fatal(err)
	}
	if err := r.Settled(t.Context()); err != nil {
		t.Fatal(err)
	}
	if len(app.events) != 1 || r.Deliveries().Lost != 1 {
		t.Errorf("%d attempts, %+v", len(app.events), r.Deliveries())
	}
}

func TestSlackCommandOverHTTP(t *testing.T) {
	r, _ := newSlackApp(t, nil)
	for _, text := range []string{"ask why", "plain"} {
		if err := r.Command("U0ADA", "C0GENERAL", "/bobbin", text); err != nil {
			t.Error(err)
		}
	}
	if err := r.Command("U0ADA", "C0GENERAL", "/bobbin", "fail"); !errors.Is(err, sandbox.ErrSlackDispatch) {
		t.Errorf("failing app: %v", err)
	}
	seen := r.World().Messages("C0GENERAL")
	if len(seen) != 3 || seen[0].Text != "/bobbin ask why" || seen[0].OnlyFor != "" ||
		seen[1].Text != "plain U0ADA" || seen[1].OnlyFor != "U0ADA" || !strings.Contains(seen[2].Text, "dispatch_failed") {
		t.Errorf("people see %+v", seen)
	}
}

// slackCommands runs a client that hands each slash command to do.
func slackCommands(t *testing.T, r *slackRig, do func(*slackInbox, slack.SlashCommand, *socketmode.Request)) {
	t.Helper()
	in := r.connect(t, slackAck)
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			select {
			case e := <-in.events:
				if c, ok := e.Data.(slack.SlashCommand); ok {
					do(in, c, e.Request)
				}
			case <-t.Context().Done():
				return
			}
		}
	})
	t.Cleanup(wg.Wait)
}

func TestSlackCommandShowsTheAckToItsAuthorAlone(t *testing.T) {
	r := newSlackRig(t, sandbox.SlackOptions{})
	slackCommands(t, r, func(in *slackInbox, c slack.SlashCommand, q *socketmode.Request) {
		if !q.AcceptsResponsePayload || c.UserID != "U0ADA" || c.ChannelID != "C0GENERAL" || c.TeamID != "T0SANDBOX" {
			t.Errorf("command %+v", c)
		}
		_ = in.client.AckCtx(t.Context(), q.EnvelopeID, map[string]string{"text": "heard: " + c.Text})
	})
	if err := r.Command("U0ADA", "C0GENERAL", "/bobbin", "help"); err != nil {
		t.Fatal(err)
	}
	seen := r.World().Messages("C0GENERAL")
	if len(seen) != 1 || seen[0].Text != "heard: help" || seen[0].OnlyFor != "U0ADA" || seen[0].User != "U0BOBBIN" {
		t.Errorf("people see %+v", seen)
	}
}

func TestSlackCommandAckedTooLateFailsForItsAuthor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newSlackRig(t, sandbox.SlackOptions{})
		slackCommands(t, r, func(in *slackInbox, _ slack.SlashCommand, q *socketmode.Request) {
			time.Sleep(4 * time.Second)
			_ = in.client.AckCtx(t.Context(), q.EnvelopeID, map[string]string{"text": "late"})
		})
		if err := r.Command("U0ADA", "C0GENERAL", "/bobbin", "help"); !errors.Is(err, sandbox.ErrSlackTimeout) {
			t.Errorf("got %v", err)
		}
		time.Sleep(time.Minute)
		seen := r.World().Messages("C0GENERAL")
		if len(seen) != 1 || !strings.Contains(seen[0].Text, "operation_timeout") {
			t.Errorf("people see %+v", seen)
		}
	})
}

func TestSlackCommandWithoutAnAppFails(t *testing.T) {
	r := newSlackRig(t, sandbox.SlackOptions{})
	if err := r.Command("U0ADA", "C0GENERAL", "/bobbin", "help"); !errors.Is(err, sandbox.ErrSlackDispatch) {
		t.Errorf("got %v", err)
	}
}

func TestSlackResponseURLIsGoodFiveTimesInHalfAnHour(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newSlackRig(t, sandbox.SlackOptions{})
		urls := make(chan string, 2)
		slackCommands(t, r, func(in *slackInbox, c slack.SlashCommand, q *socketmode.Request) {
			_ = in.client.AckCtx(t.Context(), q.EnvelopeID, nil)
			urls <- c.ResponseURL
		})
		for range 2 {
			if err := r.Command("U0ADA", "C0GENERAL", "/bobbin", "help"); err != nil {
				t.Fatal(err)
			}
		}
		respond := func(url, text string, o ...slack.MsgOption) error {
			_, _, err := r.api.PostMessage("", append([]slack.MsgOption{
				slack.MsgOptionText(text, false), slack.MsgOptionResponseURL(url, slack.ResponseTypeEphemeral)}, o...)...)
			return err
		}
		url := <-urls
		for _, text := range []string{"1", "2", "3", "4"} {
			if err := respond(url, text); err != nil {
				t.Fatal(err)
			}
		}
		if err := respond(url, "5", slack.MsgOptionReplaceOriginal(url)); err != nil {
			t.Fatal(err)
		}
		if err := respond(url, "6"); err == nil {
			t.Error("used six times")
		}
		var texts []string
		for _, m := range r.World().Messages("C0GENERAL") {
			texts = append(texts, m.Text+" "+m.OnlyFor)
		}
		if want := []string{"1 U0ADA", "2 U0ADA", "3 U0ADA", "5 U0ADA"}; !slices.Equal(texts, want) {
			t.Errorf("people see %v", texts)
		}
		time.Sleep(31 * time.Minute)
		if err := respond(<-urls, "old"); err == nil {
			t.Error("used after half an hour")
		}
	})
}

func TestSlackButtonSaysWhoPressedItWhere(t *testing.T) {
	r := newSlackRig(t, sandbox.SlackOptions{})
	in := r.connect(t, slackAck)
	root, err := r.Say("U0ADA", "C0GENERAL", "", "hello")
	if err != nil {
		t.Fatal(err)
	}
	in.next(t)
	_, ts, err := r.api.PostMessage("C0GENERAL", slack.MsgOptionTS(root), slack.MsgOptionBlocks(slack.NewActionBlock("row",
		slack.NewButtonBlockElement("stop", "turn 1", slack.NewTextBlockObject("plain_text", "Stop", false, false)))))
	if err != nil {
		t.Fatal(err)
	}
	in.next(t)
	pressed := make(chan error)
	go func() { pressed <- r.Press("U0GRACE", "C0GENERAL", ts, "stop") }()
	e := in.next(t)
	c, ok := e.Data.(slack.InteractionCallback)
	if !ok || c.User.ID != "U0GRACE" || c.Container.ThreadTs != root || c.Container.MessageTs != ts || len(c.ActionCallback.BlockActions) != 1 {
		t.Fatalf("got %s %+v", e.Type, e.Data)
	}
	if a := c.ActionCallback.BlockActions[0]; a.ActionID != "stop" || a.BlockID != "row" || a.Value != "turn 1" || a.Type != "button" {
		t.Errorf("pressed %+v", a)
	}
	if err := in.client.AckCtx(t.Context(), e.Request.EnvelopeID, nil); err != nil {
		t.Fatal(err)
	}
	if err := <-pressed; err != nil {
		t.Error(err)
	}
	if err := r.Press("U0GRACE", "C0GENERAL", ts, "none"); err == nil {
		t.Error("pressed a button that is not there")
	}
}

func TestSlackWorksOverLoopbackUnderAPrefix(t *testing.T) {
	s := sandbox.NewSlack(sandbox.SlackOptions{})
	t.Cleanup(s.Close)
	url := slackOn(t, s)
	r := &slackRig{Slack: s}
	r.api = slack.New(s.Options().BotToken, slack.OptionAppLevelToken(s.Options().AppToken), slack.OptionAPIURL(url))
	in := r.connect(t, slackAck)
	if _, err := s.Say("U0GRACE", "C0RANDOM", "", "hello"); err != nil {
		t.Fatal(err)
	}
	if m := in.message(t); m.User != "U0GRACE" {
		t.Errorf("message %+v", m)
	}
	if err := s.Settled(t.Context()); err != nil {
		t.Fatal(err)
	}
}
