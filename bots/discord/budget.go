package discord

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"bobbin/agent"
	"bobbin/bots"
)

// account is the scope of Discord's limit on a bot's calls of all kinds: 50 in a second.
const account = Name

// Budget implements bots.Platform. Discord publishes the limit of an account only, and
// asks to read the others from its answers; see Meter. Until then they are taken for what
// is observed: five posts and five edits in five seconds, each per channel.
func (d *Discord) Budget(to agent.Target) bots.Budget {
	at := to.Channel
	if to.Thread != "" {
		at = to.Thread
		if really, ok := d.threads.get(to.Thread); ok {
			at = really
		}
	}
	all := bots.Limit{Scope: account, Every: 20 * time.Millisecond, Burst: 10, Window: time.Second}
	return bots.Budget{
		Post: bots.Rate{Scope: scope(postRoute(at)), Every: time.Second, Burst: 4, Window: 5 * time.Second, Within: all},
		Edit: bots.Rate{Scope: scope(editRoute(at)), Every: time.Second, Burst: 2, Window: 5 * time.Second, Within: all},
	}
}

// Routes whose calls are counted together.
func postRoute(channel string) string { return "POST channels/" + channel + "/messages" }
func editRoute(channel string) string { return "PATCH channels/" + channel + "/messages" }

// scope is what the calls of a route share in a Budget.
func scope(route string) string { return Name + "/" + route }

// Meter implements bots.Meter.
func (d *Discord) Meter(report func(bots.Usage)) { d.rest.report.Store(&report) }

// spent reports a call that counts against the account's limit and is no Post and no Edit:
// typing signs, new threads, the reading of history.
func (r *rest) spent(c call) {
	if report := r.report.Load(); report != nil && !c.paced() && !c.hook {
		(*report)(bots.Usage{Scope: account, Spent: 1})
	}
}

// paced reports whether c is a Post or an Edit, whose budget its caller keeps.
func (c call) paced() bool {
	return strings.HasSuffix(c.route, "/messages") && (c.method == http.MethodPost || c.method == http.MethodPatch)
}

// metered reports what an answer's headers say is left of its route's limit.
func (r *rest) metered(route string, h http.Header) {
	report := r.report.Load()
	if report == nil {
		return
	}
	limit, errLimit := strconv.Atoi(h.Get("X-RateLimit-Limit"))
	left, errLeft := strconv.Atoi(h.Get("X-RateLimit-Remaining"))
	reset, errReset := strconv.ParseFloat(h.Get("X-RateLimit-Reset-After"), 64)
	if errLimit != nil || errLeft != nil || errReset != nil {
		return
	}
	(*report)(bots.Usage{Scope: scope(route), Limit: limit, Remaining: left, Reset: seconds(reset)})
}
