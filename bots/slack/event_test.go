package slack

import (
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"bobbin/agent"
	"bobbin/bots"
	"bobbin/bots/sandbox"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

func TestMentionIsOneMessageInTwoEventsThatOpensItsThread(t *testing.T) {
	bubble(t, sandbox.SlackOptions{}, func(t *testing.T, r *rig) {
		ts := r.say(t, "U0ADA", "C0GENERAL", "", "@bobbin: what is 1 < 2 & 3?")
		events := r.got()
		if len(events) != 2 || events[0].EventID == events[1].EventID {
			t.Fatalf("want two deliveries of the post, got %+v", events)
		}
		id := agent.MessageID("C0GENERAL/" + ts)
		want := bots.Event{
			MessageID: id,
			Target: agent.Target{
				Address: agent.Address{Platform: "slack", Workspace: "T0SANDBOX", Channel: "C0GENERAL", Thread: ts},
				ReplyTo: id, Recipient: "U0ADA",
			},
			Author: agent.Author{ID: "U0ADA"}, Addressed: true, Sent: sentAt(ts),
		}
		for _, ev := range events {
			opts := cmpopts.IgnoreFields(bots.Event{}, "EventID", "Respond", "SendFile", "Text")
			if diff := cmp.Diff(want, ev, opts, cmpopts.IgnoreFields(agent.Author{}, "Name")); diff != "" {
				t.Error(diff)
			}
			if ev.Respond == nil || !strings.HasPrefix(ev.Text, "what is 1") || strings.Contains(ev.Text, "&amp;") {
				t.Errorf("Text = %q", ev.Text)
			}
		}
		if n := r.Deliveries().Acked; n != 2 {
			t.Errorf("%d deliveries acknowledged, want 2", n)
		}
	})
}

func TestWhereAMessageBelongs(t *testing.T) {
	bubble(t, sandbox.SlackOptions{}, func(t *testing.T, r *rig) {
		dm := r.OpenDM("U0ADA")
		root := r.say(t, "U0ADA", "C0GENERAL", "", "just talking")
		if ev := r.one(t); ev.Addressed || ev.Direct || ev.Target.Thread != root {
			t.Errorf("plain message: %+v", ev)
		}
		reply := r.say(t, "U0GRACE", "C0GENERAL", root, "and more")
		if ev := r.one(t); ev.Addressed || ev.Target.Thread != root || ev.MessageID != agent.MessageID("C0GENERAL/"+reply) {
			t.Errorf("thread follow-up: %+v", ev)
		}
		first := r.say(t, "U0ADA", dm, "", "hello")
		if ev := r.one(t); !ev.Addressed || !ev.Direct || ev.Target.Thread != "" || ev.Text != "hello" {
			t.Errorf("DM: %+v", ev)
		}
		r.say(t, "U0ADA", dm, first, "aside")
		if ev := r.one(t); !ev.Addressed || !ev.Direct || ev.Target.Thread != first {
			t.Errorf("thread in a DM: %+v", ev)
		}
	})
}

func TestPersonHasANameFromTheFirstMessageOn(t *testing.T) {
	bubble(t, sandbox.SlackOptions{}, func(t *testing.T, r *rig) {
		dm := r.OpenDM("U0ADA")
		for range 2 {
			r.say(t, "U0ADA", dm, "", "hello")
			if name := r.one(t).Author.Name; name != "Ada" {
				t.Errorf("name %q, want Ada", name)
			}
		}
		if n := r.Calls("users.info"); n != 1 {
			t.Errorf("%d calls of users.info, want 1", n)
		}
	})
}

func TestSlowNameHoldsUpNoMessage(t *testing.T) {
	bubble(t, sandbox.SlackOptions{}, func(t *testing.T, r *rig) {
		r.Fault(func(method string, _ url.Values) *sandbox.SlackFault {
			if method == "users.info" {
				return &sandbox.SlackFault{Delay: 20 * time.Second}
			}
			return nil
		})
		dm := r.OpenDM("U0ADA")
		r.say(t, "U0ADA", dm, "", "hello")
		time.Sleep(2 * time.Second) // virtual, and less than Slack waits
		if name := r.one(t).Author.Name; name != "U0ADA" {
			t.Errorf("name %q, want the id in its place", name)
		}
		if d := r.Deliveries(); d.Acked != 1 || d.Waiting != 0 {
			t.Errorf("the message is not acknowledged: %+v", d)
		}
		time.Sleep(20 * time.Second)
		r.say(t, "U0ADA", dm, "", "hello again")
		if name := r.one(t).Author.Name; name != "Ada" {
			t.Errorf("name %q, want Ada once it is known", name)
		}
	})
}

func TestWhatNobodyJustSaidIsIgnoredAcknowledgedAndCounted(t *testing.T) {
	o := sandbox.SlackOptions{Users: []sandbox.User{{ID: "U0ADA", Name: "Ada"}, {ID: "U0OTHER", Name: "otherbot", Bot: true}}}
	bubble(t, o, func(t *testing.T, r *rig) {
		ts := r.say(t, "U0ADA", "C0GENERAL", "", "hello")
		r.one(t)
		r.say(t, "U0OTHER", "C0GENERAL", "", "I am a bot, @bobbin")
		if _, err := r.s.Post(t.Context(), agent.Target{Address: agent.Address{Channel: "C0GENERAL"}}, "k", r.s.Render("mine")[0]); err != nil {
			t.Fatal(err)
		}
		if err := r.React("U0ADA", "C0GENERAL", ts, "tada"); err != nil {
			t.Fatal(err)
		}
		if err := r.Join("U0ADA", "C0GENERAL"); err != nil {
			t.Fatal(err)
		}
		if events := r.got(); len(events) != 0 {
			t.Errorf("events: %+v", events)
		}
		want := map[string]int{"bot": 3, "reaction": 1, "member": 1}
		if diff := cmp.Diff(want, r.s.Ignored()); diff != "" {
			t.Error(diff)
		}
		if d := r.Deliveries(); d.Waiting != 0 || d.Lost != 0 {
			t.Errorf("not acknowledged: %+v", d)
		}
	})
}

// payload builds an Events API delivery around the fields of an event.
func payload(event string) string {
	return `{"type":"event_callback","team_id":"T2","event_id":"Ev1","event":` + event + `}`
}

func testSlack(t testing.TB) *Slack {
	s, err := New(Options{BotToken: "xoxb-test", AppToken: "xapp-test"})
	if err != nil {
		t.Fatal(err)
	}
	s.me.Store(&identity{team: "T1", user: "UBOT", bot: "BBOT", name: "bobbin"})
	return s
}

// read is what becomes of a delivery.
func read(s *Slack, body string) (happening, string) {
	var cb callback
	misread, ok := decode([]byte(body), &cb)
	if !ok {
		return happening{}, "malformed"
	}
	return s.event(&cb, misread)
}

func TestDeliveriesThatAreNoEvent(t *testing.T) {
	tests := map[string]string{
		``:                          "malformed",
		`null`:                      "delivery without type",
		`[]`:                        "malformed",
		`{"type":7}`:                "malformed",
		`{"type":"new_delivery"}`:   "delivery new_delivery",
		`{"type":"event_callback"}`: "event without type",
		payload(`null`):             "event without type",
		payload(`"message"`):        "malformed",
		payload(`{"type":"reaction_added","user":{"odd":1}}`):                                                      "malformed",
		payload(`{"type":"reaction_added","user":"U1","reaction":"tada","item":{"type":"message"}}`):               "reaction",
		payload(`{"type":"channel_rename","channel":{"id":"C1"}}`):                                                 "event channel_rename",
		payload(`{"type":"message","subtype":"message_changed","channel":"C1","message":7}`):                       "malformed",
		payload(`{"type":"message","subtype":"message_changed","channel":"C1"}`):                                   "unchanged",
		payload(`{"type":"message","subtype":"message_deleted","channel":"C1","deleted_ts":"1.1"}`):                "incomplete",
		payload(`{"type":"app_home_opened","user":"U1","tab":"about","event_ts":"1.1"}`):                           "event app_home_opened",
		payload(`{"type":"assistant_thread_started","assistant_thread":null}`):                                     "malformed",
		payload(`{"type":"agent_session_stopped","channel":"C1"}`):                                                 "malformed",
		payload(`{"type":"message","user":{"id":"U1"},"channel":"C1","ts":"1.1"}`):                                 "malformed",
		payload(`{"type":"message","channel":"C1","ts":"1.1","text":"x"}`):                                         "incomplete",
		payload(`{"type":"message","user":"U1","ts":"1.1","text":"x"}`):                                            "incomplete",
		payload(`{"type":"message","user":"U1","channel":"C1","text":"x"}`):                                        "incomplete",
		payload(`{"type":"message","user":"U1","channel":"C1/2","ts":"1.1"}`):                                      "malformed",
		payload(`{"type":"message","user":"U1","channel":"C1","ts":"yesterday"}`):                                  "malformed",
		payload(`{"type":"message","user":"U1","channel":"C1","ts":"1.1","thread_ts":"x\u0000"}`):                  "malformed",
		payload(`{"type":"message","user":"U1","channel":"C1","ts":"1.1","subtype":"channel_join"}`):               "subtype channel_join",
		payload(`{"type":"message","user":"U1","channel":"C1","ts":"1.1","subtype":"assistant_app_thread"}`):       "subtype assistant_app_thread",
		payload(`{"type":"message","user":"U1","channel":"C1","ts":"1.1","hidden":true}`):                          "hidden",
		payload(`{"type":"message","user":"U1","bot_id":"B2","channel":"C1","ts":"1.1"}`):                          "bot",
		payload(`{"type":"message","user":"UBOT","channel":"C1","ts":"1.1"}`):                                      "bot",
		payload(`{"type":"message","user":"USLACKBOT","channel":"D1","ts":"1.1"}`):                                 "slackbot",
		payload(`{"type":"app_mention","user":"U1","channel":"C1","ts":"1.1","edited":{"user":"U1","ts":"2.1"}}`):  "edited",
		payload(`{"type":"message","user":"U1","channel":"C1","ts":"1.1","text":{"mrkdwn":"a new kind of text"}}`): "malformed",
	}
	s := testSlack(t)
	for in, want := range tests {
		if ev, why := read(s, in); why != want {
			t.Errorf("%s:\nignored as %q, want %q (%+v)", in, why, want, ev)
		}
	}
}

func TestFieldsThatAreNotReadCostNoMessage(t *testing.T) {
	s := testSlack(t)
	for _, event := range []string{
		`{"type":"message","user":"U1","channel":"C1","ts":"1.1","text":"hi","blocks":[{"type":7}],"files":"odd","edited":null}`,
		`{"type":"message","user":"U1","channel":"C1","ts":"1.1","text":"hi","subtype":"file_share","files":[{}]}`,
		`{"type":"message","user":"W1","channel":"G1","ts":"1.1","thread_ts":"0.9","text":"hi","subtype":"thread_broadcast","root":[]}`,
	} {
		if ev, why := read(s, payload(event)); why != "" || ev.Text != "hi" {
			t.Errorf("%s: ignored as %q, text %q", event, why, ev.Text)
		}
	}
}

func TestSessionStaysInTheTokensTeam(t *testing.T) {
	tests := map[string]struct{ authorizations, want string }{
		"none":               {`null`, "T1"},
		"odd":                {`{"team_id":"T9"}`, "T1"},
		"shared channel":     {`[{"team_id":"T2","user_id":"UOTHER","is_bot":true}]`, "T1"},
		"whole organisation": {`[{"enterprise_id":"E1","is_enterprise_install":true}]`, "T2"},
	}
	s := testSlack(t)
	for name, tc := range tests {
		in := fmt.Sprintf(`{"type":"event_callback","team_id":"T2","authorizations":%s,"event":{"type":"message","user":"U1","channel":"C1","ts":"1.1","text":"x"}}`, tc.authorizations)
		ev, why := read(s, in)
		if why != "" || ev.Target.Workspace != tc.want {
			t.Errorf("%s: workspace %q, want %q (%s)", name, ev.Target.Workspace, tc.want, why)
		}
	}
}

func TestMentionOfBobbinIsCutFromTheEnds(t *testing.T) {
	tests := []struct {
		in, want string
		found    bool
	}{
		{"<@UBOT> hello", "hello", true},
		{"<@UBOT|bobbin>: hello", "hello", true},
		{"  <@UBOT>,\n<@UBOT> hello", "hello", true},
		{"hello <@UBOT>", "hello", true},
		{"hello, <@UBOT> ", "hello", true},
		{"ask <@UBOT> about it", "ask <@UBOT> about it", true},
		{"<@UBOT>", "", true},
		{"<@UBOT2> hello", "<@UBOT2> hello", false},
		{"<@UBOT2> and <@UBOT>", "<@UBOT2> and", true},
		{"<@UBOT", "<@UBOT", false},
		{"<@UBOT|no end", "<@UBOT|no end", false},
		{"hello <@UBOT2>", "hello <@UBOT2>", false},
		{"", "", false},
	}
	for _, tc := range tests {
		if got, found := cutMention(tc.in, "UBOT"); got != tc.want || found != tc.found {
			t.Errorf("cutMention(%q) = %q, %v, want %q, %v", tc.in, got, found, tc.want, tc.found)
		}
	}
	if got, found := cutMention("<@> x", ""); found || got != "<@> x" {
		t.Errorf("without a bot user: %q, %v", got, found)
	}
}

func TestReasonsAreBounded(t *testing.T) {
	var counts tally
	for i := range 1000 {
		counts.add(fmt.Sprint("event ", i))
	}
	if n := len(counts.counts()); n != maxReasons+1 {
		t.Errorf("%d reasons", n)
	}
}

func TestUnknownEnvelopesAreCountedAndTheSocketLives(t *testing.T) {
	bubble(t, sandbox.SlackOptions{}, func(t *testing.T, r *rig) {
		for _, frame := range []string{
			`{"type":"future_kind","envelope_id":"e1","payload":{"a":1}}`,
			`{"type":"events_api","envelope_id":"e2","payload":{"type":"event_callback","event":{"type":"never_seen"}}}`,
			`{"type":"events_api","envelope_id":"e3","payload":null}`,
			`{"type":"events_api","envelope_id":"e4","payload":{"type":"event_callback","event":{"type":"message","user":"U1","channel":"C1","ts":"1.1","text":"odd blocks","blocks":7}}}`,
			`{"type":"slash_commands","envelope_id":"e5","payload":[]}`,
			`{"type":"interactive","envelope_id":"e6","payload":{"type":"block_actions"}}`,
			`{"type":"interactive","envelope_id":"e7","payload":{"type":"future_kind"}}`,
			`{"type":"no_id"}`, `{"envelope_id":7}`, `{not json`, `[]`, `"text"`, ``,
		} {
			r.Deliver(frame)
			synctest.Wait()
		}
		r.say(t, "U0ADA", "C0GENERAL", "", "still there?")
		events := r.got()
		var texts []string
		for _, ev := range events {
			texts = append(texts, ev.Text)
		}
		if !slices.Equal(texts, []string{"odd blocks", "still there?"}) {
			t.Errorf("events: %q", texts)
		}
		t.Log(slices.Sorted(maps.Keys(r.s.Ignored())))
		for _, why := range []string{"envelope future_kind", "event never_seen", "unreadable frame", "interaction future_kind", "malformed"} {
			if r.s.Ignored()[why] == 0 {
				t.Errorf("%q was not counted: %v", why, r.s.Ignored())
			}
		}
	})
}

func FuzzEvent(f *testing.F) {
	f.Add([]byte(payload(`{"type":"app_mention","user":"U1","channel":"C1","ts":"1700000000.000100","text":"<@UBOT> hi"}`)))
	f.Add([]byte(payload(`{"type":"message","user":"U1","channel":"D1","ts":"1.1","thread_ts":"0.1","text":"<@UBOT|"}`)))
	f.Add([]byte(`{"type":"event_callback","authorizations":[7],"event":{}}`))
	f.Add([]byte(payload(`{"type":"message","subtype":"message_changed","channel":"C1","message":{"user":"U1","text":"b","ts":"1.1","edited":{}},"previous_message":{"text":"a"}}`)))
	f.Add([]byte(payload(`{"type":"message","subtype":"message_deleted","channel":"C1","previous_message":{"user":"U1","ts":"1.1","thread_ts":"1.0"}}`)))
	f.Add([]byte(payload(`{"type":"message","subtype":"file_share","user":"U1","channel":"C1","ts":"1.1","files":[{"id":"F1","name":"x","size":-7},7]}`)))
	f.Add([]byte(payload(`{"type":"reaction_added","user":"U1","reaction":"thread::skin-tone-2","event_ts":"2.1","item":{"type":"message","channel":"C1","ts":"1.1"}}`)))
	f.Add([]byte(payload(`{"type":"member_joined_channel","user":"UBOT","channel":"C1","inviter":"U1","event_ts":"2.1"}`)))
	f.Add([]byte(payload(`{"type":"app_home_opened","user":"U1","channel":"D1","tab":"messages","event_ts":"2.1"}`)))
	f.Add([]byte(payload(`{"type":"assistant_thread_started","assistant_thread":{"user_id":"U1","channel_id":"D1","thread_ts":"1.1"}}`)))
	f.Add([]byte(payload(`{"type":"agent_session_stopped","user":"U1","channel":"D1","thread_ts":"1.1","streaming_message_ts":["1.2"],"event_ts":"2.1"}`)))
	s := testSlack(f)
	s.opts.Reaction, s.opts.Greet = "thread", true
	f.Fuzz(func(t *testing.T, in []byte) {
		ev, why := read(s, string(in))
		if why != "" || ev.do != nil {
			return
		}
		channel, ts, err := splitID(ev.MessageID)
		if said := ev.Command == "" && ev.Press == nil && !ev.Greet; said && (err != nil || channel != ev.Target.Channel || messageID(channel, ts) != ev.MessageID) {
			t.Errorf("id %q does not come back: %v", ev.MessageID, err)
		}
		if ev.MessageID == "" || ev.Author.ID == "" || ev.Respond == nil || (!ev.Direct && !ev.Greet && ev.Target.Thread == "") {
			t.Errorf("incomplete event %+v", ev)
		}
	})
}
