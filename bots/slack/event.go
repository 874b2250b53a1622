package slack

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"runtime/debug"
	"strings"

	"bobbin/agent"
	"bobbin/bots"
	"bobbin/bots/markup"
)

// callback is the part of an Events API delivery that bobbin reads. A field that it does not
// read cannot make the delivery unreadable.
type callback struct {
	Type           string          `json:"type"`
	Challenge      string          `json:"challenge"`
	TeamID         string          `json:"team_id"`
	AppID          string          `json:"api_app_id"`
	EventID        string          `json:"event_id"`
	EventTime      int64           `json:"event_time"`
	Authorizations json.RawMessage `json:"authorizations"`
	Event          inner           `json:"event"`
}

func (cb *callback) read(r *reading, delivery []byte) {
	for key, value := range r.fields(delivery) {
		switch string(key) {
		case "type":
			r.text(&cb.Type, value)
		case "challenge":
			r.text(&cb.Challenge, value)
		case "team_id":
			r.text(&cb.TeamID, value)
		case "api_app_id":
			r.text(&cb.AppID, value)
		case "event_id":
			r.text(&cb.EventID, value)
		case "event_time":
			r.number(&cb.EventTime, value)
		case "authorizations":
			r.later(&cb.Authorizations, value)
		case "event":
			cb.Event.read(r, value)
		}
	}
}

// inner is what bobbin reads of the events of all kinds. What only some of them have is
// looked into when it is known to be such an event.
type inner struct {
	Type string `json:"type"`
	post
	EventTS   string          `json:"event_ts"`
	DeletedTS string          `json:"deleted_ts"`           // of message_deleted
	Message   json.RawMessage `json:"message"`              // of message_changed
	Previous  json.RawMessage `json:"previous_message"`     // of both
	Reaction  string          `json:"reaction"`             // of reaction_added
	Item      json.RawMessage `json:"item"`                 // of the same
	Streams   json.RawMessage `json:"streaming_message_ts"` // of agent_session_stopped
	Inviter   string          `json:"inviter"`              // of member_joined_channel
	Tab       string          `json:"tab"`                  // of app_home_opened
	Thread    json.RawMessage `json:"assistant_thread"`     // of assistant_thread_started
}

func (e *inner) read(r *reading, event []byte) {
	for key, value := range r.fields(event) {
		switch string(key) {
		case "type":
			r.text(&e.Type, value)
		case "event_ts":
			r.text(&e.EventTS, value)
		case "deleted_ts":
			r.text(&e.DeletedTS, value)
		case "message":
			r.later(&e.Message, value)
		case "previous_message":
			r.later(&e.Previous, value)
		case "reaction":
			r.text(&e.Reaction, value)
		case "item":
			r.later(&e.Item, value)
		case "streaming_message_ts":
			r.later(&e.Streams, value)
		case "inviter":
			r.text(&e.Inviter, value)
		case "tab":
			r.text(&e.Tab, value)
		case "assistant_thread":
			r.later(&e.Thread, value)
		default:
			e.readPost(r, key, value)
		}
	}
}

func (p *post) readPost(r *reading, key, value []byte) {
	switch string(key) {
	case "subtype":
		r.text(&p.SubType, value)
	case "user":
		r.text(&p.User, value)
	case "bot_id":
		r.text(&p.BotID, value)
	case "text":
		r.text(&p.Text, value)
	case "ts":
		r.text(&p.TS, value)
	case "thread_ts":
		r.text(&p.ThreadTS, value)
	case "parent_user_id":
		r.text(&p.ParentUser, value)
	case "channel":
		r.text(&p.Channel, value)
	case "channel_type":
		r.text(&p.ChannelType, value)
	case "hidden":
		r.truth(&p.Hidden, value)
	case "edited":
		r.later(&p.Edited, value)
	case "files":
		r.later(&p.Files, value)
	}
}

// post is an app_mention or message event.
type post struct {
	SubType     string          `json:"subtype"`
	User        string          `json:"user"`
	BotID       string          `json:"bot_id"`
	Text        string          `json:"text"`
	TS          string          `json:"ts"`
	ThreadTS    string          `json:"thread_ts"`
	ParentUser  string          `json:"parent_user_id"` // of a reply: who wrote the root
	Channel     string          `json:"channel"`
	ChannelType string          `json:"channel_type"`
	Hidden      bool            `json:"hidden"`
	Edited      json.RawMessage `json:"edited"`
	Files       json.RawMessage `json:"files"`
}

// slackbot is the workspace's own bot. Its messages bear no bot id.
const slackbot = "USLACKBOT"

