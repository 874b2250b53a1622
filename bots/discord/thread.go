package discord

import (
	"context"
	"fmt"
	"net/http"

	"bobbin/agent"
)

// check refuses addresses that no request should be made of.
func check(to agent.Target) error {
	if to.Platform != Name || !validID(to.Channel) || to.Thread != "" && !validID(to.Thread) {
		return &refusedError{err: fmt.Errorf("%q is no address on Discord", short(string(to.Session()), 200)), public: "I cannot find the way back to this conversation."}
	}
	return nil
}

// open makes the place of an answer ready and returns its channel or thread: it
// shows the question of a slash command and opens the thread on a mention. It may be
// called again and again, also after a restart.
func (d *Discord) open(ctx context.Context, to agent.Target) (string, error) {
	if err := check(to); err != nil {
		return "", err
	}
	h := parseHook(to.Hook)
	d.show(ctx, to, h)
	if to.Thread == "" {
		return to.Channel, nil
	}
	if at, ok := d.threads.get(to.Thread); ok {
		return at, nil
	}
	at := to.Thread
	if opens(to) && d.opts.Threads == Never {
		at = to.Channel
	} else if opens(to) {
		err := d.startThread(ctx, to, h)
		switch {
		case err == nil:
		case !refused(err):
			return "", err
		case d.opts.Threads == Always:
			return "", d.threadless(ctx, to, err)
		default:
			d.log.InfoContext(ctx, "no thread can be opened; answering in the channel", "channel", to.Channel, "err", err)
			at = to.Channel
		}
	}
	d.threads.put(to.Thread, at)
	return at, nil
}

// startThread opens the thread on the message that has its id, unless it is there.
func (d *Discord) startThread(ctx context.Context, to agent.Target, h hook) error {
	if h.Title == "" {
		h.Title = "Conversation"
	}
	err := d.rest.do(ctx, call{
		what: "open a thread", method: http.MethodPost, path: []string{"channels", to.Channel, "messages", to.Thread, "threads"},
		route: "POST channels/" + to.Channel + "/threads", body: map[string]string{"name": h.Title},
	})
	switch code(err) {
	case codeThreadExists:
		err = nil
	case codeUnknownMessage:
		// A thread that was not started on a message, or whose message is gone.
		if _, lookup := d.channel(ctx, to.Thread); lookup == nil {
			err = nil
		} else if !refused(lookup) {
			err = lookup
		}
	}
	if err == nil {
		d.remember(channel{ID: to.Thread, GuildID: to.Workspace, Type: threadPublic, ParentID: &to.Channel, Name: &h.Title})
	}
	return err
}

// threadless tells people that there will be no answer, because it may only stand in
// a thread that cannot be opened.
func (d *Discord) threadless(ctx context.Context, to agent.Target, why error) error {
	err := &refusedError{err: why, public: "I answer in a thread here, but I cannot open one. Please ask an admin to give me the permissions Create Public Threads and Send Messages in Threads."}
	p := post{Content: err.public, Flags: flagSuppressEmbeds, Mentions: quiet(), Nonce: noteKey(to.Thread, 0), Enforce: true}
	if reply, perr := parsePlace(to.ReplyTo); perr == nil && reply.channel == to.Channel {
		p.Reference = &reference{MessageID: reply.message}
	}
	if _, serr := d.send(ctx, to.Channel, p); serr != nil {
		if !refused(serr) {
			return serr // to be tried again, so that it is said
		}
		d.apologise(ctx, to, err)
	}
	return err
}
