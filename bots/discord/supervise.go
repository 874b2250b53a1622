package discord

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/cenkalti/backoff/v5"
	"github.com/gorilla/websocket"
)

const (
	// settled is how long a connection must have lived for its end to be no sign
	// of trouble.
	settled = time.Minute
	// openWait is how long a connection may take to become READY.
	openWait = 30 * time.Second
	// letGo is how long discordgo may take to end its part of a connection, of
	// which it sleeps one second. After that its session is abandoned.
	letGo = 15 * time.Second
)

var errNeverReady = errors.New("the gateway did not become ready in time")

// supervise keeps a connection to the gateway until ctx ends. It returns an error
// only for what reconnecting cannot mend.
func (d *Discord) supervise(ctx context.Context, in *intake) error {
	pace := backoff.NewExponentialBackOff()
	pace.InitialInterval, pace.Multiplier, pace.MaxInterval = time.Second, 2, 2*time.Minute
	var s *session
	failed := 0
	for {
		if s == nil {
			var err error
			if s, err = d.newSession(in); err != nil {
				return err
			}
		}
		began := time.Now()
		end := d.connect(ctx, s)
		if ctx.Err() != nil {
			return nil
		}
		if err := fatal(end.why); err != nil {
			return err
		}
		switch {
		case end.ready:
			failed = 0
		case end.deaf:
			failed++
		}
		if end.ready && time.Since(began) >= settled {
			pace.Reset()
		}
		wait := pace.NextBackOff()
		if errors.Is(end.why, errReconnect) && end.ready && time.Since(began) >= settled {
			wait = 0
		}
		fresh := end.stuck || !s.established || failed > 1 || lost(end.why)
		d.setState(fmt.Errorf("discord: disconnected: %w", end.why))
		d.log.WarnContext(ctx, "gateway connection ended", "err", end.why, "resume", !fresh, "wait", wait, "abandoned", end.stuck)
		if fresh {
			s = nil
		}
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return nil
		}
	}
}

// ended is how a connection ended.
type ended struct {
	why   error
	ready bool // it had become ready
	stuck bool // discordgo does not let go of its session
	deaf  bool // there was a gateway, but it did not become ready
}

// connect opens one connection for s and stays until it ends.
func (d *Discord) connect(ctx context.Context, s *session) ended {
	d.setState(errors.New("discord: connecting to the gateway"))
	if !s.established {
		if d.identifies.Tokens() < 1 {
			d.setState(errors.New("discord: too many reconnects today; waiting, so that Discord does not reset the bot token"))
		}
		if err := d.identifies.Wait(ctx); err != nil {
			return ended{why: err}
		}
	}
	// discordgo may let go of a connection while an event of it still waits for
	// room. What a new one brings has to come after that.
	select {
	case s.turn <- struct{}{}:
		<-s.turn
	case <-ctx.Done():
		return ended{why: ctx.Err()}
	}
	far, err := d.dialGateway(ctx, s)
	if err != nil {
		return ended{why: err}
	}
	g := newGate(far)
	ready := make(chan struct{})
	var once sync.Once
	g.onFrame = func() { d.heard.Store(time.Now().UnixNano()) }
	g.onBad = func() { d.counts.add(ignoredMalformed) }
	g.onReady = func(id identity) {
		d.me.Store(&id)
		s.in.began(id)
		s.established, s.resume = true, id.resume
		once.Do(func() { close(ready) })
	}
	g.onResumed = func() { once.Do(func() { close(ready) }) }
	s.in.link.Store(g)
	defer s.in.link.Store(nil)
	opened := s.open(g)
	end := d.attend(ctx, s, g, opened, ready)
	g.wg.Wait()
	end.deaf = !end.ready
	return end
}

