package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"slices"
	"time"

	"bobbin/agent/badgerstore"
)

// fillThreads makes a store in which the threads of each group have as many entries as
// b.entries says.
func (b *bench) fillThreads(ctx context.Context, dir string, groups [][]string) error {
	s, err := badgerstore.Open(dir, badgerstore.Options{})
	if err != nil {
		return err
	}
	for i, group := range groups {
		for _, thread := range group {
			if err := benchPast(ctx, s, thread, b.entries[i]); err != nil {
				return errors.Join(err, s.Close())
			}
		}
	}
	return s.Close()
}

const (
	memoryTarget  = 64  // MiB, of the whole process
	sessionTarget = 64  // KiB, of a session that streams, beside its text
	pastEntries   = 10  // of each idle session
	fullWindow    = 270 // entries, which are more than the 24,000 tokens that a model is sent
)

func benchThread(i int) string { return fmt.Sprintf("16%08d.%06d", i/1_000_000, i%1_000_000) }

// measureMemory weighs daemons that do nothing, and one that streams many answers at once.
func (b *bench) measureMemory(ctx context.Context) error {
	idle := func(data, what string) (use benchUse, err error) {
		err = b.daemon(ctx, benchSetup{data: data}, func(d *benched) (err error) {
			use, err = d.use(ctx, false)
			if err != nil {
				return err
			}
			b.table.add("memory", what, mebi(use.RSS), "MiB").atMost(memoryTarget, "")
			use, err = b.settled(ctx, d)
			return err
		})
		return use, err
	}
	none, err := idle(b.data("none"), "RSS idle, empty store")
	if err != nil {
		return err
	}
	b.table.add("memory", "goroutines idle", float64(none.Goroutines), "")
	var heaps []float64
	for _, n := range b.idle {
		dir, err := b.fill(ctx, n, pastEntries, benchThread)
		if err != nil {
			return err
		}
		u, err := idle(dir, fmt.Sprintf("RSS, %d idle sessions in the store", n))
		if err != nil {
			return err
		}
		heaps = append(heaps, u.Heap+u.Stacks)
	}
	few, many := 0, len(b.idle)-1
	per := (heaps[many] - heaps[few]) / float64(b.idle[many]-b.idle[few])
	// The filters of the database's tables take ten bits for each key, up to the size of
	// its cache for them; a session of ten entries has a dozen keys.
	b.table.add("memory", "heap per idle session", per, "bytes").atMost(32, "none of ours: filters of the database, up to 16 MiB in all")
	if err := b.measureLoaded(ctx); err != nil {
		return err
	}
	if err := b.measureStreams(ctx, ""); err != nil {
		return err
	}
	dir, err := b.fill(ctx, b.stream, fullWindow, benchThread)
	if err != nil {
		return err
	}
	return b.measureStreams(ctx, dir)
}

// measureLoaded weighs a new daemon once it has done as much, at full speed, as the others
// had that the README compares it with.
func (b *bench) measureLoaded(ctx context.Context) error {
	return b.daemon(ctx, benchSetup{name: "loaded", data: b.data("loaded")}, func(d *benched) error {
		d.script(benchModel{tokens: benchTokens})
		most := min(64, slices.Max(b.clients))
		sessions, err := d.open(ctx, most)
		if err != nil {
			return err
		}
		for d.number < b.loaded {
			if _, _, err := d.together(ctx, sessions, benchRhythm{lasts: 200 * time.Millisecond}); err != nil {
				return err
			}
		}
		use, err := d.use(ctx, false)
		if err != nil {
			return err
		}
		after := fmt.Sprintf(" after %d turns of %d sessions at once", b.loaded, most)
		b.table.add("memory", "RSS"+after, mebi(use.RSS), "MiB").atMost(memoryTarget, "")
		b.table.add("memory", "files of it, which the system can drop,"+after, mebi(use.Shared), "MiB")
		return d.take(ctx, "heap", ".heap")
	})
}

// streamTokens is how far the answers have come that are weighed: a kilobyte of text.
const streamTokens = 100

