package slack

import (
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"bobbin/agent"
	"bobbin/bots"
	"bobbin/bots/sandbox"
)

func inChannel(channel, thread string) agent.Address {
	return agent.Address{Platform: "slack", Workspace: "T0SANDBOX", Channel: channel, Thread: thread}
}

func TestDeafConnectionIsReplacedAndWhatItMissedIsRead(t *testing.T) {
	places := map[string]func(r *rig, dm, root string) (agent.Address, string){
		"DM":     func(_ *rig, dm, _ string) (agent.Address, string) { return inChannel(dm, ""), "" },
		"thread": func(_ *rig, _, root string) (agent.Address, string) { return inChannel("C0GENERAL", root), root },
	}
	for name, place := range places {
		t.Run(name, func(t *testing.T) {
			remembering(t, never(), func(t *testing.T, r *rig, m *memory) {
				dm := r.OpenDM("U0ADA")
				r.connect(t)
				root := r.say(t, "U0ADA", "C0GENERAL", "", "@bobbin hello")
				at, thread := place(r, dm, root)
				m.activeIn(at)
				time.Sleep(time.Minute)
				m.texts()

				for round := range 2 {
					r.SilenceSockets(true)
					time.Sleep(2 * time.Minute)
					r.say(t, "U0ADA", at.Channel, thread, "can you hear me?")
					time.Sleep(time.Minute)
					if r.s.Deaf() != round || r.s.Ready() != nil {
						t.Fatalf("deaf too soon: %d, %v", r.s.Deaf(), r.s.Ready())
					}
					time.Sleep(6 * time.Minute)
					if r.s.Deaf() != round+1 || r.Calls("apps.connections.open") != round+2 || r.s.Ready() != nil {
						t.Errorf("%d deaf, %d connections, %v", r.s.Deaf(), r.Calls("apps.connections.open"), r.s.Ready())
					}
					events := m.events()
					if len(events) != 1 || events[0].Text != "can you hear me?" || !events[0].Late || events[0].Target.Thread != thread {
						t.Errorf("got %+v", events)
					}
					r.say(t, "U0ADA", at.Channel, thread, "good")
					want(t, m.texts(), "good")
				}
			})
		})
	}
}

func TestReadyTellsOfADeafConnectionUntilItIsReplaced(t *testing.T) {
	remembering(t, never(), func(t *testing.T, r *rig, m *memory) {
		dm := r.OpenDM("U0ADA")
		m.activeIn(inChannel(dm, ""))
		r.connect(t)
		r.SilenceSockets(true)
		time.Sleep(2 * time.Minute)
		r.say(t, "U0ADA", dm, "", "can you hear me?")
		r.Fault(func(method string, _ url.Values) *sandbox.SlackFault {
			if method == "apps.connections.open" {
				return &sandbox.SlackFault{Drop: true}
			}
			return nil
		})
		time.Sleep(10 * time.Minute)
		if err := r.s.Ready(); err == nil || r.s.Deaf() != 1 {
			t.Errorf("%d deaf, Ready: %v", r.s.Deaf(), err)
		}
		want(t, m.texts())
		r.Fault(nil)
		time.Sleep(2 * time.Minute)
		if err := r.s.Ready(); err != nil {
			t.Error(err)
		}
		want(t, m.texts(), "can you hear me?")
	})
}

func TestQuietWorkspaceKeepsItsConnectionAndCostsFewCalls(t *testing.T) {
	remembering(t, never(), func(t *testing.T, r *rig, m *memory) {
		dm := r.OpenDM("U0ADA")
		r.connect(t)
		root := r.say(t, "U0ADA", "C0GENERAL", "", "@bobbin hello")
		r.say(t, "U0ADA", dm, "", "hello")
		for range 10 {
			m.active = append(m.active, inChannel(dm, ""), inChannel("C0GENERAL", root))
		}
		if _, err := r.s.Post(t.Context(), general(root), "K", page("mine, whose event is the last")); err != nil {
			t.Fatal(err)
		}
		calls := func() int {
			return r.Calls(historyMethod) + r.Calls(repliesMethod) + r.Calls(listMethod) + r.Calls("auth.test")
		}
		time.Sleep(time.Minute)
		before := calls()
		time.Sleep(100 * time.Minute)
		if n := calls() - before; n > 60 {
			t.Errorf("%d calls in 100 minutes", n)
		}
		if r.Calls("apps.connections.open") != 1 || r.s.Deaf() != 0 || r.s.Ready() != nil {
			t.Errorf("%d connections, %d deaf, %v", r.Calls("apps.connections.open"), r.s.Deaf(), r.s.Ready())
		}
	})
}

