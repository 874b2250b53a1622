package discord

import (
	"context"
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
	fakeCallback = "POST /interactions/{interaction}/{token}/callback"
	fakeOriginal = "PATCH /webhooks/{application}/{token}/messages/{message}"
	fakeCommands = "PUT /applications/{application}/commands"
)

func ask(text string) map[string]string { return map[string]string{"text": text} }

func (r *rig) command(channel, name string, options map[string]string) {
	r.Helper()
	if err := r.fake.Command("ada", channel, name, options); err != nil {
		r.Fatal(err)
	}
}

// private returns what only the user got to see.
func (r *rig) private(channel string) []string {
	var out []string
	for _, m := range r.fake.World().Messages(channel) {
		if m.OnlyFor != "" {
			out = append(out, m.Text)
		}
	}
	return out
}

func TestAskIsAnsweredInTheThreadOfItsQuestion(t *testing.T) {
	bubble(t, setup{}, func(r *rig) {
		general := r.channel("general")
		r.command("general", "ask", ask("what is a bobbin?\nand why?"))
		e := r.one()
		if e.Command != "ask" || e.Text != "what is a bobbin?\nand why?" || !e.Addressed || e.Direct || e.Author.Name != "ada" {
			t.Errorf("event is %+v", e)
		}
		if e.Target.Channel != general || e.Target.Thread == "" || e.EventID == "" || e.MessageID == "" {
			t.Errorf("target is %+v", e.Target.Address)
		}
		r.post(e.Target, "K-1", "a spool")
		r.post(e.Target, "K-2", "for thread")
		r.want(general, "> what is a bobbin?\n> and why?")
		r.want(e.Target.Thread, "a spool", "for thread")
		if c := r.thread(e.Target.Thread); c.Name != "what is a bobbin?" {
			t.Errorf("thread is %+v", c)
		}
		r.say("ada", e.Target.Thread, "", r.mention("go on"))
		if next := r.one(); next.Target.Session() != e.Target.Session() {
			t.Errorf("session is %q, then %q", e.Target.Session(), next.Target.Session())
		}
	})
}

func TestAskInPlace(t *testing.T) {
	t.Run("direct message", func(t *testing.T) {
		bubble(t, setup{}, func(r *rig) {
			dm := r.fake.OpenDM("ada")
			r.command(dm, "ask", ask("hi"))
			e := r.one()
			if want := (agent.Address{Platform: Name, Channel: dm}); e.Target.Address != want || !e.Direct {
				t.Errorf("event is %+v", e)
			}
			r.post(e.Target, "K-1", "hello")
			r.want(dm, "> hi", "hello")
		})
	})
	t.Run("thread", func(t *testing.T) {
		bubble(t, setup{}, func(r *rig) {
			to := r.asked("hi")
			r.post(to, "K-1", "hello")
			r.command(to.Thread, "ask", ask("more"))
			e := r.one()
			if e.Target.Address != to.Address {
				t.Errorf("address is %+v, want %+v", e.Target.Address, to.Address)
			}
			r.post(e.Target, "K-2", "here")
			r.want(to.Thread, "hello", "> more", "here")
		})
	})
	t.Run("threads off", func(t *testing.T) {
		bubble(t, setup{opts: Options{Threads: Never}}, func(r *rig) {
			r.command("general", "ask", ask("hi"))
			e := r.one()
			if e.Target.Thread != "" {
				t.Errorf("address is %+v", e.Target.Address)
			}
			r.post(e.Target, "K-1", "hello")
			r.want(r.channel("general"), "> hi", "hello")
		})
	})
	t.Run("no thread to be had", func(t *testing.T) {
		bubble(t, setup{}, func(r *rig) {
			r.noThreads()
			r.command("general", "ask", ask("hi"))
			r.post(r.one().Target, "K-1", "hello")
			r.want(r.channel("general"), "> hi", "hello")
		})
	})
}

func TestAskAfterARestartAndAfterItsTokenHasRunOut(t *testing.T) {
	bubble(t, setup{}, func(r *rig) {
		r.command("general", "ask", ask("hi"))
		to := r.one().Target
		time.Sleep(16 * time.Minute)
		forget(r.bot.shown)
		forget(r.bot.threads)
		r.post(to, "K-1", "hello")
		r.want(r.channel("general"), "> hi")
		r.want(to.Thread, "hello")
	})
}

