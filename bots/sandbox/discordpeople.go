package sandbox

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
)

// discordUserLimit is how long a person's message may be; those who pay for it may
// write twice what a bot may.
const discordUserLimit = 4000

// DiscordSend is a message that a person writes.
type DiscordSend struct {
	User    string
	Channel string
	ReplyTo string // id of the message that it answers
	Text    string // may hold <@id>
	NoPing  bool   // answer without mentioning the one who is answered
	Files   []DiscordUpload
	// Voice makes the one file a recorded message, as long as Length. It has no text.
	Voice  bool
	Length time.Duration
}

// Say lets a user write in a channel, thread or DM, in answer to the message replyTo
// unless that is empty. As in Discord's own client an answer mentions the one who is
// answered.
func (d *Discord) Say(user, channel, replyTo, text string) (id string, err error) {
	return d.Send(DiscordSend{User: user, Channel: channel, ReplyTo: replyTo, Text: text})
}

// Send is Say with all its choices.
func (d *Discord) Send(s DiscordSend) (id string, err error) {
	u, err := d.user(s.User)
	if err != nil {
		return "", err
	}
	if strings.TrimSpace(s.Text) == "" && len(s.Files) == 0 {
		return "", errors.New("discord sandbox: cannot send an empty message")
	}
	if s.Voice && (len(s.Files) != 1 || s.Text != "") {
		return "", errors.New("discord sandbox: a voice message is one recording and no text")
	}
	if n := discordLength(s.Text); n > discordUserLimit {
		return "", fmt.Errorf("discord sandbox: %d characters are more than the %d that a user may write", n, discordUserLimit)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	c, err := d.channelFor(u, s.Channel)
	if err != nil {
		return "", err
	}
	switch {
	case c.kind == discordForum:
		return "", fmt.Errorf("discord sandbox: in the forum %q people write in posts only", c.name)
	case c.locked:
		return "", fmt.Errorf("discord sandbox: thread %q is locked", c.name)
	}
	m := &discordMessage{
		channel: c.id, author: u.ID, content: s.Text, at: time.Now(),
		mentions: d.mentioned(s.Text), everyone: discordEveryone.MatchString(s.Text),
	}
	if m.attachments, err = d.uploads(s.Files); err != nil {
		return "", err
	}
	if s.Voice {
		m.attachments[0].voice(s.Length)
		m.flags |= discordVoice
	}
	if s.ReplyTo != "" {
		r := d.messages[s.ReplyTo]
		if r == nil || r.channel != c.id || r.flags&discordEphemeral != 0 {
			return "", fmt.Errorf("discord sandbox: no message %q in %q to reply to", s.ReplyTo, s.Channel)
		}
		m.kind = discordReply
		m.reference = &discordReference{MessageID: r.id, ChannelID: c.id, GuildID: d.guildOf(c)}
		if !s.NoPing && r.author != u.ID && !slices.Contains(m.mentions, r.author) {
			m.mentions = append(m.mentions, r.author)
		}
	}
	m.id = d.newID()
	d.add(m)
	return m.id, nil
}

// Edit lets a user change the text of a message of their own.
func (d *Discord) Edit(user, channel, id, text string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	m, err := d.ownMessage(user, channel, id)
	if err != nil {
		return err
	}
	switch c := d.channels[m.channel]; {
	case c.archived:
		return fmt.Errorf("discord sandbox: thread %q is archived", c.name)
	case strings.TrimSpace(text) == "" && len(m.attachments) == 0:
		return errors.New("discord sandbox: cannot leave a message empty")
	case discordLength(text) > discordUserLimit:
		return fmt.Errorf("discord sandbox: %d characters are more than the %d that a user may write", discordLength(text), discordUserLimit)
	}
	m.content = text
	m.edited = time.Now()
	m.mentions = d.mentioned(text)
	m.everyone = discordEveryone.MatchString(text)
	d.changed(m)
	return nil
}

// Unfurl is Discord itself adding the preview of a link to a message, some time after
// it was posted. The bot is told by an update that holds the embeds and no content.
func (d *Discord) Unfurl(channel, id, link, title string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	c, err := d.channel(channel)
	if err != nil {
		return err
	}
	m := d.messages[id]
	if m == nil || m.channel != c.id {
		return fmt.Errorf("discord sandbox: no message %q in %q", id, channel)
	}
	if m.flags&discordSuppressEmbeds != 0 {
		return nil
	}
	m.embeds = discordJSON([]any{discordWire{"type": "link", "url": link, "title": title}})
	w := discordWire{"id": m.id, "channel_id": m.channel, "embeds": m.embeds}
	if g := d.guildOf(c); g != "" {
		w["guild_id"] = g
	}
	if !d.hides(c) {
		d.emit("MESSAGE_UPDATE", d.messageIntent(c), d.guildOf(c), w)
	}
	return nil
}

// Purge deletes messages of a channel at once, as a moderator's tools do: the bot is
// told of all of them by one MESSAGE_DELETE_BULK.
func (d *Discord) Purge(channel string, ids ...string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	c, err := d.channel(channel)
	if err != nil {
		return err
	}
	if c.kind == discordDM {
		return errors.New("discord sandbox: nobody moderates a DM")
	}
	for _, id := range ids {
		if m := d.messages[id]; m == nil || m.channel != c.id {
			return fmt.Errorf("discord sandbox: no message %q in %q", id, channel)
		}
	}
	for _, id := range ids {
		d.forget(d.messages[id])
	}
	if !d.hides(c) {
		d.emit("MESSAGE_DELETE_BULK", d.messageIntent(c), d.guildOf(c),
			discordWire{"ids": ids, "channel_id": c.id, "guild_id": d.o.GuildID})
	}
	return nil
}

// Dismiss lets a user put away a message that only they see. The bot is not told.
func (d *Discord) Dismiss(user, channel, id string) error {
	u, err := d.user(user)
	if err != nil {
		return err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	m, err := d.seen(u, channel, id)
	if err != nil {
		return err
	}
	if m.flags&discordEphemeral == 0 {
		return fmt.Errorf("discord sandbox: others see message %q too", id)
	}
	m.dismissed = true
	d.world.Delete(m.channel, m.id)
	return nil
}

// Delete lets a user delete a message of their own.
func (d *Discord) Delete(user, channel, id string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	m, err := d.ownMessage(user, channel, id)
	if err != nil {
		return err
	}
	d.remove(m)
	return nil
}

// Remove deletes any message, the bot's own included, as a moderator would.
func (d *Discord) Remove(channel, id string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	m := d.messages[id]
	c, err := d.channel(channel)
	if err != nil {
		return err
	}
	if m == nil || m.channel != c.id {
		return fmt.Errorf("discord sandbox: no message %q in %q", id, channel)
	}
	d.remove(m)
	return nil
}

// OpenDM returns the DM between a user and the bot, and opens it if there is none.
// An unknown user has none: it returns "".
func (d *Discord) OpenDM(user string) (channel string) {
	u, err := d.user(user)
	if err != nil {
		return ""
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.openDM(u).id
}

func (d *Discord) openDM(u User) *discordChannel {
	for _, id := range d.order {
		if c := d.channels[id]; c != nil && c.kind == discordDM && c.user == u.ID {
			return c
		}
	}
	c := &discordChannel{id: d.newID(), kind: discordDM, name: u.Name, user: u.ID}
	d.addChannel(c)
	return c
}

// AddUser adds an account to the guild and returns its id.
func (d *Discord) AddUser(name string, bot bool) (id string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	id = d.newID()
	d.world.AddUser(User{ID: id, Name: name, Bot: bot})
	return id
}

// AddChannel adds a text channel to the guild and returns its id.
func (d *Discord) AddChannel(name string) (id string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	c := &discordChannel{id: d.newID(), kind: discordText, name: name}
	d.addChannel(c)
	d.emit("CHANNEL_CREATE", discordIntentGuilds, d.o.GuildID, d.wireChannel(c))
	return c.id
}

// RemoveChannel deletes a channel or thread: to the bot it is unknown from then on.
func (d *Discord) RemoveChannel(channel string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	c, err := d.channel(channel)
	if err != nil {
		return err
	}
	for _, id := range c.messages {
		delete(d.messages, id)
	}
	delete(d.channels, c.id)
	d.order = slices.DeleteFunc(d.order, func(id string) bool { return id == c.id })
	event := "CHANNEL_DELETE"
	if c.kind == discordThread {
		event = "THREAD_DELETE"
	}
	if !d.hides(c) {
		d.emit(event, discordIntentGuilds, d.guildOf(c), d.wireChannel(c))
	}
	return nil
}

// Hide takes a channel from the bot's sight, or gives it back: calls for it fail with
// 50001 and its events do not come.
func (d *Discord) Hide(channel string, hidden bool) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	c, err := d.channel(channel)
	if err != nil {
		return err
	}
	c.hidden = hidden
	return nil
}

// channelFor is a channel that u can write in. The caller holds mu.
func (d *Discord) channelFor(u User, channel string) (*discordChannel, error) {
	c, err := d.channel(channel)
	if err != nil {
		return nil, err
	}
	if c.kind == discordDM && c.user != u.ID {
		return nil, fmt.Errorf("discord sandbox: the DM %q is not with %s", channel, u.Name)
	}
	return c, nil
}

func (d *Discord) ownMessage(user, channel, id string) (*discordMessage, error) {
	u, err := d.user(user)
	if err != nil {
		return nil, err
	}
	c, err := d.channelFor(u, channel)
	if err != nil {
		return nil, err
	}
	m := d.messages[id]
	if m == nil || m.channel != c.id {
		return nil, fmt.Errorf("discord sandbox: no message %q in %q", id, channel)
	}
	if m.author != u.ID {
		return nil, fmt.Errorf("discord sandbox: message %q is not by %s", id, u.Name)
	}
	return m, nil
}

var (
	discordMention  = regexp.MustCompile(`<@!?(\d+)>`)
	discordEveryone = regexp.MustCompile(`@(everyone|here)\b`)
)

// mentioned lists the known users that text mentions, each once.
func (d *Discord) mentioned(text string) []string {
	var ids []string
	for _, f := range discordMention.FindAllStringSubmatch(text, -1) {
		if _, ok := d.world.User(f[1]); ok && !slices.Contains(ids, f[1]) {
			ids = append(ids, f[1])
		}
	}
	return ids
}
