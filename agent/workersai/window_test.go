package workersai

import (
	"io"
	"net/http"
	"runtime"
	"testing"
	"weak"

	"bobbin/agent"
)

// TestAWindowIsLetGoOnceAnAnswerIsSeen, since no model will be asked again with it then.
func TestAWindowIsLetGoOnceAnAnswerIsSeen(t *testing.T) {
	checked := make(chan struct{})
	c := onLoopback(t, &otherSide{answer: func(w http.ResponseWriter, _ *http.Request, _ received, _ int) {
		w.Header().Set("Content-Type", "text/event-stream")
		_, _ = io.WriteString(w, sseOf(delta("Well, ")))
		_ = http.NewResponseController(w).Flush()
		<-checked
		_, _ = io.WriteString(w, sseOf(delta("yes."), stop, "[DONE]"))
	}}, Options{})
	var window weak.Pointer[agent.Entry]
	ask := func() agent.Request {
		r := agent.Request{Messages: []agent.Entry{{Role: agent.RoleUser, Text: "and now?"}, {Role: agent.RoleUser, Text: "well?"}}}
		window = weak.Make(&r.Messages[0])
		return r
	}
	text, held := "", false
	for chunk, err := range c.Stream(t.Context(), ask()) {
		if err != nil {
			t.Fatal(err)
		}
		if text += chunk.Text; chunk.Text == "Well, " {
			runtime.GC()
			held = window.Value() != nil
			close(checked)
		}
	}
	if text != "Well, yes." || held {
		t.Errorf("the answer is %q, and the window was held: %t", text, held)
	}
}
