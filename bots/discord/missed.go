package discord

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// Bounds of one catch-up.
const (
	missedPages = 50   // of 100 messages, in one place
	missedCalls = 5000 // some minutes of calls
)

var (
	errSuperseded = errors.New("a new gateway session has begun")
	errEnough     = errors.New("a catch-up has its limits")
)

// reader reads what was missed: as a catch-up, several places side by side.
type reader struct {
	in     *intake
	pace   *rate.Limiter
	since  time.Time
	gap    missedSince
	urgent bool // somebody waits, so a new gateway session is no reason to stop
	last   bool // tell people of what cannot be taken in

	mu    sync.Mutex
	read  map[string]string // the last id that was read of a place, by channel
	calls int
	found int // messages that were handed on
}

// readMissed reads what was said since what was heard. read is where it goes on after
// a failure. DMs come first, for nothing else has to be known to read them; those in which
// nobody has said anything for long come last.
func (in *intake) readMissed(ctx context.Context, gap missedSince, read map[string]string, last bool) error {
	r := &reader{in: in, pace: rate.NewLimiter(rate.Every(catchUpPace), 1), gap: gap, read: read, last: last}
	r.since, _, _ = in.ledger.window(in.d.opts.CatchUp)
	active, err := in.d.opts.Memory.Active(ctx, Name, time.Now().Add(-activeFor))
	if err != nil {
		return err
	}
	recent, quiet := r.directs(ctx, active)
	if err = r.all(ctx, recent); over(ctx, err) {
		return err
	}
	errs := []error{err}
	select {
	case <-time.After(time.Until(gap.at.Add(settleIn))):
	case <-ctx.Done():
		return ctx.Err()
	}
	places, err := r.places(ctx, gap.guilds, active)
	if over(ctx, err) {
		return err
	}
	errs = append(errs, err)
	rest := slices.Concat(places, quiet)
	if err = r.all(ctx, rest); over(ctx, err) {
		return err
	}
	if err := errors.Join(append(errs, err)...); err != nil {
		return err
	}
	in.d.log.InfoContext(ctx, "caught up", "since", r.since, "messages", r.found, "places", len(recent)+len(rest), "calls", r.calls)
	return nil
}

// over reports whether a catch-up is over because of err, whatever remains to be read.
func over(ctx context.Context, err error) bool {
	return errors.Is(err, errSuperseded) || ctx.Err() != nil
}

