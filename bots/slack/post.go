package slack

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"bobbin/agent"
	"bobbin/bots"
	"bobbin/bots/markup"

	slackgo "github.com/slack-go/slack"
)

const (
	// replyType and keyField are where a post keeps its key: in the message's metadata.
	replyType = "bobbin_reply"
	keyField  = "key"

	maxPostText = 40_000 // characters; Slack cuts off the rest
	maxEditText = 4_000  // characters; Slack refuses more
)

// Post sends m as one markdown block, with m.Plain as what notifications show. A block
// that Slack refuses for its size or form is sent as mrkdwn text instead. Links do not
// unfold: fetching what a model names would let it send data to any server.
func (s *Slack) Post(ctx context.Context, to agent.Target, key string, m bots.Message) (agent.MessageID, error) {
	if m.Text == "" {
		return "", errors.New("slack: chat.postMessage: the message is empty")
	}
	id, err := s.post(ctx, to, key, blockOptions(m))
	if !tooMuchCodes[code(err)] {
		return id, err
	}
	text, ok := plainForm(m, maxPostText)
	if !ok {
		return "", err
	}
	s.log.Info("slack: a message is shown as plain text", "channel", to.Channel, "error", err)
	return s.postText(ctx, to, key, text)
}

// postText posts mrkdwn.
func (s *Slack) postText(ctx context.Context, to agent.Target, key, text string) (agent.MessageID, error) {
	return s.post(ctx, to, key, slackgo.MsgOptionText(text, false))
}

func (s *Slack) post(ctx context.Context, to agent.Target, key string, content slackgo.MsgOption) (agent.MessageID, error) {
	const doing = "chat.postMessage"
	opts := []slackgo.MsgOption{content, slackgo.MsgOptionDisableLinkUnfurl(), slackgo.MsgOptionDisableMediaUnfurl()}
	if to.Thread != "" {
		opts = append(opts, slackgo.MsgOptionTS(to.Thread))
	}
	if key != "" {
		opts = append(opts, slackgo.MsgOptionMetadata(slackgo.SlackMetadata{
			EventType: replyType, EventPayload: map[string]any{keyField: key},
		}))
	}
	channel, ts, err := s.api.PostMessageContext(ctx, to.Channel, opts...)
	if err != nil {
		return "", fault(doing, err)
	}
	if !isID(channel) || !isTS(ts) {
		return "", fmt.Errorf("slack: %s: the answer names no message", doing)
	}
	return messageID(channel, ts), nil
}

// Edit replaces a message. Where Slack refuses the block, an edit may show 4,000
// characters of text; a longer page is reported as gone, so that it is posted anew,
// where 40,000 may be.
func (s *Slack) Edit(ctx context.Context, to agent.Target, id agent.MessageID, m bots.Message) error {
	if m.Text == "" {
		return errors.New("slack: chat.update: the message is empty")
	}
	channel, ts, err := splitID(id)
	if err != nil {
		return err
	}
	err = s.update(ctx, channel, ts, blockOptions(m))
	if !tooMuchCodes[code(err)] {
		return err
	}
	text, ok := plainForm(m, maxEditText)
	if !ok {
		return fmt.Errorf("%w: it is too long for an edit: %w", bots.ErrGone, err)
	}
	s.log.Info("slack: a message is shown as plain text", "channel", channel, "error", err)
	return s.update(ctx, channel, ts, slackgo.MsgOptionText(text, false), slackgo.MsgOptionBlocks())
}

func (s *Slack) update(ctx context.Context, channel, ts string, content ...slackgo.MsgOption) error {
	const doing = "chat.update"
	_, updated, _, err := s.api.UpdateMessageContext(ctx, channel, ts, content...)
	if err != nil {
		return editFault(doing, err)
	}
	if updated == "" {
		return fmt.Errorf("slack: %s: the answer names no message", doing)
	}
	return nil
}

// Delete implements bots.Platform.
func (s *Slack) Delete(ctx context.Context, _ agent.Target, id agent.MessageID) error {
	channel, ts, err := splitID(id)
	if err != nil {
		return err
	}
	_, _, err = s.api.DeleteMessageContext(ctx, channel, ts)
	if code(err) == "message_not_found" {
		return nil
	}
	if err != nil {
		return fault("chat.delete", err)
	}
	return nil
}

// blockOptions shows m as a markdown block.
func blockOptions(m bots.Message) slackgo.MsgOption {
	return slackgo.MsgOptionCompose(
		slackgo.MsgOptionBlocks(slackgo.NewMarkdownBlock("", m.Text)),
		slackgo.MsgOptionText(fallback(m.Plain), false),
	)
}

// fallback cuts an escaped text to what an edit may carry, although Render's are
// shorter.
func fallback(escaped string) string {
	n := 0
	for i := range escaped {
		if n++; n < maxEditText {
			continue
		}
		// Half an entity would show as it is.
		if amp := strings.LastIndexByte(escaped[:i], '&'); amp >= 0 && !strings.Contains(escaped[amp:i], ";") {
			i = amp
		}
		return escaped[:i] + "…"
	}
	return escaped
}

// mrkdwn renders Markdown as the text of one message.
func mrkdwn(markdown string) string {
	var text strings.Builder
	for i, p := range markup.SlackText(markdown) {
		if i > 0 {
			text.WriteByte('\n')
		}
		text.WriteString(p.Text)
	}
	return text.String()
}

// plainForm returns m as mrkdwn if that is at most so many characters.
func plainForm(m bots.Message, most int) (string, bool) {
	text := mrkdwn(m.Source)
	return text, text != "" && utf8.RuneCountInString(text) <= most
}

// certain reports whether an error of Post leaves no doubt that nothing was posted.
func certain(err error) bool {
	_, limited := errors.AsType[*bots.RetryAfterError](err)
	return limited || errors.Is(err, agent.ErrUndeliverable) || errors.Is(err, bots.ErrRejected)
}
