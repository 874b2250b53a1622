package slack

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"os"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"bobbin/bots"
	"bobbin/bots/sandbox"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// rig is the adapter, with the real slack-go, connected to a stand-in of Slack.
type rig struct {
	*sandbox.Slack
	s    *Slack
	stop func() error // ends Run and returns its error

	mu     sync.Mutex
	events []bots.Event
	accept func(context.Context, bots.Event) error
}

// bubble runs f in virtual time, with the adapter connected through pipes. When f
// returns, Run has to end and leave no goroutine behind.
func bubble(t *testing.T, o sandbox.SlackOptions, f func(t *testing.T, r *rig), tweaks ...func(*Options)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, o, tweaks...)
		r.start(t)
		synctest.Wait()
		if err := r.s.Ready(); err != nil {
			t.Fatalf("not ready: %v", err)
		}
		f(t, r)
		if err := r.stop(); err != nil {
			t.Errorf("Run: %v", err)
		}
	})
}

// newRig prepares a stand-in and an adapter that is not running yet.
func newRig(t *testing.T, o sandbox.SlackOptions, tweaks ...func(*Options)) *rig {
	r := &rig{Slack: sandbox.NewSlack(o)}
	wires := &pipes{conns: make(chan net.Conn), done: make(chan struct{})}
	server := &http.Server{Handler: r.Handler(), ReadHeaderTimeout: time.Minute}
	served := make(chan error, 1)
	go func() { served <- server.Serve(wires) }()
	transport := &http.Transport{DialContext: wires.dial}
	t.Cleanup(func() {
		r.Close()
		transport.CloseIdleConnections()
		if err := server.Close(); err != nil {
			t.Error(err)
		}
		if err := <-served; !errors.Is(err, http.ErrServerClosed) {
			t.Error(err)
		}
	})
	options := Options{
		BotToken: r.Options().BotToken, AppToken: r.Options().AppToken, APIURL: "http://slack.test/api",
		HTTPClient: &http.Client{Transport: transport}, Log: testLog(t),
	}
	for _, tweak := range tweaks {
		tweak(&options)
	}
	var err error
	r.s, err = New(options)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func (r *rig) start(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- r.s.Run(ctx, r.take) }()
	r.stop = sync.OnceValue(func() error { cancel(); return <-done })
	t.Cleanup(func() { _ = r.stop() })
}

func (r *rig) take(ctx context.Context, ev bots.Event) error {
	r.mu.Lock()
	accept := r.accept
	r.mu.Unlock()
	if accept != nil {
		if err := accept(ctx, ev); err != nil {
			return err
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.events = append(r.events, ev)
	return nil
}

func (r *rig) onAccept(f func(context.Context, bots.Event) error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.accept = f
}

// got returns the events accepted since the last call, once nothing moves any more.
func (r *rig) got() []bots.Event {
	synctest.Wait()
	r.mu.Lock()
	defer r.mu.Unlock()
	events := r.events
	r.events = nil
	return events
}

// one returns the only event accepted since the last call.
func (r *rig) one(t *testing.T) bots.Event {
	t.Helper()
	events := r.got()
	if len(events) != 1 {
		t.Fatalf("got %d events, want 1: %+v", len(events), events)
	}
	return events[0]
}

func (r *rig) say(t *testing.T, user, channel, thread, text string) string {
	t.Helper()
	ts, err := r.Say(user, channel, thread, text)
	if err != nil {
		t.Fatal(err)
	}
	return ts
}

// shown returns the messages of a channel, without those that one person only sees.
func (r *rig) shown(channel string) []sandbox.Message {
	return slices.DeleteFunc(r.World().Messages(channel), func(m sandbox.Message) bool { return m.OnlyFor != "" })
}

// whispers returns what only user sees in a channel.
func (r *rig) whispers(channel, user string) []string {
	var texts []string
	for _, m := range r.World().Messages(channel) {
		if m.OnlyFor == user {
			texts = append(texts, m.Text)
		}
	}
	return texts
}

// pipes is a listener whose connections are pipes.
type pipes struct {
	conns chan net.Conn
	done  chan struct{} // conns is never closed: a transport may dial for a call that has ended
}

func (p *pipes) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	ours, theirs := net.Pipe()
	select {
	case p.conns <- theirs:
		return ours, nil
	case <-p.done:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.done:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error   { close(p.done); return nil }
func (p *pipes) Addr() net.Addr { return &net.UnixAddr{Name: "pipes", Net: "unix"} }

func testLog(t *testing.T) *slog.Logger {
	if testing.Verbose() {
		return slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelDebug})).With("test", t.Name())
	}
	return slog.New(slog.DiscardHandler)
}
