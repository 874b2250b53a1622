package slack

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"bobbin/agent"
	"bobbin/bots"
	"bobbin/bots/sandbox"
)

func general(thread string) agent.Target {
	return agent.Target{Address: agent.Address{Platform: "slack", Workspace: "T0SANDBOX", Channel: "C0GENERAL", Thread: thread}}
}

// page is a message as Render makes it.
func page(text string) bots.Message { return bots.Message{Text: text, Plain: text, Source: text} }

func TestPostIsAMarkdownBlockInTheThreadThatBearsItsKey(t *testing.T) {
	bubble(t, sandbox.SlackOptions{}, func(t *testing.T, r *rig) {
		var sent url.Values
		r.Fault(func(method string, form url.Values) *sandbox.SlackFault {
			if method == "chat.postMessage" {
				sent = form
			}
			return nil
		})
		root := r.say(t, "U0ADA", "C0GENERAL", "", "@bobbin hi")
		id, err := r.s.Post(t.Context(), general(root), "KEY1", bots.Message{Text: "**bold**", Plain: "bold &amp; plain", Source: "**bold**"})
		if err != nil {
			t.Fatal(err)
		}
		m := r.shown("C0GENERAL")[1]
		if id != messageID("C0GENERAL", m.ID) || m.Thread != root || m.Text != "bold &amp; plain" {
			t.Errorf("id %q, message %+v", id, m)
		}
		var blocks []map[string]string
		if err := json.Unmarshal([]byte(m.Blocks), &blocks); err != nil || len(blocks) != 1 || blocks[0]["type"] != "markdown" || blocks[0]["text"] != "**bold**" {
			t.Errorf("blocks %s: %v", m.Blocks, err)
		}
		if !strings.Contains(m.Key, `"bobbin_reply"`) || !strings.Contains(m.Key, `"KEY1"`) {
			t.Errorf("metadata %s", m.Key)
		}
		if sent.Get("unfurl_links") != "false" || sent.Get("unfurl_media") != "false" {
			t.Errorf("links unfold: %v", sent)
		}

		if err := r.s.Edit(t.Context(), general(root), id, page("more")); err != nil {
			t.Fatal(err)
		}
		if m := r.shown("C0GENERAL")[1]; !strings.Contains(m.Blocks, "more") || m.Text != "more" || !strings.Contains(m.Key, "KEY1") {
			t.Errorf("edited: %+v", m)
		}
	})
}

func TestFindSeesWhatStandsAndNothingElse(t *testing.T) {
	bubble(t, sandbox.SlackOptions{NoLimits: true}, func(t *testing.T, r *rig) {
		root := r.say(t, "U0ADA", "C0GENERAL", "", "@bobbin hi")
		dm := r.OpenDM("U0ADA")
		hello := r.say(t, "U0ADA", dm, "", "hello")
		inThread := general(root)
		inThread.ReplyTo = messageID("C0GENERAL", root)
		inDM := agent.Target{Address: agent.Address{Channel: dm}, ReplyTo: messageID(dm, hello)}

		for name, to := range map[string]agent.Target{"thread": inThread, "DM": inDM, "channel": general("")} {
			if _, err := r.s.Find(t.Context(), to, "K"+name); !errors.Is(err, bots.ErrNotFound) {
				t.Errorf("%s: found before it was posted: %v", name, err)
			}
			for range 3 {
				if _, err := r.s.Post(t.Context(), to, "other", page("x")); err != nil {
					t.Fatal(err)
				}
			}
			want, err := r.s.Post(t.Context(), to, "K"+name, page("x"))
			if err != nil {
				t.Fatal(err)
			}
			for range 250 {
				r.say(t, "U0GRACE", to.Channel, to.Thread, "chatter")
			}
			got, err := r.s.Find(t.Context(), to, "K"+name)
			if name == "channel" { // without a message to start from, only the newest are searched
				if !errors.Is(err, bots.ErrNotFound) {
					t.Errorf("%s: %q, %v", name, got, err)
				}
				continue
			}
			if err != nil || got != want {
				t.Errorf("%s: found %q, want %q: %v", name, got, want, err)
			}
		}
		if _, err := r.s.Find(t.Context(), inThread, ""); !errors.Is(err, bots.ErrNotFound) {
			t.Errorf("an empty key: %v", err)
		}
	})
}

