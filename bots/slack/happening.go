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

// converters make of an event what it leads to, by its type. Sessions are in the workspace
// team.
var converters = map[string]func(s *Slack, cb *callback, team string) (h happening, ignored string){
	"message":                  (*Slack).message,
	"app_mention":              (*Slack).message,
	"reaction_added":           (*Slack).reacted,
	"agent_session_stopped":    (*Slack).sessionStopped,
	"member_joined_channel":    (*Slack).joined,
	"app_home_opened":          (*Slack).opened,
	"assistant_thread_started": (*Slack).paneOpened,
}

// event converts a delivery, or says why there is nothing to convert. misread says that a
// field has not the form in which it is known; it may be one of events of another kind.
func (s *Slack) event(cb *callback, misread bool) (h happening, ignored string) {
	defer s.recovered(&h.Event, &ignored)
	convert := converters[cb.Event.Type]
	switch {
	case misread && (convert != nil || cb.Event.Type == ""):
		return h, "malformed"
	case cb.Type != "event_callback":
		return h, "delivery " + cmp.Or(cb.Type, "without type")
	case convert == nil:
		return h, "event " + cmp.Or(cb.Event.Type, "without type")
	}
	h, ignored = convert(s, cb, workspace(cb, s.identity().team))
	if ignored != "" {
		return happening{}, ignored
	}
	h.EventID = cb.EventID
	return h, ""
}

// message converts what is said, changed or deleted.
func (s *Slack) message(cb *callback, team string) (h happening, ignored string) {
	e := &cb.Event
	switch e.SubType {
	case "message_changed", "message_deleted":
		return s.changed(e, team)
	}
	h.Event, ignored = s.said(e.post, team)
	h.Addressed = h.Addressed || e.Type == "app_mention"
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

// changed converts what became of a person's message. Slack also tells so when it has
// unfolded a link, when somebody answers in a thread, and of bobbin's own edits.
func (s *Slack) changed(e *inner, team string) (h happening, ignored string) {
	var now, before post
	if len(e.Previous) > 0 && json.Unmarshal(e.Previous, &before) != nil ||
		len(e.Message) > 0 && json.Unmarshal(e.Message, &now) != nil {
		return h, "malformed"
	}
	// The root of a thread leaves a tombstone behind.
	deleted := e.SubType == "message_deleted" || now.SubType == "tombstone"
	p := now
	if deleted {
		p = before
		p.TS = cmp.Or(before.TS, e.DeletedTS, now.TS)
	}
	if !deleted && (now.Text == before.Text && sameFiles(now, before) || isNull(now.Edited)) {
		return h, "unchanged"
	}
	p.Channel, p.ChannelType, p.Edited, p.Hidden = e.Channel, e.ChannelType, nil, false
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
func (s *Slack) sessionStopped(cb *callback, team string) (h happening, ignored string) {
	e := &cb.Event
	var streams []string
	if !isNull(e.Streams) && json.Unmarshal(e.Streams, &streams) != nil ||
		!isID(e.Channel) || !isID(e.User) || !isTS(e.ThreadTS) || !isTS(e.EventTS) {
		return h, "malformed"
	}
	at := agent.Address{Platform: s.Name(), Workspace: team, Channel: e.Channel, Thread: e.ThreadTS}
	turn, ts := s.streams.turnAt(at), e.EventTS
	for _, stopped := range streams {
		if st := s.streams.of(messageID(e.Channel, stopped)); st != nil {
			turn, ts = turnOf(st.key), stopped
		}
	}
	s.idle(at)
	return happening{Event: s.stopEvent(at, ts, e.User, turn)}, ""
}
