package discord

import (
	"net/http"
	"strconv"
	"sync"
	"time"
)

// limits remembers until when a route is closed, so that a request that Discord
// would refuse is not sent: 10,000 refusals in ten minutes ban the address.
type limits struct {
	mu     sync.Mutex
	global time.Time
	until  map[string]time.Time
}

// maxRoutes is when routes that are open again are forgotten.
const maxRoutes = 1024

// wait returns how long route stays closed, and whether that is because all are; exempt
// routes know no global limit.
func (l *limits) wait(route string, exempt bool) (d time.Duration, all bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	until := l.until[route]
	if !exempt && l.global.After(until) {
		until, all = l.global, true
	}
	return max(0, time.Until(until)), all
}

func (l *limits) block(route string, d time.Duration, global bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	until := time.Now().Add(d)
	if global {
		l.global = until
		return
	}
	if l.until == nil {
		l.until = make(map[string]time.Time)
	}
	if len(l.until) >= maxRoutes {
		for r, t := range l.until {
			if time.Until(t) <= 0 {
				delete(l.until, r)
			}
		}
	}
	l.until[route] = until
}

// spent reads the headers of a success: a route with nothing remaining is closed
// until its bucket fills again.
func (l *limits) spent(route string, h http.Header) {
	if h.Get("X-RateLimit-Remaining") != "0" {
		return
	}
	s, err := strconv.ParseFloat(h.Get("X-RateLimit-Reset-After"), 64)
	if err != nil {
		return
	}
	// A long reset is a quota, not a pace, and is left to an honest 429.
	if d := seconds(s); d > 0 && d <= time.Minute {
		l.block(route, d, false)
	}
}
