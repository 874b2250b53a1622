package slack

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"bobbin/agent"
	"bobbin/bots"
	"bobbin/bots/markup"
	"bobbin/bots/sandbox"
)

// TestStreamThatFailsLosesAndRepeatsNothing has each call of a stream fail in each way,
// once: whatever happens, one message stands with the whole text.
func TestStreamThatFailsLosesAndRepeatsNothing(t *testing.T) {
	faults := map[string]sandbox.SlackFault{
		"lost request":  {Drop: true},
		"lost answer":   {Execute: true, Drop: true},
		"server error":  {Execute: true, Status: http.StatusBadGateway},
		"too often":     {Status: http.StatusTooManyRequests, Header: http.Header{"Retry-After": {"2"}}},
		"internal":      {Execute: true, Status: http.StatusOK, Body: `{"ok":false,"error":"internal_error"}`},
		"not an answer": {Execute: true, Status: http.StatusOK, Body: `{"ok":true}`},
	}
	for _, code := range []string{
		"message_not_in_streaming_state", "streaming_state_conflict", "streaming_mode_mismatch", "unknown_method", "missing_scope", "feature_not_enabled",
		"missing_recipient_user_id", "channel_type_not_supported", "msg_too_long", "not_yet_invented", "invalid_arguments", "invalid_blocks",
	} {
		faults[code] = sandbox.SlackFault{Status: http.StatusOK, Body: `{"ok":false,"error":"` + code + `"}`}
	}
	for name, fault := range faults {
		fault.Header = http.Header{"Content-Type": {"application/json"}, "Retry-After": fault.Header["Retry-After"]}
		for _, at := range []string{"chat.startStream 1", "chat.appendStream 1", "chat.appendStream 3", "chat.stopStream 1", "chat.update 1"} {
			t.Run(name+" "+at, func(t *testing.T) {
				bubble(t, sandbox.SlackOptions{NoLimits: true}, func(t *testing.T, r *rig) {
					to := r.asked(t)
					calls := make(map[string]int)
					r.Fault(func(method string, _ url.Values) *sandbox.SlackFault {
						calls[method]++
						if fmt.Sprint(method, " ", calls[method]) == at {
							return &fault
						}
						if method == "chat.appendStream" && calls[method] == 5 && strings.HasPrefix(at, "chat.update") { // leads to an edit
							return answer(method, `{"ok":false,"error":"message_not_in_streaming_state"}`)(method, nil)
						}
						return nil
					})
					r.tell(t, to, "TURN-222", tale, 30, time.Second)
					if got, want := r.stands(t, to), markup.Slack(tale)[0].Text; len(got) != 1 || got[0] != want {
						t.Errorf("there stands %q", got)
					}
					if m := r.World().Replies(to.Channel, to.Thread)[0]; m.Streaming || !strings.Contains(look(t, m), "3 s") {
						t.Errorf("in the end: %s", look(t, m))
					}
				}, native)
			})
		}
	}
}

func TestStartThatWasNotConfirmedIsFoundAlsoByALaterRun(t *testing.T) {
	for _, crash := range []bool{false, true} {
		bubble(t, sandbox.SlackOptions{NoLimits: true}, func(t *testing.T, r *rig) {
			to := r.asked(t)
			if err := r.s.Edit(t.Context(), to, "C0GENERAL/1.1", page("x")); err == nil {
				t.Fatal("edited nothing")
			}
			r.Fault(func(method string, _ url.Values) *sandbox.SlackFault {
				if method == "chat.startStream" {
					return &sandbox.SlackFault{Execute: true, Drop: true}
				}
				return nil
			})
			if _, err := r.s.Post(t.Context(), to, "TURN-222", page("It begins here")); err == nil {
				t.Fatal("a lost answer is no success")
			}
			r.Fault(nil)
			if crash {
				r.s.streams = newStreams(StreamNative)
			}
			for key, there := range map[string]bool{"TURN-224": false, "TURN-222": true} {
				id, err := r.s.Find(t.Context(), to, key)
				if !there {
					if !errors.Is(err, bots.ErrNotFound) {
						t.Errorf("crash %v: found %q for %s: %v", crash, id, key, err)
					}
					continue
				}
				if err != nil {
					t.Fatalf("crash %v: %v", crash, err)
				}
				m := page("It begins here and ends there.")
				m.Final = true
				if err := r.s.Edit(t.Context(), to, id, m); err != nil {
					t.Fatal(err)
				}
				if got := r.stands(t, to); len(got) != 1 || got[0] != m.Text {
					t.Errorf("crash %v: there stands %q", crash, got)
				}
				if found, err := r.s.Find(t.Context(), to, key); err != nil || found != id {
					t.Errorf("crash %v: then found %q, %v", crash, found, err)
				}
			}
		}, native)
	}
}

func TestStreamOfAnEarlierRunIsEditedAndDeleted(t *testing.T) {
	bubble(t, sandbox.SlackOptions{NoLimits: true}, func(t *testing.T, r *rig) {
		to := r.asked(t)
		var ids []agent.MessageID
		for _, key := range []string{"TURN-222", "TURM-222"} {
			id, err := r.s.Post(t.Context(), to, key, page("half of it"))
			if err != nil {
				t.Fatal(err)
			}
			ids = append(ids, id)
		}
		r.s.streams = newStreams(StreamNative)
		if err := r.s.Edit(t.Context(), to, ids[0], page("all of it")); err != nil {
			t.Fatal(err)
		}
		if err := r.s.Delete(t.Context(), to, ids[1]); err != nil {
			t.Fatal(err)
		}
		if got := r.stands(t, to); len(got) != 1 || got[0] != "all of it" {
			t.Errorf("there stands %q", got)
		}
	}, native)
}
