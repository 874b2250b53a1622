package tools

import (
	"context"
	"fmt"
	"log/slog"
	"runtime/debug"
	"strings"
	"unicode/utf8"

	"bobbin/agent"
)

// MaxText bounds what one call may put into the conversation, in bytes.
const MaxText = 32 << 10

// Guard returns ts in their order, each behind the guard that every tool needs: a panic
// becomes a failed result and is logged with its stack, and a result's text is valid
// UTF-8, never blank, and at most [MaxText] long. It fails if two tools share a name or if
// one's spec could not be sent to a model.
func Guard(log *slog.Logger, ts ...agent.Tool) ([]agent.Tool, error) {
	out := make([]agent.Tool, 0, len(ts))
	seen := map[string]bool{}
	for i, t := range ts {
		if t == nil {
			return nil, fmt.Errorf("tool %d is nil", i)
		}
		spec := t.Spec()
		if err := checkSpec(spec); err != nil {
			return nil, err
		}
		if len(spec.Schema) == 0 {
			return nil, fmt.Errorf("tool %s: has no schema", spec.Name)
		}
		if seen[spec.Name] {
			return nil, fmt.Errorf("tool %s: there are two of that name", spec.Name)
		}
		seen[spec.Name] = true
		out = append(out, &guarded{Tool: t, name: spec.Name, log: log})
	}
	return out, nil
}

type guarded struct {
	agent.Tool
	name string
	log  *slog.Logger
}

// Doing implements agent.Narrator.
func (g *guarded) Doing(c agent.ToolCall) (words string) {
	defer func() {
		if p := recover(); p != nil {
			g.log.Error("tool panicked while it said what it does", "tool", g.name, "panic", fmt.Sprint(p))
		}
	}()
	if n, ok := g.Tool.(agent.Narrator); ok {
		return n.Doing(c)
	}
	return ""
}

func (g *guarded) Call(ctx context.Context, c agent.ToolCall) (r agent.Result, err error) {
	defer func() {
		if p := recover(); p != nil {
			// The arguments stay out of the log: they are a user's words.
			g.log.ErrorContext(ctx, "tool panicked", "tool", g.name, "call", c.ID, "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
			r, err = agent.Result{Text: g.name + " broke down while it ran. Do not call it again with the same arguments.", Failed: true}, nil
		}
	}()
	r, err = g.Tool.Call(ctx, c)
	if err != nil {
		return agent.Result{}, err
	}
	r.Text = bound(r.Text)
	return r, nil
}

// bound makes text fit for a conversation.
func bound(text string) string {
	text = strings.ToValidUTF8(text, "\uFFFD")
	if strings.TrimSpace(text) == "" {
		return "(no output)"
	}
	if len(text) <= MaxText {
		return text
	}
	note := fmt.Sprintf("\n[Cut here: the whole result has %d bytes.]", len(text))
	end := MaxText - len(note)
	for !utf8.RuneStart(text[end]) {
		end--
	}
	return text[:end] + note
}
