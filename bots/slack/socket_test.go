package slack

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"bobbin/bots"
	"bobbin/bots/sandbox"
)

func TestEventThatIsNotAcceptedIsNotAcknowledgedAndComesAgain(t *testing.T) {
	bubble(t, sandbox.SlackOptions{}, func(t *testing.T, r *rig) {
		tries := 0
		r.onAccept(func(_ context.Context, ev bots.Event) error {
			switch tries++; tries {
			case 1:
				return errors.New("the disk is full")
			case 2:
				panic("a bug")
			}
			return nil
		})
		r.say(t, "U0ADA", "C0GENERAL", "", "hello")
		if events := r.got(); len(events) != 0 || r.Deliveries().Acked != 0 {
			t.Errorf("acknowledged what was refused: %+v", r.Deliveries())
		}
		if err := r.Settled(t.Context()); err != nil {
			t.Fatal(err)
		}
		if ev := r.one(t); ev.Text != "hello" || tries != 3 || r.Deliveries().Acked != 1 {
			t.Errorf("after %d tries: %+v, %+v", tries, ev, r.Deliveries())
		}
	})
}

func TestConversationKeepsItsOrder(t *testing.T) {
	bubble(t, sandbox.SlackOptions{}, func(t *testing.T, r *rig) {
		dm := r.OpenDM("U0ADA")
		r.onAccept(func(_ context.Context, ev bots.Event) error {
			// Without order, the later ones would be the first to be done.
			time.Sleep(time.Duration(20-len(ev.Text)) * time.Millisecond)
			return nil
		})
		for n := range 20 {
			r.say(t, "U0ADA", dm, "", strings.Repeat("x", n+1))
		}
		if err := r.Settled(t.Context()); err != nil {
			t.Fatal(err)
		}
		events := r.got()
		if len(events) != 20 {
			t.Fatalf("%d events", len(events))
		}
		for n, ev := range events {
			if len(ev.Text) != n+1 {
				t.Errorf("event %d is message %d", n, len(ev.Text))
			}
		}
	})
}

func TestStuckConversationHoldsUpNeitherSocketNorMemory(t *testing.T) {
	bubble(t, sandbox.SlackOptions{NoLimits: true}, func(t *testing.T, r *rig) {
		dm := r.OpenDM("U0ADA")
		r.onAccept(func(ctx context.Context, _ bots.Event) error { <-ctx.Done(); return ctx.Err() })
		for range laneDepth + 10 {
			r.say(t, "U0ADA", dm, "", "more")
		}
		synctest.Wait()
		if n := r.s.Ignored()["overload"]; n != 9 {
			t.Errorf("%d events were left to Slack, want 9", n)
		}
		time.Sleep(5 * time.Minute)
		if n := r.Calls("apps.connections.open"); n != 1 || r.Sockets() != 1 {
			t.Errorf("%d connections were opened, %d stand", n, r.Sockets())
		}
	})
}

func TestDroppedSocketIsReplacedAndNothingIsLost(t *testing.T) {
	bubble(t, sandbox.SlackOptions{}, func(t *testing.T, r *rig) {
		breaks := map[string]func(){
			"drop":    r.DropSockets,
			"refresh": func() { r.Disconnect("refresh_requested") },
			"warning": func() { r.Disconnect("warning") },
		}
		for name, broken := range breaks {
			broken()
			r.say(t, "U0ADA", "C0GENERAL", "", "said during a "+name)
			if err := r.Settled(t.Context()); err != nil {
				t.Fatal(err)
			}
			if ev := r.one(t); ev.Text != "said during a "+name {
				t.Errorf("%s: %+v", name, ev)
			}
			if err := r.s.Ready(); err != nil {
				t.Errorf("%s: not ready again: %v", name, err)
			}
		}
	})
}

func TestSocketIsReadUntilAnotherStands(t *testing.T) {
	bubble(t, sandbox.SlackOptions{}, func(t *testing.T, r *rig) {
		began := time.Now()
		r.Disconnect("warning")
		r.say(t, "U0ADA", "C0GENERAL", "", "said meanwhile")
		if ev := r.one(t); ev.Text != "said meanwhile" || !time.Now().Equal(began) {
			t.Errorf("after %s: %+v", time.Since(began), ev)
		}
		time.Sleep(time.Minute)
		if n := r.Calls("apps.connections.open"); n != 2 || r.Sockets() != 1 {
			t.Errorf("%d connections were opened, %d stand", n, r.Sockets())
		}
	})
}

func TestSilentSocketIsReplaced(t *testing.T) {
	bubble(t, sandbox.SlackOptions{PingInterval: -1}, func(t *testing.T, r *rig) {
		time.Sleep(pingWait + time.Second)
		if n := r.Calls("apps.connections.open"); n != 2 || r.Sockets() != 1 {
			t.Errorf("%d connections were opened, %d stand", n, r.Sockets())
		}
	})
}

func TestSocketsThatEndAtOnceAreNotReplacedInALoop(t *testing.T) {
	bubble(t, sandbox.SlackOptions{}, func(t *testing.T, r *rig) {
		for range 50 {
			r.DropSockets()
			synctest.Wait()
		}
		if n := r.Calls("apps.connections.open"); n != 1+atOnce {
			t.Errorf("%d connections were opened, want %d", n, 1+atOnce)
		}
		time.Sleep(time.Minute)
		if err := r.s.Ready(); err != nil {
			t.Errorf("not connected a minute later: %v", err)
		}
	})
}

