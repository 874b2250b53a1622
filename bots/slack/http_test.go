package slack

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"bobbin/bots"
	"bobbin/bots/sandbox"
)

// httpRig is an adapter in HTTP mode on a real socket.
type httpRig struct {
	*sandbox.Slack
	s      *Slack
	events chan bots.Event
	fail   atomic.Bool
}

func startHTTP(t *testing.T) *httpRig {
	r := &httpRig{Slack: sandbox.NewSlack(sandbox.SlackOptions{Redeliver: []time.Duration{0, 0}}), events: make(chan bots.Event, 16)}
	t.Cleanup(r.Close)
	api := httptest.NewServer(r.Handler())
	t.Cleanup(api.Close)
	var err error
	r.s, err = New(Options{
		BotToken: r.Options().BotToken, SigningSecret: r.Options().SigningSecret, Listen: "127.0.0.1:0",
		APIURL: api.URL + "/api/", Log: testLog(t),
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- r.s.Run(ctx, r.take) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
		http.DefaultClient.CloseIdleConnections()
	})
	for r.s.Ready() != nil {
		select {
		case <-time.After(time.Millisecond):
		case <-t.Context().Done():
			t.Fatal(r.s.Ready())
		}
	}
	r.SetHTTP("http://" + r.s.Addr())
	return r
}

func (r *httpRig) take(_ context.Context, ev bots.Event) error {
	if r.fail.Swap(false) {
		return errors.New("the disk is full")
	}
	r.events <- ev
	return nil
}

func TestHTTPModeTakesEventsAndCommands(t *testing.T) {
	r := startHTTP(t)
	if err := r.VerifyURL(t.Context()); err != nil {
		t.Error(err)
	}
	r.fail.Store(true)
	if _, err := r.Say("U0ADA", "C0RANDOM", "", "hello & welcome"); err != nil {
		t.Fatal(err)
	}
	if err := r.Settled(t.Context()); err != nil {
		t.Fatal(err)
	}
	if d := r.Deliveries(); d.Acked != 1 || d.Lost != 0 {
		t.Errorf("after one refusal: %+v", d)
	}
	if ev := <-r.events; ev.Text != "hello & welcome" {
		t.Errorf("%+v", ev)
	}
	if err := r.Command("U0ADA", "C0RANDOM", "/bobbin", "ask what?"); err != nil {
		t.Error(err)
	}
	if ev := <-r.events; ev.Command != "ask" || ev.Text != "what?" || ev.Target.Thread == "" {
		t.Errorf("%+v", ev)
	}
	r.fail.Store(true)
	if err := r.Command("U0ADA", "C0RANDOM", "/bobbin", "reset"); err != nil {
		t.Error(err)
	}
	var told []string
	for _, m := range r.World().Messages("C0RANDOM") {
		if m.OnlyFor == "U0ADA" {
			told = append(told, m.Text)
		}
	}
	if len(told) != 1 || !strings.Contains(told[0], "try again") {
		t.Errorf("told %q", told)
	}
}

func TestHTTPModeTakesWhatPeopleDoBesidesWriting(t *testing.T) {
	r := startHTTP(t)
	ts, err := r.Say("U0ADA", "C0RANDOM", "", "hello")
	if err != nil {
		t.Fatal(err)
	}
	<-r.events
	r.fail.Store(true)
	if err := r.Edit("U0ADA", "C0RANDOM", ts, "hello there"); err != nil {
		t.Fatal(err)
	}
	if ev := <-r.events; ev.Change != bots.Edited || ev.Text != "hello there" {
		t.Errorf("%+v", ev)
	}
	if err := r.MessageShortcut("U0ADA", "C0RANDOM", ts, summariseShortcut); err != nil {
		t.Fatal(err)
	}
	if ev := <-r.events; ev.Command != "summarise" || ev.Subject == nil || ev.Subject.Text != "hello there" {
		t.Errorf("%+v", ev)
	}
	if _, _, err := r.OpenHome("U0ADA"); err != nil {
		t.Fatal(err)
	}
	if err := r.Settled(t.Context()); err != nil {
		t.Fatal(err)
	}
	if d := r.Deliveries(); d.Lost != 0 {
		t.Errorf("%+v", d)
	}
}

