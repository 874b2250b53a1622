package sandbox

import (
	"cmp"
	"math"
	"net/http"
	"strconv"
	"time"
)

// DiscordLimits are the rate limits. A field that is zero has its default.
type DiscordLimits struct {
	Off    bool
	Send   int           // new messages per Window and channel, 5 by default
	Edit   int           // edits per Window and channel, 5 by default
	Window time.Duration // 5 s by default
	Global int           // calls per second in all, 50 by default; interactions do not count
	// OldEdits is how many edits an hour a channel takes of messages that are older than
	// an hour; a further one fails with 429 and code 30046. Discord does not say how
	// many it allows; bots report a few, and 3 is the default.
	OldEdits int
}

func (l DiscordLimits) withDefaults() DiscordLimits {
	l.Send = cmp.Or(l.Send, 5)
	l.Edit = cmp.Or(l.Edit, 5)
	l.Window = cmp.Or(l.Window, 5*time.Second)
	l.Global = cmp.Or(l.Global, 50)
	l.OldEdits = cmp.Or(l.OldEdits, 3)
	return l
}

// SetLimits changes the rate limits from the next window of each on.
func (d *Discord) SetLimits(l DiscordLimits) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.limits = l.withDefaults()
}

// Calls says how often a route was called, refused calls included. A route is the
// method and the path with its variables named, such as
// "POST /channels/{channel}/messages" or
// "PATCH /channels/{channel}/messages/{message}".
func (d *Discord) Calls(route string) int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.calls[route]
}

// Limited says how many calls of a route were answered with 429.
func (d *Discord) Limited(route string) int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.limited[route]
}

type discordLimitKind int

const (
	_ discordLimitKind = iota // only the global limit
	discordSendLimit
	discordEditLimit
	discordNoLimit
)

// discordBucket counts in fixed windows; the first call starts one.
type discordBucket struct {
	size, left int
	resets     time.Time
}

func (d *Discord) take(key string, size int, window time.Duration) (b *discordBucket, ok bool) {
	now := time.Now()
	b = d.buckets[key]
	if b == nil || !now.Before(b.resets) {
		if len(d.buckets) > 1000 {
			for k, o := range d.buckets {
				if !now.Before(o.resets) {
					delete(d.buckets, k)
				}
			}
		}
		b = &discordBucket{size: size, left: size, resets: now.Add(window)}
		d.buckets[key] = b
	}
	if b.left == 0 {
		return b, false
	}
	b.left--
	return b, true
}

// limit counts a call. It returns the refusal, or the headers that its answer must
// carry. The caller holds mu.
func (d *Discord) limit(route discordRoute, r *http.Request) (*discordAnswer, http.Header) {
	header := make(http.Header)
	if d.limits.Off || route.kind == discordNoLimit {
		return nil, header
	}
	where := r.PathValue("channel")
	if token := r.PathValue("token"); token != "" {
		where = token
	} else if b, ok := d.take("global", d.limits.Global, time.Second); !ok {
		after := discordSeconds(time.Until(b.resets))
		header.Set("X-RateLimit-Global", "true")
		header.Set("X-RateLimit-Scope", "global")
		return d.refuse(route, header, after, true), nil
	}
	name, size := "sends", d.limits.Send
	switch route.kind {
	case discordEditLimit:
		name, size = "edits", d.limits.Edit
	case discordSendLimit:
	default:
		return nil, header
	}
	b, ok := d.take(name+" "+where, size, d.limits.Window)
	after := discordSeconds(time.Until(b.resets))
	header.Set("X-RateLimit-Bucket", name)
	header.Set("X-RateLimit-Limit", strconv.Itoa(b.size))
	header.Set("X-RateLimit-Remaining", strconv.Itoa(b.left))
	header.Set("X-RateLimit-Reset", strconv.FormatFloat(float64(b.resets.UnixMilli())/1000, 'f', 3, 64))
	header.Set("X-RateLimit-Reset-After", strconv.FormatFloat(after, 'f', 3, 64))
	if !ok {
		header.Set("X-RateLimit-Scope", "user")
		return d.refuse(route, header, after, false), nil
	}
	return nil, header
}

// oldEdit counts an edit of a message that is older than an hour.
func (d *Discord) oldEdit(m *discordMessage, call *discordCall) *discordAnswer {
	if d.limits.Off || time.Since(m.at) <= time.Hour {
		return nil
	}
	b, ok := d.take("old edits "+m.channel, d.limits.OldEdits, time.Hour)
	if ok {
		return nil
	}
	d.limited[call.route]++
	after := discordSeconds(time.Until(b.resets))
	return &discordAnswer{status: http.StatusTooManyRequests, header: http.Header{
		"Retry-After": {strconv.Itoa(int(math.Ceil(after)))}, "X-Ratelimit-Scope": {"shared"},
	}, body: discordWire{
		"message": "Maximum number of edits to messages older than 1 hour reached. Try again later",
		"code":    30046, "retry_after": after, "global": false,
	}}
}

func (d *Discord) refuse(route discordRoute, header http.Header, after float64, global bool) *discordAnswer {
	d.limited[route.pattern]++
	header.Set("Retry-After", strconv.Itoa(int(math.Ceil(after))))
	return &discordAnswer{status: http.StatusTooManyRequests, header: header, body: discordWire{
		"message": "You are being rate limited.", "retry_after": after, "global": global,
	}}
}

// discordSeconds is a wait in seconds, a little up: discordgo loses the last
// millisecond, and must not come too early for it.
func discordSeconds(d time.Duration) float64 {
	return math.Ceil(float64(d)/float64(time.Millisecond)+1) / 1000
}
