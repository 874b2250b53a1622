package workersai

import (
	"encoding/json"
	"errors"
	"unicode/utf8"
)

// event is one event of a stream, or a whole answer: the union of all shapes.
type event struct {
	// The envelope of Cloudflare's API.
	Result  json.RawMessage `json:"result"`
	Success *bool           `json:"success"`
	Errors  json.RawMessage `json:"errors"`
	Error   json.RawMessage `json:"error"`

	// OpenAI's shape. Nil: the key is absent, which is not the same as empty.
	Choices *[]choice `json:"choices"`

	// Workers AI's older shape.
	Response  looseText  `json:"response"`
	ToolCalls []wireCall `json:"tool_calls"`
	Finish    looseText  `json:"finish_reason"`

	// The shape of OpenAI's responses API.
	Output []outputItem `json:"output"`
	Status looseText    `json:"status"`

	Usage *wireUsage `json:"usage"`
}

type choice struct {
	Delta   *wireMessage `json:"delta"`
	Message *wireMessage `json:"message"`
	Text    looseText    `json:"text"`
	Finish  looseText    `json:"finish_reason"`
}

type wireMessage struct {
	Content          looseText  `json:"content"`
	ReasoningContent presence   `json:"reasoning_content"`
	Reasoning        presence   `json:"reasoning"`
	ToolCalls        []wireCall `json:"tool_calls"`
}

type wireCall struct {
	Index    *int          `json:"index"`
	ID       looseText     `json:"id"`
	Function *wireFunction `json:"function"`
	// The older shape has these without a function around them.
	Name      looseText `json:"name"`
	Arguments looseText `json:"arguments"`
}

type wireFunction struct {
	Name      looseText `json:"name"`
	Arguments looseText `json:"arguments"`
}

type outputItem struct {
	Type      looseText `json:"type"`
	Content   looseText `json:"content"`
	Name      looseText `json:"name"`
	Arguments looseText `json:"arguments"`
}

// wireUsage has floats because counts have come as 12.0, and neurons are fractions.
type wireUsage struct {
	PromptTokens     float64 `json:"prompt_tokens"`
	CompletionTokens float64 `json:"completion_tokens"`
	InputTokens      float64 `json:"input_tokens"`
	OutputTokens     float64 `json:"output_tokens"`
	Neurons          float64 `json:"neurons"`
	PromptDetails    struct {
		Cached float64 `json:"cached_tokens"`
	} `json:"prompt_tokens_details"`
}

// unmarshal is json.Unmarshal without the failure for a field of an unexpected type:
// such a field keeps its zero value and the others are read.
func unmarshal(data []byte, into any) error {
	err := json.Unmarshal(data, into)
	if _, mismatch := errors.AsType[*json.UnmarshalTypeError](err); mismatch {
		return nil
	}
	return err
}

// looseText is a text that may come as a string, a number, null, a list of parts, or
// an object, which stands for its JSON.
type looseText string

// UnmarshalJSON never fails: what is no text is none.
func (t *looseText) UnmarshalJSON(b []byte) error {
	*t = ""
	if len(b) == 0 {
		return nil
	}
	switch b[0] {
	case '"':
		if s, ok := plainString(b); ok {
			*t = looseText(s)
			return nil
		}
		var s string
		if json.Unmarshal(b, &s) == nil {
			*t = looseText(s)
		}
	case '[':
		*t = partsText(b)
	case 'n': // null
	default:
		*t = looseText(b)
	}
	return nil
}

// plainString reads the common string, one without escapes, without a second scan by
// the JSON package.
func plainString(b []byte) (string, bool) {
	if len(b) < 2 || b[len(b)-1] != '"' {
		return "", false
	}
	b = b[1 : len(b)-1]
	for _, c := range b {
		if c == '\\' || c < ' ' {
			return "", false
		}
	}
	return string(b), utf8.Valid(b)
}

// partsText joins the text parts of a list; other parts, such as reasoning, are no text.
func partsText(b []byte) looseText {
	var parts []struct {
		Type looseText `json:"type"`
		Text looseText `json:"text"`
	}
	if unmarshal(b, &parts) != nil {
		return ""
	}
	var text looseText
	for _, p := range parts {
		switch p.Type {
		case "", "text", "output_text":
			text += p.Text
		}
	}
	return text
}

// presence notes that something is there, without keeping it.
type presence bool

// UnmarshalJSON never fails.
func (p *presence) UnmarshalJSON(b []byte) error {
	switch string(b) {
	case "null", `""`, "[]", "{}", "false":
		*p = false
	default:
		*p = true
	}
	return nil
}
