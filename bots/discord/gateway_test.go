package discord

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"bobbin/bots"
	"bobbin/bots/sandbox"
)

const contentIntent = 1 << 15

func TestRunEndsPromptlyAndSaysThatItHas(t *testing.T) {
	bubble(t, setup{}, func(r *rig) {
		began := time.Now()
		r.stop()
		if took := time.Since(began); took > 5*time.Second {
			t.Errorf("Run took %v to end", took)
		}
		if r.bot.Ready() == nil {
			t.Error("Ready is nil after Run")
		}
		if n := r.fake.Connected(); n != 0 {
			t.Errorf("%d connections are left", n)
		}
	})
}

func TestReadySaysWhyBeforeRun(t *testing.T) {
	bubble(t, setup{idle: true}, func(r *rig) {
		if r.bot.Ready() == nil {
			t.Error("Ready is nil before Run")
		}
		r.start()
	})
}

// Each of these must end with the connection back, and with the message that was
// said meanwhile.
func TestConnectionIsReplacedWithoutLosingAMessage(t *testing.T) {
	for name, spoil := range map[string]func(*sandbox.Discord){
		"dropped":             func(d *sandbox.Discord) { d.DropGateway(0) },
		"closed 4000":         func(d *sandbox.Discord) { d.DropGateway(4000) },
		"going away":          func(d *sandbox.Discord) { d.DropGateway(1001) },
		"asked to reconnect":  func(d *sandbox.Discord) { d.ReconnectGateway() },
		"silent":              func(d *sandbox.Discord) { d.SilenceGateway(true) },
		"dropped, then op 7":  func(d *sandbox.Discord) { d.SpoilNext(sandbox.DiscordReconnectFirst); d.DropGateway(0) },
		"dropped, then mute":  func(d *sandbox.Discord) { d.SpoilNext(sandbox.DiscordSilentAfterHello); d.DropGateway(0) },
		"op 7 three times":    func(d *sandbox.Discord) { d.ReconnectGateway() },
		"asked, then dropped": func(d *sandbox.Discord) { d.ReconnectGateway(); d.DropGateway(4001) },
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, setup{}, func(r *rig) {
				spoil(r.fake)
				r.say("ada", "general", "", r.mention("still there?"))
				time.Sleep(5 * time.Minute)
				if got := r.one().Text; got != "still there?" {
					t.Errorf("text is %q", got)
				}
				if err := r.bot.Ready(); err != nil {
					t.Error(err)
				}
				if n := r.fake.Identifies(); n != 1 {
					t.Errorf("identified %d times, want 1: it should have resumed", n)
				}
			})
		})
	}
}

func TestFirstConnectionThatGoesWrongIsTriedAgain(t *testing.T) {
	for name, fault := range map[string]sandbox.DiscordGatewayFault{
		"silent after Hello":       sandbox.DiscordSilentAfterHello,
		"op 7 as the first packet": sandbox.DiscordReconnectFirst,
		"op 9 as the first packet": sandbox.DiscordInvalidFirst,
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, setup{idle: true}, func(r *rig) {
				r.fake.SpoilNext(fault, fault)
				r.start()
				time.Sleep(5 * time.Minute)
				r.settle()
				if err := r.bot.Ready(); err != nil {
					t.Fatal(err)
				}
				r.say("ada", "general", "", r.mention("hi"))
				r.one()
			})
		})
	}
}

func TestDroppedSessionIsStartedOver(t *testing.T) {
	bubble(t, setup{}, func(r *rig) {
		r.fake.InvalidateGateway()
		time.Sleep(time.Minute)
		r.settle()
		if err := r.bot.Ready(); err != nil {
			t.Fatal(err)
		}
		if n := r.fake.Identifies(); n != 2 {
			t.Errorf("identified %d times, want 2", n)
		}
		r.say("ada", "general", "", r.mention("hi"))
		r.one()
	})
}

func TestDiscordBeingAwayIsNotFatal(t *testing.T) {
	bubble(t, setup{}, func(r *rig) {
		back := r.fake.Inject(sandbox.DiscordFault{Route: "GET /gateway", Times: -1, Status: 502, Body: "<html>bad gateway"})
		r.fake.DropGateway(0)
		time.Sleep(time.Hour)
		r.settle()
		if r.bot.Ready() == nil {
			t.Error("Ready is nil without a gateway")
		}
		if n := r.fake.Calls("GET /gateway"); n > 100 {
			t.Errorf("asked for the gateway %d times in an hour", n)
		}
		back()
		time.Sleep(10 * time.Minute)
		r.settle()
		if err := r.bot.Ready(); err != nil {
			t.Error(err)
		}
	})
}

