package discord

import (
	"context"
	"hash/crc32"
	"strconv"
	"strings"
	"time"

	"bobbin/agent"
	"bobbin/bots"
)

// accepted is what is remembered of a message that was taken in.
type accepted struct {
	late   bool // by a catch-up
	direct bool
	target agent.Target
	author agent.Author
}

// edited takes what the gateway tells of a message that is no longer as it was. That is
// an edit if its text is another. Discord tells of previews and pins in the same way: the
// time of the last edit shows which it is.
func (in *intake) edited(m message) {
	d := in.d
	// Nobody can edit all text away. Without it this tells of something else, or the
	// message content intent is missing.
	empty := strings.TrimSpace(m.Content) == "" && len(m.Attachments) == 0
	if m.Edited == nil || *m.Edited == "" || m.Author == nil || empty {
		d.counts.add(ignoredUnedited)
		return
	}
	version := short(*m.Edited, 40) + "-" + strconv.FormatUint(uint64(crc32.ChecksumIEEE([]byte(m.Content))), 36)
	if last, ok := d.edits.get(m.ID); ok && last == version {
		d.counts.add(ignoredUnedited)
		return
	}
	// A mention may have been taken out of what was said to bobbin.
	_, m.heeded = d.taken.get(m.ID)
	if !m.heeded && !d.wanted(&m) || m.heeded && (!validID(m.ChannelID) || !validID(m.Author.ID)) {
		return
	}
	d.edits.put(m.ID, version)
	m.changed = true
	offer(in, in.laneOf(m.ChannelID), func(ctx context.Context) {
		e, ok, err := d.event(ctx, &m)
		if err == nil && ok {
			e.Change, e.EventID = bots.Edited, m.ID+"@"+version
			err = in.submit(ctx, e)
		}
		in.unchanged(ctx, err, m.ID)
	})
}

// unchanged deals with a change that could not be taken in: what it changed stays.
func (in *intake) unchanged(ctx context.Context, err error, message string) {
	if err == nil {
		return
	}
	in.d.counts.add(ignoredUnaccepted)
	in.d.log.ErrorContext(ctx, "the change of a message could not be taken in", "message", message, "err", err)
}

// removal is what the gateway tells of messages that are gone. It does not say whose.
type removal struct {
	ID        string   `json:"id"`
	IDs       []string `json:"ids"`
	ChannelID string   `json:"channel_id"`
	GuildID   string   `json:"guild_id"`
}

// maxRemoved is how many messages Discord lets be deleted at once.
const maxRemoved = 100

// deleted takes a removal.
func (in *intake) deleted(r removal) {
	if !validID(r.ChannelID) || r.GuildID != "" && !validID(r.GuildID) {
		in.d.counts.add(ignoredMalformed)
		return
	}
	ids := r.IDs[:min(len(r.IDs), maxRemoved)]
	if r.ID != "" {
		ids = append(ids, r.ID)
	}
	for _, id := range ids {
		at := place{r.ChannelID, id}
		switch _, ours := in.d.keys.get(string(at.id())); {
		case !validID(id):
			in.d.counts.add(ignoredMalformed)
		case ours:
			in.d.counts.add(ignoredOwn)
		default:
			offer(in, in.laneOf(r.ChannelID), func(ctx context.Context) {
				e, err := in.d.removed(ctx, at, r.GuildID)
				if err == nil {
					err = in.submit(ctx, e)
				}
				in.unchanged(ctx, err, id)
			})
		}
	}
}

// removed is the event of a deletion. Of a message that this process did not take in, the
// author is not known; its session is the one that it would have been in as a question.
func (d *Discord) removed(ctx context.Context, at place, guild string) (bots.Event, error) {
	m := &message{ID: at.message, ChannelID: at.channel, GuildID: guild}
	e := bots.Event{
		EventID: at.message + "-deleted", MessageID: at.id(), Change: bots.Deleted, Sent: time.Now().UTC(), Direct: guild == "",
		Target:  agent.Target{Address: agent.Address{Platform: Name, Workspace: guild, Channel: at.channel}},
		Respond: func(ctx context.Context, markdown string) error { return d.respond(ctx, m, markdown) },
	}
	if a, ok := d.taken.get(at.message); ok {
		e.Target, e.Author, e.Direct = a.target, a.author, a.direct
		return e, nil
	}
	if e.Direct {
		return e, nil
	}
	c, err := d.channel(ctx, at.channel)
	switch {
	case err != nil && !refused(err):
		return e, err
	case err == nil && c.isThread():
		e.Target.Channel, e.Target.Thread = c.parent(), at.channel
	default:
		if err != nil {
			c.Type = -1
		}
		e.Target.Address = d.inChannel(e.Target.Address, c, at.message, "")
	}
	return e, nil
}
