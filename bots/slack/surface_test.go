package slack

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"bobbin/agent"
	"bobbin/bots"
	"bobbin/bots/sandbox"
)

func TestChangesOfPeoplesMessagesAreEventsAndNothingElseIs(t *testing.T) {
	bubble(t, sandbox.SlackOptions{NoLimits: true}, func(t *testing.T, r *rig) {
		ts := r.say(t, "U0ADA", "C0GENERAL", "", "what is 2 + 2?")
		asked := r.one(t)
		if err := r.Edit("U0ADA", "C0GENERAL", ts, "what is 2 & 3?"); err != nil {
			t.Fatal(err)
		}
		ev := r.one(t)
		if ev.Change != bots.Edited || ev.MessageID != asked.MessageID || ev.Target != asked.Target || ev.Text != "what is 2 & 3?" || ev.Author.ID != "U0ADA" || ev.EventID == asked.EventID {
			t.Errorf("edited: %+v", ev)
		}
		reply := r.say(t, "U0ADA", "C0GENERAL", ts, "and this?")
		r.got()
		for _, gone := range []string{reply, ts} {
			if err := r.Delete("U0ADA", "C0GENERAL", gone); err != nil {
				t.Fatal(err)
			}
			ev := r.one(t)
			if ev.Change != bots.Deleted || ev.MessageID != messageID("C0GENERAL", gone) || ev.Target.Thread != ts || ev.Text != "" || ev.Author.ID != "U0ADA" {
				t.Errorf("deleted: %+v", ev)
			}
		}
		id, err := r.s.Post(t.Context(), general(""), "K", page("mine"))
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(r.s.Edit(t.Context(), general(""), id, page("changed")), r.s.Delete(t.Context(), general(""), id)); err != nil {
			t.Fatal(err)
		}
		if events := r.got(); len(events) != 0 {
			t.Errorf("bobbin hears of itself: %+v", events)
		}
	})
}

func TestUnfoldedLinkIsNoChange(t *testing.T) {
	s := testSlack(t)
	const before = `{"type":"message","user":"U1","text":"see <https://x.example>","ts":"1.1"}`
	for now, want := range map[string]string{
		`{"type":"message","user":"U1","text":"see <https://x.example>","ts":"1.1","attachments":[{"title":"X"}]}`:                "unchanged",
		`{"type":"message","user":"U1","text":"see <https://x.example>","ts":"1.1","edited":{"user":"U1","ts":"2.1"}}`:            "unchanged",
		`{"type":"message","user":"U1","text":"see it","ts":"1.1"}`:                                                               "unchanged",
		`{"type":"message","user":"U1","text":"see it","ts":"1.1","edited":{"user":"U1","ts":"2.1"}}`:                             "",
		`{"type":"message","user":"UBOT","text":"see it","ts":"1.1","edited":{"user":"UBOT","ts":"2.1"}}`:                         "bot",
		`{"type":"message","subtype":"bot_message","bot_id":"B2","text":"see it","ts":"1.1","edited":{"user":"UX","ts":"2.1"}}`:   "subtype bot_message",
		`{"type":"message","subtype":"tombstone","user":"USLACKBOT","text":"This message was deleted.","ts":"1.1","hidden":true}`: "",
	} {
		in := payload(`{"type":"message","subtype":"message_changed","hidden":true,"channel":"C1","ts":"2.1","message":` + now + `,"previous_message":` + before + `}`)
		h, why := s.event([]byte(in))
		if why != want {
			t.Errorf("%s\nignored as %q, want %q", now, why, want)
		}
		if why == "" && (h.MessageID != "C1/1.1" || h.Author.ID != "U1" || h.Change == "") {
			t.Errorf("%s\nis %+v", now, h.Event)
		}
	}
}

