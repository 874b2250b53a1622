package sandbox_test

import (
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/slack-go/slack"
	"github.com/slack-go/slack/slackevents"
	"github.com/slack-go/slack/socketmode"

	"bobbin/bots/sandbox"
)

func TestSlackMentionArrivesAsTwoEventsOfOneMessage(t *testing.T) {
	r := newSlackRig(t, sandbox.SlackOptions{})
	in := r.connect(t, slackAck)
	ts, err := r.Say("U0ADA", "C0GENERAL", "", "@bobbin a < b?")
	if err != nil {
		t.Fatal(err)
	}
	first, firstID := slackInner(t, in.next(t))
	second, secondID := slackInner(t, in.next(t))
	mention, ok := first.(*slackevents.AppMentionEvent)
	if !ok || mention.TimeStamp != ts || mention.Text != "<@U0BOBBIN> a &lt; b?" || mention.User != "U0ADA" {
		t.Errorf("mention %+v", first)
	}
	message, ok := second.(*slackevents.MessageEvent)
	if !ok || message.TimeStamp != ts || message.ChannelType != "channel" {
		t.Errorf("message %+v", second)
	}
	if firstID == secondID {
		t.Error("the two events have one id")
	}
	if err := r.Settled(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := r.Deliveries(); got != (sandbox.SlackDeliveries{Acked: 2}) {
		t.Errorf("deliveries %+v", got)
	}
}

func TestSlackTellsOfAFrameBeforeItIsSent(t *testing.T) {
	frames := make(chan []byte, 100)
	r := newSlackRig(t, sandbox.SlackOptions{Events: []string{"message.im"}, Sending: func(frame []byte) { frames <- frame }})
	in := r.connect(t, slackAck)
	if _, err := r.Say("U0ADA", r.OpenDM("U0ADA"), "", "hello there"); err != nil {
		t.Fatal(err)
	}
	in.message(t)
	for len(frames) > 0 {
		if strings.Contains(string(<-frames), `"hello there"`) {
			return
		}
	}
	t.Error("the event has arrived, and nothing was told of its frame")
}

func TestSlackSendsOneEventInADMAndNoMentionInAnUnsubscribedChannel(t *testing.T) {
	r := newSlackRig(t, sandbox.SlackOptions{Events: []string{"message.im"}})
	in := r.connect(t, slackAck)
	if _, err := r.Say("U0ADA", "C0GENERAL", "", "@bobbin unheard"); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Say("U0ADA", r.OpenDM("U0ADA"), "", "@bobbin heard"); err != nil {
		t.Fatal(err)
	}
	if m := in.message(t); m.ChannelType != "im" || m.Channel != "D0ADA" || !strings.HasSuffix(m.Text, " heard") {
		t.Errorf("message %+v", m)
	}
	if err := r.Settled(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := r.Deliveries().Acked; got != 1 {
		t.Errorf("%d events", got)
	}
}

func TestSlackTellsTheAppOfItsOwnMessagesAndOfEdits(t *testing.T) {
	r := newSlackRig(t, sandbox.SlackOptions{})
	in := r.connect(t, slackAck)
	_, ts, err := r.api.PostMessage("C0GENERAL", slack.MsgOptionText("one", false))
	if err != nil {
		t.Fatal(err)
	}
	if m := in.message(t); m.BotID != "B0BOBBIN" || m.User != "U0BOBBIN" || m.TimeStamp != ts {
		t.Errorf("own message %+v", m)
	}
	if _, _, _, err := r.api.UpdateMessage("C0GENERAL", ts, slack.MsgOptionText("two", false)); err != nil {
		t.Fatal(err)
	}
	if m := in.message(t); m.SubType != "message_changed" || m.Message.Text != "two" || m.PreviousMessage.Text != "one" {
		t.Errorf("own edit %+v", m)
	}
	said, err := r.Say("U0ADA", "C0GENERAL", "", "three")
	if err != nil {
		t.Fatal(err)
	}
	in.message(t)
	if err := r.Edit("U0ADA", "C0GENERAL", said, "@bobbin three"); err != nil {
		t.Fatal(err)
	}
	if m := in.message(t); m.SubType != "message_changed" || m.Message.Edited == nil {
		t.Errorf("edit %+v", m)
	}
	inner, _ := slackInner(t, in.next(t))
	if m, ok := inner.(*slackevents.AppMentionEvent); !ok || m.Edited == nil || m.TimeStamp != said {
		t.Errorf("mention edited in %+v", inner)
	}
	if err := r.Delete("U0ADA", "C0GENERAL", said); err != nil {
		t.Fatal(err)
	}
	if m := in.message(t); m.SubType != "message_deleted" || m.PreviousMessage.Timestamp != said {
		t.Errorf("deletion %+v", m)
	}
	if err := r.Delete("U0ADA", "C0GENERAL", ts); err == nil {
		t.Error("Ada deleted the bot's message")
	}
}

func TestSlackRedeliversUntilAcked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newSlackRig(t, sandbox.SlackOptions{})
		in := r.connect(t, func(e socketmode.Event) bool { return e.Request.RetryAttempt == 2 })
		start := time.Now()
		if _, err := r.Say("U0ADA", "C0GENERAL", "", "hello"); err != nil {
			t.Fatal(err)
		}
		var id string
		for n, want := range []time.Duration{0, 3500 * time.Millisecond, 66500 * time.Millisecond} {
			e := in.next(t)
			if e.Request.RetryAttempt != n || (n > 0) != (e.Request.RetryReason == "timeout") {
				t.Errorf("attempt %d says %d, %q", n, e.Request.RetryAttempt, e.Request.RetryReason)
			}
			if took := time.Since(start); took != want {
				t.Errorf("attempt %d after %v, want %v", n, took, want)
			}
			_, got := slackInner(t, e)
			if n > 0 && got != id {
				t.Errorf("attempt %d has event id %s, want %s", n, got, id)
			}
			id = got
		}
		time.Sleep(time.Hour)
		if len(in.events) > 0 || r.Deliveries() != (sandbox.SlackDeliveries{Acked: 1}) {
			t.Errorf("after the ack: %d events, %+v", len(in.events), r.Deliveries())
		}
	})
}

