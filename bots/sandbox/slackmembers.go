package sandbox

import (
	"cmp"
	"encoding/base64"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Invite lets a person invite the app into a channel that it was not in; the app hears
// that it has joined. A channel is one that the app is not in after
// Forbid(channel, "not_in_channel").
func (s *Slack) Invite(user, channel string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	c, err := s.joinable(user, channel)
	if err != nil {
		return fmt.Errorf("invite the app: %w", err)
	}
	if !s.deafTo(channel) {
		return fmt.Errorf("invite the app: it is in %q already", channel)
	}
	delete(s.forbidden, channel)
	s.announceMember("member_joined_channel", c, s.o.Bot.ID, user)
	return nil
}

// Remove lets a person remove the app from a channel. It hears nothing of that, nor of
// what happens there afterwards.
func (s *Slack) Remove(user, channel string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, err := s.joinable(user, channel); err != nil {
		return fmt.Errorf("remove the app: %w", err)
	}
	s.forbidden[channel] = "not_in_channel"
	return nil
}

// Join lets a person join a channel, as the app hears. Everybody sees all channels
// without that.
func (s *Slack) Join(user, channel string) error {
	return s.comeOrGo("member_joined_channel", user, channel)
}

// Leave lets a person leave a channel, as the app hears.
func (s *Slack) Leave(user, channel string) error {
	return s.comeOrGo("member_left_channel", user, channel)
}

func (s *Slack) comeOrGo(kind, user, channel string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	c, err := s.joinable(user, channel)
	if err != nil {
		return fmt.Errorf("%s: %w", kind, err)
	}
	s.announceMember(kind, c, user, "")
	return nil
}

func (s *Slack) joinable(user, channel string) (Channel, error) {
	c, ok := s.world.Channel(channel)
	if !ok || c.Direct {
		return c, fmt.Errorf("no channel %q", channel)
	}
	if u, ok := s.world.User(user); !ok || u.Deleted {
		return c, fmt.Errorf("no user %q", user)
	}
	return c, nil
}

func (s *Slack) announceMember(kind string, c Channel, user, inviter string) {
	event := map[string]any{
		"type": kind, "user": user, "channel": c.ID, "channel_type": strings.ToUpper(slackChannelType(c)[:1]),
		"team": s.o.TeamID, "event_ts": s.newTS(),
	}
	if inviter != "" {
		event["inviter"] = inviter
	}
	s.deliverIf(kind, c.ID, event)
}

// Deactivate ends a person's account: they stay visible and do nothing any more.
func (s *Slack) Deactivate(user string) error {
	u, ok := s.world.User(user)
	if !ok {
		return fmt.Errorf("deactivate: no user %q", user)
	}
	u.Deleted = true
	s.world.AddUser(u)
	return nil
}

// conversationsMembers is conversations.members: of a DM the two who share it, else
// everybody.
func (s *Slack) conversationsMembers(f slackForm) slackReply {
	c, ok := s.world.Channel(f.Get("channel"))
	if !ok {
		return slackFail("channel_not_found")
	}
	members := []string{}
	for _, u := range s.world.Users() {
		if !u.Deleted && (!c.Direct || u.ID == c.User || s.isBot(u.ID)) {
			members = append(members, u.ID)
		}
	}
	limit := 100
	if text := f.Get("limit"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 {
			return slackFail("invalid_limit")
		}
		limit = min(n, slackMaxPage)
	}
	if cursor := f.Get("cursor"); cursor != "" {
		raw, err := base64.StdEncoding.DecodeString(cursor)
		start := slices.Index(members, strings.TrimPrefix(string(raw), "user:"))
		if err != nil || start < 0 {
			return slackFail("invalid_cursor")
		}
		members = members[start:]
	}
	next := ""
	if len(members) > limit {
		next = base64.StdEncoding.EncodeToString([]byte("user:" + members[limit]))
		members = members[:limit]
	}
	return slackOK("members", members, "response_metadata", map[string]string{"next_cursor": next})
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

// profile is a user as Slack shows them. Of a deleted one it tells no time zone.
func (s *Slack) profile(u User) map[string]any {
	shown := map[string]any{
		"real_name": u.Name, "real_name_normalized": u.Name, "display_name": u.Name, "display_name_normalized": u.Name,
		"team": s.o.TeamID, "title": "", "status_text": "", "status_emoji": "",
	}
	if u.Bot {
		shown["bot_id"] = s.botID(u)
	}
	out := map[string]any{
		"id": u.ID, "team_id": s.o.TeamID, "name": strings.ToLower(u.Name), "deleted": u.Deleted, "is_bot": u.Bot,
		"is_app_user": false, "is_admin": false, "is_owner": false, "is_restricted": false, "is_ultra_restricted": false,
		"updated": 1_700_000_000, "profile": shown,
	}
	if u.Deleted {
		return out
	}
	name := cmp.Or(u.Timezone, "Europe/London")
	out["real_name"], out["tz"], out["tz_label"], out["tz_offset"] = u.Name, name, name, 0
	if zone, err := time.LoadLocation(name); err == nil {
		label, offset := time.Now().In(zone).Zone()
		out["tz_label"], out["tz_offset"] = label, offset
	}
	return out
}

// botID is the id under which messages of a bot's account come.
func (s *Slack) botID(u User) string {
	if s.isBot(u.ID) {
		return s.o.BotID
	}
	return "B" + strings.TrimPrefix(u.ID, "U")
}

// getPermalink is chat.getPermalink.
func (s *Slack) getPermalink(f slackForm) slackReply {
	c, ok := s.world.Channel(f.Get("channel"))
	if !ok {
		return slackFail("channel_not_found")
	}
	m, ok := s.world.Message(c.ID, f.Get("message_ts"))
	if !ok || m.OnlyFor != "" {
		return slackFail("message_not_found")
	}
	return slackOK("channel", c.ID, "permalink", slackPermalink(m))
}

func slackPermalink(m Message) string {
	link := "https://sandbox.slack.com/archives/" + m.Channel + "/p" + strings.ReplaceAll(m.ID, ".", "")
	if m.Thread != "" && m.Thread != m.ID {
		link += "?thread_ts=" + m.Thread + "&cid=" + m.Channel
	}
	return link
}
