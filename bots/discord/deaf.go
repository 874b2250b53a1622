package discord

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"time"
)

const (
	// deafAfter is how long the gateway may tell nothing before bobbin looks whether
	// there was nothing to tell.
	deafAfter = 5 * time.Minute
	// deafBy is how much newer than what was heard a message has to be.
	deafBy = time.Minute
	// deafGrace is left to a message that is on its way just then.
	deafGrace = 10 * time.Second
	// probes is how many places are looked at.
	probes = 3
)

var errDeaf = errors.New("the gateway acknowledges heartbeats but no longer tells of messages")

// Deaf returns how often a connection was replaced because it no longer told of
// messages, although there were some.
func (d *Discord) Deaf() int { return int(d.deafs.Load()) }

// lively remembers the places where something was said last.
type lively struct {
	mu  sync.Mutex
	ids []string // newest first
}

func (l *lively) add(channel string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if i := slices.Index(l.ids, channel); i >= 0 {
		l.ids = slices.Delete(l.ids, i, i+1)
	} else if len(l.ids) == probes {
		l.ids = l.ids[:probes-1]
	}
	l.ids = slices.Insert(l.ids, 0, channel)
}

func (l *lively) list() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.ids)
}

// listen ends a connection that is open but deaf, until ctx ends. In a quiet guild it
// costs a few calls each five minutes.
func (in *intake) listen(ctx context.Context) {
	d := in.d
	looked := time.Now()
	accused := ""
	for {
		since := looked
		if t := d.toldAt(); t.After(since) {
			since = t
		}
		if wait := d.deafAfter - time.Since(since); wait > 0 {
			select {
			case <-time.After(wait):
				continue
			case <-ctx.Done():
				return
			}
		}
		looked = time.Now()
		if d.Ready() != nil || in.full.Load() > 0 {
			continue
		}
		link := in.link.Load()
		told := d.toldAt()
		id := in.unheard(ctx, accused)
		if id == "" || link == nil {
			continue
		}
		select {
		case <-time.After(deafGrace):
		case <-ctx.Done():
			return
		}
		if !d.toldAt().Equal(told) {
			continue
		}
		// One message is no reason twice: it may be one that is never told of.
		accused = id
		d.deafs.Add(1)
		d.log.WarnContext(ctx, "the gateway is deaf; connecting anew", "quiet", time.Since(told), "message", id)
		d.setState(fmt.Errorf("discord: disconnected: %w", errDeaf))
		link.close(away, errDeaf)
	}
}

// saw notes that a message is known. Those of a channel are told of by one goroutine,
// but a catch-up reads beside it.
func (d *Discord) saw(id string) {
	t := sent(id).UnixNano()
	for {
		old := d.newest.Load()
		if old >= t || d.newest.CompareAndSwap(old, t) {
			return
		}
	}
}

// toldAt returns when the gateway last told of anything.
func (d *Discord) toldAt() time.Time { return time.Unix(0, d.dispatched.Load()) }

// unheard returns the id of a message that should have been told of and was not.
func (in *intake) unheard(ctx context.Context, known string) string {
	d := in.d
	last := d.toldAt()
	// In the messages' own time, so that a wrong clock of ours raises no alarm.
	if t := time.Unix(0, d.newest.Load()); t.After(last) {
		last = t
	}
	for _, channel := range in.probed(ctx) {
		var page []message
		err := d.rest.do(ctx, call{
			what: "look for messages", method: http.MethodGet, path: []string{"channels", channel, "messages"},
			query: url.Values{"limit": {"1"}}, route: "GET channels/" + channel + "/messages", out: &page,
		})
		if err != nil {
			d.log.DebugContext(ctx, "a channel could not be looked at", "channel", channel, "err", err)
			continue
		}
		for _, m := range page {
			if validID(m.ID) && m.ID != known && !d.isOurs(&m) && sent(m.ID).After(last.Add(deafBy)) {
				return m.ID
			}
		}
	}
	return ""
}

// probed lists the places where something is most likely to have been said.
func (in *intake) probed(ctx context.Context) []string {
	ids := in.lively.list()
	if len(ids) < probes && in.d.opts.Memory != nil {
		active, err := in.d.opts.Memory.Active(ctx, Name, time.Now().Add(-activeFor))
		if err != nil {
			in.d.log.WarnContext(ctx, "active conversations", "err", err)
		}
		for _, a := range active[:min(len(active), probes)] {
			for _, id := range []string{a.Thread, a.Channel} {
				if validID(id) && !slices.Contains(ids, id) {
					ids = append(ids, id)
				}
			}
		}
	}
	return ids[:min(len(ids), probes)]
}
