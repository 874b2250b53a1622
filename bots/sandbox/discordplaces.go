package sandbox

import (
	"fmt"
	"net/http"
	"slices"
	"time"
	"unicode/utf8"
)

func (d *Discord) getGateway(call *discordCall) *discordAnswer {
	return discordOK(discordWire{"url": d.gatewayURL(call.Request)})
}

func (d *Discord) getGatewayBot(call *discordCall) *discordAnswer {
	return discordOK(discordWire{"url": d.gatewayURL(call.Request), "shards": 1, "session_start_limit": discordWire{
		"total": 1000, "remaining": max(0, 1000-d.identifies), "reset_after": 0, "max_concurrency": 1,
	}})
}

func (d *Discord) getUser(call *discordCall) *discordAnswer {
	id := call.PathValue("user")
	if id == "@me" {
		id = d.o.BotID
	}
	if _, ok := d.world.User(id); !ok {
		return discordFail(http.StatusNotFound, 10013, "Unknown User")
	}
	return discordOK(d.wireUser(id))
}

func (d *Discord) getApplication(*discordCall) *discordAnswer {
	return discordOK(discordWire{
		"id": d.o.ApplicationID, "name": d.o.BotName, "icon": nil, "description": "", "bot_public": false,
		"bot_require_code_grant": false, "verify_key": "", "flags": 1 << 19, "bot": d.wireUser(d.o.BotID),
	})
}

func (d *Discord) getGuilds(*discordCall) *discordAnswer {
	return discordOK([]any{discordWire{
		"id": d.o.GuildID, "name": d.o.GuildName, "icon": nil, "owner": false, "permissions": discordPermissions,
		"features": []any{},
	}})
}

func (d *Discord) guildFails(call *discordCall) *discordAnswer {
	if call.PathValue("guild") != d.o.GuildID {
		return discordFail(http.StatusNotFound, 10004, "Unknown Guild")
	}
	return nil
}

func (d *Discord) getGuild(call *discordCall) *discordAnswer {
	if fail := d.guildFails(call); fail != nil {
		return fail
	}
	return discordOK(d.wireGuild())
}

func (d *Discord) getGuildChannels(call *discordCall) *discordAnswer {
	if fail := d.guildFails(call); fail != nil {
		return fail
	}
	return discordOK(d.wireGuild()["channels"])
}

func (d *Discord) getActiveThreads(call *discordCall) *discordAnswer {
	if fail := d.guildFails(call); fail != nil {
		return fail
	}
	return discordOK(discordWire{"threads": d.wireGuild()["threads"], "members": []any{}})
}

func (d *Discord) getMember(call *discordCall) *discordAnswer {
	if fail := d.guildFails(call); fail != nil {
		return fail
	}
	id := call.PathValue("user")
	if _, ok := d.world.User(id); !ok {
		return discordFail(http.StatusNotFound, 10007, "Unknown Member")
	}
	w := d.wireMember()
	w["user"] = d.wireUser(id)
	return discordOK(w)
}

func (d *Discord) getChannel(call *discordCall) *discordAnswer {
	c, fail := d.channelOf(call)
	if fail != nil {
		return fail
	}
	return discordOK(d.wireChannel(c))
}

func (d *Discord) postDM(call *discordCall) *discordAnswer {
	var body struct {
		Recipient string `json:"recipient_id"`
	}
	if fail := call.into(&body); fail != nil {
		return fail
	}
	u, ok := d.world.User(body.Recipient)
	if !ok {
		return discordFail(http.StatusNotFound, 10013, "Unknown User")
	}
	if u.Bot {
		return discordFail(http.StatusForbidden, 50007, "Cannot send messages to this user")
	}
	return discordOK(d.wireChannel(d.openDM(u)))
}

