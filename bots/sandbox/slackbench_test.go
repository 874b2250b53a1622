package sandbox_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/gorilla/websocket"

	"bobbin/bots/sandbox"
)

// The stand-in shares its machine with what is measured or tested against it: what it
// takes for a message and for an answer is to be small.

// slackAnswer is an answer such as bobbin's, with the buttons below it.
func slackAnswer() url.Values {
	text := strings.Repeat("something ", 38)
	return url.Values{
		"token": {"xoxb-sandbox"}, "channel": {"C0GENERAL"}, "text": {text}, "unfurl_links": {"false"},
		"blocks": {`[{"type":"markdown","text":"` + text + `"},{"type":"actions","elements":[` +
			`{"type":"button","text":{"type":"plain_text","text":"Try again","emoji":true},"action_id":"retry","value":"retry:GMGMQ3OV7NXAJQWDUZ2Q"},` +
			`{"type":"button","text":{"type":"plain_text","text":"Good","emoji":true},"action_id":"up","value":"up:GMGMQ3OV7NXAJQWDUZ2Q"},` +
			`{"type":"button","text":{"type":"plain_text","text":"Bad","emoji":true},"action_id":"down","value":"down:GMGMQ3OV7NXAJQWDUZ2Q"}]}]`},
		"metadata": {`{"event_type":"bobbin","event_payload":{"key":"GMGMQ3OV7NXAJQWDUZ2Q"}}`},
	}
}

func BenchmarkSlackPost(b *testing.B) {
	s := sandbox.NewSlack(sandbox.SlackOptions{NoLimits: true, Events: []string{"app_mention"}})
	defer s.Close()
	h := s.Handler()
	root, err := s.Say("U0ADA", "C0GENERAL", "", "hello")
	if err != nil {
		b.Fatal(err)
	}
	form := slackAnswer()
	form.Set("thread_ts", root)
	body := form.Encode()
	w := httptest.NewRecorder()
	b.ReportAllocs()
	for b.Loop() {
		r := httptest.NewRequestWithContext(b.Context(), http.MethodPost, "/api/chat.postMessage", strings.NewReader(body))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		w.Body.Reset()
		h.ServeHTTP(w, r)
	}
	if !strings.Contains(w.Body.String(), `"ok":true`) {
		b.Errorf("the answer is %s", w.Body)
	}
}

// BenchmarkSlackMention is what it takes until the app has acknowledged a message.
func BenchmarkSlackMention(b *testing.B) {
	s := sandbox.NewSlack(sandbox.SlackOptions{NoLimits: true, Events: []string{"app_mention"}})
	server := httptest.NewServer(s.Handler())
	defer server.Close()
	defer s.Close()
	r, err := http.NewRequestWithContext(b.Context(), http.MethodPost, server.URL+"/api/apps.connections.open", nil)
	if err != nil {
		b.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+s.Options().AppToken)
	resp, err := server.Client().Do(r)
	if err != nil {
		b.Fatal(err)
	}
	body, err := io.ReadAll(resp.Body)
	_ = resp.Body.Close() // it was read to its end
	var opened struct {
		URL string `json:"url"`
	}
	if err != nil || json.Unmarshal(body, &opened) != nil {
		b.Fatalf("apps.connections.open answers %s, error %v", body, err)
	}
	socket, greeting, err := websocket.DefaultDialer.DialContext(b.Context(), opened.URL, nil)
	if err != nil {
		b.Fatal(err)
	}
	_ = greeting.Body.Close() // it has none
	defer func() { _ = socket.Close() }()
	next := func() (e struct {
		ID string `json:"envelope_id"`
	}) {
		if err := socket.ReadJSON(&e); err != nil {
			b.Fatal(err)
		}
		return e
	}
	next() // the hello
	b.ReportAllocs()
	for b.Loop() {
		if _, err := s.Say("U0ADA", "C0GENERAL", "", "<@U0BOBBIN> what is to be done today?"); err != nil {
			b.Fatal(err)
		}
		if err := socket.WriteJSON(next()); err != nil {
			b.Fatal(err)
		}
		if err := s.Settled(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
}
