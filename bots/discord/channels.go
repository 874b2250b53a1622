package discord

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"time"

	"bobbin/bots"
)

// Types of channels.
const (
	channelText          = 0
	channelDM            = 1
	channelAnnouncements = 5
	threadAnnouncement   = 10
	threadPublic         = 11
	threadPrivate        = 12
)

// channel is what bobbin knows of a channel or thread.
type channel struct {
	ID       string  `json:"id"`
	GuildID  string  `json:"guild_id"`
	Type     int     `json:"type"`
	ParentID *string `json:"parent_id"`
	Name     *string `json:"name"`
}

func (c channel) isThread() bool {
	return c.Type == threadAnnouncement || c.Type == threadPublic || c.Type == threadPrivate
}

// canThread says that threads can hang on messages of the channel.
func (c channel) canThread() bool { return c.Type == channelText || c.Type == channelAnnouncements }

func (c channel) parent() string {
	if c.ParentID == nil {
		return ""
	}
	return *c.ParentID
}

func (c channel) name() string {
	if c.Name == nil {
		return ""
	}
	return *c.Name
}

func (d *Discord) remember(c channel) {
	if !validID(c.ID) || c.isThread() && !validID(c.parent()) {
		return
	}
	d.channels.put(c.ID, c)
}

// learn takes from an event what spares asking for it later. It reports whether it
// knows the event.
func (d *Discord) learn(name string, data json.RawMessage) bool {
	switch name {
	case "CHANNEL_UPDATE", "THREAD_CREATE", "THREAD_UPDATE":
		var c channel
		if json.Unmarshal(data, &c) != nil {
			d.counts.add(ignoredMalformed)
			return true
		}
		d.remember(c)
	case "CHANNEL_DELETE", "THREAD_DELETE":
		var c channel
		if json.Unmarshal(data, &c) != nil {
			d.counts.add(ignoredMalformed)
			return true
		}
		d.channels.drop(c.ID)
	default:
		return false
	}
	return true
}

// guild is a server.
type guild struct {
	ID            string    `json:"id"`
	Unavailable   bool      `json:"unavailable"`
	Owner         string    `json:"owner_id"`
	JoinedAt      string    `json:"joined_at"` // when bobbin joined
	SystemChannel string    `json:"system_channel_id"`
	Channels      []channel `json:"channels"`
	Threads       []channel `json:"threads"`
	Roles         []struct {
		ID   string `json:"id"`
		Tags *struct {
			BotID string `json:"bot_id"`
		} `json:"tags"`
	} `json:"roles"`
}

func (d *Discord) learnGuild(g *guild) {
	for _, c := range g.Channels {
		d.remember(c)
	}
	for _, c := range g.Threads {
		d.remember(c)
	}
	for _, r := range g.Roles {
		if r.Tags != nil && r.Tags.BotID != "" && r.Tags.BotID == d.self() {
			d.roles.put(g.ID, r.ID)
		}
	}
}

// channel returns what is known of a channel, asking Discord if need be.
func (d *Discord) channel(ctx context.Context, id string) (channel, error) {
	if c, ok := d.channels.get(id); ok {
		return c, nil
	}
	var c channel
	err := d.patiently(ctx, func(ctx context.Context) error {
		return d.rest.do(ctx, call{
			what: "look up a channel", method: http.MethodGet, path: []string{"channels", id},
			route: "GET channels/" + id, out: &c,
		})
	})
	if err != nil {
		return channel{}, err
	}
	c.ID = id
	if c.isThread() && !validID(c.parent()) {
		return channel{}, errors.New("look up a channel: a thread without a parent")
	}
	d.remember(c)
	return c, nil
}

// patiently does a small thing that may be done twice, until it works, Discord says
// no, or a few tries have failed.
func (d *Discord) patiently(ctx context.Context, do func(context.Context) error) error {
	const tries = 4
	pause := 250 * time.Millisecond
	for n := 1; ; n++ {
		err := do(ctx)
		if err == nil || n == tries || refused(err) {
			return err
		}
		wait := pause
		if e, ok := errors.AsType[*bots.RetryAfterError](err); ok {
			if wait = e.After; wait > 15*time.Second {
				return err
			}
		}
		pause *= 3
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return err
		}
	}
}
