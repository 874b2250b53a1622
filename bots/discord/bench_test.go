package discord

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"bobbin/bots"

	"github.com/gorilla/websocket"
)

// mention is a dispatch as Discord sends it; %d is its number.
const mention = `{"t":"MESSAGE_CREATE","s":%d,"op":0,"d":{"type":0,"tts":false,"timestamp":"2026-11-28T07:00:00.123000+00:00","pinned":false,"nonce":"1312345678901234688",` +
	`"mentions":[{"username":"bobbin","public_flags":524288,"primary_guild":null,"member":{"roles":["1300000000000000042"],"premium_since":null,"pending":false,"nick":null,"mute":false,` +
	`"joined_at":"2026-01-01T10:00:00.000000+00:00","flags":0,"deaf":false,"communication_disabled_until":null,"banner":null,"avatar":null},"id":"7","global_name":null,` +
	`"discriminator":"4711","collectibles":null,"clan":null,"bot":true,"avatar_decoration_data":null,"avatar":null}],"mention_roles":[],"mention_everyone":false,` +
	`"member":{"roles":["1300000000000000043","1300000000000000044"],"premium_since":null,"pending":false,"nick":"Ada","mute":false,"joined_at":"2026-01-01T10:00:00.000000+00:00",` +
	`"flags":2,"deaf":false,"communication_disabled_until":null,"banner":null,"avatar":null},"id":"13%017[1]d","flags":0,"embeds":[],"edited_timestamp":null,` +
	`"content":"<@7> what is the *weather* like in Paris & Lyon?","components":[],"channel_type":0,"channel_id":"66","author":{"username":"ada","public_flags":0,"primary_guild":null,` +
	`"id":"9","global_name":"Ada","discriminator":"0","collectibles":null,"clan":null,"avatar_decoration_data":null,"avatar":"8342729096ea3675442027381ff50dfe"},"attachments":[],"guild_id":"5"}}`

// BenchmarkGateway is the way of one message after the other from the frame until it is
// accepted.
func BenchmarkGateway(b *testing.B) {
	sockets := make(chan *websocket.Conn, 1)
	mux := http.NewServeMux()
	server := httptest.NewServer(mux)
	defer server.Close()
	mux.HandleFunc("/api/", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		switch {
		case strings.HasSuffix(r.URL.Path, "/gateway"):
			_, _ = io.WriteString(w, `{"url":"ws`+server.URL[len("http"):]+`"}`)
		case strings.HasSuffix(r.URL.Path, "/channels/66"):
			_, _ = io.WriteString(w, `{"id":"66","type":0,"name":"looms","guild_id":"5"}`)
		default:
			_, _ = io.WriteString(w, `[]`)
		}
	})
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		conn, err := (&websocket.Upgrader{}).Upgrade(w, r, nil)
		if err != nil {
			b.Error(err)
			return
		}
		sockets <- conn
	})
	d, err := New(Options{BotToken: "secret", APIURL: server.URL})
	if err != nil {
		b.Fatal(err)
	}
	ctx, cancel := context.WithCancel(b.Context())
	done, accepted := make(chan error, 1), make(chan struct{}, 1)
	go func() {
		done <- d.Run(ctx, func(context.Context, bots.Event) error { accepted <- struct{}{}; return nil })
	}()
	conn := <-sockets
	send := func(frame string) {
		if err := conn.WriteMessage(websocket.TextMessage, []byte(frame)); err != nil {
			b.Fatal(err)
		}
	}
	send(`{"op":10,"d":{"heartbeat_interval":41250}}`)
	if _, _, err := conn.ReadMessage(); err != nil { // it identifies itself
		b.Fatal(err)
	}
	send(`{"op":0,"s":1,"t":"READY","d":{"v":9,"session_id":"s","user":{"id":"7"},"application":{"id":"8"},"guilds":[]}}`)
	b.ReportAllocs()
	for n := 2; b.Loop(); n++ {
		send(fmt.Sprintf(mention, n))
		<-accepted
	}
	cancel()
	if err := <-done; err != nil {
		b.Error(err)
	}
	_ = conn.Close()
}
