package sandbox

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"unicode"
)

// discordReactionLimit is how many different emoji a message can have under it.
const discordReactionLimit = 20

// discordIsEmoji says whether s is one standard emoji, as far as that can be told
// without Discord's own list: a sign, and only signs that belong to it.
func discordIsEmoji(s string) bool {
	sign := false
	for i, r := range s {
		switch {
		case i > 40:
			return false
		case unicode.Is(unicode.So, r), r >= 0x1f1e6 && r <= 0x1f1ff, r == 0x20e3, r == 0x203c, r == 0x2049:
			sign = true
		case strings.ContainsRune("0123456789#*", r), r == 0x200d, r == 0xfe0f, r >= 0x1f3fb && r <= 0x1f3ff, r >= 0xe0020 && r <= 0xe007f,
			unicode.Is(unicode.Sm, r) && r > 0x2000:
			sign = sign || unicode.Is(unicode.Sm, r)
		default:
			return false
		}
	}
	return sign
}

// discordSameEmoji leaves out what only says in which style an emoji is shown.
func discordSameEmoji(a, b string) bool {
	return strings.ReplaceAll(a, "\ufe0f", "") == strings.ReplaceAll(b, "\ufe0f", "")
}

func (m *discordMessage) reaction(emoji string) int {
	return slices.IndexFunc(m.reactions, func(r Reaction) bool { return discordSameEmoji(r.Emoji, emoji) })
}

func (d *Discord) wireReactions(m *discordMessage) []any {
	list := []any{}
	for _, r := range m.reactions {
		list = append(list, discordWire{
			"emoji": discordWire{"id": nil, "name": r.Emoji}, "count": len(r.Users), "me": slices.Contains(r.Users, d.o.BotID),
			"count_details": discordWire{"normal": len(r.Users), "burst": 0}, "me_burst": false, "burst_colors": []string{},
		})
	}
	return list
}

// react puts somebody's emoji under m, or takes it away. It says whether that changed
// anything. The caller holds mu.
func (d *Discord) react(m *discordMessage, user, emoji string, on bool) bool {
	i := m.reaction(emoji)
	event := "MESSAGE_REACTION_ADD"
	if on {
		if i < 0 {
			m.reactions = append(m.reactions, Reaction{Emoji: emoji})
			i = len(m.reactions) - 1
		}
		if slices.Contains(m.reactions[i].Users, user) {
			return false
		}
		m.reactions[i].Users = append(m.reactions[i].Users, user)
	} else {
		event = "MESSAGE_REACTION_REMOVE"
		k := -1
		if i >= 0 {
			k = slices.Index(m.reactions[i].Users, user)
		}
		if k < 0 {
			return false
		}
		m.reactions[i].Users = slices.Delete(m.reactions[i].Users, k, k+1)
	}
	w := discordWire{
		"user_id": user, "channel_id": m.channel, "message_id": m.id, "emoji": discordWire{"id": nil, "name": m.reactions[i].Emoji},
		"burst": false, "type": 0,
	}
	if len(m.reactions[i].Users) == 0 {
		m.reactions = slices.Delete(m.reactions, i, i+1)
	}
	d.show(m)
	c := d.channels[m.channel]
	intent := discordIntentDMReactions
	if g := d.guildOf(c); g != "" {
		intent = discordIntentGuildReactions
		w["guild_id"] = g
		if on {
			member := d.wireMember()
			member["user"] = d.wireUser(user)
			w["member"] = member
		}
	}
	if on {
		w["message_author_id"] = m.author
	}
	if !d.hides(c) {
		d.emit(event, intent, d.guildOf(c), w)
	}
	return true
}

// reactionOf is the message and the emoji of a call.
func (d *Discord) reactionOf(call *discordCall) (*discordMessage, string, *discordAnswer) {
	m, fail := d.messageOf(call)
	if fail != nil {
		return nil, "", fail
	}
	emoji := call.PathValue("emoji")
	if !discordIsEmoji(emoji) {
		return nil, "", discordFail(http.StatusBadRequest, 10014, "Unknown Emoji")
	}
	return m, emoji, nil
}