func TestHTTPModeRefusesWhatIsNotSlacks(t *testing.T) {
	r := startHTTP(t)
	secret := r.Options().SigningSecret
	now := strconv.FormatInt(time.Now().Unix(), 10)
	old := strconv.FormatInt(time.Now().Add(-6*time.Minute).Unix(), 10)
	event := payload(`{"type":"message","user":"U0ADA","channel":"C1","ts":"1.1","text":"forged"}`)
	long := `{"type":"event_callback","x":"` + strings.Repeat("x", maxBody) + `"}`
	tests := []struct {
		name, method, path, body, stamp, signature string
		want                                       int
	}{
		{"wrong secret", "POST", "/slack/events", event, now, sandbox.SlackSignature("guessed", now, []byte(event)), 401},
		{"other body", "POST", "/slack/events", event, now, sandbox.SlackSignature(secret, now, []byte("{}")), 401},
		{"other time", "POST", "/slack/events", event, now, sandbox.SlackSignature(secret, old, []byte(event)), 401},
		{"stale", "POST", "/slack/events", event, old, sandbox.SlackSignature(secret, old, []byte(event)), 401},
		{"no signature", "POST", "/slack/events", event, now, "", 401},
		{"no time", "POST", "/slack/events", event, "", sandbox.SlackSignature(secret, "", []byte(event)), 401},
		{"odd time", "POST", "/slack/events", event, "soon", sandbox.SlackSignature(secret, "soon", []byte(event)), 401},
		{"odd signature", "POST", "/slack/events", event, now, "v0=xyz", 401},
		{"short signature", "POST", "/slack/events", event, now, "v0=ab", 401},
		{"unsigned challenge", "POST", "/slack/events", `{"type":"url_verification","challenge":"x"}`, now, "", 401},
		{"unsigned command", "POST", "/slack/commands", "command=/bobbin&text=reset", now, "", 401},
		{"unsigned interaction", "POST", "/slack/interactions", "payload={}", now, "", 401},
		{"oversized", "POST", "/slack/events", long, now, sandbox.SlackSignature(secret, now, []byte(long)), 413},
		{"malformed JSON", "POST", "/slack/events", "{", now, sandbox.SlackSignature(secret, now, []byte("{")), 400},
		{"empty", "POST", "/slack/events", "", now, sandbox.SlackSignature(secret, now, nil), 400},
		{"malformed form", "POST", "/slack/commands", "%zz", now, sandbox.SlackSignature(secret, now, []byte("%zz")), 400},
		{"no command", "POST", "/slack/commands", "text=x", now, sandbox.SlackSignature(secret, now, []byte("text=x")), 400},
		{"no payload", "POST", "/slack/interactions", "x=1", now, sandbox.SlackSignature(secret, now, []byte("x=1")), 400},
		{"wrong method", "GET", "/slack/events", "", now, sandbox.SlackSignature(secret, now, nil), 405},
		{"wrong path", "POST", "/slack/other", "{}", now, sandbox.SlackSignature(secret, now, []byte("{}")), 404},
		{"unknown delivery", "POST", "/slack/events", `{"type":"app_rate_limited"}`, now, sandbox.SlackSignature(secret, now, []byte(`{"type":"app_rate_limited"}`)), 200},
		{"JSON of another kind", "POST", "/slack/events", `[7]`, now, sandbox.SlackSignature(secret, now, []byte(`[7]`)), 200},
		{"command without a place", "POST", "/slack/commands", "command=x", now, sandbox.SlackSignature(secret, now, []byte("command=x")), 200},
		{"interaction", "POST", "/slack/interactions", "payload={}", now, sandbox.SlackSignature(secret, now, []byte("payload={}")), 200},
	}
	for _, tc := range tests {
		req, err := http.NewRequestWithContext(t.Context(), tc.method, "http://"+r.s.Addr()+tc.path, bytes.NewReader([]byte(tc.body)))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("X-Slack-Request-Timestamp", tc.stamp)
		if tc.signature != "" {
			req.Header.Set("X-Slack-Signature", tc.signature)
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Errorf("%s: %v", tc.name, err)
			continue
		}
		answer, _ := io.ReadAll(resp.Body)
		if err := resp.Body.Close(); err != nil {
			t.Error(err)
		}
		if resp.StatusCode != tc.want || bytes.Contains(answer, []byte(secret)) {
			t.Errorf("%s: %d %s, want %d", tc.name, resp.StatusCode, answer, tc.want)
		}
	}
	if len(r.events) != 0 {
		t.Errorf("%d events were taken", len(r.events))
	}
	if n := r.s.Ignored()["bad signature"]; n != 12 {
		t.Errorf("%d bad signatures were counted: %v", n, r.s.Ignored())
	}
}

func TestHTTPModeThatCannotListenSaysWhere(t *testing.T) {
	taken := startHTTP(t)
	s, err := New(Options{
		BotToken: taken.Options().BotToken, SigningSecret: "x", Listen: taken.s.Addr(), APIURL: taken.s.opts.APIURL,
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Run(t.Context(), taken.take); err == nil || !strings.Contains(err.Error(), taken.s.Addr()) {
		t.Errorf("Run: %v", err)
	}
}

func TestSocketModeOverRealSockets(t *testing.T) {
	sb := sandbox.NewSlack(sandbox.SlackOptions{Redeliver: []time.Duration{0, time.Millisecond, time.Second}})
	t.Cleanup(sb.Close)
	api := httptest.NewServer(sb.Handler())
	t.Cleanup(api.Close)
	s, err := New(Options{BotToken: sb.Options().BotToken, AppToken: sb.Options().AppToken, APIURL: api.URL + "/api", Log: testLog(t)})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	events := make(chan bots.Event, 16)
	done := make(chan error, 1)
	go func() {
		done <- s.Run(ctx, func(_ context.Context, ev bots.Event) error { events <- ev; return nil })
	}()
	for sb.Sockets() == 0 {
		select {
		case <-time.After(time.Millisecond):
		case <-t.Context().Done():
			t.Fatal(s.Ready())
		}
	}
	if _, err := sb.Say("U0ADA", "C0GENERAL", "", "one"); err != nil {
		t.Fatal(err)
	}
	if ev := <-events; ev.Text != "one" {
		t.Errorf("%+v", ev)
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}