func TestFilesComeWithTheirMessageAndAreFetchedFromSlackOnly(t *testing.T) {
	bubble(t, sandbox.SlackOptions{NoLimits: true}, func(t *testing.T, r *rig) {
		dm := r.OpenDM("U0ADA")
		_, err := r.Upload("U0ADA", dm, "", "look at these",
			sandbox.SlackFile{Name: "notes.txt", Data: []byte("twelve bytes")},
			sandbox.SlackFile{Name: "clip.m4a", Data: []byte("hello"), Voice: true},
			sandbox.SlackFile{Name: "old.txt", Gone: "tombstone"},
			sandbox.SlackFile{Name: "there.txt", External: "https://docs.example/there.txt"},
			sandbox.SlackFile{Name: "shared.csv", Data: []byte("a,b"), CheckInfo: true})
		if err != nil {
			t.Fatal(err)
		}
		ev := r.one(t)
		if ev.Text != "look at these" || len(ev.Files) != 4 {
			t.Fatalf("%+v", ev)
		}
		names := func(f agent.File) string { return f.Name + " " + f.Type }
		for i, want := range []string{"notes.txt text/plain", "clip.m4a audio/mp4", "there.txt ", "shared.csv text/csv"} {
			if got := names(ev.Files[i]); !strings.HasPrefix(got, want) || ev.Files[i].Voice != (i == 1) || ev.Files[i].ID == "" {
				t.Errorf("file %d: %+v", i, ev.Files[i])
			}
		}
		for i, want := range map[int]string{0: "twelve bytes", 1: "hello", 3: "a,b"} {
			got, err := r.s.Download(t.Context(), ev.Target, ev.Files[i], 12)
			if err != nil || string(got) != want {
				t.Errorf("file %d: %q, %v", i, got, err)
			}
		}
		if data, err := r.s.Download(t.Context(), ev.Target, ev.Files[0], 11); !errors.Is(err, errTooLarge) || data != nil {
			t.Errorf("too large: %q, %v", data, err)
		}
		if _, err := r.s.Download(t.Context(), ev.Target, ev.Files[2], 100); err == nil {
			t.Error("fetched a file from elsewhere")
		}
		r.Fault(func(method string, _ url.Values) *sandbox.SlackFault {
			if method == "files" {
				return &sandbox.SlackFault{Status: http.StatusFound, Header: http.Header{"Location": {"http://slack.test/signin"}}}
			}
			return nil
		})
		if _, err := r.s.Download(t.Context(), ev.Target, ev.Files[0], 100); err == nil || !strings.Contains(err.Error(), "files:read") {
			t.Errorf("asked to sign in: %v", err)
		}
	})
}

func TestTokenGoesToNoOtherHost(t *testing.T) {
	real, test := testSlack(t), testSlack(t)
	real.opts.APIURL, test.opts.APIURL = DefaultAPIURL, "http://127.0.0.1:8081/api/"
	for address, want := range map[string][2]bool{
		"https://files.slack.com/files-pri/T1-F1/x.txt": {true, false},
		"https://acme.slack.com/x":                      {true, false},
		"http://files.slack.com/x":                      {false, false},
		"https://files.slack.com.evil.example/x":        {false, false},
		"https://evilslack.com/x":                       {false, false},
		"https://files.slack-gov.com/x":                 {false, false},
		"https://files.slack.com:8443/x":                {false, false},
		"https://files.slack.com@evil.example/x":        {false, false},
		"https://user@files.slack.com/x":                {false, false},
		"http://127.0.0.1:8081/files/F1/x":              {false, true},
		"https://127.0.0.1:8081/files/F1/x":             {false, false},
		"http://127.0.0.1:8082/files/F1/x":              {false, false},
		"/files/F1":                                     {false, false}, "": {false, false}, "file:///etc/passwd": {false, false},
	} {
		u, err := url.Parse(address)
		if err != nil {
			t.Fatal(err)
		}
		if got := [2]bool{real.ownHost(u), test.ownHost(u)}; got != want {
			t.Errorf("%s: %v, want %v", address, got, want)
		}
	}
}

