package sandbox

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// slackEmoji is the name of an emoji, with its skin tone if it has one.
var slackEmoji = regexp.MustCompile(`^[a-z0-9_+'-]{1,100}(::skin-tone-[2-6])?$`)

// React lets a person put an emoji under a message, by its name without colons.
func (s *Slack) React(user, channel, ts, emoji string) error {
	return s.reacts("react", user, channel, ts, emoji, s.addReaction)
}

// Unreact lets a person take an emoji of theirs away again.
func (s *Slack) Unreact(user, channel, ts, emoji string) error {
	return s.reacts("unreact", user, channel, ts, emoji, s.removeReaction)
}

func (s *Slack) reacts(what, user, channel, ts, emoji string, do func(Message, string, string) string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	u, ok := s.world.User(user)
	if !ok || u.Deleted {
		return fmt.Errorf("%s: no user %q", what, user)
	}
	m, ok := s.world.Message(channel, ts)
	if !ok || m.OnlyFor != "" {
		return fmt.Errorf("%s: no message %s in %q", what, ts, channel)
	}
	emoji = strings.Trim(emoji, ":")
	if !slackEmoji.MatchString(emoji) {
		return fmt.Errorf("%s: no emoji %q", what, emoji)
	}
	if code := do(m, user, emoji); code != "" {
		return fmt.Errorf("%s: %s", what, code)
	}
	return nil
}

// addReaction puts an emoji under m, or returns Slack's error. The caller holds mu.
func (s *Slack) addReaction(m Message, user, emoji string) string {
	m.Reactions = slices.Clone(m.Reactions)
	i := slices.IndexFunc(m.Reactions, func(r Reaction) bool { return r.Emoji == emoji })
	switch {
	case i < 0:
		m.Reactions = append(m.Reactions, Reaction{Emoji: emoji, Users: []string{user}})
	case slices.Contains(m.Reactions[i].Users, user):
		return "already_reacted"
	default:
		m.Reactions[i].Users = append(slices.Clone(m.Reactions[i].Users), user)
	}
	s.world.Put(m)
	s.announceReaction("reaction_added", m, user, emoji)
	return ""
}

// removeReaction takes an emoji away, or returns Slack's error. The caller holds mu.
func (s *Slack) removeReaction(m Message, user, emoji string) string {
	m.Reactions = slices.Clone(m.Reactions)
	i := slices.IndexFunc(m.Reactions, func(r Reaction) bool { return r.Emoji == emoji && slices.Contains(r.Users, user) })
	if i < 0 {
		return "no_reaction"
	}
	users := slices.DeleteFunc(slices.Clone(m.Reactions[i].Users), func(u string) bool { return u == user })
	if m.Reactions[i].Users = users; len(users) == 0 {
		m.Reactions = slices.Delete(m.Reactions, i, i+1)
	}
	s.world.Put(m)
	s.announceReaction("reaction_removed", m, user, emoji)
	return ""
}

func (s *Slack) announceReaction(kind string, m Message, user, emoji string) {
	s.deliverIf(kind, m.Channel, map[string]any{
		"type": kind, "user": user, "reaction": emoji, "item_user": m.User, "event_ts": s.newTS(),
		"item": map[string]any{"type": "message", "channel": m.Channel, "ts": m.ID},
	})
}

func (s *Slack) reactionsAdd(f slackForm) slackReply {
	return s.botReacts(f, s.addReaction)
}

func (s *Slack) reactionsRemove(f slackForm) slackReply {
	return s.botReacts(f, s.removeReaction)
}

func (s *Slack) botReacts(f slackForm, do func(Message, string, string) string) slackReply {
	m, code := s.reactedTo(f)
	if code != "" {
		return slackFail(code)
	}
	name := strings.Trim(f.Get("name"), ":")
	if !slackEmoji.MatchString(name) {
		return slackFail("invalid_name")
	}
	if code := do(m, s.o.Bot.ID, name); code != "" {
		return slackFail(code)
	}
	return slackOK()
}

func (s *Slack) reactionsGet(f slackForm) slackReply {
	m, code := s.reactedTo(f)
	if code != "" {
		return slackFail(code)
	}
	return slackOK("type", "message", "channel", m.Channel, "message", s.show(m))
}

func (s *Slack) reactedTo(f slackForm) (Message, string) {
	channel, ts := f.Get("channel"), f.Get("timestamp")
	if channel == "" || ts == "" {
		return Message{}, "no_item_specified"
	}
	if _, ok := s.world.Channel(channel); !ok {
		return Message{}, "channel_not_found"
	}
	if _, ok := slackMicros(ts); !ok {
		return Message{}, "bad_timestamp"
	}
	m, ok := s.world.Message(channel, ts)
	if !ok || m.OnlyFor != "" {
		return m, "message_not_found"
	}
	return m, ""
}
