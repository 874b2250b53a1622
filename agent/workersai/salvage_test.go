package workersai

import (
	"strings"
	"testing"

	"bobbin/agent"
)

func TestCallsWrittenAsText(t *testing.T) {
	for text, want := range map[string]string{
		`{"name":"current_time","arguments":{"zone":"UTC"}}`:                                                     `current_time{"zone":"UTC"}`,
		`{"name":"current_time","arguments":"{\"zone\":\"UTC\"}"}`:                                               `current_time{"zone":"UTC"}`,
		`  {"name":"current_time","parameters":{"zone":"UTC"}}  `:                                                `current_time{"zone":"UTC"}`,
		`{"type":"function","name":"current_time","parameters":{}}`:                                              `current_time{}`,
		`{"name":"current_time","zone":"UTC"}`:                                                                   `current_time{"zone":"UTC"}`,
		`{"function":{"name":"current_time","arguments":{"zone":"UTC"}}}`:                                        `current_time{"zone":"UTC"}`,
		`{"function":"current_time","parameters":{"zone":"UTC"}}`:                                                `current_time{"zone":"UTC"}`,
		`{"tool_calls":[{"name":"current_time","arguments":{}},{"function":{"name":"get_weather"}}]}`:            `current_time{} get_weather{}`,
		`[{"name":"current_time","arguments":{}},{"name":"get_weather","arguments":{}}]`:                         `current_time{} get_weather{}`,
		"```json\n{\"name\":\"current_time\",\"arguments\":{}}\n```":                                             `current_time{}`,
		"```\n{\"name\":\"current_time\",\"arguments\":{}}\n```":                                                 `current_time{}`,
		"<tool_call>\n{\"name\":\"current_time\",\"arguments\":{}}\n</tool_call>":                                `current_time{}`,
		`<|python_tag|>{"name":"current_time","parameters":{}}`:                                                  `current_time{}`,
		"{\"name\":\"current_time\",\"parameters\":{}}; {\"name\":\"get_weather\",\"parameters\":{\"a\":\"}\"}}": `current_time{} get_weather{"a":"}"}`,
	} {
		for name, pieces := range map[string][]string{"whole": {text}, "bytes": strings.Split(text, "")} {
			var events []string
			for _, p := range pieces {
				events = append(events, delta(p))
			}
			a := decodeText(offered, sseOf(append(events, stop, "[DONE]")...))
			if a.err != nil || a.calls() != want || a.text != "" || a.last.Finish != agent.FinishCalls {
				t.Errorf("%s, %s: got calls %q, text %q, %v", text, name, a.calls(), a.text, a.err)
			}
		}
	}
}

func TestTextThatIsNoCallIsShown(t *testing.T) {
	for _, text := range []string{
		`{"name":"analysis","arguments":{}}`,
		`{"name":"current_time"} is how you call it.`,
		`{"answer": 42}`,
		`{}`, `[]`, `[1, 2, 3]`, `[docs](https://example.org)`,
		"```go\nfunc main() {}\n```",
		"```json\n{\"a\":1}\n```\nThat is it.",
		"```json\n{\"name\":\"current_time\"}\n```\nThat is it.",
		`{"name":"current_time","arguments":{}} {"name":"nobody"}`,
		"<b>bold</b>", "`code`", "{", "```", `{"name"`,
		`Sure: {"name":"current_time","arguments":{}}`,
		`{"name":"` + strings.Repeat("x", maxHeld) + `"}`,
	} {
		a := decodeText(offered, sseOf(delta(text), stop, "[DONE]"))
		if a.err != nil || a.text != text || len(a.last.Calls) != 0 {
			t.Errorf("%.60q: got text %.60q, calls %s, %v", text, a.text, a.calls(), a.err)
		}
	}
}

func TestTextIsWithheldOnlyWhileItMayBeACall(t *testing.T) {
	shownAfter := func(r agent.Request, pieces ...string) int {
		d := newDecoder(&r)
		for i, p := range pieces {
			got, err := d.event([]byte(delta(p)))
			if err != nil {
				t.Fatal(err)
			}
			if got.text != "" {
				return i
			}
		}
		return -1
	}
	for name, tc := range map[string]struct {
		r      agent.Request
		pieces []string
		want   int
	}{
		"prose":               {offered, []string{"Hello", " there"}, 0},
		"another object":      {offered, []string{"{", `"temperature"`, ": 4"}, 1},
		"a list of numbers":   {offered, []string{"[", "1", ", 2"}, 1},
		"a fence of Go":       {offered, []string{"```", "go", "\nfunc"}, 1},
		"words after a call":  {offered, []string{`{"name":"current_time"}`, " is", " a call"}, 1},
		"no tools offered":    {agent.Request{}, []string{`{"name"`, ":"}, 0},
		"a call":              {offered, []string{`{"name"`, `:"current_time"`, `}`}, -1},
		"blanks in front":     {offered, []string{"\n\n", " ", "Hi"}, 2},
		"a sentence with tag": {offered, []string{"a ", "<thi", "s>"}, 0},
	} {
		if got := shownAfter(tc.r, tc.pieces...); got != tc.want {
			t.Errorf("%s: first shown after piece %d, want %d", name, got, tc.want)
		}
	}
}

func TestCallGivenTwiceIsMadeOnce(t *testing.T) {
	a := decodeText(offered, sseOf(delta(`{"name":"get_weather","parameters":{}}`),
		`{"tool_calls":[{"id":"a","index":0,"function":{"name":"get_weather","arguments":"{}"}}]}`, stop, "[DONE]"))
	if a.err != nil || a.calls() != "get_weather{}" || a.text != "" {
		t.Errorf("got calls %q, text %q, %v", a.calls(), a.text, a.err)
	}
}

func TestReasoningBetweenTagsIsHidden(t *testing.T) {
	for text, want := range map[string]string{
		"<think>x</think>Hi":                        "Hi",
		"<thinking>x</thinking>\n\nHi":              "Hi",
		"</think>\n\nHi":                            "Hi",
		"Hi<think>x</think> there":                  "Hi there",
		"Hi\n<think>never ends":                     "Hi\n",
		"Use `<think>` like this":                   "Use `<think>` like this",
		"```\n<think>\n```\n<think>x</think>bye":    "```\n<think>\n```\nbye",
		"a < b and <thing> <think":                  "a < b and <thing> <think",
		"<think>a</think><think>b</think>c":         "c",
		"<think>a < b </thin </think>c":             "c",
		"x ``` y <think>z</think>":                  "x ``` y ",
		"<think>```</think>Then\n```\n<think>\n```": "Then\n```\n<think>\n```",
	} {
		for name, pieces := range map[string][]string{"whole": {text}, "bytes": strings.Split(text, "")} {
			var events []string
			for _, p := range pieces {
				events = append(events, delta(p))
			}
			a := decodeText(offered, sseOf(append(events, stop, "[DONE]")...))
			if a.err != nil || a.text != want {
				t.Errorf("%q, %s: got %q, %v", text, name, a.text, a.err)
			}
		}
	}
}
