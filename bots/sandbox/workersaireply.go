package sandbox

import (
	"strings"
	"time"
	"unicode/utf8"
)

// AIReply is what the stand-in answers a request with. Its zero value is an empty
// answer.
type AIReply struct {
	Think  string   // reasoning, before all else
	Text   string   // the answer, token by token
	Pieces []string // instead of Text: one event each, as they are
	Calls  []AICall // after the text
	Finish string   // finish_reason; empty: stop, tool_calls, or length at max_tokens

	Delay time.Duration // before the first byte
	Pace  time.Duration // between tokens; 0: the stand-in's own; negative: none
	Shape AIShape
	End   AIEnd

	// Status and Code make it an error. With Status 0 or 200 the error is an event
	// that follows the text.
	Status     int
	Code       int
	Message    string
	RetryAfter string // the header

	// Body is sent in place of all else, as it is.
	Body        string
	ContentType string // of Body; empty: text/event-stream
}

// AICall is a call of a tool.
type AICall struct {
	Name string
	Args string // as JSON; sent as it is, so it may be broken
}

// AIShape is the form an answer comes in.
type AIShape int

// The forms of answers.
const (
	AIModern   AIShape = iota // the OpenAI-shaped stream with Workers AI's additions
	AILegacy                  // the older stream of response events
	AIDocument                // one JSON document although a stream was asked for
)

// AIEnd is how a stream ends.
type AIEnd int

// The ends of streams.
const (
	AIWhole  AIEnd = iota
	AICut          // the connection breaks after the text
	AISilent       // nothing comes after the text until the client gives up
	AINoMark       // it ends in good order, without finish_reason or [DONE]
)

// AISays is the reply with that text.
func AISays(text string) AIReply { return AIReply{Text: text} }

// AICalling is the reply that calls tools.
func AICalling(calls ...AICall) AIReply { return AIReply{Calls: calls} }

// AIFails is the error with that HTTP status, code and message.
func AIFails(status, code int, message string) AIReply {
	return AIReply{Status: status, Code: code, Message: message}
}

// tokens returns the pieces that the reply's text is streamed in.
func (r AIReply) tokens() []string {
	if r.Pieces != nil {
		return r.Pieces
	}
	return aiTokens(r.Text)
}

// aiTokens splits text as a tokenizer might: a word with the blank before it, a long
// word in parts.
func aiTokens(text string) []string {
	const longest = 8
	var out []string
	for text != "" {
		end := 1
		if i := strings.IndexAny(text[1:], " \n"); i >= 0 {
			end += i
		} else {
			end = len(text)
		}
		for end > longest {
			cut := longest
			for cut > 1 && !utf8.RuneStart(text[cut]) {
				cut--
			}
			out = append(out, text[:cut])
			text, end = text[cut:], end-cut
		}
		out = append(out, text[:end])
		text = text[end:]
	}
	return out
}
