package discord

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"

	"bobbin/agent"
	"bobbin/bots"
)

// Pages of history that Find reads, and their length.
const (
	findPages = 3
	pageSize  = 100
)

// Find implements bots.Platform. Discord tells the nonce of a message when it is
// posted and perhaps never again. For some minutes that does no harm: a Post with the
// same key returns the first one. After that Find goes by what lasts, where it leaves
// no doubt: the first message of an answer is the one that refers to the question, and
// in a thread that was opened for the question the nth message of ours is the nth of
// its answer. What is not found so may exist all the same: a later message of an answer
// in a channel, and any in a DM or further down a thread, where an earlier answer's
// messages may stand below the question too.
func (d *Discord) Find(ctx context.Context, to agent.Target, key string) (agent.MessageID, error) {
	if id, ok := d.ours.get(key); ok {
		return agent.MessageID(id), nil
	}
	if err := check(to); err != nil {
		return "", err
	}
	if d.self() == "" {
		return "", errors.New("find a message: not connected yet, so it is not known whose messages are ours")
	}
	after := to.Thread
	if reply, err := parsePlace(to.ReplyTo); err == nil {
		after = reply.message
	}
	in := []string{to.Channel}
	if to.Thread != "" {
		in = []string{to.Thread, to.Channel}
		if at, ok := d.threads.get(to.Thread); ok {
			in = []string{at}
		}
	}
	hangs := false // there is a thread, so the answer is not beside it
	for _, channel := range in {
		ours, whole, err := d.ownAfter(ctx, channel, after)
		if err != nil && !refused(err) {
			return "", err
		}
		if m, ok := d.keyed(ours, key); ok {
			return place{channel, m}.id(), nil
		}
		if hangs {
			continue
		}
		hangs = err == nil
		if m, ok := d.adopt(to, channel, key, ours, whole); ok {
			d.log.InfoContext(ctx, "took up a message by its place", "channel", channel, "message", m, "key", key)
			return place{channel, m}.id(), nil
		}
	}
	return "", fmt.Errorf("find a message: %w", bots.ErrNotFound)
}

// isOurs reports whether bobbin wrote m.
func (d *Discord) isOurs(m *message) bool { return m.Author != nil && m.Author.ID == d.self() }

// keyed returns the message that still shows the nonce.
func (d *Discord) keyed(ours []message, key string) (id string, ok bool) {
	for _, m := range ours {
		if string(m.Nonce) == key {
			return m.ID, true
		}
	}
	return "", false
}

// adopt returns the message among ours, oldest first, that must be the one of key.
// whole says that there are no more of them.
func (d *Discord) adopt(to agent.Target, channel, key string, ours []message, whole bool) (id string, ok bool) {
	n := bots.PartNumber(key)
	question, err := parsePlace(to.ReplyTo)
	if n < 1 || err != nil {
		return "", false
	}
	if channel == question.channel {
		if n != 1 {
			return "", false
		}
		ours = slices.DeleteFunc(ours, func(m message) bool {
			return m.Reference == nil || m.Reference.MessageID != question.message
		})
		if len(ours) != 1 {
			return "", false
		}
	} else if channel != to.Thread || !whole || len(ours) != n ||
		slices.ContainsFunc(ours, func(m message) bool { return m.Reference != nil }) {
		// A message that refers to another is a word beside the conversation, which
		// may go on in further ones.
		return "", false
	}
	m := ours[len(ours)-1]
	if d.known(place{channel, m.ID}, key) {
		return "", false
	}
	return m.ID, true
}

// known reports whether a message is known to have been posted with another key.
func (d *Discord) known(at place, key string) bool {
	other, ok := d.keys.get(string(at.id()))
	return ok && other != key
}

// ownAfter returns the messages that bobbin wrote after an id, oldest first, and
// whether there are no more.
func (d *Discord) ownAfter(ctx context.Context, channel, after string) (ours []message, whole bool, err error) {
	if after == "" {
		after = "0"
	}
	for range findPages {
		var page []json.RawMessage
		err := d.rest.do(ctx, call{
			what: "read messages", method: http.MethodGet, path: []string{"channels", channel, "messages"},
			query: url.Values{"after": {after}, "limit": {strconv.Itoa(pageSize)}},
			route: "GET channels/" + channel + "/messages", out: &page,
		})
		if err != nil {
			return nil, false, err
		}
		for _, raw := range page {
			var m message
			if json.Unmarshal(raw, &m) != nil || !validID(m.ID) {
				continue
			}
			if d.isOurs(&m) && (m.Type == messageDefault || m.Type == messageReply) {
				ours = append(ours, m)
			}
			if newer(m.ID, after) {
				after = m.ID
			}
		}
		if len(page) < pageSize {
			whole = true
			break
		}
	}
	slices.SortFunc(ours, byID)
	return ours, whole, nil
}

// newer compares ids as the numbers they are.
func newer(a, b string) bool { return len(a) > len(b) || len(a) == len(b) && a > b }

// byID orders messages by age, oldest first.
func byID(a, b message) int {
	switch {
	case newer(a.ID, b.ID):
		return 1
	case newer(b.ID, a.ID):
		return -1
	}
	return 0
}
