package slack

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"bobbin/agent"
	"bobbin/bots"

	"github.com/google/go-cmp/cmp"
	slackgo "github.com/slack-go/slack"
)

// sent keeps the last call and answers it.
type sent struct {
	answer string
	header http.Header
	to     string
	body   string
}

func (s *sent) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	s.header, s.to, s.body = r.Header, r.URL.String(), string(body)
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(s.answer))}, err
}

func TestPostAndEditAreSentAsSlackTakesThem(t *testing.T) {
	wire := &sent{answer: `{"ok":true,"channel":"C1","ts":"1.1"}`}
	s, err := New(Options{BotToken: "xoxb-1", AppToken: "xapp-1", HTTPClient: &http.Client{Transport: wire}})
	if err != nil {
		t.Fatal(err)
	}
	to := agent.Target{Address: agent.Address{Channel: "C1", Thread: "1.0"}}
	m := bots.Message{
		Text: "**x** & \"y\"", Plain: "x &amp; \"y\"", Source: "**x** & \"y\"", Head: "Reading…", Foot: "3 s",
		Buttons: []bots.Button{{Action: bots.Stop, Turn: "TURN2"}},
	}
	const blocks = `[{"type":"context","elements":[{"type":"plain_text","text":"Reading…","emoji":true}]},` +
		`{"type":"markdown","text":"**x** \u0026 \"y\""},` +
		`{"type":"context","elements":[{"type":"plain_text","text":"3 s","emoji":true}]},` +
		`{"type":"actions","elements":[{"type":"button","text":{"type":"plain_text","text":"Stop","emoji":true},"action_id":"bobbin_stop","value":"stop:TURN2"}]}]`
	const text = `"text":"x \u0026amp; \"y\""`
	for _, tc := range []struct {
		method, body string
		call         func() error
	}{
		{
			"chat.postMessage", `{"channel":"C1","thread_ts":"1.0",` + text + `,"blocks":` + blocks + `,` +
				`"metadata":{"event_type":"bobbin_reply","event_payload":{"key":"K"}},"unfurl_links":false,"unfurl_media":false}`,
			func() error { _, err := s.Post(t.Context(), to, "K", m); return err },
		},
		{
			"chat.postMessage", `{"channel":"C1","text":"hello","metadata":{"event_type":"bobbin_note","event_payload":{"key":"bobbin_note"}},` +
				`"unfurl_links":false,"unfurl_media":false}`,
			func() error {
				_, err := s.postText(t.Context(), agent.Target{Address: agent.Address{Channel: "C1"}}, "", "hello")
				return err
			},
		},
		{
			"chat.update", `{"channel":"C1","ts":"1.1",` + text + `,"blocks":` + blocks + `}`,
			func() error { return s.Edit(t.Context(), to, "C1/1.1", m) },
		},
		{
			"chat.update", `{"channel":"C1","ts":"1.1","text":"x","blocks":[],"metadata":{"event_type":"bobbin_reply","event_payload":{"key":"K"}}}`,
			func() error {
				return s.update(t.Context(), editing{Channel: "C1", TS: "1.1", content: content{Text: "x", Blocks: []slackgo.Block{}}, Metadata: keptAs(replyType, "K")})
			},
		},
	} {
		if err := tc.call(); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(tc.body, wire.body); diff != "" || wire.to != DefaultAPIURL+tc.method {
			t.Errorf("to %s:\n%s", wire.to, diff)
		}
		want := http.Header{"Content-Type": {"application/json; charset=utf-8"}, "Authorization": {"Bearer xoxb-1"}}
		if diff := cmp.Diff(want, wire.header); diff != "" {
			t.Error(diff)
		}
	}
}

// TestAnswerThatIsReadWrongIsNoRefusal: only a clear no lets a message be given up.
func TestAnswerThatIsReadWrongIsNoRefusal(t *testing.T) {
	wire := &sent{}
	s, err := New(Options{BotToken: "xoxb-1", AppToken: "xapp-1", HTTPClient: &http.Client{Transport: wire}})
	if err != nil {
		t.Fatal(err)
	}
	for answer, refused := range map[string]string{
		`{"ok":true,"channel":"C1","ts":"1.1","warning":7,"message":{"text":7}}`:                          "",
		`{"ok":false,"error":"channel_not_found"}`:                                                        "channel_not_found",
		`{"ok":false,"error":"channel_not_found","ts":7,"response_metadata":7}`:                           "channel_not_found",
		`{"ok":false,"error":"invalid_blocks","response_metadata":{"messages":["[ERROR] no such type"]}}`: "invalid_blocks",
		`{"ok":false}`:                         "unknown_error",
		`{}`:                                   "unknown_error",
		`{"ok":true,"channel":"C1","ts":1.1}`:  "unclear",
		`{"ok":"true","channel":"C1"}`:         "unclear",
		`{"ok":true,"channel":"C1"}`:           "unclear",
		`{"ok":true,"channel":"C1","ts":"1.1"`: "unclear",
		`<html>`:                               "unclear",
		``:                                     "unclear",
	} {
		wire.answer = answer
		_, err := s.Post(t.Context(), general(""), "K", page("x"))
		got := code(err)
		if err != nil && got == "" && !certain(err) {
			got = "unclear"
		}
		if got != refused {
			t.Errorf("%s: %q: %v", answer, got, err)
		}
		if strings.Contains(answer, "[ERROR]") && !strings.Contains(err.Error(), "no such type") {
			t.Errorf("Slack's words are lost: %v", err)
		}
	}
}
