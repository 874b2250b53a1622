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
	all := s.world.Messages(c.ID)
	roots := slices.DeleteFunc(slices.Clone(all), func(m Message) bool {
		return m.OnlyFor != "" || m.Thread != "" && m.Thread != m.ID
	})
	slices.Reverse(roots)
	return s.page(f, all, nil, roots)
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
	all := s.world.Messages(c.ID)
	var first, replies []Message
	for _, m := range all {
		switch {
		case m.OnlyFor != "":
		case m.ID == root:
			first = append(first, m)
		case m.Thread == root:
			replies = append(replies, m)
		}
	}
	return s.page(f, all, first, replies)
}

// page answers with those of list that the arguments ask for. What is in always
// stands before the first page, whatever the range.
func (s *Slack) page(f slackForm, all, always, list []Message) slackReply {
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
	threads := slackThreads(all)
	for _, m := range list {
		out := s.show(m)
		if metadata && m.Key != "" {
			out.Metadata = json.RawMessage(m.Key)
		}
		for _, r := range threads[m.ID] {
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

// slackThreads returns the replies by their root's ts.
func slackThreads(all []Message) map[string][]Message {
	threads := make(map[string][]Message)
	for _, m := range all {
		if m.Thread != "" && m.Thread != m.ID && m.OnlyFor == "" {
			threads[m.Thread] = append(threads[m.Thread], m)
		}
	}
	return threads
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

func (s *Slack) usersInfo(f slackForm) slackReply {
	u, ok := s.world.User(f.Get("user"))
	if !ok {
		return slackFail("user_not_found")
	}
	return slackOK("user", s.profile(u))
}

func (s *Slack) usersList(slackForm) slackReply {
	list := []map[string]any{}
	for _, u := range s.world.Users() {
		list = append(list, s.profile(u))
	}
	return slackOK("members", list, "response_metadata", map[string]string{"next_cursor": ""})
}

func (s *Slack) profile(u User) map[string]any {
	return map[string]any{
		"id": u.ID, "team_id": s.o.TeamID, "name": strings.ToLower(u.Name), "real_name": u.Name,
		"deleted": false, "is_bot": u.Bot, "is_app_user": false, "tz": "Europe/London", "tz_offset": 0,
		"profile": map[string]any{"real_name": u.Name, "display_name": u.Name},
	}
}

func (s *Slack) reactionsAdd(f slackForm) slackReply {
	x, name, code := s.reaction(f)
	if code != "" {
		return slackFail(code)
	}
	i := slices.IndexFunc(x.reactions, func(r slackReaction) bool { return r.Name == name })
	if i >= 0 {
		return slackFail("already_reacted")
	}
	x.reactions = append(x.reactions, slackReaction{Name: name, Users: []string{s.o.Bot.ID}, Count: 1})
	return slackOK()
}

func (s *Slack) reactionsRemove(f slackForm) slackReply {
	x, name, code := s.reaction(f)
	if code != "" {
		return slackFail(code)
	}
	i := slices.IndexFunc(x.reactions, func(r slackReaction) bool { return r.Name == name })
	if i < 0 {
		return slackFail("no_reaction")
	}
	x.reactions = slices.Delete(slices.Clone(x.reactions), i, i+1)
	return slackOK()
}

func (s *Slack) reaction(f slackForm) (x *slackExtra, name, code string) {
	channel, ts := f.Get("channel"), f.Get("timestamp")
	if _, ok := s.world.Channel(channel); !ok {
		return nil, "", "channel_not_found"
	}
	if _, ok := s.world.Message(channel, ts); !ok {
		return nil, "", "message_not_found"
	}
	if name = strings.Trim(f.Get("name"), ":"); name == "" {
		return nil, "", "invalid_name"
	}
	return s.extra(channel, ts), name, ""
}
