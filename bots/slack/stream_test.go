package slack

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"bobbin/agent"
	"bobbin/bots"
	"bobbin/bots/markup"
	"bobbin/bots/sandbox"
)

func native(o *Options) { o.Stream = StreamNative }

// asked returns where the answer to a question of Ada's goes.
func (r *rig) asked(t *testing.T) agent.Target {
	t.Helper()
	r.say(t, "U0ADA", "C0GENERAL", "", "@bobbin hi")
	return r.got()[0].Target
}

// stands returns what bobbin's messages in a thread show as their texts.
func (r *rig) stands(t *testing.T, to agent.Target) (texts []string) {
	t.Helper()
	for _, m := range r.World().Replies(to.Channel, to.Thread) {
		if m.User == r.Options().Bot.ID && m.OnlyFor == "" {
			texts = append(texts, textOf(t, m))
		}
	}
	return texts
}

func textOf(t *testing.T, m sandbox.Message) string {
	t.Helper()
	var text strings.Builder
	for _, b := range blocksOf(t, m) {
		if b.Type != "markdown" {
			continue
		}
		var s string
		if err := json.Unmarshal(b.Text, &s); err != nil {
			t.Fatal(err)
		}
		text.WriteString(s)
	}
	return text.String()
}

// rendered is one message as Render makes it.
func rendered(t *testing.T, s *Slack, md string) bots.Message {
	t.Helper()
	pages := s.Render(md)
	if len(pages) != 1 {
		t.Fatalf("%d pages", len(pages))
	}
	return pages[0]
}

const tale = "# A *tale*\n\nOnce **upon a time** there was `code & <!channel>`.\n\n- one\n- two [link](https://example.com/a_b)\n\n" +
	"| a | b |\n|---|---|\n| 1 | longer than before |\n\n```go\nif a < b {\n\treturn\n}\n```\n\n日本語の文章はスペースなしで続きます。それでも流れます。\n\nThe end, *really*."

// tell has an answer grow by steps of n bytes, with time between them, up to its end.
func (r *rig) tell(t *testing.T, to agent.Target, key, md string, n int, pause time.Duration) (id agent.MessageID, states []string) {
	t.Helper()
	note := func() {
		if all := r.stands(t, to); len(all) > 0 {
			states = append(states, all[len(all)-1])
		}
	}
	for i := n; ; i += n {
		final := i >= len(md)
		m := rendered(t, r.s, strings.ToValidUTF8(md[:min(i, len(md))], ""))
		m.Final = final
		if final {
			m.Foot = "3 s"
		}
		r.patiently(t, func() (err error) {
			if id != "" {
				return r.s.Edit(t.Context(), to, id, m)
			}
			id, err = r.s.Find(t.Context(), to, key)
			if errors.Is(err, bots.ErrNotFound) {
				id, err = r.s.Post(t.Context(), to, key, m)
			}
			return err
		})
		note()
		if final {
			return id, states
		}
		time.Sleep(pause)
	}
}

// patiently makes a call until it succeeds.
func (r *rig) patiently(t *testing.T, call func() error) {
	t.Helper()
	for try := 0; ; try++ {
		err := call()
		if err == nil {
			return
		}
		if try == 20 || errors.Is(err, bots.ErrGone) || errors.Is(err, agent.ErrUndeliverable) {
			t.Fatalf("in vain: %v", err)
		}
		pause := time.Second
		if late, ok := errors.AsType[*bots.RetryAfterError](err); ok {
			pause = late.After
		}
		time.Sleep(pause)
	}
}

