package slack

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"bobbin/agent"
	"bobbin/bots"
	"bobbin/bots/sandbox"
)

func TestWhatWasSaidWhileDownIsTakenOnceAfterTheStart(t *testing.T) {
	remembering(t, sandbox.SlackOptions{}, func(t *testing.T, r *rig, m *memory) {
		dm := r.OpenDM("U0ADA")
		r.say(t, "U0ADA", dm, "", "before anybody listened")
		time.Sleep(time.Hour)
		r.connect(t)
		time.Sleep(10 * time.Minute)
		want(t, m.texts())
		r.say(t, "U0ADA", dm, "", "live")
		time.Sleep(time.Minute)
		want(t, m.texts(), "live")
		r.end(t, m)

		first := r.say(t, "U0ADA", dm, "", "first")
		mention := r.say(t, "U0GRACE", "C0GENERAL", "", "@bobbin second")
		time.Sleep(3 * time.Minute) // Slack still has a delivery to make
		r.connect(t)
		time.Sleep(20 * time.Minute)
		events := m.events()
		if len(events) != 2 {
			t.Fatalf("%d events: %+v", len(events), events)
		}
		for i, ev := range events {
			id := []agent.MessageID{messageID(dm, first), messageID("C0GENERAL", mention)}[i]
			if !ev.Late || ev.EventID != "" || ev.MessageID != id || !ev.Addressed || ev.Respond == nil {
				t.Errorf("%+v", ev)
			}
		}
		if a := events[1].Target.Address; a.Thread != mention || a.Workspace != "T0SANDBOX" {
			t.Errorf("the mention's session: %+v", a)
		}
		r.end(t, m)

		r.connect(t)
		time.Sleep(20 * time.Minute)
		want(t, m.texts())
	})
}

// Slack lists the DMs that people have opened, whether or not anything was ever heard there.
func TestFirstDirectMessageOfAPersonIsFoundAlthoughItWasSaidWhileDown(t *testing.T) {
	ranOnce(t, never(), func(t *testing.T, r *rig, m *memory) {
		r.say(t, "U0GRACE", r.OpenDM("U0GRACE"), "", "hello?")
		time.Sleep(time.Minute)
		r.say(t, "U0LINUS", r.OpenDM("U0LINUS"), "", "anybody?")
		time.Sleep(time.Hour)
		r.connect(t)
		time.Sleep(10 * time.Minute)
		events := m.events()
		var texts []string
		for _, ev := range events {
			if !ev.Direct || !ev.Late {
				t.Errorf("%+v", ev)
			}
			texts = append(texts, ev.Text)
		}
		slices.Sort(texts) // of different places
		want(t, texts, "anybody?", "hello?")
		r.end(t, m)
		r.connect(t)
		time.Sleep(10 * time.Minute)
		want(t, m.texts())
	})
}

func TestMissedMessagesComeInOrderAndOnlyPeoplesOwn(t *testing.T) {
	o := never()
	o.NoLimits = true
	o.Users = []sandbox.User{{ID: "U0ADA", Name: "Ada"}, {ID: "U0OTHER", Name: "otherbot", Bot: true}}
	ranOnce(t, o, func(t *testing.T, r *rig, m *memory) {
		dm := r.OpenDM("U0ADA")
		var said []string
		for n := range 450 { // three pages
			said = append(said, fmt.Sprint("message ", n))
			r.say(t, "U0ADA", dm, "", said[n])
			time.Sleep(time.Second)
		}
		r.say(t, "U0OTHER", dm, "", "I am a bot")
		if _, err := r.s.Post(t.Context(), agent.Target{Address: agent.Address{Channel: dm}}, "K", page("mine")); err != nil {
			t.Fatal(err)
		}
		typo := r.say(t, "U0ADA", dm, "", "teh end")
		if err := r.Edit("U0ADA", dm, typo, "the end"); err != nil {
			t.Fatal(err)
		}
		gone := r.say(t, "U0ADA", dm, "", "never mind")
		if err := r.Delete("U0ADA", dm, gone); err != nil {
			t.Fatal(err)
		}
		r.connect(t)
		time.Sleep(10 * time.Minute)
		want(t, m.texts(), append(said, "the end")...)
	})
}

