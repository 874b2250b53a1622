package slack

import (
	"context"

	"bobbin/agent"
	"bobbin/bots"

	slackgo "github.com/slack-go/slack"
)

var _ bots.Threader = (*Slack)(nil)

// place is the session that something belongs to which user does to a message. In a DM that
// is the DM itself unless the message is a reply there; in a channel it depends on the
// channel's rules.
func (s *Slack) place(team string, on post, user string) agent.Address {
	at := agent.Address{Platform: s.Name(), Workspace: team, Channel: on.Channel}
	switch {
	case on.ThreadTS != "" && on.ThreadTS != on.TS:
		at.Thread = on.ThreadTS
		return at
	case on.ChannelType == "im" || isDM(on.Channel):
		return at
	}
	return s.inChannel(at, on.TS, user)
}

// inChannel is the session of what user says in a channel itself; root is the message that
// would begin a thread.
func (s *Slack) inChannel(at agent.Address, root, user string) agent.Address {
	return s.opts.Channels.In(at.Channel).Session.Place(at, root, user)
}

// below is the answer of bobbin's that a message is in a thread of. In a DM a thread is a
// conversation that begins with its first message.
func below(p post, me identity) *bots.Reply {
	if p.ThreadTS == "" || p.ThreadTS == p.TS || p.ParentUser != me.user || me.user == "" || isDM(p.Channel) {
		return nil
	}
	return &bots.Reply{To: messageID(p.Channel, p.ThreadTS)}
}

// OpenThread implements bots.Threader: each message has a thread.
func (s *Slack) OpenThread(ctx context.Context, at agent.Address, key, markdown string) (agent.Address, string, error) {
	at.Thread, at.User = "", ""
	to := agent.Target{Address: at}
	key = keyOf(key)
	id, err := s.postText(ctx, to, key, mrkdwn(markdown))
	if err != nil && !certain(err) {
		if found, errFind := s.Find(ctx, to, key); errFind == nil {
			id, err = found, nil
		}
	}
	if err != nil {
		return at, "", &threadError{err: err, public: s.refusal(err, isDM(at.Channel))}
	}
	_, at.Thread, err = splitID(id)
	if err != nil {
		return at, "", err
	}
	link, err := s.api.GetPermalinkContext(ctx, &slackgo.PermalinkParameters{Channel: at.Channel, Ts: at.Thread})
	if err != nil {
		s.log.Info("slack: there is no link to a message", "message", id, "error", explain("chat.getPermalink", err))
	}
	return at, link, nil
}

// threadError says why a thread could not be opened.
type threadError struct {
	err    error
	public string
}

func (e *threadError) Error() string  { return "open a thread: " + e.err.Error() }
func (e *threadError) Unwrap() error  { return e.err }
func (e *threadError) Public() string { return e.public }
