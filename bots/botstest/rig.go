package botstest

import (
	"context"
	"net"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"bobbin/agent"
	"bobbin/bots"
)

// Rig is a platform that is not running yet, connected to a service of which a test can
// see and do what its people can. What a Rig starts has to end with the test; the suite
// runs in virtual time, so its connections are pipes.
type Rig struct {
	Platform bots.Platform

	// Mention has a person write in a channel, mentioning bobbin.
	Mention func(text string)
	// Direct has a person write to bobbin alone.
	Direct func(text string)
	// FollowUp has a person write on where the answer to an event stands, without a
	// mention.
	FollowUp func(to agent.Target, text string)
	// Texts returns what bobbin's messages at to show, in their order.
	Texts func(to agent.Target) []string
	// Shown is like Texts, with what frames the texts; nil where nothing can.
	Shown func(to agent.Target) []string
	// Press has a person press a button on a message of bobbin's; nil if there are none.
	Press func(to agent.Target, id agent.MessageID, action bots.Action)
	// Whispers returns what that person alone was told at to.
	Whispers func(to agent.Target) []string
	// Revise has the author of a message change it; nil if the platform does not tell.
	Revise func(ev bots.Event, text string)
	// Retract has the author of a message delete it; nil if the platform does not tell.
	Retract func(ev bots.Event)
	// Attach has a person send bobbin alone a file, with or without text; nil if that
	// cannot be.
	Attach func(text string, f bots.Upload)
	// Files returns the files that bobbin has posted at to; nil if it cannot.
	Files func(to agent.Target) []bots.Upload
	// Marked reports whether bobbin has put its sign under a person's message; nil if it
	// cannot.
	Marked func(to agent.Target, id agent.MessageID) bool
	// Remove has somebody else than bobbin delete a message.
	Remove func(id agent.MessageID)
	// LosePost has the next post happen, or not, and its answer be lost.
	LosePost func(happens bool)
	// Redelivery is how long to wait until an event that was not accepted has come
	// again; 0 if it never does.
	Redelivery time.Duration
}

// Serve serves h on pipes until the test ends and returns a client whose every
// connection, whatever its address, leads there.
func Serve(t *testing.T, h http.Handler) *http.Client {
	t.Helper()
	wires := &wires{conns: make(chan net.Conn), done: make(chan struct{})}
	server := &http.Server{Handler: h, ReadHeaderTimeout: time.Minute}
	transport := &http.Transport{DialContext: wires.dial}
	var served sync.WaitGroup
	served.Go(func() { _ = server.Serve(wires) })
	t.Cleanup(func() {
		transport.CloseIdleConnections()
		_ = server.Close()
		served.Wait()
	})
	return &http.Client{Transport: transport, Timeout: 20 * time.Second}
}

// wires is a listener on in-memory pipes.
type wires struct {
	conns chan net.Conn
	done  chan struct{}
	once  sync.Once
}

func (w *wires) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	client, server := net.Pipe()
	select {
	case w.conns <- server:
		return client, nil
	case <-w.done:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// Accept implements net.Listener.
func (w *wires) Accept() (net.Conn, error) {
	select {
	case c := <-w.conns:
		return c, nil
	case <-w.done:
		return nil, net.ErrClosed
	}
}

// Close implements net.Listener.
func (w *wires) Close() error { w.once.Do(func() { close(w.done) }); return nil }

// Addr implements net.Listener.
func (w *wires) Addr() net.Addr { return &net.UnixAddr{Name: "pipes", Net: "unix"} }

// bot is a running Rig.
type bot struct {
	*testing.T
	Rig
	ctx context.Context

	mu     sync.Mutex
	events []bots.Event
	accept func(bots.Event) error // before an event is noted; may be nil
}

// run runs the platform of a new rig, in virtual time, as long as f does. A goroutine
// that does not end with Run fails the test.
func run(t *testing.T, open func(*testing.T) Rig, f func(*bot)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		b := &bot{T: t, Rig: open(t)}
		if b.Platform.Ready() == nil {
			t.Error("ready before Run")
		}
		ctx, stop := context.WithCancel(t.Context())
		b.ctx = ctx
		ended := make(chan error, 1)
		go func() { ended <- b.Platform.Run(ctx, b.take) }()
		defer func() { // however f ends, or the bubble has goroutines that nobody ends
			stop()
			b.wantEnd(ended)
		}()
		synctest.Wait()
		if err := b.Platform.Ready(); err != nil {
			t.Errorf("not ready: %v", err)
		}
		f(b)
	})
}

func (b *bot) wantEnd(ended <-chan error) {
	b.Helper()
	select {
	case err := <-ended:
		if err != nil {
			b.Errorf("Run: %v", err)
		}
	case <-time.After(time.Minute):
		b.Error("Run does not end with its context")
	}
	if b.Platform.Ready() == nil {
		b.Error("ready after Run")
	}
}

func (b *bot) take(_ context.Context, ev bots.Event) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.accept != nil {
		if err := b.accept(ev); err != nil {
			return err
		}
	}
	b.events = append(b.events, ev)
	return nil
}

func (b *bot) onAccept(f func(bots.Event) error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.accept = f
}

// one returns the only message accepted since the last call. A platform may deliver a
// message as several events; they must be alike.
func (b *bot) one() bots.Event {
	b.Helper()
	synctest.Wait()
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.events) == 0 {
		b.Fatal("no event came")
	}
	for _, ev := range b.events[1:] {
		first := b.events[0]
		if ev.MessageID != first.MessageID || ev.Target != first.Target || ev.Text != first.Text || ev.Addressed != first.Addressed {
			b.Errorf("got %+v and %+v", first, ev)
		}
		if ev.EventID != "" && ev.EventID == first.EventID {
			b.Errorf("event %s was accepted twice", ev.EventID)
		}
	}
	ev := b.events[0]
	b.events = nil
	return ev
}

// asked returns the target of an answer to a mention.
func (b *bot) asked() agent.Target {
	b.Helper()
	b.Mention("hello")
	return b.one().Target
}