func TestFindTakesNoFailureForAbsence(t *testing.T) {
	bubble(t, sandbox.SlackOptions{}, func(t *testing.T, r *rig) {
		root := r.say(t, "U0ADA", "C0GENERAL", "", "@bobbin hi")
		for _, body := range []string{`{"ok":false}`, `{"ok":false,"error":"missing_scope"}`, `{"ok":false,"error":"internal_error"}`, `nonsense`} {
			r.Fault(answer("conversations.replies", body))
			if _, err := r.s.Find(t.Context(), general(root), "K"); err == nil || errors.Is(err, bots.ErrNotFound) {
				t.Errorf("%s: %v", body, err)
			}
		}
	})
}

func TestPostWhoseAnswerIsLostIsAnOpenQuestionThatFindAnswers(t *testing.T) {
	faults := map[string]sandbox.SlackFault{
		"connection reset": {Execute: true, Drop: true},
		"server error":     {Execute: true, Status: http.StatusInternalServerError},
		"time-out":         {Execute: true, Delay: time.Minute, Status: http.StatusOK},
		"no JSON":          {Execute: true, Status: http.StatusOK, Body: "<html>"},
		"no ts":            {Execute: true, Status: http.StatusOK, Body: `{"ok":true}`, Header: http.Header{"Content-Type": {"application/json"}}},
		"no error":         {Execute: true, Status: http.StatusOK, Body: `{"ok":false}`, Header: http.Header{"Content-Type": {"application/json"}}},
		"redirect":         {Execute: true, Status: http.StatusTemporaryRedirect, Header: http.Header{"Location": {"http://elsewhere.test/"}}},
	}
	bubble(t, sandbox.SlackOptions{NoLimits: true}, func(t *testing.T, r *rig) {
		root := r.say(t, "U0ADA", "C0GENERAL", "", "@bobbin hi")
		to := general(root)
		for name, fault := range faults {
			r.Fault(func(method string, _ url.Values) *sandbox.SlackFault {
				if method == "chat.postMessage" {
					return &fault
				}
				return nil
			})
			_, err := r.s.Post(t.Context(), to, name, page("x"))
			limited := new(bots.RetryAfterError)
			if err == nil || errors.Is(err, agent.ErrUndeliverable) || errors.As(err, &limited) || strings.Contains(err.Error(), "sandbox") {
				t.Errorf("%s: %v", name, err)
			}
			if name == "time-out" {
				time.Sleep(2 * time.Minute)
				continue // the stand-in carries out only what somebody waits for
			}
			if _, err := r.s.Find(t.Context(), to, name); err != nil {
				t.Errorf("%s: not found: %v", name, err)
			}
		}
	})
}

