package sandbox_test

import (
	"context"
	"errors"
	"sync"
	"testing"

	"github.com/slack-go/slack"
	"github.com/slack-go/slack/slackevents"
	"github.com/slack-go/slack/socketmode"

	"bobbin/bots/sandbox"
)

// slackListener is an app on Socket Mode that acks everything: what people do with what
// answer says.
type slackListener struct {
	*slackRig
	t      *testing.T
	events chan slackevents.EventsAPIInnerEvent
	acts   chan slack.InteractionCallback

	mu     sync.Mutex
	answer func(slack.InteractionCallback) any
}

func newSlackListener(t *testing.T, o sandbox.SlackOptions) *slackListener {
	t.Helper()
	a := &slackListener{
		slackRig: newSlackRig(t, o), t: t,
		events: make(chan slackevents.EventsAPIInnerEvent, 1000), acts: make(chan slack.InteractionCallback, 1000),
	}
	client := socketmode.New(a.api, a.socketOptions()...)
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := client.RunContext(ctx); !errors.Is(err, context.Canceled) {
			t.Errorf("run: %v", err)
		}
	})
	hello := make(chan struct{}, 100)
	wg.Go(func() {
		for {
			select {
			case e := <-client.Events:
				if e.Type == socketmode.EventTypeHello {
					hello <- struct{}{}
				}
				a.take(ctx, client, e)
			case <-ctx.Done():
				return
			}
		}
	})
	t.Cleanup(func() { cancel(); wg.Wait() })
	select {
	case <-hello:
	case <-t.Context().Done():
		t.Fatal("no hello")
	}
	return a
}

func (a *slackListener) take(ctx context.Context, client *socketmode.Client, e socketmode.Event) {
	if e.Request == nil {
		return
	}
	var payload any
	switch data := e.Data.(type) {
	case slackevents.EventsAPIEvent:
		a.events <- data.InnerEvent
	case slack.InteractionCallback:
		a.mu.Lock()
		answer := a.answer
		a.mu.Unlock()
		if answer != nil {
			payload = answer(data)
		}
		a.acts <- data
	default:
		return
	}
	if err := client.AckCtx(ctx, e.Request.EnvelopeID, payload); err != nil && ctx.Err() == nil {
		a.t.Errorf("ack: %v", err)
	}
}

// answers says what the acks of what people do hold.
func (a *slackListener) answers(f func(slack.InteractionCallback) any) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.answer = f
}

// act returns the next thing that a person did.
func (a *slackListener) act() slack.InteractionCallback {
	a.t.Helper()
	select {
	case i := <-a.acts:
		return i
	case <-a.t.Context().Done():
		a.t.Fatal("nobody did anything")
		panic("unreachable")
	}
}

// slackEvent returns the next event, which must be an E.
func slackEvent[E any](a *slackListener) E {
	a.t.Helper()
	select {
	case e := <-a.events:
		v, ok := e.Data.(E)
		if !ok {
			a.t.Fatalf("got %T, want %T", e.Data, *new(E))
		}
		return v
	case <-a.t.Context().Done():
		a.t.Fatal("no event")
		panic("unreachable")
	}
}

// say lets Ada say something in #general and takes the event.
func (a *slackListener) say(text string) (ts string) {
	a.t.Helper()
	ts, err := a.Say("U0ADA", "C0GENERAL", "", text)
	if err != nil {
		a.t.Fatal(err)
	}
	if e := slackEvent[*slackevents.MessageEvent](a); e.TimeStamp != ts {
		a.t.Fatalf("the event is of %s, not %s", e.TimeStamp, ts)
	}
	return ts
}

// post lets the app post in #general and takes the event.
func (a *slackListener) post(options ...slack.MsgOption) (ts string) {
	a.t.Helper()
	_, ts, err := a.api.PostMessageContext(a.t.Context(), "C0GENERAL", options...)
	if err != nil {
		a.t.Fatal(err)
	}
	slackEvent[*slackevents.MessageEvent](a)
	return ts
}

func (a *slackListener) message(ts string) sandbox.Message {
	a.t.Helper()
	m, ok := a.World().Message("C0GENERAL", ts)
	if !ok {
		a.t.Fatalf("there is no message %s", ts)
	}
	return m
}

func slackCode(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
