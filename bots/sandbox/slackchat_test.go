package sandbox_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/slack-go/slack"

	"bobbin/bots/sandbox"
)

func TestSlackTokensAreChecked(t *testing.T) {
	r := newSlackRig(t, sandbox.SlackOptions{})
	auth, err := r.api.AuthTestContext(t.Context())
	if err != nil || auth.UserID != "U0BOBBIN" || auth.TeamID != "T0SANDBOX" || auth.BotID != "B0BOBBIN" {
		t.Errorf("auth.test: %+v, %v", auth, err)
	}
	for token, want := range map[string]string{
		"": "not_authed", "xoxb-other": "invalid_auth", r.Options().AppToken: "not_allowed_token_type",
	} {
		if _, err := r.as(token).AuthTestContext(t.Context()); err == nil || err.Error() != want {
			t.Errorf("token %q: %v, want %s", token, err, want)
		}
	}
	bad := slack.New("xoxb-x", slack.OptionAppLevelToken("xapp-x"), slack.OptionAPIURL("http://slack.test/api/"), slack.OptionHTTPClient(r.client))
	if _, _, err := bad.StartSocketModeContext(t.Context()); err == nil || err.Error() != "invalid_auth" {
		t.Errorf("apps.connections.open: %v", err)
	}
}

func TestSlackRefusesWhatSlackRefuses(t *testing.T) {
	r := newSlackRig(t, sandbox.SlackOptions{NoLimits: true})
	adas, err := r.Say("U0ADA", "C0GENERAL", "", "mine")
	if err != nil {
		t.Fatal(err)
	}
	_, own, err := r.api.PostMessage("C0GENERAL", slack.MsgOptionText("own", false))
	if err != nil {
		t.Fatal(err)
	}
	text := func(n int) slack.MsgOption { return slack.MsgOptionText(strings.Repeat("é", n), false) }
	markdown := func(s string) slack.MsgOption { return slack.MsgOptionBlocks(slack.NewMarkdownBlock("", s)) }
	post := func(channel string, o ...slack.MsgOption) func() error {
		return func() error { _, _, err := r.api.PostMessage(channel, o...); return err }
	}
	update := func(ts string, o ...slack.MsgOption) func() error {
		return func() error { _, _, _, err := r.api.UpdateMessage("C0GENERAL", ts, o...); return err }
	}
	r.Forbid("C0RANDOM", "not_in_channel")
	for name, c := range map[string]struct {
		call func() error
		want string
	}{
		"post in no channel":             {post("C0NONE", text(1)), "channel_not_found"},
		"post where the bot is not":      {post("C0RANDOM", text(1)), "not_in_channel"},
		"post nothing":                   {post("C0GENERAL"), "no_text"},
		"post long text":                 {post("C0GENERAL", text(39_000)), ""},
		"post 12,000 of Markdown":        {post("C0GENERAL", markdown(strings.Repeat("é", 12_000))), ""},
		"post more Markdown":             {post("C0GENERAL", markdown(strings.Repeat("e", 12_001))), "msg_blocks_too_long"},
		"post Markdown that renders big": {post("C0GENERAL", markdown(strings.Repeat("<", 4_000))), "msg_blocks_too_long"},
		"post many headings":             {post("C0GENERAL", markdown(strings.Repeat("# h\n\ntext\n", 26))), "msg_blocks_too_long"},
		"post both texts":                {post("C0GENERAL", text(1), slack.MsgOptionMarkdownText("a")), "markdown_text_conflict"},
		"post in no thread's form":       {post("C0GENERAL", text(1), slack.MsgOptionTS("x")), "invalid_thread_ts"},
		"update 4,000":                   {update(own, text(4_000)), ""},
		"update more":                    {update(own, text(4_001)), "msg_too_long"},
		"update nothing there":           {update("1.000001", text(1)), "message_not_found"},
		"update Ada's":                   {update(adas, text(1)), "cant_update_message"},
		"delete Ada's": {func() error {
			_, _, err := r.api.DeleteMessage("C0GENERAL", adas)
			return err
		}, "cant_delete_message"},
		"replies of no thread": {func() error {
			_, _, _, err := r.api.GetConversationReplies(&slack.GetConversationRepliesParameters{ChannelID: "C0GENERAL", Timestamp: "1.000001"})
			return err
		}, "thread_not_found"},
		"info of nobody": {func() error { _, err := r.api.GetUserInfo("U0NOBODY"); return err }, "user_not_found"},
	} {
		t.Run(name, func(t *testing.T) {
			if err := c.call(); (err == nil) != (c.want == "") || err != nil && err.Error() != c.want {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}

func TestSlackUpdateWithTextAloneTakesTheBlocksAway(t *testing.T) {
	r := newSlackRig(t, sandbox.SlackOptions{})
	_, ts, err := r.api.PostMessage("C0GENERAL", slack.MsgOptionText("short", false), slack.MsgOptionBlocks(slack.NewMarkdownBlock("", "**long**")))
	if err != nil {
		t.Fatal(err)
	}
	if m, _ := r.World().Message("C0GENERAL", ts); !strings.Contains(m.Blocks, "**long**") {
		t.Errorf("posted %+v", m)
	}
	if _, _, _, err := r.api.UpdateMessage("C0GENERAL", ts, slack.MsgOptionText("plain", false)); err != nil {
		t.Fatal(err)
	}
	if m, _ := r.World().Message("C0GENERAL", ts); m.Blocks != "" || m.Text != "plain" || m.Edits != 1 {
		t.Errorf("updated %+v", m)
	}
}

func TestSlackReplyToADeletedRootIsPostedToTheChannel(t *testing.T) {
	r := newSlackRig(t, sandbox.SlackOptions{})
	_, _, m, err := r.api.PostMessageWithResponse("C0GENERAL", slack.MsgOptionText("a", false), slack.MsgOptionTS("1700000000.000100"))
	if err != nil || m.ThreadTimestamp != "" {
		t.Errorf("thread %q, %v", m.ThreadTimestamp, err)
	}
}

func TestSlackPagesThroughHistoryAndReplies(t *testing.T) {
	r := newSlackRig(t, sandbox.SlackOptions{NoLimits: true})
	root, err := r.Say("U0ADA", "C0GENERAL", "", "root")
	if err != nil {
		t.Fatal(err)
	}
	var at []string
	for n := range 5 {
		_, ts, err := r.api.PostMessage("C0GENERAL", slack.MsgOptionText(fmt.Sprint("r", n), false), slack.MsgOptionTS(root),
			slack.MsgOptionMetadata(slack.SlackMetadata{EventType: "part", EventPayload: map[string]any{"key": n}}))
		if err != nil {
			t.Fatal(err)
		}
		at = append(at, ts)
	}
	if _, err := r.Say("U0ADA", "C0GENERAL", "", "later"); err != nil {
		t.Fatal(err)
	}
	if _, err := r.api.PostEphemeral("C0GENERAL", "U0ADA", slack.MsgOptionText("private", false)); err != nil {
		t.Fatal(err)
	}
	var texts []string
	var pages int
	p := slack.GetConversationRepliesParameters{ChannelID: "C0GENERAL", Timestamp: at[2], Limit: 2, IncludeAllMetadata: true}
	for more := true; more; pages++ {
		var got []slack.Message
		if got, more, p.Cursor, err = r.api.GetConversationReplies(&p); err != nil {
			t.Fatal(err)
		}
		if pages == 1 && got[0].Metadata.EventPayload["key"] != 1.0 {
			t.Errorf("metadata %+v", got[0].Metadata)
		}
		texts = append(texts, slackTexts(got)...)
	}
	if want := []string{"root", "r0", "r1", "r2", "r3", "r4"}; !slices.Equal(texts, want) || pages != 3 {
		t.Errorf("replies %v in %d pages", texts, pages)
	}
	got, _, _, err := r.api.GetConversationReplies(&slack.GetConversationRepliesParameters{ChannelID: "C0GENERAL", Timestamp: root, Oldest: at[3]})
	if err != nil || !slices.Equal(slackTexts(got), []string{"root", "r4"}) || got[1].Metadata.EventType != "" {
		t.Errorf("replies after the fourth: %v, %v", slackTexts(got), err)
	}
	history, err := r.api.GetConversationHistory(&slack.GetConversationHistoryParameters{ChannelID: "C0GENERAL", Oldest: root, Inclusive: true})
	if err != nil || !slices.Equal(slackTexts(history.Messages), []string{"later", "root"}) || history.Messages[1].ReplyCount != 5 {
		t.Errorf("history %v, %v", slackTexts(history.Messages), err)
	}
}

func TestSlackLimitsEachMethodAndEachChannelsPosts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newSlackRig(t, sandbox.SlackOptions{Rates: map[string]sandbox.SlackRate{
			"chat.update": {PerMinute: 50, Burst: 10}, "chat.postMessage": {PerMinute: 60, Burst: 2},
		}})
		ts := ""
		post := func(channel string) (err error) {
			_, ts, err = r.api.PostMessage(channel, slack.MsgOptionText("a", false))
			return err
		}
		update := func() error {
			_, _, _, err := r.api.UpdateMessage("C0GENERAL", ts, slack.MsgOptionText("b", false))
			return err
		}
		for _, err := range []error{post("C0RANDOM"), post("C0GENERAL"), post("C0GENERAL")} {
			if err != nil {
				t.Fatal(err)
			}
		}
		if limited, ok := errors.AsType[*slack.RateLimitedError](post("C0GENERAL")); !ok || limited.RetryAfter != time.Second {
			t.Errorf("third post: %v", limited)
		}
		m, _ := r.World().Message("C0GENERAL", r.World().Messages("C0GENERAL")[0].ID)
		ts = m.ID
		for range 10 {
			if err := update(); err != nil {
				t.Fatal(err)
			}
		}
		limited, ok := errors.AsType[*slack.RateLimitedError](update())
		if !ok || limited.RetryAfter != 2*time.Second {
			t.Fatalf("eleventh update: %v", limited)
		}
		time.Sleep(limited.RetryAfter)
		if err := update(); err != nil {
			t.Errorf("after Retry-After: %v", err)
		}
		if r.Calls("chat.update") != 12 || r.Limited("chat.update") != 1 {
			t.Errorf("%d calls, %d limited", r.Calls("chat.update"), r.Limited("chat.update"))
		}
		r.SetRate("chat.update", sandbox.SlackRate{PerMinute: 1, Burst: 1})
		if err := errors.Join(update()); err != nil {
			t.Error(err)
		}
		if err := update(); err == nil {
			t.Error("the new rate is not in force")
		}
	})
}

func TestSlackFaultsHitBeforeOrAfterTheCallIsCarriedOut(t *testing.T) {
	for name, c := range map[string]struct {
		fault  sandbox.SlackFault
		posted bool
	}{
		"lost response":  {sandbox.SlackFault{Execute: true, Drop: true}, true},
		"lost request":   {sandbox.SlackFault{Drop: true}, false},
		"5xx after":      {sandbox.SlackFault{Execute: true, Status: 503, Body: "<html>"}, true},
		"5xx instead":    {sandbox.SlackFault{Status: 500}, false},
		"not JSON":       {sandbox.SlackFault{Status: 200, Body: "oops"}, false},
		"200 with error": {sandbox.SlackFault{Status: 200, Body: `{"ok":false,"error":"fatal_error"}`}, false},
		"429 by header":  {sandbox.SlackFault{Status: 429, Header: http.Header{"Retry-After": {"7"}}}, false},
	} {
		t.Run(name, func(t *testing.T) {
			r := newSlackRig(t, sandbox.SlackOptions{})
			r.Fault(func(method string, form url.Values) *sandbox.SlackFault {
				if method != "chat.postMessage" || form.Get("text") != "a" || form.Has("token") {
					t.Errorf("asked about %s %v", method, form)
				}
				return &c.fault
			})
			if _, _, err := r.api.PostMessage("C0GENERAL", slack.MsgOptionText("a", false)); err == nil {
				t.Error("the client saw no error")
			}
			if got := len(r.World().Messages("C0GENERAL")) == 1; got != c.posted {
				t.Errorf("posted: %v", got)
			}
			r.Fault(nil)
			if _, _, err := r.api.PostMessage("C0GENERAL", slack.MsgOptionText("b", false)); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestSlackDelayedCallGoesThrough(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newSlackRig(t, sandbox.SlackOptions{})
		r.Fault(func(string, url.Values) *sandbox.SlackFault { return &sandbox.SlackFault{Delay: time.Minute} })
		start := time.Now()
		if _, err := r.api.AuthTestContext(t.Context()); err != nil || time.Since(start) != time.Minute {
			t.Errorf("%v after %v", err, time.Since(start))
		}
	})
}

func TestSlackStatusGoesWithTheNextPostAndWithTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newSlackRig(t, sandbox.SlackOptions{})
		root, err := r.Say("U0ADA", "C0GENERAL", "", "hello")
		if err != nil {
			t.Fatal(err)
		}
		from := r.World().Next()
		set := func(status string) {
			t.Helper()
			if err := r.api.SetAssistantThreadsStatusContext(t.Context(), slack.AssistantThreadsSetStatusParameters{
				ChannelID: "C0GENERAL", ThreadTS: root, Status: status,
			}); err != nil {
				t.Fatal(err)
			}
		}
		set("thinking")
		if _, _, err := r.api.PostMessage("C0GENERAL", slack.MsgOptionText("a", false), slack.MsgOptionTS(root)); err != nil {
			t.Fatal(err)
		}
		set("reading")
		set("")
		set("left alone")
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		want := []string{"thinking", "posted", "", "reading", "", "left alone", ""}
		var got []string
		for c := range r.World().Watch(t.Context(), from) {
			switch c.Kind {
			case sandbox.Typing:
				got = append(got, c.Status)
			default:
				got = append(got, string(c.Kind))
			}
			if len(got) == len(want) {
				break
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("saw %q, want %q", got, want)
		}
	})
}

func TestSlackMakesMarkupOfWhatIsTyped(t *testing.T) {
	r := newSlackRig(t, sandbox.SlackOptions{})
	for typed, want := range map[string]string{
		"a < b && c > d":                "a &lt; b &amp;&amp; c &gt; d",
		"@bobbin, hi @ada.":             "<@U0BOBBIN>, hi <@U0ADA>.",
		"<@U0BOBBIN> hi <!here>":        "<@U0BOBBIN> hi <!here>",
		"@nobody and mail@ada":          "@nobody and mail@ada",
		"see https://a.test/?x=1&y=2.":  "see <https://a.test/?x=1&amp;y=2>.",
		"(<https://a.test|b>) <script>": "(<https://a.test|b>) &lt;script&gt;",
		"&lt;":                          "&amp;lt;",
		"":                              "",
	} {
		ts, err := r.Say("U0ADA", "C0GENERAL", "", typed)
		if err != nil {
			t.Fatal(err)
		}
		if m, _ := r.World().Message("C0GENERAL", ts); m.Text != want {
			t.Errorf("%q became %q, want %q", typed, m.Text, want)
		}
	}
}

func TestSlackTimestampsGrow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // the clock stands still
		s := sandbox.NewSlack(sandbox.SlackOptions{})
		defer s.Close()
		last := ""
		for range 1000 {
			ts, err := s.Say("U0ADA", "C0GENERAL", "", "x")
			if err != nil || ts <= last {
				t.Fatalf("%q after %q, %v", ts, last, err)
			}
			last = ts
		}
	})
}

