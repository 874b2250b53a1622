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
	"time"

	"github.com/cenkalti/backoff/v5"
	"golang.org/x/time/rate"
)

const (
	// overlap is read again before what was heard: messages of different channels
	// reach the gateway in no strict order.
	overlap = 2 * time.Minute
	// settleIn is how long a new gateway session may tell of its guilds before the
	// catch-up begins.
	settleIn = 3 * time.Second
	// catchUpPace is the time between two calls of a catch-up, which leaves most of
	// the account's 50 a second to the answers.
	catchUpPace = 300 * time.Millisecond
	// quietTries is how many catch-ups may fail at a message before its author is
	// told that it could not be taken in.
	quietTries = 6
)

// missedSince is the start of what a catch-up has to read.
type missedSince struct {
	guilds []string
	at     time.Time // from then on the gateway tells
	gap    int
}

// catchesUp reports whether there is a memory to catch up from.
func (d *Discord) catchesUp() bool { return d.opts.Memory != nil && d.opts.CatchUp > 0 }

// began is told of a new gateway session, before anything that it brings. It never
// waits.
func (in *intake) began(id identity) {
	now := time.Now()
	in.d.dispatched.Store(now.UnixNano())
	if !in.d.catchesUp() {
		in.ledger.release(0, now)
		return
	}
	select {
	case <-in.missed:
	default:
	}
	in.missed <- missedSince{guilds: id.guilds, at: now, gap: in.ledger.hold()}
}

// catchUp reads what was said while nobody listened, after each start of a gateway
// session and for what could not be taken in. What fails is tried again.
func (in *intake) catchUp(ctx context.Context) {
	if !in.recall(ctx) {
		return
	}
	pace := backoff.NewExponentialBackOff()
	pace.InitialInterval, pace.Multiplier, pace.MaxInterval = 10*time.Second, 2, 10*time.Minute
	var (
		gap   missedSince
		next  <-chan time.Time
		read  = make(map[string]string)
		tries int
	)
	for {
		select {
		case gap = <-in.missed:
			clear(read)
			pace.Reset()
			tries, next = 0, time.After(settleIn)
			if in.ledger.heard().IsZero() { // the first run ever: there is nothing to read
				in.ledger.release(gap.gap, gap.at)
				next = nil
			}
			continue
		case <-in.again:
			if next == nil {
				clear(read)
				next = time.After(pace.NextBackOff())
			}
			continue
		case <-next:
		case <-ctx.Done():
			return
		}
		next = nil
		tries++
		err := in.readMissed(ctx, gap, read, tries > quietTries)
		switch {
		case err == nil:
			in.ledger.release(gap.gap, gap.at)
			tries = 0
			pace.Reset()
		case ctx.Err() != nil:
			return
		case errors.Is(err, errSuperseded):
		default:
			wait := pace.NextBackOff()
			in.d.log.WarnContext(ctx, "not everything that was missed could be read", "err", err, "wait", wait)
			next = time.After(wait)
		}
	}
}

// recall asks the memory how far earlier runs have heard, until it answers.
func (in *intake) recall(ctx context.Context) bool {
	pace := backoff.NewExponentialBackOff()
	pace.MaxInterval = time.Minute
	for {
		t, err := in.d.opts.Memory.Heard(ctx, Name)
		if err == nil {
			in.ledger.begin(t)
			return true
		}
		in.d.log.WarnContext(ctx, "how far Discord was heard is not known", "err", err)
		select {
		case <-time.After(pace.NextBackOff()):
		case <-ctx.Done():
			return false
		}
	}
}

// Bounds of one catch-up.
const (
	missedPages = 50   // of 100 messages, in one place
	missedCalls = 2000 // ten minutes of calls
)

var (
	errSuperseded = errors.New("a new gateway session has begun")
	errEnough     = errors.New("a catch-up has its limits")
)

// reader is one catch-up.
type reader struct {
	in    *intake
	pace  *rate.Limiter
	since time.Time
	read  map[string]string // the last id that was read of a place, by channel
	last  bool              // tell people of what cannot be taken in
	calls int
	found int // messages that were handed on
}

// readMissed reads what was said since what was heard. read is where it goes on after
// a failure.
func (in *intake) readMissed(ctx context.Context, gap missedSince, read map[string]string, last bool) error {
	heard := in.ledger.heard()
	r := &reader{in: in, pace: rate.NewLimiter(rate.Every(catchUpPace), 1), read: read, last: last}
	r.since = heard.Add(-overlap)
	if most := time.Now().Add(-in.d.opts.CatchUp); r.since.Before(most) {
		r.since = most
	}
	places, err := r.places(ctx, gap.guilds)
	if errors.Is(err, errSuperseded) {
		return err
	}
	errs := []error{err}
	for n, s := range places {
		err := r.place(ctx, s)
		switch {
		case err == nil:
		case errors.Is(err, errSuperseded), ctx.Err() != nil:
			return err
		case errors.Is(err, errEnough):
			in.d.log.WarnContext(ctx, "too much was missed to read it all", "since", r.since, "left_out", len(places)-n)
			return errors.Join(errs...)
		case refused(err):
			in.d.log.DebugContext(ctx, "a place cannot be read", "channel", s.channel, "err", err)
		default:
			errs = append(errs, fmt.Errorf("channel %s: %w", s.channel, err))
		}
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	in.d.log.InfoContext(ctx, "caught up", "since", r.since, "messages", r.found, "places", len(places), "calls", r.calls)
	return nil
}

// place reads what was said in one place, oldest first. What cannot be taken in ends
// it, so that order is kept.
func (r *reader) place(ctx context.Context, s source) error {
	after := r.read[s.channel]
	if after == "" {
		after = snowflake(r.since)
	}
	for range missedPages {
		page, err := r.page(ctx, s, after)
		if err != nil {
			return err
		}
		if len(page) == 0 {
			return nil
		}
		answered := r.in.d.answered(page)
		for _, m := range page {
			r.in.ledger.arrived(m.ID, false)
			if !answered[m.ID] {
				if err := r.handOn(ctx, m); err != nil {
					return err
				}
			}
			after = m.ID
			r.read[s.channel] = after
		}
		if len(page) < pageSize {
			return nil
		}
	}
	r.in.d.log.WarnContext(ctx, "too much was missed in a channel to read it all", "channel", s.channel, "after", sent(after))
	return nil
}

// page returns the next messages of a place, oldest first. It has none that cannot be
// read.
func (r *reader) page(ctx context.Context, s source, after string) ([]message, error) {
	var raw []json.RawMessage
	err := r.get(ctx, call{
		what: "read missed messages", method: http.MethodGet, path: []string{"channels", s.channel, "messages"},
		query: url.Values{"after": {after}, "limit": {strconv.Itoa(pageSize)}},
		route: "GET channels/" + s.channel + "/messages", out: &raw,
	})
	if err != nil {
		return nil, err
	}
	page := make([]message, 0, len(raw))
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
	return page, nil
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
	if r.calls++; r.calls > missedCalls {
		return errEnough
	}
	if err := r.pace.Wait(ctx); err != nil {
		return err
	}
	if len(r.in.missed) > 0 {
		return errSuperseded
	}
	return r.in.d.patiently(ctx, func(ctx context.Context) error { return r.in.d.rest.do(ctx, c) })
}

// snowflake returns the smallest id of that time.
func snowflake(t time.Time) string {
	return strconv.FormatInt(max(0, t.UnixMilli()-epoch)<<22, 10)
}
