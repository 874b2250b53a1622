package reply

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"bobbin/agent"
)

// journal is what a store knows of a turn's parts.
type journal struct {
	mu      sync.Mutex
	parts   []agent.Part
	err     error // instead of writing
	says    []string
	settled func() error // may be nil
}

func (j *journal) Settle(ctx context.Context) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.settled != nil {
		return j.settled()
	}
	return errors.Join(ctx.Err(), j.err)
}

func (j *journal) Record(ctx context.Context, p agent.Part) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return err
	}
	if j.err != nil {
		return j.err
	}
	j.says = append(j.says, fmt.Sprintf("%s %t", p.ID, p.Gone))
	for i := range j.parts {
		if j.parts[i].Key == p.Key {
			j.parts[i] = p
			return nil
		}
	}
	j.parts = append(j.parts, p)
	slices.SortFunc(j.parts, func(a, b agent.Part) int { return strings.Compare(a.Key, b.Key) })
	return nil
}

func (j *journal) fail(err error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.err = err
}

func (j *journal) all() []agent.Part {
	j.mu.Lock()
	defer j.mu.Unlock()
	return slices.Clone(j.parts)
}

// epoch is when every bubble's time begins.
var epoch = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)

// theatre is a stage and the replies that play on it.
type theatre struct {
	*stage
	replies *Replies
	open    []agent.Reply
}

func newTheatre(t tester) *theatre {
	s := &stage{
		tester: t, pageSize: 10, latency: 50 * time.Millisecond, budget: perChannel,
		tokens: make(map[string]float64), counted: make(map[string]time.Time), closed: make(map[string]time.Time),
		told: make(map[string]time.Time),
	}
	return &theatre{stage: s, replies: New(Options{}, s)}
}

// bubble plays in virtual time; goroutines that are left behind fail the test.
func bubble(t *testing.T, play func(t *testing.T, s *theatre)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s := newTheatre(t)
		defer func() {
			for _, r := range s.open {
				r.Close()
			}
		}()
		play(t, s)
	})
}

func turnOf(id agent.TurnID, channel string, parts ...agent.Part) *agent.Turn {
	to := agent.Target{Address: agent.Address{Platform: "stage", Channel: channel}}
	return &agent.Turn{ID: id, Session: to.Session(), Inbound: []agent.Inbound{{Target: to}}, Parts: parts}
}

// reply opens a reply to a turn of that name in a channel of its own.
func (s *theatre) reply(id agent.TurnID, j *journal) agent.Reply {
	s.Helper()
	return s.replyIn(s.replies, turnOf(id, "c-"+string(id), j.all()...), j)
}

func (s *theatre) replyIn(on *Replies, t *agent.Turn, j *journal) agent.Reply {
	s.Helper()
	r, err := on.Open(s.Context(), t, j)
	if err != nil {
		s.Fatal(err)
	}
	s.open = append(s.open, r)
	return r
}

// lanes returns how many budgets are kept in memory.
func (s *theatre) lanes() int {
	return s.replies.pacer.inUse()
}

func (s *theatre) finish(r agent.Reply, text string) {
	s.Helper()
	if err := r.Finish(s.Context(), agent.Outcome{Kind: agent.Answered, Text: text}); err != nil {
		s.Errorf("Finish: %v", err)
	}
}

func (s *theatre) want(turn agent.TurnID, texts ...string) {
	s.Helper()
	if got := s.stands(turn); !slices.Equal(got, texts) {
		s.Errorf("what stands is %q, want %q", got, texts)
	}
}

func (s *theatre) wantCalls(kinds string, want ...string) {
	s.Helper()
	if got := s.made(strings.Fields(kinds)...); !slices.Equal(got, want) {
		s.Errorf("calls were %q, want %q", got, want)
	}
}

func say(r agent.Reply, text string) { r.Update(agent.Update{Text: text}) }
