package sandbox

import (
	"encoding/json"
	"slices"
	"strings"
	"time"
)

// The kinds of channel that the stand-in has.
const (
	discordText   = 0
	discordDM     = 1
	discordThread = 11
	discordForum  = 15
)

// The kinds of message, as far as they occur here.
const (
	discordPlain         = 0
	discordJoined        = 7
	discordThreadCreated = 18
	discordReply         = 19
	discordCommandAnswer = 20
	discordThreadStarter = 21
	discordMenuAnswer    = 23
)

// Flags of messages.
const (
	discordSuppressEmbeds = 1 << 2
	discordHasThread      = 1 << 5
	discordEphemeral      = 1 << 6
	discordLoading        = 1 << 7
	discordSilent         = 1 << 12
)

type discordChannel struct {
	id       string
	kind     int
	name     string
	parent   string // of a thread
	owner    string // of a thread: who started it
	user     string // of a DM: the person
	archive  int    // of a thread: minutes of silence until it is archived
	archived bool
	locked   bool
	hidden   bool              // the bot may not see it
	members  []string          // of a thread
	messages []string          // ids, oldest first
	since    time.Time         // a thread's last archiving, or its start
	denied   DiscordPermission // to the bot
	allowed  DiscordPermission // to the bot, besides the usual ones
}

type discordMessage struct {
	id, channel string
	kind        int
	author      string
	content     string
	at          time.Time
	edited      time.Time
	flags       int
	embeds      json.RawMessage
	components  []*discordComponent
	attachments []discordAttachment
	reactions   []Reaction
	nonce       json.RawMessage
	reference   *discordReference
	allowed     json.RawMessage // allowed_mentions as they were sent
	mentions    []string        // ids of the users that are mentioned and told
	everyone    bool
	thread      string // the thread that was started from it
	interaction *discordInteraction
	dismissed   bool // the one who saw it has put it away
}

type discordReference struct {
	MessageID       string `json:"message_id"`
	ChannelID       string `json:"channel_id"`
	GuildID         string `json:"guild_id,omitempty"`
	FailIfNotExists *bool  `json:"fail_if_not_exists,omitempty"`
}

// discordWire is a JSON object on its way to the bot.
type discordWire = map[string]any

// addChannel makes c known to the bot and the people. The caller holds mu, or nobody
// else knows d yet.
func (d *Discord) addChannel(c *discordChannel) {
	d.channels[c.id] = c
	d.order = append(d.order, c.id)
	d.world.AddChannel(Channel{ID: c.id, Name: c.name, Direct: c.kind == discordDM, User: c.user, Parent: c.parent})
}

// guildOf is the guild of a channel; a DM has none.
func (d *Discord) guildOf(c *discordChannel) string {
	if c.kind == discordDM {
		return ""
	}
	return d.o.GuildID
}