func TestStreamGrowsByWhatIsNewAndEndsWithTheWholeText(t *testing.T) {
	for _, n := range []int{1, 3, 17, 200} {
		bubble(t, sandbox.SlackOptions{NoLimits: true}, func(t *testing.T, r *rig) {
			to := r.asked(t)
			_, states := r.tell(t, to, "TURN-222", tale, n, 100*time.Millisecond)
			for i := 1; i < len(states); i++ {
				if !strings.HasPrefix(states[i], states[i-1]) {
					t.Fatalf("steps of %d: %q\nfollows %q", n, states[i], states[i-1])
				}
			}
			if got, want := r.stands(t, to), markup.Slack(tale)[0].Text; len(got) != 1 || got[0] != want {
				t.Errorf("steps of %d: there stands %q\nwant %q", n, got, want)
			}
			if r.Calls("chat.startStream") != 1 || r.Calls("chat.stopStream") != 1 || r.Calls("chat.update") != 0 || r.Calls("chat.postMessage") != 0 {
				t.Errorf("steps of %d: %d starts, %d stops, %d updates, %d posts", n, r.Calls("chat.startStream"), r.Calls("chat.stopStream"), r.Calls("chat.update"), r.Calls("chat.postMessage"))
			}
			m := r.World().Replies(to.Channel, to.Thread)[0]
			if m.Streaming || !strings.Contains(m.Key, "TURN-222") || !strings.Contains(look(t, m), "3 s") {
				t.Errorf("in the end: %+v", m)
			}
			seen := make(map[string]bool)
			for _, s := range states {
				seen[s] = true
			}
			if len(seen) < min(8, len(tale)/n) {
				t.Errorf("steps of %d: only %d states were seen", n, len(seen))
			}
		}, native)
	}
}

func TestStreamShowsWhatIsBeingDoneAsATaskAndButtonsAtItsEnd(t *testing.T) {
	bubble(t, sandbox.SlackOptions{NoLimits: true}, func(t *testing.T, r *rig) {
		to := r.asked(t)
		id, err := r.s.Post(t.Context(), to, "TURN-222", bots.Message{Head: "Reading a.example…"})
		if err != nil {
			t.Fatal(err)
		}
		task := func() (title, status string) {
			m := r.World().Replies(to.Channel, to.Thread)[0]
			var blocks []struct{ Type, Title, Status string }
			if err := json.Unmarshal([]byte(m.Blocks), &blocks); err != nil || len(blocks) == 0 || blocks[0].Type != "task_card" {
				t.Fatalf("%s: %v", m.Blocks, err)
			}
			return blocks[0].Title, blocks[0].Status
		}
		if title, status := task(); title != "Reading a.example…" || status != "in_progress" {
			t.Errorf("task %q is %q", title, status)
		}
		m := page("The answer is 7.")
		m.Head = "Reading b.example…"
		if err := r.s.Edit(t.Context(), to, id, m); err != nil {
			t.Fatal(err)
		}
		if title, status := task(); title != "Reading b.example…" || status != "in_progress" {
			t.Errorf("task %q is %q", title, status)
		}
		if found, err := r.s.Find(t.Context(), to, "TURN-222"); err != nil || found != id {
			t.Errorf("found %q, %v", found, err)
		}
		m.Final, m.Buttons = true, []bots.Button{{Action: bots.Retry, Turn: "TURN"}}
		if err := r.s.Edit(t.Context(), to, id, m); err != nil {
			t.Fatal(err)
		}
		shown := r.World().Replies(to.Channel, to.Thread)[0]
		if title, status := task(); status != "complete" || title != "Reading b.example…" {
			t.Errorf("in the end task %q is %q", title, status)
		}
		if !strings.HasSuffix(look(t, shown), "actions button=bobbin_retry=retry:TURN") || textOf(t, shown) != "The answer is 7." {
			t.Errorf("in the end: %s", look(t, shown))
		}
	}, native)
}