func (d *Discord) getReactions(call *discordCall) *discordAnswer {
	m, emoji, fail := d.reactionOf(call)
	if fail != nil {
		return fail
	}
	list := []any{}
	if i := m.reaction(emoji); i >= 0 {
		for _, id := range m.reactions[i].Users {
			list = append(list, d.wireUser(id))
		}
	}
	return discordOK(list)
}

func (d *Discord) putReaction(call *discordCall) *discordAnswer {
	m, emoji, fail := d.reactionOf(call)
	if fail != nil {
		return fail
	}
	c := d.channels[m.channel]
	need := DiscordReadMessageHistory
	if m.reaction(emoji) < 0 {
		need |= DiscordAddReactions
	}
	if fail := d.lacks(c, need); fail != nil {
		return fail
	}
	if c.archived {
		return discordFail(http.StatusBadRequest, 50083, "Thread is archived")
	}
	if m.reaction(emoji) < 0 && len(m.reactions) >= discordReactionLimit {
		return discordFail(http.StatusBadRequest, 30010, "Maximum number of reactions reached (20)")
	}
	d.react(m, d.o.BotID, emoji, true)
	return discordNothing()
}

func (d *Discord) deleteReaction(call *discordCall) *discordAnswer {
	m, emoji, fail := d.reactionOf(call)
	if fail != nil {
		return fail
	}
	user := call.PathValue("user")
	if user == "@me" {
		user = d.o.BotID
	}
	c := d.channels[m.channel]
	if user != d.o.BotID {
		if fail := d.lacks(c, DiscordManageMessages); fail != nil {
			return fail
		}
	}
	if c.archived {
		return discordFail(http.StatusBadRequest, 50083, "Thread is archived")
	}
	if !d.react(m, user, emoji, false) {
		return discordFail(http.StatusNotFound, 10014, "Unknown Emoji")
	}
	return discordNothing()
}

// React lets a user put an emoji under a message, such as "👍".
func (d *Discord) React(user, channel, id, emoji string) error {
	return d.userReacts(user, channel, id, emoji, true)
}

// Unreact lets a user take their emoji away again.
func (d *Discord) Unreact(user, channel, id, emoji string) error {
	return d.userReacts(user, channel, id, emoji, false)
}

func (d *Discord) userReacts(user, channel, id, emoji string, on bool) error {
	u, err := d.user(user)
	if err != nil {
		return err
	}
	if !discordIsEmoji(emoji) {
		return fmt.Errorf("discord sandbox: %.40q is no emoji", emoji)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	m, err := d.seen(u, channel, id)
	if err != nil {
		return err
	}
	switch {
	case m.flags&discordEphemeral != 0:
		return fmt.Errorf("discord sandbox: nobody can react to a message that only they see")
	case d.channels[m.channel].archived:
		return fmt.Errorf("discord sandbox: the thread of message %q is archived", id)
	case on && m.reaction(emoji) < 0 && len(m.reactions) >= discordReactionLimit:
		return fmt.Errorf("discord sandbox: message %q has %d different reactions, and can have no more", id, discordReactionLimit)
	}
	if !d.react(m, u.ID, emoji, on) && !on {
		return fmt.Errorf("discord sandbox: %s has no %s under message %q", u.Name, emoji, id)
	}
	return nil
}

// seen is a message of a channel that a user can see. The caller holds mu.
func (d *Discord) seen(u User, channel, id string) (*discordMessage, error) {
	c, err := d.channelFor(u, channel)
	if err != nil {
		return nil, err
	}
	m := d.messages[id]
	if m == nil || m.channel != c.id || m.flags&discordEphemeral != 0 && (m.interaction == nil || m.interaction.user != u.ID) {
		return nil, fmt.Errorf("discord sandbox: %s sees no message %q in %q", u.Name, id, channel)
	}
	return m, nil
}
