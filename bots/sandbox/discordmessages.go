package sandbox

import (
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// channelOf is the channel of a call, if the bot may see it. The caller holds mu.
func (d *Discord) channelOf(call *discordCall) (*discordChannel, *discordAnswer) {
	c := d.channels[call.PathValue("channel")]
	if c == nil {
		return nil, discordUnknownChannel()
	}
	if d.hides(c) {
		return nil, discordFail(http.StatusForbidden, 50001, "Missing Access")
	}
	return c, nil
}

func (d *Discord) messageOf(call *discordCall) (*discordMessage, *discordAnswer) {
	c, fail := d.channelOf(call)
	if fail != nil {
		return nil, fail
	}
	m := d.messages[call.PathValue("message")]
	if m == nil || m.channel != c.id || m.flags&discordEphemeral != 0 {
		return nil, discordUnknownMessage()
	}
	return m, nil
}

// restContent says whether the REST API shows the bot everybody's content.
func (d *Discord) restContent() bool { return d.o.ForbiddenIntents&discordIntentContent == 0 }

func (d *Discord) postMessage(call *discordCall) *discordAnswer {
	c, fail := d.channelOf(call)
	if fail != nil {
		return fail
	}
	var f discordDraft
	if fail := call.into(&f); fail != nil {
		return fail
	}
	if fail := f.check(); fail != nil {
		return fail
	}
	if fail := d.mayPost(c, call, &f); fail != nil {
		return fail
	}
	nonce := discordNonceText(f.Nonce)
	if f.EnforceNonce && nonce != "" {
		if m := d.sentWith(nonce); m != nil {
			return discordOK(d.wirePosted(m))
		}
	}
	m := &discordMessage{channel: c.id, author: d.o.BotID, at: time.Now(), reference: f.Reference}
	if !discordNull(f.Nonce) {
		m.nonce = slices.Clone(f.Nonce)
	}
	if f.Flags != nil {
		m.flags = *f.Flags & (discordSuppressEmbeds | discordSilent)
	}
	if fail := d.refer(m, c, f.Reference); fail != nil {
		return fail
	}
	if m.attachments, fail = d.attach(call, nil, f.Attachments); fail != nil {
		return fail
	}
	d.apply(m, &f)
	if m.empty() {
		return discordEmpty()
	}
	m.id = d.newID()
	d.add(m)
	if nonce != "" {
		d.remember(nonce, m)
	}
	return discordOK(d.wirePosted(m))
}

// mayPost says why the bot may not post a draft in a channel.
func (d *Discord) mayPost(c *discordChannel, call *discordCall, f *discordDraft) *discordAnswer {
	if c.kind == discordForum {
		return discordFail(http.StatusBadRequest, 50008, "Cannot send messages in a non-text channel")
	}
	need := c.writing()
	if !discordNull(f.Embeds) {
		need |= DiscordEmbedLinks
	}
	if len(call.files) > 0 {
		need |= DiscordAttachFiles
	}
	if fail := d.lacks(c, need); fail != nil {
		return fail
	}
	if c.locked && d.may(c)&DiscordManageThreads == 0 {
		return discordFail(http.StatusForbidden, 160005, "Thread is locked")
	}
	return nil
}

// refer makes m a reply to what the reference names.
func (d *Discord) refer(m *discordMessage, c *discordChannel, to *discordReference) *discordAnswer {
	if to == nil {
		return nil
	}
	if d.may(c)&DiscordReadMessageHistory == 0 {
		return discordFail(http.StatusBadRequest, 160002, "Cannot reply without permission to read message history")
	}
	m.kind = discordReply
	r := d.messages[to.MessageID]
	switch {
	case r != nil && r.channel == c.id && r.flags&discordEphemeral == 0:
		m.reference.ChannelID, m.reference.GuildID = c.id, d.guildOf(c)
	case to.FailIfNotExists != nil && !*to.FailIfNotExists:
		m.kind, m.reference = discordPlain, nil
	default:
		return discordInvalid("message_reference", "REPLIES_UNKNOWN_MESSAGE", "Unknown message")
	}
	return nil
}

// wirePosted is m as the answer to its post: only that one, and the event, carry the nonce.
func (d *Discord) wirePosted(m *discordMessage) discordWire {
	w := d.wireMessage(m, true)
	if m.nonce != nil {
		w["nonce"] = m.nonce
	}
	return w
}

func (d *Discord) patchMessage(call *discordCall) *discordAnswer {
	m, fail := d.messageOf(call)
	if fail != nil {
		return fail
	}
	var f discordDraft
	if fail := call.into(&f); fail != nil {
		return fail
	}
	if m.author != d.o.BotID {
		return discordFail(http.StatusForbidden, 50005, "Cannot edit a message authored by another user")
	}
	if fail := d.oldEdit(m, call); fail != nil {
		return fail
	}
	return d.edit(call, m, &f)
}

// edit is the last part of every way to edit a message of the bot.
func (d *Discord) edit(call *discordCall, m *discordMessage, f *discordDraft) *discordAnswer {
	if c := d.channels[m.channel]; c == nil {
		return discordUnknownChannel()
	} else if c.archived {
		return discordFail(http.StatusBadRequest, 50083, "Thread is archived")
	}
	if fail := f.check(); fail != nil {
		return fail
	}
	next := *m
	var fail *discordAnswer
	if next.attachments, fail = d.attach(call, m.attachments, f.Attachments); fail != nil {
		return fail
	}
	d.apply(&next, f)
	if next.empty() {
		return discordEmpty()
	}
	if f.Flags != nil {
		next.flags = next.flags&^discordSuppressEmbeds | *f.Flags&discordSuppressEmbeds
	}
	if next.flags&discordLoading == 0 {
		next.edited = time.Now()
	}
	next.flags &^= discordLoading
	*m = next
	d.changed(m)
	return discordOK(d.wireMessage(m, true))
}

func (d *Discord) deleteMessage(call *discordCall) *discordAnswer {
	m, fail := d.messageOf(call)
	if fail != nil {
		return fail
	}
	if m.author != d.o.BotID {
		if fail := d.lacks(d.channels[m.channel], DiscordManageMessages); fail != nil {
			return fail
		}
	}
	d.remove(m)
	return discordNothing()
}

func (d *Discord) getMessage(call *discordCall) *discordAnswer {
	m, fail := d.messageOf(call)
	if fail != nil {
		return fail
	}
	if fail := d.lacks(d.channels[m.channel], DiscordReadMessageHistory); fail != nil {
		return fail
	}
	return discordOK(d.wireMessage(m, d.restContent()))
}

// getMessages answers newest first, also for after, of which it gives the oldest ones.
func (d *Discord) getMessages(call *discordCall) *discordAnswer {
	c, fail := d.channelOf(call)
	if fail != nil {
		return fail
	}
	q := call.URL.Query()
	limit := 50
	if v := q.Get("limit"); v != "" {
		n, err := strconv.Atoi(v)
		if err != nil || n < 1 || n > 100 {
			return discordInvalid("limit", "NUMBER_TYPE_MAX", "int value should be between 1 and 100.")
		}
		limit = n
	}
	ids := c.messages
	before, after := q.Get("before"), q.Get("after")
	for field, v := range map[string]string{"before": before, "after": after} {
		if _, err := strconv.ParseInt(v, 10, 64); v != "" && err != nil {
			return discordInvalid(field, "NUMBER_TYPE_COERCE", "Value is not snowflake.")
		}
	}
	switch {
	case before != "":
		n, _ := slices.BinarySearchFunc(ids, before, discordCompare)
		ids = ids[:n]
		ids = ids[max(len(ids)-limit, 0):]
	case after != "":
		n, found := slices.BinarySearchFunc(ids, after, discordCompare)
		if found {
			n++
		}
		ids = ids[n:]
		ids = ids[:min(limit, len(ids))]
	default:
		ids = ids[max(len(ids)-limit, 0):]
	}
	list := []any{}
	if d.may(c)&DiscordReadMessageHistory == 0 {
		return discordOK(list) // as documented: nothing, not an error
	}
	for _, id := range slices.Backward(ids) {
		list = append(list, d.wireMessage(d.messages[id], d.restContent()))
	}
	return discordOK(list)
}

// discordCompare orders snowflakes. Those of any age have no leading zeros.
func discordCompare(a, b string) int {
	if len(a) != len(b) {
		return len(a) - len(b)
	}
	return strings.Compare(a, b)
}

func (d *Discord) postTyping(call *discordCall) *discordAnswer {
	c, fail := d.channelOf(call)
	if fail != nil {
		return fail
	}
	if fail := d.lacks(c, c.writing()); fail != nil {
		return fail
	}
	d.world.ShowTyping(c.id, "", "")
	return discordNothing()
}

// Raw is a message as the REST API gives it to a bot that may read everything.
func (d *Discord) Raw(id string) (message json.RawMessage, ok bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	m := d.messages[id]
	if m == nil {
		return nil, false
	}
	return discordJSON(d.wirePosted(m)), true
}

// AllowedMentions is what the last send or edit of a message of the bot gave as its
// allowed_mentions; nil when it gave none.
func (d *Discord) AllowedMentions(id string) json.RawMessage {
	d.mu.Lock()
	defer d.mu.Unlock()
	if m := d.messages[id]; m != nil {
		return m.allowed
	}
	return nil
}

// Pinged lists the users whom a message tells of itself, and "everyone" if it tells all.
func (d *Discord) Pinged(id string) []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	m := d.messages[id]
	if m == nil {
		return nil
	}
	pinged := slices.Clone(m.mentions)
	if m.everyone {
		pinged = append(pinged, "everyone")
	}
	return pinged
}
