package slack

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"errors"

	slackgo "github.com/slack-go/slack"
)

// hook is where a person is told something in private who has used a command, a button
// or a menu.
type hook struct {
	s             *Slack
	channel, user string
	thread        string // ts of the thread in which it is to be seen; may be empty
	url           string // a response URL; may be empty
}

// say tells the person mrkdwn through the response URL, which works five times in
// thirty minutes, or else as an ephemeral message, which needs the bot to be in the
// channel.
func (h hook) say(ctx context.Context, text string) error {
	var in []slackgo.MsgOption
	if h.thread != "" {
		in = append(in, slackgo.MsgOptionTS(h.thread))
	}
	errURL := errors.New("there is no response URL")
	if h.url != "" {
		_, _, errURL = h.s.api.PostMessageContext(ctx, h.channel,
			append(in, slackgo.MsgOptionResponseURL(h.url, slackgo.ResponseTypeEphemeral), slackgo.MsgOptionText(text, false))...)
		if errURL == nil {
			return nil
		}
		errURL = wrap("answering at the response URL", errURL)
	}
	_, err := h.s.api.PostEphemeralContext(ctx, h.channel, h.user, append(in, slackgo.MsgOptionText(text, false))...)
	if err == nil {
		return nil
	}
	return errors.Join(errURL, fault("chat.postEphemeral", err))
}

// respond is Respond of an event.
func (h hook) respond(ctx context.Context, markdown string) error {
	return h.say(ctx, mrkdwn(markdown))
}

// tell is say for the adapter's own sentences, whose failure nobody waits for.
func (h hook) tell(ctx context.Context, text string) {
	if err := h.say(ctx, text); err != nil {
		h.s.log.Warn("slack: a person was not told what became of a command or button", "user", h.user, "error", err)
	}
}

// keyOf names what a person did once by Slack's trigger id. That is good for acting in
// Slack, so only its hash goes on.
func keyOf(trigger string) string {
	if trigger == "" {
		trigger = rand.Text()
	}
	sum := sha256.Sum256([]byte(trigger))
	return base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(sum[:])[:20]
}
