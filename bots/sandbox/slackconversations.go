package sandbox

import (
	"encoding/base64"
	"encoding/json"
	"math"
	"slices"
	"strconv"
	"strings"
)

const slackMaxPage = 999

func (s *Slack) apiTest(f slackForm) slackReply { return slackOK("args", f) }

func (s *Slack) authTest(slackForm) slackReply {
	return slackOK("url", "https://sandbox.slack.com/", "team", s.o.Team, "team_id", s.o.TeamID,
		"user", s.o.Bot.Name, "user_id", s.o.Bot.ID, "bot_id", s.o.BotID, "is_enterprise_install", false)
}

func (s *Slack) conversationsHistory(f slackForm) slackReply {
	c, ok := s.world.Channel(f.Get("channel"))
	if !ok {
		return slackFail("channel_not_found")
	}
	roots := slices.DeleteFunc(s.world.Messages(c.ID), func(m Message) bool {
		return m.OnlyFor != "" || m.Thread != "" && m.Thread != m.ID
	})
	slices.Reverse(roots)
	return s.page(f, nil, roots)
}

func (s *Slack) conversationsReplies(f slackForm) slackReply {
	c, ok := s.world.Channel(f.Get("channel"))
	if !ok {
		return slackFail("channel_not_found")
	}
	m, ok := s.world.Message(c.ID, f.Get("ts"))
	if !ok || m.OnlyFor != "" {
		return slackFail("thread_not_found")
	}
	root := m.ID
	if m.Thread != "" {
		root = m.Thread
	}
	var first []Message
	if m, ok := s.world.Message(c.ID, root); ok {
		first = append(first, m)
	}
	return s.page(f, first, slackPublic(s.world.Replies(c.ID, root)))
}

// page answers with those of list that the arguments ask for. What is in always
// stands before the first page, whatever the range.
func (s *Slack) page(f slackForm, always, list []Message) slackReply {
	limit := 100
	if text := f.Get("limit"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 {
			return slackFail("invalid_limit")
		}
		limit = min(n, slackMaxPage)
	}
	oldest, newest := int64(0), int64(math.MaxInt64)
	inclusive := f.Get("inclusive") == "1" || f.Get("inclusive") == "true"
	if text := f.Get("oldest"); text != "" {
		n, ok := slackMicros(text)
		if !ok {
			return slackFail("invalid_ts_oldest")
		}
		if oldest = n; !inclusive {
			oldest++
		}
	}
	if text := f.Get("latest"); text != "" {
		n, ok := slackMicros(text)
		if !ok {
			return slackFail("invalid_ts_latest")
		}
		if newest = n; !inclusive {
			newest--
		}
	}
	list = slices.DeleteFunc(slices.Clone(list), func(m Message) bool {
		at, _ := slackMicros(m.ID)
		return at < oldest || at > newest
	})
	if cursor := f.Get("cursor"); cursor != "" {
		raw, err := base64.StdEncoding.DecodeString(cursor)
		next, ok := strings.CutPrefix(string(raw), "next_ts:")
		if err != nil || !ok {
			return slackFail("invalid_cursor")
		}
		start := slices.IndexFunc(list, func(m Message) bool { return m.ID == next })
		if start < 0 {
			start = len(list)
		}
		list = list[start:]
	} else {
		list = append(slices.Clone(always), list...)
	}
	next := ""
	if len(list) > limit {
		next = base64.StdEncoding.EncodeToString([]byte("next_ts:" + list[limit].ID))
		list = list[:limit]
	}
	metadata := f.Get("include_all_metadata") == "1" || f.Get("include_all_metadata") == "true"
	shown := make([]slackMessage, 0, len(list))
	for _, m := range list {
		out := s.show(m)
		if metadata && m.Key != "" {
			out.Metadata = json.RawMessage(m.Key)
		}
		for _, r := range slackPublic(s.world.Replies(m.Channel, m.ID)) {
			out.ThreadTS = m.ID
			out.ReplyCount++
			out.LatestReply = r.ID
			if !slices.Contains(out.ReplyUsers, r.User) {
				out.ReplyUsers = append(out.ReplyUsers, r.User)
			}
		}
		shown = append(shown, out)
	}
	return slackOK("messages", shown, "has_more", next != "", "pin_count", 0,
		"response_metadata", map[string]string{"next_cursor": next})
}

// slackPublic returns the messages that everybody sees.
func slackPublic(list []Message) []Message {
	return slices.DeleteFunc(list, func(m Message) bool { return m.OnlyFor != "" })
}

// describe returns a channel as Slack shows it.
func (s *Slack) describe(c Channel) map[string]any {
	kind := slackChannelType(c)
	out := map[string]any{
		"id": c.ID, "created": 1_700_000_000, "is_im": kind == "im", "is_channel": kind == "channel",
		"is_group": kind == "group", "is_private": kind != "channel", "is_mpim": false, "is_archived": false,
	}
	if c.Direct {
		out["user"] = c.User
		return out
	}
	out["name"], out["name_normalized"] = c.Name, c.Name
	out["is_member"] = s.forbidden[c.ID] == ""
	out["num_members"] = len(s.world.Users())
	out["topic"], out["purpose"] = map[string]any{"value": ""}, map[string]any{"value": ""}
	return out
}

func (s *Slack) conversationsInfo(f slackForm) slackReply {
	c, ok := s.world.Channel(f.Get("channel"))
	if !ok {
		return slackFail("channel_not_found")
	}
	return slackOK("channel", s.describe(c))
}

func (s *Slack) conversationsOpen(f slackForm) slackReply {
	id := f.Get("channel")
	if users := f.Get("users"); users != "" {
		if strings.Contains(users, ",") {
			return slackFail("not_supported") // group DMs
		}
		if _, ok := s.world.User(users); !ok {
			return slackFail("user_not_found")
		}
		id = s.OpenDM(users)
	}
	c, ok := s.world.Channel(id)
	if !ok || !c.Direct {
		return slackFail("channel_not_found")
	}
	return slackOK("channel", s.describe(c), "no_op", false, "already_open", false)
}

// conversationsList is conversations.list and users.conversations, which is the same
// for the bot: it is in all channels that it is not forbidden.
func (s *Slack) conversationsList(f slackForm) slackReply {
	types := "public_channel"
	if f.Get("types") != "" {
		types = f.Get("types")
	}
	names := map[string]string{"channel": "public_channel", "group": "private_channel", "im": "im"}
	list := []map[string]any{}
	for _, c := range s.world.Channels() {
		if slices.Contains(strings.Split(types, ","), names[slackChannelType(c)]) && !s.deafTo(c.ID) {
			list = append(list, s.describe(c))
		}
	}
	return slackOK("channels", list, "response_metadata", map[string]string{"next_cursor": ""})
}
