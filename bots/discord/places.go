package discord

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"
)

const (
	// activeFor is how long after its last message a conversation is still looked at.
	activeFor = 30 * 24 * time.Hour
	// activePlaces bounds the conversations that no list of Discord's names, which
	// cost a call each.
	activePlaces = 500
)

// source is a place where something may have been said: a channel, thread or DM.
type source struct{ channel, guild string }

// listed is a channel in a list of Discord's. Its last message may be deleted, which
// does no harm here.
type listed struct {
	channel
	Last *string `json:"last_message_id"`
}

// places lists where something may have been said: what Discord's lists show to have
// changed, and the DMs and threads of conversations, because a bot cannot list its DMs,
// and a thread that has gone to rest is on no list.
func (r *reader) places(ctx context.Context, guilds []string) ([]source, error) {
	var (
		found, more []source
		errs        []error
		seen        = make(map[string]bool)
		after       = snowflake(r.since)
	)
	for _, guild := range guilds {
		channels, err := r.guild(ctx, guild)
		if errors.Is(err, errSuperseded) || ctx.Err() != nil {
			return nil, err
		}
		if err != nil && !refused(err) {
			errs = append(errs, fmt.Errorf("guild %s: %w", guild, err))
		}
		for _, c := range channels {
			if !validID(c.ID) || seen[c.ID] {
				continue
			}
			seen[c.ID] = true
			c.GuildID = guild
			r.in.d.remember(c.channel)
			if c.hasMessages() && c.Last != nil && newer(*c.Last, after) {
				found = append(found, source{c.ID, guild})
			}
		}
	}
	active, err := r.in.d.opts.Memory.Active(ctx, Name, time.Now().Add(-activeFor))
	if err != nil {
		errs = append(errs, err)
	}
	for _, a := range active {
		s := source{a.Channel, a.Workspace}
		if a.Thread != "" {
			s.channel = a.Thread
		}
		if (a.Thread == "" && a.Workspace != "") || !validID(s.channel) || seen[s.channel] {
			continue
		}
		seen[s.channel] = true
		if more = append(more, s); len(more) == activePlaces {
			r.in.d.log.WarnContext(ctx, "only the conversations that were active last are looked at for missed messages", "places", activePlaces)
			break
		}
	}
	return slices.Concat(found, more), errors.Join(errs...)
}

// guild lists a guild's channels and its threads that are not at rest.
func (r *reader) guild(ctx context.Context, id string) ([]listed, error) {
	var channels []listed
	err := r.get(ctx, call{
		what: "list the channels of a server", method: http.MethodGet, path: []string{"guilds", id, "channels"},
		route: "GET guilds/" + id + "/channels", out: &channels,
	})
	if err != nil {
		return nil, err
	}
	var active struct {
		Threads []listed `json:"threads"`
	}
	err = r.get(ctx, call{
		what: "list the threads of a server", method: http.MethodGet, path: []string{"guilds", id, "threads", "active"},
		route: "GET guilds/" + id + "/threads", out: &active,
	})
	return append(channels, active.Threads...), err
}

// Types of channels that hold no messages of their own.
const (
	channelCategory = 4
	channelForum    = 15
	channelMedia    = 16
)

func (c channel) hasMessages() bool {
	return c.Type != channelCategory && c.Type != channelForum && c.Type != channelMedia
}
