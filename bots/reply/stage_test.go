package reply

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"bobbin/agent"
	"bobbin/bots"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// stage is a platform on which everything that can happen happens when a test says so.
// It watches over what no platform forgives: calls that come too fast, or before it has
// said that they may; edits that change nothing; messages that are too long.
type stage struct {
	tester
	pageSize int           // characters of a message
	latency  time.Duration // of each call
	budget   func(agent.Target) bots.Budget
	wordless bool // its sign has no words
	// fault decides over a call before it is carried out; may be nil.
	fault func(c call) fault

	mu       sync.Mutex
	calls    []call
	messages []*message
	tokens   map[string]float64
	counted  map[string]time.Time
	closed   map[string]time.Time // by scope: no call before
	told     map[string]time.Time // when it was asked for
}

// tester is a *testing.T or a *rapid.T.
type tester interface {
	Helper()
	Errorf(format string, args ...any)
	Fatal(args ...any)
	Context() context.Context
}

type call struct {
	at    time.Duration // since the stage was made
	what  string        // post, edit, find, delete
	key   string
	text  string
	scope string
}

type fault struct {
	err  error
	done bool // carried out all the same
}

type message struct {
	id, key, text string
	gone          bool
	frozen        bool // stands, and can no longer be edited
}

var errLost = errors.New("connection reset")

func (s *stage) Name() string                                                       { return "stage" }
func (s *stage) Run(context.Context, func(context.Context, bots.Event) error) error { return nil }
func (s *stage) Ready() error                                                       { return nil }

func (s *stage) Render(markdown string) (pages []bots.Message) {
	if strings.TrimSpace(markdown) == "" {
		return nil
	}
	for piece := range slices.Chunk([]rune(markdown), s.pageSize) {
		pages = append(pages, bots.Message{Text: string(piece), Source: string(piece)})
	}
	return pages
}

func (s *stage) Words(agent.Target) bool { return !s.wordless }

func (s *stage) Budget(to agent.Target) bots.Budget { return s.budget(to) }

// perChannel is the budget of a stage unless a test wants another.
func perChannel(to agent.Target) bots.Budget {
	return bots.Budget{
		Post: bots.Rate{Scope: to.Channel + "/post", Every: time.Second, Burst: 2},
		Edit: bots.Rate{Scope: "edit", Every: 1200 * time.Millisecond, Burst: 3},
	}
}

// begin notes a call, takes its time and returns its fault.
func (s *stage) begin(ctx context.Context, what, key, text string, rate bots.Rate) (fault, error) {
	s.mu.Lock()
	c := call{time.Since(epoch), what, key, text, rate.Scope}
	s.calls = append(s.calls, c)
	if rate.Every > 0 {
		s.pace(c, rate)
	}
	var f fault
	if s.fault != nil {
		f = s.fault(c)
	}
	s.mu.Unlock()
	select {
	case <-time.After(s.latency):
	case <-ctx.Done():
		return fault{}, ctx.Err()
	}
	if late, ok := errors.AsType[*bots.RetryAfterError](f.err); ok && rate.Scope != "" {
		s.mu.Lock()
		defer s.mu.Unlock()
		if until := time.Now().Add(late.After); until.After(s.closed[rate.Scope]) {
			s.closed[rate.Scope], s.told[rate.Scope] = until, time.Now()
		}
	}
	return f, f.err
}

// pace fails the test for a call that comes too early. The caller holds mu.
func (s *stage) pace(c call, rate bots.Rate) {
	now := time.Now()
	tokens, known := s.tokens[c.scope]
	if !known {
		tokens = float64(rate.Burst)
	}
	tokens = min(float64(rate.Burst), tokens+float64(now.Sub(s.counted[c.scope]))/float64(rate.Every))
	if tokens < 1-1e-5 {
		s.Errorf("%s %q at %v: faster than the budget of %s", c.what, c.key, c.at, c.scope)
	}
	s.tokens[c.scope], s.counted[c.scope] = tokens-1, now
	// A call that begins at the very instant at which the answer to another arrives
	// cannot know of it.
	if until := s.closed[c.scope]; now.Before(until) && now.After(s.told[c.scope]) {
		s.Errorf("%s %q at %v: the platform has asked to wait for another %v", c.what, c.key, c.at, until.Sub(now))
	}
}

