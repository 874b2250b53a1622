package workersai

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"bobbin/agent"

	"pgregory.net/rapid"
)

// sameAsUnmarshal fails the test if quick understands data, and otherwise than the JSON
// package does.
func sameAsUnmarshal(t *testing.T, data []byte) (understood bool) {
	t.Helper()
	var q quick
	var got, want event
	if !q.read(data, &got) {
		return false
	}
	if err := unmarshal(data, &want); err != nil || !reflect.DeepEqual(got, want) {
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
	for _, e := range recordedEvents(t) {
		if sameAsUnmarshal(t, e) {
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
	} {
		if !sameAsUnmarshal(t, []byte(e)) {
			t.Errorf("not read quickly: %s", e)
		}
	}
	for _, e := range []string{
		`{"choices":[{"delta":{"content":"a"}}],"error":{"message":"no"}}`,
		`{"choices":[{"delta":{"content":"a","content":"b"}}]}`,
		`{"choices":[{"delta":{"content":"a"},"finish_reason":"stop"}]}`,
		`{"choices":[{"delta":{"content":"a"}},{"delta":{"content":"b"}}]}`,
		`{"choices":[{"delta":{"content":"a"}}]} x`, `{"choices":[{"delta":{"content":"a}}]}`, `{"choices":[]}`, `{}`, ``,
		`{"response":"a"}`, `{"Choices":[{"delta":{"content":"a"}}]}`, `{"choices":[{"delta":{"content":"a"}}],"created":01}`,
	} {
		if (&quick{}).read([]byte(e), &event{}) {
			t.Errorf("read quickly: %s", e)
		}
	}
}

func FuzzQuickEvents(f *testing.F) {
	for _, e := range recordedEvents(f) {
		f.Add(e)
	}
	f.Fuzz(func(t *testing.T, data []byte) { sameAsUnmarshal(t, data) })
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
