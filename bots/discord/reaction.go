package discord

import (
	"context"
	"net/http"
	"strings"

	"bobbin/agent"
	"bobbin/bots"
)

var (
	_ bots.Marker   = (*Discord)(nil)
	_ bots.Referrer = (*Discord)(nil)
)

// reaction is somebody's emoji under a message.
type reaction struct {
	UserID    string  `json:"user_id"`
	ChannelID string  `json:"channel_id"`
	MessageID string  `json:"message_id"`
	GuildID   string  `json:"guild_id"`
	Member    *member `json:"member"` // in a server
	Emoji     struct {
		ID   string `json:"id"` // of a server's own emoji
		Name string `json:"name"`
	} `json:"emoji"`
}

// asks reports whether r is the reaction that asks bobbin. Some clients send an emoji
// with a selector that says how to draw it, others without.
func (d *Discord) asks(r *reaction) bool {
	const selector = "\ufe0f"
	want, name := strings.Trim(d.opts.Reaction, ":"), r.Emoji.Name
	return want != "" && strings.ReplaceAll(name, selector, "") == strings.ReplaceAll(want, selector, "")
}

// reacted takes a reaction. It is a question about the message that it is under.
func (in *intake) reacted(r reaction) {
	d := in.d
	switch {
	case !validID(r.UserID), !validID(r.ChannelID), !validID(r.MessageID), r.GuildID != "" && !validID(r.GuildID), d.self() == "":
		d.counts.add(ignoredMalformed)
	case r.UserID == d.self():
		d.counts.add(ignoredOwn)
	case r.Member != nil && r.Member.User != nil && r.Member.User.Bot:
		d.counts.add(ignoredBot)
	case !d.asks(&r):
		d.counts.add(ignoredUnaimed)
	default:
		offer(in, in.laneOf(r.ChannelID), func(ctx context.Context) {
			e, ok, err := d.pointed(ctx, &r)
			if err == nil && ok {
				err = in.submit(ctx, e)
			}
			if err != nil {
				d.counts.add(ignoredUnaccepted)
				d.log.ErrorContext(ctx, "a reaction could not be taken in", "message", r.MessageID, "channel", r.ChannelID, "err", err)
			}
		})
	}
}

// pointed is the event of a reaction. The answer stands where it would for the message.
func (d *Discord) pointed(ctx context.Context, r *reaction) (bots.Event, bool, error) {
	m, err := d.message(ctx, r.ChannelID, r.MessageID)
	if m == nil || err != nil {
		return bots.Event{}, false, err
	}
	m.ChannelID, m.GuildID = r.ChannelID, r.GuildID
	subject := d.quoted(m)
	by := user{ID: r.UserID}
	if r.Member != nil && r.Member.User != nil {
		by = *r.Member.User
	}
	m.Author, m.Member, m.heeded, m.aside = &by, r.Member, true, true
	e, ok, err := d.event(ctx, m)
	if err != nil || !ok {
		return e, false, err
	}
	// Its own id, so that one person asks once, however often they react.
	at := place{r.ChannelID, r.MessageID + "-" + r.UserID}
	e.EventID, e.MessageID = "", at.id()
	e.Command, e.Text, e.Files, e.Subject = "ask", "", nil, &subject
	e.Addressed = true
	return e, true, nil
}

// waiting is the emoji under a message that waits.
const waiting = "👀"

// Mark implements bots.Marker with a reaction. What is no message, such as a command,
// gets none, and neither does one whose author does not want bobbin's.
func (d *Discord) Mark(ctx context.Context, _ agent.Target, id agent.MessageID, waits bool) error {
	at, err := parsePlace(id)
	if err != nil {
		return err
	}
	message, _, _ := strings.Cut(at.message, "-") // of a reaction
	method, what := http.MethodPut, "add a reaction"
	if !waits {
		method, what = http.MethodDelete, "remove a reaction"
	}
	err = d.rest.do(ctx, call{
		what: what, method: method, path: []string{"channels", at.channel, "messages", message, "reactions", waiting, "@me"},
		route: "reactions " + at.channel,
	})
	switch code(err) {
	case codeUnknownMessage, codeUnknownEmoji, codeReactionBlocked, codeUnknownChannel:
		return nil
	}
	return err
}

// Refers implements bots.Referrer: an answer stands in a thread on its question, below a
// quote of it, or is a reply to it.
func (d *Discord) Refers(to agent.Target) bool {
	at := to.Channel
	if to.Thread != "" {
		at = to.Thread
		if other, ok := d.threads.get(to.Thread); ok {
			at = other
		}
		if at == to.Thread && opens(to) {
			return true
		}
	}
	return parseHook(to.Hook).Question != "" || d.referred(to, at) != ""
}
