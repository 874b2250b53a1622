package agenttest

import (
	"context"
	"iter"
	"slices"
	"sync"

	"bobbin/agent"
)

// Step plays one streamed answer. It yields chunks until yield reports false, and returns
// the error that the stream ends with, nil for none.
type Step func(ctx context.Context, r agent.Request, yield func(agent.Chunk) bool) error

// Model is an agent.Model that plays steps and remembers what it was asked.
type Model struct {
	mu       sync.Mutex
	steps    []Step
	requests []agent.Request
}

// NewModel returns a Model whose first request plays the first step, and so on. The last
// step is played for all further requests.
func NewModel(steps ...Step) *Model { return &Model{steps: steps} }

// Stream implements agent.Model.
func (m *Model) Stream(ctx context.Context, r agent.Request) iter.Seq2[agent.Chunk, error] {
	return func(yield func(agent.Chunk, error) bool) {
		m.mu.Lock()
		step := m.steps[min(len(m.requests), len(m.steps)-1)]
		r.Messages = slices.Clone(r.Messages)
		m.requests = append(m.requests, r)
		m.mu.Unlock()
		stopped := false
		err := step(ctx, r, func(c agent.Chunk) bool {
			stopped = stopped || !yield(c, nil)
			return !stopped
		})
		if err != nil && !stopped {
			yield(agent.Chunk{}, err)
		}
	}
}

// Requests returns what the model was asked so far, in order.
func (m *Model) Requests() []agent.Request {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.requests)
}

// Name is what a scripted model calls itself.
const Name = "scripted"

// Cost is the usage of each scripted step that comes to its end.
var Cost = agent.Usage{Input: 100, Cached: 10, Output: 20, Neurons: 0.5}

// Says streams the texts and ends as an answer.
func Says(texts ...string) Step { return Ends(agent.FinishStop, texts...) }

// Ends streams the texts and ends with f.
func Ends(f agent.Finish, texts ...string) Step {
	return func(_ context.Context, _ agent.Request, yield func(agent.Chunk) bool) error {
		if stream(texts, yield) {
			yield(agent.Chunk{Model: Name, Usage: Cost, Finish: f})
		}
		return nil
	}
}

// Calls says the text, if there is one, and calls tools.
func Calls(text string, calls ...agent.ToolCall) Step {
	return func(_ context.Context, _ agent.Request, yield func(agent.Chunk) bool) error {
		if stream([]string{text}, yield) {
			yield(agent.Chunk{Model: Name, Usage: Cost, Finish: agent.FinishCalls, Calls: calls})
		}
		return nil
	}
}

// Fails streams the texts and then ends with err; a nil err is a stream that just stops.
func Fails(err error, texts ...string) Step {
	return func(_ context.Context, _ agent.Request, yield func(agent.Chunk) bool) error {
		stream(texts, yield)
		return err
	}
}

// Waits streams the texts, and plays then once until is closed. It ends with the context's
// cause if that ends first.
func Waits(until <-chan struct{}, then Step, texts ...string) Step {
	return func(ctx context.Context, r agent.Request, yield func(agent.Chunk) bool) error {
		stream(texts, yield)
		select {
		case <-until:
			return then(ctx, r, yield)
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

func stream(texts []string, yield func(agent.Chunk) bool) bool {
	for _, s := range texts {
		if s != "" && !yield(agent.Chunk{Text: s}) {
			return false
		}
	}
	return true
}