// measureStreams weighs a daemon with many answers under way: in new sessions or, if past is
// not empty, in those of the store there, each of which sends a full window.
func (b *bench) measureStreams(ctx context.Context, past string) error {
	at, setup := fmt.Sprintf(", %d streaming at once", b.stream), benchSetup{name: "streams", data: b.data("streams"), edits: slackEdits, tls: true}
	if past != "" {
		at, setup.name, setup.data = at+", a full window behind each", "windows", past
	}
	return b.daemon(ctx, setup, func(d *benched) error {
		d.script(benchModel{tokens: benchTokens})
		if _, err := d.open(ctx, 32); err != nil { // what is allocated once is there then
			return err
		}
		if err := d.rest(ctx); err != nil {
			return err
		}
		before, err := b.settled(ctx, d)
		if err != nil {
			return err
		}
		hold := make(chan struct{})
		d.script(benchModel{tokens: streamTokens, pace: 10 * time.Millisecond, hold: hold})
		turns := make([]*benchTurn, b.stream)
		for i := range turns {
			s := &benchSession{world: d.benchWorld}
			if past != "" {
				s = d.goesOn(benchThread(i))
			}
			t, forget, err := s.say()
			if err != nil {
				return err
			}
			defer forget()
			turns[i] = t
		}
		if err := d.streaming(ctx, turns); err != nil {
			return err
		}
		now, err := d.use(ctx, false)
		if err != nil {
			return err
		}
		if err := d.take(ctx, "heap", ".heap"); err != nil {
			return err
		}
		if err := d.take(ctx, "goroutine", ".goroutine"); err != nil {
			return err
		}
		then, err := b.settled(ctx, d)
		if err != nil {
			return err
		}
		count, text := float64(b.stream), float64(streamTokens*len(benchWord))
		b.table.add("memory", "RSS"+at, mebi(now.RSS), "MiB")
		b.table.add("memory", "goroutines per session"+at, float64(then.Goroutines-before.Goroutines)/count, "")
		b.table.add("memory", "heap and stacks per session beside its text"+at, ((then.Heap+then.Stacks-before.Heap-before.Stacks)/count-text)/1024, "KiB").atMost(sessionTarget, "")
		if past == "" { // otherwise it tells how much was sent at once, a moment before
			b.table.add("memory", "RSS per session beside its text"+at, ((now.RSS-before.RSS)/count-text)/1024, "KiB").atMost(sessionTarget, "")
		}
		close(hold)
		for _, t := range turns {
			select {
			case <-t.done:
			case <-d.gone:
				return errors.New("the daemon ended by itself")
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		if err := d.rest(ctx); err != nil {
			return err
		}
		after, err := b.settled(ctx, d)
		if err != nil {
			return err
		}
		b.table.add("memory", "heap left of each session when all have ended"+at, max(0, after.Heap-before.Heap)/count, "bytes")
		return nil
	})
}

// settled returns what the daemon uses once its database has come to rest, too: that gives back
// bit by bit what it has built tables in.
func (b *bench) settled(ctx context.Context, d *benched) (benchUse, error) {
	for last := (benchUse{}); ; {
		use, err := d.use(ctx, true)
		if err != nil || b.Quick || math.Abs(use.Heap-last.Heap) < settledHeap {
			return use, err
		}
		last = use
		if err := benchSleep(ctx, settledPause); err != nil {
			return use, err
		}
	}
}

// A daemon is settled whose heap has changed by less than settledHeap in settledPause, in which
// Badger gives back a buffer, if it has one to spare: it looks for that every two seconds.
const (
	settledHeap  = 1 << 20
	settledPause = 2500 * time.Millisecond
)

// streaming waits until all answers are to be seen and have come so far that only their last
// token is missing.
func (d *benched) streaming(ctx context.Context, turns []*benchTurn) error {
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		var newest int64
		visible := true
		for _, t := range turns {
			visible = visible && t.shown.after.Load() != 0
			newest = max(newest, t.first.after.Load())
		}
		// All tokens have come, and time has passed for the edits that show them.
		if visible && time.Since(benchEpoch)-time.Duration(newest) > streamTokens*10*time.Millisecond+2*slackEdits {
			return nil
		}
		select {
		case <-tick.C:
		case <-d.gone:
			return errors.New("the daemon ended by itself")
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// measureStart starts daemons on an empty store and on one with a long past.
func (b *bench) measureStart(ctx context.Context) error {
	info, err := os.Stat(b.program)
	if err != nil {
		return fmt.Errorf("weigh the program: %w", err)
	}
	sessions := b.idle[len(b.idle)-1]
	past, err := b.fill(ctx, sessions, pastEntries, benchThread)
	if err != nil {
		return err
	}
	for _, s := range []struct {
		entries int
		data    func(n int) string
	}{
		{0, func(n int) string { return b.data(fmt.Sprint("empty-", n)) }},
		{sessions * pastEntries, func(int) string { return past }},
	} {
		var ds durations
		for n := range b.starts {
			err := b.daemon(ctx, benchSetup{data: s.data(n)}, func(d *benched) error {
				ds = append(ds, d.took)
				return nil
			})
			if err != nil {
				return err
			}
		}
		r := b.table.spread("start", fmt.Sprintf("ready with %d entries", s.entries), ds)
		if s.entries > 0 {
			r.atMost(150, "")
		}
	}
	b.table.add("start", "size of the program", mebi(float64(info.Size())), "MiB")
	return nil
}
