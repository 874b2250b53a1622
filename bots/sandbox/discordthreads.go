package sandbox

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// discordArchiveAfter are the minutes of silence after which a thread can be archived.
var discordArchiveAfter = []int{60, 1440, 4320, 10080}

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
	if fail := d.lacks(c, DiscordCreatePublicThreads); fail != nil {
		return fail
	}
	if c.kind != discordText {
		return discordFail(http.StatusBadRequest, 50024, "Cannot execute action on this channel type")
	}
	if n := utf8.RuneCountInString(body.Name); n < 1 || n > 100 {
		return discordInvalid("name", "BASE_TYPE_BAD_LENGTH", "Must be between 1 and 100 in length.")
	}
	if body.Archive != 0 && !slices.Contains(discordArchiveAfter, body.Archive) {
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
	t := &discordChannel{
		kind: discordThread, name: name, parent: c.id, owner: owner, archive: archive, members: []string{owner}, since: time.Now(),
	}
	if m != nil {
		t.id = m.id
	} else {
		t.id = d.newID()
	}
	d.addChannel(t)
	w := d.wireChannel(t)
	w["newly_created"] = true
	if !d.hides(c) {
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
	if archived != c.archived {
		c.since = time.Now()
	}
	c.archived, c.locked = archived, locked
	d.threadChanged(c)
	return nil
}

func (d *Discord) threadChanged(t *discordChannel) {
	if !d.hides(t) {
		d.emit("THREAD_UPDATE", discordIntentGuilds, d.o.GuildID, d.wireChannel(t))
	}
}

// joinThread makes somebody a member of a thread, as writing in it or being mentioned
// there does.
func (d *Discord) joinThread(t *discordChannel, user string) {
	if slices.Contains(t.members, user) {
		return
	}
	t.members = append(t.members, user)
	d.membersChanged(t, user, true)
}

func (d *Discord) membersChanged(t *discordChannel, user string, joined bool) {
	intent := discordIntentMembers
	if user == d.o.BotID {
		intent = discordIntentGuilds // of itself a bot is always told
	}
	w := discordWire{"id": t.id, "guild_id": d.o.GuildID, "member_count": len(t.members)}
	if joined {
		w["added_members"] = []any{d.wireThreadMember(t, user)}
	} else {
		w["removed_member_ids"] = []string{user}
	}
	if !d.hides(t) {
		d.emit("THREAD_MEMBERS_UPDATE", intent, d.o.GuildID, w)
	}
}

func (d *Discord) wireThreadMember(t *discordChannel, user string) discordWire {
	return discordWire{"id": t.id, "user_id": user, "join_timestamp": discordTime(t.since), "flags": 0}
}

// threadOf is the thread of a call.
func (d *Discord) threadOf(call *discordCall) (*discordChannel, *discordAnswer) {
	c, fail := d.channelOf(call)
	if fail == nil && c.kind != discordThread {
		fail = discordFail(http.StatusBadRequest, 50024, "Cannot execute action on this channel type")
	}
	return c, fail
}

// patchChannel changes a thread. What else a channel has needs permissions that the
// bot never gets here.
func (d *Discord) patchChannel(call *discordCall) *discordAnswer {
	var body struct {
		Name     *string `json:"name"`
		Archived *bool   `json:"archived"`
		Locked   *bool   `json:"locked"`
		Archive  *int    `json:"auto_archive_duration"`
	}
	if fail := call.into(&body); fail != nil {
		return fail
	}
	c, fail := d.channelOf(call)
	if fail != nil {
		return fail
	}
	if c.kind != discordThread {
		return discordFail(http.StatusForbidden, 50013, "Missing Permissions")
	}
	manages := d.may(c)&DiscordManageThreads != 0
	opens := body.Archived != nil && !*body.Archived
	switch {
	case body.Name != nil && (*body.Name == "" || utf8.RuneCountInString(*body.Name) > 100):
		return discordInvalid("name", "BASE_TYPE_BAD_LENGTH", "Must be between 1 and 100 in length.")
	case body.Archive != nil && !slices.Contains(discordArchiveAfter, *body.Archive):
		return discordInvalid("auto_archive_duration", "BASE_TYPE_CHOICES", "Value must be one of {60, 1440, 4320, 10080}.")
	case c.archived && !opens:
		return discordFail(http.StatusBadRequest, 50083, "Thread is archived")
	case body.Locked != nil && !manages, c.locked && !manages, c.owner != d.o.BotID && !manages && (!opens || body.Name != nil || body.Archive != nil):
		return discordFail(http.StatusForbidden, 50013, "Missing Permissions")
	}
	if body.Name != nil {
		c.name = *body.Name
	}
	if body.Archive != nil {
		c.archive = *body.Archive
	}
	if body.Locked != nil {
		c.locked = *body.Locked
	}
	if body.Archived != nil && *body.Archived != c.archived {
		c.archived, c.since = *body.Archived, time.Now()
	}
	d.threadChanged(c)
	return discordOK(d.wireChannel(c))
}

func (d *Discord) getThreadMembers(call *discordCall) *discordAnswer {
	t, fail := d.threadOf(call)
	if fail != nil {
		return fail
	}
	list := []any{}
	for _, id := range t.members {
		list = append(list, d.wireThreadMember(t, id))
	}
	return discordOK(list)
}

func (d *Discord) putThreadMember(call *discordCall) *discordAnswer {
	return d.threadMember(call, func(t *discordChannel, user string) { d.joinThread(t, user) })
}

func (d *Discord) deleteThreadMember(call *discordCall) *discordAnswer {
	return d.threadMember(call, d.leaveThread)
}

func (d *Discord) threadMember(call *discordCall, change func(*discordChannel, string)) *discordAnswer {
	t, fail := d.threadOf(call)
	if fail != nil {
		return fail
	}
	if t.archived {
		return discordFail(http.StatusBadRequest, 50083, "Thread is archived")
	}
	user := call.PathValue("user")
	if user == "@me" {
		user = d.o.BotID
	}
	if _, ok := d.world.User(user); !ok {
		return discordFail(http.StatusNotFound, 10013, "Unknown User")
	}
	if fail := d.lacks(t, DiscordSendInThreads); fail != nil && user != d.o.BotID {
		return fail
	}
	change(t, user)
	return discordNothing()
}

func (d *Discord) leaveThread(t *discordChannel, user string) {
	if i := slices.Index(t.members, user); i >= 0 {
		t.members = slices.Delete(t.members, i, i+1)
		d.membersChanged(t, user, false)
	}
}

// AddToThread makes somebody, the bot included, a member of a thread.
func (d *Discord) AddToThread(thread, user string) error {
	return d.changeThread(thread, user, d.joinThread)
}

// RemoveFromThread is how somebody leaves a thread, or is thrown out of it.
func (d *Discord) RemoveFromThread(thread, user string) error {
	return d.changeThread(thread, user, d.leaveThread)
}

func (d *Discord) changeThread(thread, user string, change func(*discordChannel, string)) error {
	u, err := d.user(user)
	if err != nil {
		return err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	t, err := d.channel(thread)
	if err != nil {
		return err
	}
	if t.kind != discordThread {
		return fmt.Errorf("discord sandbox: %q is no thread", thread)
	}
	change(t, u.ID)
	return nil
}

// AddForum adds a forum to the guild, in which every conversation is a thread, and
// returns its id.
func (d *Discord) AddForum(name string) (id string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	c := &discordChannel{id: d.newID(), kind: discordForum, name: name}
	d.addChannel(c)
	d.emit("CHANNEL_CREATE", discordIntentGuilds, d.o.GuildID, d.wireChannel(c))
	return c.id
}

// StartPost lets a user open a thread in a forum with its first message, which has the
// thread's id.
func (d *Discord) StartPost(user, forum, title, text string) (id string, err error) {
	u, err := d.user(user)
	if err != nil {
		return "", err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	c, err := d.channelFor(u, forum)
	if err != nil {
		return "", err
	}
	n := utf8.RuneCountInString(title)
	switch {
	case c.kind != discordForum:
		return "", fmt.Errorf("discord sandbox: %q is no forum", forum)
	case n < 1 || n > 100:
		return "", fmt.Errorf("discord sandbox: a post's title has 1 to 100 characters, not %d", n)
	case strings.TrimSpace(text) == "" || discordLength(text) > discordUserLimit:
		return "", fmt.Errorf("discord sandbox: a post has 1 to %d characters", discordUserLimit)
	}
	t := &discordChannel{
		id: d.newID(), kind: discordThread, name: title, parent: c.id, owner: u.ID, archive: 4320, members: []string{u.ID}, since: time.Now(),
	}
	d.addChannel(t)
	w := d.wireChannel(t)
	w["newly_created"] = true
	if !d.hides(c) {
		d.emit("THREAD_CREATE", discordIntentGuilds, d.o.GuildID, w)
	}
	d.add(&discordMessage{
		id: t.id, channel: t.id, author: u.ID, content: text, at: time.Now(),
		mentions: d.mentioned(text), everyone: discordEveryone.MatchString(text),
	})
	return t.id, nil
}
