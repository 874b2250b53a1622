package agent

import (
	"context"
	"encoding/json"
)

// Tool is something that the model may ask for. Implementations are safe for
// concurrent use: the calls of one step run side by side.
type Tool interface {
	Spec() ToolSpec
	// Call runs the tool. A Result with Failed set goes back to the model, which
	// may do better; an error ends the turn, so it is for what no model can mend.
	Call(ctx context.Context, c ToolCall) (Result, error)
}

// ToolSpec describes a tool to the model. It does not change while the daemon runs.
type ToolSpec struct {
	Name        string          // [a-z0-9_]{1,64}
	Description string          // when to use it, in a sentence or two
	Schema      json.RawMessage // JSON Schema of the arguments; an object
	// Effects says that a call changes something outside, so that it must not be
	// run a second time after a crash.
	Effects bool
	// Doing is what a watcher reads while the tool runs, such as "reading a page".
	// Empty: the name is shown.
	Doing string
}

// Narrator is a Tool that says of each call what it does, such as "reading example.com".
type Narrator interface {
	// Doing returns a few words for people; empty for those of the spec. The arguments
	// are a model's: they may be anything, and what is repeated of them has to be short.
	Doing(c ToolCall) string
}

// Result is what a tool answers the model.
type Result struct {
	Text   string
	Failed bool
	// Made are files for people, at most [MaxMade] in a turn and of [MaxMadeBytes] each.
	// The model is told their names; Text need not.
	Made []Made
	// Usage is what the call has cost, where that is known.
	Usage Usage
}