// attend watches a connection until both sides are done with it.
func (d *Discord) attend(ctx context.Context, s *session, g *gate, opened <-chan error, ready <-chan struct{}) ended {
	late := time.NewTimer(openWait)
	defer late.Stop()
	var end ended
	isOpen, up := false, ready
	for waiting := true; waiting; {
		select {
		case err := <-opened:
			opened = nil
			if isOpen = err == nil; !isOpen {
				g.close(pause, err)
			}
		case <-up:
			up, end.ready = nil, true
			late.Stop()
			d.setState(nil)
			s.in.connected()
			d.log.InfoContext(ctx, "connected to the gateway")
		case <-late.C:
			g.close(pause, errNeverReady)
		case <-ctx.Done():
			g.close(away, ctx.Err())
		case <-g.done:
			waiting = false
		}
	}
	end.why = g.why
	select {
	case <-ready:
		end.ready = true
	default:
	}
	if opened != nil {
		var err error
		err, end.stuck = settle(ctx, s.in, opened)
		isOpen = err == nil && !end.stuck
	}
	if isOpen {
		_, end.stuck = settle(ctx, s.in, s.gone)
	}
	return end
}

// settle waits for a word from discordgo after the end of a connection. It is stuck
// if that does not come, unless it is our own full lanes that hold it up.
func settle[T any](ctx context.Context, in *intake, word <-chan T) (said T, stuck bool) {
	deadline := time.NewTimer(letGo)
	defer deadline.Stop()
	stop := ctx.Done()
	for {
		select {
		case said = <-word:
			return said, false
		case <-deadline.C:
			if in.full.Load() == 0 {
				return said, true
			}
			deadline.Reset(letGo)
		case <-stop:
			stop = nil
			if in.full.Load() > 0 {
				return said, true
			}
		}
	}
}

func (d *Discord) dialGateway(ctx context.Context, s *session) (*websocket.Conn, error) {
	addr, err := d.gatewayURL(ctx)
	if err != nil {
		return nil, err
	}
	if s.established && sameService(s.resume, addr) {
		addr, s.resume = s.resume, "" // once; the common address does as well
	}
	u, err := url.Parse(addr)
	if err != nil {
		return nil, errors.New("the gateway's address is no URL")
	}
	if u.Path == "" {
		u.Path = "/"
	}
	u.RawQuery = url.Values{"v": {"9"}, "encoding": {"json"}}.Encode()
	far, resp, err := d.dialer().DialContext(ctx, u.String(), nil)
	if resp != nil && resp.Body != nil {
		_ = resp.Body.Close()
	}
	if err != nil {
		return nil, fmt.Errorf("connect to the gateway: %w", withoutURL(err))
	}
	return far, nil
}

// lost reports whether an end leaves nothing to resume.
func lost(err error) bool {
	if errors.Is(err, errInvalid) || errors.Is(err, errDeaf) {
		return true
	}
	e, ok := errors.AsType[*websocket.CloseError](err)
	// Not authenticated, bad sequence number, session timed out.
	return ok && (e.Code == 4003 || e.Code == 4007 || e.Code == 4009)
}

// fatal returns an error that says what an admin must do, if err is an end after
// which connecting again cannot work.
func fatal(err error) error {
	const token = "discord refused the bot token: take a new one from the developer portal (Bot → Reset Token) and set discord.bot_token"
	if e, ok := errors.AsType[*apiError](err); ok && e.status == http.StatusUnauthorized {
		return fmt.Errorf("%s: %w", token, err)
	}
	e, ok := errors.AsType[*websocket.CloseError](err)
	if !ok {
		return nil
	}
	var say string
	switch e.Code {
	case 4004:
		say = token
	case 4010, 4011:
		say = "discord wants this bot to be split into shards, which bobbin does not do: it is in too many servers"
	case 4012:
		say = "discord no longer speaks this version of the gateway: update bobbin"
	case 4013:
		say = "discord does not know the intents that bobbin asks for: update bobbin"
	case 4014:
		say = "discord did not grant the message content intent: switch it on in the developer portal (Bot → Privileged Gateway Intents → Message Content Intent), or set discord.follow: false"
	default:
		return nil
	}
	return fmt.Errorf("%s: %w", say, err)
}