var keyForm = regexp.MustCompile(`^[A-Z2-7-]{1,25}$`)

func (s *stage) Post(ctx context.Context, to agent.Target, key string, m bots.Message) (agent.MessageID, error) {
	s.check(key, m)
	f, err := s.begin(ctx, "post", key, look(m), s.budget(to).Post)
	if err != nil && !f.done {
		return "", err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, o := range s.messages {
		if o.key == key && !o.gone {
			s.Errorf("a second message was posted with the key %s", key)
		}
	}
	id := fmt.Sprintf("m%d", len(s.messages)+1)
	s.messages = append(s.messages, &message{id: id, key: key, text: look(m)})
	return agent.MessageID(id), err
}

// look is what people see of a message.
func look(m bots.Message) string {
	lines := []string{m.Text}
	if m.Head != "" {
		lines = append([]string{"^" + m.Head}, lines...)
	}
	if m.Foot != "" {
		lines = append(lines, "_"+m.Foot)
	}
	for _, b := range m.Buttons {
		lines = append(lines, "["+b.Action.Label()+"]")
	}
	if m.Final {
		lines = append(lines, "■")
	}
	return strings.Join(slices.DeleteFunc(lines, func(l string) bool { return l == "" }), "\n")
}

func (s *stage) check(key string, m bots.Message) {
	if !keyForm.MatchString(key) {
		s.Errorf("key %q is not of the form that was promised", key)
	}
	if n := len([]rune(m.Text)); n == 0 && m.Head == "" || n > s.pageSize && m.File == nil {
		s.Errorf("a message of %d characters", n)
	}
}

func (s *stage) Find(ctx context.Context, _ agent.Target, key string) (agent.MessageID, error) {
	if _, err := s.begin(ctx, "find", key, "", bots.Rate{}); err != nil {
		return "", err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, m := range s.messages {
		if m.key == key && !m.gone {
			return agent.MessageID(m.id), nil
		}
	}
	return "", fmt.Errorf("find: %w", bots.ErrNotFound)
}

func (s *stage) Edit(ctx context.Context, to agent.Target, id agent.MessageID, m bots.Message) error {
	was := s.message(id)
	s.check(was.key, m)
	f, err := s.begin(ctx, "edit", was.key, look(m), s.budget(to).Edit)
	if err != nil && !f.done {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if was.gone || was.frozen {
		return fmt.Errorf("edit: %w", bots.ErrGone)
	}
	was.text = look(m)
	return err
}

func (s *stage) Delete(ctx context.Context, _ agent.Target, id agent.MessageID) error {
	m := s.message(id)
	if f, err := s.begin(ctx, "delete", m.key, "", bots.Rate{}); err != nil && !f.done {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	m.gone = true
	return nil
}

func (s *stage) message(id agent.MessageID) *message {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, m := range s.messages {
		if m.id == string(id) {
			return m
		}
	}
	s.Errorf("there never was a message %q", id)
	return &message{gone: true}
}

// stands returns the texts of the turn's messages, in the order in which people see them.
func (s *stage) stands(turn agent.TurnID) (texts []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, m := range s.messages {
		if !m.gone && strings.HasPrefix(m.key, string(turn)+"-") {
			texts = append(texts, m.text)
		}
	}
	return texts
}

// made returns the calls of some kinds, in short: "post A", "find".
func (s *stage) made(kinds ...string) (short []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.calls {
		if slices.Contains(kinds, c.what) {
			short = append(short, strings.TrimSpace(c.what+" "+c.text))
		}
	}
	return short
}

func (s *stage) all() []call {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.calls)
}

// times returns when the calls of a kind were made.
func (s *stage) times(kind string) (at []time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.calls {
		if c.what == kind {
			at = append(at, c.at)
		}
	}
	return at
}

func (s *stage) onCall(f func(call) fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fault = f
}

// faults strikes the nth call of each kind with the nth fault given for that kind.
func (s *stage) faults(plan map[string][]fault) {
	plan = maps.Clone(plan)
	s.onCall(func(c call) (f fault) {
		if left := plan[c.what]; len(left) > 0 {
			f, plan[c.what] = left[0], left[1:]
		}
		return f
	})
}
