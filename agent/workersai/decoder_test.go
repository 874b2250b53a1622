package workersai

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"
	"testing/iotest"

	"bobbin/agent"
)

// offered is a request with the tools that the recorded answers call.
var offered = agent.Request{Tools: []agent.ToolSpec{
	{Name: "current_time", Description: "the time", Schema: []byte(`{"type":"object","properties":{"zone":{"type":"string","description":"zone"}}}`)},
	{Name: "get_weather"}, {Name: "set_heading"},
}}

// answer is what a consumer has after a stream.
type answer struct {
	text     string
	pieces   int // chunks with text
	thinking int // chunks that say that the model reasons
	last     agent.Chunk
	err      error
}

func collect(d *decoder, body io.Reader) answer {
	var a answer
	for c, err := range d.decode(body, nil) {
		if err != nil {
			a.err = err
			continue
		}
		a.text += c.Text
		if c.Text != "" {
			a.pieces++
		}
		if c.Reasoning {
			a.thinking++
		}
		a.last = c
	}
	return a
}

func decodeText(r agent.Request, body string) answer {
	return collect(newDecoder(&r), strings.NewReader(body))
}

// calls writes calls as text, without their ids.
func (a answer) calls() string {
	var out []string
	for _, c := range a.last.Calls {
		out = append(out, c.Name+string(c.Args))
	}
	return strings.Join(out, " ")
}

func TestDecoderReadsEveryKnownShape(t *testing.T) {
	for _, tc := range []struct {
		file     string
		text     string
		calls    string
		finish   agent.Finish
		usage    agent.Usage
		thinking int
	}{
		{file: "glm-tool.sse", calls: `set_heading{"block": "b_hero", "heading": "Hello there"}`, finish: agent.FinishCalls,
			usage: agent.Usage{Input: 172, Cached: 64, Output: 19, Neurons: 0.9181818701326847}, thinking: 1},
		{file: "glm-text-deltas.sse", text: "Hello, wörld 😀", finish: agent.FinishStop,
			usage: agent.Usage{Input: 100, Cached: 32, Output: 9, Neurons: 1}, thinking: 1},
		{file: "legacy-text.sse", text: "Hello!7", finish: agent.FinishStop,
			usage: agent.Usage{Input: 42, Output: 15, Neurons: 0.65}},
		{file: "legacy-tool.sse", calls: `get_weather{"location": "London"}`, finish: agent.FinishCalls,
			usage: agent.Usage{Input: 42, Output: 15, Neurons: 0.65}},
		{file: "openai-parallel.sse", text: "Let me look.", calls: `current_time{"zone":"UTC"} current_time{"zone":"Asia/Tokyo"}`,
			finish: agent.FinishCalls, usage: agent.Usage{Input: 11, Output: 22}},
		{file: "gemma-document.json", text: "Hi!", finish: agent.FinishStop,
			usage: agent.Usage{Input: 147, Output: 16, Neurons: 1.7727272510528564}},
		{file: "openai-document.json", calls: `current_time{"zone":"UTC"} current_time{"zone":"Asia/Tokyo"}`, finish: agent.FinishCalls,
			usage: agent.Usage{Input: 5, Output: 6}},
		{file: "legacy-tool-document.json", calls: `get_weather{"latitude":"51.5074","longitude":"-0.1278"} get_weather{}`,
			finish: agent.FinishCalls, usage: agent.Usage{Input: 9, Output: 3}},
		{file: "legacy-document.json", text: "Hello", finish: agent.FinishStop, usage: agent.Usage{Input: 42, Output: 2, Neurons: 0.255}},
		{file: "responses-document.json", text: "It is late.", calls: `current_time{"zone":"UTC"}`, finish: agent.FinishCalls,
			usage: agent.Usage{Input: 3, Output: 4}},
		{file: "think-inline.sse", text: "The answer is 4. `<think>` is a tag.", finish: agent.FinishStop, thinking: 2},
		{file: "call-as-text.sse", calls: `current_time{"zone": "Asia/Tokyo"}`, finish: agent.FinishCalls},
	} {
		t.Run(tc.file, func(t *testing.T) {
			data, err := os.ReadFile("testdata/" + tc.file)
			if err != nil {
				t.Fatal(err)
			}
			variants := map[string]io.Reader{
				"whole":           strings.NewReader(string(data)),
				"byte by byte":    iotest.OneByteReader(strings.NewReader(string(data))),
				"CRLF":            strings.NewReader(strings.ReplaceAll(string(data), "\n", "\r\n")),
				"byte order mark": strings.NewReader("\ufeff" + string(data)),
			}
			if strings.HasSuffix(tc.file, ".sse") {
				variants["no blank lines"] = strings.NewReader(strings.ReplaceAll(string(data), "\n\n", "\n"))
			}
			for name, body := range variants {
				a := collect(newDecoder(&offered), body)
				if a.err != nil {
					t.Fatalf("%s: %v", name, a.err)
				}
				if a.text != tc.text || a.calls() != tc.calls || a.last.Finish != tc.finish || a.last.Usage != tc.usage {
					t.Errorf("%s: got text %q, calls %s, finish %q, usage %+v", name, a.text, a.calls(), a.last.Finish, a.last.Usage)
				}
				if a.thinking != tc.thinking {
					t.Errorf("%s: %d chunks tell of reasoning, want %d", name, a.thinking, tc.thinking)
				}
				seen := map[string]bool{}
				for _, c := range a.last.Calls {
					if seen[c.ID] || !ninePlain.MatchString(c.ID) {
						t.Errorf("%s: call id %q is not unique or not nine letters and digits", name, c.ID)
					}
					seen[c.ID] = true
				}
			}
		})
	}
}

