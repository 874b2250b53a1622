package workersai

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"bobbin/agent"
)

// ErrTooLong is wrapped by the error of a request that no model of the chain has room
// for: a shorter window may do.
var ErrTooLong = errors.New("the conversation exceeds the model's context")

// Class says what can be done about an Error.
type Class int

// The classes of errors.
const (
	Fatal   Class = iota // the same request will always fail
	Retry                // the same request may succeed soon
	Next                 // this model cannot, another may
	Quota                // the account's day is used up, until 00:00 UTC
	TooLong              // the request is too long for this model
)

func (c Class) String() string {
	switch c {
	case Retry:
		return "retry"
	case Next:
		return "next model"
	case Quota:
		return "quota"
	case TooLong:
		return "too long"
	default:
		return "fatal"
	}
}

// Error is a failed step. It never holds the token or the account id.
type Error struct {
	Code       int           // Cloudflare's; 0: none given
	Status     int           // HTTP; 0: it did not get that far, or it broke off later
	Class      Class         // what can be done
	Model      string        // that was asked
	Message    string        // the provider's words, or bobbin's; at most 500 bytes
	Hint       string        // what the admin can do; may be empty
	RetryAfter time.Duration // asked for by the provider; 0: nothing asked

	retries int           // how often to repeat, for Retry
	verdict time.Duration // how long not to ask the model, for Next
	public  string        // overrides the sentence of the class
	empty   bool          // there was an answer, with nothing in it
	cause   error
}

var _ agent.Public = (*Error)(nil)

func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString("workers ai")
	if e.Model != "" {
		fmt.Fprintf(&b, ": model %s", e.Model)
	}
	if e.Status != 0 {
		fmt.Fprintf(&b, ": HTTP %d", e.Status)
	}
	if e.Code != 0 {
		fmt.Fprintf(&b, ": code %d", e.Code)
	}
	if e.Message != "" {
		fmt.Fprintf(&b, ": %s", e.Message)
	}
	if e.Hint != "" {
		fmt.Fprintf(&b, " (%s)", e.Hint)
	}
	return b.String()
}

// Unwrap returns what caused e, if that was no answer of the provider.
func (e *Error) Unwrap() error { return e.cause }

// Is makes errors of class TooLong match [ErrTooLong].
func (e *Error) Is(target error) bool { return target == ErrTooLong && e.Class == TooLong }

// TooLong reports whether a shorter request may succeed. It lets a caller that does
// not import this package find out through an interface of its own.
func (e *Error) TooLong() bool { return e.Class == TooLong }

// Public returns the sentence for people in chat.
func (e *Error) Public() string {
	if e.public != "" {
		return e.public
	}
	switch e.Class {
	case Retry:
		return "The language model is too busy or not reachable right now. Please try again in a moment."
	case Next:
		return "None of the language models I am set up with is available. The people who run me need to look at my settings."
	case Quota:
		return "Today's allowance for the language model is used up. It is renewed at midnight UTC, so please ask me again after that."
	case TooLong:
		return "This conversation has become too long for the language model. Please start a new thread, or reset this one."
	default:
		return "The language model refused my request, so I cannot answer. The people who run me can find the reason in my log."
	}
}
