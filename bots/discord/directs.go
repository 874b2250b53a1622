package discord

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"bobbin/bots"
)

const (
	// readBackIn bounds reading a DM before what was just said in it is taken in.
	readBackIn = 5 * time.Second
	// readBackPages bounds it too; a catch-up has more patience.
	readBackPages = 5
	// maxDirects bounds the DMs that are known. One that is forgotten is read once more
	// when something happens in it.
	maxDirects = 10_000
)

// directs knows the DMs. Discord lists them nowhere for a bot: there are those in which
// something was seen to happen.
type directs struct {
	mu    sync.Mutex
	known map[string]direct // by channel
}

type direct struct {
	// whole says that everything in the catch-up's window was read once. From then on
	// nothing is missing but what was not heard.
	whole bool
	// gap is the last one in which the DM was looked at.
	gap int
}

func (s *directs) put(channel string, d direct) {
	if s.known == nil {
		s.known = make(map[string]direct)
	}
	if _, ok := s.known[channel]; !ok && len(s.known) >= maxDirects {
		for other := range s.known {
			delete(s.known, other)
			break
		}
	}
	s.known[channel] = d
}

// claim reports whether nobody has looked at a DM since this gap, and that the caller
// does.
func (s *directs) claim(channel string, gap int) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	d, ok := s.known[channel]
	if ok && d.gap >= gap {
		return false
	}
	s.put(channel, direct{whole: d.whole, gap: gap})
	return true
}

// read notes that a DM was read, and reports whether that is known for the first time.
func (s *directs) read(channel string, gap int) (first bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	d := s.known[channel]
	s.put(channel, direct{whole: true, gap: max(d.gap, gap)})
	return !d.whole
}

// doubt notes that a catch-up has left a DM out.
func (s *directs) doubt(channel string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.put(channel, direct{})
}

func (s *directs) whole(channel string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.known[channel].whole
}

// partly lists the DMs that were never read whole.
func (s *directs) partly() (channels []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for channel, d := range s.known {
		if !d.whole {
			channels = append(channels, channel)
		}
	}
	return channels
}

// all lists the DMs.
func (s *directs) all() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Collect(maps.Keys(s.known))
}

// direct takes the news that something happens in a DM: what was missed there is taken in
// before it. In a DM that was not known something may have been said long before the last
// time that nobody listened, so all of the window is read.
func (in *intake) direct(channel, before string) {
	if !in.d.catchesUp() || !validID(channel) {
		return
	}
	if gap := in.ledger.session(); in.directs.claim(channel, gap) {
		offer(in, in.laneOf(channel), func(ctx context.Context) { in.readBack(ctx, channel, before, gap) })
	}
}

// readBack takes in what was said in a DM before a message, or up to now if before is
// empty. What fails is left to a catch-up.
func (in *intake) readBack(ctx context.Context, channel, before string, gap int) {
	err := errors.New("what earlier runs have heard is not known yet")
	found := 0
	if _, _, ok := in.ledger.window(in.d.opts.CatchUp); ok {
		found, err = in.readBackOnce(ctx, channel, before)
	}
	switch {
	case refused(err):
		in.d.log.DebugContext(ctx, "a direct message channel cannot be read", "channel", channel, "err", err)
	case err != nil:
		in.d.log.WarnContext(ctx, "what was missed in a direct message channel is left to the next catch-up", "channel", channel, "err", err)
		in.left()
	default:
		in.wholly(ctx, channel, gap)
		if found > 0 {
			in.d.log.InfoContext(ctx, "read what was missed in a direct message channel", "channel", channel, "messages", found)
		}
	}
}

func (in *intake) readBackOnce(ctx context.Context, channel, before string) (found int, err error) {
	reading, cancel := context.WithTimeout(ctx, readBackIn)
	defer cancel()
	r := &reader{in: in, pace: rate.NewLimiter(rate.Inf, 1), urgent: true}
	s := source{channel: channel, since: in.directSince(channel)}
	after := snowflake(s.since)
	var missed []message
	for n := 0; ; n++ {
		page, full, err := r.page(reading, s, after)
		if err != nil {
			return 0, err
		}
		for _, m := range page {
			after = m.ID
			if before == "" || newer(before, m.ID) {
				missed = append(missed, m)
			}
		}
		if !full || len(page) == 0 || before != "" && !newer(before, after) {
			break
		}
		if n == readBackPages {
			return 0, errEnough
		}
	}
	answered := in.d.answered(missed)
	for _, m := range missed {
		if answered[m.ID] || !in.d.wanted(&m) {
			continue
		}
		m.done = make(chan bool, 1)
		in.ledger.arrived(m.ID, true)
		in.message(ctx, m)
		if !<-m.done {
			return found, errors.New("message " + m.ID + " could not be taken in")
		}
		found++
	}
	return found, nil
}

// directSince is from when a DM has to be read.
func (in *intake) directSince(channel string) time.Time {
	recent, all, _ := in.ledger.window(in.d.opts.CatchUp)
	if in.directs.whole(channel) {
		return recent
	}
	return all
}

// wholly notes that a DM was read, also for later runs. Those that have not noted it
// read all of its window again.
func (in *intake) wholly(ctx context.Context, channel string, gap int) {
	if !in.directs.read(channel, gap) {
		return
	}
	memory, ok := in.d.opts.Memory.(bots.Directory)
	if !ok {
		return
	}
	if err := memory.AddDirect(ctx, Name, channel); err != nil {
		in.d.log.WarnContext(ctx, "a direct message channel could not be remembered", "channel", channel, "err", err)
	}
}

// left asks for a catch-up, because something was left behind.
func (in *intake) left() {
	select {
	case in.again <- struct{}{}:
	default:
	}
}
