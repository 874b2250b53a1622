package workersai

import (
	"bytes"
	"maps"
	"math/bits"
	"slices"
	"strconv"
	"unicode/utf8"
)

// write encodes the request. The messages are written by hand, as the JSON package would
// but much faster: with a full window they are a hundred kilobytes, in each step.
func (r *wireRequest) write() ([]byte, error) {
	size := 512 + len(r.Model)
	for i := range r.Messages {
		size += len(r.Messages[i].Content)*17/16 + 64
	}
	for _, t := range r.Tools {
		size += len(t)
	}
	b := append(make([]byte, 0, size), `{"model":`...)
	b = append(appendText(b, r.Model), `,"messages":[`...)
	for i := range r.Messages {
		if i > 0 {
			b = append(b, ',')
		}
		var err error
		if b, err = r.Messages[i].write(b); err != nil {
			return nil, err
		}
	}
	b = append(b, ']')
	for i, t := range r.Tools {
		before := ","
		if i == 0 {
			before = `,"tools":[`
		}
		b = append(append(b, before...), t...)
	}
	if len(r.Tools) > 0 {
		b = append(b, ']')
	}
	return append(r.wireOptions.write(b), '}'), nil
}

// write appends all options but the tools.
func (o *wireOptions) write(b []byte) []byte {
	if o.ToolChoice != "" {
		b = appendField(b, `,"tool_choice":`, o.ToolChoice)
	}
	b = strconv.AppendInt(append(b, `,"max_tokens":`...), int64(o.MaxTokens), 10)
	b = strconv.AppendBool(append(b, `,"stream":`...), o.Stream)
	if o.StreamOptions != nil {
		b = append(strconv.AppendBool(append(b, `,"stream_options":{"include_usage":`...), o.StreamOptions.IncludeUsage), '}')
	}
	if o.Effort != "" {
		b = appendField(b, `,"reasoning_effort":`, o.Effort)
	}
	before := `,"chat_template_kwargs":{`
	for _, key := range slices.Sorted(maps.Keys(o.TemplateKwargs)) {
		b = strconv.AppendBool(append(appendField(b, before, key), ':'), o.TemplateKwargs[key])
		before = ","
	}
	if len(o.TemplateKwargs) > 0 {
		b = append(b, '}')
	}
	if o.Options != nil {
		b = append(strconv.AppendBool(append(b, `,"options":{"rejectIfBusy":`...), o.Options.RejectIfBusy), '}')
	}
	return b
}

// write appends the message.
func (m *outMessage) write(b []byte) ([]byte, error) {
	if len(m.images) > 0 {
		coded, err := encode(m)
		return append(b, bytes.TrimRight(coded, "\n")...), err
	}
	b = appendField(b, `{"role":`, m.Role)
	b = appendField(b, `,"content":`, m.Content)
	for i, c := range m.ToolCalls {
		before := `,{"id":`
		if i == 0 {
			before = `,"tool_calls":[{"id":`
		}
		b = appendField(b, before, c.ID)
		b = appendField(b, `,"type":`, c.Type)
		b = appendField(b, `,"function":{"name":`, c.Function.Name)
		b = append(appendField(b, `,"arguments":`, c.Function.Arguments), "}}"...)
	}
	if len(m.ToolCalls) > 0 {
		b = append(b, ']')
	}
	if m.ToolCallID != "" {
		b = appendField(b, `,"tool_call_id":`, m.ToolCallID)
	}
	if m.Name != "" {
		b = appendField(b, `,"name":`, m.Name)
	}
	return append(b, '}'), nil
}

func appendField(b []byte, before, text string) []byte { return appendText(append(b, before...), text) }

// appendText appends s as a JSON string, as encode would.
func appendText(b []byte, s string) []byte {
	const hex = "0123456789abcdef"
	b = append(b, '"')
	from := 0
	for i := 0; i < len(s); {
		// Most of a text is ASCII that stands for itself.
		if len(s)-i >= 8 {
			w := word(s[i:])
			if n := bits.TrailingZeros64(notPlain(w)|w&eachHigh) / 8; n > 0 {
				i += n
				continue
			}
		}
		c := s[i]
		if isPlain(c) && c < utf8.RuneSelf {
			i++
			continue
		}
		size, escape := 1, ""
		switch {
		case c >= utf8.RuneSelf:
			var r rune
			if r, size = utf8.DecodeRuneInString(s[i:]); r == '\u2028' || r == '\u2029' {
				escape = `\u202` + hex[r&15:r&15+1]
			} else if r == utf8.RuneError && size == 1 {
				escape = `\ufffd`
			}
		case c == '"':
			escape = `\"`
		case c == '\\':
			escape = `\\`
		case c == '\n':
			escape = `\n`
		case c == '\r':
			escape = `\r`
		case c == '\t':
			escape = `\t`
		case c == '\b':
			escape = `\b`
		case c == '\f':
			escape = `\f`
		default:
			escape = `\u00` + hex[c>>4:c>>4+1] + hex[c&15:c&15+1]
		}
		if escape != "" {
			b = append(append(b, s[from:i]...), escape...)
			from = i + size
		}
		i += size
	}
	return append(append(b, s[from:]...), '"')
}

// word is the first eight bytes of s, the first of them the lowest.
func word(s string) uint64 {
	return uint64(s[0]) | uint64(s[1])<<8 | uint64(s[2])<<16 | uint64(s[3])<<24 |
		uint64(s[4])<<32 | uint64(s[5])<<40 | uint64(s[6])<<48 | uint64(s[7])<<56
}