func TestNetworkFailureShowsInReadyAndPasses(t *testing.T) {
	bubble(t, sandbox.SlackOptions{}, func(t *testing.T, r *rig) {
		r.Fault(func(string, url.Values) *sandbox.SlackFault { return &sandbox.SlackFault{Drop: true} })
		r.DropSockets()
		time.Sleep(25 * time.Minute)
		if err := r.s.Ready(); err == nil {
			t.Error("ready without a connection")
		}
		r.Fault(nil)
		time.Sleep(time.Minute)
		if err := r.s.Ready(); err != nil {
			t.Errorf("still not connected a minute after the network came back: %v", err)
		}
	})
}

func TestPermanentConnectionErrorShowsInReadyWithWhatToDo(t *testing.T) {
	bubble(t, sandbox.SlackOptions{}, func(t *testing.T, r *rig) {
		r.Fault(answer("apps.connections.open", `{"ok":false,"error":"missing_scope","needed":"connections:write"}`))
		r.DropSockets()
		time.Sleep(time.Minute)
		err := r.s.Ready()
		if err == nil || !strings.Contains(err.Error(), "connections:write") || !strings.Contains(err.Error(), "app_token") {
			t.Errorf("Ready: %v", err)
		}
	})
}

// answer makes a method answer with a body instead of being carried out.
func answer(method, body string) func(string, url.Values) *sandbox.SlackFault {
	return func(m string, _ url.Values) *sandbox.SlackFault {
		if m != method {
			return nil
		}
		return &sandbox.SlackFault{Status: http.StatusOK, Header: http.Header{"Content-Type": {"application/json"}}, Body: body}
	}
}

func TestRunEndsOnTokensThatSlackRefuses(t *testing.T) {
	for _, method := range []string{"auth.test", "apps.connections.open"} {
		for _, code := range []string{"invalid_auth", "account_inactive", "token_revoked", "not_allowed_token_type"} {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, sandbox.SlackOptions{})
				r.Fault(answer(method, `{"ok":false,"error":"`+code+`"}`))
				err := r.s.Run(t.Context(), r.take)
				if err == nil || !strings.Contains(err.Error(), code) || !strings.Contains(err.Error(), hints[code]) || strings.Contains(err.Error(), "sandbox") {
					t.Errorf("%s, %s: %v", method, code, err)
				}
			})
		}
	}
}

func TestRunWaitsForSlackToComeUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, sandbox.SlackOptions{})
		calls := 0
		r.Fault(func(string, url.Values) *sandbox.SlackFault {
			switch calls++; calls {
			case 1:
				return &sandbox.SlackFault{Drop: true}
			case 2:
				return &sandbox.SlackFault{Status: http.StatusBadGateway}
			case 3:
				return &sandbox.SlackFault{Status: http.StatusTooManyRequests, Header: http.Header{"Retry-After": {"soon"}}}
			case 4:
				return answer("auth.test", `{"ok":false}`)("auth.test", nil)
			case 5:
				return answer("auth.test", `{"ok":true}`)("auth.test", nil)
			case 6:
				return answer("auth.test", `<html>a captive portal</html>`)("auth.test", nil)
			}
			return nil
		})
		r.start(t)
		synctest.Wait()
		if err := r.s.Ready(); err == nil {
			t.Error("ready before Slack has answered")
		}
		time.Sleep(5 * time.Minute)
		if err := r.s.Ready(); err != nil {
			t.Errorf("not ready after Slack came up: %v", err)
		}
		if err := r.stop(); err != nil {
			t.Error(err)
		}
		if err := r.s.Ready(); err == nil {
			t.Error("ready after the end")
		}
	})
}

func TestRunEndsWhileSlackIsDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, sandbox.SlackOptions{})
		r.Fault(func(string, url.Values) *sandbox.SlackFault { return &sandbox.SlackFault{Drop: true} })
		r.start(t)
		time.Sleep(time.Minute)
		if err := r.stop(); err != nil {
			t.Error(err)
		}
	})
}

func TestOptionsThatCannotWorkAreRefusedWithoutShowingThem(t *testing.T) {
	const secret = "s3cr3t"
	for name, o := range map[string]Options{
		"no bot token":     {AppToken: "xapp-" + secret},
		"tokens swapped":   {BotToken: "xapp-" + secret, AppToken: "xoxb-" + secret},
		"wrong app token":  {BotToken: "xoxb-" + secret, AppToken: "xoxb-" + secret},
		"no mode":          {BotToken: "xoxb-" + secret},
		"no listen":        {BotToken: "xoxb-" + secret, SigningSecret: secret},
		"no URL":           {BotToken: "xoxb-" + secret, AppToken: "xapp-" + secret, APIURL: "slack.com/" + secret},
		"unreadable URL":   {BotToken: "xoxb-" + secret, AppToken: "xapp-" + secret, APIURL: "http://%zz" + secret},
		"websocket as URL": {BotToken: "xoxb-" + secret, AppToken: "xapp-" + secret, APIURL: "wss://slack.com/" + secret},
	} {
		if _, err := New(o); err == nil || strings.Contains(err.Error(), secret) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
