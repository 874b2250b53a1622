package discord

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"bobbin/agent"
	"bobbin/bots"
	"bobbin/bots/sandbox"
)

// listener is a rig whose bot's events go to something like a store, which knows again
// what it has seen.
type listener struct {
	*rig
	seen map[agent.MessageID]bool
}

func listening(t *testing.T, s setup, test func(*listener, *notebook)) {
	t.Helper()
	remembering(t, s, func(r *rig, n *notebook) { test(&listener{r, make(map[agent.MessageID]bool)}, n) })
}

// says is what was accepted for the first time since the last call, and whether it was late.
func (r *listener) says() (texts []string) {
	r.Helper()
	_, events := r.fresh(r.seen)
	for _, e := range events {
		text := e.Text
		if e.Late {
			text += " (late)"
		}
		texts = append(texts, text)
	}
	return texts
}

func (r *listener) wantSaid(texts ...string) {
	r.Helper()
	if got := r.says(); !slices.Equal(got, texts) {
		r.Errorf("accepted %q, want %q\n%s", got, texts, r.logged())
	}
}

func (r *rig) dispatch(event, data string, args ...any) {
	r.Helper()
	if err := r.fake.Dispatch(event, json.RawMessage(fmt.Sprintf(data, args...))); err != nil {
		r.Fatal(err)
	}
	r.pass(time.Second)
}

func TestUnknownDirectChannelIsReadBackAtItsFirstMessage(t *testing.T) {
	listening(t, setup{}, func(r *listener, _ *notebook) {
		r.say("ada", "general", "", r.mention("hi"))
		r.pass(time.Minute)
		r.says()
		r.down()
		dm := r.fake.OpenDM("grace")
		for i := range 2*pageSize + 10 {
			r.say("grace", dm, "", strconv.Itoa(i))
			time.Sleep(time.Second)
		}
		time.Sleep(time.Hour)
		r.up()
		r.pass(10 * time.Minute)
		r.wantSaid() // nothing tells of the channel

		// Another absence does not make the first one be forgotten.
		r.down()
		r.say("grace", dm, "", "again")
		time.Sleep(time.Hour)
		r.up()
		r.pass(10 * time.Minute)
		r.say("grace", dm, "", "are you there?")
		var want []string
		for i := range 2*pageSize + 10 {
			want = append(want, strconv.Itoa(i)+" (late)")
		}
		r.wantSaid(append(want, "again (late)", "are you there?")...)

		reads := r.fake.Calls(fakeHistory)
		r.say("grace", dm, "", "fine")
		r.wantSaid("fine")
		if n := r.fake.Calls(fakeHistory); n != reads {
			t.Errorf("read the history %d times more", n-reads)
		}
	})
}

func TestReadBackOfADirectChannelHasAWindow(t *testing.T) {
	listening(t, setup{opts: Options{CatchUp: 3 * time.Hour}}, func(r *listener, _ *notebook) {
		r.pass(time.Hour)
		r.down()
		dm := r.fake.OpenDM("grace")
		r.say("grace", dm, "", "too long ago")
		time.Sleep(2 * time.Hour)
		r.say("grace", dm, "", "a while ago")
		time.Sleep(2 * time.Hour)
		r.up()
		r.say("grace", dm, "", "now")
		r.wantSaid("a while ago (late)", "now")
	})
}

func TestWhatWasSaidBeforeTheFirstRunEverIsNotReadBack(t *testing.T) {
	n := &notebook{heard: make(map[string]time.Time)}
	bubble(t, setup{idle: true, opts: Options{Memory: n, CatchUp: 24 * time.Hour}}, func(quiet *rig) {
		r := &listener{quiet, make(map[agent.MessageID]bool)}
		time.Sleep(time.Until(time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)))
		dm := r.fake.OpenDM("grace")
		r.say("grace", dm, "", "is anybody there yet?")
		time.Sleep(time.Hour)
		r.ended <- nil
		r.up()
		r.say("grace", dm, "", "now?")
		r.wantSaid("now?")
		r.down()
		r.up()
		r.pass(time.Minute)
		r.say("grace", r.fake.OpenDM("grace"), "", "and now?")
		if got := r.says(); slices.Contains(got, "is anybody there yet? (late)") {
			t.Errorf("accepted %q", got)
		}
	})
}

func TestAnySignOfADirectChannelHasItReadBack(t *testing.T) {
	for name, sign := range map[string]func(r *listener, dm string){
		"typing": func(r *listener, dm string) {
			r.dispatch("TYPING_START", `{"channel_id":%q,"user_id":"1","timestamp":1}`, dm)
		},
		"opened": func(r *listener, dm string) {
			r.dispatch("CHANNEL_CREATE", `{"id":%q,"type":1,"recipients":[]}`, dm)
		},
		"reaction": func(r *listener, dm string) {
			r.dispatch("MESSAGE_REACTION_ADD", `{"channel_id":%q,"user_id":"1","message_id":"2","emoji":{"name":"x"}}`, dm)
		},
		"command": func(r *listener, dm string) {
			done := make(chan error, 1)
			go func() { done <- r.fake.Command("grace", dm, "help", nil) }()
			if err := <-done; err != nil {
				r.Fatal(err)
			}
			r.pass(time.Second)
		},
	} {
		t.Run(name, func(t *testing.T) {
			listening(t, setup{}, func(r *listener, _ *notebook) {
				r.down()
				dm := r.fake.OpenDM("grace")
				r.say("grace", dm, "", "one")
				r.say("grace", dm, "", "two")
				time.Sleep(time.Hour)
				r.up()
				sign(r, dm)
				sign(r, dm)
				got := slices.DeleteFunc(r.says(), func(s string) bool { return s == "" })
				if want := []string{"one (late)", "two (late)"}; !slices.Equal(got, want) {
					t.Errorf("accepted %q, want %q", got, want)
				}

				// From then on it is known.
				r.down()
				r.say("grace", dm, "", "three")
				time.Sleep(time.Hour)
				r.up()
				if got := r.says(); !slices.Contains(got, "three (late)") {
					t.Errorf("accepted %q", got)
				}
			})
		})
	}
}

