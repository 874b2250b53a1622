package slack

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"

	"bobbin/bots"
)

// The callback ids of the entries in a message's menu.
const (
	askShortcut       = "ask_about"
	summariseShortcut = "summarise"
)

// Shortcut is an entry that the app's manifest has to put into the menu of a message.
type Shortcut struct{ CallbackID, Name string }

// Shortcuts returns the entries that this package knows what to do with.
func Shortcuts() []Shortcut {
	return []Shortcut{{askShortcut, "Ask bobbin about this"}, {summariseShortcut, "Summarise this thread"}}
}

// shortcutCommands are the commands that the entries are.
var shortcutCommands = map[string]string{askShortcut: "ask", summariseShortcut: "summarise"}

var errNoSubject = errors.New("slack: the message is not there")

// use reads which entry of a message's menu was used. It works in channels that bobbin is
// not in, where it can neither read nor write, so that is looked into first.
func (g *gesture) use(i interaction, on past) (ignored string) {
	name := shortcutCommands[i.CallbackID]
	if name == "" {
		return "shortcut"
	}
	var m written
	if json.Unmarshal(i.Message, &m) != nil {
		return "malformed"
	}
	m.post = on.post
	s := g.in.s
	q := s.quote(m)
	g.event.Command, g.event.Subject = name, &q
	g.check = func(ctx context.Context) string {
		_, _, err := s.one(ctx, on.Channel, cmp.Or(on.ThreadTS, on.TS))
		switch {
		case absentCodes[code(err)] && g.event.Direct:
			return "I cannot read this conversation. Write to me directly, or ask in a channel that I am in."
		case absentCodes[code(err)]:
			return s.invitation()
		}
		return "" // whatever else is wrong is for those who read and answer
	}
	if i.CallbackID == askShortcut {
		g.open = func(ctx context.Context) error {
			ctx, cancel := context.WithTimeout(ctx, formTimeout)
			defer cancel()
			return s.askAbout(ctx, i.TriggerID, on.post)
		}
	}
	g.fill = func(ctx context.Context, ev *bots.Event) error {
		s.learnNames(ctx, []written{m})
		*ev.Subject = s.quote(m)
		return nil
	}
	return ""
}

// invitation says how to have bobbin in a channel.
func (s *Slack) invitation() string {
	return "I am not in this channel. Invite me with `/invite @" + cmp.Or(s.identity().name, "bobbin") + "` and ask again."
}
