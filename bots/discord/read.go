package discord

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strconv"

	"bobbin/agent"
	"bobbin/bots"
)

var _ bots.Reader = (*Discord)(nil)

// maxRead bounds how many messages Read returns.
const maxRead = 500

// messageStarter is the type of the first entry of a thread, which is only a reference to
// the message that the thread hangs on.
const messageStarter = 21

// Read implements bots.Reader. Of a thread that is not there, such as one that has yet to
// be opened, it reads the channel instead.
func (d *Discord) Read(ctx context.Context, at agent.Address, limit int) ([]bots.Quote, error) {
	if err := check(agent.Target{Address: at}); err != nil {
		return nil, err
	}
	limit = min(limit, maxRead)
	if at.Thread != "" {
		quotes, err := d.latest(ctx, at.Thread, at.Workspace, limit)
		if code(err) != codeUnknownChannel {
			return quotes, postError(err)
		}
	}
	quotes, err := d.latest(ctx, at.Channel, at.Workspace, limit)
	return quotes, postError(err)
}

// latest reads the newest messages of a channel, oldest first. What says nothing is left
// out and does not count.
func (d *Discord) latest(ctx context.Context, channel, guild string, limit int) (quotes []bots.Quote, err error) {
	before := ""
	for range maxRead / pageSize {
		if len(quotes) >= limit {
			break
		}
		query := url.Values{"limit": {strconv.Itoa(pageSize)}}
		if before != "" {
			query.Set("before", before)
		}
		var page []json.RawMessage
		err := d.patiently(ctx, func(ctx context.Context) error {
			return d.rest.do(ctx, call{
				what: "read messages", method: http.MethodGet, path: []string{"channels", channel, "messages"}, query: query,
				route: "GET channels/" + channel + "/messages", out: &page,
			})
		})
		if err != nil {
			return nil, err
		}
		for _, raw := range page {
			var m message
			if json.Unmarshal(raw, &m) != nil || !validID(m.ID) {
				continue
			}
			if before == "" || newer(before, m.ID) {
				before = m.ID
			}
			m.ChannelID, m.GuildID = channel, guild
			if q, ok := d.said(&m); ok {
				quotes = append(quotes, q)
			}
		}
		if len(page) < pageSize {
			break
		}
	}
	slices.SortFunc(quotes, func(a, b bots.Quote) int { return byPlace(a.ID, b.ID) })
	return quotes[max(0, len(quotes)-max(0, limit)):], nil
}

// said is what a message of the history says, if it says anything.
func (d *Discord) said(m *message) (bots.Quote, bool) {
	if m.Type == messageStarter && m.Referenced != nil && validID(m.Referenced.ID) {
		channel := m.ChannelID
		m, m.Referenced.GuildID = m.Referenced, m.GuildID
		if !validID(m.ChannelID) {
			m.ChannelID = channel
		}
	}
	switch m.Type {
	case messageDefault, messageReply, messageCommand, messageMenu:
	default:
		return bots.Quote{}, false
	}
	q := d.quoted(m)
	return q, q.Text != "" || len(q.Files) > 0
}

func byPlace(a, b agent.MessageID) int {
	p, _ := parsePlace(a)
	q, _ := parsePlace(b)
	return byID(message{ID: p.message}, message{ID: q.message})
}
