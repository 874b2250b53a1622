package slack

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"bobbin/agent"
	"bobbin/bots"

	"github.com/gorilla/websocket"
)

// mention is a frame as Slack sends it; %d tells one from another.
const mention = `{"envelope_id":"5a3d1c0e-7a2b-4c57-9a57-1d0c5d6b%04d","payload":{"token":"z26uFbvR1xHJEdHE1OQiO6t8","team_id":"T061EG9RZ",` +
	`"context_team_id":"T061EG9RZ","context_enterprise_id":null,"api_app_id":"A0FFV41KK","event":{"type":"app_mention","user":"U061F1EUR",` +
	`"ts":"1515449483.%06d","client_msg_id":"c8a5e2f4-50f0-4d43-8f5f-1a5d1ddd4f0e","text":"<@U0LAN0Z89> what is the *weather* like in Paris &amp; Lyon?",` +
	`"team":"T061EG9RZ","blocks":[{"type":"rich_text","block_id":"cGk1","elements":[{"type":"rich_text_section","elements":[` +
	`{"type":"user","user_id":"U0LAN0Z89"},{"type":"text","text":" what is the "},{"type":"text","text":"weather","style":{"bold":true}},` +
	`{"type":"text","text":" like in Paris & Lyon?"}]}]}],"thread_ts":"1515449400.000016","parent_user_id":"U0LAN0Z89","channel":"C061EG9SL",` +
	`"event_ts":"1515449483.%06[2]d"},"type":"event_callback","event_id":"Ev061F%06[2]d","event_time":1515449483,"authorizations":[{"enterprise_id":null,` +
	`"team_id":"T061EG9RZ","user_id":"U0LAN0Z89","is_bot":true,"is_enterprise_install":false}],"is_ext_shared_channel":false,` +
	`"event_context":"4-eyJldCI6ImFwcF9tZW50aW9uIiwidGlkIjoiVDA2MUVHOVJaIiwiYWlkIjoiQTBGRlY0MUtLIiwiY2lkIjoiQzA2MUVHOVNMIn0"},` +
	`"type":"events_api","accepts_response_payload":false,"retry_attempt":0,"retry_reason":""}`

// loopback is as little of Slack as a benchmark needs, on real connections.
type loopback struct {
	*http.ServeMux
	url     string
	sockets chan *websocket.Conn
}

func newLoopback(b *testing.B) *loopback {
	l := &loopback{ServeMux: http.NewServeMux(), sockets: make(chan *websocket.Conn, 1)}
	server := httptest.NewServer(l)
	b.Cleanup(server.Close)
	l.url = server.URL + "/api/"
	l.answer(b, "auth.test", `{"ok":true,"team_id":"T061EG9RZ","user_id":"U0LAN0Z89","bot_id":"B1","user":"bobbin"}`)
	l.answer(b, "users.info", `{"ok":false,"error":"missing_scope"}`)
	l.answer(b, "apps.connections.open", `{"ok":true,"url":"ws`+server.URL[len("http"):]+`/socket"}`)
	l.HandleFunc("/socket", func(w http.ResponseWriter, r *http.Request) {
		conn, err := (&websocket.Upgrader{CheckOrigin: func(*http.Request) bool { return true }}).Upgrade(w, r, nil)
		if err != nil {
			b.Error(err)
			return
		}
		l.sockets <- conn
	})
	return l
}

func (l *loopback) answer(b *testing.B, method, body string) {
	l.HandleFunc("/api/"+method, func(w http.ResponseWriter, r *http.Request) {
		if _, err := io.Copy(io.Discard, r.Body); err != nil {
			b.Error(err)
		}
		w.Header().Set("Content-Type", "application/json; charset=utf-8")
		_, _ = io.WriteString(w, body)
	})
}

func (l *loopback) adapter(b *testing.B) *Slack {
	s, err := New(Options{BotToken: "xoxb-1", AppToken: "xapp-1", APIURL: l.url})
	if err != nil {
		b.Fatal(err)
	}
	return s
}

// BenchmarkSocket is the way of one event after the other from the frame until it is
// accepted, and on until its acknowledgement is back.
func BenchmarkSocket(b *testing.B) {
	l := newLoopback(b)
	s := l.adapter(b)
	ctx, cancel := context.WithCancel(b.Context())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx, func(context.Context, bots.Event) error { return nil }) }()
	conn := <-l.sockets
	if err := conn.WriteMessage(websocket.TextMessage, []byte(`{"type":"hello"}`)); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for n := 0; b.Loop(); n++ {
		if err := conn.WriteMessage(websocket.TextMessage, fmt.Appendf(nil, mention, n%1e4, n%1e6)); err != nil {
			b.Fatal(err)
		}
		if _, _, err := conn.ReadMessage(); err != nil {
			b.Fatal(err)
		}
	}
	cancel()
	if err := <-done; err != nil {
		b.Error(err)
	}
	_ = conn.Close()
}