func TestIdentifyBudgetIsKept(t *testing.T) {
	bubble(t, setup{}, func(r *rig) {
		const hours = 4
		for range hours * 60 {
			r.fake.InvalidateGateway()
			time.Sleep(time.Minute)
		}
		most := identifiesPerDay/10 + identifiesPerDay*hours/24 + 1
		if n := r.fake.Identifies(); n < most/2 || n > most {
			t.Errorf("identified %d times in %d hours, want at most %d", n, hours, most)
		}
	})
}

func TestFatalRefusalsSayWhatToDo(t *testing.T) {
	for name, c := range map[string]struct {
		setup setup
		say   []string
	}{
		"message content intent": {setup{fake: sandbox.DiscordOptions{ForbiddenIntents: contentIntent}, opts: Options{MessageContent: true}}, []string{"developer portal", "discord.follow"}},
		"bot token":              {setup{opts: Options{BotToken: "wrong"}}, []string{"discord.bot_token"}},
	} {
		t.Run(name, func(t *testing.T) {
			c.setup.idle = true
			bubble(t, c.setup, func(r *rig) {
				r.start()
				err := <-r.ended
				r.ended <- nil
				if err == nil {
					t.Fatal("Run returned nil")
				}
				for _, s := range c.say {
					if !strings.Contains(err.Error(), s) {
						t.Errorf("%q does not say %q", err, s)
					}
				}
				if strings.Contains(err.Error(), r.fake.Token()) {
					t.Errorf("%q holds the token", err)
				}
				if r.bot.Ready() == nil {
					t.Error("Ready is nil")
				}
			})
		})
	}
}

// discordgo would panic on several of these in a goroutine of its own.
func TestHostileDispatchesAreIgnoredAndCounted(t *testing.T) {
	payloads := []string{
		`null`, `{}`, `[]`, `"x"`, `7`, `{"channels":[null],"roles":[null],"threads":[null],"members":[null]}`,
		`{"id":"1","author":null}`, `{"id":"1","channel_id":"2","author":{}}`,
		`{"id":"1","channel_id":"2","guild_id":"3","author":{"id":"4"},"mentions":[null],"content":null,"member":{"user":null}}`,
		`{"id":"../x","channel_id":"2","author":{"id":"4"}}`,
		`{"id":"1","channel_id":"2","author":{"id":"4"},"nonce":{"a":1},"type":"x"}`,
		`{"id":"1","application_id":"2","token":"t","channel_id":"3","type":2,"data":null}`,
		`{"id":"1","application_id":"2","token":"t","channel_id":"3","type":2,"member":{},"data":{"options":[null]}}`,
		`{"id":"1","application_id":"2","token":"t","channel_id":"3","type":3,"user":{"id":"5"},"data":{}}`,
		`{"user":null,"session_id":""}`, `{"guilds":[null]}`,
	}
	events := []string{"READY", "RESUMED", "MESSAGE_CREATE", "INTERACTION_CREATE", "GUILD_CREATE", "GUILD_UPDATE", "THREAD_CREATE",
		"CHANNEL_UPDATE", "CHANNEL_DELETE", "VOICE_STATE_UPDATE", "VOICE_SERVER_UPDATE", "MESSAGE_UPDATE", "NEVER_HEARD_OF", ""}
	bubble(t, setup{}, func(r *rig) {
		for _, e := range events {
			for _, p := range payloads {
				if err := r.fake.Dispatch(e, json.RawMessage(p)); err != nil {
					t.Fatal(err)
				}
			}
			time.Sleep(10 * time.Second)
		}
		if got := r.taken(); len(got) != 0 {
			t.Errorf("accepted %+v", got)
		}
		n := r.bot.Ignored()
		if n[ignoredMalformed] < 20 || n[ignoredUnknown] < 20 || n[ignoredPanic] != 0 {
			t.Errorf("counted %v", n)
		}
		r.say("ada", "general", "", r.mention("hi"))
		r.one()
		if n := r.fake.Identifies(); n != 1 {
			t.Errorf("identified %d times", n)
		}
	})
}

