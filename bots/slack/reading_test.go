package slack

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// decodeAsJSON is decode by the tags of the fields.
func decodeAsJSON(data []byte, into any) (misread, ok bool) {
	err := json.Unmarshal(data, into)
	_, misread = errors.AsType[*json.UnmarshalTypeError](err)
	return misread, misread || err == nil
}

// unlike says how an envelope is read otherwise than json.Unmarshal reads it.
func unlike(data []byte) string {
	var got, want envelope
	gotMisread, gotOK := decode(data, &got)
	wantMisread, wantOK := decodeAsJSON(data, &want)
	switch {
	case gotOK != wantOK, gotOK && gotMisread != wantMisread:
		return fmt.Sprintf("misread %v, want %v; JSON %v, want %v", gotMisread, wantMisread, gotOK, wantOK)
	case !gotOK:
		return ""
	}
	return cmp.Diff(want, got, cmp.AllowUnexported(inner{}), cmpopts.IgnoreUnexported(envelope{}))
}

func TestDeliveryIsReadAsJSONIs(t *testing.T) {
	for _, frame := range []string{
		fmt.Sprintf(mention, 1, 2),
		` {"type" : "hello" , "num_connections":1, "x":[{"a":"}"},[[]]] } ` + "\n",
		`{"type":"events_api","payload":{"event":{"text":"a \"quote\" \\","user":"\u00fc\ud83d\ude00","ts":"\\\\"}}}`,
		`{"type":"a","type":"b","payload":{"team_id":"T1"},"payload":{"event_id":"E1"}}`,
		`{"type":null,"payload":null,"accepts_response_payload":null}`,
		`{"payload":{"event_time":null,"authorizations":null,"event":{"edited":null,"files":[ {"id": 1} ],"hidden":true}}}`,
		`{"payload":{"event_time":1.5}}`, `{"payload":{"event_time":"1"}}`, `{"payload":{"event_time":-7,"event":{"hidden":1}}}`,
		`{"type":7,"envelope_id":"E"}`, `{"type":{"a":1},"envelope_id":"E"}`, `{"payload":[1],"envelope_id":"E"}`, `{"payload":7}`, `{"payload":{"event":"x"}}`,
		`{}`, ` { } `, `[]`, `7`, `null`, `"x"`, ``, ` `, `nonsense`, `{`, `}`, `{"`, `{"type"`, `{"type":`, `{"type":}`, `{"type":"x"`, `{"type":"x",}`,
		`{"type":"x"}}`, `{"type":"x"}x`, `{}x`, `{type:"x"}`, `{"type" "x"}`, `{"type":"x" "y":1}`, `{,}`, `{"payload":{"event":{"a"}}}`, `{"payload":{"a":[}`,
		`{"a":"\"`, `{"type":"\x"}`, "{\"type\":\"\xff\"}",
	} {
		if diff := unlike([]byte(frame)); diff != "" {
			t.Errorf("%s: %s", frame, diff)
		}
	}
}

// FuzzReading: what is JSON is read as JSON is, and what is not does no harm.
func FuzzReading(f *testing.F) {
	f.Add(fmt.Appendf(nil, mention, 1, 2))
	f.Add([]byte(`{"type":"events_api","payload":{"event":{"text":"a \"b\" \\","files":[{}],"edited":{"user":null}}}}`))
	f.Add([]byte(`{"type":7,"payload":{"event_time":1e3,"event":{"hidden":"x"}},"x":[[{"]":"["}]]}`))
	known := []string{
		"type", "envelope_id", "reason", "accepts_response_payload", "payload", "challenge", "team_id", "api_app_id", "event_id", "event_time",
		"authorizations", "event", "event_ts", "deleted_ts", "message", "previous_message", "reaction", "item", "streaming_message_ts", "inviter", "tab",
		"assistant_thread", "subtype", "user", "bot_id", "text", "ts", "thread_ts", "parent_user_id", "channel", "channel_type", "hidden", "edited", "files",
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var value any
		if json.Unmarshal(data, &value) != nil {
			decode(data, new(envelope))
			return
		}
		// Keys in other letters, and with escapes, are of no interest.
		folded := strings.NewReplacer("ſ", "s", "K", "k").Replace(strings.ToLower(string(data)))
		for _, key := range known {
			if strings.Count(folded, key) != strings.Count(string(data), key) {
				return
			}
		}
		if strings.Contains(string(data), `\`) {
			var err error
			if data, err = json.Marshal(value); err != nil || strings.Contains(string(data), `\`) {
				return
			}
		}
		if diff := unlike(data); diff != "" {
			t.Error(diff)
		}
	})
}
