package bots

import (
	"context"
	"errors"
	"fmt"
	"slices"
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

// An Upload that fails with ErrRejected may say why: asking again never helps then.
var (
	ErrTooLarge = fmt.Errorf("%w: the file is too large", ErrRejected)
	ErrNoFiles  = fmt.Errorf("%w: files may not be posted there", ErrRejected)
)

// ErrNotFound is wrapped by the error of a Find that finds nothing.
var ErrNotFound = errors.New("no message with that key")

// ErrGone is wrapped by the error of an Edit of a message that was deleted, or that
// the platform no longer lets be edited.
var ErrGone = errors.New("the message can no longer be edited")

// RetryAfterError asks to wait before the same method is called again.
type RetryAfterError struct {
	After time.Duration
	Err   error
	// Scope is whose calls are to wait, if not those of the method's own [Rate]: for
	// example that of the [Limit] it lies within.
	Scope string
	// Unsent says that no call was made, since the platform had asked to wait before.
	// It is no sign that calls come too fast.
	Unsent bool
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

// Message is what Post and Edit show: one message within the platform's limits. Render
// sets the texts; whoever posts adds what frames them. Render leaves room for a Head and
// a Foot of [MaxFrame] characters each.
type Message struct {
	Text   string // in the platform's mark-up; empty: there is only a Head so far
	Plain  string // plain text for notifications, where the platform wants one
	Source string // the piece of Render's Markdown that Text shows

	Head    string   // one discreet line above Text, plain text: what is being done
	Foot    string   // one discreet line below Text, plain text: what it took
	Buttons []Button // below all else; at most 5
	// Final says that the message is not expected to change any more. Only a [Streamer]
	// is told.
	Final bool
	// File is what is posted instead of a text. The platform is an [Uploader] then.
	File *Upload
}

// MaxFrame is the longest Head or Foot, in characters.
const MaxFrame = 150

// Same reports whether m and o look the same. A stream that has yet to be ended does not
// look like one that has.
func (m Message) Same(o Message) bool {
	return m.Text == o.Text && m.Head == o.Head && m.Foot == o.Foot && m.Final == o.Final &&
		m.File == o.File && slices.Equal(m.Buttons, o.Buttons)
}

// Button asks something of bobbin that concerns one turn. A platform keeps Action and
// Turn with the button, so that it works for as long as the message stands.
type Button struct {
	Action Action
	Turn   agent.TurnID
}

// Action is what pressing a [Button] asks for.
type Action string

// The actions.
const (
	Stop  Action = "stop"  // end the answer as it is
	Retry Action = "retry" // answer again
	Up    Action = "up"    // a good answer
	Down  Action = "down"  // a bad one
)

// Label is what people read on a button that asks for a.
func (a Action) Label() string {
	switch a {
	case Stop:
		return "Stop"
	case Retry:
		return "Try again"
	case Up:
		return "👍"
	case Down:
		return "👎"
	}
	return string(a)
}

// Budget is how often a platform lets an answer be changed.
type Budget struct {
	Post, Edit Rate
}

// Rate is how often calls may be made that share a Scope: a [Limit] of their own, and
// one Within which they are counted together with the calls of other scopes.
type Rate struct {
	Scope  string
	Every  time.Duration
	Burst  int
	Window time.Duration
	// Within is zero if there is no such limit.
	Within Limit
}

// Limit is what a platform allows the calls of a Scope: Burst calls at once, then one
// each Every. If the platform counts in periods, Window is such a period, and no period of
// that length sees more than Window/Every calls, bursts included. An Every of zero means
// no limit.
type Limit struct {
	Scope  string
	Every  time.Duration
	Burst  int
	Window time.Duration
}

// Meter is a platform whose answers say how much of a [Limit] is left.
type Meter interface {
	// Meter has report called with what an answer says, and with calls that count against a
	// limit although they are neither Post nor Edit. It is called before Run; report may be
	// called by several goroutines at once, and does not block.
	Meter(report func(Usage))
}

// Usage is how much of a limit is left in the platform's own count.
type Usage struct {
	Scope     string        // of the [Rate] or [Limit]
	Limit     int           // calls in a period; 0 if the platform did not say
	Remaining int           // calls left in this one
	Reset     time.Duration // until the next begins
	Spent     int           // calls made besides Post and Edit that count too
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
	// Typed says that Command stood in a message. The intake sets it.
	Typed bool
	// Permitted says that the platform itself has looked whether the author may use the
	// command, where it is for admins.
	Permitted bool
	// Text is Markdown: the message without bobbin's mention, or the command's
	// arguments.
	Text string
	Sent time.Time
	// Late says that the message was read after the fact, because nobody listened when
	// it was sent.
	Late bool
	// Press is the button that was pressed; the event says nothing else then. MessageID
	// is the press's own, and Target.ReplyTo the message that it stands under.
	Press *Button
	// Change says that the message MessageID was changed by its author. Text is what it
	// says now. Whose message was deleted may not be known: Author is zero then.
	Change Change
	// Files were sent with the message.
	Files []agent.File
	// Subject is the message that the event is about: that a command was used on, from its
	// menu or with a reaction, or that a message replies to or forwards. Its text is data,
	// not a word of the author's.
	Subject *Quote
	// Reply is set for a message that may go on from an answer of bobbin's.
	Reply *Reply
	// Greet says that bobbin was invited to Target, or that a person looks at it for the
	// first time: a word of welcome is in order. Nobody has said anything.
	Greet bool
	// Respond tells the author something that is no part of the conversation,
	// privately where the platform can. It may be called once. Never nil.
	Respond func(ctx context.Context, markdown string) error
	// SendFile gives the author a file, privately where the platform can. It is nil
	// where files cannot be sent.
	SendFile func(ctx context.Context, f Upload) error
}

// Change is what happened to a message after it was sent.
type Change string

// The changes.
const (
	Edited  Change = "edited"
	Deleted Change = "deleted"
)

// Quote is a message that somebody wrote, as data.
type Quote struct {
	ID     agent.MessageID
	Author agent.Author
	Bot    bool // written by bobbin itself
	Text   string
	Sent   time.Time
	Files  []agent.File
}

// Upload is a file of bobbin's.
type Upload struct {
	Name    string // with its extension
	Content []byte
	// Sum tells it from others. Only files of answers have one.
	Sum string
}

// Uploader is a platform that can post files.
type Uploader interface {
	// Upload posts a file where an answer at to stands, below what was posted before. As
	// with Post, key tells Find whether one whose answer was lost has happened.
	Upload(ctx context.Context, to agent.Target, key string, f Upload) (agent.MessageID, error)
}

// Downloader is a platform whose people send files.
type Downloader interface {
	// Download returns a file that came with an event. It asks the platform's own hosts
	// only, and fails if there are more than limit bytes.
	Download(ctx context.Context, to agent.Target, f agent.File, limit int64) ([]byte, error)
}

// Reader is a platform that can read what people wrote.
type Reader interface {
	// Read returns the newest messages at a place, oldest first, at most limit. Those of a
	// thread that is yet to be opened are its channel's.
	Read(ctx context.Context, at agent.Address, limit int) ([]Quote, error)
}

// Marker is a platform that can put a sign under a person's message.
type Marker interface {
	// Mark shows that the message has arrived and waits, or no longer waits. To set or
	// clear what is so already is no error.
	Mark(ctx context.Context, to agent.Target, id agent.MessageID, waits bool) error
}

// Streamer is a platform that has streams of its own, which stay open until they are told
// that nothing more comes.
type Streamer interface {
	// Streams reports whether an answer at to may be streamed, so that the last edit of
	// each message has to be told from the others.
	Streams(to agent.Target) bool
}

// Worder is a [Typist] whose sign may have words.
type Worder interface {
	// Words reports whether people read at to what Typing is given, so that no message
	// has to say it.
	Words(to agent.Target) bool
}

// Referrer is a platform whose answers may show by themselves what they answer.
type Referrer interface {
	// Refers reports whether an answer at to shows which message it answers, so that it
	// need not say so.
	Refers(to agent.Target) bool
}