func TestStreamEndsBeforeSlackEndsItAndGoesOnAsEdits(t *testing.T) {
	bubble(t, sandbox.SlackOptions{NoLimits: true}, func(t *testing.T, r *rig) {
		to := r.asked(t)
		_, states := r.tell(t, to, "TURN-222", strings.Repeat("Word after word goes by. ", 40), 25, 10*time.Second)
		if got := r.stands(t, to); len(got) != 1 || got[0] != strings.TrimSpace(strings.Repeat("Word after word goes by. ", 40)) {
			t.Errorf("there stands %q", got)
		}
		for i := 1; i < len(states); i++ {
			if !strings.HasPrefix(states[i], states[i-1]) {
				t.Fatalf("%q follows %q", states[i], states[i-1])
			}
		}
		if r.Calls("chat.stopStream") != 1 || r.Calls("chat.update") < 10 {
			t.Errorf("%d stops, %d edits", r.Calls("chat.stopStream"), r.Calls("chat.update"))
		}
		if r.Calls("chat.appendStream") > 25 {
			t.Errorf("%d appended", r.Calls("chat.appendStream"))
		}
	}, native)
}

func TestTextThatDoesNotContinueReplacesWhatWasStreamed(t *testing.T) {
	bubble(t, sandbox.SlackOptions{NoLimits: true}, func(t *testing.T, r *rig) {
		to := r.asked(t)
		id, err := r.s.Post(t.Context(), to, "TURN-222", page("The first answer was wrong."))
		if err != nil {
			t.Fatal(err)
		}
		for _, text := range []string{"Another one", "Another one is better."} {
			if err := r.s.Edit(t.Context(), to, id, page(text)); err != nil {
				t.Fatal(err)
			}
			if got := r.stands(t, to); len(got) != 1 || got[0] != text {
				t.Errorf("there stands %q", got)
			}
		}
	}, native)
}

func TestSlacksOwnStopIsAPressOfStop(t *testing.T) {
	bubble(t, sandbox.SlackOptions{NoLimits: true}, func(t *testing.T, r *rig) {
		to := r.asked(t)
		id, err := r.s.Post(t.Context(), to, "TURN-222", page("Here we go with"))
		if err != nil {
			t.Fatal(err)
		}
		r.Fault(func(method string, form url.Values) *sandbox.SlackFault {
			if method == "chat.appendStream" || method == "chat.stopStream" {
				return answer(method, `{"ok":false,"error":"stopped_by_user"}`)(method, form)
			}
			return nil
		})
		// Slack has ended the stream as well.
		time.Sleep(6 * time.Minute)
		r.s.streams.of(id).began = time.Now()
		if err := r.s.Edit(t.Context(), to, id, page("Here we go with more words")); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		ev := r.one(t)
		if ev.Press == nil || *ev.Press != (bots.Button{Action: bots.Stop, Turn: "TURN"}) || ev.Target.Session() != to.Session() || ev.Author.ID != "U0ADA" {
			t.Errorf("%+v", ev)
		}
		if got := r.stands(t, to); len(got) != 1 || got[0] != "Here we go with more words" {
			t.Errorf("there stands %q", got)
		}
	}, native)
}

func TestLimitOnStartsLeadsToEditsAtOnce(t *testing.T) {
	for how, every := range map[Stream]time.Duration{StreamNative: time.Minute / 18, StreamAuto: time.Minute / 10} {
		bubble(t, sandbox.SlackOptions{}, func(t *testing.T, r *rig) {
			began := time.Now()
			for i := range 60 {
				to := r.asked(t)
				key := fmt.Sprintf("TURN%d-222", i)
				r.tell(t, to, key, "A short answer, as it were.", 12, 100*time.Millisecond)
				if got := r.stands(t, to); len(got) != 1 || got[0] != "A short answer, as it were." {
					t.Errorf("there stands %q", got)
				}
				time.Sleep(700 * time.Millisecond)
			}
			took := time.Since(began)
			if n := r.Calls("chat.startStream"); n > int(took/every)+6 || n < int(took/every) || r.Limited("chat.startStream")+r.Limited("chat.stopStream") > 0 {
				t.Errorf("%s: %d starts in %v, %d refused", how, n, took, r.Limited("chat.startStream"))
			}
		}, func(o *Options) { o.Stream = how })
	}
}