// sse makes a stream of data lines.
func sseOf(events ...string) string {
	var b strings.Builder
	for _, e := range events {
		fmt.Fprintf(&b, "data: %s\n\n", e)
	}
	return b.String()
}

func delta(content string) string {
	return fmt.Sprintf(`{"choices":[{"delta":{"content":%q}}]}`, content)
}

const stop = `{"choices":[{"delta":{},"finish_reason":"stop"}]}`

// TestTextIsGivenAsItArrives: what arrives together is one piece, and nothing of it is held
// back while more is waited for.
func TestTextIsGivenAsItArrives(t *testing.T) {
	var got []string
	arrives := []struct{ body, shown string }{
		{sseOf(delta("a")), ""},
		{sseOf(delta("b"), delta("c")) + "data: {", "a"},
		{strings.TrimPrefix(sseOf(delta("d")), "data: {"), "bc"},
		{": ping\n\n", "d"},
		{sseOf(`{"choices":[{"delta":{"content":"e"}}]}`, `{"choices":[{"delta":{"reasoning":"hm"}}]}`, delta("f")), ""},
		{sseOf(stop, "[DONE]"), "ef"},
	}
	body := readerFunc(func(p []byte) (int, error) {
		if len(arrives) == 0 {
			return 0, io.EOF
		}
		if now := strings.Join(got, ""); now != arrives[0].shown {
			t.Errorf("before %q arrives there is %q, want %q", arrives[0].body, now, arrives[0].shown)
		}
		got = nil
		n := copy(p, arrives[0].body)
		arrives = arrives[1:]
		return n, nil
	})
	pieces := 0
	for c, err := range newDecoder(&agent.Request{}).decode(body, nil) {
		if err != nil {
			t.Fatal(err)
		}
		if c.Text != "" {
			got, pieces = append(got, c.Text), pieces+1
		}
	}
	if pieces != 5 {
		t.Errorf("text came in %d pieces", pieces)
	}
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

func TestStreamWithoutItsEndIsAnError(t *testing.T) {
	for name, body := range map[string]string{
		"text then nothing":   sseOf(delta("Hel"), delta("lo")),
		"cut inside an event": sseOf(delta("Hello")) + `data: {"choices":[{"delta":{"con`,
		"nothing":             "",
		"only comments":       ": ping\n\n: ping\n\n",
		"only garbage":        sseOf("garbage", "{", "more", "[DONE]"),
		"a page":              "<html><body>Sorry</body></html>",
		"cut document":        `{"choices":[{"message":{"content":"Hel`,
		"said error":          sseOf(delta("x"), `{"choices":[{"delta":{},"finish_reason":"error"}]}`, "[DONE]"),
	} {
		if a := decodeText(offered, body); !errors.Is(a.err, errIncomplete) {
			t.Errorf("%s: got error %v and finish %q", name, a.err, a.last.Finish)
		}
	}
}

func TestEmptyAnswerIsAnError(t *testing.T) {
	for name, body := range map[string]string{
		"only the mark":         sseOf("[DONE]"),
		"only blanks":           sseOf(delta(" \n"), stop, "[DONE]"),
		"only reasoning":        sseOf(`{"choices":[{"delta":{"reasoning":"hm"}}]}`, stop, "[DONE]"),
		"a call without a name": sseOf(`{"tool_calls":[{"id":"a","function":{"arguments":"{}"}}]}`, "[DONE]"),
		"empty document":        `{"result":{},"success":true}`,
		"a list":                `[]`,
	} {
		if a := decodeText(offered, body); !errors.Is(a.err, errEmpty) {
			t.Errorf("%s: got error %v", name, a.err)
		}
	}
	a := decodeText(offered, sseOf(`{"choices":[{"delta":{"reasoning":"hm"},"finish_reason":"length"}]}`, "[DONE]"))
	if !errors.Is(a.err, errSpent) {
		t.Errorf("reasoning that used up all the room: got %v", a.err)
	}
}

func TestErrorInsideAStreamEndsIt(t *testing.T) {
	for name, event := range map[string]string{
		"OpenAI's":     `data: {"error":{"message":"boom","type":"server_error"}}`,
		"Cloudflare's": `data: {"errors":[{"code":3040,"message":"boom"}],"success":false}`,
		"gateway's":    `data: {"error":[{"code":2003,"message":"boom"}]}`,
		"a word":       `data: {"error":"boom"}`,
		"no object":    "event: error\ndata: boom",
		"an object":    "event: error\ndata: {\"detail\":\"boom\"}",
	} {
		a := decodeText(offered, sseOf(delta("Hi"))+event+"\n\n"+sseOf(delta("more"), stop, "[DONE]"))
		if !isFault(a.err) || !strings.Contains(a.err.Error(), "boom") || a.text != "Hi" {
			t.Errorf("%s: got text %q and error %v", name, a.text, a.err)
		}
	}
	if a := decodeText(offered, `{"success":false,"errors":[],"result":null}`); !isFault(a.err) {
		t.Errorf("a document without success: got %v", a.err)
	}
}

func TestUnreadableEventsAreSkipped(t *testing.T) {
	a := decodeText(offered, sseOf("nonsense", delta("a"), `{"choices":[{"delta":{"content":`, delta("b"), stop)+"stray line\nid: 4\nretry: 10\n\n"+sseOf("[DONE]"))
	if a.err != nil || a.text != "ab" {
		t.Errorf("got %q, %v", a.text, a.err)
	}
	// An event whose JSON is spread over lines of data is one event.
	a = decodeText(offered, "data: {\"choices\":\ndata: [{\"delta\":{\"content\":\"spread\"},\ndata: \"finish_reason\":\"stop\"}]}\n\n")
	if a.err != nil || a.text != "spread" {
		t.Errorf("spread over lines: got %q, %v", a.text, a.err)
	}
}

func TestFieldsOfUnexpectedTypesDoNotHideTheOthers(t *testing.T) {
	a := decodeText(offered, sseOf(
		`{"choices":[{"delta":{"content":[{"type":"text","text":"list"},{"type":"thinking","text":"SECRET"}],"tool_calls":{}}}],"usage":"none"}`,
		`{"choices":[{"delta":{"content":{"a":1},"role":7},"index":"x","finish_reason":null}],"usage":{"prompt_tokens":"many","completion_tokens":2.0}}`,
		stop, "[DONE]"))
	if a.err != nil || a.text != `list{"a":1}` || a.last.Usage.Output != 2 {
		t.Errorf("got %q, usage %+v, %v", a.text, a.last.Usage, a.err)
	}
}

func TestEndIsKnownFromFinishReasonAlone(t *testing.T) {
	a := decodeText(offered, sseOf(delta("done"), stop))
	if a.err != nil || a.text != "done" || a.last.Finish != agent.FinishStop {
		t.Errorf("got %q, %q, %v", a.text, a.last.Finish, a.err)
	}
	body := io.MultiReader(strings.NewReader(sseOf(delta("done"), stop)), iotest.ErrReader(errors.New("reset")))
	if a := collect(newDecoder(&offered), body); a.err != nil || a.text != "done" {
		t.Errorf("a connection that breaks after the finish: got %q, %v", a.text, a.err)
	}
	body = io.MultiReader(strings.NewReader(sseOf(delta("do"))), iotest.ErrReader(errors.New("reset")))
	if a := collect(newDecoder(&offered), body); a.err == nil {
		t.Error("a connection that breaks before the finish gave no error")
	}
}

func TestCallsThatAreCutOffAreNotRun(t *testing.T) {
	length := `{"choices":[{"delta":{},"finish_reason":"length"}]}`
	for name, body := range map[string]string{
		"arguments":         sseOf(`{"tool_calls":[{"function":{"name":"get_weather","arguments":"{\"location\": \"Lon"}}]}`, length, "[DONE]"),
		"before arguments":  sseOf(`{"tool_calls":[{"function":{"name":"get_weather"}}]}`, length, "[DONE]"),
		"call in text":      sseOf(delta(`{"name":"get_weather","arguments":{"loc`), length, "[DONE]"),
		"after a whole one": sseOf(`{"tool_calls":[{"index":0,"function":{"name":"get_weather","arguments":"{}"}},{"index":1,"function":{"name":"get_weather","arguments":"{"}}]}`, length, "[DONE]"),
	} {
		a := decodeText(offered, body)
		if len(a.last.Calls) != 0 || a.text != "" || (a.last.Finish != agent.FinishLength && !errors.Is(a.err, errSpent)) {
			t.Errorf("%s: got %+v, %v", name, a.last, a.err)
		}
	}
}

func TestArgumentsAreAlwaysJSON(t *testing.T) {
	for raw, want := range map[string]string{
		``:                 `{}`,
		`null`:             `{}`,
		` {"a":1} `:        `{"a":1}`,
		`"{\"a\":1}"`:      `{"a":1}`,
		`"just a string"`:  `"just a string"`,
		`{"a":`:            `"{\"a\":"`,
		`zone=UTC`:         `"zone=UTC"`,
		"{\"a\":\"\x01\"}": `"{\"a\":\"\u0001\"}"`,
	} {
		if got, _ := arguments(raw); string(got) != want {
			t.Errorf("arguments(%q) = %s, want %s", raw, got, want)
		}
	}
}

func TestNoCallsWhenNoneMayBeMade(t *testing.T) {
	r := offered
	r.NoCalls = true
	a := decodeText(r, sseOf(delta("Here it is."), `{"tool_calls":[{"function":{"name":"get_weather","arguments":"{}"}}]}`, stop, "[DONE]"))
	if a.err != nil || len(a.last.Calls) != 0 || a.last.Finish != agent.FinishCalls || a.text != "Here it is." {
		t.Errorf("got %+v, %v", a.last, a.err)
	}
	a = decodeText(r, sseOf(delta(`{"name":"get_weather","arguments":{}}`), stop, "[DONE]"))
	if a.err != nil || len(a.last.Calls) != 0 || a.last.Finish != agent.FinishCalls || a.text != "" {
		t.Errorf("a call as text: got %+v, %q, %v", a.last, a.text, a.err)
	}
}

func TestBoundsOfAnAnswer(t *testing.T) {
	endless := func(event string) io.Reader { return io.LimitReader(&repeat{s: event}, maxStream+1<<20) }
	for name, body := range map[string]io.Reader{
		"text":      endless(sseOf(delta(strings.Repeat("x", 1<<16)))),
		"arguments": endless(sseOf(`{"tool_calls":[{"function":{"name":"get_weather","arguments":"` + strings.Repeat("x", 1<<16) + `"}}]}`)),
		"calls":     endless(sseOf(`{"choices":[{"message":{"tool_calls":[{"function":{"name":"get_weather"}}]}}]}`)),
		"a line":    io.MultiReader(strings.NewReader("data: "), endless("x")),
		"document":  io.MultiReader(strings.NewReader(`{"response":"`), endless("x")),
	} {
		a := collect(newDecoder(&offered), body)
		if !errors.Is(a.err, errTooMuch) && !errors.Is(a.err, errTooManyCalls) {
			t.Errorf("endless %s: got %v", name, a.err)
		}
	}
}

type repeat struct {
	s   string
	off int
}

func (r *repeat) Read(p []byte) (int, error) {
	n := 0
	for n < len(p) {
		m := copy(p[n:], r.s[r.off:])
		n, r.off = n+m, (r.off+m)%len(r.s)
	}
	return n, nil
}