func TestErrorsOfSlackHaveTheirMeaning(t *testing.T) {
	type meaning int
	const (
		unknown meaning = iota
		closed
		gone
		limited
	)
	tests := []struct {
		code       string
		post, edit meaning
	}{
		{"channel_not_found", closed, closed}, {"is_archived", closed, closed}, {"not_in_channel", closed, closed},
		{"account_inactive", closed, closed}, {"token_revoked", closed, closed}, {"restricted_action", closed, closed},
		{"message_not_found", unknown, gone}, {"edit_window_closed", unknown, gone}, {"cant_update_message", unknown, gone},
		{"block_mismatch", unknown, gone}, {"ratelimited", limited, limited}, {"rate_limited", limited, limited},
		{"invalid_auth", unknown, unknown}, {"missing_scope", unknown, unknown}, {"internal_error", unknown, unknown},
		{"never_seen_before", unknown, unknown}, {"", unknown, unknown},
	}
	is := func(err error) meaning {
		wait := new(bots.RetryAfterError)
		switch {
		case errors.Is(err, agent.ErrUndeliverable):
			return closed
		case errors.Is(err, bots.ErrGone):
			return gone
		case errors.As(err, &wait) && wait.After > 0:
			return limited
		}
		return unknown
	}
	bubble(t, sandbox.SlackOptions{NoLimits: true}, func(t *testing.T, r *rig) {
		id, err := r.s.Post(t.Context(), general(""), "K", page("x"))
		if err != nil {
			t.Fatal(err)
		}
		for _, tc := range tests {
			body := `{"ok":false,"error":"` + tc.code + `"}`
			r.Fault(answer("chat.postMessage", body))
			if _, err := r.s.Post(t.Context(), general(""), "K", page("x")); err == nil || is(err) != tc.post {
				t.Errorf("Post, %s: %v", tc.code, err)
			}
			r.Fault(answer("chat.update", body))
			if err := r.s.Edit(t.Context(), general(""), id, page("x")); err == nil || is(err) != tc.edit {
				t.Errorf("Edit, %s: %v", tc.code, err)
			}
		}
	})
}

func TestLimitSaysHowLongToWait(t *testing.T) {
	bubble(t, sandbox.SlackOptions{}, func(t *testing.T, r *rig) {
		for header, want := range map[string]time.Duration{"7": 7 * time.Second, "": limitWait, "soon": limitWait, "-3": limitWait, "0": time.Second} {
			r.Fault(func(string, url.Values) *sandbox.SlackFault {
				f := &sandbox.SlackFault{Status: http.StatusTooManyRequests, Header: http.Header{}}
				if header != "" {
					f.Header.Set("Retry-After", header)
				}
				return f
			})
			_, err := r.s.Post(t.Context(), general(""), "K", page("x"))
			limit := new(bots.RetryAfterError)
			if !errors.As(err, &limit) || limit.After != want {
				t.Errorf("Retry-After %q: %v", header, err)
			}
		}
		r.Fault(nil)
		if n := len(r.shown("C0GENERAL")); n != 0 {
			t.Errorf("%d messages were posted", n)
		}
	})
}

func TestNothingIsSentForAnEmptyMessageOrAForeignID(t *testing.T) {
	bubble(t, sandbox.SlackOptions{}, func(t *testing.T, r *rig) {
		if _, err := r.s.Post(t.Context(), general(""), "K", bots.Message{}); err == nil {
			t.Error("posted an empty message")
		}
		if err := r.s.Edit(t.Context(), general(""), "C1/1.1", bots.Message{}); err == nil {
			t.Error("edited to an empty message")
		}
		for _, id := range []agent.MessageID{"", "C1", "C1/", "/1.1", "C1/command.ABC", "C1/1.1/2", "C 1/1.1", "C1/1.x", "C1/.1"} {
			if err := r.s.Edit(t.Context(), general(""), id, page("x")); err == nil {
				t.Errorf("edited %q", id)
			}
		}
		if n := r.Calls("chat.postMessage") + r.Calls("chat.update"); n != 0 {
			t.Errorf("%d calls", n)
		}
	})
}

func TestNotificationTextIsCutBetweenEntities(t *testing.T) {
	if got := fallback("a &lt; b"); got != "a &lt; b" {
		t.Errorf("short text became %q", got)
	}
	for n := range 6 {
		got := fallback(strings.Repeat("x", n) + strings.Repeat("&amp;", 1000))
		if rest := strings.TrimSuffix(strings.ReplaceAll(strings.TrimLeft(got, "x"), "&amp;", ""), "…"); rest != "" || len([]rune(got)) > maxEditText {
			t.Errorf("%d: %d characters ending in %q", n, len([]rune(got)), got[len(got)-12:])
		}
	}
}