func TestSlackGivesUpAfterThreeRedeliveries(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newSlackRig(t, sandbox.SlackOptions{})
		in := r.connect(t, slackNoAck)
		if _, err := r.Say("U0ADA", "C0GENERAL", "", "hello"); err != nil {
			t.Fatal(err)
		}
		if err := r.Settled(t.Context()); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if len(in.events) != 4 || r.Deliveries().Lost != 1 {
			t.Errorf("%d attempts, %+v", len(in.events), r.Deliveries())
		}
	})
}

func TestSlackRedeliversToAClientThatWasAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newSlackRig(t, sandbox.SlackOptions{})
		if _, err := r.Say("U0ADA", "C0GENERAL", "", "anybody?"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(10 * time.Second)
		in := r.connect(t, slackAck)
		e := in.next(t)
		if e.Request.RetryAttempt != 2 || e.Request.RetryReason != "connection_failed" {
			t.Errorf("attempt %d, %q", e.Request.RetryAttempt, e.Request.RetryReason)
		}
	})
}

func TestSlackClientComesBackAfterItsSocketEnds(t *testing.T) {
	ends := map[string]func(*slackRig){
		"dropped":           func(r *slackRig) { r.DropSockets() },
		"warning":           func(r *slackRig) { r.Disconnect("warning") },
		"refresh_requested": func(r *slackRig) { r.Disconnect("refresh_requested") },
	}
	for name, end := range ends {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newSlackRig(t, sandbox.SlackOptions{})
				in := r.connect(t, slackAck)
				end(r)
				in.greeted(t)
				synctest.Wait()
				if n := r.Sockets(); n != 1 {
					t.Errorf("%d sockets", n)
				}
				if _, err := r.Say("U0ADA", "C0GENERAL", "", "hello"); err != nil {
					t.Fatal(err)
				}
				in.message(t)
			})
		})
	}
}

func TestSlackPingsKeepAnIdleClientConnected(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newSlackRig(t, sandbox.SlackOptions{})
		in := r.connect(t, slackAck)
		time.Sleep(time.Hour)
		if len(in.hellos) != 0 || r.Calls("apps.connections.open") != 1 {
			t.Errorf("reconnected %d times", len(in.hellos))
		}
	})
}

func TestSlackClientWithoutPingsReconnects(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newSlackRig(t, sandbox.SlackOptions{PingInterval: -1})
		in := r.connect(t, slackAck)
		time.Sleep(2 * time.Minute)
		if len(in.hellos) == 0 {
			t.Error("the client did not notice")
		}
	})
}

