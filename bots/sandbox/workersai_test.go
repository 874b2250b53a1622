package sandbox

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"
)

// aiChat is a client of a WorkersAI over real HTTP.
type aiChat struct {
	t     *testing.T
	url   string
	token string
	tools []string
	said  []map[string]any
}

func newAIChat(t *testing.T, o WorkersAIOptions) (*aiChat, *WorkersAI) {
	t.Helper()
	a := NewWorkersAI(o)
	srv := httptest.NewServer(a.Handler())
	t.Cleanup(srv.Close)
	return &aiChat{t: t, url: srv.URL + "/client/v4/accounts/acc/ai/v1/chat/completions", token: "tok",
		tools: []string{"current_time", "calculate", "fetch_url", "make_image"}}, a
}

// aiGot is an answer as it came over the wire.
type aiGot struct {
	status int
	header http.Header
	raw    string
	events []string
	text   string
	think  string
	calls  []AICall
	finish string
	err    error
}

func (c *aiChat) body(extra map[string]any) string {
	c.t.Helper()
	names := map[string]string{"current_time": "zone", "calculate": "expression", "fetch_url": "url", "make_image": "description"}
	var tools []any
	for _, name := range c.tools {
		tools = append(tools, map[string]any{"type": "function", "function": map[string]any{
			"name": name, "description": name,
			"parameters": json.RawMessage(fmt.Sprintf(`{"type":"object","properties":{%q:{"type":"string","description":"x"}}}`, names[name])),
		}})
	}
	body := map[string]any{"model": "@cf/m", "stream": true, "max_tokens": 9000, "messages": c.said, "tools": tools}
	for k, v := range extra {
		body[k] = v
	}
	b, err := json.Marshal(body)
	if err != nil {
		c.t.Fatal(err)
	}
	return string(b)
}

func (c *aiChat) post(body string) aiGot {
	c.t.Helper()
	req, err := http.NewRequestWithContext(c.t.Context(), http.MethodPost, c.url, strings.NewReader(body))
	if err != nil {
		c.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+c.token)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		c.t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	got := aiGot{status: resp.StatusCode, header: resp.Header}
	raw, err := io.ReadAll(resp.Body)
	got.raw, got.err = string(raw), err
	lines := bufio.NewScanner(strings.NewReader(got.raw))
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		if data, ok := strings.CutPrefix(lines.Text(), "data: "); ok {
			got.events = append(got.events, data)
		}
	}
	got.read(c.t)
	return got
}

// read puts the modern stream together.
func (g *aiGot) read(t *testing.T) {
	t.Helper()
	for _, data := range g.events {
		var ev struct {
			Response string
			Choices  []struct {
				Delta struct {
					Content          string
					ReasoningContent string `json:"reasoning_content"`
					ToolCalls        []struct {
						Index    int
						Function struct{ Name, Arguments string }
					} `json:"tool_calls"`
				}
				Finish string `json:"finish_reason"`
			}
		}
		if data == "[DONE]" {
			continue
		}
		if err := json.Unmarshal([]byte(data), &ev); err != nil {
			t.Fatalf("%s: %v", data, err)
		}
		g.text += ev.Response
		for _, ch := range ev.Choices {
			g.text += ch.Delta.Content
			g.think += ch.Delta.ReasoningContent
			g.finish += ch.Finish
			for _, c := range ch.Delta.ToolCalls {
				for len(g.calls) <= c.Index {
					g.calls = append(g.calls, AICall{})
				}
				g.calls[c.Index].Name += c.Function.Name
				g.calls[c.Index].Args += c.Function.Arguments
			}
		}
	}
}

// ask says something and gives the answer, which is then part of the conversation.
func (c *aiChat) ask(text string) aiGot {
	c.t.Helper()
	c.said = append(c.said, map[string]any{"role": "user", "content": text})
	return c.again()
}

func (c *aiChat) again() aiGot {
	c.t.Helper()
	got := c.post(c.body(nil))
	if got.status != http.StatusOK || got.err != nil {
		c.t.Fatalf("HTTP %d: %s, %v", got.status, got.raw, got.err)
	}
	entry := map[string]any{"role": "assistant", "content": got.text}
	var calls []any
	for i, call := range got.calls {
		calls = append(calls, map[string]any{"id": fmt.Sprintf("c%d-%d", len(c.said), i), "type": "function",
			"function": map[string]string{"name": call.Name, "arguments": call.Args}})
	}
	if calls != nil {
		entry["tool_calls"] = calls
	}
	c.said = append(c.said, entry)
	return got
}

// results answers the calls of the last answer.
func (c *aiChat) results(texts ...string) aiGot {
	c.t.Helper()
	at := len(c.said) - 1
	for i, text := range texts {
		c.said = append(c.said, map[string]any{"role": "tool", "tool_call_id": fmt.Sprintf("c%d-%d", at, i), "content": text})
	}
	return c.again()
}

