package workersai

import (
	"bytes"
	"cmp"
	"crypto/rand"
	"encoding/json"
	"errors"
	"strings"

	"bobbin/agent"
)

const (
	maxCalls     = 64
	maxArguments = 1 << 20 // of all calls of a step together
)

var errTooManyCalls = errors.New("the model asks for more tool calls than any answer needs")

// callSet puts tool calls together from their pieces.
type callSet struct {
	calls []*openCall
	slots map[int]*openCall // by index: the call that a piece belongs to
	size  int
}

type openCall struct {
	id, name string
	args     strings.Builder
}

// add takes the entries of one event. whole says that each entry is a whole call.
func (s *callSet) add(entries []wireCall, whole bool) error {
	for _, in := range entries {
		name, args := in.Name, in.Arguments
		if in.Function != nil {
			name = cmp.Or(in.Function.Name, name)
			args = cmp.Or(in.Function.Arguments, args)
		}
		if in.ID == "" && name == "" && args == "" {
			continue // the closing entry of the older shape
		}
		slot := 0
		if in.Index != nil {
			slot = *in.Index
		}
		call := s.slots[slot]
		if call == nil || whole || call.other(in, string(name), len(entries) > 1) {
			if len(s.calls) >= maxCalls {
				return errTooManyCalls
			}
			call = new(openCall)
			if s.slots == nil {
				s.slots = make(map[int]*openCall)
			}
			s.slots[slot] = call
			s.calls = append(s.calls, call)
		}
		// The first that is there stands: later pieces repeat them as null or "".
		call.id = cmp.Or(call.id, string(in.ID))
		call.name = cmp.Or(call.name, string(name))
		if s.size += len(args); s.size > maxArguments {
			return errTooManyCalls
		}
		call.args.WriteString(string(args))
	}
	return nil
}

// other reports whether a piece begins another call than c, although it has the same
// index: some servers number no calls, or all the same.
func (c *openCall) other(in wireCall, name string, many bool) bool {
	if c.name == "" || name == "" {
		return false
	}
	if in.ID != "" && c.id != "" {
		return string(in.ID) != c.id
	}
	return in.Index == nil && (many || json.Valid([]byte(c.args.String())))
}

// finished returns the calls, each with an id of bobbin's own. It reports false if
// the arguments of one broke off.
func (s *callSet) finished(cut bool) ([]agent.ToolCall, bool) {
	var out []agent.ToolCall
	for _, c := range s.calls {
		if c.name == "" {
			continue
		}
		raw := c.args.String()
		args, ok := arguments(raw)
		if cut && (!ok || strings.TrimSpace(raw) == "") {
			return nil, false
		}
		out = append(out, agent.ToolCall{ID: newCallID(), Name: c.name, Args: args})
	}
	return out, true
}

// arguments makes valid JSON of what a model wrote as arguments. What is no JSON
// becomes a JSON string, which no tool's schema accepts, so that the model hears of
// it; ok is then false.
func arguments(raw string) (args json.RawMessage, ok bool) {
	raw = strings.TrimSpace(raw)
	if raw == "" || raw == "null" {
		return json.RawMessage("{}"), true
	}
	b := []byte(raw)
	if !json.Valid(b) {
		b, _ = json.Marshal(raw) // a string always can
		return b, false
	}
	if b[0] == '"' {
		// Encoded twice.
		var inner string
		if json.Unmarshal(b, &inner) == nil && strings.HasPrefix(strings.TrimSpace(inner), "{") && json.Valid([]byte(inner)) {
			b = []byte(inner)
		}
	}
	return bytes.TrimSpace(b), true
}

// newCallID returns an id in the form that the strictest family of models asks for:
// nine letters or digits.
func newCallID() string { return rand.Text()[:9] }
