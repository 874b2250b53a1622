package slack

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"sync"
	"time"

	"github.com/cenkalti/backoff/v5"
	"github.com/gorilla/websocket"
	slackgo "github.com/slack-go/slack"
	"github.com/slack-go/slack/socketmode"
)

const (
	// maxEnvelope bounds one message on the socket. A longer one costs a reconnect.
	maxEnvelope = 8 << 20
	ackTimeout  = 5 * time.Second
	// longestBackoff is when slack-go's own back-off, which grows to five minutes,
	// begins anew after a failing network.
	longestBackoff = 30 * time.Second
)

// socket is one run of Socket Mode.
type socket struct {
	s      *Slack
	in     *intake
	client *socketmode.Client
	// giveUp ends the present run of slack-go's loop.
	giveUp context.CancelFunc
	// acks are the envelopes to acknowledge without further ado.
	acks chan string
}

func (s *Slack) runSocket(ctx context.Context, in *intake) error {
	ctx, stop := context.WithCancel(ctx)
	defer in.wait()
	defer stop()
	in.start(ctx)

	wait := backoff.NewExponentialBackOff()
	wait.MaxInterval = longestBackoff
	for {
		started := time.Now()
		err := s.connect(ctx, in)
		if ctx.Err() != nil {
			return nil
		}
		if status, ok := errors.AsType[slackgo.StatusCodeError](err); ok && status.Code == http.StatusNotFound {
			return explain("apps.connections.open: api_url is not the root of Slack's Web API", err)
		}
		if fatalCodes[code(err)] {
			return explain("apps.connections.open with app_token", err)
		}
		if time.Since(started) > time.Minute {
			wait.Reset()
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(wait.NextBackOff()):
		}
	}
}

// connect keeps a connection until ctx ends or slack-go gives up.
func (s *Slack) connect(ctx context.Context, in *intake) error {
	ctx, cancel := context.WithCancel(ctx)
	client := socketmode.New(s.api, socketmode.OptionReadLimit(maxEnvelope), socketmode.OptionDialer(s.dialer()))
	k := &socket{s: s, in: in, client: client, giveUp: cancel, acks: make(chan string, laneDepth)}
	var wg sync.WaitGroup
	defer s.hear.lost()
	defer wg.Wait()
	defer cancel()
	wg.Go(func() { k.read(ctx) })
	wg.Go(func() { k.acknowledge(ctx) })
	return client.RunContext(ctx)
}

// read decodes and enqueues. It must never wait: slack-go answers no ping while its
// consumer is busy.
func (k *socket) read(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case evt := <-k.client.Events:
			k.handle(ctx, evt)
		}
	}
}

func (k *socket) handle(ctx context.Context, evt socketmode.Event) {
	switch evt.Type {
	case socketmode.EventTypeConnecting:
		k.s.health.set(errors.New("slack: connecting"))
		k.s.hear.lost()
	case socketmode.EventTypeConnected, socketmode.EventTypeHello:
		k.s.health.set(nil)
		k.s.isUp(k.giveUp)
		k.s.log.Debug("slack: Socket Mode", "event", evt.Type)
	case socketmode.EventTypeConnectionError:
		k.failed(evt.Data)
	case socketmode.EventTypeEventsAPI:
		if evt.Request != nil {
			k.deliver(evt.Request.EnvelopeID, evt.Request.Payload)
		}
	case socketmode.EventTypeSlashCommand:
		cmd, ok := evt.Data.(slackgo.SlashCommand)
		if ok && evt.Request != nil {
			k.command(ctx, *evt.Request, cmd)
		}
	case socketmode.EventTypeInteractive:
		if evt.Request != nil {
			k.interact(ctx, evt.Request.EnvelopeID, evt.Request.Payload)
		}
	case socketmode.EventTypeErrorBadMessage:
		if bad, ok := evt.Data.(*socketmode.ErrorBadMessage); ok {
			k.unknown(ctx, bad.Message)
		}
	case socketmode.EventTypeIncomingError:
		k.s.ignored.add("unreadable frame")
	case socketmode.EventTypeErrorWriteFailed:
		k.s.log.Warn("slack: an acknowledgement was not sent; Slack will deliver the event again")
	case socketmode.EventTypeDisconnect, socketmode.EventTypeInvalidAuth:
		// The client connects again by itself, or ends with the reason.
	}
}

