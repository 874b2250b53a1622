package discord

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"bobbin/agent"
)

const (
	// activeFor is how long after its last message a conversation is still looked at.
	activeFor = 30 * 24 * time.Hour
	// activePlaces bounds the conversations that no list of Discord's names, which
	// cost a call each.
	activePlaces = 500
)

// source is a place where something may have been said: a channel, thread or DM.
type source struct {
	channel, guild string
	since          time.Time
	direct         bool   // a DM
	rank           int    // among the places where bobbin was spoken to last
	last           string // message, as a list has it
}

// listed is a channel in a list of Discord's. Its last message may be deleted, which
// does no harm here.
type listed struct {
	channel
	Last *string `json:"last_message_id"`
}

// directs lists the DMs: those where something has just happened and those where bobbin was
// spoken to, the last ones first, and then the quiet ones.
func (r *reader) directs(ctx context.Context, active []agent.Address) (recent, quiet []source) {
	in := r.in
	seen := make(map[string]bool)
	add := func(to *[]source, channel string) {
		switch {
		case !validID(channel) || seen[channel]:
			return
		case len(recent)+len(quiet) < activePlaces:
			*to = append(*to, source{channel: channel, since: in.directSince(channel), direct: true})
		default:
			if len(seen) == activePlaces {
				r.enough(ctx)
			}
			in.directs.doubt(channel)
		}
		seen[channel] = true
	}
	for _, channel := range in.directs.partly() {
		add(&recent, channel)
	}
	for _, a := range active {
		if a.Workspace == "" && a.Thread == "" {
			add(&recent, a.Channel)
		}
	}
	for _, channel := range in.directs.all() {
		add(&quiet, channel)
	}
	return recent, quiet
}

func (r *reader) enough(ctx context.Context) {
	r.in.d.log.WarnContext(ctx, "only the conversations that were active last are looked at for missed messages", "places", activePlaces)
}

// places lists where something may have been said in a server: what Discord's lists show
// to have changed, and the threads of conversations, because one that has gone to rest is
// on no list. Those where bobbin was spoken to last come first.
func (r *reader) places(ctx context.Context, guilds []string, active []agent.Address) ([]source, error) {
	var (
		found []source
		errs  []error
		seen  = make(map[string]bool)
		ranks = make(map[string]int)
		after = snowflake(r.since)
	)
	for n, a := range active {
		for _, id := range []string{a.Channel, a.Thread} {
			if _, ok := ranks[id]; !ok {
				ranks[id] = n
			}
		}
	}
	rank := func(channel string) int {
		if n, ok := ranks[channel]; ok {
			return n
		}
		return len(active)
	}
	for _, guild := range guilds {
		channels, err := r.guild(ctx, guild)
		if over(ctx, err) {
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
				found = append(found, source{channel: c.ID, guild: guild, since: r.since, rank: rank(c.ID), last: *c.Last})
			}
		}
	}
	more := 0
	for n, a := range active {
		if a.Thread == "" || !validID(a.Thread) || seen[a.Thread] {
			continue
		}
		seen[a.Thread] = true
		found = append(found, source{channel: a.Thread, guild: a.Workspace, since: r.since, rank: n})
		if more++; more == activePlaces {
			r.enough(ctx)
			break
		}
	}
	slices.SortStableFunc(found, func(a, b source) int {
		return cmp.Or(cmp.Compare(a.rank, b.rank), byID(message{ID: b.last}, message{ID: a.last}))
	})
	return found, errors.Join(errs...)
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