// postThread starts a thread from a message, or without one.
func (d *Discord) postThread(call *discordCall) *discordAnswer {
	var body struct {
		Name    string `json:"name"`
		Archive int    `json:"auto_archive_duration"`
		Type    *int   `json:"type"`
	}
	if fail := call.into(&body); fail != nil {
		return fail
	}
	c, fail := d.channelOf(call)
	if fail != nil {
		return fail
	}
	if c.kind != discordText {
		return discordFail(http.StatusBadRequest, 50024, "Cannot execute action on this channel type")
	}
	if n := utf8.RuneCountInString(body.Name); n < 1 || n > 100 {
		return discordInvalid("name", "BASE_TYPE_BAD_LENGTH", "Must be between 1 and 100 in length.")
	}
	if body.Archive != 0 && !slices.Contains([]int{60, 1440, 4320, 10080}, body.Archive) {
		return discordInvalid("auto_archive_duration", "BASE_TYPE_CHOICES",
			"Value must be one of {60, 1440, 4320, 10080}.")
	}
	var m *discordMessage
	if call.PathValue("message") != "" {
		if m, fail = d.messageOf(call); fail != nil {
			return fail
		}
		if m.thread != "" || d.channels[m.id] != nil {
			return discordFail(http.StatusBadRequest, 160004, "A thread has already been created for this message")
		}
	}
	t := d.startThread(c, m, d.o.BotID, body.Name, body.Archive)
	return &discordAnswer{status: http.StatusCreated, body: d.wireChannel(t)}
}

// startThread opens a thread; one that grows from a message has that message's id.
// The caller holds mu.
func (d *Discord) startThread(c *discordChannel, m *discordMessage, owner, name string, archive int) *discordChannel {
	if archive == 0 {
		archive = 1440
	}
	t := &discordChannel{kind: discordThread, name: name, parent: c.id, owner: owner, archive: archive}
	if m != nil {
		t.id = m.id
	} else {
		t.id = d.newID()
	}
	d.addChannel(t)
	w := d.wireChannel(t)
	w["newly_created"] = true
	if !c.hidden {
		d.emit("THREAD_CREATE", discordIntentGuilds, d.o.GuildID, w)
	}
	where := &discordReference{ChannelID: t.id, GuildID: d.o.GuildID}
	if m == nil {
		d.add(&discordMessage{
			id: d.newID(), channel: c.id, kind: discordThreadCreated, author: owner, content: name,
			at: time.Now(), reference: where,
		})
		return t
	}
	m.thread = t.id
	m.flags |= discordHasThread
	d.emitMessage("MESSAGE_UPDATE", m)
	d.add(&discordMessage{
		id: d.newID(), channel: t.id, kind: discordThreadStarter, author: owner, at: time.Now(),
		reference: &discordReference{MessageID: m.id, ChannelID: c.id, GuildID: d.o.GuildID},
	})
	return t
}

// StartThread lets a user open a thread from a message, or for an empty messageID
// without one, and returns its id.
func (d *Discord) StartThread(user, channel, messageID, name string) (id string, err error) {
	u, err := d.user(user)
	if err != nil {
		return "", err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	c, err := d.channelFor(u, channel)
	if err != nil {
		return "", err
	}
	if c.kind != discordText {
		return "", fmt.Errorf("discord sandbox: no thread can be opened in %q", channel)
	}
	if n := utf8.RuneCountInString(name); n < 1 || n > 100 {
		return "", fmt.Errorf("discord sandbox: a thread's name has 1 to 100 characters, not %d", n)
	}
	var m *discordMessage
	if messageID != "" {
		if m = d.messages[messageID]; m == nil || m.channel != c.id {
			return "", fmt.Errorf("discord sandbox: no message %q in %q", messageID, channel)
		}
		if m.thread != "" {
			return "", fmt.Errorf("discord sandbox: message %q has a thread", messageID)
		}
	}
	return d.startThread(c, m, u.ID, name, 0).id, nil
}

// Archive puts a thread away, or takes it out again. Writing in it takes it out too,
// unless it is locked.
func (d *Discord) Archive(thread string, archived, locked bool) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	c, err := d.channel(thread)
	if err != nil {
		return err
	}
	if c.kind != discordThread {
		return fmt.Errorf("discord sandbox: %q is no thread", thread)
	}
	c.archived, c.locked = archived, locked
	d.emit("THREAD_UPDATE", discordIntentGuilds, d.o.GuildID, d.wireChannel(c))
	return nil
}
