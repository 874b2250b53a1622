package slack

import (
	"cmp"
	"context"
	"errors"
	"net/url"

	"bobbin/agent"
	"bobbin/bots"
)

// joined converts that bobbin itself has come into a channel.
func (s *Slack) joined(cb *callback, team string) (h happening, ignored string) {
	e := &cb.Event
	me := s.identity()
	switch {
	case !isID(e.User), !isID(e.Channel), !isTS(e.EventTS):
		return h, "malformed"
	case e.User != me.user:
		return h, "member"
	case !s.opts.Greet:
		return h, "welcome"
	}
	who := e.Inviter
	if !isID(who) {
		who = e.User
	}
	h.Event = s.greeting(agent.Address{Platform: s.Name(), Workspace: team, Channel: e.Channel}, who, "joined."+e.EventTS)
	h.Sent = sentAt(e.EventTS)
	return h, ""
}

// greeting is an event for a word of welcome, which all at the place may read. id is its
// part of the message's.
func (s *Slack) greeting(at agent.Address, who, id string) bots.Event {
	return bots.Event{
		MessageID: agent.MessageID(at.Channel + "/" + id),
		Target:    agent.Target{Address: at, Recipient: who},
		Author:    agent.Author{ID: who, Name: cmp.Or(s.names.of(who), who)},
		Direct:    isDM(at.Channel),
		Greet:     true,
		Respond: func(ctx context.Context, markdown string) error {
			for _, m := range s.Render(markdown) {
				_, err := s.Post(ctx, agent.Target{Address: at}, "", m)
				if errors.Is(err, agent.ErrUndeliverable) {
					s.log.Info("slack: a welcome could not be written", "channel", at.Channel, "error", err)
					return nil
				}
				if err != nil {
					return err
				}
			}
			return nil
		},
	}
}

// opened converts that a person looks at the app: its home is brought up to date, and in
// the messages a first look is greeted, and prompts are suggested where there may be any.
func (s *Slack) opened(cb *callback, team string) (h happening, ignored string) {
	e := &cb.Event
	switch {
	case !isID(e.User), !isTS(e.EventTS):
		return h, "malformed"
	case e.Tab == "home":
		if s.opts.Home == nil {
			return h, "home"
		}
		h.do = func(ctx context.Context) { s.publishHome(ctx, team, cb.AppID, e.User) }
		return h, ""
	case e.Tab != "messages" || !isID(e.Channel):
		return h, "event app_home_opened"
	}
	at := agent.Address{Platform: s.Name(), Workspace: team, Channel: e.Channel}
	// The same for ever, so that one who looks again is not greeted again.
	h.Event = s.greeting(at, e.User, "greeting."+e.User)
	h.Sent = sentAt(e.EventTS)
	h.fill = func(ctx context.Context, _ *bots.Event) (bool, error) {
		s.suggest(ctx, e.Channel, "")
		if !s.opts.Greet || s.met.has(h.MessageID) {
			return false, nil
		}
		var page historyPage
		err := s.ask(ctx, historyMethod, url.Values{"channel": {e.Channel}, "limit": {"1"}}, &page)
		if err != nil || len(page.Messages) > 0 { // an unknown past is not greeted
			s.met.add(h.MessageID)
			return false, nil
		}
		return true, nil
	}
	return h, ""
}
