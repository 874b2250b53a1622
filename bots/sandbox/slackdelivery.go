package sandbox

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"slices"
	"strconv"
	"time"
)

// slackRecent bounds how many events Again can repeat.
const slackRecent = 100

// SlackDeliveries counts the events, copies included, that were on their way to the
// app, each once however often it was redelivered.
type SlackDeliveries struct {
	Acked   int
	Lost    int // given up after the last redelivery
	Waiting int // on their way
}

// slackDelivery is one payload on its way to the app.
type slackDelivery struct {
	kind     string // of envelope: events_api, slash_commands, interactive
	channel  string
	payload  json.RawMessage
	attempt  int
	reason   string
	once     bool                 // never redelivered
	acked    chan json.RawMessage // gets the payload of the first ack
	ids      []string             // envelope ids it went out under
	onSocket bool                 // the current attempt has been sent on a socket
	overdue  *time.Timer          // ends the first attempt, on a socket; nil once that has ended
	before   chan struct{}        // HTTP: first attempt of the event before
	tried    chan struct{}        // closed after the first attempt
}

// frame returns the frame of Socket Mode that carries d under an id. What is in it is JSON
// already or needs no escaping: encoding it as a value would read the payload once more.
func (d *slackDelivery) frame(id string) []byte {
	b := make([]byte, 0, len(d.payload)+256)
	b = append(b, `{"envelope_id":"`+id+`","type":"`+d.kind+`","payload":`...)
	b = append(b, d.payload...)
	b = append(b, `,"accepts_response_payload":`...)
	b = strconv.AppendBool(b, d.kind != "events_api")
	b = append(b, `,"retry_attempt":`...)
	b = strconv.AppendInt(b, int64(d.attempt), 10)
	return append(b, `,"retry_reason":"`+d.reason+`"}`...)
}

// slackCallback is what an event comes in.
type slackCallback struct {
	Token          string               `json:"token"`
	TeamID         string               `json:"team_id"`
	AppID          string               `json:"api_app_id"`
	Type           string               `json:"type"`
	Event          any                  `json:"event"`
	EventID        string               `json:"event_id"`
	EventTime      int64                `json:"event_time"`
	EventContext   string               `json:"event_context"`
	ExtShared      bool                 `json:"is_ext_shared_channel"`
	Authorizations []slackAuthorization `json:"authorizations"`
}

// slackAuthorization is for whom an event is meant.
type slackAuthorization struct {
	EnterpriseID      *string `json:"enterprise_id"`
	TeamID            string  `json:"team_id"`
	UserID            string  `json:"user_id"`
	Bot               bool    `json:"is_bot"`
	EnterpriseInstall bool    `json:"is_enterprise_install"`
}

// deliverEvent puts an event on its way. The caller holds mu, so that events leave in
// the order in which they happened.
func (s *Slack) deliverEvent(channel string, event any) {
	payload := slackJSON(slackCallback{
		Token: "verification token", TeamID: s.o.TeamID, AppID: s.o.AppID, Type: "event_callback",
		Event: event, EventID: "Ev" + rand.Text(), EventTime: time.Now().Unix(), EventContext: "4-" + rand.Text(),
		Authorizations: []slackAuthorization{{TeamID: s.o.TeamID, UserID: s.o.Bot.ID, Bot: true}},
	})
	d := &slackDelivery{kind: "events_api", channel: channel, payload: payload}
	for range 1 + s.copies {
		s.dispatch(d.again())
	}
	s.recent = append(s.recent, d)
	if len(s.recent) > 2*slackRecent {
		s.recent = slices.Clone(s.recent[slackRecent:])
	}
}

// again returns a delivery of the same payload that has not begun.
func (d *slackDelivery) again() *slackDelivery {
	return &slackDelivery{
		kind: d.kind, channel: d.channel, payload: d.payload, once: d.once,
		acked: make(chan json.RawMessage, 1), tried: make(chan struct{}),
	}
}

// Duplicate lets every event from now on be delivered 1+copies times, as Slack does
// now and then: the same event_id in envelopes of their own that are no retries.
func (s *Slack) Duplicate(copies int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.copies = max(0, copies)
}

// Again delivers the last n events (at most 100) once more, oldest first.
func (s *Slack) Again(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, d := range slices.Clone(s.recent[max(0, len(s.recent)-n):]) {
		s.dispatch(d.again())
	}
}

// Deliveries returns how the events fared.
func (s *Slack) Deliveries() SlackDeliveries {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.stats
}

