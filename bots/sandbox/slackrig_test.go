package sandbox_test

import (
	"context"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/gorilla/websocket"
	"github.com/slack-go/slack"
	"github.com/slack-go/slack/slackevents"
	"github.com/slack-go/slack/socketmode"

	"bobbin/bots/sandbox"
)

// slackPipe is a listener whose connections are net.Pipes, so that all of a test can
// run in virtual time.
type slackPipe struct {
	conns chan net.Conn
	done  chan struct{}
	once  sync.Once
}

func newSlackPipe() *slackPipe {
	return &slackPipe{conns: make(chan net.Conn), done: make(chan struct{})}
}

func (p *slackPipe) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.done:
		return nil, net.ErrClosed
	}
}

func (p *slackPipe) Close() error   { p.once.Do(func() { close(p.done) }); return nil }
func (p *slackPipe) Addr() net.Addr { return &net.UnixAddr{Name: "pipe", Net: "pipe"} }

func (p *slackPipe) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	here, there := net.Pipe()
	select {
	case p.conns <- there:
		return here, nil
	case <-p.done:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// serve serves h on p until the test ends.
func (p *slackPipe) serve(t *testing.T, h http.Handler) *http.Client {
	t.Helper()
	srv := &http.Server{Handler: h, ReadHeaderTimeout: time.Minute}
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := srv.Serve(p); !errors.Is(err, http.ErrServerClosed) {
			t.Errorf("serve: %v", err)
		}
	})
	transport := &http.Transport{DialContext: p.dial}
	t.Cleanup(func() {
		transport.CloseIdleConnections()
		_ = srv.Close()
		wg.Wait()
	})
	return &http.Client{Transport: transport}
}

// slackRig is a stand-in with a real client connected to it.
type slackRig struct {
	*sandbox.Slack
	api    *slack.Client
	client *http.Client
	dialer *websocket.Dialer
}

func newSlackRig(t *testing.T, o sandbox.SlackOptions) *slackRig {
	t.Helper()
	s := sandbox.NewSlack(o)
	p := newSlackPipe()
	r := &slackRig{Slack: s, client: p.serve(t, s.Handler()), dialer: &websocket.Dialer{NetDialContext: p.dial}}
	t.Cleanup(s.Close)
	r.api = r.as(s.Options().BotToken)
	return r
}

// as returns a client with another bot token.
func (r *slackRig) as(token string) *slack.Client {
	return slack.New(token, slack.OptionAppLevelToken(r.Options().AppToken),
		slack.OptionAPIURL("http://slack.test/api/"), slack.OptionHTTPClient(r.client))
}

// slackInbox collects what a Socket Mode client gets.
type slackInbox struct {
	client *socketmode.Client
	events chan socketmode.Event // all but the states of the connection
	hellos chan struct{}
	stop   func() // ends the client and waits for it
}

// connect runs a Socket Mode client, which acks each event for which ack says so.
func (r *slackRig) connect(t *testing.T, ack func(socketmode.Event) bool) *slackInbox {
	t.Helper()
	in := &slackInbox{
		client: socketmode.New(r.api, r.socketOptions()...),
		events: make(chan socketmode.Event, 1000), hellos: make(chan struct{}, 1000),
	}
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := in.client.RunContext(ctx); !errors.Is(err, context.Canceled) {
			t.Errorf("run: %v", err)
		}
	})
	wg.Go(func() {
		for {
			select {
			case e := <-in.client.Events:
				in.take(ctx, e, ack)
			case <-ctx.Done():
				return
			}
		}
	})
	in.stop = func() { cancel(); wg.Wait() }
	t.Cleanup(in.stop)
	in.greeted(t)
	return in
}

func (in *slackInbox) take(ctx context.Context, e socketmode.Event, ack func(socketmode.Event) bool) {
	switch e.Type {
	case socketmode.EventTypeHello:
		in.hellos <- struct{}{}
	case socketmode.EventTypeConnecting, socketmode.EventTypeConnected,
		socketmode.EventTypeIncomingError, socketmode.EventTypeConnectionError:
	default:
		if e.Request != nil && e.Type == socketmode.EventTypeEventsAPI && ack(e) {
			_ = in.client.AckCtx(ctx, e.Request.EnvelopeID, nil)
		}
		in.events <- e
	}
}

func (in *slackInbox) greeted(t *testing.T) {
	t.Helper()
	select {
	case <-in.hellos:
	case <-t.Context().Done():
		t.Fatal("no hello")
	}
}

func (in *slackInbox) next(t *testing.T) socketmode.Event {
	t.Helper()
	select {
	case e := <-in.events:
		return e
	case <-t.Context().Done():
		t.Fatal("no event")
		panic("unreachable")
	}
}

func slackAck(socketmode.Event) bool   { return true }
func slackNoAck(socketmode.Event) bool { return false }

// slackInner returns the inner event and the event id.
func slackInner(t *testing.T, e socketmode.Event) (any, string) {
	t.Helper()
	outer, ok := e.Data.(slackevents.EventsAPIEvent)
	if !ok {
		t.Fatalf("event %s has data %T", e.Type, e.Data)
	}
	return outer.InnerEvent.Data, outer.Data.(*slackevents.EventsAPICallbackEvent).EventID
}

// slackMessageEvent returns the next event, which must be of a message.
func (in *slackInbox) message(t *testing.T) *slackevents.MessageEvent {
	t.Helper()
	inner, _ := slackInner(t, in.next(t))
	m, ok := inner.(*slackevents.MessageEvent)
	if !ok {
		t.Fatalf("got a %T, want a message", inner)
	}
	return m
}

// slackOn runs the same calls against a server on loopback.
func slackOn(t *testing.T, s *sandbox.Slack) string {
	t.Helper()
	srv := httptest.NewServer(http.StripPrefix("/mounted", s.Handler()))
	t.Cleanup(srv.Close)
	return srv.URL + "/mounted/api/"
}

func slackTexts(messages []slack.Message) []string {
	var texts []string
	for m := range slices.Values(messages) {
		texts = append(texts, m.Text)
	}
	return texts
}

// slackAnswerIsWellFormed fails unless the answer is JSON that says whether it went well.
func slackAnswerIsWellFormed(t *testing.T, h http.Handler, r *http.Request) {
	t.Helper()
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	if w.Code == http.StatusNotFound || w.Code == http.StatusMovedPermanently || w.Code == http.StatusTemporaryRedirect {
		return // no method in the path
	}
	var answer struct {
		OK    *bool
		Error string
	}
	if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil || answer.OK == nil || *answer.OK != (answer.Error == "") {
		t.Errorf("%s %s gave %d %s", r.URL.Path, r.Header.Get("Content-Type"), w.Code, w.Body)
	}
}

func (r *slackRig) socketOptions() []socketmode.Option {
	if r.dialer == nil {
		return nil
	}
	return []socketmode.Option{socketmode.OptionDialer(r.dialer)}
}
