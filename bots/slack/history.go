package slack

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"time"

	"bobbin/agent"
)

// past is a message as history shows it.
type past struct {
	post
	LatestReply string `json:"latest_reply"`
}

// historyPage is a page of channels or messages. Each is decoded for itself, so that
// one of an unknown form costs no other.
type historyPage struct {
	result
	Channels []json.RawMessage `json:"channels"`
	Messages []json.RawMessage `json:"messages"`
}

// kinds are the kinds of conversation that a bot is part of. Each is asked for by
// itself, because one that the app's scopes exclude fails the whole call.
var kinds = []string{"im", "mpim", "private_channel", "public_channel"}

// places lists the conversations that bobbin is part of, those where it was spoken to
// last first. It returns what it has together with an error.
func (c *catchUp) places(ctx context.Context, active []agent.Address) (ids []string, err error) {
	seen := make(map[string]bool)
	add := func(id string) {
		if isID(id) && !seen[id] {
			seen[id] = true
			ids = append(ids, id)
		}
	}
	for _, a := range active {
		add(a.Channel)
	}
	for _, kind := range kinds {
		form := url.Values{"types": {kind}, "exclude_archived": {"true"}, "limit": {strconv.Itoa(findPage)}}
		n := 0
		for page, more := range c.s.pages(ctx, listMethod, form, &err) {
			for _, raw := range page.Channels {
				var channel struct {
					ID string `json:"id"`
				}
				if json.Unmarshal(raw, &channel) == nil {
					add(channel.ID)
				}
			}
			if n++; more && (n == maxPages || len(ids) > maxPlaces) {
				c.leftOut.places++ // at least one
				break
			}
		}
		if closedToUs(err) {
			c.s.log.Debug("slack: a kind of conversation cannot be listed", "kind", kind, "error", err)
			err = nil
		}
		if err != nil {
			return ids, err
		}
	}
	return ids, nil
}

// pages reads page after page and says of each whether there are more. On a failure it
// sets err and ends.
func (s *Slack) pages(ctx context.Context, method string, form url.Values, err *error) func(yield func(historyPage, bool) bool) {
	return func(yield func(historyPage, bool) bool) {
		for {
			var page historyPage
			if *err = s.read(ctx, method, form, &page); *err != nil {
				return
			}
			next := page.Metadata.Cursor
			more := next != "" && next != form.Get("cursor")
			if !yield(page, more) || !more {
				return
			}
			form.Set("cursor", next)
		}
	}
}

// channel reads what was missed in a channel or DM, and then in its threads.
func (c *catchUp) channel(ctx context.Context, channel string) error {
	messages, threads, err := c.history(ctx, channel)
	if closedToUs(err) {
		c.s.log.Debug("slack: a conversation cannot be read", "channel", channel, "error", err)
		return nil
	}
	if err != nil {
		return err
	}
	if err := c.feedAll(ctx, channel, messages); err != nil {
		return err
	}
	own := c.threads[channel]
	for _, thread := range threads {
		if slices.Contains(own, thread) {
			continue
		}
		if c.others--; c.others < 0 {
			c.leftOut.threads++
			continue
		}
		own = append(own, thread)
	}
	for _, thread := range own {
		if err := c.replies(ctx, channel, thread); err != nil {
			return err
		}
	}
	return nil
}

// history reads the messages of a channel that were missed, and the threads in which
// somebody has written. A reply that was also sent to the channel is left to its thread,
// where it keeps its place.
func (c *catchUp) history(ctx context.Context, channel string) (messages []past, threads []string, err error) {
	// With an end, even one that is to come, Slack goes from the newest page to the
	// oldest. So a bound leaves out the oldest; but nothing depends on it.
	form := url.Values{
		"channel": {channel}, "limit": {strconv.Itoa(findPage)},
		"oldest": {stampOf(c.since.Add(-lookBack))}, "latest": {stampOf(time.Now().Add(time.Hour))},
	}
	n, crossed, before := 0, false, time.Time{}
	for page, more := range c.s.pages(ctx, historyMethod, form, &err) {
		var newest time.Time
		for _, m := range c.decode(page.Messages) {
			missed := c.missed(m.TS)
			crossed = crossed || !missed
			if at := sentAt(m.TS); at.After(newest) {
				newest = at
			}
			switch {
			case m.ThreadTS != "" && m.ThreadTS != m.TS:
				if missed {
					threads = append(threads, m.ThreadTS)
				}
				continue
			case isTS(m.LatestReply) && c.missed(m.LatestReply):
				threads = append(threads, m.TS)
			}
			if missed {
				messages = append(messages, m)
			}
		}
		backwards := newest.Before(before)
		before = newest
		if n++; !more || (crossed && backwards) {
			break
		}
		if n == maxPages {
			c.leftOut.pages++
			break
		}
	}
	slices.Sort(threads)
	return messages, slices.Compact(threads), err
}

// replies reads what was missed in a thread.
func (c *catchUp) replies(ctx context.Context, channel, thread string) (err error) {
	form := url.Values{"channel": {channel}, "ts": {thread}, "limit": {strconv.Itoa(findPage)}, "oldest": {stampOf(c.since)}}
	var messages []past
	n := 0
	for page, more := range c.s.pages(ctx, repliesMethod, form, &err) {
		for _, m := range c.decode(page.Messages) {
			// The root comes with every answer; it belongs to the channel's history.
			if m.TS != thread && c.missed(m.TS) {
				messages = append(messages, m)
			}
		}
		if n++; more && n == maxThreadPages {
			c.leftOut.pages++
			break
		}
	}
	if closedToUs(err) {
		return nil
	}
	if err != nil {
		return err
	}
	return c.feedAll(ctx, channel, messages)
}

// decode reads messages one by one.
func (c *catchUp) decode(raws []json.RawMessage) []past {
	messages := make([]past, 0, len(raws))
	for _, raw := range raws {
		var m past
		if json.Unmarshal(raw, &m) != nil || !isTS(m.TS) {
			c.s.ignored.add("malformed")
			continue
		}
		if at := sentAt(m.TS); at.After(c.newest) {
			c.newest = at
		}
		messages = append(messages, m)
	}
	return messages
}

// missed reports whether a message is among those looked for.
func (c *catchUp) missed(ts string) bool { return sentAt(ts).After(c.since) }

// stampOf is the reverse of sentAt.
func stampOf(t time.Time) string {
	return fmt.Sprintf("%d.%06d", t.Unix(), t.Nanosecond()/1000)
}
