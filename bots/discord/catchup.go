package discord

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/cenkalti/backoff/v5"

	"bobbin/bots"
)

const (
	// overlap is read again before what was heard: messages of different channels
	// reach the gateway in no strict order.
	overlap = 2 * time.Minute
	// settleIn is how long a new gateway session may tell of its guilds before they are
	// read.
	settleIn = 3 * time.Second
	// catchUpPace is the time between two calls of a catch-up, which leaves more than half
	// of the account's 50 a second to the answers.
	catchUpPace = 50 * time.Millisecond
	// readers is how many places are read side by side, so that the way to Discord and
	// back does not set the pace.
	readers = 4
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
			tries, next = 0, time.After(0)
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
		err := in.recallOnce(ctx)
		if err == nil {
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

// firstHeard is the name under which the memory keeps when bobbin first listened.
const firstHeard = Name + " first"

func (in *intake) recallOnce(ctx context.Context) error {
	memory := in.d.opts.Memory
	heard, err := memory.Heard(ctx, Name)
	if err != nil {
		return err
	}
	first, err := memory.Heard(ctx, firstHeard)
	if err != nil {
		return err
	}
	if first.IsZero() {
		if first = time.Now(); !heard.IsZero() {
			first = heard.Add(-overlap)
		}
		if err := memory.SetHeard(ctx, firstHeard, first); err != nil {
			return err
		}
	}
	if m, ok := memory.(bots.Directory); ok {
		channels, err := m.Directs(ctx, Name)
		if err != nil {
			return err
		}
		for _, channel := range slices.Backward(channels[:min(len(channels), maxDirects)]) {
			in.directs.read(channel, 0)
		}
	}
	in.ledger.begin(heard, first)
	return nil
}