// failed notes why there is no connection.
func (k *socket) failed(data any) {
	failure, ok := data.(*slackgo.ConnectionErrorEvent)
	if !ok {
		return
	}
	err := explain("connecting in Socket Mode with app_token", failure.ErrorObj)
	k.s.health.set(err)
	k.s.log.Warn("slack: not connected", "error", err, "retry", failure.Backoff)
	if failure.Backoff > longestBackoff && code(failure.ErrorObj) == "" {
		if _, limited := errors.AsType[*slackgo.RateLimitedError](failure.ErrorObj); !limited {
			k.giveUp()
		}
	}
}

// deliver enqueues an event, or acknowledges one that is of no interest.
func (k *socket) deliver(envelope string, payload []byte) {
	h, ignored := k.s.event(payload)
	k.s.arrives(payload, h.Event, ignored)
	switch {
	case ignored != "":
		k.s.ignored.add(ignored)
		k.ackSoon(envelope)
	case h.do != nil:
		if k.in.apart(h.EventID, h.do) {
			k.ackSoon(envelope)
		}
	default:
		k.in.offer(delivery{event: h.Event, fill: h.fill, done: func(ctx context.Context, err error) {
			if err == nil {
				k.s.settled(h.Event)
				k.ack(ctx, envelope, nil)
			}
		}})
	}
}

// unknown takes what slack-go could not decode. It does not acknowledge that itself,
// so Slack would send it three more times.
func (k *socket) unknown(ctx context.Context, message []byte) {
	var env struct {
		Type       string          `json:"type"`
		EnvelopeID string          `json:"envelope_id"`
		Payload    json.RawMessage `json:"payload"`
	}
	if err := json.Unmarshal(message, &env); err != nil || env.EnvelopeID == "" {
		k.s.ignored.add("malformed")
		return
	}
	switch env.Type {
	case socketmode.RequestTypeEventsAPI:
		k.deliver(env.EnvelopeID, env.Payload)
		return
	case socketmode.RequestTypeInteractive:
		k.interact(ctx, env.EnvelopeID, env.Payload)
		return
	}
	k.s.ignored.add("envelope " + env.Type)
	k.ackSoon(env.EnvelopeID)
}

func (k *socket) command(ctx context.Context, req socketmode.Request, cmd slackgo.SlashCommand) {
	k.s.stirs()
	c := k.in.command(cmd, req.AcceptsResponsePayload)
	k.in.wg.Go(func() {
		text := c.run(ctx)
		var payload any
		if text != "" {
			payload = ephemeral(text)
		}
		if !k.ack(ctx, req.EnvelopeID, payload) && text != "" {
			c.tell(ctx, text)
		}
	})
}

func (k *socket) interact(ctx context.Context, envelope string, payload []byte) {
	k.s.stirs()
	g, ignored := k.in.interaction(payload)
	if ignored != "" {
		k.s.ignored.add(ignored)
		k.ackSoon(envelope)
		return
	}
	k.in.wg.Go(func() {
		if g.run(ctx) {
			k.ack(ctx, envelope, nil)
		}
	})
}

// ackSoon acknowledges an envelope without making the reader wait.
func (k *socket) ackSoon(envelope string) {
	select {
	case k.acks <- envelope:
	default:
		k.s.ignored.add("overload")
	}
}

func (k *socket) acknowledge(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case envelope := <-k.acks:
			k.ack(ctx, envelope, nil)
		}
	}
}

// ack tells Slack that an envelope has arrived and reports whether that is on its way.
func (k *socket) ack(ctx context.Context, envelope string, payload any) bool {
	ctx, cancel := context.WithTimeout(ctx, ackTimeout)
	defer cancel()
	if err := k.client.AckCtx(ctx, envelope, payload); err != nil {
		k.s.log.Warn("slack: an acknowledgement was not sent; Slack will deliver the event again", "error", err)
		return false
	}
	return true
}

// dialer dials the WebSocket the way the HTTP client dials.
func (s *Slack) dialer() *websocket.Dialer {
	d := &websocket.Dialer{
		Proxy:            http.ProxyFromEnvironment,
		HandshakeTimeout: 15 * time.Second,
		// Slack does not put acknowledgements together again that came in pieces.
		WriteBufferSize: 32 << 10,
	}
	if t, ok := s.http.Transport.(strict).base.(*http.Transport); ok {
		d.Proxy, d.NetDialContext = t.Proxy, t.DialContext
		if t.TLSClientConfig != nil {
			d.TLSClientConfig = t.TLSClientConfig.Clone()
			d.TLSClientConfig.NextProtos = nil
		}
	}
	return d
}
