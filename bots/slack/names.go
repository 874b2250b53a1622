package slack

import (
	"cmp"
	"context"
	"errors"
	"sync"
	"time"

	slackgo "github.com/slack-go/slack"
	"golang.org/x/time/rate"
)

const (
	maxNames     = 4096
	nameLasts    = 24 * time.Hour
	unknownLasts = time.Hour
	// namePatience leaves most of the three seconds in which Slack wants its answer.
	namePatience = time.Second
)

// names remembers what people are called. A name that is not known is looked up in the
// background.
type names struct {
	s      *Slack
	wanted chan string

	mu   sync.Mutex
	byID map[string]name
	off  bool
}

type name struct {
	text    string
	until   time.Time
	pending chan struct{} // closed when it has been looked up; nil if it is not being
}

func newNames(s *Slack) *names {
	return &names{s: s, wanted: make(chan string, 256), byID: make(map[string]name)}
}

// soon is of, but waits a moment for a name that is being looked up: a person who is
// called by an id first and by name later looks like two to a model.
func (n *names) soon(ctx context.Context, id string) string {
	text := n.of(id)
	n.mu.Lock()
	pending := n.byID[id].pending
	n.mu.Unlock()
	if text != "" || pending == nil {
		return text
	}
	late := time.NewTimer(namePatience)
	defer late.Stop()
	select {
	case <-pending:
	case <-late.C:
	case <-ctx.Done():
	}
	return n.of(id)
}

// of returns the display name of a user, or nothing. It does not wait.
func (n *names) of(id string) string {
	if !isID(id) {
		return ""
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	known := n.byID[id]
	if n.off || known.pending != nil || time.Now().Before(known.until) {
		return known.text
	}
	select {
	case n.wanted <- id:
		known.pending = make(chan struct{})
		n.put(id, known)
	default:
	}
	return known.text
}

// put stores a name. The caller holds mu.
func (n *names) put(id string, v name) {
	if _, known := n.byID[id]; !known && len(n.byID) >= maxNames {
		for old := range n.byID {
			delete(n.byID, old)
			break
		}
	}
	n.byID[id] = v
}

// run looks names up until ctx ends.
func (n *names) run(ctx context.Context) {
	// users.info allows about a hundred calls per minute.
	pace := rate.NewLimiter(rate.Every(time.Second), 20)
	for {
		var id string
		select {
		case <-ctx.Done():
			return
		case id = <-n.wanted:
		}
		if pace.Wait(ctx) != nil {
			return
		}
		n.lookUp(ctx, id)
	}
}

func (n *names) lookUp(ctx context.Context, id string) {
	user, err := n.s.api.GetUserInfoContext(ctx, id)
	v := name{until: time.Now().Add(unknownLasts)}
	limited, isLimit := errors.AsType[*slackgo.RateLimitedError](err)
	switch {
	case err == nil:
		v.text = cmp.Or(user.Profile.DisplayName, user.Profile.RealName, user.RealName, user.Name)
		v.until = time.Now().Add(nameLasts)
	case isLimit:
		v.until = time.Now().Add(limited.RetryAfter)
	case code(err) == "missing_scope":
		n.s.log.Info("slack: people are shown by their ids because the scope users:read is missing")
	default:
		n.s.log.Debug("slack: looking up a user's name failed", "user", id, "error", scrub(err))
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.off = n.off || code(err) == "missing_scope"
	if pending := n.byID[id].pending; pending != nil {
		close(pending)
	}
	if v.text == "" {
		v.text = n.byID[id].text
	}
	n.put(id, v)
}
