package main

import (
	"os"
	"runtime"
	"runtime/debug"
	runtimemetrics "runtime/metrics"
)

const (
	// collectRoom is how much garbage there may be before it is collected. It is what a
	// collection costs that counts, and that is about the same however much is in use: most
	// of that are buffers of the database, which cost nothing to look through.
	collectRoom = 9 << 20
	// It is at least leastPercent of what is in use, so that a daemon with very much to do
	// does not collect all the time, and at most mostPercent.
	leastPercent, mostPercent = 25, 200
)

// paceCollector keeps the room between two collections the same. By itself Go leaves as much
// as is in use: too little for a daemon with little to do, and too much for one with a
// thousand answers under way. GOGC in the environment goes before: then it reports false.
func paceCollector() bool {
	if os.Getenv("GOGC") != "" {
		return false
	}
	p := &collectorPace{percent: 100, live: []runtimemetrics.Sample{{Name: "/gc/heap/live:bytes"}}}
	p.set(leastPercent * 2)
	p.watch()
	return true
}

// collectorPace adapts to what each collection has found to be in use.
type collectorPace struct {
	percent int
	live    []runtimemetrics.Sample
}

// watch has adapt run after the next collection: what nobody holds any more is let go of then.
func (p *collectorPace) watch() {
	runtime.SetFinalizer(&struct{ p *collectorPace }{p}, func(s *struct{ p *collectorPace }) {
		s.p.adapt()
		s.p.watch()
	})
}

func (p *collectorPace) adapt() {
	runtimemetrics.Read(p.live)
	p.set(percentOf(p.live[0].Value.Uint64()))
}

// set changes the pace. As that stops all goroutines for a moment, small changes are not made.
func (p *collectorPace) set(percent int) {
	if difference := percent - p.percent; max(difference, -difference) > p.percent/5 {
		debug.SetGCPercent(percent)
		p.percent = percent
	}
}

// percentOf is what collectRoom is of so many bytes, within bounds.
func percentOf(live uint64) int {
	return int(min(max(100*collectRoom/max(live, 1), leastPercent), mostPercent))
}