func TestSlackCountsMethodsItDoesNotKnow(t *testing.T) {
	r := newSlackRig(t, sandbox.SlackOptions{})
	if err := r.api.AddPinContext(t.Context(), "C0GENERAL", slack.NewRefToMessage("C0GENERAL", "1.000001")); err == nil || err.Error() != "unknown_method" {
		t.Errorf("pins.add: %v", err)
	}
	if got := r.Unknown(); !slices.Equal(got, []string{"pins.add"}) {
		t.Errorf("unknown %v", got)
	}
}

func FuzzSlackAPI(f *testing.F) {
	f.Add("chat.postMessage", "application/json", `{"channel":"C0GENERAL","text":"a","blocks":[{"type":"markdown","text":1}]}`)
	f.Add("chat.postMessage", "application/x-www-form-urlencoded", `channel=C0GENERAL&blocks=[null]&thread_ts=1.`)
	f.Add("conversations.history", "application/x-www-form-urlencoded", `channel=C0GENERAL&limit=-1&oldest=9999999999999999999`)
	f.Add("chat.update", "application/json", `{"channel":null,"ts":{},"metadata":"[]"}`)
	f.Add("assistant.threads.setStatus", "multipart/form-data", ``)
	f.Add("chat.startStream", "application/json", `{"channel":"C0GENERAL","thread_ts":"1.000001","chunks":[{"type":"task_update"},null]}`)
	f.Add("chat.postMessage", "application/json", `{"channel":"C0GENERAL","blocks":[{"type":"actions","elements":[null,{"type":"static_select","options":[null]}]},null]}`)
	f.Add("views.publish", "application/json", `{"user_id":"U0ADA","view":{"type":"home","blocks":[{"type":"section","fields":[1],"accessory":{}}]}}`)
	f.Add("files.completeUploadExternal", "application/json", `{"files":[{"id":null}],"channels":",,"}`)
	f.Add("files.getUploadURLExternal", "application/json", `{"filename":"..","length":1}`)
	f.Add("assistant.threads.setSuggestedPrompts", "application/json", `{"channel_id":"D0ADA","prompts":[null]}`)
	s := sandbox.NewSlack(sandbox.SlackOptions{NoLimits: true})
	f.Cleanup(s.Close)
	h := s.Handler()
	f.Fuzz(func(t *testing.T, method, kind, body string) {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://slack.test/api/x", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		r.URL.Path = "/api/" + strings.ReplaceAll(method, "/", "")
		r.RequestURI = r.URL.Path
		r.Header.Set("Content-Type", kind)
		r.Header.Set("Authorization", "Bearer "+s.Options().BotToken)
		slackAnswerIsWellFormed(t, h, r)
	})
}
