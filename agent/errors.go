package agent

import (
	"context"
	"errors"
)

// ErrUndeliverable marks an answer that can never be shown: the channel is gone, or
// bobbin was removed from it.
var ErrUndeliverable = errors.New("the answer cannot be delivered")

// ErrAway is wrapped by the error of a [Replies.Open] whose platform is not connected in
// this run. The turn waits, and goes on in a run in which it is.
var ErrAway = errors.New("the platform is off")

// ErrRefused is wrapped by the error of a Submit that will not take the message, however
// often it is tried now. Such an error is [Public]: the sender has to be told.
var ErrRefused = errors.New("the message is refused")

// ErrInboxFull refuses a message of a session in which too many wait already.
var ErrInboxFull error = inboxFullError{}

type inboxFullError struct{}

func (inboxFullError) Error() string { return "the session's inbox is full" }
func (inboxFullError) Unwrap() error { return ErrRefused }
func (inboxFullError) Public() string {
	return "I have not caught up with what was written here before, so I cannot take this message. Please send it again a little later."
}

// ErrTurnTimeout is the cause of a turn's context when it has taken too long.
var ErrTurnTimeout = errors.New("the turn took too long")

// ErrShutdown is the cause of a turn's context when the daemon stops before the turn
// has ended. The turn stays in the journal and goes on at the next start.
var ErrShutdown = errors.New("the daemon is stopping")

// Public is implemented by errors that carry a sentence which people in chat may
// read: plain, complete, without internals.
type Public interface {
	error
	Public() string
}

// Explain returns the sentence for err that people in chat may read.
func Explain(err error) string {
	if p, ok := errors.AsType[Public](err); ok {
		return p.Public()
	}
	switch {
	case errors.Is(err, ErrTurnTimeout):
		return "This took longer than I am allowed to spend on one answer, so I stopped here."
	case errors.Is(err, context.DeadlineExceeded):
		return "Something I depend on took too long to respond. Please try again."
	}
	return "Something went wrong on my side and I could not finish this answer. Please try again."
}
