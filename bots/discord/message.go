package discord

import (
	"context"
	"errors"
	"hash/crc32"
	"slices"
	"strings"
	"time"

	"bobbin/agent"
	"bobbin/bots"
)

// Types of messages that people write, and of answers to their commands.
const (
	messageDefault = 0
	messageReply   = 19
	messageCommand = 20
	messageMenu    = 23
)

// user is an account.
type user struct {
	ID         string  `json:"id"`
	Username   string  `json:"username"`
	GlobalName *string `json:"global_name"`
	Bot        bool    `json:"bot"`
	System     bool    `json:"system"`
	Member     *member `json:"member"` // in a message's mentions
}

// member is an account in a guild.
type member struct {
	Nick *string `json:"nick"`
	User *user   `json:"user"` // absent in a message
}

// message is a message as the gateway and REST give it. Only what bobbin reads is
// decoded, so that no new kind of component or embed can make a message unreadable.
type message struct {
	ID           string   `json:"id"`
	ChannelID    string   `json:"channel_id"`
	GuildID      string   `json:"guild_id"`
	Type         int      `json:"type"`
	Content      string   `json:"content"`
	Author       *user    `json:"author"`
	Member       *member  `json:"member"`
	WebhookID    string   `json:"webhook_id"`
	Mentions     []*user  `json:"mentions"`
	MentionRoles []string `json:"mention_roles"`
	Nonce        nonce    `json:"nonce"`
	Referenced   *message `json:"referenced_message"`
	Reference    *struct {
		MessageID string `json:"message_id"`
	} `json:"message_reference"`
	Flags       int          `json:"flags"`
	Attachments []attachment `json:"attachments"`

	Snapshots []struct { // of messages that were forwarded
		Message *message `json:"message"`
	} `json:"message_snapshots"`
	Edited *string `json:"edited_timestamp"`

	heeded  bool // concerns bobbin, whatever it says
	changed bool // is not new: it was edited
	aside   bool // Author is not who wrote it

	late bool      // read by a catch-up
	last bool      // the last catch-up that tries
	done chan bool // of a catch-up: whether it was taken in
}

// nonce is a string or a number.
type nonce string

// UnmarshalJSON implements json.Unmarshaler.
func (n *nonce) UnmarshalJSON(b []byte) error {
	if s := strings.Trim(string(b), `"`); s != "null" {
		*n = nonce(s)
	}
	return nil
}

// wanted decides, without asking anyone, whether m may concern bobbin. What does not
// is counted.
func (d *Discord) wanted(m *message) bool {
	why := ""
	switch self := d.self(); {
	case !validID(m.ID), !validID(m.ChannelID), m.GuildID != "" && !validID(m.GuildID),
		m.WebhookID == "" && (m.Author == nil || !validID(m.Author.ID)), self == "":
		why = ignoredMalformed
	case m.Author != nil && m.Author.ID == self:
		if m.Nonce != "" {
			d.own(place{m.ChannelID, m.ID}, string(m.Nonce))
		}
		why = ignoredOwn
	case m.WebhookID != "" || m.Author.Bot:
		why = ignoredBot
	case m.Type != messageDefault && m.Type != messageReply, m.Author.System:
		why = ignoredSystem
	case m.GuildID == "" || d.addressed(m):
		return true
	case strings.TrimSpace(m.Content) == "" && len(m.Attachments) == 0 && len(m.Snapshots) == 0:
		why = ignoredEmpty
	default:
		if c, ok := d.channels.get(m.ChannelID); ok && !c.isThread() {
			why = ignoredUnaimed
		}
	}
	if why == "" {
		return true
	}
	d.counts.add(why)
	return false
}

// addressed reports whether m mentions bobbin or answers one of its messages.
func (d *Discord) addressed(m *message) bool {
	self := d.self()
	if m.Type == messageReply && m.Referenced != nil && m.Referenced.Author != nil && m.Referenced.Author.ID == self {
		return true
	}
	if slices.ContainsFunc(m.Mentions, func(u *user) bool { return u != nil && u.ID == self }) {
		return true
	}
	role, ok := d.roles.get(m.GuildID)
	return ok && slices.Contains(m.MentionRoles, role)
}

// message hands a message to accept.
func (in *intake) message(ctx context.Context, m message) {
	// A panic would come again: what panics is done with.
	over := true
	defer func() {
		if over {
			in.ledger.settled(m.ID)
		}
		if m.done != nil {
			m.done <- over
		}
	}()
	if a, ok := in.d.taken.get(m.ID); ok && (a.late || m.late) {
		return
	}
	in.met(ctx, &m)
	e, ok, err := in.d.event(ctx, &m)
	if err == nil {
		if !ok {
			return
		}
		if m.late {
			e.Late = true
			h := parseHook(e.Target.Hook)
			h.Late = true
			e.Target.Hook = h.encode()
		}
		if err = in.submit(ctx, e); err == nil {
			in.d.taken.put(m.ID, accepted{late: m.late, direct: e.Direct, target: e.Target, author: e.Author})
			return
		}
	}
	over = in.unaccepted(ctx, &m, err)
}

