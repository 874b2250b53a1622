package main

import (
	"bytes"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// benchModel says how answers come.
type benchModel struct {
	tokens int
	pace   time.Duration // between tokens; 0: all at once
	hold   chan struct{} // if not nil, the last token waits until it is closed

	words string // all events but the first and the last; script sets it
}

// script sets how answers come from now on.
func (w *benchWorld) script(m benchModel) {
	m.words = strings.Repeat(benchEvent(benchWord), max(m.tokens-2, 0))
	w.mu.Lock()
	defer w.mu.Unlock()
	w.model = m
}

// benchEvent is a token as Workers AI streams it.
func benchEvent(token string) string {
	return `data: {"choices":[{"delta":{"content":"` + token + `","reasoning_content":null,"role":null,"tool_calls":null},"finish_reason":null,"index":0,"logprobs":null,"matched_stop":null}],` +
		`"created":1769900000,"id":"id-1769900000","model":"@cf/zai-org/glm-4.7-flash","object":"chat.completion.chunk","p":"abcdefghijkl","usage":{"prompt_tokens":0,"completion_tokens":1,"total_tokens":1}}` + "\n\n"
}

const benchLast = `data: {"choices":[{"delta":{"reasoning_content":null},"finish_reason":"stop","index":0,"logprobs":null,"matched_stop":null}],` +
	`"created":1769900000,"id":"id-1769900000","model":"@cf/zai-org/glm-4.7-flash","object":"chat.completion.chunk","p":"abcdefghijkl","usage":{"prompt_tokens":0,"completion_tokens":0,"total_tokens":0}}` + "\n\n" +
	`data: {"response":"","usage":{"prompt_tokens":900,"completion_tokens":40,"total_tokens":940}}` + "\n\ndata: [DONE]\n\n"

// benchWord is the token that answers are made of, between the first and the last.
const benchWord = " something"

// answer is the model. It reads of a request only what it has to, and has at hand what it
// answers: the processor that it saves is the daemon's.
func (w *benchWorld) answer(rw http.ResponseWriter, r *http.Request) {
	asked := time.Now()
	b, _ := w.buffers.Get().(*bytes.Buffer)
	if b == nil {
		b = new(bytes.Buffer)
	}
	defer w.buffers.Put(b)
	b.Reset()
	if _, err := b.ReadFrom(r.Body); err != nil {
		return // the daemon has gone
	}
	n := benchNumber(b.Bytes(), benchAsks)
	w.mu.Lock()
	m, t := w.model, w.turns[n]
	if w.newest.wanted {
		w.newest.asked, w.newest.request = n, b.String()
	}
	w.mu.Unlock()
	if t == nil {
		t = &benchTurn{}
	}
	t.asked.note(asked)
	rw.Header().Set("Content-Type", "text/event-stream")
	number := strconv.Itoa(n)
	first, last := benchEvent(benchSays+number+":"), benchEvent(" "+benchEnds+number)+benchLast
	if m.pace > 0 || m.hold != nil {
		m.stream(rw, r, t, first, last)
		return
	}
	now := time.Now()
	t.first.note(now)
	t.last.note(now)
	b.Reset()
	b.WriteString(first)
	b.WriteString(m.words)
	b.WriteString(last)
	rw.Header().Set("Content-Length", strconv.Itoa(b.Len()))
	_, _ = rw.Write(b.Bytes()) // or the daemon has gone
}

// stream sends one token after the other.
func (m benchModel) stream(rw http.ResponseWriter, r *http.Request, t *benchTurn, first, last string) {
	send := func(event string) bool {
		_, err := io.WriteString(rw, event)
		return err == nil && http.NewResponseController(rw).Flush() == nil
	}
	t.first.note(time.Now())
	if !send(first) {
		return
	}
	word := benchEvent(benchWord)
	tick := time.NewTicker(max(m.pace, time.Millisecond))
	defer tick.Stop()
	for range len(m.words) / len(word) {
		select {
		case <-tick.C:
		case <-r.Context().Done():
			return
		}
		if !send(word) {
			return
		}
	}
	if m.hold != nil {
		select {
		case <-m.hold:
		case <-r.Context().Done():
			return
		}
	}
	t.last.note(time.Now())
	send(last)
}