func TestCommandsAreAcknowledgedHoweverLongAcceptTakes(t *testing.T) {
	for _, name := range []string{"ask", "reset", "help"} {
		t.Run(name, func(t *testing.T) {
			bubble(t, setup{}, func(r *rig) {
				r.onAccept(func(ctx context.Context, e bots.Event) error {
					time.Sleep(time.Minute)
					if e.Command == "ask" {
						return nil
					}
					return e.Respond(ctx, "Here you are.")
				})
				var options map[string]string
				if name == "ask" {
					options = ask("hi")
				}
				r.command("general", name, options)
				time.Sleep(2 * time.Minute)
				if e := r.one(); e.Command != name {
					t.Errorf("command is %q", e.Command)
				}
				if got := r.private(r.channel("general")); name != "ask" && (len(got) != 1 || got[0] != "Here you are.") {
					t.Errorf("private answer is %q", got)
				}
			})
		})
	}
}

func TestCommandIsAcknowledgedAlthoughTheFirstTryFails(t *testing.T) {
	bubble(t, setup{}, func(r *rig) {
		r.fake.Inject(sandbox.DiscordFault{Route: fakeCallback, Execute: true, Drop: true})
		r.command("general", "ask", ask("hi"))
		time.Sleep(10 * time.Second)
		to := r.one().Target
		r.post(to, "K-1", "hello")
		r.want(r.channel("general"), "> hi")
		r.want(to.Thread, "hello")
	})
}

func TestCommandThatCannotBeAcknowledgedIsNotTakenIn(t *testing.T) {
	bubble(t, setup{}, func(r *rig) {
		r.fake.Inject(sandbox.DiscordFault{Route: fakeCallback, Status: 500, Times: -1})
		err := r.fake.Command("ada", "general", "ask", ask("hi"))
		wantErr(t, err, sandbox.ErrDiscordNoAnswer)
		time.Sleep(time.Minute)
		if got := r.taken(); len(got) != 0 {
			t.Errorf("accepted %+v", got)
		}
		if n := r.bot.Ignored()[ignoredLate]; n != 1 {
			t.Errorf("counted %d", n)
		}
	})
}

func TestCommandThatIsNotAcceptedIsAnsweredPlainly(t *testing.T) {
	for _, name := range []string{"ask", "reset"} {
		t.Run(name, func(t *testing.T) {
			bubble(t, setup{}, func(r *rig) {
				r.onAccept(func(context.Context, bots.Event) error { return errors.New("disk on fire") })
				var options map[string]string
				if name == "ask" {
					options = ask("hi")
				}
				r.command("general", name, options)
				time.Sleep(time.Minute)
				r.settle()
				got := r.shows(r.channel("general"))
				if len(got) != 1 || !strings.Contains(got[0], "went wrong") || strings.Contains(got[0], "fire") {
					t.Errorf("channel shows %q", got)
				}
			})
		})
	}
}

func TestRespondToAskReplacesItsAcknowledgement(t *testing.T) {
	bubble(t, setup{}, func(r *rig) {
		r.onAccept(func(ctx context.Context, e bots.Event) error { return e.Respond(ctx, "You may not.") })
		r.command("general", "ask", ask("hi"))
		r.one()
		r.want(r.channel("general"), "You may not.")
	})
}

func TestResetAndHelpAreAnsweredPrivately(t *testing.T) {
	bubble(t, setup{}, func(r *rig) {
		long := strings.Repeat("All work and no play. ", 120)
		r.onAccept(func(ctx context.Context, e bots.Event) error {
			if e.Command == "help" {
				return e.Respond(ctx, long)
			}
			return nil
		})
		r.command("general", "help", nil)
		if e := r.one(); e.Command != "help" || e.Target.Thread != "" || e.Text != "" {
			t.Errorf("event is %+v", e)
		}
		got := r.private(r.channel("general"))
		if len(got) != 2 {
			t.Errorf("private answers are %q", got)
		}
		r.command("general", "reset", nil)
		r.one()
		if got = r.private(r.channel("general")); len(got) != 3 || got[2] != "I am on it." {
			t.Errorf("private answers are %q", got)
		}
	})
}

func TestResetInAThreadMeansTheThread(t *testing.T) {
	bubble(t, setup{}, func(r *rig) {
		to := r.asked("hi")
		r.post(to, "K-1", "hello")
		r.command(to.Thread, "reset", nil)
		if e := r.one(); e.Target.Session() != to.Session() || e.Command != "reset" {
			t.Errorf("event is %+v", e)
		}
	})
}

