package slack

import (
	"context"
	"errors"
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
		h, why := read(s, in)
		if why != want {
			t.Errorf("%s\nignored as %q, want %q", now, why, want)
		}
		if why == "" && (h.MessageID != "C1/1.1" || h.Author.ID != "U1" || h.Change == "") {
			t.Errorf("%s\nis %+v", now, h.Event)
		}
	}
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
			if callback == askShortcut {
				if events := r.got(); len(events) != 0 {
					t.Errorf("before the question: %+v", events)
				}
				if err := r.Submit("U0ADA", nil); err != nil {
					t.Fatal(err)
				}
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

func TestQuestionAboutAMessageStandsInItsThread(t *testing.T) {
	bubble(t, sandbox.SlackOptions{NoLimits: true}, func(t *testing.T, r *rig) {
		root := r.say(t, "U0GRACE", "C0GENERAL", "", "the build is red")
		r.got()
		ask := func(question string) {
			t.Helper()
			if err := r.MessageShortcut("U0ADA", "C0GENERAL", root, askShortcut); err != nil {
				t.Fatal(err)
			}
			if err := r.Submit("U0ADA", map[string]string{questionID: question}); err != nil {
				t.Fatal(err)
			}
		}
		ask("since when, <!channel>?")
		replies := r.World().Replies("C0GENERAL", root)
		if len(replies) != 1 || !strings.HasPrefix(replies[0].Text, "> <@U0ADA> asked:\n> since when") || strings.Contains(replies[0].Text, "<!channel>") {
			t.Fatalf("%+v", replies)
		}
		ev := r.one(t)
		if ev.Command != "ask" || ev.Text != "since when, <!channel>?" || ev.Target.Thread != root || ev.MessageID != messageID("C0GENERAL", replies[0].ID) || ev.Target.ReplyTo != ev.MessageID {
			t.Errorf("%+v", ev)
		}
		if q := ev.Subject; q == nil || q.Text != "the build is red" || q.Author.ID != "U0GRACE" {
			t.Errorf("about %+v", q)
		}

		r.onAccept(func(context.Context, bots.Event) error { return errors.New("the disk is full") })
		ask("and now?")
		synctest.Wait()
		if told := r.whispers("C0GENERAL", "U0ADA"); len(r.World().Replies("C0GENERAL", root)) != 1 || len(told) != 1 || told[0] != notTaken {
			t.Errorf("a question that was not taken: %+v, told %q", r.World().Replies("C0GENERAL", root), told)
		}
		r.onAccept(nil)

		r.Fault(answer("views.open", `{"ok":false,"error":"expired_trigger_id"}`))
		if err := r.MessageShortcut("U0ADA", "C0GENERAL", root, askShortcut); err != nil {
			t.Fatal(err)
		}
		if ev := r.one(t); ev.Text != "" || ev.Subject == nil || ev.Subject.Text != "the build is red" {
			t.Errorf("without a form: %+v", ev)
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
