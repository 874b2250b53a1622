package discord

import (
	"context"
	"net/http/httptest"
	"testing"
	"time"

	"bobbin/bots"
	"bobbin/bots/sandbox"
)

// The other tests run in virtual time on pipes; this one uses real sockets.
func TestConversationOverRealSockets(t *testing.T) {
	fake := sandbox.NewDiscord(sandbox.DiscordOptions{})
	srv := httptest.NewServer(fake.Handler())
	defer srv.Close()
	defer fake.Close()
	d, err := New(Options{BotToken: fake.Token(), APIURL: srv.URL})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	events, ended := make(chan bots.Event), make(chan error, 1)
	go func() {
		ended <- d.Run(ctx, func(_ context.Context, e bots.Event) error {
			events <- e
			return nil
		})
	}()
	defer func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}()
	for fake.Connected() == 0 || d.Ready() != nil {
		select {
		case <-ctx.Done():
			t.Fatal(d.Ready())
		case <-time.After(5 * time.Millisecond):
		}
	}
	if _, err := fake.Say("ada", "general", "", "<@"+fake.BotID()+"> hi"); err != nil {
		t.Fatal(err)
	}
	var e bots.Event
	select {
	case e = <-events:
	case <-ctx.Done():
		t.Fatal("no event came")
	}
	id, err := d.Post(ctx, e.Target, "K-1", bots.Message{Text: "hel"})
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Edit(ctx, e.Target, id, bots.Message{Text: "hello"}); err != nil {
		t.Fatal(err)
	}
	got := fake.World().Messages(e.Target.Thread)
	if len(got) != 1 || got[0].Text != "hello" {
		t.Errorf("thread shows %+v", got)
	}
}
