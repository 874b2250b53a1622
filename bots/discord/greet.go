package discord

import (
	"cmp"
	"context"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"bobbin/agent"
	"bobbin/bots"
)

const (
	// newFor is how long after bobbin has joined a server a welcome is still in order.
	newFor = 10 * time.Minute
	// greeting begins the ids of welcomes, which are no messages of anybody's.
	greetingID = "greet-"
)

// joined takes the news of a server. Discord tells of all servers after each start of a
// gateway session, and of one that was out of reach. When bobbin joined it shows whether
// it is there for the first time: since this process listens, or while none did.
func (in *intake) joined(g *guild) {
	d := in.d
	if !d.opts.Greet || g.Unavailable || !validID(g.ID) || !validID(g.SystemChannel) || !validID(g.Owner) {
		return
	}
	at, err := time.Parse(time.RFC3339, g.JoinedAt)
	if err != nil {
		return
	}
	offer(in, in.laneOf(g.SystemChannel), func(ctx context.Context) {
		now := time.Now()
		since := now.Add(-newFor)
		if heard := in.ledger.heard(); !heard.IsZero() && heard.Before(since) {
			since = heard
		}
		// Welcomes are remembered for no longer than that.
		if most := now.Add(-max(newFor, d.opts.CatchUp)); since.Before(most) {
			since = most
		}
		if at.Before(since) {
			return
		}
		in.greet(ctx, bots.Event{
			MessageID: place{g.SystemChannel, greetingID + strconv.FormatInt(at.UnixMilli(), 10)}.id(),
			Target:    agent.Target{Address: agent.Address{Platform: Name, Workspace: g.ID, Channel: g.SystemChannel}},
			Author:    agent.Author{ID: g.Owner},
			Sent:      at.UTC(),
		})
	})
}

// met has people welcomed who write to bobbin alone for the first time: nothing stands
// there but their message.
func (in *intake) met(ctx context.Context, m *message) {
	d := in.d
	if !d.opts.Greet || m.GuildID != "" || m.late {
		return
	}
	if _, ok := d.greeted.get(m.ChannelID); ok {
		return
	}
	var before []struct {
		ID string `json:"id"`
	}
	err := d.rest.do(ctx, call{
		what: "look for messages", method: http.MethodGet, path: []string{"channels", m.ChannelID, "messages"},
		query: url.Values{"before": {m.ID}, "limit": {"1"}}, route: "GET channels/" + m.ChannelID + "/messages", out: &before,
	})
	if err != nil {
		d.log.WarnContext(ctx, "whether a person is new could not be seen", "channel", m.ChannelID, "err", err)
		return
	}
	d.greeted.put(m.ChannelID, true)
	if len(before) > 0 {
		return
	}
	in.greet(ctx, bots.Event{
		MessageID: place{m.ChannelID, greetingID + m.Author.ID}.id(),
		Target: agent.Target{
			Address:   agent.Address{Platform: Name, Channel: m.ChannelID},
			Recipient: m.Author.ID,
		},
		Author: agent.Author{ID: m.Author.ID, Name: name(m.Author, m.Member)},
		Direct: true,
		Sent:   sent(m.ID),
	})
}

// greet offers a welcome, once. Nothing depends on it.
func (in *intake) greet(ctx context.Context, e bots.Event) {
	d := in.d
	if _, ok := d.greeted.get(string(e.MessageID)); ok {
		return
	}
	d.greeted.put(string(e.MessageID), true)
	e.Greet = true
	e.Respond = func(ctx context.Context, markdown string) error { return d.welcome(ctx, e.Target, markdown) }
	if err := in.accept(ctx, e); err != nil {
		d.log.WarnContext(ctx, "a welcome was not accepted", "channel", e.Target.Channel, "err", err)
	}
}

// welcome says something where nothing was said. A channel that bobbin may not write in
// stays without.
func (d *Discord) welcome(ctx context.Context, to agent.Target, markdown string) error {
	for i, page := range d.Render(markdown) {
		p := newPost(page)
		p.Nonce, p.Enforce = noteKey(cmp.Or(to.Workspace, to.Channel), i), true
		err := d.patiently(ctx, func(ctx context.Context) error {
			_, err := d.send(ctx, to.Channel, p)
			return err
		})
		if refused(err) {
			d.log.InfoContext(ctx, "a welcome could not be written", "channel", to.Channel, "err", err)
			return nil
		}
		if err != nil {
			return err
		}
	}
	return nil
}
