package sandbox

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"time"
)

// aiStream writes one answer as events.
type aiStream struct {
	ctx     context.Context
	w       http.ResponseWriter
	flush   func() error
	pace    time.Duration
	legacy  bool
	model   string
	id      string
	created int64
	prompt  int // tokens
	cached  int // of them
	output  int
	failed  bool // the client is gone
}

// answer sends reply.
func (a *WorkersAI) answer(w http.ResponseWriter, r *http.Request, req AIRequest, reply AIReply) {
	if !pause(r.Context(), reply.Delay) {
		return
	}
	if reply.Status != 0 && reply.Status != http.StatusOK {
		aiRefuse(w, reply)
		return
	}
	if reply.Body != "" {
		w.Header().Set("Content-Type", cmp.Or(reply.ContentType, "text/event-stream"))
		_, _ = io.WriteString(w, reply.Body) // a client that is gone needs no answer
		return
	}
	tokens := reply.tokens()
	finish := cmp.Or(reply.Finish, "stop")
	if len(reply.Calls) > 0 {
		finish = cmp.Or(reply.Finish, "tool_calls")
	}
	if len(tokens) > req.MaxTokens {
		tokens, reply.Calls, finish = tokens[:req.MaxTokens], nil, "length"
	}
	s := &aiStream{
		ctx: r.Context(), w: w, flush: http.NewResponseController(w).Flush,
		pace: max(cmp.Or(reply.Pace, a.opts.Pace), 0), legacy: reply.Shape == AILegacy,
		model: req.Model, id: fmt.Sprintf("%016x", req.Number), created: time.Now().Unix(),
	}
	s.prompt, s.cached = req.size()
	if !req.Stream || reply.Shape == AIDocument {
		s.document(tokens, reply, finish)
		return
	}
	w.Header().Set("Content-Type", "text/event-stream")
	s.stream(tokens, reply, finish)
}

func (s *aiStream) stream(tokens []string, reply AIReply, finish string) {
	s.event(`"content":"","reasoning_content":null,"role":"assistant"`, "", s.usage(s.prompt, 0))
	for _, t := range aiTokens(reply.Think) {
		s.reason(t)
	}
	for _, t := range tokens {
		s.text(t)
	}
	for i, c := range reply.Calls {
		s.call(i, c)
	}
	if reply.Code != 0 {
		s.line(aiEnvelope(reply))
		return
	}
	switch reply.End {
	case AICut:
		panic(http.ErrAbortHandler) // the server's way to break the connection
	case AISilent:
		<-s.ctx.Done()
		return
	case AINoMark:
		return
	case AIWhole:
	}
	if !s.legacy {
		s.event(`"reasoning_content":null`, finish, s.usage(0, 0))
		s.line(fmt.Sprintf(`{"choices":[],%s,"usage":%s}`, s.rest(), s.usage(0, 0)))
	}
	s.line(fmt.Sprintf(`{"response":"","usage":%s}`, s.usage(s.prompt, s.output)))
	s.line("[DONE]")
}

// reason sends a piece of reasoning.
func (s *aiStream) reason(t string) {
	s.output++
	if s.legacy {
		return // the older models do not reason
	}
	s.event(`"reasoning_content":`+aiJSON(t), "", s.usage(0, 1))
	s.wait()
}

// text sends a piece of the answer.
func (s *aiStream) text(t string) {
	s.output++
	if s.legacy {
		s.line(fmt.Sprintf(`{"response":%s,"tool_calls":[],"p":%q}`, aiJSON(t), aiPadding()))
	} else {
		s.event(`"content":`+aiJSON(t)+`,"reasoning_content":null,"role":null,"tool_calls":null`, "", s.usage(0, 1))
	}
	s.wait()
}

// call sends a call of a tool: its name first, then the arguments in pieces with nulls
// for all else.
func (s *aiStream) call(i int, c AICall) {
	send := func(entry string) {
		s.output++
		if s.legacy {
			s.line(`{"tool_calls":[` + entry + `]}`)
		} else {
			s.event(`"content":null,"reasoning_content":null,"role":null,"tool_calls":[`+entry+`]`, "", s.usage(0, 1))
		}
		s.wait()
	}
	// The id is the same in every answer, as some models have it.
	send(fmt.Sprintf(`{"function":{"arguments":"","name":%s},"id":"call_%d","index":%d,"type":"function"}`, aiJSON(c.Name), i, i))
	for _, t := range aiTokens(c.Args) {
		send(fmt.Sprintf(`{"function":{"arguments":%s,"name":null},"id":null,"index":%d,"type":"function"}`, aiJSON(t), i))
	}
	if s.legacy {
		s.line(fmt.Sprintf(`{"tool_calls":[{"id":null,"type":null,"index":%d,"function":{"name":null,"arguments":""}}]}`, i))
	}
}

