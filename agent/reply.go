package agent

import (
	"context"
	"time"
)

// Replies opens the place where a turn's answer appears.
type Replies interface {
	// Open starts showing the turn's answer. If the turn has parts, the reply goes
	// on in them.
	//
	// The reply shows updates until Finish returns or Close is called; the end of ctx
	// ends Open only.
	Open(ctx context.Context, t *Turn, j Journal) (Reply, error)
}

// Journal is where a reply says what it does, so that it can be gone on with after a crash.
type Journal interface {
	// Record notes a message before it is posted, unless [Reply.First] has returned it, and
	// again with its id afterwards. If it fails, the message is not posted.
	Record(ctx context.Context, p Part) error
	// Settle waits until the outcome that Finish was given is durable. A reply calls it
	// before it shows anything of that; if it fails, nothing is shown.
	Settle(ctx context.Context) error
}

// Reply is the growing answer to one turn.
type Reply interface {
	// Update says how things stand. It never blocks; the newest update wins, and
	// the reply decides when to show it.
	Update(u Update)
	// First returns the message that the answer is about to begin with, if none was noted
	// before, so that it is noted together with the outcome. From then on the reply shows
	// nothing until Finish is called, and posts that message without another note.
	First() (Part, bool)
	// Finish returns once the outcome stands on the platform, or with an error
	// if it cannot. It retries what can be retried until ctx ends. An error that
	// wraps [ErrUndeliverable] is final.
	Finish(ctx context.Context, o Outcome) error
	// Close gives up on the reply and waits for what it is at. What is shown
	// stays. After Finish, or a second time, it does nothing.
	Close()
}

// Update is the state of an answer that is not yet finished.
type Update struct {
	Text   string // all of the answer so far, as Markdown; it only ever grows
	Status string // what is being done now, in a few words; empty: writing
	// Steps say in a few words each which tools the turn has used and uses now, oldest
	// first. Working says that the last of them still runs.
	Steps   []string
	Working bool
	// Ending says that the model has said all, and that the outcome follows at once: what is
	// not shown by then is better shown with it, in one call.
	Ending bool
}

// Thinking is the status of a turn whose model has begun and has yet to say something.
const Thinking = "thinking"

// Outcome is how a turn ended.
type Outcome struct {
	Kind OutcomeKind `json:"kind"`
	// Text is the answer, as Markdown. If the turn failed or was stopped, it is
	// what there was until then, perhaps nothing.
	Text string `json:"text,omitempty"`
	// Notice is a plain sentence that follows Text, saying what went wrong.
	Notice string `json:"notice,omitempty"`
	Usage  Usage  `json:"usage"`
	// Took is the time from the turn's begin to its end.
	Took  time.Duration `json:"took,omitempty"`
	Model string        `json:"model,omitempty"`
	// Summary says that Text sums up the session, which goes on from it alone.
	Summary bool `json:"summary,omitempty"`
	Steps   int  `json:"steps,omitempty"`
	// GivenUp is why the turn is set aside once people are told, for the admin; empty: it
	// is not. Unshown is an answer that it had, and that is not in Text.
	GivenUp string `json:"given_up,omitempty"`
	Unshown string `json:"unshown,omitempty"`
	// Made are files that stand below Text. They are the turn's, and stored with its entries.
	Made []Made `json:"-"`
}

// OutcomeKind classifies an [Outcome].
type OutcomeKind string

// The ways in which a turn ends.
const (
	Answered OutcomeKind = "answered"
	Failed   OutcomeKind = "failed"
	Stopped  OutcomeKind = "stopped"
	Paused   OutcomeKind = "paused" // only shown: the turn goes on at the next start
	// Withdrawn takes the reply away: what it answered was taken back.
	Withdrawn OutcomeKind = "withdrawn"
)
