package slack

import (
	"cmp"
	"context"
	"encoding/json"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"bobbin/agent"
	"bobbin/bots"
	"bobbin/bots/markup"
)

const (
	// readPages bounds the pages of a thread, which Slack gives from its beginning on.
	readPages   = 15
	namesWithin = 4 * time.Second // all the names of what is read
)

// written is a message as history shows it, whoever wrote it.
type written struct {
	past
	Username string `json:"username"`
	Profile  struct {
		Name string `json:"name"`
	} `json:"bot_profile"`
}

// Read implements bots.Reader. A thread with more than 3,000 messages is read up to
// there.
func (s *Slack) Read(ctx context.Context, at agent.Address, limit int) ([]bots.Quote, error) {
	if limit <= 0 {
		return nil, nil
	}
	raws, err := s.newest(ctx, at, limit)
	if err != nil {
		return nil, err
	}
	messages := make([]written, 0, len(raws))
	for _, raw := range raws {
		var m written
		if json.Unmarshal(raw, &m) == nil && isTS(m.TS) && m.said() {
			m.Channel = at.Channel
			messages = append(messages, m)
		}
	}
	s.learnNames(ctx, messages)
	quotes := make([]bots.Quote, len(messages))
	for i, m := range messages {
		quotes[i] = s.quote(m)
	}
	return quotes[max(0, len(quotes)-limit):], nil
}

// newest returns at least the newest messages at a place, oldest first.
func (s *Slack) newest(ctx context.Context, at agent.Address, limit int) (all []json.RawMessage, err error) {
	size := strconv.Itoa(min(max(limit, 15), findPage))
	if at.Thread == "" {
		var page historyPage
		err := s.ask(ctx, historyMethod, url.Values{"channel": {at.Channel}, "limit": {size}}, &page)
		slices.Reverse(page.Messages)
		return page.Messages, err
	}
	form := url.Values{"channel": {at.Channel}, "ts": {at.Thread}, "limit": {strconv.Itoa(findPage)}}
	for range readPages {
		var page historyPage
		if err := s.ask(ctx, repliesMethod, form, &page); err != nil {
			return nil, err
		}
		all = append(all, page.Messages...)
		all = all[max(0, len(all)-2*limit-findPage):]
		next := page.Metadata.Cursor
		if next == "" || next == form.Get("cursor") {
			break
		}
		form.Set("cursor", next)
	}
	return all, nil
}

// said reports whether somebody said the message: no notice that somebody has joined, and
// nothing that is gone.
func (m written) said() bool {
	switch m.SubType {
	case "", "file_share", "thread_broadcast", "bot_message", "me_message":
		return !m.Hidden && (strings.TrimSpace(m.Text) != "" || len(filesOf(m.Files)) > 0)
	}
	return false
}

// learnNames waits a moment for the names of people that are not known yet.
func (s *Slack) learnNames(ctx context.Context, messages []written) {
	ctx, cancel := context.WithTimeout(ctx, namesWithin)
	defer cancel()
	for _, m := range messages {
		s.names.of(m.User) // so that all are looked up at once
	}
	for _, m := range messages {
		if m.User != "" && ctx.Err() == nil {
			s.names.soon(ctx, m.User)
		}
	}
}

// quote returns a message as data, without the mention that addressed bobbin.
func (s *Slack) quote(m written) bots.Quote {
	me := s.identity()
	text, _ := cutMention(m.Text, me.user)
	name := cmp.Or(s.nameOf('@', m.User), m.Username, m.Profile.Name, m.User, m.BotID)
	return bots.Quote{
		ID:     messageID(m.Channel, m.TS),
		Author: agent.Author{ID: cmp.Or(m.User, m.BotID), Name: name},
		Bot:    m.User != "" && m.User == me.user || m.BotID != "" && m.BotID == me.bot,
		Text:   strings.TrimSpace(markup.FromSlack(text, s.nameOf)),
		Sent:   sentAt(m.TS),
		Files:  filesOf(m.Files),
	}
}

// one reads a single message, a root or a reply. With a reply comes the root of its thread.
func (s *Slack) one(ctx context.Context, channel, ts string) (m written, ok bool, err error) {
	var page historyPage
	form := url.Values{"channel": {channel}, "ts": {ts}, "limit": {"5"}, "inclusive": {"true"}, "latest": {ts}, "oldest": {ts}}
	if err := s.ask(ctx, repliesMethod, form, &page); err != nil {
		return m, false, err
	}
	for _, raw := range page.Messages {
		var m written
		if json.Unmarshal(raw, &m) == nil && m.TS == ts {
			m.Channel = channel
			return m, true, nil
		}
	}
	return m, false, nil
}

// Refers implements bots.Referrer: a thread stands under what it is about.
func (s *Slack) Refers(to agent.Target) bool {
	return to.Thread != "" && to.ReplyTo == messageID(to.Channel, to.Thread)
}
