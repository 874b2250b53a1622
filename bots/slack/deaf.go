package slack

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"strconv"
	"time"

	"bobbin/agent"
)

const (
	// deafAfter is how long nothing may come in before the silence is looked into.
	deafAfter = 5 * time.Minute
	// longestQuiet bounds that time where it grows: an app that is not subscribed to
	// what it finds in its channels is not deaf, and no new connection helps it.
	longestQuiet = time.Hour
	// probePlaces is how many places are looked into. With one call each they are all
	// the calls that a quiet workspace costs.
	probePlaces = 3
	probeLimit  = 5
	// deafBy is how much newer than what was heard a message is that should have come,
	// and deafGrace how long it may still be on its way.
	deafBy    = time.Minute
	deafGrace = 20 * time.Second
)

// Deaf returns how many connections have turned out to be open but silent while people
// were writing.
func (s *Slack) Deaf() int { return int(s.deafs.Load()) }

// silent reports whether nothing has come in for so long that it has to be looked into,
// and up to when messages are known of.
func (h *hearing) silent(quiet time.Duration) (known, arrived time.Time, ok bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	quiet = min(quiet<<min(h.strikes, 10), max(quiet, longestQuiet))
	now := time.Now()
	if !h.connected || now.Sub(h.arrived) < quiet || now.Sub(h.probed) < quiet {
		return known, arrived, false
	}
	h.probed = now
	known = h.last
	if h.overheard.After(known) {
		known = h.overheard
	}
	return known, h.arrived, true
}

// deaf notes that a message said at that time did not come, if nothing has come in
// meanwhile. It returns what replaces the connection, nil if nothing does.
func (h *hearing) deaf(at, arrived time.Time) (reconnect context.CancelFunc, ok bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.connected || !h.arrived.Equal(arrived) {
		return nil, false
	}
	h.strikes++
	h.overheard = at
	h.hole(h.sure())
	if h.reconnect == nil {
		h.nudge()
		return nil, true
	}
	h.connected, h.down = false, time.Now()
	return h.reconnect, true
}

// probe looks, when it has been silent for long, whether people are writing where
// bobbin was spoken to last.
func (s *Slack) probe(ctx context.Context) {
	known, arrived, ok := s.hear.silent(s.quiet)
	if !ok {
		return
	}
	places, err := s.opts.Memory.Active(ctx, s.Name(), time.Now().Add(-activeFor))
	if err != nil {
		s.log.Warn("slack: a silent connection was not looked into", "error", err)
		return
	}
	for _, a := range places[:min(len(places), probePlaces)] {
		ts, err := s.newer(ctx, a, known.Add(deafBy))
		if err != nil {
			s.log.Debug("slack: a silent connection was not looked into", "channel", a.Channel, "error", err)
			continue
		}
		if ts == "" {
			continue
		}
		if sleep(ctx, deafGrace) == nil {
			s.foundDeaf(a.Channel, ts, arrived)
		}
		return
	}
}

// foundDeaf gives up a connection on which a message did not come.
func (s *Slack) foundDeaf(channel, ts string, arrived time.Time) {
	reconnect, ok := s.hear.deaf(sentAt(ts), arrived)
	if !ok {
		return
	}
	s.deafs.Add(1)
	if reconnect == nil {
		err := fmt.Errorf("slack: people write in %s, but no events come; check the request URL and the event subscriptions of the app", channel)
		s.deafness.set(err)
		s.log.Warn("slack: no events come", "channel", channel, "message", ts, "error", err)
		return
	}
	s.deafness.set(fmt.Errorf("slack: the connection was open but silent while people wrote in %s; replacing it", channel))
	s.log.Warn("slack: the connection is open but silent; replacing it", "channel", channel, "message", ts)
	reconnect()
}

// newer returns a message at a place that is newer than after and not bobbin's own, or
// nothing. It makes one call and does not insist.
func (s *Slack) newer(ctx context.Context, a agent.Address, after time.Time) (ts string, err error) {
	method := historyMethod
	form := url.Values{"channel": {a.Channel}, "oldest": {stampOf(after)}, "limit": {strconv.Itoa(probeLimit)}}
	if a.Thread != "" {
		method = repliesMethod
		form.Set("ts", a.Thread)
	}
	var page historyPage
	if err := s.call(ctx, method, form, &page); err != nil {
		return "", err
	}
	me := s.identity()
	for _, raw := range page.Messages {
		var m past
		if json.Unmarshal(raw, &m) != nil || !isTS(m.TS) || !sentAt(m.TS).After(after) {
			continue
		}
		mine := m.User == me.user || (m.BotID != "" && m.BotID == me.bot)
		if !mine && m.TS > ts {
			ts = m.TS
		}
	}
	return ts, nil
}