// unaccepted deals with a message that could not be taken in. It reports whether that
// is the end of it: its author knows, or there is no other try.
func (in *intake) unaccepted(ctx context.Context, m *message, err error) (over bool) {
	in.d.counts.add(ignoredUnaccepted)
	in.d.log.ErrorContext(ctx, "a message could not be taken in", "message", m.ID, "channel", m.ChannelID, "err", err)
	if m.late && !m.last {
		return false
	}
	addressed := m.GuildID == "" || in.d.addressed(m)
	if addressed {
		err := in.d.respond(ctx, m, agent.Explain(err))
		if err == nil {
			return true
		}
		in.d.log.ErrorContext(ctx, "the apology could not be posted", "message", m.ID, "err", err)
	}
	if m.last || !in.d.catchesUp() {
		return true
	}
	in.left()
	return false
}

// submit offers e to accept until it is taken. Discord would not deliver it again.
func (in *intake) submit(ctx context.Context, e bots.Event) error {
	var err error
	for _, pause := range []time.Duration{250 * time.Millisecond, time.Second, 0} {
		if err = in.accept(ctx, e); err == nil || pause == 0 {
			break
		}
		in.d.log.WarnContext(ctx, "an event was not accepted", "event", e.EventID, "err", err)
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return err
		}
	}
	return err
}

// event turns m into an Event. It reports false if m does not concern bobbin.
func (d *Discord) event(ctx context.Context, m *message) (bots.Event, bool, error) {
	e := bots.Event{
		EventID:   m.ID,
		MessageID: place{m.ChannelID, m.ID}.id(),
		Author:    agent.Author{ID: m.Author.ID, Name: name(m.Author, m.Member)},
		Direct:    m.GuildID == "",
		Addressed: m.GuildID == "" || d.addressed(m),
		Text:      d.text(m),
		Files:     m.files(),
		Subject:   d.pointsAt(m),
		Sent:      sent(m.ID),
		SendFile:  func(ctx context.Context, f bots.Upload) error { return d.handOver(ctx, m, f) },
		Respond:   func(ctx context.Context, markdown string) error { return d.respond(ctx, m, markdown) },
	}
	e.Target = agent.Target{
		Address:   agent.Address{Platform: Name, Workspace: m.GuildID, Channel: m.ChannelID},
		ReplyTo:   e.MessageID,
		Recipient: m.Author.ID,
	}
	if e.Direct {
		return e, true, nil
	}
	c, err := d.channel(ctx, m.ChannelID)
	if err != nil && !refused(err) {
		return bots.Event{}, false, err
	}
	// A channel that may not be looked up is taken for one without threads.
	if err != nil {
		c = channel{ID: m.ChannelID, Type: -1}
	}
	if c.isThread() {
		e.Target.Channel, e.Target.Thread = c.parent(), m.ChannelID
		e.Reply = d.goesOn(m, place{c.parent(), m.ChannelID})
		return e, true, nil
	}
	if !e.Addressed && !m.heeded {
		d.counts.add(ignoredUnaimed)
		return bots.Event{}, false, nil
	}
	branch := e.Target
	branch.Thread, branch.Hook = m.ID, hook{Title: title(e.Text, e.Author.Name)}.encode()
	if e.Reply = d.goesOn(m, place{}); e.Reply != nil {
		e.Reply.Branch = &branch
	}
	if e.Target.Address = d.inChannel(e.Target.Address, c, m.ID, m.Author.ID); e.Target.Thread != "" {
		e.Target.Hook = branch.Hook
	}
	if !c.canThread() && d.opts.Threads == Always && d.scope(m.ChannelID).Threads() {
		if m.changed {
			return bots.Event{}, false, nil
		}
		d.counts.add(ignoredUnaimed)
		return bots.Event{}, false, d.respond(ctx, m, "I only answer in threads here, and this channel has none. Please ask me in a text channel.")
	}
	return e, true, nil
}

// Where the numbers of notes begin that are no answers to a message.
const (
	asideKey = 500
	forkKey  = 900
	fileKey  = 1000
)

// respond answers m beside the conversation. The reference to m is also what tells a
// later catch-up that m was seen to.
func (d *Discord) respond(ctx context.Context, m *message, markdown string) error {
	var errs []error
	for i, page := range d.Render(markdown) {
		p := newPost(page)
		p.Nonce, p.Enforce = noteKey(m.ID, i), true
		if m.aside { // not a word to the one who wrote it
			p.Nonce, p.Mentions.RepliedUser = noteKey(m.ID, asideKey+i), false
		}
		if i == 0 {
			p.Reference = &reference{MessageID: m.ID}
		}
		errs = append(errs, d.patiently(ctx, func(ctx context.Context) error {
			_, err := d.send(ctx, m.ChannelID, p)
			return err
		}))
	}
	return errors.Join(errs...)
}

// handOver gives the author of m a file, in an answer to m. Its name is part of what it
// is known by, so that several can be given.
func (d *Discord) handOver(ctx context.Context, m *message, f bots.Upload) error {
	sum := crc32.ChecksumIEEE([]byte(f.Name))
	p := post{Mentions: quiet(), Reference: &reference{MessageID: m.ID}, Nonce: noteKey(m.ID, fileKey+int(sum%1000)), Enforce: true}
	return d.patiently(ctx, func(ctx context.Context) error {
		_, err := d.send(ctx, m.ChannelID, p, f)
		return err
	})
}

// name is what people see as the author's name.
func name(u *user, in *member) string {
	switch {
	case in != nil && in.Nick != nil && *in.Nick != "":
		return *in.Nick
	case u.GlobalName != nil && *u.GlobalName != "":
		return *u.GlobalName
	}
	return u.Username
}
