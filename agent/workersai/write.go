package workersai

import (
	"bytes"
	"maps"
	"slices"
	"strconv"

	"bobbin/agent/quickjson"
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
	b = append(quickjson.AppendText(b, r.Model), `,"messages":[`...)
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

func appendField(b []byte, before, text string) []byte {
	return quickjson.AppendText(append(b, before...), text)
}
