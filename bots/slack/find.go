package slack

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"bobbin/agent"
	"bobbin/bots"

	slackgo "github.com/slack-go/slack"
)

const (
	findPage  = 200
	findPages = 10
)

// Find looks through what stands after the message that the answer refers to, at most
// 2,000 messages; without such a message, through the newest 200 of a channel or the
// first 2,000 of a thread. It needs the history scope of the channel's kind. A stream that
// is still open has no metadata; see [Slack.stray].
func (s *Slack) Find(ctx context.Context, to agent.Target, key string) (agent.MessageID, error) {
	if key == "" {
		return "", fmt.Errorf("slack: find: %w: the key is empty", bots.ErrNotFound)
	}
	if s.me.Load() == nil {
		// A turn that is taken up again may come before auth.test has answered.
		return "", errors.New("slack: find: not authenticated yet, so it is not known whose messages are bobbin's")
	}
	oldest, pages := "", findPages
	if channel, ts, err := splitID(to.ReplyTo); err == nil && channel == to.Channel {
		oldest = ts
	} else if to.Thread == "" {
		pages = 1
	}
	cursor, strays := "", []slackgo.Message(nil)
	for range pages {
		messages, next, err := s.page(ctx, to, oldest, cursor)
		if err != nil {
			return "", err
		}
		for _, m := range messages {
			switch {
			case !s.mine(m) || !isTS(m.Timestamp):
			case m.Metadata.EventType == replyType && m.Metadata.EventPayload[keyField] == key, slices.Contains(keys(m), key):
				return s.found(to, key, m), nil
			case m.Metadata.EventType == "" && len(m.Files) == 0 && m.Timestamp != to.Thread:
				strays = append(strays, m)
			}
		}
		if next == "" || next == cursor {
			break
		}
		cursor = next
	}
	if m, ok := s.stray(to, key, strays); ok {
		return s.found(to, key, m), nil
	}
	return "", fmt.Errorf("slack: %w in %s", bots.ErrNotFound, to.Channel)
}

// found returns the id of a message that was found. If it is a stream, nobody knows what
// stands in it.
func (s *Slack) found(to agent.Target, key string, m slackgo.Message) agent.MessageID {
	id := messageID(to.Channel, m.Timestamp)
	if m.Metadata.EventType == "" && len(m.Files) == 0 && s.streams.of(id) == nil {
		s.streams.opened(id, &stream{channel: to.Channel, ts: m.Timestamp, to: to, key: key, began: time.Now(), doubt: true})
	}
	return id
}

// stray returns the stream that was started with key, but whose start's answer was lost
// or not journaled. It is bobbin's only message behind the question that bears no key, as
// all others do: streams do so from their end on, and each answer has one.
func (s *Slack) stray(to agent.Target, key string, strays []slackgo.Message) (m slackgo.Message, ok bool) {
	if s.opts.Stream == StreamEdits || to.Thread == "" || bots.PartNumber(key) > 1 {
		return m, false
	}
	_, _, err := splitID(to.ReplyTo)
	s.streams.mu.Lock()
	lost, known := s.streams.lost[key]
	s.streams.mu.Unlock()
	if err != nil && !known {
		return m, false // nothing tells whose answer it is
	}
	for _, m := range strays {
		st := s.streams.of(messageID(to.Channel, m.Timestamp))
		if (st == nil || st.key == key) && (!known || sentAt(m.Timestamp).After(lost.Add(-overlap))) {
			return m, true
		}
	}
	return m, false
}

// keys returns those that the blocks of a message bear: the task of a stream, or what
// stands above a file.
func keys(m slackgo.Message) (ids []string) {
	for _, b := range m.Blocks.BlockSet {
		switch b := b.(type) {
		case *slackgo.ContextBlock:
			if key, ok := strings.CutPrefix(b.BlockID, keyBlock); ok {
				ids = append(ids, key)
			}
		case *slackgo.TaskCardBlock:
			ids = append(ids, b.TaskID)
		case *slackgo.PlanBlock:
			for _, t := range b.Tasks {
				ids = append(ids, t.TaskID)
			}
		}
	}
	return ids
}

// page reads one page of a thread or channel.
func (s *Slack) page(ctx context.Context, to agent.Target, oldest, cursor string) ([]slackgo.Message, string, error) {
	if to.Thread != "" {
		messages, _, next, err := s.api.GetConversationRepliesContext(ctx, &slackgo.GetConversationRepliesParameters{
			ChannelID: to.Channel, Timestamp: to.Thread, Oldest: oldest, Cursor: cursor, Limit: findPage, IncludeAllMetadata: true,
		})
		return messages, next, fault("conversations.replies", err)
	}
	history, err := s.api.GetConversationHistoryContext(ctx, &slackgo.GetConversationHistoryParameters{
		ChannelID: to.Channel, Oldest: oldest, Cursor: cursor, Limit: findPage, IncludeAllMetadata: true,
	})
	if err != nil {
		return nil, "", fault("conversations.history", err)
	}
	return history.Messages, history.ResponseMetaData.NextCursor, nil
}

// mine reports whether the bot wrote m.
func (s *Slack) mine(m slackgo.Message) bool {
	me := s.identity()
	return (m.User != "" && m.User == me.user) || (m.BotID != "" && m.BotID == me.bot)
}
