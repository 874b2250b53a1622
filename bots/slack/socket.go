package slack

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/cenkalti/backoff/v5"
	"github.com/gorilla/websocket"
	slackgo "github.com/slack-go/slack"
	"golang.org/x/time/rate"
)

const (
	// maxFrame bounds one message on the socket. A longer one costs a reconnect.
	maxFrame = 8 << 20
	// pingWait is how long a socket may be silent: Slack pings it every few seconds.
	pingWait = 30 * time.Second
	// writeTimeout bounds one acknowledgement or answer to a ping.
	writeTimeout = 5 * time.Second
	// lingering is how long a socket is read on whose end Slack has announced. It does so
	// about ten seconds ahead.
	lingering = 15 * time.Second
	// A connection has its place taken at once, unless one after the other ends: atOnce
	// of them at most, and one more each steady.
	atOnce = 3
	steady = 10 * time.Second
	// longestBackoff is the longest pause while the network fails, and longestRefusal
	// while Slack says no.
	longestBackoff = 30 * time.Second
	longestRefusal = 5 * time.Minute
	// origin is what Slack's own clients say they come from.
	origin = "https://api.slack.com"
)

// runSocket keeps up a connection in Socket Mode until ctx ends or Slack refuses the token.
func (s *Slack) runSocket(ctx context.Context, in *intake) error {
	ctx, stop := context.WithCancel(ctx)
	defer in.wait()
	defer stop()
	in.start(ctx)

	wait := backoff.NewExponentialBackOff()
	wait.MaxInterval = longestRefusal
	again := rate.NewLimiter(rate.Every(steady), atOnce)
	for {
		stood, err := s.connect(ctx, in)
		if ctx.Err() != nil {
			return nil
		}
		if status, ok := errors.AsType[slackgo.StatusCodeError](err); ok && status.Code == http.StatusNotFound {
			return explain("apps.connections.open: api_url is not the root of Slack's Web API", err)
		}
		if fatalCodes[code(err)] {
			return err
		}
		if stood {
			wait.Reset()
			if again.Allow() {
				continue
			}
		}
		pause := wait.NextBackOff()
		if limited, ok := errors.AsType[*slackgo.RateLimitedError](err); ok {
			pause = max(pause, limited.RetryAfter)
		} else if code(err) == "" {
			pause = min(pause, longestBackoff)
		}
		s.log.Warn("slack: not connected", "error", err, "retry", pause)
		if sleep(ctx, pause) != nil {
			return nil
		}
	}
}

// connect makes a connection and returns when another has to take its place, and whether it
// has stood. A connection that is yet to be closed is read on until then.
func (s *Slack) connect(ctx context.Context, in *intake) (stood bool, err error) {
	k, err := s.dial(ctx, in)
	if err != nil {
		s.health.set(err)
		return false, err
	}
	in.wg.Go(func() { k.read(ctx) })
	<-k.over
	if ctx.Err() == nil {
		s.log.Info("slack: connecting again", "why", k.why)
	}
	s.hear.lost()
	s.health.set(k.why)
	return k.stands, k.why
}

// socket is one connection in Socket Mode.
type socket struct {
	s       *Slack
	in      *intake
	conn    *websocket.Conn
	writing sync.Mutex    // held while a message is written
	over    chan struct{} // closed when another has to take its place
	leaving bool          // over is closed; of the reader
	stands  bool          // Slack has said hello; set, as why, before over is closed
	why     error         // never nil then
}

// dial opens a socket. Its URL is good for once and a short while.
func (s *Slack) dial(ctx context.Context, in *intake) (*socket, error) {
	_, url, err := s.api.StartSocketModeContext(ctx)
	if err != nil {
		return nil, explain("apps.connections.open with app_token", err)
	}
	conn, resp, err := s.dialer().DialContext(ctx, url, http.Header{"Origin": {origin}})
	if resp != nil {
		_ = resp.Body.Close()
	}
	if err != nil {
		err = wrap("dialing the socket of Socket Mode with app_token", err)
		if resp != nil {
			err = fmt.Errorf("%w: %s", err, resp.Status)
		}
		return nil, err
	}
	k := &socket{s: s, in: in, conn: conn, over: make(chan struct{})}
	conn.SetReadLimit(maxFrame)
	conn.SetPingHandler(func(data string) error {
		k.alive()
		// If it cannot be written, Slack closes the socket.
		_ = conn.WriteControl(websocket.PongMessage, []byte(data), time.Now().Add(writeTimeout))
		return nil
	})
	return k, nil
}

// read takes what arrives until the socket ends, or ctx.
func (k *socket) read(ctx context.Context) {
	stop := context.AfterFunc(ctx, k.close)
	defer stop()
	defer k.close()
	var frame bytes.Buffer
	for k.alive(); ; k.alive() {
		if err := k.next(&frame); err != nil {
			k.leave(wrap("the socket has ended", err))
			return
		}
		k.handle(ctx, frame.Bytes())
	}
}

// next reads a frame. What an unusually large one needed is not kept.
func (k *socket) next(frame *bytes.Buffer) error {
	_, r, err := k.conn.NextReader()
	if err != nil {
		return err
	}
	if frame.Reset(); frame.Cap() > maxPooled {
		*frame = bytes.Buffer{}
	}
	_, err = frame.ReadFrom(r)
	return err
}

// alive notes a sign of life.
func (k *socket) alive() {
	if !k.leaving {
		_ = k.conn.SetReadDeadline(time.Now().Add(pingWait)) // else reading fails, too
	}
}

// leave has another socket take the place of this one, if that has not been done.
func (k *socket) leave(why error) {
	if k.leaving {
		return
	}
	k.leaving, k.why = true, why
	close(k.over)
	_ = k.conn.SetReadDeadline(time.Now().Add(lingering))
}

// close ends the socket at once.
func (k *socket) close() { _ = k.conn.Close() }

// write sends one message. After an error the socket is of no use any more.
func (k *socket) write(message []byte) error {
	k.writing.Lock()
	defer k.writing.Unlock()
	err := k.conn.SetWriteDeadline(time.Now().Add(writeTimeout))
	if err == nil {
		err = k.conn.WriteMessage(websocket.TextMessage, message)
	}
	if err != nil {
		k.close()
	}
	return err
}

// dialer dials the WebSocket the way the HTTP client dials.
func (s *Slack) dialer() *websocket.Dialer {
	d := &websocket.Dialer{
		Proxy:            http.ProxyFromEnvironment,
		HandshakeTimeout: 15 * time.Second,
		// Slack does not put acknowledgements together again that came in pieces.
		WriteBufferSize: 32 << 10,
	}
	if t, ok := s.calls.base.(*http.Transport); ok {
		d.Proxy, d.NetDialContext = t.Proxy, t.DialContext
		if t.TLSClientConfig != nil {
			d.TLSClientConfig = t.TLSClientConfig.Clone()
			d.TLSClientConfig.NextProtos = nil
		}
	}
	return d
}
