package bots

import (
	"context"
	"errors"
	"time"

	"bobbin/agent"
)

// Platform is one chat service that one bot account is connected to. Its methods
// are safe for concurrent use. An ability that only some platforms have is an
// interface of its own, found by type assertion; see [Typist].
type Platform interface {
	// Name is what the platform is called in an Address: "slack", "discord".
	Name() string
	// Run connects and hands events to accept until ctx ends, reconnecting as
	// needed. A nil from accept means that the platform may be told that the event
	// has arrived; after an error it is left to be delivered again. Run returns nil
	// when ctx has ended, and an error only for what reconnecting cannot mend.
	Run(ctx context.Context, accept func(context.Context, Event) error) error
	// Ready says why the platform is not connected, or nil.
	Ready() error
	// Post sends a new message. The platform keeps key with it, so that Find can
	// tell whether a Post whose answer was lost has happened.
	Post(ctx context.Context, to agent.Target, key string, m Message) (agent.MessageID, error)
	// Find returns the message that was posted with key, or an error that wraps
	// ErrNotFound.
	Find(ctx context.Context, to agent.Target, key string) (agent.MessageID, error)
	// Edit replaces a message that Post returned. An error that wraps ErrGone says
	// that this message can no longer be edited, although others may be posted.
	Edit(ctx context.Context, to agent.Target, id agent.MessageID, m Message) error
	// Delete removes a message that Post returned. One that is not there any more is no
	// error.
	Delete(ctx context.Context, to agent.Target, id agent.MessageID) error
	// Render turns Markdown into messages within the platform's limits. It is pure.
	// The Sources of the messages, joined, are the Markdown byte for byte. For
	// Markdown that grows at its end, all messages but the last stay as they are.
	// Markdown that is blank gives no messages.
	Render(markdown string) []Message
	// Budget says how often Post and Edit may be called for an answer at to.
	Budget(to agent.Target) Budget
}

// Post and Edit fail with a [RetryAfterError] when the platform asks to wait, with
// an error that wraps [agent.ErrUndeliverable] when nothing can ever be posted there,
// with one that wraps [ErrRejected] when the platform refuses this message, and
// otherwise with an error that leaves open whether the message was posted.

// ErrRejected is wrapped by the error of a Post or Edit that the platform has answered
// with a no that lies in the message, as a filter's, or that the adapter does not know.
// Nothing was posted. Asking again may help once or twice, not for ever.
var ErrRejected = errors.New("the platform refuses the message")

// ErrNotFound is wrapped by the error of a Find that finds nothing.
var ErrNotFound = errors.New("no message with that key")

// ErrGone is wrapped by the error of an Edit of a message that was deleted, or that
// the platform no longer lets be edited.
var ErrGone = errors.New("the message can no longer be edited")

// RetryAfterError asks to wait before the same method is called again.
type RetryAfterError struct {
	After time.Duration
	Err   error
}

func (e *RetryAfterError) Error() string { return e.Err.Error() + ", retry after " + e.After.String() }

// Unwrap returns the platform's own error.
func (e *RetryAfterError) Unwrap() error { return e.Err }

// Typist is a platform that can show that bobbin is at work before there is any text.
type Typist interface {
	// Typing shows the sign; doing says in a few words what is being done, where
	// the platform can show words. The sign goes by itself when a message is posted
	// or after the returned time, whichever is first; 0 means it does not go by
	// itself. An empty doing takes the sign away where it does not go by itself.
	Typing(ctx context.Context, to agent.Target, doing string) (lasts time.Duration, err error)
}

// Message is what Post and Edit show: one message within the platform's limits.
type Message struct {
	Text   string // in the platform's mark-up
	Plain  string // plain text for notifications, where the platform wants one
	Source string // the piece of Render's Markdown that Text shows
}

// Budget is how often a platform lets an answer be changed.
type Budget struct {
	Post, Edit Rate
}

// Rate is a token bucket: Burst calls at once, then one each Every. Calls with the
// same Scope share it.
type Rate struct {
	Scope string
	Every time.Duration
	Burst int
}

// Event is something a person did on a platform that may concern bobbin.
type Event struct {
	EventID   string          // of the delivery; may be empty
	MessageID agent.MessageID // of the message or interaction
	// Target.Address is the session that an answer would belong to. If that session
	// is a thread yet to be opened, Thread names it all the same.
	Target agent.Target
	Author agent.Author
	Direct bool // in a DM: nobody else speaks here
	// Addressed says that the message speaks to bobbin: a mention, a DM, an answer
	// to one of its messages, a command.
	Addressed bool
	// Command is the name of a command, without slash; empty for a message.
	Command string
	// Text is Markdown: the message without bobbin's mention, or the command's
	// arguments.
	Text string
	Sent time.Time
	// Late says that the message was read after the fact, because nobody listened when
	// it was sent.
	Late bool
	// Respond tells the author something that is no part of the conversation,
	// privately where the platform can. It may be called once. Never nil.
	Respond func(ctx context.Context, markdown string) error
}