// event sends a chunk of the OpenAI shape.
func (s *aiStream) event(delta, finish, usage string) {
	if s.legacy {
		return
	}
	reason := "null"
	if finish != "" {
		reason = aiJSON(finish)
	}
	s.line(fmt.Sprintf(`{"choices":[{"delta":{%s},"finish_reason":%s,"index":0,"logprobs":null,"matched_stop":null}],%s,"usage":%s}`,
		delta, reason, s.rest(), usage))
}

// rest is what every chunk repeats. The padding hides from an eavesdropper how long
// the tokens are.
func (s *aiStream) rest() string {
	return fmt.Sprintf(`"created":%d,"id":%q,"model":%s,"object":"chat.completion.chunk","p":%q`, s.created, s.id, aiJSON(s.model), aiPadding())
}

func (s *aiStream) usage(in, out int) string {
	cached := 0
	if in > 0 && out > 0 {
		cached = s.cached
	}
	const neuronsIn, neuronsOut = 0.0054545, 0.0363636 // of one token of GLM 4.7 Flash
	return fmt.Sprintf(`{"prompt_tokens":%d,"completion_tokens":%d,"total_tokens":%d,"prompt_tokens_details":{"cached_tokens":%d},"neurons":%g}`,
		in, out, in+out, cached, float64(in)*neuronsIn+float64(out)*neuronsOut)
}

func (s *aiStream) line(data string) {
	if s.failed {
		return
	}
	if _, err := io.WriteString(s.w, "data: "+data+"\n\n"); err != nil || s.flush() != nil {
		s.failed = true
	}
}

// wait lets a token's time pass, a little more or less.
func (s *aiStream) wait() {
	if s.pace > 0 && !s.failed {
		s.failed = !pause(s.ctx, s.pace*3/4+rand.N(s.pace/2+1)) //nolint:gosec // no secret depends on it
	}
}

func (s *aiStream) document(tokens []string, reply AIReply, finish string) {
	type call struct {
		ID       string            `json:"id"`
		Type     string            `json:"type"`
		Function map[string]string `json:"function"`
	}
	var calls []call
	for i, c := range reply.Calls {
		calls = append(calls, call{fmt.Sprintf("call_%d", i), "function", map[string]string{"name": c.Name, "arguments": c.Args}})
	}
	message := map[string]any{"role": "assistant", "content": strings.Join(tokens, ""), "reasoning_content": reply.Think, "tool_calls": calls}
	s.w.Header().Set("Content-Type", "application/json")
	// A client that is gone needs no answer.
	_ = json.NewEncoder(s.w).Encode(map[string]any{
		"id": s.id, "object": "chat.completion", "created": s.created, "model": s.model,
		"choices": []any{map[string]any{"index": 0, "finish_reason": finish, "message": message}},
		"usage":   json.RawMessage(s.usage(s.prompt, len(tokens)+len(aiTokens(reply.Think)))),
	})
}

// size estimates the tokens of a request, and how many of them an earlier request
// of the same conversation would have left in the cache.
func (r AIRequest) size() (prompt, cached int) {
	for i, m := range r.Messages {
		prompt += 4 + len(m.Text())/4
		if i == len(r.Messages)-2 && i > 1 {
			cached = prompt / 64 * 64
		}
	}
	for _, t := range r.Tools {
		prompt += (len(t.Function.Description) + len(t.Function.Parameters)) / 4
	}
	return prompt, cached
}

func aiRefuse(w http.ResponseWriter, e AIReply) {
	w.Header().Set("Content-Type", "application/json")
	if e.RetryAfter != "" {
		w.Header().Set("Retry-After", e.RetryAfter)
	}
	w.WriteHeader(e.Status)
	_, _ = io.WriteString(w, aiEnvelope(e)) // a client that is gone needs no answer
}

func aiEnvelope(e AIReply) string {
	return fmt.Sprintf(`{"result":null,"success":false,"errors":[{"code":%d,"message":%s}],"messages":[]}`, e.Code, aiJSON(e.Message))
}

func aiJSON(s string) string {
	b, _ := json.Marshal(s) // a string always can
	return string(b)
}

func aiPadding() string {
	const letters = "abcdefghijklmnopqrstuvwxyz0123456789"
	b := make([]byte, 1+rand.N(24)) //nolint:gosec // as above
	for i := range b {
		b[i] = letters[rand.N(len(letters))] //nolint:gosec // as above
	}
	return string(b)
}
