package agent

import (
	"context"
	"iter"
	"time"
)

// Archive is what a store tells about sessions, and keeps of them, beside what it takes
// to answer. Each method that changes something is one durable transaction unless it says
// otherwise.
type Archive interface {
	// Session tells how a session stands. One that was never spoken in is zero.
	Session(ctx context.Context, s SessionID) (SessionInfo, error)
	// Choose has a session's turns prefer a model from now on; empty: none.
	Choose(ctx context.Context, s SessionID, model string) error
	// Transcript yields the session's entries, oldest first, since it was begun or reset.
	Transcript(ctx context.Context, s SessionID) iter.Seq2[Entry, error]
	// Spent sums up the turns that began since a day began, of one person or of all on a
	// platform if user is empty.
	Spent(ctx context.Context, platform, user string, since time.Time) (Spent, error)
	// Rate keeps what somebody thinks of a turn's answer: 1 good, -1 bad, 0 nothing any
	// more. It returns what the same person thought before.
	Rate(ctx context.Context, s SessionID, t TurnID, user string, rating int) (before int, err error)
	// Ratings tells what people think of the answers in a session.
	Ratings(ctx context.Context, s SessionID) (map[TurnID]Rating, error)
	// Locate tells where a message of a platform belongs: one that was accepted, or one of
	// a reply. It reports false for others, and for those of long ago.
	Locate(ctx context.Context, platform string, m MessageID) (Location, bool, error)
	// Fork makes the session to begin with what was said in from: up to the answer that
	// the message after is of, or all of it if that is empty. It returns how many entries
	// these are, and does nothing if something was said in to already.
	Fork(ctx context.Context, from, to SessionID, after MessageID) (n int, err error)
	// Forget erases what a person said: it leaves every transcript, and whatever else
	// holds it, in steps that may be repeated. Direct sessions of theirs go altogether.
	// It returns how many sessions it has changed, and how many it could not because they
	// are being answered.
	Forget(ctx context.Context, platform, user string) (changed, busy int, err error)
}

// Location is where a message belongs.
type Location struct {
	Session SessionID
	Reply   bool // it is of a reply
	Newest  bool // of the session's newest
}

// SessionInfo is how a session stands.
type SessionInfo struct {
	Entries int       // since it was begun or reset
	Tokens  int       // of these, as [Tokens] counts; at most those of the newest 1,000 entries
	Waiting int       // messages that no turn has taken up
	Heard   time.Time // when a message was last accepted
	Model   string    // that people chose; empty: none
	Spent   Spent     // in all its turns, also those before a reset
}

// Rating is how many people found an answer good, and how many bad.
type Rating struct {
	Good int `json:"good"`
	Bad  int `json:"bad"`
}

// Spent is what some turns have cost.
type Spent struct {
	Turns int
	Usage Usage
}
