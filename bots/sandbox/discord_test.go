package sandbox

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bwmarrin/discordgo"
	"github.com/gorilla/websocket"
)

// discordRewrite sends every request to host, whatever it was meant for.
type discordRewrite struct {
	host string
	next http.RoundTripper
}

func (t discordRewrite) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.URL.Scheme, r.URL.Host, r.Host = "http", t.host, t.host
	return t.next.RoundTrip(r)
}

const discordAllIntents = discordgo.IntentsGuilds | discordgo.IntentsGuildMessages | discordgo.IntentsDirectMessages |
	discordgo.IntentsMessageContent

// discordBot is the real client, connected to a stand-in.
type discordBot struct {
	*discordgo.Session
	events chan any // raw events and disconnects as they come
	// settle waits until the client's goroutines are at rest. In a bubble the clock
	// stands still while one of them waits for the lock that Close sleeps with.
	settle func()
}

// discordServe puts a stand-in on loopback.
func discordServe(t *testing.T, o DiscordOptions) (d *Discord, host string) {
	t.Helper()
	d = NewDiscord(o)
	srv := httptest.NewServer(d.Handler())
	t.Cleanup(func() {
		d.Close()
		srv.Close()
	})
	return d, srv.Listener.Addr().String()
}

func discordClient(t *testing.T, d *Discord, host string, next http.RoundTripper) *discordBot {
	t.Helper()
	s, err := discordgo.New("Bot " + d.Token())
	if err != nil {
		t.Fatal(err)
	}
	s.Client = &http.Client{Transport: discordRewrite{host, next}}
	s.Dialer = &websocket.Dialer{}
	s.SyncEvents = true
	s.StateEnabled = false
	s.ShouldReconnectOnError = false
	s.ShouldRetryOnRateLimit = false
	s.Identify.Intents = discordAllIntents
	b := &discordBot{Session: s, events: make(chan any, 5000), settle: func() {}}
	s.AddHandler(func(_ *discordgo.Session, e *discordgo.Event) { b.events <- e })
	s.AddHandler(func(_ *discordgo.Session, e *discordgo.Disconnect) { b.events <- e })
	return b
}

func discordOpen(t *testing.T, o DiscordOptions) (*Discord, *discordBot) {
	t.Helper()
	d, host := discordServe(t, o)
	b := discordClient(t, d, host, http.DefaultTransport)
	if err := b.Open(); err != nil {
		t.Fatal(err)
	}
	return d, b
}

// next waits for the next event of type T that fits.
func discordNext[T any](t *testing.T, b *discordBot, fits func(T) bool) T {
	t.Helper()
	timeout := time.After(10 * time.Second)
	for {
		select {
		case e := <-b.events:
			raw, ok := e.(*discordgo.Event)
			if ok {
				e = raw.Struct
			}
			if v, ok := e.(T); ok && (fits == nil || fits(v)) {
				return v
			}
		case <-timeout:
			t.Fatalf("no %T came", *new(T))
		}
	}
}

func discordCode(err error) int {
	if e, ok := errors.AsType[*discordgo.RESTError](err); ok && e.Message != nil {
		return e.Message.Code
	}
	return -1
}

// discordPipes is a listener on in-memory pipes: what a synctest bubble can wait for.
type discordPipes struct {
	conns chan net.Conn
	done  chan struct{}
}

func (l *discordPipes) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.done:
		return nil, net.ErrClosed
	}
}
func (l *discordPipes) Close() error   { close(l.done); return nil }
func (l *discordPipes) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 80} }
func (l *discordPipes) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	client, server := net.Pipe()
	select {
	case l.conns <- server:
		return client, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// discordBubble runs a test in virtual time: a stand-in on in-memory pipes and the
// real client, not connected yet.
func discordBubble(t *testing.T, o DiscordOptions, test func(t *testing.T, d *Discord, b *discordBot)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		l := &discordPipes{conns: make(chan net.Conn), done: make(chan struct{})}
		d := NewDiscord(o)
		srv := &http.Server{Handler: d.Handler(), ReadHeaderTimeout: time.Minute}
		served := make(chan struct{})
		go func() {
			defer close(served)
			_ = srv.Serve(l)
		}()
		transport := &http.Transport{DialContext: l.dial}
		b := discordClient(t, d, "discord.test", transport)
		b.Dialer.NetDialContext = l.dial
		b.settle = synctest.Wait
		defer func() {
			synctest.Wait()
			_ = b.Close()
			d.Close()
			transport.CloseIdleConnections()
			_ = srv.Close()
			<-served
		}()
		test(t, d, b)
	})
}

// open connects the client.
func (b *discordBot) open(t *testing.T) {
	t.Helper()
	b.settle()
	if err := b.Open(); err != nil {
		t.Fatal(err)
	}
	b.settle()
}

// call makes a REST call without the client's rate limiter, and returns the status,
// the headers and the body.
func (b *discordBot) call(t *testing.T, method, path, body string) (int, http.Header, string) {
	t.Helper()
	url := "http://discord.test/api/v9" + path
	r, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", b.Token)
	r.Header.Set("Content-Type", "application/json")
	resp, err := b.Client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, resp.Header, string(data)
}
