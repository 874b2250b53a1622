package discord

import (
	"encoding/json"
	"slices"
	"strconv"
	"sync"
)

// event is a dispatch of the gateway.
type event struct {
	name string
	data json.RawMessage
}

// passing are the events that discordgo has been told of, and that it will tell of in the
// same order. Those that it has left out are forgotten with the next.
type passing struct {
	mu     sync.Mutex
	last   int // number that was given
	events []event
}

// put adds an event and returns its number.
func (p *passing) put(e event) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.last++
	p.events = append(p.events, e)
	return p.last
}

// take removes the event of a number and those before it.
func (p *passing) take(number string) (event, bool) {
	n, err := strconv.Atoi(number)
	p.mu.Lock()
	defer p.mu.Unlock()
	first := p.last - len(p.events) + 1
	if err != nil || n < first || n > p.last {
		return event{}, false
	}
	e := p.events[n-first]
	p.events = slices.Delete(p.events, 0, n-first+1)
	return e, true
}