// recovered, deferred, makes a message that no code was ready for one that is ignored.
func (s *Slack) recovered(ev *bots.Event, ignored *string) {
	if r := recover(); r != nil {
		s.log.Error("slack: a message could not be read", "error", fmt.Sprintf("panic: %v\n%s", r, debug.Stack()))
		*ev, *ignored = bots.Event{}, "unreadable"
	}
}

// said converts a message of a session in the workspace team.
func (s *Slack) said(p post, team string) (ev bots.Event, ignored string) {
	defer s.recovered(&ev, &ignored)
	me := s.identity()
	if why := p.ignored(me); why != "" {
		return ev, why
	}

	direct := p.ChannelType == "im" || isDM(p.Channel)
	at := s.place(team, p, p.User)
	id := messageID(p.Channel, p.TS)
	text, mentioned := cutMention(p.Text, me.user)
	return bots.Event{
		MessageID: id,
		Target:    agent.Target{Address: at, ReplyTo: id, Recipient: p.User},
		Author:    agent.Author{ID: p.User, Name: cmp.Or(s.names.of(p.User), p.User)},
		Direct:    direct,
		Addressed: direct || mentioned,
		Text:      strings.TrimSpace(markup.FromSlack(text, s.nameOf)),
		Sent:      sentAt(p.TS),
		Files:     filesOf(p.Files),
		Reply:     below(p, me),
		Respond:   s.responder(at, p, direct),
		SendFile:  s.fileSender(at, p.User, hook{s: s, channel: p.Channel, user: p.User, thread: p.ThreadTS}),
	}, ""
}

// ignored says why a message is nothing that a person has just said, or nothing.
func (p *post) ignored(me identity) string {
	switch {
	case p.SubType != "" && p.SubType != "file_share" && p.SubType != "thread_broadcast":
		return "subtype " + p.SubType
	case p.Hidden:
		return "hidden"
	case p.BotID != "" || (p.User != "" && p.User == me.user):
		return "bot"
	case p.User == slackbot || p.User == "USLACK":
		return "slackbot"
	case len(p.Edited) > 0 && string(p.Edited) != "null":
		return "edited"
	case p.User == "" || p.Channel == "" || p.TS == "":
		return "incomplete"
	case !isID(p.User) || !isID(p.Channel) || !isTS(p.TS) || (p.ThreadTS != "" && !isTS(p.ThreadTS)):
		return "malformed"
	}
	return ""
}

// workspace returns the team that a session belongs to. In a channel shared through
// Slack Connect the delivery may name the other side's team, so it is always the team
// of the token, except where the app is installed for a whole organisation.
func workspace(cb *callback, own string) string {
	if cb.TeamID == own {
		return own
	}
	var auths []struct {
		IsEnterpriseInstall bool `json:"is_enterprise_install"`
	}
	if json.Unmarshal(cb.Authorizations, &auths) == nil {
		for _, a := range auths {
			if a.IsEnterpriseInstall && isID(cb.TeamID) {
				return cb.TeamID
			}
		}
	}
	return own
}

// cutMention reports whether text mentions the user and removes the mention, with the
// punctuation that follows an address, where it stands at the start or the end.
func cutMention(text, user string) (rest string, found bool) {
	at, mention, err := findMention(text, user)
	if err != nil {
		return text, false
	}
	for ; err == nil && strings.TrimSpace(text[:at]) == ""; at, mention, err = findMention(text, user) {
		text = strings.TrimLeft(text[at+len(mention):], " \t\u00a0,:;\n")
	}
	trimmed := strings.TrimRight(text, " \t\u00a0\n")
	for i := strings.LastIndex(trimmed, "<@"+user); i >= 0; i = strings.LastIndex(trimmed, "<@"+user) {
		at, mention, err := findMention(trimmed[i:], user)
		if err != nil || at != 0 || i+len(mention) != len(trimmed) {
			break
		}
		trimmed = strings.TrimRight(trimmed[:i], " \t\u00a0\n,")
		text = trimmed
	}
	return text, true
}

var errNoMention = errors.New("no mention")

// findMention returns the first mention of user, "<@U1>" or "<@U1|name>", and where it is.
func findMention(text, user string) (at int, mention string, err error) {
	if user == "" {
		return 0, "", errNoMention
	}
	for from := 0; ; {
		i := strings.Index(text[from:], "<@"+user)
		if i < 0 {
			return 0, "", errNoMention
		}
		at = from + i
		rest := text[at+len("<@")+len(user):]
		end := strings.IndexByte(rest, '>')
		if end == 0 || (end > 0 && rest[0] == '|') {
			return at, text[at : at+len("<@")+len(user)+end+1], nil
		}
		from = at + len("<@")
	}
}

// nameOf tells what a user mentioned in a message is called.
func (s *Slack) nameOf(kind byte, id string) string {
	if kind != '@' {
		return ""
	}
	if me := s.identity(); id == me.user {
		return me.name
	}
	return s.names.of(id)
}