// BenchmarkDelivery reads a frame and converts its event.
func BenchmarkDelivery(b *testing.B) {
	s, err := New(Options{BotToken: "xoxb-1", AppToken: "xapp-1"})
	if err != nil {
		b.Fatal(err)
	}
	s.me.Store(&identity{user: "U0LAN0Z89", team: "T061EG9RZ", bot: "B1", name: "bobbin"})
	frame := fmt.Appendf(nil, mention, 1, 2)
	b.ReportAllocs()
	for b.Loop() {
		var e envelope
		misread, ok := decode(frame, &e)
		if _, ignored := s.event(&e.Payload, misread); !ok || ignored != "" {
			b.Fatal(ok, ignored)
		}
	}
}

// BenchmarkPost is a short answer in a thread, over a real connection and without one.
func BenchmarkPost(b *testing.B) {
	const answer = `{"ok":true,"channel":"C061EG9SL","ts":"1515449522.000016","message":{"user":"U0LAN0Z89","type":"message",` +
		`"ts":"1515449522.000016","bot_id":"B1","app_id":"A0FFV41KK","text":"It is *sunny* in Paris, with 21 degrees. In Lyon it rains a little.",` +
		`"team":"T061EG9RZ","bot_profile":{"id":"B1","app_id":"A0FFV41KK","user_id":"U0LAN0Z89","name":"bobbin","icons":{"image_36":"https:\/\/a.slack-edge.com\/x.png",` +
		`"image_48":"https:\/\/a.slack-edge.com\/x.png","image_72":"https:\/\/a.slack-edge.com\/x.png"},"deleted":false,"updated":1515449000,"team_id":"T061EG9RZ"},` +
		`"thread_ts":"1515449400.000016","parent_user_id":"U0LAN0Z89","blocks":[{"type":"rich_text","block_id":"cGk1","elements":[{"type":"rich_text_section",` +
		`"elements":[{"type":"text","text":"It is "},{"type":"text","text":"sunny","style":{"bold":true}},{"type":"text","text":" in Paris, with 21 degrees. In Lyon it rains a little."}]}]}],` +
		`"metadata":{"event_type":"bobbin_reply","event_payload":{"key":"01KB4TXHPVBDQ8W0SP6YF4J4M8-1"}}}}`
	post := func(b *testing.B, s *Slack) {
		to := agent.Target{Address: agent.Address{Platform: "slack", Workspace: "T061EG9RZ", Channel: "C061EG9SL", Thread: "1515449400.000016"}}
		m := s.Render("It is **sunny** in Paris, with 21 degrees. In Lyon it rains a little, but the evening should be dry & mild.")[0]
		m.Foot = "gemma-4-26b-a4b-it · 1.2s"
		for _, action := range []bots.Action{bots.Retry, bots.Up, bots.Down} {
			m.Buttons = append(m.Buttons, bots.Button{Action: action, Turn: "01KB4TXHPVBDQ8W0SP6YF4J4M8"})
		}
		b.ReportAllocs()
		for b.Loop() {
			if _, err := s.Post(b.Context(), to, "01KB4TXHPVBDQ8W0SP6YF4J4M8-1", m); err != nil {
				b.Fatal(err)
			}
		}
	}
	b.Run("loopback", func(b *testing.B) {
		l := newLoopback(b)
		l.answer(b, "chat.postMessage", answer)
		s := l.adapter(b)
		post(b, s)
		s.http.CloseIdleConnections()
	})
	b.Run("client", func(b *testing.B) {
		s, err := New(Options{BotToken: "xoxb-1", AppToken: "xapp-1", HTTPClient: &http.Client{Transport: canned(answer)}})
		if err != nil {
			b.Fatal(err)
		}
		post(b, s)
	})
}

// canned answers each call with the same JSON.
type canned string

func (c canned) RoundTrip(*http.Request) (*http.Response, error) {
	return &http.Response{
		StatusCode: http.StatusOK, Header: http.Header{"Content-Type": {"application/json; charset=utf-8"}},
		Body: io.NopCloser(strings.NewReader(string(c))), ContentLength: int64(len(c)),
	}, nil
}
