package discord

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"bobbin/agent"
	"bobbin/bots"
	"bobbin/bots/sandbox"
)

const (
	fakeSend = "POST /channels/{channel}/messages"
	fakeEdit = "PATCH /channels/{channel}/messages/{message}"
)

// asked is the target of a mention in general.
func (r *rig) asked(text string) agent.Target {
	r.Helper()
	r.say("ada", "general", "", r.mention(text))
	return r.one().Target
}

func (r *rig) thread(id string) sandbox.Channel {
	r.Helper()
	c, ok := r.fake.World().Channel(id)
	if !ok {
		r.Fatalf("no thread %s", id)
	}
	return c
}

func TestPostOpensTheThreadOnTheMention(t *testing.T) {
	bubble(t, setup{}, func(r *rig) {
		to := r.asked("> how do looms work?\nplease")
		one := r.post(to, "K-1", "with @everyone's help")
		two := r.post(to, "K-2", "more")
		c := r.thread(to.Thread)
		if c.Parent != to.Channel || c.Name != "how do looms work?" {
			t.Errorf("thread is %+v", c)
		}
		for _, id := range []agent.MessageID{one, two} {
			m := r.message(id)
			if m.Channel != to.Thread || m.ReplyTo != "" {
				t.Errorf("posted %+v", m)
			}
			if p := r.fake.Pinged(m.ID); len(p) != 0 {
				t.Errorf("pinged %q", p)
			}
		}
		if n := r.fake.Calls(fakeThreads); n != 1 {
			t.Errorf("tried %d times to open the thread", n)
		}
	})
}

func TestPostAfterARestartFindsTheThread(t *testing.T) {
	bubble(t, setup{}, func(r *rig) {
		to := r.asked("hi")
		r.post(to, "K-1", "hello")
		forget(r.bot.threads)
		forget(r.bot.channels)
		if m := r.message(r.post(to, "K-2", "again")); m.Channel != to.Thread {
			t.Errorf("posted %+v", m)
		}
	})
}

func TestTypingOpensTheThreadToo(t *testing.T) {
	bubble(t, setup{}, func(r *rig) {
		to := r.asked("hi")
		from := r.fake.World().Next()
		lasts, err := r.bot.Typing(r.ctx, to, "thinking")
		if err != nil || lasts <= 0 || lasts > 10*time.Second {
			t.Fatal(lasts, err)
		}
		if _, err := r.bot.Typing(r.ctx, to, ""); err != nil {
			t.Fatal(err)
		}
		seen := 0
		ctx, cancel := context.WithTimeout(r.ctx, time.Second)
		defer cancel()
		for c := range r.fake.World().Watch(ctx, from) {
			if c.Kind == sandbox.Typing && c.In == to.Thread {
				seen++
			}
		}
		if seen != 1 {
			t.Errorf("typing was shown %d times in the thread", seen)
		}
	})
}

func TestAnswerIsAReplyInTheChannelWhereNoThreadCanBeOpened(t *testing.T) {
	bubble(t, setup{}, func(r *rig) {
		r.noThreads()
		to := r.asked("hi")
		one, two := r.post(to, "K-1", "hello"), r.post(to, "K-2", "more")
		a, b := r.message(one), r.message(two)
		if a.Channel != to.Channel || a.ReplyTo != to.Thread {
			t.Errorf("posted %+v", a)
		}
		if b.Channel != to.Channel || b.ReplyTo != "" {
			t.Errorf("then posted %+v; only the first of an answer refers to the question", b)
		}
		if err := r.bot.Edit(r.ctx, to, one, bots.Message{Text: "hello!"}); err != nil {
			t.Error(err)
		}
		r.want(to.Channel, "hello!", "more")
	})
}

