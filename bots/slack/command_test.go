package slack

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"bobbin/bots"
	"bobbin/bots/sandbox"
)

func (r *rig) command(t *testing.T, channel, text string) {
	t.Helper()
	if err := r.Command("U0ADA", channel, "/bobbin", text); err != nil {
		t.Errorf("/bobbin %s: %v", text, err)
	}
}

func TestAskOpensAThreadUnderARootThatQuotesTheQuestion(t *testing.T) {
	bubble(t, sandbox.SlackOptions{}, func(t *testing.T, r *rig) {
		r.command(t, "C0GENERAL", "ask what is <!channel> & why?\nReally?")
		shown := r.shown("C0GENERAL")
		if len(shown) != 1 {
			t.Fatalf("shown: %+v", shown)
		}
		root := shown[0]
		if !strings.HasPrefix(root.Text, "> <@U0ADA> asked:\n> what is ") || !strings.Contains(root.Text, "\n> Really?") {
			t.Errorf("root: %q", root.Text)
		}
		if strings.Contains(root.Text, "<!channel>") {
			t.Errorf("the root calls the whole channel: %q", root.Text)
		}
		ev := r.one(t)
		if ev.Command != "ask" || !strings.HasPrefix(ev.Text, "what is ") || !ev.Addressed || ev.Direct {
			t.Errorf("%+v", ev)
		}
		if ev.MessageID != messageID("C0GENERAL", root.ID) || ev.Target.Thread != root.ID || ev.Target.ReplyTo != ev.MessageID ||
			ev.Target.Recipient != "U0ADA" || ev.Target.Workspace != "T0SANDBOX" {
			t.Errorf("%+v", ev)
		}
		if len(r.whispers("C0GENERAL", "U0ADA")) != 0 {
			t.Error("an accepted question was answered in private, too")
		}
	})
}

func TestAskInADMStaysInItsSession(t *testing.T) {
	bubble(t, sandbox.SlackOptions{}, func(t *testing.T, r *rig) {
		dm := r.OpenDM("U0ADA")
		r.command(t, dm, "ask how are you?")
		if ev := r.one(t); !ev.Direct || ev.Target.Thread != "" || len(r.shown(dm)) != 1 {
			t.Errorf("%+v, shown %+v", ev, r.shown(dm))
		}
	})
}

func TestOtherCommandsAreForBots(t *testing.T) {
	bubble(t, sandbox.SlackOptions{}, func(t *testing.T, r *rig) {
		r.onAccept(func(ctx context.Context, ev bots.Event) error { return ev.Respond(ctx, "heard "+ev.Command) })
		seen := make(map[string]bool)
		for text, want := range map[string]string{
			"": "help", "  ": "help", "help": "help", "Reset": "reset", "reset now": "reset", "ask": "ask", "!reset": "reset", "dance <b>": "dance", "reset\nnow": "reset",
		} {
			r.command(t, "C0GENERAL", text)
			ev := r.one(t)
			if ev.Command != want || !ev.Addressed || ev.Target.Thread != "" || ev.EventID == "" || seen[string(ev.MessageID)] {
				t.Errorf("%q: %+v", text, ev)
			}
			seen[string(ev.MessageID)] = true
			whispers := r.whispers("C0GENERAL", "U0ADA")
			if len(whispers) != len(seen) || whispers[len(whispers)-1] != "heard "+want {
				t.Errorf("%q: told %q", text, whispers)
			}
		}
		if len(r.shown("C0GENERAL")) != 0 {
			t.Errorf("shown to all: %+v", r.shown("C0GENERAL"))
		}
	})
}

func TestCommandIsAcknowledgedInTimeAndAnsweredLater(t *testing.T) {
	bubble(t, sandbox.SlackOptions{}, func(t *testing.T, r *rig) {
		r.onAccept(func(ctx context.Context, ev bots.Event) error {
			time.Sleep(8 * time.Second)
			return ev.Respond(ctx, "at last")
		})
		started := time.Now()
		r.command(t, "C0GENERAL", "reset")
		if took := time.Since(started); took > 3*time.Second {
			t.Errorf("acknowledged after %v", took)
		}
		if told := r.whispers("C0GENERAL", "U0ADA"); len(told) != 0 {
			t.Errorf("told %q too early", told)
		}
		time.Sleep(10 * time.Second)
		if told := r.whispers("C0GENERAL", "U0ADA"); len(told) != 1 || told[0] != "at last" {
			t.Errorf("told %q", told)
		}
	})
}

func TestLongAnswerToACommandArrivesToo(t *testing.T) {
	bubble(t, sandbox.SlackOptions{}, func(t *testing.T, r *rig) {
		long := strings.Repeat("a word & another. ", 1500)
		r.onAccept(func(ctx context.Context, ev bots.Event) error { return ev.Respond(ctx, long) })
		r.command(t, "C0GENERAL", "usage")
		r.one(t)
		if told := r.whispers("C0GENERAL", "U0ADA"); len(told) != 1 || strings.Count(told[0], "&amp;") != 1500 {
			t.Errorf("told %d times", len(told))
		}
	})
}

