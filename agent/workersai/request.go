package workersai

import (
	"bytes"
	"cmp"
	"encoding/json"
	"strings"

	"bobbin/agent"
)

// wireRequest is what is sent: a model, messages, and what is said about the answer.
type wireRequest struct {
	Model    string
	Messages []outMessage
	wireOptions
}

type wireOptions struct {
	Tools          []json.RawMessage `json:"tools,omitempty"`
	ToolChoice     string            `json:"tool_choice,omitempty"`
	MaxTokens      int               `json:"max_tokens"`
	Stream         bool              `json:"stream"`
	StreamOptions  *streamOptions    `json:"stream_options,omitempty"`
	Effort         string            `json:"reasoning_effort,omitempty"`
	TemplateKwargs map[string]bool   `json:"chat_template_kwargs,omitempty"`
	Options        *cloudflareOnly   `json:"options,omitempty"`
}

type streamOptions struct {
	IncludeUsage bool `json:"include_usage"`
}

type cloudflareOnly struct {
	RejectIfBusy bool `json:"rejectIfBusy"`
}

// outMessage always has its content: null was refused by some models. It is a text unless
// there are pictures: some models take nothing else.
type outMessage struct {
	Role       string    `json:"role"`
	Content    string    `json:"content"`
	ToolCalls  []outCall `json:"tool_calls,omitempty"`
	ToolCallID string    `json:"tool_call_id,omitempty"`
	Name       string    `json:"name,omitempty"`

	images []*agent.Image
}

type outCall struct {
	ID       string      `json:"id"`
	Type     string      `json:"type"`
	Function outFunction `json:"function"`
}

type outFunction struct {
	Name      string `json:"name"`
	Arguments string `json:"arguments"`
}

// lastWord asks for an answer in words. tool_choice alone is not obeyed by every model.
const lastWord = "[No more tools can be used for this answer. Answer now, in words, with what is known.]"

// asking is one request to one model.
type asking struct {
	model     string
	maxTokens int
	stream    bool
	failFast  bool // rather than waiting for capacity: there is another model to ask
	pictures  bool // are sent along
}

// maxTokens is the bound for an answer of model.
func (c *Client) maxTokens(r *agent.Request, model string) int {
	if r.MaxTokens > 0 {
		return r.MaxTokens
	}
	if c.cloudflare() && familyOf(model).reasons {
		return max(c.opts.MaxTokens, reasoningFloor)
	}
	return c.opts.MaxTokens
}

// body builds the request. Instructions and tools come out the same bytes each time,
// so that the provider's prompt cache finds them.
func (c *Client) body(r *agent.Request, a asking) ([]byte, error) {
	var f family
	if c.cloudflare() {
		f = familyOf(a.model)
	}
	out := wireRequest{Model: a.model, wireOptions: wireOptions{
		MaxTokens:      a.maxTokens,
		Stream:         a.stream,
		Effort:         f.effort,
		TemplateKwargs: f.template,
	}}
	if a.stream {
		out.StreamOptions = &streamOptions{IncludeUsage: true}
	}
	if c.cloudflare() && a.failFast {
		out.Options = &cloudflareOnly{RejectIfBusy: true}
	}
	out.Messages = c.messages(r, f, a.pictures)

	held := false // calls in the window without the tools they name puzzle a model
	for i := range r.Messages {
		held = held || len(r.Messages[i].Calls) > 0
	}
	if len(r.Tools) > 0 && (!r.NoCalls || held && !f.noToolChoice) {
		tools, err := c.tools.wire(r.Tools)
		if err != nil {
			return nil, &Error{Model: a.model, Message: err.Error(), cause: err}
		}
		out.Tools = tools
		if r.NoCalls {
			out.ToolChoice = "none"
		}
	}
	body, err := out.write()
	if err != nil {
		return nil, &Error{Model: a.model, Message: "building the request: " + err.Error(), cause: err}
	}
	return body, nil
}

func (c *Client) messages(r *agent.Request, f family, pictures bool) []outMessage {
	guard := func(s string) string { return s }
	if c.cloudflare() {
		guard = breakImages
	}
	var sent map[int]bool
	if pictures {
		sent = imagesToSend(r.Messages)
	}
	out := make([]outMessage, 0, len(r.Messages)+1)
	if r.System != "" {
		out = append(out, outMessage{Role: "system", Content: guard(r.System)})
	}
	for i := range r.Messages {
		e := &r.Messages[i]
		switch e.Role {
		case agent.RoleUser:
			m := outMessage{Role: "user", Content: guard(authored(e))}
			switch {
			case e.Image == nil:
			case sent[i]:
				m.images = append(m.images, e.Image)
			case pictures:
				m.Content += "\n" + tooManyNote
			default:
				m.Content += "\n" + blindNote
			}
			if n := len(out); f.alternate && n > 0 && out[n-1].Role == "user" {
				out[n-1].Content += "\n\n" + m.Content
				out[n-1].images = append(out[n-1].images, m.images...)
				continue
			}
			out = append(out, m)
		case agent.RoleAssistant:
			out = append(out, assistant(e, f, guard))
		case agent.RoleTool:
			text := cmp.Or(e.Text, "(no output)")
			if e.Failed {
				text = "The tool failed: " + text
			}
			out = append(out, outMessage{Role: "tool", Content: guard(text), ToolCallID: callID(e.CallID), Name: e.Tool})
		}
	}
	if n := len(out); r.NoCalls && len(r.Tools) > 0 && n > 0 && out[n-1].Role != "system" {
		out[n-1].Content += "\n\n" + lastWord
	}
	return out
}

func assistant(e *agent.Entry, f family, guard func(string) string) outMessage {
	m := outMessage{Role: "assistant", Content: guard(e.Text)}
	var shown []string
	for _, call := range e.Calls {
		args := "{}"
		// Templates of some models walk through the arguments as an object, and the
		// request fails on anything else.
		if a := bytes.TrimSpace(call.Args); len(a) > 0 && a[0] == '{' && json.Valid(a) {
			args = guard(string(a))
		}
		m.ToolCalls = append(m.ToolCalls, outCall{
			ID: callID(call.ID), Type: "function",
			Function: outFunction{Name: call.Name, Arguments: args},
		})
		name, _ := json.Marshal(call.Name) // a string always can
		shown = append(shown, `{"name":`+string(name)+`,"parameters":`+args+`}`)
	}
	if f.callInContent && m.Content == "" {
		m.Content = strings.Join(shown, "\n")
	}
	return m
}
