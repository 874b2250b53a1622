package discord

import (
	"context"
	"fmt"
	"hash/crc32"
	"net/http"
	"strings"

	"bobbin/agent"
	"bobbin/bots"
)

var _ bots.Threader = (*Discord)(nil)

func (d *Discord) scope(channel string) bots.Scope { return d.opts.Channels.In(channel).Session }

// inChannel is the session of what user says in a channel itself. root is the message that
// a thread would hang on, empty if there is none.
func (d *Discord) inChannel(at agent.Address, c channel, root, user string) agent.Address {
	if d.opts.Threads == Never || !c.canThread() {
		root = "" // the channel then is the session
	}
	return d.scope(at.Channel).Place(at, root, user)
}

// goesOn is the answer of bobbin's that m may go on from: that it is a reply to, or that
// the thread hangs on which it is in.
func (d *Discord) goesOn(m *message, root place) *bots.Reply {
	if r := m.Referenced; m.Type == messageReply && r != nil && validID(r.ID) && r.Author != nil && r.Author.ID == d.self() {
		return &bots.Reply{To: place{m.ChannelID, r.ID}.id()}
	}
	if root.message == "" {
		return nil
	}
	return &bots.Reply{To: root.id()}
}

// message reads a message; nil if it is not to be had.
func (d *Discord) message(ctx context.Context, channel, id string) (*message, error) {
	var m message
	err := d.patiently(ctx, func(ctx context.Context) error {
		return d.rest.do(ctx, call{
			what: "look up a message", method: http.MethodGet, path: []string{"channels", channel, "messages", id},
			route: "GET channels/" + channel + "/message", out: &m,
		})
	})
	switch {
	case refused(err):
		return nil, nil
	case err != nil:
		return nil, err
	}
	m.ID = id
	return &m, nil
}

// OpenThread implements bots.Threader. A private thread has no counterpart in its channel
// that would not show others what was said.
func (d *Discord) OpenThread(ctx context.Context, at agent.Address, key, markdown string) (agent.Address, string, error) {
	from := at.Thread
	at.Thread, at.User = "", ""
	if at.Workspace == "" {
		return at, "", noThread("Discord has no threads in direct messages.")
	}
	parent, err := d.channel(ctx, at.Channel)
	if err != nil {
		return at, "", threadFault(err)
	}
	name := parent.name()
	if from != "" {
		t, err := d.channel(ctx, from)
		if err != nil {
			return at, "", threadFault(err)
		}
		if t.Type == threadPrivate {
			return at, "", noThread("This thread is private. A new one in its channel would show others what was said here, so I open none.")
		}
		name = t.name()
	}
	if !parent.canThread() {
		return at, "", noThread("I can open threads in text channels only.")
	}
	var text string
	if pages := d.Render(markdown); len(pages) > 0 {
		text = pages[0].Text
	}
	p := post{Content: text, Flags: flagSuppressEmbeds, Mentions: quiet(), Enforce: true}
	p.Nonce = noteKey(fmt.Sprintf("%08x", crc32.ChecksumIEEE([]byte(key))), forkKey)
	var root place
	err = d.patiently(ctx, func(ctx context.Context) (err error) {
		root, err = d.send(ctx, at.Channel, p)
		return err
	})
	if err != nil {
		return at, "", threadFault(err)
	}
	at.Thread = root.message
	err = d.patiently(ctx, func(ctx context.Context) error {
		return d.startThread(ctx, agent.Target{Address: at}, hook{Title: title(strings.TrimSuffix("Fork of "+name, " of "), "")})
	})
	if err != nil {
		if gone := d.Delete(ctx, agent.Target{Address: at}, root.id()); gone != nil {
			d.log.WarnContext(ctx, "a message without its thread was not removed", "message", root.message, "err", gone)
		}
		return at, "", threadFault(err)
	}
	d.threads.put(at.Thread, at.Thread)
	return at, "https://discord.com/channels/" + at.Workspace + "/" + at.Thread, nil
}

func noThread(public string) error {
	return &refusedError{err: fmt.Errorf("open a thread: %s", public), public: public}
}

// threadFault gives a thread that was refused a sentence for people.
func threadFault(err error) error {
	if !refused(err) {
		return fmt.Errorf("open a thread: %w", err)
	}
	return &refusedError{err: err, public: "I cannot open a thread here. Please ask an admin to give me the permissions Send Messages, Create Public Threads and Send Messages in Threads."}
}