func aiCallsOf(g aiGot) string {
	var out []string
	for _, c := range g.calls {
		out = append(out, c.Name+c.Args)
	}
	return strings.Join(out, " ")
}

func TestWorkersAIStreamsWithTheQuirksOfTheService(t *testing.T) {
	chat, _ := newAIChat(t, WorkersAIOptions{Script: func(context.Context, AIRequest) AIReply {
		return AIReply{Think: "Let me think.", Text: "One two three. ", Calls: []AICall{{"current_time", `{"zone": "Asia/Tokyo"}`}, {"calculate", `{}`}}}
	}})
	got := chat.ask("hi")
	if got.text != "One two three. " || got.think != "Let me think." || aiCallsOf(got) != `current_time{"zone": "Asia/Tokyo"} calculate{}` || got.finish != "tool_calls" {
		t.Errorf("got %+v", got)
	}
	for _, want := range []string{`"p":"`, `"name":null`, `"id":null`, `"content":null`, `"choices":[],`, `"neurons":`, `"reasoning_content":`, `"id":"call_1"`} {
		if !strings.Contains(got.raw, want) {
			t.Errorf("the stream lacks %s", want)
		}
	}
	if n := len(got.events); got.events[n-1] != "[DONE]" || !strings.HasPrefix(got.events[n-2], `{"response":"","usage":`) {
		t.Errorf("the stream ends with %v", got.events[n-2:])
	}
	if first := strings.Index(got.raw, "Let"); first > strings.Index(got.raw, "One") {
		t.Error("reasoning does not come first")
	}
	if got.header.Get("Content-Type") != "text/event-stream" {
		t.Errorf("content type %q", got.header.Get("Content-Type"))
	}
}

func TestWorkersAIRefusesWhatTheServiceRefuses(t *testing.T) {
	chat, a := newAIChat(t, WorkersAIOptions{AccountID: "acc", APIToken: "tok", Models: []string{"@cf/m"}})
	user := map[string]any{"role": "user", "content": "hi"}
	call := map[string]any{"role": "assistant", "content": "", "tool_calls": []any{map[string]any{"id": "1", "type": "function",
		"function": map[string]string{"name": "calculate", "arguments": "{}"}}}}
	messages := func(m ...any) string { return chat.body(map[string]any{"messages": m}) }
	for name, tc := range map[string]struct {
		body   string
		status int
		code   int
	}{
		"no JSON":               {"{", 400, 8001},
		"no messages":           {messages(), 400, 5006},
		"unknown model":         {chat.body(map[string]any{"model": "@cf/x", "messages": []any{user}}), 400, 5007},
		"null content":          {messages(user, map[string]any{"role": "assistant", "content": nil}), 400, 5006},
		"result without call":   {messages(user, map[string]any{"role": "tool", "tool_call_id": "1", "content": "x"}), 400, 5006},
		"call without result":   {messages(user, call, user), 400, 5006},
		"call at the end":       {messages(user, call), 400, 5006},
		"image in text":         {messages(map[string]any{"role": "user", "content": "data:image/png;base64,xx"}), 400, 8006},
		"unknown role":          {messages(map[string]any{"role": "god", "content": "x"}), 400, 5006},
		"tool undescribed":      {chat.body(map[string]any{"messages": []any{user}, "tools": []any{map[string]any{"type": "function", "function": map[string]any{"name": "x"}}}}), 400, 8001},
		"a body without bounds": {messages(map[string]any{"role": "user", "content": strings.Repeat("x", aiMaxBody)}), 413, 3006},
	} {
		got := chat.post(tc.body)
		if got.status != tc.status || !strings.Contains(got.raw, fmt.Sprintf(`"code":%d`, tc.code)) {
			t.Errorf("%s: HTTP %d %.200s", name, got.status, got.raw)
		}
	}
	chat.token = "other"
	if got := chat.post(messages(user)); got.status != http.StatusUnauthorized || !strings.Contains(got.raw, "10000") {
		t.Errorf("wrong token: HTTP %d %s", got.status, got.raw)
	}
	chat.token = "tok"
	chat.url = strings.Replace(chat.url, "/acc/", "/elsewhere/", 1)
	if got := chat.post(messages(user)); got.status != http.StatusNotFound || !strings.Contains(got.raw, "7003") {
		t.Errorf("wrong account: HTTP %d %s", got.status, got.raw)
	}
	if a.Count() != 0 {
		t.Errorf("%d refused requests were counted", a.Count())
	}
}

