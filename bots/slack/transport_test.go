package slack

import (
	"context"
	"encoding/json"
	"errors"
	"net/url"
	"testing"
	"time"

	"bobbin/agent"
	"bobbin/bots/sandbox"

	"github.com/google/go-cmp/cmp"
)

func TestAnswerLosesItsEchoAndNothingElse(t *testing.T) {
	for in, want := range map[string]string{
		`{"ok":true,"channel":"C1","ts":"1.1","message":{"text":"a \"}\" {","blocks":[{"b":{}}]},"warning":"w"}`: `{"ok":true,"channel":"C1","ts":"1.1","message":{},"warning":"w"}`,
		`{"channel":"C1","message":{"text":"x"},"ok":true}`:                                                      `{"channel":"C1","message":{},"ok":true}`,
		`{"ok":true,"text":"\"message\":{","message":{"text":"\\"}}`:                                             `{"ok":true,"text":"\"message\":{","message":{}}`,
		`{"ok":true,"message":{}}`:                 `{"ok":true,"message":{}}`,
		`{"ok":true,"message":"text"}`:             `{"ok":true,"message":"text"}`,
		`{"ok":false,"error":"channel_not_found"}`: `{"ok":false,"error":"channel_not_found"}`,
		`{"ok":true,"message":{"text":"cut o`:      `{"ok":true,"message":{"text":"cut o`,
		``:                                         ``,
	} {
		if got := string(withoutEcho([]byte(in))); got != want {
			t.Errorf("%s:\n%s", in, cmp.Diff(want, got))
		}
	}
}

func TestCallThatIsNotAnsweredEnds(t *testing.T) {
	bubble(t, sandbox.SlackOptions{}, func(t *testing.T, r *rig) {
		r.Fault(func(string, url.Values) *sandbox.SlackFault { return &sandbox.SlackFault{Delay: time.Hour} })
		began := time.Now()
		_, err := r.s.postText(t.Context(), agent.Target{Address: agent.Address{Channel: "C0GENERAL"}}, "", "hello")
		if took := time.Since(began); !errors.Is(err, context.DeadlineExceeded) || took != callTimeout {
			t.Errorf("after %s: %v", took, err)
		}
		r.Fault(nil)
	})
}

func FuzzWithoutEcho(f *testing.F) {
	f.Add(`{"ok":true,"channel":"C1","message":{"text":"}\\\"","blocks":[{"b":{}}]},"ts":"1.1"}`)
	f.Add(`{"message":{"message":{}},"ok":true}`)
	f.Fuzz(func(t *testing.T, body string) {
		type answer struct {
			OK      any `json:"ok"`
			TS      any `json:"ts"`
			Channel any `json:"channel"`
		}
		var before, after answer
		if json.Unmarshal([]byte(body), &before) != nil {
			return
		}
		if err := json.Unmarshal(withoutEcho([]byte(body)), &after); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(before, after); diff != "" {
			t.Error(diff)
		}
	})
}
