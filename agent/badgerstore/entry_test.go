package badgerstore

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"bobbin/agent"
)

// whole entries of every kind, as they are stored.
func wholeEntries() []agent.Entry {
	at := time.Date(2026, time.March, 1, 12, 0, 0, 123456789, time.FixedZone("", 3600))
	return []agent.Entry{
		{Role: agent.RoleUser, At: at, Text: "hello \"you\"\n\tÄ🧵 <&> \\ /", Author: &agent.Author{ID: "U1", Name: "Ada"}},
		{Role: agent.RoleAssistant, At: at.UTC(), Text: "fine", Model: "@cf/m", Usage: &agent.Usage{Input: 12, Cached: 3, Output: 4, Neurons: 0.25}},
		{Role: agent.RoleAssistant, Usage: &agent.Usage{Neurons: 1e-7}},
		{Role: agent.RoleTool, CallID: "c1", Tool: "look", Failed: true, Text: "no"},
		{Role: agent.RoleUser, Author: &agent.Author{}, Direct: true, FileID: "F1"},
		calls("", "c1"),
		{Role: agent.RoleAssistant, Calls: []agent.ToolCall{
			{ID: "c1", Name: "look", Args: []byte(`{"at":"\"}{","deep":[{"a":{}},1]}`)}, {Name: "look", Args: []byte(`{}`)},
		}},
	}
}

func TestWhatIsStoredIsReadTheFastWay(t *testing.T) {
	for _, want := range wholeEntries() {
		b, err := marshal(want)
		if err != nil {
			t.Fatal(err)
		}
		var got agent.Entry
		if !parseEntry(b, &got) {
			t.Errorf("%s is not understood", b)
		} else if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%s (-want +got):\n%s", b, d)
		}
	}
}

// FuzzEntry compares with the standard library: what is understood is read as by it.
func FuzzEntry(f *testing.F) {
	for _, e := range wholeEntries() {
		b, err := marshal(e)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	for _, s := range []string{
		`{}`, `{"role":"user","role":"tool"}`, `{"text":"\u00e4"}`, `{"text":"a\"`, `{"at":""}`, `{"usage":{"input":01}}`,
		`{"usage":{"neurons":1.}}`, `{"usage":{"neurons":1e-}}`, `{"usage":{"neurons":1e400}}`, `{"usage":{"neurons":-1}}`, `{"usage":{"input":1e2}}`,
		`{"failed":false}`, `{"failed":null}`, `{"author":null}`, `{"author":{"id":"a"},"author":{"name":"b"}}`, `{"Text":"x"}`, "{\"text\":\"\xff\"}",
		`{"text":"\x"}`, `{"calls":[]}`, `{"calls":[{"args":{]}}]}`, `{"calls":[{"args":{"a":"\"}}]}`, `{"calls":[{"args":{}},]}`, `{"calls":[{"args":{}}],"calls":[{"id":"a"}]}`, `{"calls":[{"args":{},"args":{"a":1}}]}`, `{"text":"a",}`, `{"text":"a"}x`, `{"text":"\/"}`, "{\"text\":\"\x7f\"}", `{"usage":{"neurons":0e1}}`, `{"usage":{"neurons":1--2}}`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var got, want agent.Entry
		if !parseEntry(b, &got) {
			return
		}
		if err := json.Unmarshal(b, &want); err != nil {
			t.Fatalf("%q is understood, though it is no entry: %v", b, err)
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%q (-want +got):\n%s", b, d)
		}
	})
}

// FuzzHead compares with the standard library, as FuzzEntry does.
func FuzzHead(f *testing.F) {
	whole := head{3, 17, settings{Model: "@cf/m", Spent: spent{2, agent.Usage{Input: 12, Cached: 3, Output: 4, Neurons: 1e-7}}, Ended: 5}}
	b, err := marshal(whole)
	if err != nil {
		f.Fatal(err)
	}
	if got, ok := parseHead(b); !ok || got != whole {
		f.Errorf("%s is read as %+v, %t", b, got, ok)
	}
	f.Add(b)
	for _, s := range []string{
		`{"generation":0,"next":0}`, `{"generation":1}`, `{"next":1}`, `{}`, `{"generation":-1,"next":1}`, `{"generation":1,"next":1,"generation":2}`,
		`{"generation":1,"next":1,"spent":{"turns":1,"usage":{"input":1}},"spent":{"usage":{"output":1}}}`, `{"generation":1,"next":1,"spent":null}`,
		`{"generation":99999999999999999999,"next":1}`, `{"generation":1.0,"next":1}`, `{"generation":1,"next":1e1}`, `{"Generation":1,"next":1}`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		got, ok := parseHead(b)
		if !ok {
			return
		}
		var want head
		if err := json.Unmarshal(b, &want); err != nil || got != want {
			t.Errorf("%q is read as %+v, want %+v, error %v", b, got, want, err)
		}
	})
}

func BenchmarkParseEntry(b *testing.B) {
	stored, err := marshal(agent.Entry{Role: agent.RoleAssistant, At: time.Now(), Text: longText + "\n" + longText, Model: "@cf/m", Usage: &agent.Usage{Input: 12, Output: 4}})
	if err != nil {
		b.Fatal(err)
	}
	for name, parse := range map[string]func([]byte, *agent.Entry) bool{
		"this":     parseEntry,
		"standard": func(b []byte, e *agent.Entry) bool { return json.Unmarshal(b, e) == nil },
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				var e agent.Entry
				if !parse(stored, &e) {
					b.Fatal("not understood")
				}
			}
		})
	}
}
