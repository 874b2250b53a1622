package workersai

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"

	"bobbin/agent"
)

// FuzzDecode: whatever arrives, and in whatever pieces, the decoder ends with exactly one
// finish or one error, gives valid calls, shows nothing of reasoning fields, and makes no
// text out of nothing.
func FuzzDecode(f *testing.F) {
	files, err := filepath.Glob("testdata/*.*")
	if err != nil {
		f.Fatal(err)
	}
	for _, name := range files {
		data, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(data), false)
		f.Add(string(data), true)
	}
	f.Add(sseOf(`{"error":{"code":"x","message":5}}`), false)
	f.Add("event: error\ndata: x\n\n", false)
	f.Add(`{"errors":[{"code":"5028"}],"success":false}`, false)
	f.Add(sseOf(`{"choices":[null]}`, `{"choices":[{"delta":null,"message":null}]}`, `{"tool_calls":[null,{"function":null}]}`), true)
	f.Fuzz(func(t *testing.T, body string, noCalls bool) {
		r := offered
		r.NoCalls = noCalls
		d := newDecoder(&r)
		var text strings.Builder
		ends := 0
		for c, err := range d.decode(strings.NewReader(body), nil) {
			if ends > 0 {
				t.Fatal("something came after the end")
			}
			if err != nil {
				ends++
				continue
			}
			text.WriteString(c.Text)
			if c.Finish == "" {
				if len(c.Calls) > 0 {
					t.Fatal("calls before the last chunk")
				}
				continue
			}
			ends++
			checkLast(t, c, noCalls)
		}
		if ends != 1 {
			t.Fatalf("%d ends", ends)
		}
		if text.Len() > 6*len(body) {
			t.Fatalf("%d bytes of text from %d", text.Len(), len(body))
		}
		whole, pieces := collect(newDecoder(&r), strings.NewReader(body)), collect(newDecoder(&r), iotest.OneByteReader(strings.NewReader(body)))
		if whole.text != pieces.text || whole.calls() != pieces.calls() || whole.thinking != pieces.thinking ||
			whole.last.Finish != pieces.last.Finish || whole.last.Usage != pieces.last.Usage || fmt.Sprint(whole.err) != fmt.Sprint(pieces.err) {
			t.Fatalf("got %+v, and byte by byte %+v", whole, pieces)
		}
		// The recorded answers mark what only stands in reasoning.
		if strings.Count(body, "SECRET") == 1 && strings.Contains(body, `"delta":{"reasoning":"SECRET"}`) &&
			strings.Contains(text.String(), "SECRET") && !strings.Contains(text.String(), `"reasoning"`) {
			t.Fatal("reasoning was shown")
		}
	})
}

func checkLast(t *testing.T, c agent.Chunk, noCalls bool) {
	t.Helper()
	if (len(c.Calls) > 0) != (c.Finish == agent.FinishCalls && !noCalls) {
		t.Fatalf("finish %q with %d calls", c.Finish, len(c.Calls))
	}
	for _, call := range c.Calls {
		if _, ok := arguments(string(call.Args)); !ok || call.Name == "" || call.ID == "" {
			t.Fatalf("bad call %+v", call)
		}
	}
	if u := c.Usage; u.Input < 0 || u.Output < 0 || u.Cached < 0 || u.Neurons < 0 || u.Cached > u.Input {
		t.Fatalf("bad usage %+v", u)
	}
}