func TestAnswerIsAReplyWhereThreadsMayBeOpenedButNotWrittenIn(t *testing.T) {
	bubble(t, setup{}, func(r *rig) {
		to := r.asked("hi")
		r.fake.Inject(sandbox.DiscordFault{Route: fakeSend, Status: 403, Body: `{"code":50013,"message":"Missing Permissions"}`,
			Match: func(q *http.Request) bool { return q.PathValue("channel") == to.Thread }, Times: -1})
		if m := r.message(r.post(to, "K-1", "hello")); m.Channel != to.Channel || m.ReplyTo != to.Thread {
			t.Errorf("posted %+v", m)
		}
	})
}

func TestThreadsAlwaysSaysPlainlyThatThereIsNone(t *testing.T) {
	bubble(t, setup{opts: Options{Threads: Always}}, func(r *rig) {
		r.noThreads()
		to := r.asked("hi")
		for range 2 {
			_, err := r.bot.Post(r.ctx, to, "K-1", bots.Message{Text: "hello"})
			wantErr(t, err, agent.ErrUndeliverable)
		}
		got := r.shows(to.Channel)
		if len(got) != 1 || !strings.Contains(got[0], "Create Public Threads") {
			t.Errorf("channel shows %q", got)
		}
	})
}

func TestThreadOfADeletedMention(t *testing.T) {
	bubble(t, setup{}, func(r *rig) {
		to := r.asked("hi")
		if err := r.fake.Delete("ada", "general", to.Thread); err != nil {
			t.Fatal(err)
		}
		if m := r.message(r.post(to, "K-1", "hello")); m.Channel != to.Channel {
			t.Errorf("posted %+v", m)
		}
	})
}

// Whatever happens to the answer, one key makes one message.
func TestPostWhoseAnswerIsLostIsNotMadeTwice(t *testing.T) {
	for name, fault := range map[string]sandbox.DiscordFault{
		"connection cut": {Route: fakeSend, Execute: true, Drop: true},
		"bad gateway":    {Route: fakeSend, Execute: true, Status: 502, Body: "<html>"},
		"nonsense":       {Route: fakeSend, Execute: true, Status: 200, Body: `{"id":`},
		"no id":          {Route: fakeSend, Execute: true, Status: 200, Body: `{}`},
		"time-out":       {Route: fakeSend, Execute: true, Delay: time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, setup{}, func(r *rig) {
				to := r.asked("hi")
				r.fake.Inject(fault)
				_, err := r.bot.Post(r.ctx, to, "K-1", bots.Message{Text: "hello"})
				if err == nil || errors.Is(err, agent.ErrUndeliverable) {
					t.Fatalf("error is %v, want one that leaves it open", err)
				}
				r.settle()
				found, err := r.bot.Find(r.ctx, to, "K-1")
				if err != nil {
					t.Error(err)
				}
				again := r.post(to, "K-1", "hello")
				if found != again {
					t.Errorf("found %s, posted %s", found, again)
				}
				r.want(to.Thread, "hello")
			})
		})
	}
}

// An answer grows while it is not known whether its beginning stands.
func TestPostThatStandsAlreadyShowsTheNewText(t *testing.T) {
	bubble(t, setup{}, func(r *rig) {
		to := r.asked("hi")
		r.fake.Inject(sandbox.DiscordFault{Route: fakeSend, Execute: true, Drop: true})
		if _, err := r.bot.Post(r.ctx, to, "K-1", bots.Message{Text: "hello"}); err == nil {
			t.Fatal("the answer was not lost")
		}
		edits := "PATCH /channels/{channel}/messages/{message}"
		r.fake.Inject(sandbox.DiscordFault{Route: edits, Status: 500})
		if _, err := r.bot.Post(r.ctx, to, "K-1", bots.Message{Text: "hello, Ada"}); err == nil || errors.Is(err, agent.ErrUndeliverable) {
			t.Errorf("error is %v although the old text stands, want one that leaves it open", err)
		}
		r.post(to, "K-1", "hello, Ada")
		r.want(to.Thread, "hello, Ada")
		before := r.fake.Calls(edits)
		r.post(to, "K-1", "hello, Ada\n")
		r.post(to, "K-2", " bye ")
		if n := r.fake.Calls(edits); n != before {
			t.Error("a message that shows what it should was edited")
		}
	})
}

