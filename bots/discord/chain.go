package discord

import (
	"context"
	"net/http"
	"time"
)

// maxLinks bounds how far a chain of replies is followed, at two calls a link.
const maxLinks = 8

// flagHasThread is set on a message that a thread hangs on.
const flagHasThread = 1 << 5

// threadFor names the thread that the answer to m belongs to: the one on m, or, if m
// goes on with an answer that could not get a thread, the same as that answer's.
//
// What this process posted, it remembers. Of an older answer Discord tells: its first
// message refers to the question, which may refer to an answer in turn. The further
// messages of a long answer refer to nothing, so a reply to one of them begins anew.
func (d *Discord) threadFor(ctx context.Context, m *message) (string, error) {
	answer := d.answerTo(m)
	if answer == "" {
		return m.ID, nil
	}
	root, err := d.chainOf(ctx, m.ChannelID, answer)
	if err != nil {
		return "", err
	}
	if root == "" {
		return m.ID, nil
	}
	return root, nil
}

// chainOf names the thread that an answer in a channel belongs to, as threadFor does;
// empty if it belongs to none.
func (d *Discord) chainOf(ctx context.Context, channel, answer string) (string, error) {
	if t, ok := d.chains.get(answer); ok {
		return t, nil
	}
	root, err := d.root(ctx, channel, answer)
	if err == nil && root != "" {
		d.chains.put(answer, root)
	}
	return root, err
}

// answerTo returns the id of our message that m is a reply to.
func (d *Discord) answerTo(m *message) string {
	if r := m.Referenced; m.Type == messageReply && r != nil && validID(r.ID) && r.Author != nil && r.Author.ID == d.self() {
		return r.ID
	}
	return ""
}

// root returns the message that a chain of replies began with; empty if there is none.
func (d *Discord) root(ctx context.Context, channel, answer string) (root string, err error) {
	for range maxLinks {
		if t, ok := d.chains.get(answer); ok {
			return t, nil
		}
		// A younger one that is not remembered is no answer, but a word beside one.
		if sent(answer).After(d.started.Add(-time.Second)) {
			return root, nil
		}
		a, err := d.message(ctx, channel, answer)
		if err != nil || a == nil || a.Reference == nil || !validID(a.Reference.MessageID) {
			return root, err
		}
		q, err := d.message(ctx, channel, a.Reference.MessageID)
		if err != nil {
			return "", err
		}
		if q == nil { // deleted; its id names the session all the same
			return a.Reference.MessageID, nil
		}
		if q.Flags&flagHasThread != 0 {
			return root, nil // the answer is in there, and this was a word beside it
		}
		root = q.ID
		if answer = d.answerTo(q); answer == "" {
			return root, nil
		}
	}
	return root, nil
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
