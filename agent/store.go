package agent

import (
	"context"
	"iter"
	"strings"
	"time"
)

// Store is what sessions need of a database. Each method is one transaction: when it has
// returned nil, its effect survives the end of the process. It survives the end of the
// machine, too, but for Begin, Resume, Answer, Commit and the ids of parts: these do once
// something that was written after them does, or Settle has returned.
//
// A session's turn belongs to the worker that got it from Begin. Only that worker
// calls the methods that take a *Turn, RecordPart excepted, which its reply may call
// at the same time. The store reads the turn's ID, Session and Generation and
// changes nothing in it.
type Store interface {
	// Accept puts in into its session's inbox. It reports false, and does nothing,
	// if the event id or the message id was accepted before.
	// A session with [MaxInbox] messages waiting refuses more with [ErrInboxFull].
	//
	// If ready is not nil, a worker is about to call Begin. It is called once that finds the
	// message, which is before Accept has returned and the disk has it; not if the
	// message is not fresh. If the session has nothing else to do, its turn counts as begun.
	Accept(ctx context.Context, in Inbound, ready func()) (fresh bool, err error)
	// Seen reports whether the message was accepted or noted before.
	Seen(ctx context.Context, in Inbound) (bool, error)
	// Note remembers the ids of a message that was answered without a turn, such as a
	// command.
	Note(ctx context.Context, in Inbound) error
	// Known reports whether anything was ever accepted for s.
	Known(ctx context.Context, s SessionID) (bool, error)
	// Pending lists the sessions that have an inbox or an unfinished turn.
	Pending(ctx context.Context) iter.Seq2[SessionID, error]
	// Begin takes what is in the inbox of s, oldest first and at most [MaxTake]
	// messages, into a new turn. If s has an
	// unfinished turn it returns that one instead, as its journal has it and suspended,
	// with Attempt counted up. It returns nil when there is nothing to do. Records that are
	// damaged are set aside: they cost what they held, and never the session.
	Begin(ctx context.Context, s SessionID) (*Turn, error)
	// History returns the newest entries of the turn's session whose Tokens sum
	// to at most budget, oldest first. Its cost does not depend on how many
	// entries there are.
	History(ctx context.Context, t *Turn, budget int) ([]Entry, error)
	// Append adds entries to the turn's journal. The turn has got on with that: its next
	// Begin counts attempts from here.
	Append(ctx context.Context, t *Turn, entries ...Entry) error
	// StartCall journals that a call with side effects is about to run.
	StartCall(ctx context.Context, t *Turn, callID string) error
	// RecordPart journals a message of the reply: first without an ID, before it is
	// posted, then with it. A part is replaced by its Key. The id of one that is posted when
	// the turn is answered may be written as late as with what comes next.
	RecordPart(ctx context.Context, t *Turn, p Part) error
	// Answer journals the turn's outcome: from here on it is only delivered, and its next
	// Begin counts attempts from here. It also does what RecordPart does, for parts that
	// are about to be posted.
	Answer(ctx context.Context, t *Turn, o Outcome, parts ...Part) error
	// Settle waits until all that was written of the turn survives the end of the machine.
	// A reply calls it before it shows what must not be taken back.
	Settle(ctx context.Context, t *Turn) error
	// Suspend journals that the turn is put down in good order, so that its next
	// Begin does not count as another attempt.
	Suspend(ctx context.Context, t *Turn) error
	// Resume journals that a turn that is suspended goes on: what cuts it off from here
	// on counts again.
	Resume(ctx context.Context, t *Turn) error
	// Commit ends the turn: entries go to the end of the transcript, and the
	// turn's journal and inbox go away, atomically. It fails with [ErrRevised] if what the
	// turn answers was revised and the turn was not rewound since.
	Commit(ctx context.Context, t *Turn, entries []Entry) error
	// Abandon ends a turn that cannot be finished. It does what Commit does with the
	// turn's Transcript, and puts what was said aside for an admin, with why it was
	// given up, atomically. why is not for people in chat.
	Abandon(ctx context.Context, t *Turn, why string) error
	// Take adds what has come into the session's inbox since the turn began to what the
	// turn answers, oldest first and at most [MaxTake] messages, and returns it. With
	// step, each that was not withdrawn is also journaled as an entry of the turn.
	Take(ctx context.Context, t *Turn, step func(Inbound) Entry) ([]Inbound, error)
	// Rewind forgets what the turn has done so far, the parts of its reply excepted, and how
	// much they show. Its next Begin is a first attempt.
	Rewind(ctx context.Context, t *Turn) error
	// Revise gives a message that waits or is being answered another text, or withdraws
	// it. It returns the turn that answers the message, which then is to be rewound, empty
	// if none does yet, and reports false if there is no such message.
	Revise(ctx context.Context, s SessionID, id MessageID, text string, withdrawn bool) (TurnID, bool, error)
	// Last returns the turn that was committed last, with what it answered and the parts
	// of its reply, but for how much they show, or nil if it cannot be reopened: there is
	// none, it was too large, or something was done since.
	Last(ctx context.Context, s SessionID) (*Turn, error)
	// Reopen makes a turn that Last returned unfinished again, with t's Inbound and
	// Parts and under its ID. Its entries leave the transcript, and what people
	// thought of its answer is forgotten. It reports false, and does nothing, if it is no
	// longer the last one.
	Reopen(ctx context.Context, t *Turn) (bool, error)
	// Reset starts s afresh: what was said before is kept, but is no longer its
	// history. A turn that is running still ends in the transcript it began in.
	Reset(ctx context.Context, s SessionID) error
}