func TestOwnMessagesProveNoDeafness(t *testing.T) {
	o := never()
	o.Events = []string{"app_mention"}
	remembering(t, o, func(t *testing.T, r *rig, m *memory) {
		r.connect(t)
		root := r.say(t, "U0ADA", "C0GENERAL", "", "@bobbin hello")
		m.activeIn(inChannel("C0GENERAL", root))
		for range 10 {
			time.Sleep(4 * time.Minute)
			if _, err := r.s.Post(t.Context(), general(root), "K", page("still at it")); err != nil {
				t.Fatal(err)
			}
		}
		if r.Calls("apps.connections.open") != 1 || r.s.Deaf() != 0 {
			t.Errorf("%d connections, %d deaf", r.Calls("apps.connections.open"), r.s.Deaf())
		}
	})
}

func TestMessageThatIsOnItsWayProvesNoDeafness(t *testing.T) {
	o := never()
	o.Redeliver = []time.Duration{10 * time.Second}
	o.AckTimeout = 2 * time.Second
	remembering(t, o, func(t *testing.T, r *rig, m *memory) {
		dm := r.OpenDM("U0ADA")
		m.activeIn(inChannel(dm, ""))
		r.connect(t)
		r.SilenceSockets(true)
		time.Sleep(5*time.Minute - time.Second)
		r.say(t, "U0ADA", dm, "", "slow")
		r.SilenceSockets(false)
		time.Sleep(5 * time.Minute)
		if r.Calls(historyMethod) == 0 {
			t.Error("the silence was not looked into")
		}
		if r.Calls("apps.connections.open") != 1 || r.s.Deaf() != 0 {
			t.Errorf("%d connections, %d deaf", r.Calls("apps.connections.open"), r.s.Deaf())
		}
		want(t, m.texts(), "slow")
	})
}

func TestMissingSubscriptionIsNotMistakenForDeafnessAgainAndAgain(t *testing.T) {
	o := never()
	o.Events = []string{"app_mention"}
	remembering(t, o, func(t *testing.T, r *rig, m *memory) {
		r.connect(t)
		root := r.say(t, "U0ADA", "C0GENERAL", "", "@bobbin hello")
		m.activeIn(inChannel("C0GENERAL", root))
		for range 8 * 60 {
			time.Sleep(time.Minute)
			r.say(t, "U0GRACE", "C0GENERAL", root, "chatter that no event tells of")
		}
		if n := r.Calls("apps.connections.open"); n > 13 {
			t.Errorf("%d connections in eight hours", n)
		}
	})
}

func TestProbeThatFailsReplacesNothing(t *testing.T) {
	remembering(t, never(), func(t *testing.T, r *rig, m *memory) {
		dm := r.OpenDM("U0ADA")
		m.activeIn(inChannel(dm, ""), inChannel("C0GENERAL", "1.000001"), inChannel("C0GONE", ""))
		r.connect(t)
		for _, body := range []string{`{"ok":false,"error":"missing_scope"}`, `nonsense`, `{"ok":true,"messages":[null,7,{"ts":"x"}]}`} {
			r.Fault(answer(historyMethod, body))
			time.Sleep(10 * time.Minute)
		}
		if r.Calls(historyMethod) < 6 || r.Calls("apps.connections.open") != 1 || r.s.Deaf() != 0 {
			t.Errorf("%d calls, %d connections, %d deaf", r.Calls(historyMethod), r.Calls("apps.connections.open"), r.s.Deaf())
		}
	})
}

// TestHTTPModeReportsThatNoEventsCome drives the watch as Run does in HTTP mode, whose
// listener cannot be in virtual time.
func TestHTTPModeReportsThatNoEventsCome(t *testing.T) {
	remembering(t, never(), func(t *testing.T, r *rig, m *memory) {
		dm := r.OpenDM("U0ADA")
		m.activeIn(inChannel(dm, ""))
		if err := r.s.authenticate(t.Context()); err != nil {
			t.Fatal(err)
		}
		in := newIntake(r.s, m.take)
		in.start(t.Context())
		in.wg.Go(func() { r.s.listen(t.Context(), in) })
		t.Cleanup(in.wait)
		r.s.health.set(nil)
		r.s.isUp(nil)
		time.Sleep(2 * time.Minute)
		r.say(t, "U0ADA", dm, "", "can you hear me?")
		time.Sleep(10 * time.Minute)
		if err := r.s.Ready(); err == nil || !strings.Contains(err.Error(), "request URL") || r.s.Deaf() != 1 {
			t.Errorf("%d deaf, Ready: %v", r.s.Deaf(), err)
		}
		want(t, m.texts(), "can you hear me?")
		r.s.arrives(&callback{}, bots.Event{}, "event reaction_added")
		synctest.Wait()
		if err := r.s.Ready(); err != nil {
			t.Errorf("after an event: %v", err)
		}
	})
}
