package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strconv"
	"time"
)

// benchRan is what came of having sessions take turns for a while.
type benchRan struct {
	turns         []*benchTurn
	took          time.Duration
	before, after benchUse      // of the process that answers
	ours          time.Duration // processor time of this process
	busy          float64       // part of all processors, whatever for
}

func (r benchRan) rate() float64 { return float64(len(r.turns)) / r.took.Seconds() }

// cpu is the processor time of the process that answers.
func (r benchRan) cpu() time.Duration { return r.after.CPU - r.before.CPU }

// each is the part of one turn, in milliseconds.
func (r benchRan) each(all time.Duration) float64 { return millis(all) / float64(len(r.turns)) }

// run has sessions take turn after turn for so long.
func (d *benched) run(ctx context.Context, sessions []*benchSession, lasts time.Duration) (r benchRan, err error) {
	if r.before, err = d.use(ctx, false); err != nil {
		return r, err
	}
	ours := processorTime()
	idle, ticks := idleTime()
	if r.turns, r.took, err = d.together(ctx, sessions, benchRhythm{lasts: lasts}); err != nil {
		return r, err
	}
	idleLater, ticksLater := idleTime()
	r.busy = 1 - (idleLater-idle)/max(ticksLater-ticks, 1)
	if err := d.rest(ctx); err != nil {
		return r, err
	}
	if r.after, err = d.use(ctx, false); err != nil {
		return r, err
	}
	r.ours = processorTime() - ours
	return r, nil
}

// benchSample is what was called in the newest turn.
type benchSample struct {
	wanted  bool
	asked   int // the number in the request
	request string
	posted  int // the number in the post
	post    url.Values
}

// sample has a conversation come to its middle and returns the calls of a turn there: one
// request, and one post, which is what nearly all turns have when the model takes no time.
func (d *benched) sample(ctx context.Context) (calls benchCalls, err error) {
	d.sampling(true)
	s := &benchSession{world: d.benchWorld}
	for n := range 2 * benchTurns {
		if _, err := s.ask(ctx, d.gone); err != nil {
			return calls, err
		}
		if n+1 < benchTurns/2 {
			continue
		}
		if got := d.sampling(true); got.post != nil && got.posted == got.asked {
			d.sampling(false)
			return benchCalls{Turn: strconv.Itoa(got.posted), Request: got.request, Post: got.post}, nil
		}
	}
	return calls, errors.New("no turn asks the model once and posts once")
}

// sampling returns what was sampled and begins anew, or ends it.
func (w *benchWorld) sampling(wanted bool) benchSample {
	w.mu.Lock()
	defer w.mu.Unlock()
	got := w.newest
	w.newest = benchSample{wanted: wanted}
	return got
}

// bare runs the bare program in a world of its own.
func (b *bench) bare(ctx context.Context, calls benchCalls, f func(*benched) error) (err error) {
	w, err := newBenchWorld(ctx, benchSetup{})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, w.close()) }()
	slack := w.slack.Options()
	calls.API, calls.BotToken, calls.AppToken = w.base()+"/api/", slack.BotToken, slack.AppToken
	calls.Model = w.models.URL + "/client/v4/accounts/bench/ai/v1/chat/completions"
	text, err := json.Marshal(calls)
	if err != nil {
		return err
	}
	path := b.data("calls.json")
	if err := os.WriteFile(path, text, 0o600); err != nil {
		return fmt.Errorf("write the calls: %w", err)
	}
	return b.live(ctx, &benched{benchWorld: w}, f, nil, "bench-bare", "--calls", path)
}

// measureBare has the bare program take turns with so many sessions, as bobbin has.
func (b *bench) measureBare(ctx context.Context, bare *benched, n int, bobbin benchRan) error {
	sessions, err := bare.open(ctx, n)
	if err != nil {
		return err
	}
	ran, err := bare.run(ctx, sessions, b.lasts)
	if err != nil {
		return err
	}
	b.table.add("throughput", "turns, bare program", ran.rate(), "/s").of(n)
	b.table.spread("throughput", "event → model request, bare program", spans(ran.turns, benchSaid, benchAsked)).of(n)
	b.table.spread("throughput", "event → final text, bare program", spans(ran.turns, benchSaid, benchStood)).of(n)
	b.table.add("throughput", "processor time per turn, bare program", ran.each(ran.cpu()), "ms").of(n)
	b.table.add("throughput", "processor time per turn, its stand-ins and load", ran.each(ran.ours), "ms").of(n)
	whole := bobbin.each(max(bobbin.cpu()+bobbin.ours, 1)) // where it cannot be told it is none
	adds := bobbin.each(bobbin.cpu()) - ran.each(ran.cpu())
	b.table.add("throughput", "of the processor time of a durable turn, what bobbin adds to the bare program's", 100*adds/whole, "%").of(n)
	return nil
}