func discordTime(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000000-07:00") }

func (d *Discord) wireUser(id string) discordWire {
	u, _ := d.world.User(id)
	w := discordWire{
		"id": id, "username": strings.ToLower(u.Name), "global_name": u.Name, "discriminator": "0",
		"avatar": nil, "public_flags": 0,
	}
	if u.Bot {
		w["bot"] = true
		w["global_name"] = nil
	}
	return w
}

func (d *Discord) wireMember() discordWire {
	return discordWire{
		"nick": nil, "avatar": nil, "roles": []string{}, "joined_at": discordTime(d.joined),
		"premium_since": nil, "deaf": false, "mute": false, "pending": false, "flags": 0,
		"communication_disabled_until": nil,
	}
}

func (d *Discord) wireChannel(c *discordChannel) discordWire {
	w := discordWire{"id": c.id, "type": c.kind, "last_message_id": nil, "flags": 0}
	if n := len(c.messages); n > 0 {
		w["last_message_id"] = c.messages[n-1]
	}
	switch c.kind {
	case discordDM:
		w["recipients"] = []any{d.wireUser(c.user)}
	case discordThread:
		w["name"] = c.name
		w["guild_id"] = d.o.GuildID
		w["parent_id"] = c.parent
		w["owner_id"] = c.owner
		w["message_count"] = len(c.messages)
		w["member_count"] = len(c.members)
		w["rate_limit_per_user"] = 0
		w["thread_metadata"] = discordWire{
			"archived": c.archived, "auto_archive_duration": c.archive, "locked": c.locked,
			"archive_timestamp": discordTime(c.since),
		}
	default:
		w["name"] = c.name
		w["guild_id"] = d.o.GuildID
		w["parent_id"] = nil
		w["topic"] = nil
		w["nsfw"] = false
		w["position"] = slices.Index(d.order, c.id)
		w["permission_overwrites"] = d.wireOverwrites(c)
		w["rate_limit_per_user"] = 0
	}
	return w
}

// wireMessage is the message as the REST API gives it. Without full the parts that
// the MESSAGE_CONTENT intent guards are empty, where they are guarded.
func (d *Discord) wireMessage(m *discordMessage, full bool) discordWire {
	return d.wireMessageTo(m, full, true)
}

func (d *Discord) wireMessageTo(m *discordMessage, full, withReference bool) discordWire {
	mentions := []any{}
	for _, id := range m.mentions {
		mentions = append(mentions, d.wireUser(id))
	}
	w := discordWire{
		"id": m.id, "channel_id": m.channel, "type": m.kind, "author": d.wireUser(m.author),
		"content": "", "timestamp": discordTime(m.at), "edited_timestamp": nil, "tts": false,
		"mention_everyone": m.everyone, "mentions": mentions, "mention_roles": []string{}, "pinned": false,
		"flags": m.flags, "attachments": []any{}, "embeds": []any{}, "components": []any{},
	}
	if !m.edited.IsZero() {
		w["edited_timestamp"] = discordTime(m.edited)
	}
	if full || d.openContent(m) {
		w["content"] = m.content
		if len(m.attachments) > 0 {
			files := make([]any, len(m.attachments))
			for i := range m.attachments {
				files[i] = d.wireAttachment(m, &m.attachments[i])
			}
			w["attachments"] = files
		}
		if m.embeds != nil {
			w["embeds"] = m.embeds
		}
		if m.components != nil {
			w["components"] = m.components
		}
	}
	if m.reference != nil {
		w["message_reference"] = discordWire{
			"type": 0, "message_id": m.reference.MessageID, "channel_id": m.reference.ChannelID,
			"guild_id": m.reference.GuildID,
		}
		if withReference {
			w["referenced_message"] = nil
			if r := d.messages[m.reference.MessageID]; r != nil {
				w["referenced_message"] = d.wireMessageTo(r, full, false)
			}
		}
	}
	if t := d.channels[m.thread]; t != nil {
		w["thread"] = d.wireChannel(t)
	}
	if i := m.interaction; i != nil {
		w["application_id"] = d.o.ApplicationID
		w["webhook_id"] = d.o.ApplicationID
		d.wireCause(w, i)
	}
	if len(m.reactions) > 0 {
		w["reactions"] = d.wireReactions(m)
	}
	return w
}

// openContent says whether the bot may read m without the MESSAGE_CONTENT intent:
// its own messages, those in DMs and those that mention it.
func (d *Discord) openContent(m *discordMessage) bool {
	c := d.channels[m.channel]
	return m.author == d.o.BotID || c == nil || c.kind == discordDM || slices.Contains(m.mentions, d.o.BotID)
}

// show gives the people what m is now.
func (d *Discord) show(m *discordMessage) {
	if m.dismissed {
		return
	}
	v := Message{
		ID: m.id, Channel: m.channel, User: m.author, Text: m.content, Key: discordNonceText(m.nonce), At: m.at,
		Pending: m.flags&discordLoading != 0,
	}
	if m.reference != nil && m.kind == discordReply {
		v.ReplyTo = m.reference.MessageID
	}
	if i := m.interaction; i != nil {
		if m.flags&discordEphemeral != 0 {
			v.OnlyFor = i.user
		}
		if i.kind == discordUsedCommand {
			v.UsedBy, v.Used = i.user, i.label()
		}
	}
	if len(m.components) > 0 {
		v.Components = string(discordJSON(m.components))
	}
	for i := range m.attachments {
		a := &m.attachments[i]
		v.Files = append(v.Files, File{ID: a.id, Name: a.name, Type: a.kind, Size: len(a.data), URL: filePath(m.channel, a)})
	}
	for _, r := range m.reactions {
		v.Reactions = append(v.Reactions, Reaction{Emoji: r.Emoji, Users: slices.Clone(r.Users)})
	}
	d.world.Put(v)
}

// add posts m: to its channel, to the people and to the bot. The caller holds mu.
func (d *Discord) add(m *discordMessage) {
	c := d.channels[m.channel]
	d.messages[m.id] = m
	if m.flags&discordEphemeral != 0 {
		d.show(m)
		return // neither in the history nor told to the bot
	}
	if c.archived && m.kind != discordThreadStarter {
		c.archived, c.since = false, time.Now()
		d.emit("THREAD_UPDATE", discordIntentGuilds, d.o.GuildID, d.wireChannel(c))
	}
	c.messages = append(c.messages, m.id)
	if m.kind != discordThreadStarter && m.kind != discordThreadCreated && m.kind != discordJoined {
		d.show(m)
	}
	if c.kind == discordThread {
		for _, id := range append([]string{m.author}, m.mentions...) {
			d.joinThread(c, id)
		}
	}
	d.emitMessage("MESSAGE_CREATE", m)
}

// changed shows an edit of m to the people and the bot. The caller holds mu.
func (d *Discord) changed(m *discordMessage) {
	d.show(m)
	if m.flags&discordEphemeral == 0 {
		d.emitMessage("MESSAGE_UPDATE", m)
	}
}

// forget deletes m. The caller holds mu.
func (d *Discord) forget(m *discordMessage) {
	delete(d.messages, m.id)
	d.world.Delete(m.channel, m.id)
	c := d.channels[m.channel]
	if c == nil {
		return
	}
	if i := slices.Index(c.messages, m.id); i >= 0 {
		c.messages = slices.Delete(c.messages, i, i+1)
	}
}

// remove deletes m and tells the bot. The caller holds mu.
func (d *Discord) remove(m *discordMessage) {
	d.forget(m)
	c := d.channels[m.channel]
	if c == nil || m.flags&discordEphemeral != 0 || d.hides(c) {
		return
	}
	w := discordWire{"id": m.id, "channel_id": m.channel}
	if g := d.guildOf(c); g != "" {
		w["guild_id"] = g
	}
	d.emit("MESSAGE_DELETE", d.messageIntent(c), d.guildOf(c), w)
}

func (d *Discord) messageIntent(c *discordChannel) int {
	if c.kind == discordDM {
		return discordIntentDMs
	}
	return discordIntentGuildMessages
}

// emitMessage tells the bot of m, each session as much as its intents allow.
func (d *Discord) emitMessage(event string, m *discordMessage) {
	c := d.channels[m.channel]
	if c == nil || d.hides(c) {
		return
	}
	d.emit(event, d.messageIntent(c), d.guildOf(c), func(s *discordSession) any {
		w := d.wireMessage(m, s.intents&discordIntentContent != 0)
		w["channel_type"] = c.kind
		if g := d.guildOf(c); g != "" {
			w["guild_id"] = g
			w["member"] = d.wireMember()
		}
		if event == "MESSAGE_CREATE" && m.nonce != nil {
			w["nonce"] = m.nonce
		}
		return w
	})
}
