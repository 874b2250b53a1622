package slack

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"

	"bobbin/bots"

	"github.com/gorilla/websocket"
)

// TestEveryKindOfEnvelopeIsAcknowledged reads the acknowledgements off the wire: the
// stand-in knows only those of what it sent itself.
func TestEveryKindOfEnvelopeIsAcknowledged(t *testing.T) {
	frames := []string{
		`{"type":"hello"}`,
		`{"type":"future_kind","envelope_id":"unknown envelope","payload":{"a":1}}`,
		`{"type":"events_api","envelope_id":"unknown event","payload":{"type":"event_callback","event":{"type":"never_seen"}}}`,
		`{"type":"events_api","envelope_id":"no payload","payload":null}`,
		`{"type":"events_api","envelope_id":"ignored","payload":{"type":"event_callback","event":{"type":"message","subtype":"channel_join"}}}`,
		`{"type":"events_api","envelope_id":"odd blocks","payload":{"type":"event_callback","event":{"type":"message","user":"U1","channel":"C1","ts":"1.1","blocks":7}}}`,
		`{"type":"events_api","envelope_id":"message","payload":{"type":"event_callback","event":{"type":"message","user":"U1","channel":"C1","ts":"1.2"}}}`,
		`{"type":"slash_commands","envelope_id":"odd command","payload":[]}`,
		`{"type":"slash_commands","envelope_id":"empty command","payload":{}}`,
		`{"type":"interactive","envelope_id":"button","payload":{"type":"block_actions"}}`,
		`{"type":"interactive","envelope_id":"odd button","payload":7}`,
	}
	var want []string
	acks := make(chan []string, 1)
	mux := http.NewServeMux()
	server := httptest.NewServer(mux)
	defer server.Close()
	mux.HandleFunc("/api/auth.test", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = fmt.Fprint(w, `{"ok":true,"team_id":"T1","user_id":"UBOT","bot_id":"B1","user":"bobbin"}`)
	})
	mux.HandleFunc("/api/users.info", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = fmt.Fprint(w, `{"ok":false,"error":"missing_scope"}`)
	})
	mux.HandleFunc("/api/apps.connections.open", func(w http.ResponseWriter, r *http.Request) {
		_, _ = fmt.Fprintf(w, `{"ok":true,"url":"ws://%s/socket"}`, r.Host)
	})
	mux.HandleFunc("/socket", func(w http.ResponseWriter, r *http.Request) {
		conn, err := (&websocket.Upgrader{CheckOrigin: func(*http.Request) bool { return true }}).Upgrade(w, r, nil)
		if err != nil {
			t.Error(err)
			return
		}
		defer func() { _ = conn.Close() }()
		for _, f := range frames {
			if err := conn.WriteMessage(websocket.TextMessage, []byte(f)); err != nil {
				t.Error(err)
			}
		}
		var got []string
		for range frames[1:] {
			var ack struct {
				EnvelopeID string `json:"envelope_id"`
			}
			if err := conn.ReadJSON(&ack); err != nil {
				t.Error(err)
				break
			}
			got = append(got, ack.EnvelopeID)
		}
		acks <- got
		_, _, _ = conn.ReadMessage() // until the client goes
	})
	for _, f := range frames[1:] {
		var envelope struct {
			EnvelopeID string `json:"envelope_id"`
		}
		if err := json.Unmarshal([]byte(f), &envelope); err != nil {
			t.Fatal(err)
		}
		want = append(want, envelope.EnvelopeID)
	}

	s, err := New(Options{BotToken: "xoxb-1", AppToken: "xapp-1", APIURL: server.URL + "/api/", Log: testLog(t)})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx, func(context.Context, bots.Event) error { return nil }) }()
	got := <-acks
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("acknowledged %q, want %q", got, want)
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}