func TestFindReadsHistoryForTheNonce(t *testing.T) {
	bubble(t, setup{}, func(r *rig) {
		to := r.asked("hi")
		_, err := r.bot.Find(r.ctx, to, "K-1")
		wantErr(t, err, bots.ErrNotFound)
		if n := r.fake.Calls(fakeThreads); n != 0 {
			t.Error("looking for a message opened a thread")
		}
		r.post(to, "K-1", "hello")
		r.settle()
		forget(r.bot.ours)
		history := `[null,7,{"id":"300000000000000999","nonce":7,"author":{"id":"x"}},{"id":"300000000000000777","nonce":"K-1","author":{"id":"` + r.fake.BotID() + `"}}]`
		r.fake.Inject(sandbox.DiscordFault{Route: "GET /channels/{channel}/messages", Status: 200, Body: history})
		id, err := r.bot.Find(r.ctx, to, "K-1")
		if want := (place{to.Thread, "300000000000000777"}).id(); err != nil || id != want {
			t.Errorf("found %q, %v, want %q", id, err, want)
		}
		r.fake.Inject(sandbox.DiscordFault{Route: "GET /channels/{channel}/messages", Status: 500})
		if _, err = r.bot.Find(r.ctx, to, "K-3"); err == nil || errors.Is(err, bots.ErrNotFound) {
			t.Errorf("error is %v, want one that leaves it open", err)
		}
	})
}

func TestArchivedThreadIsReopenedAndLockedOneIsNot(t *testing.T) {
	bubble(t, setup{}, func(r *rig) {
		to := r.asked("hi")
		id := r.post(to, "K-1", "hello")
		if err := r.fake.Archive(to.Thread, true, false); err != nil {
			t.Fatal(err)
		}
		r.post(to, "K-2", "and more")
		if err := r.fake.Archive(to.Thread, true, true); err != nil {
			t.Fatal(err)
		}
		_, err := r.bot.Post(r.ctx, to, "K-3", bots.Message{Text: "x"})
		wantErr(t, err, agent.ErrUndeliverable)
		if err = r.bot.Edit(r.ctx, to, id, bots.Message{Text: "x"}); err == nil {
			t.Error("a locked thread was written in")
		}
	})
}

func TestEditReopensAnArchivedThread(t *testing.T) {
	bubble(t, setup{}, func(r *rig) {
		to := r.asked("hi")
		id := r.post(to, "K-1", "hello")
		for _, reopened := range []bool{true, false} {
			if err := r.fake.Archive(to.Thread, true, false); err != nil {
				t.Fatal(err)
			}
			if !reopened {
				r.fake.Inject(sandbox.DiscordFault{Route: "PATCH /channels/{channel}", Status: 403, Body: `{"code":50013,"message":"Missing Permissions"}`})
			}
			err := r.bot.Edit(r.ctx, to, id, bots.Message{Text: "hello!"})
			if reopened && err != nil {
				t.Error(err)
			}
			if !reopened {
				wantErr(t, err, bots.ErrGone)
			}
		}
		r.want(to.Thread, "hello!")
	})
}

func TestEditReplacesTextAndPingsNobody(t *testing.T) {
	bubble(t, setup{}, func(r *rig) {
		to := r.asked("hi")
		id := r.post(to, "K-1", "hel")
		if err := r.bot.Edit(r.ctx, to, id, bots.Message{Text: "hello @everyone <@" + to.Recipient + ">"}); err != nil {
			t.Fatal(err)
		}
		m := r.message(id)
		if !strings.HasPrefix(m.Text, "hello") || len(r.fake.Pinged(m.ID)) != 0 {
			t.Errorf("shows %+v, pinged %q", m, r.fake.Pinged(m.ID))
		}
		if err := r.fake.Remove(m.Channel, m.ID); err != nil {
			t.Fatal(err)
		}
		wantErr(t, r.bot.Edit(r.ctx, to, id, bots.Message{Text: "x"}), bots.ErrGone)
		wantErr(t, r.bot.Edit(r.ctx, to, "no/such/../id", bots.Message{Text: "x"}), bots.ErrGone)
	})
}