func TestPanicInAcceptEndsThatEventOnly(t *testing.T) {
	bubble(t, setup{}, func(r *rig) {
		r.onAccept(func(_ context.Context, e bots.Event) error {
			if e.Text == "boom" {
				panic("boom")
			}
			return nil
		})
		r.say("ada", "general", "", r.mention("boom"))
		r.say("ada", "general", "", r.mention("fine"))
		if got := r.one().Text; got != "fine" {
			t.Errorf("text is %q", got)
		}
		if n := r.bot.Ignored()[ignoredPanic]; n != 1 {
			t.Errorf("counted %d panics", n)
		}
	})
}

func TestMessageThatIsNotAcceptedIsOfferedAgain(t *testing.T) {
	bubble(t, setup{}, func(r *rig) {
		failures := 2
		r.onAccept(func(context.Context, bots.Event) error {
			if failures--; failures >= 0 {
				return errors.New("disk on fire")
			}
			return nil
		})
		r.say("ada", "general", "", r.mention("hi"))
		time.Sleep(time.Minute)
		r.one()
		r.want(r.channel("general"))
	})
}

func TestMessageThatCannotBeAcceptedIsAnsweredPlainly(t *testing.T) {
	bubble(t, setup{}, func(r *rig) {
		r.onAccept(func(context.Context, bots.Event) error { return errors.New("disk on fire") })
		r.say("ada", "general", "", r.mention("hi"))
		time.Sleep(time.Minute)
		r.settle()
		got := r.shows(r.channel("general"))
		if len(got) != 1 || !strings.Contains(got[0], "went wrong") || strings.Contains(got[0], "fire") {
			t.Errorf("channel shows %q", got)
		}
	})
}

func TestArrivedMessagesAreTakenInWhenRunEnds(t *testing.T) {
	bubble(t, setup{}, func(r *rig) {
		busy := make(chan struct{})
		r.onAccept(func(context.Context, bots.Event) error { <-busy; return nil })
		for range 5 {
			r.say("ada", "general", "", r.mention("hi"))
		}
		r.settle()
		r.cancel()
		close(busy)
		r.stop()
		if n := len(r.taken()); n != 5 {
			t.Errorf("accepted %d of 5", n)
		}
	})
}

func TestMessagesOfAChannelStayInOrder(t *testing.T) {
	bubble(t, setup{}, func(r *rig) {
		r.onAccept(func(_ context.Context, e bots.Event) error {
			if e.Text == "0" {
				time.Sleep(time.Second)
			}
			return nil
		})
		want := "0123456789"
		for _, c := range want {
			r.say("ada", "general", "", r.mention(string(c)))
		}
		time.Sleep(time.Minute)
		got := ""
		for _, e := range r.taken() {
			got += e.Text
		}
		if got != want {
			t.Errorf("order is %q", got)
		}
	})
}

// A database that hangs must cost neither a message nor the gateway session.
func TestFullLanesHoldUpTheGatewayAndLoseNothing(t *testing.T) {
	const many = 3 * laneLength
	bubble(t, setup{}, func(r *rig) {
		hung := make(chan struct{})
		r.onAccept(func(context.Context, bots.Event) error { <-hung; return nil })
		for range many {
			r.say("ada", "general", "", r.mention("hi"))
		}
		time.Sleep(20 * time.Second)
		r.fake.DropGateway(0)
		time.Sleep(time.Minute)
		close(hung)
		time.Sleep(10 * time.Minute)
		seen := make(map[string]bool)
		for _, e := range r.taken() {
			seen[e.EventID] = true
		}
		if len(seen) != many || r.fake.Identifies() != 1 {
			t.Errorf("accepted %d of %d messages, identified %d times", len(seen), many, r.fake.Identifies())
		}
		if err := r.bot.Ready(); err != nil {
			t.Error(err)
		}
	})
}

func TestRunEndsAlthoughTheLanesAreFull(t *testing.T) {
	bubble(t, setup{}, func(r *rig) {
		r.onAccept(func(ctx context.Context, _ bots.Event) error { <-ctx.Done(); return ctx.Err() })
		for range 3 * laneLength {
			r.say("ada", "general", "", r.mention("hi"))
		}
		r.settle()
		began := time.Now()
		r.stop()
		if took := time.Since(began); took > 10*time.Second {
			t.Errorf("Run took %v to end", took)
		}
	})
}

func TestHeardFollowsTheHeartbeat(t *testing.T) {
	bubble(t, setup{}, func(r *rig) {
		time.Sleep(time.Hour)
		r.settle()
		if quiet := time.Since(r.bot.Heard()); quiet > time.Minute {
			t.Errorf("heard nothing for %v", quiet)
		}
	})
}
