package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"runtime"
	"slices"
	"time"
)

// benchTokens is how long answers are.
const benchTokens = 40

// benchPace is the time between two tokens where they take any.
const benchPace = 20 * time.Millisecond

// slackEdits is how often Slack lets messages of a workspace be edited.
const slackEdits = 1200 * time.Millisecond

// benchPause is the time between an answer and the next question of its session where
// latency is measured: the session has come to rest by then, as it has when people write.
const benchPause = 2 * time.Millisecond

// measureLatency measures what bobbin adds to the time that a model takes.
func (b *bench) measureLatency(ctx context.Context) error {
	err := b.daemon(ctx, benchSetup{name: "instant", data: b.data("instant")}, func(d *benched) error {
		d.script(benchModel{tokens: benchTokens})
		sessions, err := d.open(ctx, 1)
		if err != nil {
			return err
		}
		if err := d.take(ctx, "begin", ".cpu"); err != nil {
			return err
		}
		turns, took, err := d.together(ctx, sessions, benchRhythm{lasts: b.paced, pause: benchPause})
		if err != nil {
			return err
		}
		if err := d.take(ctx, "end", ".cpu"); err != nil {
			return err
		}
		if err := b.addReaction(ctx, ", instant model, 1 session", turns, took, 0); err != nil {
			return err
		}
		b.table.spread("latency", "event → first post, instant model, 1 session", spans(turns, benchSaid, benchShown)).atMost(2.5, "")
		b.table.spread("latency", "event → final text, instant model, 1 session", spans(turns, benchSaid, benchStood))
		return nil
	})
	if err != nil {
		return err
	}
	return b.daemon(ctx, benchSetup{name: "paced", data: b.data("paced"), edits: slackEdits}, func(d *benched) error {
		d.script(benchModel{tokens: benchTokens})
		if err := d.take(ctx, "begin", ".cpu"); err != nil {
			return err
		}
		for _, n := range b.sessions {
			d.script(benchModel{tokens: benchTokens})
			sessions, err := d.open(ctx, n)
			if err != nil {
				return err
			}
			d.script(benchModel{tokens: benchTokens, pace: benchPace})
			turns, took, err := d.together(ctx, sessions, benchRhythm{lasts: b.paced, begin: benchTokens * benchPace, pause: benchPause})
			if err != nil {
				return err
			}
			if err := b.addReaction(ctx, "", turns, took, n); err != nil {
				return err
			}
			b.table.spread("latency", "first token → first visible text", spans(turns, benchFirst, benchShown)).of(n)
			b.table.spread("latency", "last token → final text", spans(turns, benchEnded, benchStood)).of(n)
		}
		return d.take(ctx, "end", ".cpu")
	})
}

// addReaction tells how soon the model was asked, beside what a write and a sync take when
// they come as seldom as the events did: a disk and a processor that have been resting take
// several times as long as ones that are kept busy. suffix ends the names of both rows.
func (b *bench) addReaction(ctx context.Context, suffix string, turns []*benchTurn, took time.Duration, sessions int) error {
	floor, err := b.syncedWrites(ctx, b.syncs, took/time.Duration(max(len(turns), 1)))
	if err != nil {
		return err
	}
	b.table.spread("latency", "event → model request"+suffix, spans(turns, benchSaid, benchAsked)).of(sessions).atMost(3*millis(b.floor), "3 × floor, as often")
	b.table.spread("latency", "write and sync, as often as these events"+suffix, floor).of(sessions)
	return nil
}

// measureThroughput has sessions take turn after turn, with a model that takes no time.
func (b *bench) measureThroughput(ctx context.Context) error {
	if err := b.measureTurns(ctx); err != nil {
		return err
	}
	return b.daemon(ctx, benchSetup{data: b.data("told"), events: true}, func(d *benched) error {
		d.script(benchModel{tokens: benchTokens})
		most := min(64, slices.Max(b.clients))
		sessions, err := d.open(ctx, most)
		if err != nil {
			return err
		}
		turns, took, err := d.together(ctx, sessions, benchRhythm{lasts: b.lasts})
		if err != nil {
			return err
		}
		b.table.add("throughput", "durable turns, told of all that is said", float64(len(turns))/took.Seconds(), "/s").of(most)
		return nil
	})
}

// measureTurns tells the daemon only what is said to it: one event for each turn. A bare
// program has its turns right after each of the daemon's runs, so that what else the machine
// does hits both alike.
func (b *bench) measureTurns(ctx context.Context) error {
	return b.daemon(ctx, benchSetup{name: "throughput", data: b.data("turns")}, func(d *benched) error {
		d.script(benchModel{tokens: benchTokens})
		calls, err := d.sample(ctx)
		if err != nil {
			return err
		}
		return b.bare(ctx, calls, func(bare *benched) error { return b.measureBoth(ctx, d, bare) })
	})
}

