package slack

import (
	"context"
	"encoding/json"
	"fmt"

	slackgo "github.com/slack-go/slack"
	"github.com/slack-go/slack/socketmode"
)

// envelope is a frame of Socket Mode. Its Payload is that of an event.
type envelope struct {
	Type    string   `json:"type"`
	ID      string   `json:"envelope_id"`
	Reason  string   `json:"reason"`
	Accepts bool     `json:"accepts_response_payload"`
	Payload callback `json:"payload"`

	payload []byte // as it is written; part of the frame
}

func (e *envelope) read(r *reading, frame []byte) {
	for key, value := range r.fields(frame) {
		switch string(key) {
		case "type":
			r.text(&e.Type, value)
		case "envelope_id":
			r.text(&e.ID, value)
		case "reason":
			r.text(&e.Reason, value)
		case "accepts_response_payload":
			r.truth(&e.Accepts, value)
		case "payload":
			e.payload = value
			e.Payload.read(r, value)
		}
	}
}

// handle enqueues what a frame brings. It must never wait for work to be done: no ping is
// answered meanwhile.
func (k *socket) handle(ctx context.Context, frame []byte) {
	var e envelope
	misread, ok := decode(frame, &e)
	if !ok {
		k.s.ignored.add("unreadable frame")
		return
	}
	switch e.Type {
	case socketmode.RequestTypeHello:
		if k.leaving {
			return
		}
		k.stands = true
		k.s.health.set(nil)
		k.s.isUp(k.close)
		k.s.log.Debug("slack: Socket Mode", "event", e.Type)
	case socketmode.RequestTypeDisconnect:
		k.s.log.Debug("slack: Socket Mode", "event", e.Type, "reason", e.Reason)
		k.leave(fmt.Errorf("slack: Slack ends the connection: %q", e.Reason))
	case socketmode.RequestTypeEventsAPI:
		k.deliver(ctx, e.ID, &e.Payload, misread)
	case socketmode.RequestTypeInteractive:
		k.interact(ctx, e.ID, e.payload)
	case socketmode.RequestTypeSlashCommands:
		var cmd slackgo.SlashCommand
		if json.Unmarshal(e.payload, &cmd) != nil {
			k.skip(ctx, e.ID, "malformed")
			return
		}
		k.command(ctx, e, cmd)
	default:
		why := "envelope " + e.Type
		if e.ID == "" {
			why = "malformed"
		}
		k.skip(ctx, e.ID, why)
	}
}

// skip acknowledges what is of no interest: Slack would send it three more times.
func (k *socket) skip(ctx context.Context, envelope, why string) {
	k.s.ignored.add(why)
	if envelope != "" {
		k.ack(ctx, envelope, nil)
	}
}

// deliver enqueues an event, or acknowledges one that is of no interest.
func (k *socket) deliver(ctx context.Context, envelope string, cb *callback, misread bool) {
	h, ignored := k.s.event(cb, misread)
	k.s.arrives(cb, h.Event, ignored)
	switch {
	case ignored != "":
		k.skip(ctx, envelope, ignored)
	case h.do != nil:
		if k.in.apart(h.EventID, h.do) {
			k.ack(ctx, envelope, nil)
		}
	default:
		id := settling(h.Event)
		k.in.offer(delivery{event: h.Event, fill: h.fill, done: func(ctx context.Context, err error) {
			if err == nil {
				k.s.settled(id)
				k.ack(ctx, envelope, nil)
			}
		}})
	}
}

func (k *socket) command(ctx context.Context, e envelope, cmd slackgo.SlashCommand) {
	k.s.stirs()
	c := k.in.command(cmd, e.Accepts)
	k.in.wg.Go(func() {
		text := c.run(ctx)
		var answer any
		if text != "" {
			answer = ephemeral(text)
		}
		if !k.ack(ctx, e.ID, answer) && text != "" {
			c.tell(ctx, text)
		}
	})
}

func (k *socket) interact(ctx context.Context, envelope string, payload []byte) {
	k.s.stirs()
	g, ignored := k.in.interaction(payload)
	if ignored != "" {
		k.skip(ctx, envelope, ignored)
		return
	}
	k.in.wg.Go(func() {
		if g.run(ctx) {
			k.ack(ctx, envelope, nil)
		}
	})
}

// ack tells Slack that an envelope has arrived, and reports whether that is on its way.
func (k *socket) ack(ctx context.Context, envelope string, answer any) bool {
	message, err := json.Marshal(socketmode.Response{EnvelopeID: envelope, Payload: answer})
	if err == nil {
		err = k.write(message)
	}
	if err != nil && ctx.Err() == nil {
		k.s.log.Warn("slack: an acknowledgement was not sent; Slack will deliver the event again", "error", err)
	}
	return err == nil
}