func TestWhereThereAreNoStreamsAnswersAreEdited(t *testing.T) {
	bubble(t, sandbox.SlackOptions{NoLimits: true}, func(t *testing.T, r *rig) {
		to := r.asked(t)
		r.Fault(answer("chat.startStream", `{"ok":false,"error":"unknown_method"}`))
		r.tell(t, to, "TURN-222", tale, 40, time.Second)
		if got, want := r.stands(t, to), markup.Slack(tale)[0].Text; len(got) != 1 || got[0] != want {
			t.Errorf("there stands %q", got)
		}
		if r.s.Streams(to) || r.Calls("chat.startStream") != 1 {
			t.Errorf("streams: %v after %d calls", r.s.Streams(to), r.Calls("chat.startStream"))
		}
	}, native)
}

func TestOnlyAnAnswerInAThreadIsStreamed(t *testing.T) {
	bubble(t, sandbox.SlackOptions{NoLimits: true}, func(t *testing.T, r *rig) {
		to := r.asked(t)
		nobody, nowhere := to, to
		nobody.Recipient, nowhere.Thread = "", ""
		for what, at := range map[string]agent.Target{"nobody": nobody, "no thread": nowhere} {
			if r.s.Streams(at) {
				t.Errorf("%s: may be streamed", what)
			}
		}
		final := page("All at once.")
		final.Final = true
		for key, m := range map[string]bots.Message{"TURN-222": final, "TURN-224": page("the second message")} {
			if _, err := r.s.Post(t.Context(), to, key, m); err != nil {
				t.Fatal(err)
			}
		}
		if n := r.Calls("chat.startStream"); n != 0 {
			t.Errorf("%d streams", n)
		}
	}, native)
	if s := testSlack(t); s.Streams(agent.Target{Address: agent.Address{Workspace: "T1", Channel: "C1", Thread: "1.1"}, Recipient: "U1"}) {
		t.Error("streams unasked")
	}
}

func TestBudgetIsThatOfAppendingWhileAStreamIsOpen(t *testing.T) {
	bubble(t, sandbox.SlackOptions{NoLimits: true}, func(t *testing.T, r *rig) {
		to := r.asked(t)
		edits := r.s.Budget(to).Edit
		id, err := r.s.Post(t.Context(), to, "TURN-222", page("Here it goes"))
		if err != nil {
			t.Fatal(err)
		}
		appends := r.s.Budget(to).Edit
		if edits.Scope == appends.Scope || appends.Every >= edits.Every {
			t.Errorf("edits %+v, appends %+v", edits, appends)
		}
		if other := r.s.Budget(general("1.1")).Edit; other != edits {
			t.Errorf("elsewhere %+v", other)
		}
		if err := r.s.Edit(t.Context(), to, id, page("It goes elsewhere")); err != nil {
			t.Fatal(err)
		}
		if again := r.s.Budget(to).Edit; again != edits {
			t.Errorf("edits once more: %+v", again)
		}
	}, native)
}

func TestStreamsAreNotLeftOpen(t *testing.T) {
	bubble(t, sandbox.SlackOptions{NoLimits: true}, func(t *testing.T, r *rig) {
		to := r.asked(t)
		id, err := r.s.Post(t.Context(), to, "TURN-222", page("Here it goes"))
		if err != nil {
			t.Fatal(err)
		}
		if err := r.stop(); err != nil {
			t.Fatal(err)
		}
		if m := r.World().Replies("C0GENERAL", to.Thread)[0]; m.Streaming {
			t.Error("the stream is open")
		}
		if err := r.s.Edit(t.Context(), to, id, page("Here it goes on")); err != nil {
			t.Fatal(err)
		}
		if got := r.stands(t, to); len(got) != 1 || got[0] != "Here it goes on" {
			t.Errorf("there stands %q", got)
		}
	}, native)
}
