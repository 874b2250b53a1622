package botstest

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"bobbin/bots"
)

func mentions(b *bot) {
	b.Mention("what is spinning?")
	ev := b.one()
	b.check(ev)
	if !ev.Addressed || ev.Direct || ev.Command != "" || ev.Text != "what is spinning?" {
		b.Errorf("got %+v", ev)
	}
	if ev.Target.Workspace == "" {
		b.Error("a channel belongs to no workspace")
	}
}

func directs(b *bot) {
	b.Direct("just us")
	ev := b.one()
	b.check(ev)
	if !ev.Addressed || !ev.Direct || ev.Text != "just us" {
		b.Errorf("got %+v", ev)
	}
}

// check checks what every event has.
func (b *bot) check(ev bots.Event) {
	b.Helper()
	switch {
	case ev.Target.Platform != b.Platform.Name():
		b.Errorf("the platform is %q", ev.Target.Platform)
	case ev.Target.Channel == "", ev.MessageID == "", ev.Author.ID == "", ev.Respond == nil:
		b.Errorf("incomplete: %+v", ev)
	case ev.Sent.IsZero(): // and not more: a bubble's year is before Discord's first
		b.Errorf("sent at no time: %+v", ev)
	}
}

func followUps(b *bot) {
	for name, ask := range map[string]func(string){"mention": b.Mention, "direct": b.Direct} {
		ask("hello")
		first := b.one()
		b.post(first.Target, "KEY-"+name[:1], "hi")
		b.FollowUp(first.Target, "and on")
		next := b.one()
		b.check(next)
		if next.Target.Session() != first.Target.Session() {
			b.Errorf("%s: the session is %q, and was %q", name, next.Target.Session(), first.Target.Session())
		}
		if next.MessageID == first.MessageID || next.Text != "and on" || next.Addressed != (name == "direct") {
			b.Errorf("%s: got %+v", name, next)
		}
	}
}

func sessions(b *bot) {
	first := b.asked()
	second := b.asked()
	b.Direct("hello")
	third := b.one().Target
	if first.Session() == second.Session() || second.Session() == third.Session() || first.Session() == third.Session() {
		b.Errorf("sessions are %q, %q and %q", first.Session(), second.Session(), third.Session())
	}
}

func refused(b *bot) {
	if b.Redelivery == 0 {
		b.Skip("this platform delivers once")
	}
	tries := 0
	b.onAccept(func(bots.Event) error {
		if tries++; tries < 3 {
			return errors.New("disk on fire")
		}
		return nil
	})
	b.Direct("keep me")
	time.Sleep(b.Redelivery)
	if ev := b.one(); ev.Text != "keep me" || tries != 3 {
		b.Errorf("after %d tries: %+v", tries, ev)
	}
}

func responds(b *bot) {
	b.Mention("hello")
	ev := b.one()
	if err := ev.Respond(b.ctx, "Between **us**."); err != nil {
		b.Errorf("Respond: %v", err)
	}
	synctest.Wait()
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.events) != 0 {
		b.Errorf("bobbin hears itself: %+v", b.events)
	}
}

// busy ends Run while events come and none is accepted.
func busy(t *testing.T, open func(*testing.T) Rig) {
	run(t, open, func(b *bot) {
		b.onAccept(func(bots.Event) error { return errors.New("disk on fire") })
		for range 5 {
			b.Mention("hello")
			b.Direct("hello")
		}
	})
}