func TestMalformedSignsOfDirectChannelsAreIgnored(t *testing.T) {
	listening(t, setup{}, func(r *listener, _ *notebook) {
		for _, event := range []string{"TYPING_START", "CHANNEL_CREATE", "MESSAGE_REACTION_ADD"} {
			for _, data := range []string{`null`, `[]`, `{}`, `{"channel_id":"../x","id":"../x","type":1}`, `{"channel_id":7}`} {
				r.dispatch(event, "%s", data)
			}
		}
		if n := r.fake.Calls(fakeHistory); n != 0 {
			t.Errorf("read %d times", n)
		}
		r.say("grace", r.fake.OpenDM("grace"), "", "hi")
		r.wantSaid("hi")
	})
}

func TestReadBackThatFailsIsMadeUpFor(t *testing.T) {
	for name, f := range map[string]sandbox.DiscordFault{
		"refused for now": {Status: 500},
		"limited":         {Status: 429, Body: `{"retry_after":40}`},
		"slow":            {Delay: 15 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			listening(t, setup{}, func(r *listener, _ *notebook) {
				r.down()
				dm := r.fake.OpenDM("grace")
				r.say("grace", dm, "", "missed")
				time.Sleep(time.Hour)
				r.up()
				f.Route, f.Times = fakeHistory, -1
				mend := r.fake.Inject(f)
				r.say("grace", dm, "", "live")
				r.pass(10 * time.Second)
				r.wantSaid("live") // it does not wait for ever
				mend()
				r.pass(10 * time.Minute)
				r.wantSaid("missed (late)")
			})
		})
	}
}

// The store keeps what was accepted, so the next run knows of the DM; that it was not read
// to its end has to be known too.
func TestReadBackThatIsCutOffGoesOnAfterTheRestart(t *testing.T) {
	listening(t, setup{}, func(r *listener, n *notebook) {
		r.down()
		dm := r.fake.OpenDM("grace")
		for _, s := range []string{"one", "two", "three"} {
			r.say("grace", dm, "", s)
			time.Sleep(time.Hour)
		}
		r.up()
		n.add(agent.Address{Platform: Name, Channel: dm})
		r.onAccept(func(_ context.Context, e bots.Event) error {
			if e.Text != "one" {
				return errors.New("disk on fire")
			}
			return nil
		})
		r.dispatch("TYPING_START", `{"channel_id":%q}`, dm)
		r.down()
		r.wantSaid("one (late)")
		r.onAccept(nil)
		r.up()
		r.wantSaid("two (late)", "three (late)")
		r.down()
		r.up()
		r.wantSaid()
	})
}

func TestDirectChannelsAreReadFirstAndThenWhereBobbinWasSpokenToLast(t *testing.T) {
	listening(t, withContent, func(r *listener, n *notebook) {
		old := r.say("ada", "random", "", "root")
		asked := r.asked("hi")
		r.seen[asked.ReplyTo] = true
		thread := r.post(asked, "K-1", "hello")
		p, err := parsePlace(thread)
		if err != nil {
			t.Fatal(err)
		}
		guild := r.fake.GuildID()
		dm, quiet := r.fake.OpenDM("grace"), r.fake.OpenDM("linus")
		if err := n.AddDirect(t.Context(), Name, quiet); err != nil {
			t.Fatal(err)
		}
		n.add(
			agent.Address{Platform: Name, Workspace: guild, Channel: r.channel("general"), Thread: p.channel},
			agent.Address{Platform: Name, Workspace: guild, Channel: r.channel("random"), Thread: old},
			agent.Address{Platform: Name, Channel: dm},
		)
		r.says()
		r.down()
		other := r.fake.AddChannel("other")
		r.say("ada", other, "", "nobody in particular")
		r.say("ada", p.channel, "", "and then?")
		r.say("ada", "random", "", r.mention("new"))
		r.say("grace", dm, "", "psst")
		time.Sleep(time.Hour)

		var mu sync.Mutex
		var order []string
		r.fake.Inject(sandbox.DiscordFault{Route: fakeHistory, Times: -1, Match: func(q *http.Request) bool {
			mu.Lock()
			defer mu.Unlock()
			order = append(order, q.PathValue("channel"))
			return false
		}})
		r.up()
		mu.Lock()
		defer mu.Unlock()
		if len(order) == 0 || order[0] != dm {
			t.Errorf("read %q, the DM is %s", order, dm)
		}
		at := func(channel string) int { return slices.Index(order, channel) }
		if at(p.channel) < 0 || at(r.channel("random")) < 0 || at(p.channel) > at(other) || at(r.channel("random")) > at(other) || at(quiet) < at(p.channel) {
			t.Errorf("read %q", order)
		}
		got := r.says()
		slices.Sort(got)
		if want := []string{"and then? (late)", "new (late)", "psst (late)"}; !slices.Equal(got, want) {
			t.Errorf("accepted %q, want %q", got, want)
		}
	})
}
