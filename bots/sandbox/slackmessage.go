package sandbox

import (
	"encoding/json"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// slackMessage is a message as the Web API and the events show it.
type slackMessage struct {
	Type         string           `json:"type"`
	Subtype      string           `json:"subtype,omitempty"`
	Channel      string           `json:"channel,omitempty"` // events only
	ChannelType  string           `json:"channel_type,omitempty"`
	User         string           `json:"user,omitempty"`
	BotID        string           `json:"bot_id,omitempty"`
	AppID        string           `json:"app_id,omitempty"`
	Team         string           `json:"team,omitempty"`
	ClientMsgID  string           `json:"client_msg_id,omitempty"`
	Text         string           `json:"text"`
	Blocks       json.RawMessage  `json:"blocks,omitempty"`
	Metadata     json.RawMessage  `json:"metadata,omitempty"`
	TS           string           `json:"ts"`
	EventTS      string           `json:"event_ts,omitempty"`
	ThreadTS     string           `json:"thread_ts,omitempty"`
	ParentUserID string           `json:"parent_user_id,omitempty"`
	ReplyCount   int              `json:"reply_count,omitempty"`
	ReplyUsers   []string         `json:"reply_users,omitempty"`
	LatestReply  string           `json:"latest_reply,omitempty"`
	Edited       *slackEdited     `json:"edited,omitempty"`
	Reactions    []slackReaction  `json:"reactions,omitempty"`
	Files        []map[string]any `json:"files,omitempty"`
	Upload       *bool            `json:"upload,omitempty"`
	AppContext   map[string]any   `json:"app_context,omitempty"`

	// message_changed and message_deleted
	Hidden    bool          `json:"hidden,omitempty"`
	DeletedTS string        `json:"deleted_ts,omitempty"`
	Message   *slackMessage `json:"message,omitempty"`
	Previous  *slackMessage `json:"previous_message,omitempty"`
}

type slackEdited struct {
	User string `json:"user"`
	TS   string `json:"ts"`
}

type slackReaction struct {
	Name  string   `json:"name"`
	Users []string `json:"users"`
	Count int      `json:"count"`
}

// show returns m as Slack shows it. The caller holds mu.
func (s *Slack) show(m Message) slackMessage {
	out := slackMessage{
		Type: "message", User: m.User, Team: s.o.TeamID,
		Text: m.Text, TS: m.ID, ThreadTS: m.Thread,
		Blocks: json.RawMessage(m.Blocks),
	}
	if u, ok := s.world.User(m.User); ok && u.Bot {
		if out.BotID = s.botID(u); s.isBot(m.User) {
			out.AppID = s.o.AppID
		}
	}
	for _, r := range m.Reactions {
		out.Reactions = append(out.Reactions, slackReaction{Name: r.Emoji, Users: r.Users, Count: len(r.Users)})
	}
	if len(m.Files) > 0 {
		upload := false
		out.Subtype, out.Upload, out.Files = "file_share", &upload, s.showFiles(m, false)
	}
	if x := s.extras[slackRef{m.Channel, m.ID}]; x != nil {
		out.ClientMsgID = x.clientID
		if x.subtype != "" {
			out.Subtype = x.subtype
		}
		if x.edited != "" {
			out.Edited = &slackEdited{User: m.User, TS: x.edited}
		}
	}
	if m.Thread != "" && m.Thread != m.ID {
		if root, ok := s.world.Message(m.Channel, m.Thread); ok {
			out.ParentUserID = root.User
		}
	}
	return out
}

// extra returns the record of a message, made if need be. The caller holds mu.
func (s *Slack) extra(channel, ts string) *slackExtra {
	ref := slackRef{channel, ts}
	if s.extras[ref] == nil {
		s.extras[ref] = &slackExtra{}
	}
	return s.extras[ref]
}

// newTS returns the next message id: the time, and unique. The caller holds mu.
func (s *Slack) newTS() string {
	s.lastTS = max(s.lastTS+1, time.Now().UnixMicro())
	digits := strconv.FormatInt(s.lastTS, 10)
	return digits[:len(digits)-6] + "." + digits[len(digits)-6:]
}

// slackMicros reads a ts, or a bare number of seconds, as microseconds.
func slackMicros(ts string) (int64, bool) {
	sec, frac, _ := strings.Cut(ts, ".")
	n, err := strconv.ParseInt(sec, 10, 64)
	if err != nil || n < 0 || n > 1<<40 || len(frac) > 6 {
		return 0, false
	}
	micros, err := strconv.ParseInt((frac + "000000")[:6], 10, 64)
	if err != nil || micros < 0 {
		return 0, false
	}
	return n*1_000_000 + micros, true
}

// slackChannelType is the channel_type of events.
func slackChannelType(c Channel) string {
	switch {
	case c.Direct:
		return "im"
	case strings.HasPrefix(c.ID, "G"):
		return "group"
	default:
		return "channel"
	}
}

var (
	slackEscaper = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;")
	// A token of Slack's mark-up, a URL, the name of somebody, or a character to escape.
	slackTypedPart = regexp.MustCompile(`^(?:<(?:[@#!][^<>\s]+|(?:https?://|mailto:)[^<>\s]+)>|https?://[^\s<>` + "`" + `]+|@[\pL\pN_.-]+|[&<>])`)
)

// typed turns what a person types into what Slack makes of it: & < > escaped, URLs in
// angle brackets, @name a mention. What is a token already stays.
func (s *Slack) typed(text string) string {
	var b strings.Builder
	done := 0
	for at := 0; at < len(text); at++ {
		next := strings.IndexAny(text[at:], "&<>@h") // what a part begins with
		if next < 0 {
			break
		}
		at += next
		if text[at] == 'h' && !strings.HasPrefix(text[at:], "http") {
			continue
		}
		part := slackTypedPart.FindString(text[at:])
		if part == "" {
			continue
		}
		b.WriteString(text[done:at])
		done = at + len(part)
		switch {
		case len(part) > 1 && part[0] == '<':
			b.WriteString(part)
		case part[0] == 'h':
			url := strings.TrimRight(part, ".,;:!?)'\"*_~")
			b.WriteString("<" + slackEscaper.Replace(url) + ">" + slackEscaper.Replace(part[len(url):]))
		case part[0] == '@':
			name := strings.TrimRight(part[1:], ".-_")
			id := s.called(name)
			if id == "" || (at > 0 && !strings.ContainsAny(text[at-1:at], " \t\n(,;:")) {
				b.WriteString(part)
				break
			}
			b.WriteString("<@" + id + ">" + part[1+len(name):])
		default:
			b.WriteString(slackEscaper.Replace(part))
		}
		at = done - 1
	}
	if done == 0 {
		return text
	}
	b.WriteString(text[done:])
	return b.String()
}

// called returns the id of the newest account with that name, or nothing.
func (s *Slack) called(name string) (id string) {
	name = strings.ToLower(name)
	for _, u := range s.world.Users() {
		if strings.ToLower(u.Name) == name {
			id = u.ID
		}
	}
	return id
}

// mentions reports whether text speaks to user.
func slackMentions(text, user string) bool {
	return strings.Contains(text, "<@"+user+">") || strings.Contains(text, "<@"+user+"|")
}
