package sandbox

import (
	"maps"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// SlackRate is a rate limit: so many calls a minute, of which Burst may come at once.
type SlackRate struct {
	PerMinute float64
	Burst     int
}

// Slack's tiers are "N a minute or more, occasional bursts are tolerated".
var (
	slackTier1 = SlackRate{PerMinute: 1, Burst: 20}
	slackTier2 = SlackRate{PerMinute: 20, Burst: 5}
	slackTier3 = SlackRate{PerMinute: 50, Burst: 10}
	slackTier4 = SlackRate{PerMinute: 100, Burst: 20}
)

// slackPostAll is the limit of chat.postMessage in the whole workspace, which the
// documentation gives as several hundred a minute.
const slackPostAll = "chat.postMessage (workspace)"

// slackDefaultRates are the limits per app and workspace. The one of chat.postMessage is
// per channel.
var slackDefaultRates = map[string]SlackRate{
	"agents.sessions.rename":                slackTier3,
	"agents.sessions.setStatus":             slackTier3,
	"apps.connections.open":                 slackTier1,
	"assistant.threads.setStatus":           {PerMinute: 600, Burst: 60},
	"assistant.threads.setSuggestedPrompts": slackTier4,
	"assistant.threads.setTitle":            slackTier4,
	"chat.appendStream":                     slackTier4,
	"chat.delete":                           slackTier3,
	"chat.postEphemeral":                    slackTier4,
	"chat.postMessage":                      {PerMinute: 60, Burst: 4},
	slackPostAll:                            {PerMinute: 400, Burst: 60},
	"chat.startStream":                      slackTier2,
	"chat.stopStream":                       slackTier2,
	"chat.update":                           slackTier3,
	"conversations.history":                 slackTier3,
	"conversations.info":                    slackTier3,
	"conversations.list":                    slackTier2,
	"conversations.members":                 slackTier4,
	"conversations.open":                    slackTier3,
	"conversations.replies":                 slackTier3,
	"files.completeUploadExternal":          slackTier4,
	"files.delete":                          slackTier3,
	"files.getUploadURLExternal":            slackTier4,
	"files.info":                            slackTier4,
	"reactions.add":                         slackTier3,
	"reactions.get":                         slackTier3,
	"reactions.remove":                      slackTier2,
	"users.conversations":                   slackTier3,
	"users.info":                            slackTier4,
	"users.list":                            slackTier2,
	"views.open":                            slackTier4,
	"views.publish":                         slackTier4,
	"views.push":                            slackTier4,
	"views.update":                          slackTier4,
}

// slackRates counts calls against the limits.
type slackRates struct {
	mu      sync.Mutex
	rates   map[string]SlackRate
	buckets map[slackBucket]*rate.Limiter
}

type slackBucket struct{ method, channel string }

// set replaces the limits of the methods named and forgets their past calls.
func (l *slackRates) set(rates map[string]SlackRate) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.rates == nil {
		l.rates = maps.Clone(slackDefaultRates)
		l.buckets = make(map[slackBucket]*rate.Limiter)
	}
	maps.Copy(l.rates, rates)
	maps.DeleteFunc(l.buckets, func(b slackBucket, _ *rate.Limiter) bool {
		_, replaced := rates[b.method]
		return replaced
	})
}

// wait returns how long to wait before a call may be made; 0 counts it as made.
func (l *slackRates) wait(method, channel string) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	buckets := []slackBucket{{method: method}}
	if method == "chat.postMessage" {
		buckets = []slackBucket{{method, channel}, {method: slackPostAll}}
	}
	now := time.Now()
	var made []*rate.Reservation
	for _, b := range buckets {
		limit, ok := l.rates[b.method]
		if !ok {
			continue
		}
		if l.buckets[b] == nil {
			l.buckets[b] = rate.NewLimiter(rate.Limit(limit.PerMinute/60), max(1, limit.Burst))
		}
		r := l.buckets[b].ReserveN(now, 1)
		made = append(made, r)
		if wait := r.DelayFrom(now); wait > 0 {
			for _, r := range made {
				r.CancelAt(now)
			}
			return wait
		}
	}
	return 0
}

// SetRate changes the limit of a method while calls come in.
func (s *Slack) SetRate(method string, r SlackRate) {
	s.rates.set(map[string]SlackRate{method: r})
}
