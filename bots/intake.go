package bots

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"strings"
	"unicode/utf8"

	"bobbin/agent"
)

// Agent is what the intake needs of the kernel.
type Agent interface {
	Submit(ctx context.Context, in agent.Inbound) error
	Seen(ctx context.Context, in agent.Inbound) (bool, error)
	Note(ctx context.Context, in agent.Inbound) error
	Known(ctx context.Context, s agent.SessionID) (bool, error)
	Reset(ctx context.Context, s agent.SessionID) error
}

// Intake decides which events are for bobbin, answers commands and hands messages to
// the agent.
type Intake struct {
	Agent Agent
	// Follow names the platforms on which a thread that bobbin is part of needs no
	// mention.
	Follow map[string]bool
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
	if ev.Target.Platform == "" || ev.Target.Channel == "" || ev.MessageID == "" || ev.Author.ID == "" {
		in.ignore(ev, "incomplete")
		return nil
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
		ev.Command, ev.Text = name, rest
	}
	if ev.Command != "" && !strings.EqualFold(ev.Command, "ask") {
		return in.once(ctx, ev, in.command)
	}
	text := strings.TrimSpace(ev.Text)
	switch {
	case text == "" && ev.Command != "":
		return in.say(ctx, ev, "What can I do for you? Write your question after the command.")
	case text == "" && openly(ev):
		return in.say(ctx, ev, "I see no question there, and I can only read text. What can I do for you?")
	case text == "":
		// A picture, perhaps, in a thread: people also speak among themselves there.
		in.ignore(ev, "without text")
		return nil
	case utf8.RuneCountInString(text) > MaxText:
		return in.say(ctx, ev, fmt.Sprintf("That message is too long for me: it has more than %d characters.", MaxText))
	}
	err = in.Agent.Submit(ctx, inbound(ev, text))
	if errors.Is(err, agent.ErrRefused) {
		return in.once(ctx, ev, func(ctx context.Context, ev Event) error {
			if in.Refused != nil {
				in.Refused(ev.Target.Platform)
			}
			return ev.Respond(ctx, agent.Explain(err))
		})
	}
	return err
}

func inbound(ev Event, text string) agent.Inbound {
	return agent.Inbound{
		EventID:   ev.EventID,
		MessageID: ev.MessageID,
		Target:    ev.Target,
		Author:    ev.Author,
		Direct:    ev.Direct,
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
	if ev.Target.Thread == "" || !in.follows(ev.Target.Platform) {
		return false, nil
	}
	known, err := in.Agent.Known(ctx, ev.Target.Session())
	if err != nil {
		return false, fmt.Errorf("is this thread ours: %w", err)
	}
	return known, nil
}

// openly reports whether the event itself says that it speaks to bobbin.
func openly(ev Event) bool { return ev.Addressed || ev.Direct || ev.Command != "" }

func (in *Intake) follows(platform string) bool { return in.Follow[platform] }

// command answers a command. What the person sees of an error is a plain sentence.
func (in *Intake) command(ctx context.Context, ev Event) error {
	c, known := findCommand(ev.Command)
	if !known || c.run == nil {
		c.run = help
	}
	answer, err := c.run(ctx, in, ev)
	if err != nil {
		if in.Log != nil {
			in.Log.ErrorContext(ctx, "a command failed", "command", c.name, "session", ev.Target.Session(), "error", err)
		}
		answer = agent.Explain(err)
	}
	return ev.Respond(ctx, answer)
}

func (in *Intake) ignore(ev Event, why string) {
	if in.Ignored != nil {
		in.Ignored(ev.Target.Platform, why)
	}
}