func TestAskWhereBobbinMayNotWriteSaysSo(t *testing.T) {
	bubble(t, setup{}, func(r *rig) {
		general := r.channel("general")
		r.command("general", "ask", ask("hi"))
		to := r.one().Target
		if err := r.fake.Hide("general", true); err != nil {
			t.Fatal(err)
		}
		_, err := r.bot.Post(r.ctx, to, "K-1", bots.Message{Text: "hello"})
		wantErr(t, err, agent.ErrUndeliverable)
		if got := r.shows(general); len(got) != 1 || !strings.Contains(got[0], "> hi") || !strings.Contains(got[0], "does not let me write") {
			t.Errorf("channel shows %q", got)
		}
	})
}

func TestCommandsAreRegisteredOnlyWhenTheyChanged(t *testing.T) {
	bubble(t, setup{}, func(r *rig) {
		if n := len(r.fake.Commands()); n != 3 {
			t.Fatalf("%d commands are registered", n)
		}
		again := func() int {
			before := r.fake.Calls(fakeCommands)
			if err := r.bot.registerOnce(r.ctx); err != nil {
				t.Fatal(err)
			}
			return r.fake.Calls(fakeCommands) - before
		}
		if n := again(); n != 0 {
			t.Errorf("registered again %d times", n)
		}
		old := r.bot.slashCommands()[:2]
		old[0].Description = "old"
		c := call{what: "register", method: http.MethodPut, path: []string{"applications", r.fake.ApplicationID(), "commands"}, body: old}
		if err := r.bot.rest.do(r.ctx, c); err != nil {
			t.Fatal(err)
		}
		if n := again(); n != 1 || len(r.fake.Commands()) != 3 {
			t.Errorf("registered %d times; there are %+v", n, r.fake.Commands())
		}
	})
}

func TestRegistrationIsTriedUntilItWorks(t *testing.T) {
	bubble(t, setup{idle: true}, func(r *rig) {
		r.fake.Inject(sandbox.DiscordFault{Route: "GET /applications/{application}/commands", Times: 3, Status: 500})
		r.start()
		time.Sleep(5 * time.Minute)
		if n := len(r.fake.Commands()); n != 3 {
			t.Errorf("%d commands are registered", n)
		}
	})
}

// The token of an interaction lets anybody write as bobbin.
func TestInteractionTokensStayOutOfLogsAndErrors(t *testing.T) {
	bubble(t, setup{}, func(r *rig) {
		r.command("general", "ask", ask("hi"))
		to := r.one().Target
		token := parseHook(to.Hook).Token
		if token == "" {
			t.Fatal("no token")
		}
		for _, f := range []sandbox.DiscordFault{{Drop: true}, {Delay: time.Hour}, {Status: 500, Body: token}, {Status: 404, Body: "x"}} {
			f.Route = fakeOriginal
			r.fake.Inject(f)
			forget(r.bot.shown)
			r.post(to, "K-1", "hello")
			r.fake.Inject(f)
			if err := r.bot.editOriginal(r.ctx, "1", token, "x"); err != nil && strings.Contains(err.Error(), token) {
				t.Errorf("the error holds the token: %v", err)
			}
		}
		if strings.Contains(r.logged(), token) || strings.Contains(r.logged(), r.fake.Token()) {
			t.Error("the log holds a token")
		}
	})
}

func TestCommandsThatSayNothingAreAnsweredWithAWord(t *testing.T) {
	bubble(t, setup{}, func(r *rig) {
		c := call{what: "register", method: http.MethodPut, path: []string{"applications", r.fake.ApplicationID(), "commands"},
			body: append(r.bot.slashCommands(), slashCommand{Name: "dance", Type: 1, Description: "x"})}
		if err := r.bot.rest.do(r.ctx, c); err != nil {
			t.Fatal(err)
		}
		r.command("general", "dance", nil)
		r.command("general", "ask", ask(" \n"))
		r.settle()
		got := r.private(r.channel("general"))
		if len(got) != 2 || !strings.Contains(got[0], "/help") || !strings.Contains(got[1], "/ask") {
			t.Errorf("private answers are %q", got)
		}
		if got := r.taken(); len(got) != 0 {
			t.Errorf("accepted %+v", got)
		}
	})
}
