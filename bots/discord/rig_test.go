package discord

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"bobbin/agent"
	"bobbin/bots"
	"bobbin/bots/sandbox"
)

// pipes is a listener on in-memory pipes, which a synctest bubble can wait for.
type pipes struct {
	conns chan net.Conn
	done  chan struct{}
}

func (l *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.done:
		return nil, net.ErrClosed
	}
}
func (l *pipes) Close() error   { close(l.done); return nil }
func (l *pipes) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 80} }
func (l *pipes) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	client, server := net.Pipe()
	select {
	case l.conns <- server:
		return client, nil
	case <-l.done:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// rig is a Discord and the stand-in that it talks to, in virtual time.
type rig struct {
	*testing.T
	fake *sandbox.Discord
	bot  *Discord
	logs *strings.Builder

	ctx    context.Context
	cancel context.CancelFunc
	ended  chan error

	mu     sync.Mutex
	events []bots.Event
	accept func(context.Context, bots.Event) error // nil accepts
}

type setup struct {
	fake sandbox.DiscordOptions
	opts Options
	idle bool // do not run
}

// bubble runs test in a synctest bubble, which also fails it for goroutines that are
// left behind.
func bubble(t *testing.T, s setup, test func(*rig)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		l := &pipes{conns: make(chan net.Conn), done: make(chan struct{})}
		r := &rig{T: t, fake: sandbox.NewDiscord(s.fake), logs: new(strings.Builder), ended: make(chan error, 1)}
		srv := &http.Server{Handler: r.fake.Handler(), ReadHeaderTimeout: time.Minute}
		served := make(chan struct{})
		go func() {
			defer close(served)
			_ = srv.Serve(l)
		}()
		transport := &http.Transport{DialContext: l.dial}
		o := s.opts
		if o.BotToken == "" {
			o.BotToken = r.fake.Token()
		}
		o.APIURL, o.Dial = "http://discord.test/", l.dial
		o.HTTPClient = &http.Client{Transport: transport, Timeout: 20 * time.Second}
		o.Log = slog.New(slog.NewTextHandler(&locked{mu: &r.mu, w: r.logs}, &slog.HandlerOptions{Level: slog.LevelDebug}))
		var err error
		if r.bot, err = New(o); err != nil {
			t.Fatal(err)
		}
		r.ctx, r.cancel = context.WithCancel(t.Context())
		defer func() {
			r.stop()
			r.fake.Close()
			transport.CloseIdleConnections()
			_ = srv.Close()
			<-served
		}()
		if !s.idle {
			r.start()
			r.settle()
			if err := r.bot.Ready(); err != nil {
				t.Fatalf("not connected: %v", err)
			}
		}
		test(r)
	})
}

type locked struct {
	mu *sync.Mutex
	w  *strings.Builder
}

func (l *locked) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.w.Write(b)
}

func (r *rig) start() {
	go func() {
		r.ended <- r.bot.Run(r.ctx, func(ctx context.Context, e bots.Event) error {
			r.mu.Lock()
			accept := r.accept
			r.mu.Unlock()
			if accept != nil {
				if err := accept(ctx, e); err != nil {
					return err
				}
			}
			r.mu.Lock()
			defer r.mu.Unlock()
			r.events = append(r.events, e)
			return nil
		})
	}()
}

// stop ends Run and waits for it.
func (r *rig) stop() {
	r.cancel()
	select {
	case err := <-r.ended:
		if err != nil {
			r.Error(err)
		}
	case <-time.After(time.Minute):
		r.Error("Run did not end")
	}
	r.ended <- nil
}

// settle waits until nothing more happens by itself.
func (r *rig) settle() { synctest.Wait() }

func (r *rig) onAccept(f func(context.Context, bots.Event) error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.accept = f
}

// taken returns the events accepted since the last call.
func (r *rig) taken() []bots.Event {
	r.Helper()
	r.settle()
	r.mu.Lock()
	defer r.mu.Unlock()
	out := r.events
	r.events = nil
	return out
}

// one returns the one event that was accepted.
func (r *rig) one() bots.Event {
	r.Helper()
	got := r.taken()
	if len(got) != 1 {
		r.Fatalf("accepted %d events, want 1: %+v\n%v\n%s", len(got), got, r.bot.Ignored(), r.logged())
	}
	return got[0]
}

func (r *rig) logged() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.logs.String()
}

func (r *rig) say(user, channel, replyTo, text string) string {
	r.Helper()
	id, err := r.fake.Say(user, channel, replyTo, text)
	if err != nil {
		r.Fatal(err)
	}
	return id
}

func (r *rig) mention(text string) string { return "<@" + r.fake.BotID() + "> " + text }

func (r *rig) channel(name string) string {
	r.Helper()
	for _, c := range r.fake.World().Channels() {
		if c.Name == name {
			return c.ID
		}
	}
	r.Fatalf("no channel %q", name)
	return ""
}

func (r *rig) post(to agent.Target, key, text string) agent.MessageID {
	r.Helper()
	id, err := r.bot.Post(r.ctx, to, key, bots.Message{Text: text})
	if err != nil {
		r.Fatal(err)
	}
	return id
}

// shows returns the texts of the bot's messages in a channel.
func (r *rig) shows(channel string) []string {
	var out []string
	for _, m := range r.fake.World().Messages(channel) {
		if m.User == r.fake.BotID() {
			out = append(out, m.Text)
		}
	}
	return out
}

func (r *rig) message(id agent.MessageID) sandbox.Message {
	r.Helper()
	p, err := parsePlace(id)
	if err != nil {
		r.Fatal(err)
	}
	m, ok := r.fake.World().Message(p.channel, p.message)
	if !ok {
		r.Fatalf("no message %s", id)
	}
	return m
}

func (r *rig) want(channel string, texts ...string) {
	r.Helper()
	if got := r.shows(channel); !slices.Equal(got, texts) {
		r.Errorf("channel shows %q, want %q", got, texts)
	}
}

func wantErr(t *testing.T, err, target error) {
	t.Helper()
	if !errors.Is(err, target) {
		t.Errorf("error is %v, want one that is %q", err, target)
	}
}

const fakeThreads = "POST /channels/{channel}/messages/{message}/threads"

// noThreads makes opening threads fail for want of permission.
func (r *rig) noThreads() {
	r.fake.Inject(sandbox.DiscordFault{Route: fakeThreads, Times: -1, Status: 403, Body: `{"message":"Missing Permissions","code":50013}`})
}

// forget empties a memory, as a restart does.
func forget[V any](r *recent[V]) {
	r.mu.Lock()
	defer r.mu.Unlock()
	clear(r.now)
	clear(r.old)
}
