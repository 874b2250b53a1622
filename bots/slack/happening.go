package slack

import (
	"cmp"
	"context"
	"encoding/json"

	"bobbin/agent"
	"bobbin/bots"
)

// happening is what a delivery leads to: an event, or something to do that concerns no
// conversation.
type happening struct {
	bots.Event
	// fill completes the event with what Slack has to be asked for. It reports false if
	// nothing is left of it then. May be nil.
	fill func(context.Context, *bots.Event) (bool, error)
	// do, if not nil, is all there is: there is no event.
	do func(context.Context)
}

// kindOf is what all inner events have in common.
type kindOf struct {
	Type    string `json:"type"`
	SubType string `json:"subtype"`
}

// event converts the payload of a delivery, or says why there is nothing to convert.
func (s *Slack) event(payload []byte) (h happening, ignored string) {
	defer s.recovered(&h.Event, &ignored)
	var cb callback
	if err := json.Unmarshal(payload, &cb); err != nil {
		return h, "malformed"
	}
	if cb.Type != "event_callback" {
		return h, "delivery " + cmp.Or(cb.Type, "without type")
	}
	var kind kindOf
	if err := json.Unmarshal(cb.Event, &kind); err != nil {
		return h, "malformed"
	}
	team := workspace(cb, s.identity().team)
	switch kind.Type {
	case "message", "app_mention":
		h, ignored = s.message(kind, cb.Event, team)
	case "reaction_added":
		h, ignored = s.reacted(cb.Event, team)
	case "agent_session_stopped":
		h, ignored = s.sessionStopped(cb.Event, team)
	case "member_joined_channel":
		h, ignored = s.joined(cb.Event, team)
	case "app_home_opened":
		h, ignored = s.opened(cb.Event, team, cb.AppID)
	case "assistant_thread_started":
		h, ignored = s.paneOpened(cb.Event)
	default:
		return h, "event " + cmp.Or(kind.Type, "without type")
	}
	if ignored != "" {
		return happening{}, ignored
	}
	h.EventID = cb.EventID
	return h, ""
}

// message converts what is said, changed or deleted.
func (s *Slack) message(kind kindOf, raw json.RawMessage, team string) (h happening, ignored string) {
	switch kind.SubType {
	case "message_changed", "message_deleted":
		return s.changed(kind.SubType, raw, team)
	}
	var p post
	if err := json.Unmarshal(raw, &p); err != nil {
		return h, "malformed"
	}
	h.Event, ignored = s.said(p, team)
	h.Addressed = h.Addressed || kind.Type == "app_mention"
	h.fill = s.fileFiller(h.Event)
	if ignored == "" {
		s.asked(h.Event)
	}
	return h, ignored
}

// inHistory reports whether an event is a message that is found in Slack's history, if it
// should get lost.
func inHistory(ev bots.Event) bool {
	_, _, err := splitID(ev.MessageID)
	return err == nil && ev.Change == ""
}

// change is a message_changed or message_deleted event.
type change struct {
	Channel     string          `json:"channel"`
	ChannelType string          `json:"channel_type"`
	DeletedTS   string          `json:"deleted_ts"`
	Message     json.RawMessage `json:"message"`
	Previous    json.RawMessage `json:"previous_message"`
}

// changed converts what became of a person's message. Slack also tells so when it has
// unfolded a link, when somebody answers in a thread, and of bobbin's own edits.
func (s *Slack) changed(kind string, raw json.RawMessage, team string) (h happening, ignored string) {
	var c change
	if json.Unmarshal(raw, &c) != nil {
		return h, "malformed"
	}
	var now, before post
	if len(c.Previous) > 0 && json.Unmarshal(c.Previous, &before) != nil ||
		len(c.Message) > 0 && json.Unmarshal(c.Message, &now) != nil {
		return h, "malformed"
	}
	// The root of a thread leaves a tombstone behind.
	deleted := kind == "message_deleted" || now.SubType == "tombstone"
	p := now
	if deleted {
		p = before
		p.TS = cmp.Or(before.TS, c.DeletedTS, now.TS)
	}
	if !deleted && (now.Text == before.Text && sameFiles(now, before) || isNull(now.Edited)) {
		return h, "unchanged"
	}
	p.Channel, p.ChannelType, p.Edited, p.Hidden = c.Channel, c.ChannelType, nil, false
	h.Event, ignored = s.said(p, team)
	if ignored != "" {
		return h, ignored
	}
	h.Change = bots.Edited
	if deleted {
		h.Change, h.Text, h.Files = bots.Deleted, "", nil
		return h, ""
	}
	h.fill = s.fileFiller(h.Event)
	return h, ""
}

func isNull(raw json.RawMessage) bool { return len(raw) == 0 || string(raw) == "null" }

// sessionStopped converts a press of the Stop button that Slack itself shows while an
// agent is at work.
func (s *Slack) sessionStopped(raw json.RawMessage, team string) (h happening, ignored string) {
	var e struct {
		Channel string   `json:"channel"`
		Thread  string   `json:"thread_ts"`
		User    string   `json:"user"`
		Streams []string `json:"streaming_message_ts"`
		TS      string   `json:"event_ts"`
	}
	if json.Unmarshal(raw, &e) != nil || !isID(e.Channel) || !isID(e.User) || !isTS(e.Thread) || !isTS(e.TS) {
		return h, "malformed"
	}
	at := agent.Address{Platform: s.Name(), Workspace: team, Channel: e.Channel, Thread: e.Thread}
	turn, ts := s.streams.turnAt(at), e.TS
	for _, stopped := range e.Streams {
		if st := s.streams.of(messageID(e.Channel, stopped)); st != nil {
			turn, ts = turnOf(st.key), stopped
		}
	}
	s.idle(at)
	return happening{Event: s.stopEvent(at, ts, e.User, turn)}, ""
}
