package sandbox

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
)

// AIRequest is a request for one step of an answer.
type AIRequest struct {
	Number  int    `json:"-"` // counts from 1
	Session string `json:"-"` // the session affinity header

	Model      string      `json:"model"`
	Messages   []AIMessage `json:"messages"`
	Tools      []AITool    `json:"tools"`
	ToolChoice any         `json:"tool_choice"`
	MaxTokens  int         `json:"max_tokens"`
	Stream     bool        `json:"stream"`
	Options    struct {
		RejectIfBusy bool `json:"rejectIfBusy"`
	} `json:"options"`
}

// AIMessage is one message of a request's conversation.
type AIMessage struct {
	Role       string       `json:"role"` // system, user, assistant, tool
	Content    *string      `json:"content"`
	ToolCalls  []aiWireCall `json:"tool_calls"`
	ToolCallID string       `json:"tool_call_id"`
	Name       string       `json:"name"`

	Images []AIImage `json:"-"` // among the content
	Parts  bool      `json:"-"` // the content was a list
}

type aiWireCall struct {
	ID       string `json:"id"`
	Function struct {
		Name      string `json:"name"`
		Arguments string `json:"arguments"`
	} `json:"function"`
}

// Text returns what the message says.
func (m AIMessage) Text() string {
	if m.Content == nil {
		return ""
	}
	return *m.Content
}

// Calls returns the tool calls of an assistant's message.
func (m AIMessage) Calls() []AICall {
	var out []AICall
	for _, c := range m.ToolCalls {
		out = append(out, AICall{Name: c.Function.Name, Args: c.Function.Arguments})
	}
	return out
}

// AITool is a tool that a request offers.
type AITool struct {
	Type     string `json:"type"`
	Function struct {
		Name        string          `json:"name"`
		Description string          `json:"description"`
		Parameters  json.RawMessage `json:"parameters"`
	} `json:"function"`
}

// Last returns the text of the request's last message.
func (r AIRequest) Last() string {
	if len(r.Messages) == 0 {
		return ""
	}
	return r.Messages[len(r.Messages)-1].Text()
}

// Offers reports whether the model may call the tool of that name.
func (r AIRequest) Offers(tool string) bool {
	_, ok := r.tool(tool)
	return ok && r.ToolChoice != "none"
}

func (r AIRequest) tool(name string) (AITool, bool) {
	for _, t := range r.Tools {
		if t.Function.Name == name {
			return t, true
		}
	}
	return AITool{}, false
}

// check refuses what the service refuses. The zero reply means that all is well.
func (r AIRequest) check() AIReply {
	bad := func(code int, why string) AIReply {
		return AIFails(http.StatusBadRequest, code, "AiError: AiError: "+why)
	}
	if len(r.Messages) == 0 {
		return bad(5006, "required properties at '/' are 'messages'")
	}
	for _, t := range r.Tools {
		if t.Type != "function" || t.Function.Name == "" || t.Function.Description == "" || !json.Valid(t.Function.Parameters) {
			return bad(8001, "Invalid input: tools")
		}
	}
	open := map[string]bool{} // calls that have no result yet
	for i, m := range r.Messages {
		if m.Parts && (m.Role != "user" || !aiSees(r.Model)) {
			return bad(5006, fmt.Sprintf("Type mismatch of '/messages/%d/content', 'array' not in 'string'", i))
		}
		for _, p := range m.Images {
			if why := p.check(); why != "" {
				return bad(8006, why)
			}
		}
		if m.Content == nil {
			return bad(5006, "Type mismatch of '/messages/*/content', 'null' not in 'string'")
		}
		if strings.Contains(strings.ToLower(m.Text()), "data:image/") {
			return bad(8006, "Invalid data for image - reason invalid base64 encoding")
		}
		if m.Role != "tool" && len(open) > 0 {
			return bad(5006, "a tool call has no result")
		}
		switch m.Role {
		case "system", "user":
		case "assistant":
			for _, c := range m.ToolCalls {
				if c.ID == "" || c.Function.Name == "" || !json.Valid([]byte(c.Function.Arguments)) {
					return bad(8001, "Invalid input: tool_calls")
				}
				open[c.ID] = true
			}
		case "tool":
			if !open[m.ToolCallID] {
				return bad(5006, "a tool result answers no call")
			}
			delete(open, m.ToolCallID)
		default:
			return bad(5006, "no such role")
		}
	}
	if len(open) > 0 {
		return bad(5006, "a tool call has no result")
	}
	return AIReply{}
}
