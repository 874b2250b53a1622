package workersai

import (
	"encoding/json"
	"strconv"
	"unicode/utf8"
)

// quick reads the common event of a stream, one choice with a piece of text or of
// reasoning, as json.Unmarshal would at a fraction of its cost: answers have thousands of
// them. It reports false for all that it does not know, whatever that is.
type quick struct {
	b []byte
	i int

	// What is read into, to be allocated once.
	choices [1]choice
	list    []choice
	delta   wireMessage
	usage   wireUsage
}

func (q *quick) read(b []byte, ev *event) bool {
	q.b, q.i = b, 0
	q.choices[0], q.delta, q.usage = choice{}, wireMessage{}, wireUsage{}
	var seen keys
	ok := q.object(func(key []byte) bool {
		switch string(key) {
		case "choices":
			q.list = q.choices[:]
			ev.Choices = &q.list
			return seen.first(0) && q.literal("[") && q.choice() && q.literal("]")
		case "usage":
			if !seen.first(1) {
				return false
			}
			if q.literal("null") {
				return true
			}
			ev.Usage = &q.usage
			return q.readUsage()
		case "created", "id", "model", "object", "p", "system_fingerprint", "service_tier":
			return q.scalar()
		}
		return false
	})
	q.b = nil
	return ok && q.i == len(b) && ev.Choices != nil
}

// keys notes which keys an object has had: what a second one of a name means is not known
// here.
type keys uint8

func (k *keys) first(n int) bool {
	had := *k&(1<<n) != 0
	*k |= 1 << n
	return !had
}

func (q *quick) choice() bool {
	var seen keys
	return q.object(func(key []byte) bool {
		switch string(key) {
		case "delta":
			q.choices[0].Delta = &q.delta
			return seen.first(0) && q.readDelta()
		case "finish_reason", "logprobs", "matched_stop", "stop_reason", "token_ids":
			return q.literal("null")
		case "index":
			return q.scalar()
		}
		return false
	})
}

func (q *quick) readDelta() bool {
	var seen keys
	return q.object(func(key []byte) bool {
		switch string(key) {
		case "content":
			if !seen.first(0) {
				return false
			}
			if q.literal("null") {
				return true
			}
			s, ok := q.text()
			q.delta.Content = looseText(s)
			return ok
		case "reasoning_content":
			return seen.first(1) && q.present(&q.delta.ReasoningContent)
		case "reasoning":
			return seen.first(2) && q.present(&q.delta.Reasoning)
		case "role":
			return q.scalar()
		case "tool_calls", "refusal", "function_call":
			return q.literal("null")
		}
		return false
	})
}

// present notes whether there is a text.
func (q *quick) present(p *presence) bool {
	if q.literal("null") {
		return true
	}
	from := q.i
	if !q.skipText() {
		return false
	}
	*p = q.i-from > len(`""`)
	return true
}

func (q *quick) readUsage() bool {
	var seen keys
	return q.object(func(key []byte) bool {
		switch string(key) {
		case "prompt_tokens":
			return seen.first(0) && q.number(&q.usage.PromptTokens)
		case "completion_tokens":
			return seen.first(1) && q.number(&q.usage.CompletionTokens)
		case "neurons":
			return seen.first(2) && q.number(&q.usage.Neurons)
		case "total_tokens":
			return q.scalar()
		case "prompt_tokens_details":
			if !seen.first(3) {
				return false
			}
			if q.literal("null") {
				return true
			}
			var seen keys
			return q.object(func(key []byte) bool {
				return string(key) == "cached_tokens" && seen.first(0) && q.number(&q.usage.PromptDetails.Cached)
			})
		case "completion_tokens_details":
			return q.literal("null")
		}
		return false
	})
}

// object calls f with each key, for it to read the value.
func (q *quick) object(f func(key []byte) bool) bool {
	if !q.literal("{") {
		return false
	}
	if q.literal("}") {
		return true
	}
	for {
		q.blanks()
		from := q.i
		if !q.skipText() {
			return false
		}
		key := q.b[from+1 : q.i-1]
		if !q.literal(":") {
			return false
		}
		q.blanks()
		if !f(key) {
			return false
		}
		if q.literal("}") {
			return true
		}
		if !q.literal(",") {
			return false
		}
	}
}

// literal reads s, after blanks.
func (q *quick) literal(s string) bool {
	q.blanks()
	if len(q.b)-q.i < len(s) || string(q.b[q.i:q.i+len(s)]) != s {
		return false
	}
	q.i += len(s)
	return true
}

func (q *quick) blanks() {
	for q.i < len(q.b) && q.b[q.i] == ' ' {
		q.i++
	}
}

// skipText reads a string without escapes.
func (q *quick) skipText() bool {
	if q.i == len(q.b) || q.b[q.i] != '"' {
		return false
	}
	for i := q.i + 1; i < len(q.b); i++ {
		switch c := q.b[i]; {
		case c == '"':
			q.i = i + 1
			return true
		case c == '\\', c < ' ':
			return false
		}
	}
	return false
}

// text reads a string.
func (q *quick) text() (s string, ok bool) {
	from := q.i
	if q.skipText() {
		if whole := q.b[from+1 : q.i-1]; utf8.Valid(whole) {
			return string(whole), true
		}
	}
	q.i = from
	if q.i == len(q.b) || q.b[q.i] != '"' {
		return "", false
	}
	for i := q.i + 1; i < len(q.b); i++ {
		switch q.b[i] {
		case '\\':
			i++
		case '"':
			q.i = i + 1
			return s, json.Unmarshal(q.b[from:q.i], &s) == nil
		}
	}
	return "", false
}

// scalar reads a string, a number or null.
func (q *quick) scalar() bool {
	var n float64
	return q.literal("null") || q.skipText() || q.number(&n)
}

// number reads a number without an exponent.
func (q *quick) number(n *float64) bool {
	from := q.i
	digits := func() bool {
		from := q.i
		for q.i < len(q.b) && q.b[q.i] >= '0' && q.b[q.i] <= '9' {
			q.i++
		}
		return q.i > from
	}
	if !digits() || q.i-from > 1 && q.b[from] == '0' || q.i-from > 15 {
		return false
	}
	if q.i == len(q.b) || q.b[q.i] != '.' {
		whole, err := strconv.Atoi(string(q.b[from:q.i]))
		*n = float64(whole)
		return err == nil
	}
	if q.i++; !digits() {
		return false
	}
	var err error
	*n, err = strconv.ParseFloat(string(q.b[from:q.i]), 64)
	return err == nil
}
