package slack

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"bobbin/agent"
	"bobbin/bots"
	"bobbin/bots/markup"

	slackgo "github.com/slack-go/slack"
)

const (
	// replyType and keyField are where a post keeps its key: in the message's metadata.
	replyType = "bobbin_reply"
	keyField  = "key"
	// noteType is that of a message that belongs to no answer.
	noteType = "bobbin_note"

	postMethod   = "chat.postMessage"
	updateMethod = "chat.update"

	maxPostText = 40_000 // characters; Slack cuts off the rest
	maxEditText = 4_000  // characters; Slack refuses more
)

// Post sends m as one markdown block in its frame, with m.Plain as what notifications
// show. What Slack refuses for its size or form is shown as mrkdwn instead. Links do not
// unfold: fetching what a model names would let it send data to any server.
func (s *Slack) Post(ctx context.Context, to agent.Target, key string, m bots.Message) (agent.MessageID, error) {
	if blank(m) {
		return "", errors.New("slack: chat.postMessage: the message is empty")
	}
	s.streams.posted(to, key)
	id, ok, err := s.start(ctx, to, key, m)
	if ok {
		return id, err
	}
	err = s.inAnyForm(m, maxPostText, func(c content) (err error) {
		id, err = s.post(ctx, to, key, c)
		return err
	})
	return id, err
}

// inAnyForm makes a call with m in one form after the other, as long as Slack refuses
// the form.
func (s *Slack) inAnyForm(m bots.Message, most int, call func(content) error) error {
	var refused error
	for f := range forms {
		c, ok := contentOf(m, f, most)
		if !ok {
			continue
		}
		if refused != nil {
			s.log.Info("slack: a message is shown in another form", "form", f, "error", refused)
		}
		err := call(c)
		if !tooMuchCodes[code(err)] {
			return err
		}
		refused = err
	}
	return refused
}

// postText posts mrkdwn.
func (s *Slack) postText(ctx context.Context, to agent.Target, key, text string) (agent.MessageID, error) {
	return s.post(ctx, to, key, content{Text: text})
}

// posting are the arguments of chat.postMessage.
type posting struct {
	Channel string `json:"channel"`
	Thread  string `json:"thread_ts,omitempty"`
	content
	Metadata    slackgo.SlackMetadata `json:"metadata"`
	UnfurlLinks bool                  `json:"unfurl_links"`
	UnfurlMedia bool                  `json:"unfurl_media"`
}

func (s *Slack) post(ctx context.Context, to agent.Target, key string, c content) (agent.MessageID, error) {
	p := posting{Channel: to.Channel, Thread: to.Thread, content: c, Metadata: keptAs(noteType, noteType)}
	if key != "" {
		p.Metadata = keptAs(replyType, key)
	}
	posted, err := s.send(ctx, postMethod, p)
	if err != nil {
		return "", fault(postMethod, err)
	}
	if !isID(posted.Channel) || !isTS(posted.TS) {
		return "", fmt.Errorf("slack: %s: the answer names no message", postMethod)
	}
	return messageID(posted.Channel, posted.TS), nil
}

// standing is the answer that names a message.
type standing struct {
	result
	Channel, TS string
}

func (m *standing) read(r *reading, answer []byte) {
	for key, value := range r.fields(answer) {
		switch string(key) {
		case "ok":
			r.truth(&m.OK, value)
		case "error":
			r.text(&m.Error, value)
		case "needed":
			r.text(&m.Needed, value)
		case "response_metadata":
			r.misread = json.Unmarshal(value, &m.Metadata) != nil || r.misread
		case "channel":
			r.text(&m.Channel, value)
		case "ts":
			r.text(&m.TS, value)
		}
	}
}

// keptAs is a key as it is kept with a message.
func keptAs(kind, key string) slackgo.SlackMetadata {
	return slackgo.SlackMetadata{EventType: kind, EventPayload: map[string]any{keyField: key}}
}

// Edit replaces a message. Without blocks, an edit may show 4,000 characters of text; a
// longer page whose blocks Slack refuses is reported as gone, so that it is posted anew,
// where 40,000 may be.
func (s *Slack) Edit(ctx context.Context, to agent.Target, id agent.MessageID, m bots.Message) error {
	if blank(m) {
		return errors.New("slack: chat.update: the message is empty")
	}
	channel, ts, err := splitID(id)
	if err != nil {
		return err
	}
	if st := s.streams.of(id); st != nil {
		return s.grow(ctx, id, st, m)
	}
	return s.edit(ctx, channel, ts, m, "")
}

// edit replaces a message, and its key unless that is empty.
func (s *Slack) edit(ctx context.Context, channel, ts string, m bots.Message, key string) error {
	err := s.inAnyForm(m, maxEditText, func(c content) error {
		e := editing{Channel: channel, TS: ts, content: c}
		if key != "" {
			e.Metadata = keptAs(replyType, key)
		}
		err := s.update(ctx, e)
		if code(err) != conflictCode {
			return err
		}
		// An earlier run has left a stream open.
		if err := s.halt(ctx, channel, ts); err != nil {
			return stopFault(err)
		}
		return s.update(ctx, e)
	})
	if tooMuchCodes[code(err)] {
		if _, ok := contentOf(m, inText, maxEditText); !ok {
			return fmt.Errorf("%w: it is too long for an edit: %w", bots.ErrGone, err)
		}
	}
	return err
}

// editing are the arguments of chat.update.
type editing struct {
	Channel string `json:"channel"`
	TS      string `json:"ts"`
	content
	Metadata slackgo.SlackMetadata `json:"metadata,omitzero"`
}

func (s *Slack) update(ctx context.Context, e editing) error {
	updated, err := s.send(ctx, updateMethod, e)
	if err != nil {
		return editFault(updateMethod, err)
	}
	if updated.TS == "" {
		return fmt.Errorf("slack: %s: the answer names no message", updateMethod)
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
	if code(err) == conflictCode && s.halt(ctx, channel, ts) == nil {
		_, _, err = s.api.DeleteMessageContext(ctx, channel, ts)
	}
	s.streams.closed(id)
	if code(err) == "message_not_found" {
		return nil
	}
	if err != nil {
		return fault("chat.delete", err)
	}
	return nil
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

// certain reports whether an error of Post leaves no doubt that nothing was posted.
func certain(err error) bool {
	_, limited := errors.AsType[*bots.RetryAfterError](err)
	return limited || errors.Is(err, agent.ErrUndeliverable) || errors.Is(err, bots.ErrRejected)
}
