package bots

import (
	"context"
	"fmt"

	"bobbin/agent"
)

// Reply says that a message goes on from an answer of bobbin's.
type Reply struct {
	// To is the message that may be one of an answer: that was replied to, or that the
	// message's thread hangs on.
	To agent.MessageID
	// Branch is where the conversation goes on if it does not go on with that answer's. It
	// is nil in a thread.
	Branch *agent.Target
}

// find moves an event about a message to the session of that message.
func (in *Intake) find(ctx context.Context, ev *Event, about agent.MessageID) error {
	at, found, err := in.locate(ctx, *ev, about)
	if err == nil && found {
		ev.Target.Address, _ = at.Session.Address()
	}
	return err
}

// locate returns where a message belongs, unless that is in another channel.
func (in *Intake) locate(ctx context.Context, ev Event, m agent.MessageID) (agent.Location, bool, error) {
	if m == "" {
		return agent.Location{}, false, nil
	}
	at, found, err := in.Archive.Locate(ctx, ev.Target.Platform, m)
	if err != nil {
		return at, false, fmt.Errorf("find the conversation of a message: %w", err)
	}
	a, ok := at.Session.Address()
	return at, found && ok && a.Platform == ev.Target.Platform && a.Workspace == ev.Target.Workspace && a.Channel == ev.Target.Channel, nil
}

// answered returns the answer that an event goes on from, if there is one.
func (in *Intake) answered(ctx context.Context, ev Event) (agent.Location, bool, error) {
	if ev.Reply == nil {
		return agent.Location{}, false, nil
	}
	at, found, err := in.locate(ctx, ev, ev.Reply.To)
	return at, found && at.Reply, err
}

// settle finds the session of an event that replies to an answer of bobbin's, without
// beginning one.
func (in *Intake) settle(ctx context.Context, ev *Event) error {
	at, found, err := in.answered(ctx, *ev)
	if err == nil && found && ev.Reply.Branch != nil && own(at, *ev) {
		ev.Target.Address, _ = at.Session.Address()
	}
	return err
}

// own reports whether the session at is one that the author of the event speaks in.
func own(at agent.Location, ev Event) bool {
	a, _ := at.Session.Address()
	return a.User == "" || a.User == ev.Author.ID
}

// branch is settle for a message: where the conversation has gone on since the answer, or
// the message stands in a thread below it, or the answer was somebody else's, it begins a
// session that starts from there.
func (in *Intake) branch(ctx context.Context, ev *Event) error {
	at, found, err := in.answered(ctx, *ev)
	if err != nil || !found {
		return err
	}
	// It may come again when the conversation has gone on.
	if before, taken, err := in.locate(ctx, *ev, ev.MessageID); err != nil {
		return err
	} else if taken {
		ev.Target.Address, _ = before.Session.Address()
		return nil
	}
	to := ev.Reply.Branch
	switch {
	case to == nil && at.Session == ev.Target.Session():
		return nil
	case to == nil:
		to = &ev.Target
	case at.Newest && own(at, *ev):
		return in.settle(ctx, ev)
	}
	if _, err := in.Archive.Fork(ctx, at.Session, to.Session(), ev.Reply.To); err != nil {
		return fmt.Errorf("start from an answer: %w", err)
	}
	ev.Target = *to
	return nil
}

// Threader is a platform that can open a thread for a conversation.
type Threader interface {
	// OpenThread posts Markdown in the channel of a place and opens a thread below it. It
	// returns the thread, and a link to it for people, which may be empty. With the same
	// key it may return what it opened before. Its errors say in plain words why there can
	// be no thread.
	OpenThread(ctx context.Context, at agent.Address, key, markdown string) (thread agent.Address, link string, err error)
}

// fork opens a thread that starts from where the conversation is, or from the answer that
// the command replies to.
func fork(ctx context.Context, in *Intake, ev Event) (string, error) {
	threader, can := in.platform(ev.Target.Platform).(Threader)
	if !can {
		return "I cannot open threads here.", nil
	}
	from, after := in.session(ev), agent.MessageID("")
	at, found, err := in.answered(ctx, ev)
	if err != nil {
		return "", err
	}
	if found {
		from, after = at.Session, ev.Reply.To
	}
	info, err := in.Archive.Session(ctx, from)
	switch {
	case err != nil:
		return "", err
	case info.Entries == 0 && after == "":
		return in.none(ev), nil
	}
	who := plainName(ev.Author.Name)
	thread, link, err := threader.OpenThread(ctx, ev.Target.Address, string(ev.MessageID),
		"**"+who+"** goes on here from an earlier conversation. I know what was said in it up to that point; what is said here does not count there.")
	if err != nil {
		return "", err
	}
	if _, err := in.Archive.Fork(ctx, from, thread.Session(), after); err != nil {
		return "", err
	}
	if link == "" {
		return "I opened a new thread in the channel that goes on from here. This conversation stays as it is.", nil
	}
	return "I opened [a new thread](" + link + ") that goes on from here. This conversation stays as it is.", nil
}
