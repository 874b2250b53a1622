package botstest

import (
	"errors"
	"testing/synctest"
	"time"

	"bobbin/agent"
	"bobbin/bots"
)

// presses has a person press buttons: each press is an event of its own that names the
// turn, in the session of the answer that the button stands under.
func presses(b *bot) {
	if b.Press == nil {
		b.Skip("this platform has no buttons")
	}
	for name, ask := range map[string]func(string){"mention": b.Mention, "direct": b.Direct} {
		ask("hello")
		to := b.one().Target
		m := b.page("answer")
		m.Buttons = []bots.Button{{Action: bots.Stop, Turn: "TURN2"}, {Action: bots.Up, Turn: "TURN2"}}
		id, err := b.Platform.Post(b.ctx, to, "KEY-"+name[:1], m)
		if err != nil {
			b.Fatal(err)
		}
		seen := make(map[agent.MessageID]bool)
		for _, button := range append(m.Buttons, m.Buttons[0]) {
			b.Press(to, id, button.Action)
			ev := b.one()
			b.check(ev)
			switch {
			case ev.Press == nil || *ev.Press != button:
				b.Errorf("%s: pressed %+v, got %+v", name, button, ev)
			case ev.Target.Session() != to.Session():
				b.Errorf("%s: pressed in session %q, the answer is in %q", name, ev.Target.Session(), to.Session())
			case ev.Text != "" || ev.Command != "" || ev.Direct != (name == "direct"):
				b.Errorf("%s: got %+v", name, ev)
			case seen[ev.MessageID] || ev.MessageID == id:
				b.Errorf("%s: the press is called %q, which is not its own", name, ev.MessageID)
			}
			seen[ev.MessageID] = true
			if err := ev.Respond(b.ctx, "Noted."); err != nil {
				b.Errorf("%s: Respond: %v", name, err)
			}
		}
	}
}

// pressedInVain has a press not accepted: it never comes again, so the person is told.
func pressedInVain(b *bot) {
	if b.Press == nil {
		b.Skip("this platform has no buttons")
	}
	to := b.asked()
	m := b.page("answer")
	m.Buttons = []bots.Button{{Action: bots.Retry, Turn: "TURN2"}}
	id, err := b.Platform.Post(b.ctx, to, "KEY-2", m)
	if err != nil {
		b.Fatal(err)
	}
	before := len(b.Whispers(to))
	b.onAccept(func(bots.Event) error { return errors.New("disk on fire") })
	b.Press(to, id, bots.Retry)
	time.Sleep(10 * time.Second) // it may be offered again a few times
	synctest.Wait()
	if told := b.Whispers(to); len(told) != before+1 {
		b.Errorf("told %q", told)
	}
}
