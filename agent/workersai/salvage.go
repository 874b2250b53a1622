package workersai

import (
	"bytes"
	"encoding/json"
	"io"
	"slices"
	"strings"
)

// maxHeld bounds how much of an answer is withheld because it may be a call.
const maxHeld = 64 << 10

// callScan decides, byte by byte, whether a text that began with its first byte can
// still be nothing but tool calls as JSON.
type callScan struct {
	stage   scanStage
	opener  []byte // what stands in front of the JSON
	depth   int
	quoted  bool
	escaped bool
	keyed   bool   // the first key has been read
	key     []byte // the first key so far
}

type scanStage int

const (
	scanOpener scanStage = iota
	scanValue
	scanAfter
)

// callOpeners are what models write in front of a call in text.
var callOpeners = []string{"```", "```json", "```tool_call", "<tool_call>", "<|python_tag|>"}

// callKeys are the first keys of the known ways to write a call.
var callKeys = []string{"name", "function", "tool_calls", "tool", "type", "id", "arguments", "parameters"}

// next reports whether the text may still be calls after c.
func (s *callScan) next(c byte) bool {
	space := c == ' ' || c == '\n' || c == '\r' || c == '\t'
	switch s.stage {
	case scanOpener:
		whole := len(s.opener) == 0 || slices.Contains(callOpeners, string(s.opener))
		switch {
		case space:
			return whole
		case c == '{' || c == '[':
			s.stage, s.depth = scanValue, 1
			return whole
		}
		s.opener = append(s.opener, c)
		return slices.ContainsFunc(callOpeners, func(o string) bool { return strings.HasPrefix(o, string(s.opener)) })
	case scanValue:
		return s.inValue(c, space)
	default:
		if c == '{' || c == '[' {
			s.stage, s.depth, s.keyed, s.key = scanValue, 1, false, nil
			return true
		}
		return space || strings.IndexByte(";,`</tool_call>", c) >= 0
	}
}

func (s *callScan) inValue(c byte, space bool) bool {
	switch {
	case s.escaped:
		s.escaped = false
	case s.quoted && c == '\\':
		s.escaped = true
	case c == '"':
		s.quoted = !s.quoted
		if !s.quoted && !s.keyed {
			s.keyed = true
			return slices.Contains(callKeys, string(s.key))
		}
	case s.quoted:
		if !s.keyed {
			s.key = append(s.key, c)
			return len(s.key) <= 16
		}
	case c == '{' || c == '[':
		s.depth++
	case c == '}' || c == ']':
		if s.depth--; s.depth == 0 {
			s.stage = scanAfter
			return s.keyed
		}
	default:
		return s.keyed || space
	}
	return true
}

// withhold keeps back the start of an answer while it may be calls in text.
type withhold struct {
	through bool // decided: it is text
	begun   bool // something other than blanks was seen
	held    []byte
	scan    callScan
}

// write takes a piece of the answer and returns what of it may be shown.
func (w *withhold) write(s string) string {
	if !w.begun {
		// Blanks in front of an answer say nothing, and mean an empty message.
		if s = strings.TrimLeft(s, " \t\r\n"); s == "" {
			return ""
		}
		w.begun = true
	}
	if w.through {
		return s
	}
	w.held = append(w.held, s...)
	for i := range len(s) {
		if !w.scan.next(s[i]) {
			return w.release()
		}
	}
	if len(w.held) > maxHeld {
		return w.release()
	}
	return ""
}

// release returns what is held, as text.
func (w *withhold) release() string {
	s := string(w.held)
	w.through, w.held = true, nil
	return s
}

// textCall is a call that was found in text.
type textCall struct {
	name string
	args json.RawMessage
}

// textCalls reads text that is nothing but calls of known tools. It returns nil if
// there is anything else in it.
func textCalls(text []byte, known func(string) bool) []textCall {
	text = bytes.TrimSpace(text)
	text = bytes.TrimPrefix(text, []byte("<|python_tag|>"))
	if rest, fenced := bytes.CutPrefix(text, []byte("```")); fenced {
		rest = bytes.TrimSuffix(bytes.TrimSpace(rest), []byte("```"))
		text = bytes.TrimPrefix(bytes.TrimPrefix(rest, []byte("json")), []byte("tool_call"))
	}
	text = bytes.ReplaceAll(text, []byte("<tool_call>"), nil)
	text = bytes.ReplaceAll(text, []byte("</tool_call>"), nil)

	var calls []textCall
	for {
		if text = bytes.TrimLeft(text, " \t\r\n;,"); len(text) == 0 {
			return calls
		}
		dec := json.NewDecoder(bytes.NewReader(text))
		var value json.RawMessage
		if err := dec.Decode(&value); err != nil && err != io.EOF {
			return nil
		}
		found := callsOf(value, known, true)
		if found == nil {
			return nil
		}
		calls = append(calls, found...)
		text = text[dec.InputOffset():]
	}
}

// callsOf reads one JSON value: a call, a list of calls, or an object around a list.
func callsOf(value json.RawMessage, known func(string) bool, outer bool) []textCall {
	if len(value) > 0 && value[0] == '[' {
		var list []json.RawMessage
		if !outer || json.Unmarshal(value, &list) != nil {
			return nil
		}
		var calls []textCall
		for _, v := range list {
			found := callsOf(v, known, false)
			if found == nil {
				return nil
			}
			calls = append(calls, found...)
		}
		return calls
	}
	var fields map[string]json.RawMessage
	if json.Unmarshal(value, &fields) != nil {
		return nil
	}
	if list, ok := fields["tool_calls"]; ok && outer {
		return callsOf(list, known, true)
	}
	if inner, ok := fields["function"]; ok && len(inner) > 0 && inner[0] == '{' {
		fields = nil
		if json.Unmarshal(inner, &fields) != nil {
			return nil
		}
	}
	var name string
	for _, key := range []string{"name", "tool", "function"} {
		if json.Unmarshal(fields[key], &name) == nil && name != "" {
			delete(fields, key)
			break
		}
	}
	if !known(name) {
		return nil
	}
	args, ok := fields["arguments"]
	if !ok {
		args, ok = fields["parameters"]
	}
	if !ok {
		// The arguments stand beside the name.
		delete(fields, "type")
		delete(fields, "id")
		args, _ = json.Marshal(fields) // a map of valid JSON values
	}
	return []textCall{{name: name, args: args}}
}