// all reads places, the first ones first. Those that are closed to bobbin count as read,
// and so do those beyond the limits of a catch-up.
func (r *reader) all(ctx context.Context, places []source) error {
	var (
		wg   sync.WaitGroup
		mu   sync.Mutex
		next int
		errs []error
	)
	one := func() (more bool) {
		mu.Lock()
		n := next
		next++
		mu.Unlock()
		if n >= len(places) {
			return false
		}
		s := places[n]
		err := r.place(ctx, s)
		mu.Lock()
		defer mu.Unlock()
		switch {
		case err == nil:
		case errors.Is(err, errSuperseded), ctx.Err() != nil:
			next, errs = len(places), append(errs, err)
		case errors.Is(err, errEnough):
			if s.direct {
				r.in.directs.doubt(s.channel)
			}
			for _, s := range places[min(next, len(places)):] {
				if s.direct {
					r.in.directs.doubt(s.channel)
				}
			}
			r.in.d.log.WarnContext(ctx, "too much was missed to read it all", "since", r.since, "left_out", len(places)-n)
			next = len(places)
		case refused(err):
			r.in.d.log.DebugContext(ctx, "a place cannot be read", "channel", s.channel, "err", err)
		default:
			errs = append(errs, fmt.Errorf("channel %s: %w", s.channel, err))
		}
		return true
	}
	for range min(readers, len(places)) {
		wg.Go(func() {
			for one() {
			}
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}

// place reads what was said in one place, oldest first. What cannot be taken in ends
// it, so that order is kept.
func (r *reader) place(ctx context.Context, s source) error {
	after := r.reached(s.channel, "")
	if after == "" {
		after = snowflake(s.since)
	}
	for range missedPages {
		page, full, err := r.page(ctx, s, after)
		if err != nil {
			return err
		}
		answered := r.in.d.answered(page)
		for _, m := range page {
			r.in.ledger.arrived(m.ID, false)
			if !answered[m.ID] {
				if err := r.handOn(ctx, m); err != nil {
					return err
				}
			}
			after = r.reached(s.channel, m.ID)
		}
		if !full || len(page) == 0 {
			if s.direct {
				r.in.wholly(ctx, s.channel, r.gap.gap)
			}
			return nil
		}
	}
	r.in.d.log.WarnContext(ctx, "too much was missed in a channel to read it all", "channel", s.channel, "after", sent(after))
	return nil
}

// reached notes how far a place is read, if id is not empty, and returns it.
func (r *reader) reached(channel, id string) string {
	r.mu.Lock()
	defer r.mu.Unlock()
	if id != "" {
		r.read[channel] = id
	}
	return r.read[channel]
}

// page returns the next messages of a place, oldest first, without those that cannot be
// read, and whether there may be more.
func (r *reader) page(ctx context.Context, s source, after string) (page []message, full bool, err error) {
	var raw []json.RawMessage
	err = r.get(ctx, call{
		what: "read missed messages", method: http.MethodGet, path: []string{"channels", s.channel, "messages"},
		query: url.Values{"after": {after}, "limit": {strconv.Itoa(pageSize)}},
		route: "GET channels/" + s.channel + "/messages", out: &raw,
	})
	if err != nil {
		return nil, false, err
	}
	page = make([]message, 0, len(raw))
	for _, b := range raw {
		var m message
		if !r.in.decode(b, &m) {
			continue
		}
		if !validID(m.ID) || !newer(m.ID, after) {
			continue // would be read for ever
		}
		r.in.d.saw(m.ID)
		m.ChannelID, m.GuildID, m.late = s.channel, s.guild, true
		page = append(page, m)
	}
	slices.SortFunc(page, byID)
	return page, len(raw) >= pageSize, nil
}

// handOn takes one message the way of all messages, and waits until it is taken in.
func (r *reader) handOn(ctx context.Context, m message) error {
	in := r.in
	if !in.d.wanted(&m) {
		return nil
	}
	m.last, m.done = r.last, make(chan bool, 1)
	in.ledger.arrived(m.ID, true)
	select {
	case in.laneOf(m.ChannelID) <- func(ctx context.Context) { in.message(ctx, m) }:
	case <-ctx.Done():
		return ctx.Err()
	}
	select {
	case ok := <-m.done:
		if !ok {
			return fmt.Errorf("message %s could not be taken in", m.ID)
		}
		r.mu.Lock()
		defer r.mu.Unlock()
		r.found++
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// answered returns the messages that one of ours on the page is an answer to: they
// were taken in, or their author was told why not.
func (d *Discord) answered(page []message) map[string]bool {
	ids := make(map[string]bool)
	for _, m := range page {
		if d.isOurs(&m) && m.Reference != nil {
			ids[m.Reference.MessageID] = true
		}
	}
	return ids
}

// get makes one paced call.
func (r *reader) get(ctx context.Context, c call) error {
	r.mu.Lock()
	r.calls++
	enough := r.calls > missedCalls
	r.mu.Unlock()
	if enough {
		return errEnough
	}
	if err := r.pace.Wait(ctx); err != nil {
		return err
	}
	if !r.urgent && len(r.in.missed) > 0 {
		return errSuperseded
	}
	return r.in.d.patiently(ctx, func(ctx context.Context) error { return r.in.d.rest.do(ctx, c) })
}

// snowflake returns the smallest id of that time.
func snowflake(t time.Time) string {
	return strconv.FormatInt(max(0, t.UnixMilli()-epoch)<<22, 10)
}