func TestUploadStandsInTheThreadAndIsFoundByItsKey(t *testing.T) {
	for name, fault := range map[string]*sandbox.SlackFault{"": nil, "lost answer": {Execute: true, Drop: true}} {
		bubble(t, sandbox.SlackOptions{NoLimits: true}, func(t *testing.T, r *rig) {
			to := r.asked(t)
			r.Fault(func(method string, _ url.Values) *sandbox.SlackFault {
				if method == completeMethod {
					return fault
				}
				return nil
			})
			if _, err := r.s.Find(t.Context(), to, "TURN-224"); !errors.Is(err, bots.ErrNotFound) {
				t.Fatalf("found before: %v", err)
			}
			id, err := r.s.Upload(t.Context(), to, "TURN-224", bots.Upload{Name: "../answer.md", Content: []byte("# All of it")})
			if (err == nil) != (fault == nil) || certain(err) && err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			found, err := r.s.Find(t.Context(), to, "TURN-224")
			if err != nil || id != "" && found != id {
				t.Errorf("%s: found %q, posted %q: %v", name, found, id, err)
			}
			replies := r.World().Replies("C0GENERAL", to.Thread)
			if len(replies) != 1 || len(replies[0].Files) != 1 || replies[0].Files[0].Name != "answer.md" || messageID("C0GENERAL", replies[0].ID) != found {
				t.Fatalf("%s: %+v", name, replies)
			}
			if f, ok := r.File(replies[0].Files[0].ID); !ok || string(f.Data) != "# All of it" {
				t.Errorf("%s: %+v", name, f)
			}
			if err := r.s.Delete(t.Context(), to, found); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestUploadThatIsRefusedLeavesNoDoubt(t *testing.T) {
	bubble(t, sandbox.SlackOptions{NoLimits: true}, func(t *testing.T, r *rig) {
		to := r.asked(t)
		for method, code := range map[string]string{"files.getUploadURLExternal": "missing_scope", completeMethod: "not_allowed_file_type"} {
			r.Fault(answer(method, `{"ok":false,"error":"`+code+`"}`))
			if _, err := r.s.Upload(t.Context(), to, "TURN-224", bots.Upload{Name: "a.md", Content: []byte("x")}); !errors.Is(err, bots.ErrRejected) {
				t.Errorf("%s: %v", method, err)
			}
		}
		r.Fault(nil)
		if _, err := r.s.Upload(t.Context(), to, "TURN-224", bots.Upload{Name: "a.md"}); !errors.Is(err, bots.ErrRejected) {
			t.Errorf("an empty file: %v", err)
		}
	})
}

func TestFileForOnePersonGoesIntoTheirDM(t *testing.T) {
	bubble(t, sandbox.SlackOptions{NoLimits: true}, func(t *testing.T, r *rig) {
		dm := r.OpenDM("U0ADA")
		r.say(t, "U0ADA", "C0GENERAL", "", "@bobbin !export")
		inChannel := r.got()[0]
		r.command(t, "C0GENERAL", "export")
		byCommand := r.one(t)
		r.say(t, "U0ADA", dm, "", "!export")
		inDM := r.one(t)
		for i, ev := range []bots.Event{inChannel, byCommand, inDM} {
			if err := ev.SendFile(t.Context(), bots.Upload{Name: "session.md", Content: []byte("all")}); err != nil {
				t.Fatal(err)
			}
			sent := 0
			for _, m := range r.shown(dm) {
				sent += len(m.Files)
			}
			if told := r.whispers("C0GENERAL", "U0ADA"); sent != i+1 || len(told) != min(i+1, 2) {
				t.Errorf("%d files stand in the DM, told %q", sent, told)
			}
		}
		if len(r.shown("C0GENERAL")) != 1 {
			t.Errorf("shown to all: %+v", r.shown("C0GENERAL"))
		}
	})
}

func TestEmojiAsksAboutAMessageOnce(t *testing.T) {
	bubble(t, sandbox.SlackOptions{NoLimits: true}, func(t *testing.T, r *rig) {
		root := r.say(t, "U0GRACE", "C0GENERAL", "", "the build is <red> again")
		reply := r.say(t, "U0LINUS", "C0GENERAL", root, "it is the cache")
		r.got()
		react := func(user, ts, emoji string) []bots.Event {
			t.Helper()
			if err := r.React(user, "C0GENERAL", ts, emoji); err != nil {
				t.Fatal(err)
			}
			return r.got()
		}
		if events := react("U0ADA", root, "tada"); len(events) != 0 {
			t.Errorf("another emoji: %+v", events)
		}
		first := react("U0ADA", root, "thread::skin-tone-2")
		second := react("U0GRACE", root, "thread")
		third := react("U0ADA", reply, "thread")
		if len(first) != 1 || len(second) != 1 || len(third) != 1 {
			t.Fatalf("%+v\n%+v\n%+v", first, second, third)
		}
		ev := first[0]
		if ev.Command != "ask" || !ev.Addressed || ev.Author.ID != "U0ADA" || ev.Target.Thread != root || ev.Target.ReplyTo != messageID("C0GENERAL", root) || ev.Text != "" {
			t.Errorf("%+v", ev)
		}
		if q := ev.Subject; q == nil || q.ID != messageID("C0GENERAL", root) || q.Text != "the build is <red> again" || q.Author != (agent.Author{ID: "U0GRACE", Name: "Grace"}) || q.Bot || q.Sent.IsZero() {
			t.Errorf("%+v", q)
		}
		if second[0].MessageID != ev.MessageID || third[0].MessageID == ev.MessageID {
			t.Errorf("called %q, %q and %q", ev.MessageID, second[0].MessageID, third[0].MessageID)
		}
		if third[0].Target.Thread != root || third[0].Subject.Text != "it is the cache" {
			t.Errorf("%+v of %+v", third[0], third[0].Subject)
		}
		r.Fault(answer("conversations.replies", `{"ok":false,"error":"missing_scope"}`))
		if events := react("U0LINUS", reply, "thread"); len(events) != 0 {
			t.Errorf("what cannot be read: %+v", events)
		}
	}, func(o *Options) { o.Reaction = "thread" })
}

func TestMenuOfAMessageIsACommandAboutIt(t *testing.T) {
	bubble(t, sandbox.SlackOptions{NoLimits: true}, func(t *testing.T, r *rig) {
		root := r.say(t, "U0GRACE", "C0GENERAL", "", "the build is red")
		reply := r.say(t, "U0LINUS", "C0GENERAL", root, "it is the cache")
		r.got()
		for callback, command := range map[string]string{"ask_about": "ask", "summarise": "summarise"} {
			if err := r.MessageShortcut("U0ADA", "C0GENERAL", reply, callback); err != nil {
				t.Fatal(err)
			}
			ev := r.one(t)
			if ev.Command != command || ev.Target.Thread != root || ev.Target.Recipient != "U0ADA" || !ev.Addressed ||
				ev.Subject == nil || ev.Subject.Text != "it is the cache" || ev.Subject.Author.Name != "Linus" {
				t.Errorf("%+v about %+v", ev, ev.Subject)
			}
			if err := ev.Respond(t.Context(), "Just a moment."); err != nil {
				t.Error(err)
			}
		}
		before := len(r.whispers("C0GENERAL", "U0ADA"))
		r.Forbid("C0RANDOM", "not_in_channel")
		ts := r.say(t, "U0GRACE", "C0RANDOM", "", "nobody of yours here")
		if err := r.MessageShortcut("U0ADA", "C0RANDOM", ts, "ask_about"); err != nil {
			t.Fatal(err)
		}
		if events := r.got(); len(events) != 0 {
			t.Errorf("where bobbin is not: %+v", events)
		}
		if told := r.whispers("C0RANDOM", "U0ADA"); len(told) != 1 || !strings.Contains(told[0], "/invite @bobbin") {
			t.Errorf("told %q", told)
		}
		if err := r.MessageShortcut("U0ADA", "C0GENERAL", reply, "another_app"); err != nil {
			t.Error(err)
		}
		if events := r.got(); len(events) != 0 || len(r.whispers("C0GENERAL", "U0ADA")) != before {
			t.Errorf("an entry that is not known: %+v", events)
		}
	})
}

func TestReadReturnsTheNewestOldestFirstWithTheirAuthors(t *testing.T) {
	bubble(t, sandbox.SlackOptions{NoLimits: true}, func(t *testing.T, r *rig) {
		root := r.say(t, "U0GRACE", "C0GENERAL", "", "root")
		for i := range 450 {
			user := []string{"U0ADA", "U0LINUS"}[i%2]
			r.say(t, user, "C0GENERAL", root, "reply "+string(rune('a'+i%26)))
		}
		if _, err := r.s.Post(t.Context(), general(root), "K", page("mine & yours")); err != nil {
			t.Fatal(err)
		}
		r.got()
		read := func(at agent.Address, limit int) []string {
			t.Helper()
			quotes, err := r.s.Read(t.Context(), at, limit)
			if err != nil {
				t.Fatal(err)
			}
			if !slices.IsSortedFunc(quotes, func(a, b bots.Quote) int { return a.Sent.Compare(b.Sent) }) {
				t.Error("out of order")
			}
			var lines []string
			for _, q := range quotes {
				line := q.Author.Name + ": " + q.Text
				if q.Bot {
					line = "* " + line
				}
				lines = append(lines, line)
			}
			return lines
		}
		if got := read(general(root).Address, 3); len(got) != 3 || got[0] != "Ada: reply g" || got[2] != "* bobbin: mine & yours" {
			t.Errorf("the thread: %q", got)
		}
		if got := read(general(root).Address, 1000); len(got) != 452 || got[0] != "Grace: root" {
			t.Errorf("the thread: %d", len(got))
		}
		r.say(t, "U0ADA", "C0GENERAL", "", "later")
		if got := read(general("").Address, 2); !slices.Equal(got, []string{"Grace: root", "Ada: later"}) {
			t.Errorf("the channel: %q", got)
		}
		r.Forbid("C0RANDOM", "not_in_channel")
		at := general("").Address
		at.Channel = "C0RANDOM"
		if _, err := r.s.Read(t.Context(), at, 5); !errors.Is(err, agent.ErrUndeliverable) {
			t.Errorf("where bobbin is not: %v", err)
		}
	})
}

func TestMarkStandsUnderAMessageWhileItWaits(t *testing.T) {
	bubble(t, sandbox.SlackOptions{NoLimits: true}, func(t *testing.T, r *rig) {
		to := r.asked(t)
		marks := func() int {
			m, _ := r.World().Message("C0GENERAL", to.Thread)
			return len(m.Reactions)
		}
		for _, step := range []struct {
			waits bool
			want  int
		}{{false, 0}, {true, 1}, {true, 1}, {false, 0}, {false, 0}} {
			if err := r.s.Mark(t.Context(), to, to.ReplyTo, step.waits); err != nil || marks() != step.want {
				t.Errorf("%+v: %d marks, %v", step, marks(), err)
			}
		}
		for _, id := range []agent.MessageID{"C0GENERAL/block_actions.ABC", "C0GENERAL/1.1"} {
			if err := r.s.Mark(t.Context(), to, id, true); err != nil {
				t.Errorf("%s: %v", id, err)
			}
		}
		r.Fault(answer("reactions.add", `{"ok":false,"error":"missing_scope"}`))
		before := r.Calls("reactions.add")
		for range 3 {
			if err := r.s.Mark(t.Context(), to, to.ReplyTo, true); err != nil {
				t.Error(err)
			}
		}
		if n := r.Calls("reactions.add") - before; n != 1 {
			t.Errorf("%d calls without the scope", n)
		}
		if events := r.got(); len(events) != 0 {
			t.Errorf("bobbin hears its own marks: %+v", events)
		}
	}, func(o *Options) { o.Reaction = waitMark })
}

func TestThreadRefersToItsRootOnly(t *testing.T) {
	s := testSlack(t)
	to := general("1.1")
	to.ReplyTo = "C0GENERAL/1.1"
	other, none := to, general("")
	other.ReplyTo, none.ReplyTo = "C0GENERAL/1.2", "C0GENERAL/1.1"
	if !s.Refers(to) || s.Refers(other) || s.Refers(none) {
		t.Errorf("%v %v %v", s.Refers(to), s.Refers(other), s.Refers(none))
	}
}

func TestChannelIsGreetedWhenBobbinComes(t *testing.T) {
	bubble(t, sandbox.SlackOptions{NoLimits: true}, func(t *testing.T, r *rig) {
		r.Forbid("C0RANDOM", "not_in_channel")
		if err := errors.Join(r.Invite("U0GRACE", "C0RANDOM"), r.Join("U0LINUS", "C0RANDOM")); err != nil {
			t.Fatal(err)
		}
		ev := r.one(t)
		if !ev.Greet || ev.Author.ID != "U0GRACE" || ev.Target.Channel != "C0RANDOM" || ev.Target.Thread != "" || ev.Addressed || ev.Direct || ev.Text != "" {
			t.Errorf("%+v", ev)
		}
		if err := ev.Respond(t.Context(), "Hello **all**."); err != nil {
			t.Fatal(err)
		}
		if shown := r.shown("C0RANDOM"); len(shown) != 1 || textOf(t, shown[0]) != "Hello **all**." {
			t.Errorf("shown %+v", shown)
		}
	}, func(o *Options) { o.Greet = true })
}

func TestPersonIsGreetedAtTheFirstLookAndPromptsAreSuggested(t *testing.T) {
	prompts := func(o *Options) {
		o.Greet, o.Prompts = true, []Prompt{{Title: "Sum up", Message: "Sum up #general"}, {Title: "Hi"}, {Title: "3"}, {Title: "4"}, {Title: "5"}}
	}
	bubble(t, sandbox.SlackOptions{NoLimits: true}, func(t *testing.T, r *rig) {
		dm, err := r.OpenMessages("U0ADA")
		if err != nil {
			t.Fatal(err)
		}
		first := r.one(t)
		if !first.Greet || !first.Direct || first.Target.Channel != dm || first.Target.Thread != "" || first.Author.ID != "U0ADA" {
			t.Errorf("%+v", first)
		}
		if _, got := r.Prompts(dm, ""); len(got) != maxPrompts || got[0] != (sandbox.SlackPrompt{Title: "Sum up", Message: "Sum up #general"}) || got[1].Message != "Hi" {
			t.Errorf("prompts %+v", got)
		}
		if _, err := r.OpenMessages("U0ADA"); err != nil { // before the welcome was written
			t.Fatal(err)
		}
		if again := r.one(t); again.MessageID != first.MessageID {
			t.Errorf("greeted as %q and %q", first.MessageID, again.MessageID)
		}
		if err := first.Respond(t.Context(), "Hello."); err != nil {
			t.Fatal(err)
		}
		if _, err := r.OpenMessages("U0ADA"); err != nil {
			t.Fatal(err)
		}
		if events := r.got(); len(events) != 0 {
			t.Errorf("greeted once more: %+v", events)
		}
	}, prompts)
	bubble(t, sandbox.SlackOptions{NoLimits: true, Agent: sandbox.SlackAssistantView}, func(t *testing.T, r *rig) {
		dm, thread, err := r.OpenAssistant("U0ADA", "C0GENERAL")
		if err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if _, got := r.Prompts(dm, thread); len(got) != maxPrompts {
			t.Errorf("prompts %+v", got)
		}
		if events := r.got(); len(events) != 0 {
			t.Errorf("%+v", events)
		}
		for _, text := range []string{"What   is *spinning*, and why does it take so long to learn it properly?", "And weaving?"} {
			r.say(t, "U0ADA", dm, thread, text)
			if ev := r.one(t); ev.Target.Thread != thread || !ev.Direct {
				t.Errorf("%+v", ev)
			}
		}
		if _, title := r.Session(dm, thread); !strings.HasPrefix(title, "What is ") || !strings.HasSuffix(title, "…") || len([]rune(title)) > maxTitle {
			t.Errorf("title %q", title)
		}
	}, prompts)
	bubble(t, sandbox.SlackOptions{NoLimits: true, Agent: sandbox.SlackNoAgent}, func(t *testing.T, r *rig) {
		for range 3 {
			if _, err := r.OpenMessages("U0ADA"); err != nil {
				t.Fatal(err)
			}
			r.got()
		}
		if n := r.Calls("assistant.threads.setSuggestedPrompts"); n != 1 {
			t.Errorf("%d calls of an app that is no agent", n)
		}
	}, prompts)
}

func TestSlacksOwnStopUnderAnAgentIsAPressToo(t *testing.T) {
	bubble(t, sandbox.SlackOptions{NoLimits: true}, func(t *testing.T, r *rig) {
		to := r.asked(t)
		id, err := r.s.Post(t.Context(), to, "TURN-222", page("Here it goes on and on"))
		if err != nil {
			t.Fatal(err)
		}
		if err := r.StopStreaming("U0ADA", "C0GENERAL", to.Thread); err != nil {
			t.Fatal(err)
		}
		ev := r.one(t)
		if ev.Press == nil || *ev.Press != (bots.Button{Action: bots.Stop, Turn: "TURN"}) || ev.Target.Session() != to.Session() || ev.Author.ID != "U0ADA" {
			t.Errorf("%+v", ev)
		}
		if status, _ := r.Session("C0GENERAL", to.Thread); status != "active" {
			t.Errorf("the session is %s", status)
		}
		m := page("Here it goes on and on")
		m.Final, m.Foot = true, "stopped"
		if err := r.s.Edit(t.Context(), to, id, m); err != nil {
			t.Fatal(err)
		}
		if got := r.stands(t, to); len(got) != 1 || got[0] != m.Text {
			t.Errorf("there stands %q", got)
		}
	}, native)
}

func TestHomeShowsWhatItIsGiven(t *testing.T) {
	fails := false
	home := func(o *Options) {
		o.Home = func(_ context.Context, user string) (string, error) {
			if fails {
				return "", errors.New("the disk is full")
			}
			return "# Hello\n\nYou are **" + user + "** & <!channel>.", nil
		}
	}
	bubble(t, sandbox.SlackOptions{NoLimits: true}, func(t *testing.T, r *rig) {
		look := func() string {
			t.Helper()
			if _, _, err := r.OpenHome("U0ADA"); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
			v, ok := r.Home("U0ADA")
			if !ok {
				t.Fatal("nothing is published")
			}
			return strings.NewReplacer(`\u003c`, "<", `\u003e`, ">", `\u0026`, "&").Replace(v.Blocks)
		}
		if got := look(); !strings.Contains(got, "U0ADA") || !strings.Contains(got, "&lt;!channel&gt;") || !strings.Contains(got, "slack://app?") || !strings.Contains(got, "A0BOBBIN") {
			t.Errorf("shows %s", got)
		}
		fails = true
		if got := look(); !strings.Contains(got, homePlain) || strings.Contains(got, "disk") {
			t.Errorf("shows %s", got)
		}
		if events := r.got(); len(events) != 0 {
			t.Errorf("%+v", events)
		}
	}, home)
}

func TestUnconfirmedEventsThatLeaveNoHistoryAreNotLookedFor(t *testing.T) {
	bubble(t, sandbox.SlackOptions{NoLimits: true}, func(t *testing.T, r *rig) {
		ts := r.say(t, "U0ADA", "C0GENERAL", "", "hello")
		r.one(t)
		r.onAccept(func(context.Context, bots.Event) error { return errors.New("the disk is full") })
		if err := r.Edit("U0ADA", "C0GENERAL", ts, "hello there"); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if _, _, behind := r.s.hear.behind(); behind {
			t.Error("something is missing")
		}
		time.Sleep(20 * time.Minute)
		if _, _, behind := r.s.hear.behind(); behind {
			t.Error("something is missing for good")
		}
	})
}
