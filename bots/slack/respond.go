package slack

import (
	"context"

	"bobbin/agent"

	slackgo "github.com/slack-go/slack"
)

// responder returns Respond for a message: ephemeral where others could see it, an
// ordinary message in a DM.
func (s *Slack) responder(at agent.Address, p post, direct bool) func(context.Context, string) error {
	channel, user, thread := p.Channel, p.User, p.ThreadTS
	return func(ctx context.Context, markdown string) error {
		for _, m := range s.Render(markdown) {
			if direct {
				if _, err := s.Post(ctx, agent.Target{Address: at}, "", m); err != nil {
					return err
				}
				continue
			}
			c, _ := contentOf(m, inMarkdown, maxPostText)
			opts := c.options()
			if thread != "" {
				// In a thread that has no reply yet, nobody would see it.
				opts = append(opts, slackgo.MsgOptionTS(thread))
			}
			if _, err := s.api.PostEphemeralContext(ctx, channel, user, opts...); err != nil {
				return fault("chat.postEphemeral", err)
			}
		}
		return nil
	}
}