// Settled waits until no event is on its way: all are acked or given up.
func (s *Slack) Settled(ctx context.Context) error {
	for {
		s.mu.Lock()
		if s.settled == nil {
			s.settled = make(chan struct{})
		}
		waiting, settled := s.stats.Waiting, s.settled
		s.mu.Unlock()
		if waiting == 0 {
			return nil
		}
		select {
		case <-settled:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// dispatch makes the first attempt. Most events are acked after it: only then, or over
// HTTP, is there a goroutine that sees the delivery through. The caller holds mu.
func (s *Slack) dispatch(d *slackDelivery) {
	s.stats.Waiting++
	if s.o.EventsURL != "" {
		d.before = s.httpTail[d.channel]
		s.httpTail[d.channel] = d.tried
	} else {
		d.onSocket = s.sendEnvelope(d)
	}
	if d.onSocket && !s.closed {
		d.overdue = time.AfterFunc(s.o.AckTimeout, func() { s.late(d) })
		return
	}
	if !s.run(func() { s.seeThrough(d, s.await(d)) }) {
		s.finish(d, false)
	}
}

// late ends a first attempt on a socket that was not acked.
func (s *Slack) late(d *slackDelivery) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if d.overdue == nil {
		return // acked at the last moment, or all has ended
	}
	d.overdue, d.reason = nil, "timeout"
	if !s.run(func() { s.seeThrough(d, false) }) {
		s.finish(d, false)
	}
}

// ack takes the ack of an envelope.
func (s *Slack) ack(id string, payload json.RawMessage) {
	s.mu.Lock()
	defer s.mu.Unlock()
	d := s.waiting[id]
	delete(s.waiting, id)
	switch {
	case d == nil:
	case d.overdue != nil:
		d.overdue.Stop()
		d.overdue = nil
		s.finish(d, true)
	default:
		select {
		case d.acked <- payload:
		default: // acked already, under another envelope
		}
	}
}

// giveUp ends the deliveries whose first attempt is under way. The caller holds mu.
func (s *Slack) giveUp() {
	for _, d := range s.waiting {
		if d.overdue != nil {
			d.overdue.Stop()
			d.overdue = nil
			s.finish(d, false)
		}
	}
}

// seeThrough delivers d again until it is acked or given up, after a first attempt that
// was acked or not.
func (s *Slack) seeThrough(d *slackDelivery, acked bool) {
	close(d.tried)
	for _, pause := range s.o.Redeliver {
		if acked || d.once || s.ctx.Err() != nil {
			break
		}
		if acked = s.lateAck(d, pause); acked {
			break
		}
		s.mu.Lock()
		d.attempt++
		d.onSocket = s.o.EventsURL == "" && s.sendEnvelope(d)
		s.mu.Unlock()
		acked = s.await(d)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.finish(d, acked)
}

// finish counts a delivery that has ended. The caller holds mu.
func (s *Slack) finish(d *slackDelivery, acked bool) {
	for _, id := range d.ids {
		delete(s.waiting, id)
	}
	if s.httpTail[d.channel] == d.tried {
		delete(s.httpTail, d.channel)
	}
	s.stats.Waiting--
	if acked {
		s.stats.Acked++
	} else {
		s.stats.Lost++
	}
	if s.stats.Waiting == 0 && s.settled != nil {
		close(s.settled)
		s.settled = nil
	}
}

// await sees one attempt to its end and reports whether it was acked.
func (s *Slack) await(d *slackDelivery) bool {
	if url := s.httpURL(); url != "" && !d.onSocket {
		if d.before != nil {
			select {
			case <-d.before:
			case <-s.ctx.Done():
				return false
			}
			d.before = nil
		}
		return s.postEvent(url, d)
	}
	if !d.onSocket {
		d.reason = "connection_failed"
		return false
	}
	d.reason = "timeout"
	return s.lateAck(d, s.o.AckTimeout)
}

// lateAck waits for an ack for at most that long.
func (s *Slack) lateAck(d *slackDelivery, wait time.Duration) bool {
	t := time.NewTimer(wait)
	defer t.Stop()
	select {
	case <-d.acked:
		return true
	case <-t.C:
		return false
	case <-s.ctx.Done():
		return false
	}
}

func (s *Slack) httpURL() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.o.EventsURL
}

// slackJSON encodes what is known to be encodable.
func slackJSON(v any) json.RawMessage {
	b, err := json.Marshal(v)
	if err != nil {
		panic("sandbox: " + err.Error())
	}
	return b
}