func TestAddressesThatAreNoneAreRefused(t *testing.T) {
	bubble(t, setup{}, func(r *rig) {
		for _, a := range []agent.Address{
			{}, {Platform: "slack", Channel: "1"}, {Platform: Name}, {Platform: Name, Channel: "1/../2"}, {Platform: Name, Channel: "1", Thread: "a?b"},
		} {
			to := agent.Target{Address: a}
			_, err := r.bot.Post(r.ctx, to, "K-1", bots.Message{Text: "x"})
			wantErr(t, err, agent.ErrUndeliverable)
			if _, err = r.bot.Find(r.ctx, to, "K-1"); err == nil {
				t.Errorf("found something at %+v", a)
			}
		}
		if _, err := r.bot.Post(r.ctx, agent.Target{Address: agent.Address{Platform: Name, Channel: "1"}}, "", bots.Message{}); err == nil {
			t.Error("posted without a key")
		}
	})
}

func TestRespondStaysOutOfTheThread(t *testing.T) {
	bubble(t, setup{}, func(r *rig) {
		id := r.say("ada", "general", "", r.mention("hi"))
		e := r.one()
		if err := e.Respond(r.ctx, "I am busy."); err != nil {
			t.Fatal(err)
		}
		m := r.fake.World().Messages(e.Target.Channel)
		if last := m[len(m)-1]; last.Text != "I am busy." || last.ReplyTo != id {
			t.Errorf("posted %+v", last)
		}
		if r.fake.Calls(fakeThreads) != 0 {
			t.Error("a thread was opened")
		}
	})
}

func TestEveryPostAndEditForbidsMentions(t *testing.T) {
	bubble(t, setup{}, func(r *rig) {
		to := r.asked("hi")
		p, _ := parsePlace(r.post(to, "K-1", "hello"))
		for range 2 {
			var a struct {
				Parse []string `json:"parse"`
			}
			raw := r.fake.AllowedMentions(p.message)
			if err := json.Unmarshal(raw, &a); err != nil || a.Parse == nil || len(a.Parse) != 0 {
				t.Errorf("allowed_mentions is %s", raw)
			}
			if err := r.bot.Edit(r.ctx, to, p.id(), bots.Message{Text: "hello!"}); err != nil {
				t.Fatal(err)
			}
		}
	})
}

func TestRenderKeepsTheSourceAndTheLimit(t *testing.T) {
	d, err := New(Options{BotToken: "x"})
	if err != nil {
		t.Fatal(err)
	}
	md := strings.Repeat("All work and no play. ", 400)
	var sources []string
	for _, m := range d.Render(md) {
		if len(m.Text) > 2000 {
			t.Errorf("a page has %d bytes", len(m.Text))
		}
		sources = append(sources, m.Source)
	}
	if len(sources) < 4 || strings.Join(sources, "") != md {
		t.Errorf("%d sources do not make up the Markdown", len(sources))
	}
	if n := len(d.Render("")); n != 0 {
		t.Errorf("no Markdown has %d pages", n)
	}
}

func TestBudgetIsSharedByAThread(t *testing.T) {
	d, err := New(Options{BotToken: "x"})
	if err != nil {
		t.Fatal(err)
	}
	at := func(channel, thread string, reply agent.MessageID) bots.Budget {
		return d.Budget(agent.Target{Address: agent.Address{Platform: Name, Channel: channel, Thread: thread}, ReplyTo: reply})
	}
	one := at("1", "2", "1/2")
	if one != at("1", "2", "2/9") || one == at("1", "3", "1/3") || one.Post.Scope == one.Edit.Scope {
		t.Error("scopes are mixed up")
	}
}
