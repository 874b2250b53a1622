package agent

import (
	"context"
	"encoding/json"
	"iter"
)

// Model streams one answer. Implementations are safe for concurrent use.
type Model interface {
	// Stream asks for one step. The sequence ends after a chunk whose Finish is
	// set; if it cannot get that far it yields one error and ends. Breaking out
	// of the loop cancels the request. It is good for one loop, in which an implementation
	// lets go of the Messages once it does not need them: an answer streams for minutes.
	// An error that carries a sentence for the user implements [Public].
	Stream(ctx context.Context, r Request) iter.Seq2[Chunk, error]
}

// Request is what a model needs for one step.
type Request struct {
	Prefers  string     // a model that people want to answer; empty: any
	Session  SessionID  // stable per conversation: lets a provider reuse its prompt cache
	System   string     // instructions; byte-stable between requests, for the same reason
	Messages []Entry    // the window: oldest first, every tool result preceded by its call
	Tools    []ToolSpec // what may be called; the order is stable
	// NoCalls asks for an answer without tool calls, although Messages may hold some. A
	// model that calls all the same ends with FinishCalls and no Calls.
	NoCalls   bool
	MaxTokens int // bound on the answer, reasoning included; 0: the model's own default
}

// Chunk is one piece of a streamed answer. Fields that are zero say nothing.
type Chunk struct {
	Text      string     // more of the visible answer
	Reasoning bool       // the model is thinking; what it thinks is not kept
	Calls     []ToolCall // whole calls, only in the last chunk
	Model     string     // the model that answers, in the first and the last chunk
	Usage     Usage      // of the whole step, only in the last chunk
	Finish    Finish     // set in the last chunk only
}

// Finish says why a model stopped.
type Finish string

// The ends of a step. A step with calls has FinishCalls whatever the provider
// called it.
const (
	FinishStop   Finish = "stop"
	FinishCalls  Finish = "calls"
	FinishLength Finish = "length" // the answer was cut at MaxTokens
	FinishFilter Finish = "filter" // the provider withheld the rest
)

// Usage counts the tokens of one or more steps.
type Usage struct {
	Input   int     `json:"input,omitempty"`
	Cached  int     `json:"cached,omitempty"` // part of Input that the provider had cached
	Output  int     `json:"output,omitempty"`
	Neurons float64 `json:"neurons,omitempty"` // Workers AI's unit of cost; 0 where unknown
}

// neuronPrice is what a neuron costs in US dollars:
// developers.cloudflare.com/workers-ai/platform/pricing.
const neuronPrice = 0.011 / 1000

// Dollars is what u costs in US dollars at the list price, without what is free each day.
// It is 0 where the provider does not tell.
func (u Usage) Dollars() float64 { return u.Neurons * neuronPrice }

// Add returns the sum of u and v.
func (u Usage) Add(v Usage) Usage {
	return Usage{
		Input:   u.Input + v.Input,
		Cached:  u.Cached + v.Cached,
		Output:  u.Output + v.Output,
		Neurons: u.Neurons + v.Neurons,
	}
}

// sub returns what u has beyond v.
func (u Usage) sub(v Usage) Usage {
	return Usage{
		Input:   u.Input - v.Input,
		Cached:  u.Cached - v.Cached,
		Output:  u.Output - v.Output,
		Neurons: u.Neurons - v.Neurons,
	}
}

// ToolCall is a model's request to run a tool.
type ToolCall struct {
	// ID is unique within its turn. Models reuse their ids, so the Model
	// implementation gives each call an id of bobbin's own.
	ID   string          `json:"id"`
	Name string          `json:"name"`
	Args json.RawMessage `json:"args"` // a JSON value as the model wrote it; not yet validated
}