// MaxTake bounds the messages that one turn takes from the inbox, and so the size of a
// turn; the rest is the next turn's.
const MaxTake = 100

// MaxInbox bounds the messages of a session that wait for a turn.
const MaxInbox = 500

// Turn is one round of a session: what was said, and what is done about it.
type Turn struct {
	ID         TurnID
	Session    SessionID
	Generation uint64    // counts the session's resets
	Began      time.Time // of the first attempt
	Attempt    int       // 1 at first, one more each time it was cut off or failed since it last got on
	Inbound    []Inbound // oldest first, never empty
	Entries    []Entry   // of finished steps, oldest first
	Started    []string  // ids of calls with side effects that were started
	Steered    int       // how many of the last of Inbound are among the Entries
	Parts      []Part    // of the reply, in order
	Prefers    string    // the model that people chose for the session; empty: any
	Outcome    *Outcome  // set once answered
	Revised    bool      // what it answers has changed since, so that it has to begin anew
	Suspended  bool      // it is to be resumed before anything is done about it
	Abandoned  bool      // it was set aside instead of being committed
}

// Target is where the turn's answer goes: to the newest message that it began with.
func (t *Turn) Target() Target { return t.Inbound[len(t.Inbound)-t.Steered-1].Target }

// Withdrawn reports whether all that the turn answers was taken back.
func (t *Turn) Withdrawn() bool {
	for i := range t.Inbound {
		if !t.Inbound[i].Withdrawn {
			return false
		}
	}
	return true
}

// Transcript is what remains of the turn when it ends, as entries: what was said, the
// steps, and the last words. Without an Outcome these are that it was given up.
func (t *Turn) Transcript() []Entry {
	ended := *t
	if ended.Outcome == nil {
		ended.Outcome = &Outcome{Kind: Failed, Text: strings.TrimSpace(t.text()), Notice: "I gave up on this.", Usage: t.usage()}
	}
	return ended.transcript()
}

// Part is one message of a reply.
type Part struct {
	Key string    `json:"key"`          // idempotency key: [A-Z2-7-]{1,25}, unique for ever
	ID  MessageID `json:"id,omitempty"` // empty: about to be posted, and perhaps posted
	// Gone says that the message was deleted or closed for editing, so that another
	// part stands in for it.
	Gone bool `json:"gone,omitempty"`
	// File says that it is a file, which cannot be made a text. Sum tells which one it is.
	File bool   `json:"file,omitempty"`
	Sum  string `json:"sum,omitempty"`
	// Shows is how much of the answer's Markdown people may have seen up to this message's
	// end, in bytes, at most. An answer that is begun again stands as it is until it has
	// got as far.
	Shows int `json:"shows,omitempty"`
}
