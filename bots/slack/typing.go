package slack

import (
	"context"
	"strings"
	"time"

	"bobbin/agent"

	slackgo "github.com/slack-go/slack"
)

// signKind is a kind of place whose support for the sign is known apart.
type signKind int

const (
	channelThread signKind = iota
	directThread
	directMessage
	signKinds
)

const (
	// signLasts is shorter than the two minutes after which Slack takes the sign away.
	signLasts = 90 * time.Second
	// noSignLasts is how long a place without signs is left alone.
	noSignLasts = time.Hour
	maxDoing    = 80
)

// noSignCodes say that a kind of place will never show the sign.
var noSignCodes = set("unknown_method", "method_deprecated", "not_agent_app", "feature_not_enabled", "feature_disabled",
	"channel_type_not_supported", "missing_scope", "not_allowed_token_type", "no_permission", "access_denied")

// Words implements bots.Worder: the sign has words wherever there is one.
func (s *Slack) Words(to agent.Target) bool {
	kind, thread := signPlace(to)
	return thread != "" && !s.noSigns[kind].Load()
}

// signPlace says what kind of place to is, and which thread a sign there hangs on: none
// if it can have no sign.
func signPlace(to agent.Target) (kind signKind, thread string) {
	switch direct := isDM(to.Channel); {
	case to.Thread != "" && direct:
		return directThread, to.Thread
	case to.Thread != "":
		return channelThread, to.Thread
	case direct:
		if channel, ts, err := splitID(to.ReplyTo); err == nil && channel == to.Channel {
			return directMessage, ts
		}
	}
	return directMessage, ""
}

// Typing shows "bobbin is …" beside the thread. In a DM outside a thread the sign hangs
// on the message that is being answered, and an answer does not take it away.
func (s *Slack) Typing(ctx context.Context, to agent.Target, doing string) (time.Duration, error) {
	kind, thread := signPlace(to)
	if thread == "" || s.noSigns[kind].Load() {
		return noSignLasts, nil
	}
	var err error
	if doing == "" {
		err = s.paces[clearPace].Wait(ctx)
	} else {
		err = s.spare(signPace)
	}
	if err != nil {
		return 0, err
	}
	err = s.api.SetAssistantThreadsStatusContext(ctx, slackgo.AssistantThreadsSetStatusParameters{
		ChannelID: to.Channel, ThreadTS: thread, Status: status(doing),
	})
	if noSignCodes[code(err)] {
		if !s.noSigns[kind].Swap(true) {
			s.log.Info("slack: no sign of being at work can be shown", "error", explain("assistant.threads.setStatus", err))
		}
		return noSignLasts, nil
	}
	if err != nil {
		return 0, fault("assistant.threads.setStatus", err)
	}
	if kind == directMessage {
		return 0, nil
	}
	return signLasts, nil
}

// status turns "thinking…" into what follows the bot's name: "is thinking…".
func status(doing string) string {
	doing = strings.Join(strings.Fields(doing), " ")
	if doing == "" {
		return ""
	}
	if runes := []rune(doing); len(runes) > maxDoing {
		doing = string(runes[:maxDoing]) + "…"
	}
	if strings.HasPrefix(doing, "is ") {
		return doing
	}
	return "is " + doing
}