func (b *bench) measureBoth(ctx context.Context, d, bare *benched) error {
	bare.script(benchModel{tokens: benchTokens})
	rates := make(map[int]float64)
	full := false
	for _, n := range b.clients {
		sessions, err := d.open(ctx, n)
		if err != nil {
			return err
		}
		ran, err := d.run(ctx, sessions, b.lasts)
		if err != nil {
			return err
		}
		rates[n] = ran.rate()
		r := b.table.add("throughput", "durable turns", rates[n], "/s").of(n)
		switch n {
		case 1:
			r.atLeast(690, "1.5 × 460")
		case 64:
			r.atLeast(2100, "3 × 700")
		}
		b.table.spread("throughput", "event → model request, instant model", spans(ran.turns, benchSaid, benchAsked)).of(n)
		b.table.spread("throughput", "event → final text, instant model", spans(ran.turns, benchSaid, benchStood)).of(n)
		for _, r := range []struct {
			what  string
			value float64
			unit  string
		}{
			{"processor time per turn, daemon", ran.each(ran.cpu()), "ms"},
			{"processor time per turn, stand-ins and load", ran.each(ran.ours), "ms"},
			{"waits for the disk per turn", float64(ran.after.Syncs-ran.before.Syncs) / float64(len(ran.turns)), ""},
			{"part of the time in which the disk was waited for", 100 * float64(ran.after.Syncing-ran.before.Syncing) / float64(ran.took), "%"},
			{"processor in use, daemon and stand-ins", 100 * float64(ran.cpu()+ran.ours) / float64(ran.took) / float64(runtime.NumCPU()), "% of all cores"},
			{"processor in use, whatever for", 100 * ran.busy, "% of all cores"},
			{"turns since the start", float64(d.number), ""},
			{"files in memory then, which the system can drop", mebi(ran.after.Shared), "MiB"},
		} {
			b.table.add("throughput", r.what, r.value, r.unit).of(n)
		}
		b.table.add("throughput", "memory (RSS) then, files and all", mebi(ran.after.RSS), "MiB").of(n)
		if err := b.measureBare(ctx, bare, n, ran); err != nil {
			return err
		}
		full = full || n == 64 && ran.busy > .9
		if n == 64 || b.Quick && n == 16 {
			if err := b.measureSplit(ctx, d, sessions); err != nil {
				return err
			}
		}
	}
	if rates[64] > 0 {
		ratio := rates[64] / rates[1]
		b.table.add("throughput", "64 sessions : 1", ratio, "×").aim(ratio >= 10 || full, "≥ ", 10, "or until the processor is full")
	}
	if err := d.take(ctx, "allocs", ".allocs"); err != nil {
		return err
	}
	return d.take(ctx, "heap", ".heap")
}

// measureSplit says what the daemon's processor time goes to.
func (b *bench) measureSplit(ctx context.Context, d *benched, sessions []*benchSession) error {
	if d.profile == "" {
		d.profile = b.data("throughput")
	}
	if err := d.take(ctx, "begin", ".cpu"); err != nil {
		return err
	}
	if _, _, err := d.together(ctx, sessions, benchRhythm{lasts: b.lasts}); err != nil {
		return err
	}
	if err := d.take(ctx, "end", ".cpu"); err != nil {
		return err
	}
	f, err := os.Open(d.profile + ".cpu")
	if err != nil {
		return err
	}
	parts, err := benchSplit(f)
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	for _, kind := range slices.SortedFunc(maps.Keys(parts), func(x, y string) int { return cmp.Compare(parts[y], parts[x]) }) {
		b.table.add("split", "of the daemon's processor time: "+kind, 100*parts[kind], "%").of(len(sessions))
	}
	return nil
}

// historyWindow is as many tokens as ten of the entries have.
const historyWindow = 1000

// measureHistory compares turns of sessions with little and with much behind them, one
// after the other, so that what else the machine does hits all of them alike.
func (b *bench) measureHistory(ctx context.Context) error {
	var threads [][]string
	for i, n := range b.entries {
		many := 1
		if n <= 1_000 { // each turn makes a session longer
			many = 20
		}
		group := make([]string, many)
		for j := range group {
			group[j] = fmt.Sprintf("17%08d.%06d", i, j)
		}
		threads = append(threads, group)
	}
	dir := b.data("history")
	if err := b.fillThreads(ctx, dir, threads); err != nil {
		return err
	}
	for _, window := range []int{historyWindow, 0} {
		kinds := make([]durations, len(threads))
		err := b.daemon(ctx, benchSetup{data: dir, window: window}, func(d *benched) error {
			d.script(benchModel{tokens: benchTokens})
			rounds := b.turnsOf
			if window == 0 {
				rounds /= 4
			}
			for n := range rounds {
				for i, group := range threads {
					t, err := d.goesOn(group[n%len(group)]).ask(ctx, d.gone)
					if err != nil {
						return err
					}
					if n >= rounds/10 { // what comes before warms up
						kinds[i] = append(kinds[i], spans([]*benchTurn{t}, benchSaid, benchStood)...)
					}
					if err := d.rest(ctx); err != nil { // the end of a turn is its own cost
						return err
					}
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
		if window == 0 {
			b.table.spread("history", fmt.Sprintf("the same with %d entries and a full window of 24,000 tokens", b.entries[len(kinds)-1]), kinds[len(kinds)-1])
			continue
		}
		for i, n := range b.entries {
			b.table.spread("history", fmt.Sprintf("turn of a session with %d entries, window of ten", n), kinds[i])
		}
		first, last := kinds[0].quantile(.5), kinds[len(kinds)-1].quantile(.5)
		b.table.add("history", fmt.Sprintf("%d : %d entries", b.entries[len(b.entries)-1], b.entries[0]), float64(last)/float64(first), "×").atMost(1.2, "")
	}
	return nil
}
