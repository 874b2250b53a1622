package slack

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"bobbin/agent"
	"bobbin/bots"

	slackgo "github.com/slack-go/slack"
)

// waitMark is the emoji under a message that waits.
const waitMark = "eyes"

var (
	// markedCodes say that a mark is as it should be, or that there is nothing to mark.
	markedCodes = set("already_reacted", "no_reaction", "message_not_found", "bad_timestamp", "is_archived", "too_many_emoji", "too_many_reactions",
		"thread_locked", "not_reactable", "cannot_react_to_message")
	// noMarkCodes say that the app may not mark anything.
	noMarkCodes = set("missing_scope", "not_allowed_token_type", "no_permission")
)

// unmarkWait is how long a mark that is to be taken away may wait for others.
const unmarkWait = 10 * time.Minute

// Mark implements bots.Marker with an emoji. It needs the scope reactions:write; without
// it nothing is marked.
func (s *Slack) Mark(ctx context.Context, _ agent.Target, id agent.MessageID, waits bool) error {
	channel, ts, err := splitID(id)
	if err != nil || s.noMarks.Load() {
		return nil // a command or button has nothing to put a mark under
	}
	doing, change := "reactions.remove", s.api.RemoveReactionContext
	if waits {
		doing, change = "reactions.add", s.api.AddReactionContext
		err = s.spare(markPace)
	} else {
		soon, cancel := context.WithTimeout(ctx, unmarkWait)
		defer cancel()
		err = s.paces[unmarkPace].Wait(soon)
	}
	if err != nil {
		return err
	}
	err = change(ctx, waitMark, slackgo.NewRefToMessage(channel, ts))
	switch c := code(err); {
	case markedCodes[c]:
		return nil
	case noMarkCodes[c]:
		if !s.noMarks.Swap(true) {
			s.log.Info("slack: messages that wait are not marked", "error", explain(doing, err))
		}
		return nil
	}
	return fault(doing, err)
}

// reacted converts an emoji that a person has put under a message to ask about it.
func (s *Slack) reacted(cb *callback, team string) (h happening, ignored string) {
	e := &cb.Event
	var item struct {
		Type    string `json:"type"`
		Channel string `json:"channel"`
		TS      string `json:"ts"`
	}
	if json.Unmarshal(e.Item, &item) != nil {
		return h, "malformed"
	}
	name, _, _ := strings.Cut(e.Reaction, "::") // the skin tone
	switch {
	case s.opts.Reaction == "" || name != s.opts.Reaction:
		return h, "reaction"
	case e.User == s.identity().user:
		return h, "bot"
	case item.Type != "message" || !isID(e.User) || !isID(item.Channel) || !isTS(item.TS) || !isTS(e.EventTS):
		return h, "malformed"
	}
	on := post{Channel: item.Channel, TS: item.TS, User: e.User}
	hk := hook{s: s, channel: on.Channel, user: e.User}
	at := s.place(team, on, e.User)
	h.Event = bots.Event{
		// People who point at the same message ask the same.
		MessageID: agent.MessageID(on.Channel + "/reaction." + on.TS),
		Target:    agent.Target{Address: at, ReplyTo: messageID(on.Channel, on.TS), Recipient: e.User},
		Author:    agent.Author{ID: e.User, Name: cmp.Or(s.names.of(e.User), e.User)},
		Direct:    isDM(on.Channel),
		Addressed: true,
		Command:   "ask",
		Sent:      sentAt(e.EventTS),
		Respond:   hk.respond,
		SendFile:  s.fileSender(at, e.User, hk),
	}
	h.fill = func(ctx context.Context, ev *bots.Event) (bool, error) { return s.fillSubject(ctx, ev, on, hk) }
	return h, ""
}

// fillSubject reads the message that a person points at. It reports false where bobbin
// may not read.
func (s *Slack) fillSubject(ctx context.Context, ev *bots.Event, on post, h hook) (bool, error) {
	m, ok, err := s.one(ctx, on.Channel, on.TS)
	if closedToUs(err) || err == nil && !ok {
		s.ignored.add("unreadable subject")
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("read what a reaction points at: %w", err)
	}
	s.learnNames(ctx, []written{m})
	q := s.quote(m)
	ev.Subject = &q
	ev.Target.Address = s.place(ev.Target.Workspace, m.post, h.user)
	h.thread = m.ThreadTS
	ev.Respond, ev.SendFile = h.respond, s.fileSender(ev.Target.Address, h.user, h)
	return true, nil
}
