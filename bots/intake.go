package bots

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"slices"
	"strings"
	"unicode/utf8"

	"bobbin/agent"
)

// Agent is what the intake needs of the kernel.
type Agent interface {
	Submit(ctx context.Context, in agent.Inbound) (fresh bool, err error)
	Seen(ctx context.Context, in agent.Inbound) (bool, error)
	Note(ctx context.Context, in agent.Inbound) error
	Known(ctx context.Context, s agent.SessionID) (bool, error)
	Reset(ctx context.Context, s agent.SessionID) error
	Running(s agent.SessionID) (agent.TurnID, bool)
	Stop(s agent.SessionID, id agent.TurnID, may agent.May) (bool, error)
	Again(ctx context.Context, s agent.SessionID, id agent.TurnID, may agent.May) error
	Revise(ctx context.Context, s agent.SessionID, m agent.MessageID, text string, withdrawn bool) (bool, error)
}

// Intake decides which events are for bobbin, answers commands and hands messages to
// the agent.
type Intake struct {
	Agent   Agent
	Archive agent.Archive
	// Platforms are those that events come from.
	Platforms []Platform
	// Models may be chosen among; the first that answers is taken otherwise.
	Models []string
	// Window is how many tokens of a conversation a model is sent, as people are told.
	Window int
	// Admins may act on everybody's answers: their ids, by platform.
	Admins map[string][]string
	// AdminCommands names the commands that are for admins only, and for those whom the
	// platform lets use them; see [Event.Permitted].
	AdminCommands []string
	// IgnoreEdits and KeepDeleted leave answers as they are when their questions change
	// or go.
	IgnoreEdits, KeepDeleted bool
	// Welcome greets people where bobbin is new.
	Welcome bool
	// MaxFiles is how many of a message's files are looked at; 0: none.
	MaxFiles int
	// Rated is told what somebody thinks of an answer, and thought before; see
	// [agent.Archive]. May be nil.
	Rated func(platform string, before, rating int)
	// Channels are the rules of the platforms' channels.
	Channels map[string]Channels
	// Ignored is told why an event was left alone. May be nil.
	Ignored func(platform, why string)
	// Refused is told when a message was turned away with a sentence. May be nil.
	Refused func(platform string)
	Log     *slog.Logger // may be nil
}

// MaxText is the longest message that is taken, in characters. It is a bound against
// abuse: the longest that either platform lets a person write is 40,000.
const MaxText = 40_000

// Accept takes one event. Once it has returned nil the message is durable, or was
// answered, or is none of our business; after an error the platform should deliver it
// again.
func (in *Intake) Accept(ctx context.Context, ev Event) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("taking an event panicked: %v\n%s", p, debug.Stack())
		}
	}()
	// Not every platform says whose message was deleted.
	if ev.Target.Platform == "" || ev.Target.Channel == "" || ev.MessageID == "" || ev.Author.ID == "" && ev.Change != Deleted {
		in.ignore(ev, "incomplete")
		return nil
	}
	switch {
	case ev.Press != nil:
		if err := in.find(ctx, &ev, ev.Target.ReplyTo); err != nil {
			return err
		}
		return in.once(ctx, ev, in.press)
	case ev.Change != "":
		if err := in.find(ctx, &ev, ev.MessageID); err != nil {
			return err
		}
		return in.change(ctx, ev)
	case ev.Greet:
		return in.greet(ctx, ev)
	}
	addressed, err := in.addressed(ctx, ev)
	switch {
	case err != nil:
		return err
	case !addressed:
		in.ignore(ev, "not addressed")
		return nil
	}
	if name, rest, ok := typedCommand(ev.Text); ok && ev.Command == "" {
		ev.Command, ev.Text, ev.Typed = name, rest, true
	} else if name, ok := in.plainCommand(ev); ok {
		ev.Command, ev.Text, ev.Typed = name, "", true
	} else if word, ok := mistyped(ev.Text); ok && openly(ev) && ev.Command == "" && len(ev.Files) == 0 {
		ev.Command, ev.Text, ev.Typed = word, "", true
	}
	c, known := findCommand(ev.Command)
	if known && slices.Contains(in.AdminCommands, c.Name) && !ev.Permitted && !in.admin(ev) {
		return in.say(ctx, ev, fmt.Sprintf("Only my admins may use `%s`.", c.Name))
	}
	if ev.Command != "" && (!known || c.run != nil) {
		if err := in.settle(ctx, &ev); err != nil {
			return err
		}
		return in.once(ctx, ev, in.command)
	}
	if err := in.branch(ctx, &ev); err != nil {
		return err
	}
	ev.Command = c.Name
	m, refusal, err := in.message(ctx, ev)
	switch {
	case err != nil:
		return in.once(ctx, ev, func(ctx context.Context, ev Event) error { return in.sorry(ctx, ev, err) })
	case refusal != "":
		return in.say(ctx, ev, refusal)
	case m.Text == "":
		in.ignore(ev, "without text")
		return nil
	}
	return in.submit(ctx, ev, m)
}

