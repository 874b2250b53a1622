package discord

import (
	"maps"
	"sync"
)

// counts counts what has been left alone, by reason.
type counts struct {
	mu sync.Mutex
	n  map[string]uint64
}

func (c *counts) add(why string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.n == nil {
		c.n = make(map[string]uint64)
	}
	c.n[why]++
}

// The reasons why something is left alone.
const (
	ignoredMalformed  = "malformed"   // not what Discord's documentation says
	ignoredUnknown    = "unknown"     // of a kind that bobbin has no use for
	ignoredOwn        = "own"         // bobbin's own message
	ignoredBot        = "bot"         // another bot's, or a webhook's
	ignoredSystem     = "system"      // a join, a pin and so on
	ignoredEmpty      = "empty"       // without text, or without the intent to see it
	ignoredUnedited   = "unedited"    // told of again, with a preview or a pin
	ignoredUnaimed    = "unaddressed" // said to others
	ignoredPanic      = "panic"       // handling it panicked
	ignoredUnaccepted = "unaccepted"  // could not be taken in
	ignoredLate       = "late"        // an interaction that could not be acknowledged
)

// Ignored returns how many events were left alone since the start, by reason.
func (d *Discord) Ignored() map[string]uint64 {
	d.counts.mu.Lock()
	defer d.counts.mu.Unlock()
	return maps.Clone(d.counts.n)
}