func TestCatchUpLooksNoFurtherBackThanItsWindow(t *testing.T) {
	ranOnce(t, never(), func(t *testing.T, r *rig, m *memory) {
		dm := r.OpenDM("U0ADA")
		r.say(t, "U0ADA", dm, "", "too old")
		time.Sleep(3 * time.Hour)
		r.say(t, "U0ADA", dm, "", "old")
		time.Sleep(22 * time.Hour)
		r.connect(t)
		time.Sleep(10 * time.Minute)
		want(t, m.texts(), "old")
	})
}

func TestNothingIsReadWithoutAWindow(t *testing.T) {
	ranOnce(t, never(), func(t *testing.T, r *rig, m *memory) {
		r.s.opts.CatchUp = 0
		dm := r.OpenDM("U0ADA")
		r.say(t, "U0ADA", dm, "", "missed")
		r.connect(t)
		time.Sleep(10 * time.Minute)
		r.say(t, "U0ADA", dm, "", "live")
		sent := time.Now()
		time.Sleep(time.Minute)
		want(t, m.texts(), "live")
		if n := r.Calls(historyMethod) + r.Calls(listMethod); n != 0 {
			t.Errorf("%d calls", n)
		}
		if at := m.at(); at.Before(sent.Add(-time.Second)) {
			t.Errorf("heard stays at %v, live message at %v", at, sent)
		}
	})
}

func TestMissedRepliesAreFoundInBobbinsThreadsAndInOthersThatMoved(t *testing.T) {
	ranOnce(t, never(), func(t *testing.T, r *rig, m *memory) {
		own := r.say(t, "U0ADA", "C0GENERAL", "", "an old question")
		other := r.say(t, "U0GRACE", "C0RANDOM", "", "an old remark")
		m.activeIn(agent.Address{Platform: "slack", Workspace: "T0SANDBOX", Channel: "C0GENERAL", Thread: own})
		r.connect(t)
		time.Sleep(10 * time.Minute)
		m.texts()
		r.end(t, m)
		time.Sleep(5 * time.Hour)

		r.say(t, "U0ADA", "C0GENERAL", own, "a follow-up")
		r.say(t, "U0GRACE", "C0RANDOM", other, "@bobbin join us")
		root := r.say(t, "U0LINUS", "C0GENERAL", "", "@bobbin a new question")
		r.say(t, "U0LINUS", "C0GENERAL", root, "with more")
		r.connect(t)
		time.Sleep(10 * time.Minute)
		events := m.events()
		slices.SortFunc(events, func(a, b bots.Event) int { return strings.Compare(string(a.MessageID), string(b.MessageID)) })
		var got []string
		for _, ev := range events {
			got = append(got, ev.Target.Channel+" "+ev.Target.Thread+" "+ev.Text)
			if !ev.Late {
				t.Errorf("not late: %+v", ev)
			}
		}
		want(t, got, "C0GENERAL "+own+" a follow-up", "C0GENERAL "+root+" a new question", "C0GENERAL "+root+" with more", "C0RANDOM "+other+" join us")
	})
}

func TestOldThreadOfBobbinsIsReadAlthoughItsRootIsOutOfSight(t *testing.T) {
	ranOnce(t, never(), func(t *testing.T, r *rig, m *memory) {
		root := r.say(t, "U0ADA", "C0GENERAL", "", "@bobbin long ago")
		r.connect(t)
		time.Sleep(10 * time.Minute)
		m.texts()
		r.end(t, m)
		time.Sleep(3 * 24 * time.Hour)
		m.activeIn(agent.Address{Platform: "slack", Workspace: "T0SANDBOX", Channel: "C0GENERAL", Thread: root},
			agent.Address{Platform: "slack", Workspace: "T0SANDBOX", Channel: "C0GENERAL", Thread: "1.000001"}, // deleted since
			agent.Address{Platform: "slack", Workspace: "T0SANDBOX", Channel: "C0GONE", Thread: root})
		r.say(t, "U0ADA", "C0GENERAL", root, "are you still there?")
		r.connect(t)
		time.Sleep(10 * time.Minute)
		want(t, m.texts(), "are you still there?")
	})
}

