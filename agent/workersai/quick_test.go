package workersai

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"bobbin/agent"

	"pgregory.net/rapid"
)

// sameAsUnmarshal fails the test if q understands data, and otherwise than the JSON package
// does.
func sameAsUnmarshal(t interface{ Errorf(string, ...any) }, q *quick, data []byte) (understood bool) {
	got := q.read(data)
	if got == nil {
		return false
	}
	want := new(event)
	if err := unmarshal(data, want); err != nil || !reflect.DeepEqual(got, want) {
		g, _ := json.Marshal(got)
		w, _ := json.Marshal(want)
		t.Errorf("%s is read as\n%s, want\n%s, error %v", data, g, w, err)
	}
	return true
}

func recordedEvents(t testing.TB) (events [][]byte) {
	files, err := filepath.Glob("testdata/*.sse")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		for line := range bytes.Lines(b) {
			if data, ok := bytes.CutPrefix(line, []byte("data: ")); ok {
				events = append(events, bytes.TrimSpace(data))
			}
		}
	}
	return events
}

func TestCommonEventsAreReadQuicklyAndAsAllOthers(t *testing.T) {
	understood := 0
	var q quick
	for _, e := range recordedEvents(t) {
		if sameAsUnmarshal(t, &q, e) {
			understood++
		}
	}
	if understood == 0 {
		t.Error("no event on record is read quickly")
	}
	for _, e := range []string{
		`{"choices":[{"delta":{"content":" a\n\u00e9\"b","reasoning_content":null,"role":null,"tool_calls":null},"finish_reason":null,"index":0}],"usage":{"prompt_tokens":12,"completion_tokens":1.0,"total_tokens":13,"neurons":0.25}}`,
		`{"choices": [ {"index": 0, "delta": {"content": "a"} } ], "id": "x" }`,
		"{\"choices\":[{\"delta\":{\"content\":\"\xff\"}}]}",
		`{"choices":[{"delta":{"reasoning":"hm","content":null}}],"usage":null}`,
		`{"choices":[{"delta":{"reasoning_content":""}}]}`,
		`{"choices":[{"delta":{"reasoning_content":"a\n"},"finish_reason":"stop"}]}`,
		`{"choices":[{"delta":{"tool_calls":[{"function":{"arguments":"{\"a","name":"x"},"id":"call_1","index":0,"type":"function"}]}}]}`,
		`{"choices":[{"delta":{"tool_calls":[{"function":{"arguments":"\":1}","name":null},"id":null,"index":12,"type":null}]}}]}`,
		`{"choices":[{"delta":{"tool_calls":[{}]}}]}`, `{"choices":[{"delta":{"tool_calls":[{"function":null}]}}]}`,
		`{"response":"Hi","p":"abc"}`, `{"response":"","usage":{"prompt_tokens":42,"completion_tokens":15,"total_tokens":57,"neurons":0.65}}`,
		`{"choices":[],"usage":{"prompt_tokens":0}}`, `{}`,
	} {
		for range 2 { // the second time as one that is like the last
			if !sameAsUnmarshal(t, &q, []byte(e)) {
				t.Errorf("not read quickly: %s", e)
			}
		}
	}
	for _, e := range []string{
		`{"choices":[{"delta":{"content":"a"}}],"error":{"message":"no"}}`,
		`{"choices":[{"delta":{"content":"a","content":"b"}}]}`,
		`{"choices":[{"delta":{"content":"a"}},{"delta":{"content":"b"}}]}`,
		`{"choices":[{"delta":{"content":"a"}}]} x`, `{"choices":[{"delta":{"content":"a}}]}`, ``,
		`{"choices":[{"delta":{"content":"\q"}}]}`, "{\"choices\":[{\"delta\":{\"content\":\"a\nb\"}}]}",
		`{"response":1}`, `{"Choices":[{"delta":{"content":"a"}}]}`, `{"choices":[{"delta":{"content":"a"}}],"created":01}`,
		`{"choices":[{"delta":{"tool_calls":[{"index":1.0}]}}]}`, `{"choices":[{"delta":{"tool_calls":[{"index":0},{"index":1}]}}]}`,
	} {
		if (&quick{}).read([]byte(e)) != nil {
			t.Errorf("read quickly: %s", e)
		}
	}
}