func TestQuestionThatIsNotAcceptedLeavesNoRootAndSaysSo(t *testing.T) {
	for name, late := range map[string]time.Duration{"soon": 0, "late": 5 * time.Second} {
		bubble(t, sandbox.SlackOptions{}, func(t *testing.T, r *rig) {
			r.onAccept(func(context.Context, bots.Event) error { time.Sleep(late); return errors.New("the disk is full") })
			r.command(t, "C0GENERAL", "ask what?")
			time.Sleep(10 * time.Second)
			if shown := r.shown("C0GENERAL"); len(shown) != 0 {
				t.Errorf("%s: shown %+v", name, shown)
			}
			if told := r.whispers("C0GENERAL", "U0ADA"); len(told) != 1 || !strings.Contains(told[0], "try again") || strings.Contains(told[0], "disk") {
				t.Errorf("%s: told %q", name, told)
			}
		})
	}
}

func TestQuestionThatIsRefusedLeavesNoRoot(t *testing.T) {
	bubble(t, sandbox.SlackOptions{}, func(t *testing.T, r *rig) {
		r.onAccept(func(ctx context.Context, e bots.Event) error {
			return e.Respond(ctx, "Only my admins may use `summarise`.")
		})
		r.command(t, "C0GENERAL", "summarise")
		time.Sleep(10 * time.Second)
		if shown := r.shown("C0GENERAL"); len(shown) != 0 {
			t.Errorf("shown %+v", shown)
		}
		if told := r.whispers("C0GENERAL", "U0ADA"); len(told) != 1 || !strings.Contains(told[0], "Only my admins") {
			t.Errorf("told %q", told)
		}
	})
}

func TestAskWhereBobbinIsNotSaysHowToInviteIt(t *testing.T) {
	for code, want := range map[string]string{
		"not_in_channel": "/invite @bobbin", "channel_not_found": "/invite @bobbin", "is_archived": "may not write", "fatal_error": "just now",
	} {
		bubble(t, sandbox.SlackOptions{}, func(t *testing.T, r *rig) {
			r.Forbid("C0GENERAL", code)
			r.command(t, "C0GENERAL", "ask what?")
			if told := r.whispers("C0GENERAL", "U0ADA"); len(told) != 1 || !strings.Contains(told[0], want) {
				t.Errorf("%s: told %q, want %q", code, told, want)
			}
			if events := r.got(); len(events) != 0 {
				t.Errorf("%s: %+v", code, events)
			}
		})
	}
}

func TestRootWhosePostingWasNotConfirmedIsFoundAgain(t *testing.T) {
	bubble(t, sandbox.SlackOptions{}, func(t *testing.T, r *rig) {
		r.Fault(func(method string, _ url.Values) *sandbox.SlackFault {
			if method == "chat.postMessage" {
				return &sandbox.SlackFault{Execute: true, Status: http.StatusBadGateway}
			}
			return nil
		})
		r.command(t, "C0GENERAL", "ask what?")
		shown := r.shown("C0GENERAL")
		if ev := r.one(t); len(shown) != 1 || ev.Target.Thread != shown[0].ID {
			t.Errorf("%+v, shown %+v", ev, shown)
		}
	})
}

func TestRefusedResponseURLFallsBackToAnEphemeralMessage(t *testing.T) {
	bubble(t, sandbox.SlackOptions{}, func(t *testing.T, r *rig) {
		r.onAccept(func(ctx context.Context, ev bots.Event) error {
			for range 7 { // a response URL works five times
				time.Sleep(time.Second)
				if err := ev.Respond(ctx, "again"); err != nil {
					t.Error(err)
				}
			}
			return nil
		})
		r.command(t, "C0GENERAL", "help")
		time.Sleep(10 * time.Second)
		told := strings.Join(r.whispers("C0GENERAL", "U0ADA"), " ")
		if n := strings.Count(told, "again"); n != 7 {
			t.Errorf("told %d times, want 7: %q", n, told)
		}
	})
}

func TestTooManyCommandsAtOnceAreTurnedAway(t *testing.T) {
	bubble(t, sandbox.SlackOptions{}, func(t *testing.T, r *rig) {
		r.onAccept(func(ctx context.Context, _ bots.Event) error { <-ctx.Done(); return ctx.Err() })
		for range maxCommands {
			go func() { _ = r.Command("U0GRACE", "C0GENERAL", "/bobbin", "help") }()
		}
		r.got()
		r.command(t, "C0GENERAL", "help")
		if told := r.whispers("C0GENERAL", "U0ADA"); len(told) != 1 || !strings.Contains(told[0], "too much to do") {
			t.Errorf("told %q", told)
		}
		time.Sleep(time.Minute)
	})
}