func TestReadingWhatWasMissedLeavesRoomForLiveTraffic(t *testing.T) {
	o := never()
	for n := range 60 {
		o.Channels = append(o.Channels, sandbox.Channel{ID: fmt.Sprintf("C%03d", n), Name: fmt.Sprint("channel", n)})
	}
	ranOnce(t, o, func(t *testing.T, r *rig, m *memory) {
		for _, c := range o.Channels {
			root := r.say(t, "U0ADA", c.ID, "", "@bobbin root")
			r.say(t, "U0ADA", c.ID, root, "@bobbin reply")
		}
		r.connect(t)
		history, replies := r.Calls(historyMethod), r.Calls(repliesMethod)
		most := 0
		for range 10 {
			time.Sleep(time.Minute)
			h, p := r.Calls(historyMethod), r.Calls(repliesMethod)
			most = max(most, h-history, p-replies)
			history, replies = h, p
		}
		if most > 20 || history != 60 || replies != 60 {
			t.Errorf("up to %d calls a minute, %d and %d in all", most, history, replies)
		}
		if n := r.Limited(historyMethod) + r.Limited(repliesMethod); n != 0 {
			t.Errorf("ran into the limit %d times", n)
		}
		if n := len(m.events()); n != 120 {
			t.Errorf("%d messages", n)
		}
	})
}

func TestLimitsAndPassingFailuresDelayACatchUpOnly(t *testing.T) {
	ranOnce(t, never(), func(t *testing.T, r *rig, m *memory) {
		dm := r.OpenDM("U0ADA")
		r.say(t, "U0ADA", dm, "", "missed")
		tries := make(map[string]int)
		var mu sync.Mutex
		began := time.Now()
		r.Fault(func(method string, form url.Values) *sandbox.SlackFault {
			if method != historyMethod && method != listMethod {
				return nil
			}
			mu.Lock()
			defer mu.Unlock()
			switch tries[method]++; tries[method] {
			case 1:
				return &sandbox.SlackFault{Status: http.StatusTooManyRequests, Header: http.Header{"Retry-After": {"90"}}}
			case 2:
				return &sandbox.SlackFault{Drop: true}
			case 3:
				return answer(method, `{"ok":false,"error":"internal_error"}`)(method, form)
			}
			return nil
		})
		r.connect(t)
		for range 120 {
			time.Sleep(5 * time.Second)
			if texts := m.texts(); len(texts) > 0 {
				want(t, texts, "missed")
				if took := time.Since(began); took < 3*time.Minute || took > 4*time.Minute {
					t.Errorf("took %v although Slack asked for twice 90 s", took)
				}
				return
			}
		}
		t.Error("not found")
	})
}

func TestWhatScopesExcludeIsSkippedAndTheRestIsRead(t *testing.T) {
	ranOnce(t, never(), func(t *testing.T, r *rig, m *memory) {
		dm := r.OpenDM("U0ADA")
		r.say(t, "U0ADA", dm, "", "missed")
		r.say(t, "U0ADA", "C0RANDOM", "", "@bobbin not to be read")
		r.say(t, "U0ADA", "C0GENERAL", "", "@bobbin missed too")
		r.Fault(func(method string, form url.Values) *sandbox.SlackFault {
			if strings.HasPrefix(form.Get("types"), "private") || form.Get("types") == "mpim" || form.Get("channel") == "C0RANDOM" {
				return answer(method, `{"ok":false,"error":"missing_scope","needed":"groups:read"}`)(method, form)
			}
			return nil
		})
		sent := time.Now()
		r.connect(t)
		time.Sleep(10 * time.Minute)
		want(t, m.texts(), "missed", "missed too")
		if at := m.at(); sent.Sub(at) > time.Second {
			t.Errorf("heard stays at %v", at)
		}
	})
}

