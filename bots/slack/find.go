package slack

import (
	"context"
	"fmt"

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
// first 2,000 of a thread. It needs the history scope of the channel's kind.
func (s *Slack) Find(ctx context.Context, to agent.Target, key string) (agent.MessageID, error) {
	if key == "" {
		return "", fmt.Errorf("slack: find: %w: the key is empty", bots.ErrNotFound)
	}
	oldest, pages := "", findPages
	if channel, ts, err := splitID(to.ReplyTo); err == nil && channel == to.Channel {
		oldest = ts
	} else if to.Thread == "" {
		pages = 1
	}
	cursor := ""
	for range pages {
		messages, next, err := s.page(ctx, to, oldest, cursor)
		if err != nil {
			return "", err
		}
		for _, m := range messages {
			if s.mine(m) && m.Metadata.EventType == replyType && m.Metadata.EventPayload[keyField] == key && isTS(m.Timestamp) {
				return messageID(to.Channel, m.Timestamp), nil
			}
		}
		if next == "" || next == cursor {
			break
		}
		cursor = next
	}
	return "", fmt.Errorf("slack: %w in %s", bots.ErrNotFound, to.Channel)
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
