package slack

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"bobbin/agent"
	"bobbin/bots"
)

const (
	// overlap is read again: events arrive out of order, and clocks differ.
	overlap = 2 * time.Minute
	// lookBack is how long before what was missed a root is worth a look, because its
	// thread may have new replies. It costs no call of its own.
	lookBack = 24 * time.Hour
	// activeFor is how long a thread of bobbin's is looked into for replies.
	activeFor = 7 * 24 * time.Hour

	maxPlaces      = 400 // channels and DMs
	maxThreads     = 150 // of bobbin's; and as many others with new replies
	maxPages       = 10  // of a channel, or of the list of channels of one kind
	maxThreadPages = 5
	maxFailures    = 3 // places in a row that cannot be read

	feedTries = 4
	feedPause = 2 * time.Second
	// A catch-up that failed is tried again after firstRetry, then after ever longer
	// pauses, and when a connection is made.
	firstRetry   = time.Minute
	longestRetry = 10 * time.Minute
)

// errNotAccepted ends a catch-up: what accept refuses now, it will refuse for the next
// message too.
var errNotAccepted = errors.New("a message that was missed was not accepted")

// listen looks for what was missed, and for deaf connections, until ctx ends.
func (s *Slack) listen(ctx context.Context, in *intake) {
	tick := time.NewTicker(s.quiet / 5)
	defer tick.Stop()
	var next time.Time
	pause := firstRetry
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.hear.wake:
			next, pause = time.Time{}, firstRetry
		case <-tick.C:
		}
		missing, holes, behind := s.hear.behind()
		switch {
		case !behind:
			s.probe(ctx)
		case !time.Now().Before(next):
			if err := s.catchUp(ctx, in, missing, holes); err != nil && ctx.Err() == nil {
				s.log.Warn("slack: not all that was missed could be read", "since", missing, "retry", pause, "error", err)
				next = time.Now().Add(pause)
				pause = min(2*pause, longestRetry)
			}
		}
	}
}

// catchUp is one reading of what was missed.
type catchUp struct {
	s     *Slack
	in    *intake
	since time.Time

	teams   map[string]string   // workspace of the sessions of a channel
	threads map[string][]string // bobbin's own, by channel
	others  int                 // threads that may still be read beside them

	newest  time.Time
	fed     int
	leftOut leftOut
}

// leftOut counts what the bounds have left unread.
type leftOut struct{ places, pages, threads int }

// catchUp hands accept what was said since missing, within the window.
func (s *Slack) catchUp(ctx context.Context, in *intake, missing time.Time, holes int) error {
	began := time.Now()
	c := &catchUp{s: s, in: in, since: missing.Add(-overlap), others: maxThreads}
	if s.opts.CatchUp <= 0 {
		s.hear.caughtUp(holes, c.since, began, time.Time{})
		return nil
	}
	if oldest := began.Add(-s.opts.CatchUp); c.since.Before(oldest) {
		s.log.Info("slack: what was said before the window of catch_up is not read", "missing", missing, "from", oldest)
		c.since = oldest
	}
	if err := c.run(ctx, began); err != nil {
		return err
	}
	s.hear.caughtUp(holes, c.since, began, c.newest)
	if c.fed > 0 || c.leftOut != (leftOut{}) {
		s.log.Info("slack: read what was missed", "since", c.since, "messages", c.fed,
			"channels_left_out", c.leftOut.places, "pages_left_out_in", c.leftOut.pages, "threads_left_out", c.leftOut.threads)
	}
	return nil
}

func (c *catchUp) run(ctx context.Context, began time.Time) error {
	active, err := c.s.opts.Memory.Active(ctx, c.s.Name(), began.Add(-activeFor))
	if err != nil {
		return fmt.Errorf("slack: %w", err)
	}
	c.know(active)
	places, err := c.places(ctx, active)
	if len(places) > maxPlaces {
		c.leftOut.places += len(places) - maxPlaces
		places = places[:maxPlaces]
	}
	errs, failures := []error{err}, 0
	for _, channel := range places {
		err := c.channel(ctx, channel)
		switch {
		case err == nil:
			failures = 0
			continue
		case ctx.Err() != nil, errors.Is(err, errNotAccepted), fatalCodes[code(err)]:
			return err
		}
		errs = append(errs, fmt.Errorf("in %s: %w", channel, err))
		if failures++; failures == maxFailures {
			break
		}
	}
	return errors.Join(errs...)
}

// know sorts bobbin's own places.
func (c *catchUp) know(active []agent.Address) {
	c.teams, c.threads = make(map[string]string), make(map[string][]string)
	threads := 0
	for _, a := range active {
		if c.teams[a.Channel] == "" {
			c.teams[a.Channel] = a.Workspace
		}
		if !isTS(a.Thread) {
			continue
		}
		if threads++; threads > maxThreads {
			c.leftOut.threads++
			continue
		}
		c.threads[a.Channel] = append(c.threads[a.Channel], a.Thread)
	}
}

// feed hands one message to accept, in line with what comes in meanwhile.
func (c *catchUp) feed(ctx context.Context, channel string, p post) error {
	p.Channel = channel
	p.Edited = nil // nobody has heard what it said before
	ev, ignored := c.s.said(p, cmp.Or(c.teams[channel], c.s.identity().team))
	if ignored != "" || c.s.hear.knows(ev.MessageID) {
		return nil
	}
	ev.Late = true
	var err error
	for try := range feedTries {
		if try > 0 {
			if err := sleep(ctx, time.Duration(try)*feedPause); err != nil {
				return err
			}
		}
		if err = c.offer(ctx, ev); err == nil {
			c.fed++
			c.s.hear.settle(ev.MessageID)
			return nil
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
	return fmt.Errorf("slack: %w: %w", errNotAccepted, err)
}

func (c *catchUp) offer(ctx context.Context, ev bots.Event) error {
	done := make(chan error, 1)
	if !c.in.offer(delivery{event: ev, fill: c.s.fileFiller(ev), done: func(_ context.Context, err error) { done <- err }}) {
		return errNotTaken
	}
	select {
	case <-ctx.Done():
		return ctx.Err()
	case err := <-done:
		return err
	}
}

// feedAll hands messages to accept, the oldest first.
func (c *catchUp) feedAll(ctx context.Context, channel string, messages []past) error {
	slices.SortStableFunc(messages, func(a, b past) int { return sentAt(a.TS).Compare(sentAt(b.TS)) })
	for _, m := range messages {
		if err := c.feed(ctx, channel, m.post); err != nil {
			return err
		}
	}
	return nil
}