func TestRespondIsPrivateInAChannelAndOrdinaryInADM(t *testing.T) {
	bubble(t, sandbox.SlackOptions{}, func(t *testing.T, r *rig) {
		root := r.say(t, "U0ADA", "C0GENERAL", "", "hello")
		top := r.one(t)
		r.say(t, "U0ADA", "C0GENERAL", root, "again")
		reply := r.one(t)
		dm := r.OpenDM("U0ADA")
		r.say(t, "U0ADA", dm, "", "hi")
		direct := r.one(t)
		for _, ev := range []bots.Event{top, reply, direct} {
			if err := ev.Respond(t.Context(), "not now"); err != nil {
				t.Error(err)
			}
		}
		var threads []string
		for _, m := range r.World().Messages("C0GENERAL") {
			if m.OnlyFor == "U0ADA" && strings.Contains(m.Blocks, "not now") {
				threads = append(threads, m.Thread)
			}
		}
		if len(threads) != 2 || threads[0] != "" || threads[1] != root {
			t.Errorf("ephemeral messages in threads %q", threads)
		}
		if shown := r.shown(dm); len(shown) != 2 || !strings.Contains(shown[1].Blocks, "not now") {
			t.Errorf("DM: %+v", shown)
		}
		r.Forbid("C0GENERAL", "is_archived")
		if err := top.Respond(t.Context(), "x"); !errors.Is(err, agent.ErrUndeliverable) {
			t.Errorf("archived channel: %v", err)
		}
	})
}

func TestBudgetsAreSharedPerChannelAndPerWorkspace(t *testing.T) {
	s := testSlack(t)
	at := func(team, channel, thread string) bots.Budget {
		return s.Budget(agent.Target{Address: agent.Address{Workspace: team, Channel: channel, Thread: thread}})
	}
	a, b, c, d := at("T1", "C1", "1.1"), at("T1", "C1", "2.1"), at("T1", "C2", ""), at("T2", "C1", "1.1")
	if a.Post != b.Post || a.Post.Scope == c.Post.Scope || a.Post.Scope == d.Post.Scope || a.Edit != c.Edit || a.Edit.Scope == d.Edit.Scope {
		t.Errorf("%+v %+v %+v %+v", a, b, c, d)
	}
	if a.Edit.Every < 1200*time.Millisecond || a.Post.Every < time.Second {
		t.Errorf("faster than Slack allows: %+v", a)
	}
}

func TestRenderedSourcesAreTheMarkdown(t *testing.T) {
	s := testSlack(t)
	if pages := s.Render(" \n"); len(pages) != 0 {
		t.Errorf("blank Markdown has %d pages", len(pages))
	}
	md := strings.Repeat("Some *text* with <!channel> & more.\n\n", 1000)
	var joined strings.Builder
	for _, m := range s.Render(md) {
		joined.WriteString(m.Source)
		if m.Text == "" || m.Plain == "" || strings.Contains(m.Text, "<!channel>") || strings.Contains(m.Plain, "<!channel>") {
			t.Errorf("page %+.100v", m)
		}
	}
	if joined.String() != md {
		t.Error("the Sources are not the Markdown")
	}
}

func TestFindBeforeItIsKnownWhoBobbinIsLeavesItOpen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, sandbox.SlackOptions{})
		root := r.say(t, "U0ADA", "C0GENERAL", "", "a question")
		to := general(root)
		posted, err := r.s.Post(t.Context(), to, "K", page("an answer"))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := r.s.Find(t.Context(), to, "K"); err == nil || errors.Is(err, bots.ErrNotFound) {
			t.Errorf("error is %v, want one that leaves it open", err)
		}
		r.start(t)
		synctest.Wait()
		if found, err := r.s.Find(t.Context(), to, "K"); err != nil || found != posted {
			t.Errorf("found %q, %v, want %q", found, err, posted)
		}
		if err := r.stop(); err != nil {
			t.Error(err)
		}
	})
}
