package sandbox

import (
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf16"
)

// discordContentLimit is how long a bot's message may be, counted as the strictest
// reading of the documentation has it: in UTF-16 units.
const discordContentLimit = 2000

func discordLength(s string) int { return len(utf16.Encode([]rune(s))) }

// discordNonces is how many nonces are remembered before the old ones are looked for.
const discordNonces = 1000

// discordNonce is the message that a nonce was sent with.
type discordNonce struct {
	message string
	at      time.Time
}

// sentWith returns the message of a nonce that is still remembered.
func (d *Discord) sentWith(nonce string) *discordMessage {
	n, ok := d.nonces[nonce]
	if !ok || time.Since(n.at) > d.o.NonceWindow {
		return nil
	}
	return d.messages[n.message]
}

func (d *Discord) remember(nonce string, m *discordMessage) {
	if len(d.nonces) >= discordNonces {
		maps.DeleteFunc(d.nonces, func(_ string, n discordNonce) bool { return time.Since(n.at) > d.o.NonceWindow })
	}
	d.nonces[nonce] = discordNonce{message: m.id, at: m.at}
}

// discordDraft is the body of a send or an edit. A field that is absent is nil.
type discordDraft struct {
	Content         *string           `json:"content"`
	Embeds          json.RawMessage   `json:"embeds"`
	Components      json.RawMessage   `json:"components"`
	Flags           *int              `json:"flags"`
	Nonce           json.RawMessage   `json:"nonce"`
	EnforceNonce    bool              `json:"enforce_nonce"`
	AllowedMentions json.RawMessage   `json:"allowed_mentions"`
	Reference       *discordReference `json:"message_reference"`
}

type discordAllowed struct {
	Parse       []string `json:"parse"`
	Users       []string `json:"users"`
	RepliedUser *bool    `json:"replied_user"`
}

func discordNull(raw json.RawMessage) bool { return len(raw) == 0 || string(raw) == "null" }

func discordNonceText(raw json.RawMessage) string {
	if discordNull(raw) {
		return ""
	}
	return strings.Trim(string(raw), `"`)
}

// check finds what is wrong with a draft's own fields.
func (f *discordDraft) check() *discordAnswer {
	if f.Content != nil && discordLength(*f.Content) > discordContentLimit {
		return discordInvalid("content", "BASE_TYPE_MAX_LENGTH", "Must be 2000 or fewer in length.")
	}
	for field, raw := range map[string]json.RawMessage{"embeds": f.Embeds, "components": f.Components} {
		var list []json.RawMessage
		if !discordNull(raw) && json.Unmarshal(raw, &list) != nil {
			return discordInvalid(field, "LIST_TYPE_CONVERT", "Only iterables may be used in a ListType")
		}
		if limit := 10; len(list) > limit {
			return discordInvalid(field, "BASE_TYPE_MAX_LENGTH", "Must be 10 or fewer in length.")
		}
	}
	if n := discordNonceText(f.Nonce); !discordNull(f.Nonce) && len(n) > 25 {
		return discordInvalid("nonce", "BASE_TYPE_MAX_LENGTH", "Must be 25 or fewer in length.")
	}
	if discordNull(f.AllowedMentions) {
		return nil
	}
	var a discordAllowed
	if json.Unmarshal(f.AllowedMentions, &a) != nil {
		return discordInvalid("allowed_mentions", "MODEL_TYPE_CONVERT", "Only dictionaries may be used in a ModelType")
	}
	if slices.Contains(a.Parse, "users") && len(a.Users) > 0 {
		return discordInvalid("allowed_mentions", "MESSAGE_ALLOWED_MENTIONS_PARSE_EXCLUSIVE",
			`parse:["users"] and users: [ids...] are mutually exclusive.`)
	}
	return nil
}

// apply changes m to what the draft says, and works out whom it mentions.
func (d *Discord) apply(m *discordMessage, f *discordDraft) {
	if f.Content != nil {
		m.content = strings.TrimSpace(*f.Content)
	}
	list := func(old, raw json.RawMessage) json.RawMessage {
		if raw == nil {
			return old
		}
		if text := string(raw); text == "null" || text == "[]" {
			return nil
		}
		return slices.Clone(raw)
	}
	m.embeds = list(m.embeds, f.Embeds)
	m.components = list(m.components, f.Components)
	m.allowed = slices.Clone(f.AllowedMentions)

	allowed := discordAllowed{Parse: []string{"users", "roles", "everyone"}}
	replied := true
	if !discordNull(f.AllowedMentions) {
		allowed = discordAllowed{}
		_ = json.Unmarshal(f.AllowedMentions, &allowed) // checked
		replied = allowed.RepliedUser != nil && *allowed.RepliedUser
	}
	m.mentions = slices.DeleteFunc(d.mentioned(m.content), func(id string) bool {
		return !slices.Contains(allowed.Parse, "users") && !slices.Contains(allowed.Users, id)
	})
	m.everyone = slices.Contains(allowed.Parse, "everyone") && discordEveryone.MatchString(m.content)
	if m.kind == discordReply && m.reference != nil && replied {
		r := d.messages[m.reference.MessageID]
		if r != nil && r.author != d.o.BotID && !slices.Contains(m.mentions, r.author) {
			m.mentions = append(m.mentions, r.author)
		}
	}
}

func (m *discordMessage) empty() bool {
	return m.content == "" && m.embeds == nil && m.components == nil && len(m.attachments) == 0
}

func discordEmpty() *discordAnswer {
	return discordFail(http.StatusBadRequest, 50006, "Cannot send an empty message")
}

// channelOf is the channel of a call, if the bot may see it. The caller holds mu.
func (d *Discord) channelOf(call *discordCall) (*discordChannel, *discordAnswer) {
	c := d.channels[call.PathValue("channel")]
	if c == nil {
		return nil, discordUnknownChannel()
	}
	if c.hidden {
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
	if c.locked {
		return discordFail(http.StatusForbidden, 160005, "Thread is locked")
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
		m.flags = *f.Flags & (discordSuppressEmbeds | 1<<12)
	}
	if f.Reference != nil {
		m.kind = discordReply
		r := d.messages[f.Reference.MessageID]
		switch {
		case r != nil && r.channel == c.id:
			m.reference.ChannelID, m.reference.GuildID = c.id, d.guildOf(c)
		case f.Reference.FailIfNotExists != nil && !*f.Reference.FailIfNotExists:
			m.kind, m.reference = discordPlain, nil
		default:
			return discordInvalid("message_reference", "REPLIES_UNKNOWN_MESSAGE", "Unknown message")
		}
	}
	for i := range call.files {
		call.files[i].ID = d.newID()
	}
	m.attachments = call.files
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
	return d.edit(m, &f)
}

// edit is the last part of every way to edit a message of the bot.
func (d *Discord) edit(m *discordMessage, f *discordDraft) *discordAnswer {
	if c := d.channels[m.channel]; c == nil {
		return discordUnknownChannel()
	} else if c.archived {
		return discordFail(http.StatusBadRequest, 50083, "Thread is archived")
	}
	if fail := f.check(); fail != nil {
		return fail
	}
	next := *m
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
		return discordFail(http.StatusForbidden, 50013, "Missing Permissions")
	}
	d.remove(m)
	return discordNothing()
}

func (d *Discord) getMessage(call *discordCall) *discordAnswer {
	m, fail := d.messageOf(call)
	if fail != nil {
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