// message is what the event asks the agent. It comes with a refusal instead if that is
// nothing to answer, and without a text if nobody waits for an answer.
func (in *Intake) message(ctx context.Context, ev Event) (m agent.Inbound, refusal string, err error) {
	m = inbound(ev, strings.TrimSpace(ev.Text))
	m.Files = ev.Files[:min(len(ev.Files), in.MaxFiles)]
	switch {
	case ev.Command == agent.Compact:
		if known, err := in.known(ctx, ev); err != nil || !known {
			return m, in.none(ev), err
		}
		m.Command, m.Text = agent.Compact, "Sum up this conversation."
		return m, "", nil
	case ev.Command == "summarise":
		m.Text, refusal, err = in.summary(ctx, ev)
		return m, refusal, err
	case utf8.RuneCountInString(m.Text) > MaxText:
		return m, fmt.Sprintf("That message is too long for me: it has more than %d characters.", MaxText), nil
	case ev.Subject != nil:
		m.Text = about(ev)
		m.Files = append(m.Files, ev.Subject.Files[:min(len(ev.Subject.Files), in.MaxFiles-len(m.Files))]...)
	case m.Text != "":
	case len(m.Files) > 0 && (openly(ev) || m.Files[0].Voice):
		m.Text = "(see what I have sent along)"
	case ev.Command != "":
		return m, "What can I do for you? Write your question after the command.", nil
	case openly(ev):
		return m, "I see no question there. What can I do for you?", nil
	}
	// Without a text it is a picture, perhaps, in a thread: people also speak among
	// themselves there.
	return m, "", nil
}

// submit hands a message to the agent. Who has to wait sees that it has arrived.
func (in *Intake) submit(ctx context.Context, ev Event, m agent.Inbound) error {
	_, busy := in.Agent.Running(m.Session())
	marker, can := in.platform(ev.Target.Platform).(Marker)
	m.Waits = busy && can && ev.Command == ""
	fresh, err := in.Agent.Submit(ctx, m)
	if errors.Is(err, agent.ErrRefused) {
		return in.once(ctx, ev, func(ctx context.Context, ev Event) error {
			if in.Refused != nil {
				in.Refused(ev.Target.Platform)
			}
			return ev.Respond(ctx, agent.Explain(err))
		})
	}
	// One that comes again may be what the running turn answers.
	if err == nil && fresh && m.Waits {
		if marked := marker.Mark(ctx, m.Target, m.MessageID, true); marked != nil && in.Log != nil {
			in.Log.DebugContext(ctx, "a message that waits could not be marked", "session", m.Session(), "error", marked)
		}
	}
	return err
}

// session is the conversation that an event belongs to.
func (in *Intake) session(ev Event) agent.SessionID { return inbound(ev, "").Session() }

// platform returns the platform of that name, or nil.
func (in *Intake) platform(name string) Platform {
	for _, p := range in.Platforms {
		if p.Name() == name {
			return p
		}
	}
	return nil
}

func inbound(ev Event, text string) agent.Inbound {
	delivery := ev.EventID
	if ev.Press == nil && (ev.Command == "" || ev.Typed) {
		delivery = "" // what stands as a message is known by its id, however it was delivered
	}
	return agent.Inbound{
		EventID:   delivery,
		MessageID: ev.MessageID,
		Target:    ev.Target,
		Author:    ev.Author,
		Direct:    ev.Direct || ev.Target.User != "",
		Text:      text,
		Sent:      ev.Sent,
		Late:      ev.Late,
	}
}

// once answers what needs no turn, unless the message has arrived before: platforms
// deliver again, tell of one message as two events, and what was missed is read with an
// overlap. A store that fails here costs at worst a second answer.
func (in *Intake) once(ctx context.Context, ev Event, do func(context.Context, Event) error) error {
	seen, err := in.Agent.Seen(ctx, inbound(ev, ""))
	if seen {
		return nil
	}
	if did := do(ctx, ev); did != nil {
		return did
	}
	if err = errors.Join(err, in.Agent.Note(ctx, inbound(ev, ""))); err != nil && in.Log != nil {
		in.Log.ErrorContext(ctx, "an answered message could not be remembered", "session", ev.Target.Session(), "error", err)
	}
	return nil
}

func (in *Intake) say(ctx context.Context, ev Event, sentence string) error {
	return in.once(ctx, ev, func(ctx context.Context, ev Event) error { return ev.Respond(ctx, sentence) })
}

// addressed reports whether the event speaks to bobbin: openly, or by being the next
// message in a thread that it is part of.
func (in *Intake) addressed(ctx context.Context, ev Event) (bool, error) {
	if openly(ev) {
		return true, nil
	}
	if ev.Target.Thread == "" || !in.rules(ev).Follow {
		return false, nil
	}
	known, err := in.Agent.Known(ctx, ev.Target.Session())
	if err != nil {
		return false, fmt.Errorf("is this thread ours: %w", err)
	}
	if !known {
		_, known, err = in.answered(ctx, ev) // a thread below an answer
	}
	return known, err
}

// openly reports whether the event itself says that it speaks to bobbin.
func openly(ev Event) bool { return ev.Addressed || ev.Direct || ev.Command != "" }

// rules are those of the event's channel.
func (in *Intake) rules(ev Event) Rules { return in.Channels[ev.Target.Platform].In(ev.Target.Channel) }

// command answers a command. What the person sees of an error is a plain sentence.
func (in *Intake) command(ctx context.Context, ev Event) error {
	c, known := findCommand(ev.Command)
	if !known || c.run == nil {
		c.run = help
	}
	answer, err := c.run(ctx, in, ev)
	if err != nil {
		return in.sorry(ctx, ev, err)
	}
	if answer == "" {
		return nil
	}
	return ev.Respond(ctx, answer)
}

// sorry tells of a command that failed.
func (in *Intake) sorry(ctx context.Context, ev Event, err error) error {
	if _, told := errors.AsType[agent.Public](err); !told && in.Log != nil {
		in.Log.ErrorContext(ctx, "a command failed", "command", ev.Command, "session", in.session(ev), "error", err)
	}
	return ev.Respond(ctx, agent.Explain(err))
}

func (in *Intake) ignore(ev Event, why string) {
	if in.Ignored != nil {
		in.Ignored(ev.Target.Platform, why)
	}
}