func TestSlackDeafSocketStaysOpenAndHearsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newSlackRig(t, sandbox.SlackOptions{})
		in := r.connect(t, slackAck)
		r.SilenceSockets(true)
		if _, err := r.Say("U0ADA", "C0GENERAL", "", "lost"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Hour)
		if len(in.events)+len(in.hellos) != 0 || r.Deliveries().Lost != 1 || r.Sockets() != 1 {
			t.Errorf("%d events, %d reconnects, %+v", len(in.events), len(in.hellos), r.Deliveries())
		}
		r.SilenceSockets(false)
		if _, err := r.Say("U0ADA", "C0GENERAL", "", "heard"); err != nil {
			t.Fatal(err)
		}
		if m := in.message(t); m.Text != "heard" {
			t.Errorf("heard %q", m.Text)
		}
	})
}

func TestSlackUnknownEnvelopeLeavesTheConnectionAlone(t *testing.T) {
	r := newSlackRig(t, sandbox.SlackOptions{})
	in := r.connect(t, slackAck)
	for _, frame := range []string{
		`{"envelope_id":"e1","type":"novelty","payload":{}}`,
		`{"envelope_id":"e2","type":"events_api","payload":{"type":"event_callback","event":{"type":"novelty"}}}`,
		`{"envelope_id":"e3","type":"slash_commands","payload":[]}`,
	} {
		r.Deliver(frame)
		e := in.next(t)
		bad, ok := e.Data.(*socketmode.ErrorBadMessage)
		if e.Type != socketmode.EventTypeErrorBadMessage || !ok || string(bad.Message) != frame {
			t.Errorf("%s gave %s", frame, e.Type)
		}
	}
	if _, err := r.Say("U0ADA", "C0GENERAL", "", "still there?"); err != nil {
		t.Fatal(err)
	}
	in.message(t)
}

func TestSlackSpreadsEventsOverSocketsEachOnce(t *testing.T) {
	r := newSlackRig(t, sandbox.SlackOptions{})
	one, two := r.connect(t, slackAck), r.connect(t, slackAck)
	for range 10 {
		if _, err := r.Say("U0ADA", "C0GENERAL", "", "hello"); err != nil {
			t.Fatal(err)
		}
	}
	seen := make(map[string]bool)
	for range 5 {
		for _, in := range []*slackInbox{one, two} {
			_, id := slackInner(t, in.next(t))
			seen[id] = true
		}
	}
	if len(seen) != 10 {
		t.Errorf("%d different events", len(seen))
	}
}

func TestSlackRepeatsEventsWhenAsked(t *testing.T) {
	r := newSlackRig(t, sandbox.SlackOptions{})
	in := r.connect(t, slackAck)
	r.Duplicate(1)
	if _, err := r.Say("U0ADA", "C0GENERAL", "", "hello"); err != nil {
		t.Fatal(err)
	}
	r.Again(1)
	var ids, envelopes []string
	for range 3 {
		e := in.next(t)
		_, id := slackInner(t, e)
		ids, envelopes = append(ids, id), append(envelopes, e.Request.EnvelopeID)
	}
	slices.Sort(envelopes)
	if len(slices.Compact(ids)) != 1 || len(slices.Compact(envelopes)) != 3 {
		t.Errorf("event ids %v in envelopes %v", ids, envelopes)
	}
}

func TestSlackRefusesTheEleventhSocket(t *testing.T) {
	r := newSlackRig(t, sandbox.SlackOptions{NoLimits: true})
	for range 10 {
		r.connect(t, slackAck)
	}
	_, url, err := r.api.StartSocketModeContext(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	conn, resp, err := r.dialer.DialContext(t.Context(), url, nil)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	_, frame, err := conn.ReadMessage()
	if err != nil || !strings.Contains(string(frame), "too_many_websockets") {
		t.Errorf("got %s, %v", frame, err)
	}
	_ = conn.Close()
	// A ticket is good for one socket.
	if _, resp, err = r.dialer.DialContext(t.Context(), url, nil); err == nil || resp.StatusCode != 403 {
		t.Errorf("the ticket was good twice: %v", err)
	} else {
		_ = resp.Body.Close()
	}
}