func TestWorkersAIFollowsItsScript(t *testing.T) {
	chat, a := newAIChat(t, WorkersAIOptions{})
	chat.said = []map[string]any{{"role": "user", "content": "hi"}}
	reply := func(r AIReply) aiGot {
		a.SetScript(func(context.Context, AIRequest) AIReply { return r })
		return chat.post(chat.body(nil))
	}
	if got := reply(AIReply{Status: 429, Code: 3040, Message: "busy", RetryAfter: "3"}); got.status != 429 || got.header.Get("Retry-After") != "3" || !strings.Contains(got.raw, `"code":3040`) {
		t.Errorf("error: %+v", got)
	}
	if got := reply(AIReply{Text: "Hi", Code: 3043, Message: "broken"}); got.text != "Hi" || !strings.Contains(got.events[len(got.events)-1], `"code":3043`) {
		t.Errorf("error in the stream: %+v", got)
	}
	if got := reply(AIReply{Text: "Hi", End: AICut}); !errors.Is(got.err, io.ErrUnexpectedEOF) || got.text != "Hi" {
		t.Errorf("cut: %+v", got)
	}
	if got := reply(AIReply{Text: "Hi", End: AINoMark}); got.err != nil || strings.Contains(got.raw, "DONE") || got.finish != "" {
		t.Errorf("no mark: %+v", got)
	}
	if got := reply(AIReply{Body: "nonsense"}); got.raw != "nonsense" {
		t.Errorf("body: %+v", got)
	}
	if got := reply(AIReply{Text: "Hi there", Shape: AILegacy, Calls: []AICall{{"x", `{"a":1}`}}}); got.text != "Hi there" || strings.Contains(got.raw, "choices") || !strings.Contains(got.raw, `"tool_calls":[{"function":{"arguments":"","name":"x"}`) {
		t.Errorf("legacy: %s", got.raw)
	}
	if got := reply(AIReply{Text: "Hi there", Shape: AIDocument}); got.header.Get("Content-Type") != "application/json" || !strings.Contains(got.raw, `"content":"Hi there"`) {
		t.Errorf("document: %+v", got)
	}
	if got := reply(AIReply{Pieces: []string{"a b c", "d"}}); got.text != "a b cd" || !strings.Contains(got.raw, `"a b c"`) {
		t.Errorf("pieces: %+v", got)
	}
	a.SetScript(func(context.Context, AIRequest) AIReply { return AISays("one two three four") })
	if got := chat.post(chat.body(map[string]any{"max_tokens": 2})); got.text != "one two" || got.finish != "length" {
		t.Errorf("max_tokens: %+v", got)
	}
	for range aiKeptRequests {
		reply(AISays("x"))
	}
	kept := a.Requests()
	if len(kept) != aiKeptRequests || kept[len(kept)-1].Number != a.Count() || kept[0].Last() != "hi" {
		t.Errorf("kept %d of %d", len(kept), a.Count())
	}
}

func TestSilentStreamStaysSilentUntilTheClientGoes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := NewWorkersAI(WorkersAIOptions{Pace: AIPace, Script: func(context.Context, AIRequest) AIReply {
			return AIReply{Delay: time.Second, Text: "one two three", End: AISilent}
		}})
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		r := httptest.NewRequestWithContext(ctx, http.MethodPost, "/client/v4/accounts/acc/ai/v1/chat/completions",
			strings.NewReader(`{"model":"@cf/m","stream":true,"max_tokens":50,"messages":[{"role":"user","content":"hi"}]}`))
		r.Header.Set("Authorization", "Bearer tok")
		began := time.Now()
		w := httptest.NewRecorder()
		var wg sync.WaitGroup
		wg.Go(func() { a.Handler().ServeHTTP(w, r) })
		time.Sleep(30 * time.Minute)
		synctest.Wait()
		if text := w.Body.String(); !strings.Contains(text, " three") || strings.Contains(text, "[DONE]") {
			t.Errorf("got %s", text)
		}
		wg.Wait()
		if took := time.Since(began); took != time.Hour {
			t.Errorf("it ended after %v", took)
		}
	})
}

func TestTextArrivesAtItsPace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := NewWorkersAI(WorkersAIOptions{Pace: 100 * time.Millisecond, Script: func(context.Context, AIRequest) AIReply {
			return AISays(strings.Repeat("word ", 40))
		}})
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/client/v4/accounts/acc/ai/v1/chat/completions",
			strings.NewReader(`{"model":"@cf/m","stream":true,"max_tokens":50,"messages":[{"role":"user","content":"hi"}]}`))
		r.Header.Set("Authorization", "Bearer tok")
		began := time.Now()
		a.Handler().ServeHTTP(httptest.NewRecorder(), r)
		if took := time.Since(began); took < 3*time.Second || took > 6*time.Second {
			t.Errorf("40 tokens at 100 ms took %v", took)
		}
	})
}

func TestTokensAreTheTextAgain(t *testing.T) {
	for _, text := range []string{"", " ", "a", "two words", "\n\nnew  lines\n", "Donaudampfschifffahrtsgesellschaft", strings.Repeat("🧵", 20), aiLongText(true)} {
		tokens := aiTokens(text)
		if got := strings.Join(tokens, ""); got != text {
			t.Errorf("%.40q became %.40q", text, got)
		}
		for _, tok := range tokens {
			if !utf8.ValidString(tok) || tok == "" {
				t.Errorf("token %q", tok)
			}
		}
	}
}