func TestEndlessPagesEndAndAWordSaysWhatIsLeftOut(t *testing.T) {
	ranOnce(t, never(), func(t *testing.T, r *rig, m *memory) {
		var log strings.Builder
		r.s.log = slog.New(slog.NewTextHandler(&log, nil))
		dm := r.OpenDM("U0ADA")
		m.activeIn(inChannel(dm, "5.000001"))
		now := time.Now().Unix()
		var calls sync.Map
		r.Fault(func(method string, form url.Values) *sandbox.SlackFault {
			body := ""
			n := 1
			if c := form.Get("cursor"); c != "" {
				n, _ = strconv.Atoi(c)
			}
			switch {
			case method == listMethod && form.Get("types") == "public_channel":
				body = `"channels":[]`
			case method == historyMethod && form.Get("channel") == dm:
				body = fmt.Sprintf(`"messages":[{"ts":"%d.000001","user":"U0ADA","text":"newest but %d"}]`, now-int64(n), n)
			case method == repliesMethod:
				body = fmt.Sprintf(`"messages":[{"ts":"%d.000002","thread_ts":"5.000001","user":"U0ADA","text":"reply %d"}]`, now-100+int64(n), n)
			default:
				return nil
			}
			if before, ok := calls.Load(method); !ok || before.(int) < n {
				calls.Store(method, n)
			}
			return answer(method, fmt.Sprintf(`{"ok":true,%s,"response_metadata":{"next_cursor":"%d"}}`, body, n+1))(method, form)
		})
		r.connect(t)
		time.Sleep(20 * time.Minute)
		if n := len(m.events()); n != maxPages+maxThreadPages {
			t.Errorf("%d messages", n)
		}
		for method, want := range map[string]int{listMethod: maxPages, historyMethod: maxPages, repliesMethod: maxThreadPages} {
			if n, _ := calls.Load(method); n != want {
				t.Errorf("%v pages of %s, want %d", n, method, want)
			}
		}
		if err := r.stop(); err != nil {
			t.Error(err)
		}
		if !strings.Contains(log.String(), "pages_left_out_in=2") || !strings.Contains(log.String(), "channels_left_out=1") {
			t.Errorf("log: %s", &log)
		}
	})
}

func TestMessageOfAnUnknownFormCostsNoOther(t *testing.T) {
	ranOnce(t, never(), func(t *testing.T, r *rig, m *memory) {
		dm := r.OpenDM("U0ADA")
		ts := func(n int) string { return fmt.Sprintf("%d.%06d", time.Now().Unix(), n) }
		r.Fault(func(method string, form url.Values) *sandbox.SlackFault {
			if method != historyMethod || form.Get("channel") != dm {
				return nil
			}
			return answer(method, `{"ok":true,"messages":[7,{"ts":"x"},null,{"ts":"`+ts(3)+`","user":{"id":"U1"}},
				{"ts":"`+ts(2)+`","user":"U0ADA","text":"two","blocks":7},{"ts":"`+ts(1)+`","user":"U0ADA","text":"one","subtype":""}]}`)(method, form)
		})
		r.connect(t)
		time.Sleep(10 * time.Minute)
		want(t, m.texts(), "one", "two")
	})
}

func TestLongGapIsCaughtUpWithAndAShortOneIsLeftToSlack(t *testing.T) {
	remembering(t, never(), func(t *testing.T, r *rig, m *memory) {
		dm := r.OpenDM("U0ADA")
		r.connect(t)
		r.say(t, "U0ADA", dm, "", "live")
		time.Sleep(time.Minute)
		r.DropSockets()
		time.Sleep(5 * time.Minute)
		if n := r.Calls(historyMethod); n != 0 {
			t.Errorf("%d calls after a short gap", n)
		}
		r.Fault(func(string, url.Values) *sandbox.SlackFault { return &sandbox.SlackFault{Drop: true} })
		r.DropSockets()
		time.Sleep(20 * time.Second)
		r.say(t, "U0ADA", dm, "", "into the void")
		time.Sleep(20 * time.Minute)
		r.Fault(nil)
		time.Sleep(2 * time.Minute)
		want(t, m.texts(), "live", "into the void")
	})
}

func TestRunEndsInTheMiddleOfACatchUpWhichTheNextOneDoesAgain(t *testing.T) {
	o := never()
	for n := range 40 {
		o.Channels = append(o.Channels, sandbox.Channel{ID: fmt.Sprintf("C%03d", n), Name: fmt.Sprint("channel", n)})
	}
	ranOnce(t, o, func(t *testing.T, r *rig, m *memory) {
		for _, c := range o.Channels {
			r.say(t, "U0ADA", c.ID, "", "@bobbin hello in "+c.ID)
		}
		said := time.Now()
		r.connect(t)
		time.Sleep(30 * time.Second)
		r.say(t, "U0ADA", "C000", "", "live")
		synctest.Wait()
		r.end(t, m)
		if at := m.at(); !at.Before(said) {
			t.Errorf("heard is %v although not all of %v was read", at, said)
		}
		r.connect(t)
		time.Sleep(10 * time.Minute)
		if got := m.texts(); len(got) != 41 {
			t.Errorf("%d messages: %q", len(got), got)
		}
	})
}