// TestEventsOfAStreamAreReadOneByOne: what is remembered of one event never shows in
// another, whatever differs between them.
func TestEventsOfAStreamAreReadOneByOne(t *testing.T) {
	recorded := recordedEvents(t)
	rapid.Check(t, func(t *rapid.T) {
		var q quick
		event := rapid.SampledFrom(recorded).Draw(t, "first")
		for range rapid.IntRange(1, 8).Draw(t, "events") {
			sameAsUnmarshal(t, &q, event)
			if rapid.IntRange(0, 4).Draw(t, "another") == 0 {
				event = rapid.SampledFrom(recorded).Draw(t, "event")
				continue
			}
			// A few of its bytes are others, as those of values are.
			event = bytes.Clone(event)
			for range min(rapid.IntRange(0, 3).Draw(t, "changes"), len(event)) {
				at := rapid.IntRange(0, max(len(event)-1, 0)).Draw(t, "at")
				with := rapid.SampledFrom([]string{"", "x", "7", ".", "-", "e", `"`, `\`, "\n", " ", "{", "}", "[", "]", ",", ":", "null", `\u00e9`, "ü", "\xff"}).Draw(t, "with")
				event = slices.Concat(event[:at], []byte(with), event[min(at+rapid.IntRange(0, 1).Draw(t, "instead"), len(event)):])
			}
		}
	})
}

// FuzzQuickEvents reads one event after another, and the first once more.
func FuzzQuickEvents(f *testing.F) {
	recorded := recordedEvents(f)
	for i, e := range recorded {
		f.Add(e, recorded[(i+1)%len(recorded)])
		f.Add(e, bytes.Replace(e, []byte("e"), nil, 1))
	}
	f.Fuzz(func(t *testing.T, one, other []byte) {
		var q quick
		for _, e := range [][]byte{one, other, one} {
			sameAsUnmarshal(t, &q, e)
		}
	})
}

func TestOptionsAreWrittenAsTheJSONPackageDoes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		o := wireOptions{
			ToolChoice: rapid.SampledFrom([]string{"", "none"}).Draw(t, "choice"), MaxTokens: rapid.Int().Draw(t, "max"), Stream: rapid.Bool().Draw(t, "stream"),
			Effort:         rapid.SampledFrom([]string{"", "low", `"`}).Draw(t, "effort"),
			TemplateKwargs: rapid.MapOfN(rapid.SampledFrom([]string{"enable_thinking", "thinking", `"`}), rapid.Bool(), 0, 3).Draw(t, "template"),
		}
		if rapid.Bool().Draw(t, "usage") {
			o.StreamOptions = &streamOptions{IncludeUsage: rapid.Bool().Draw(t, "include")}
		}
		if rapid.Bool().Draw(t, "options") {
			o.Options = &cloudflareOnly{RejectIfBusy: rapid.Bool().Draw(t, "busy")}
		}
		want, err := encode(o)
		if err != nil {
			t.Fatal(err)
		}
		if got := "{" + strings.TrimPrefix(string(o.write(nil)), ",") + "}\n"; got != string(want) {
			t.Fatalf("%s, want %s", got, want)
		}
	})
}

func TestRequestsAreWrittenAsTheJSONPackageDoes(t *testing.T) {
	text := rapid.OneOf(rapid.String(), rapid.StringMatching(`[ -~\n\t<>&"\\]{0,40}`), rapid.Just("\xff\xc3\u2028\u2029\ufffd\x00\x7f\b\f"))
	rapid.Check(t, func(t *rapid.T) {
		m := outMessage{Role: text.Draw(t, "role"), Content: text.Draw(t, "content"), ToolCallID: text.Draw(t, "call"), Name: text.Draw(t, "name")}
		for range rapid.IntRange(0, 3).Draw(t, "calls") {
			m.ToolCalls = append(m.ToolCalls, outCall{text.Draw(t, "id"), text.Draw(t, "type"), outFunction{text.Draw(t, "function"), text.Draw(t, "arguments")}})
		}
		if rapid.Bool().Draw(t, "picture") {
			m.images = []*agent.Image{{Type: "image/png", Data: []byte("picture")}}
		}
		want, err := encode(m)
		if err != nil {
			t.Fatal(err)
		}
		got, err := m.write(nil)
		if err != nil || string(got) != strings.TrimSuffix(string(want), "\n") {
			t.Fatalf("%s, want %s, error %v", got, want, err)
		}
	})
}
