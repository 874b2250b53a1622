package agent

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
)

// summaryMark begins what a compacted session starts with.
const summaryMark = "[A summary of this conversation so far, written by you:]\n"

// sumUp asks for the summary.
const sumUp = `Sum up this conversation so that you can go on with it from your summary alone. Keep what was decided, what is still open,
names, numbers, links and code that may be needed again, and what each person wants. Write plain Markdown, at most a page, and nothing but the summary.`

// compact replaces what was said in the session by the model's summary of it.
func (r *turn) compact(ctx context.Context) (*Outcome, error) {
	history, err := r.history(ctx)
	if err == nil && len(history) == 0 {
		return r.took(&Outcome{Kind: Answered, Text: "There is nothing to sum up yet."}), nil
	}
	before := tokens(history)
	var said *Entry
	var finish Finish
	if err == nil {
		r.Entries = nil
		said, finish, err = r.ask(ctx, true, Entry{Role: RoleUser, At: time.Now(), Text: sumUp})
	}
	switch cause := context.Cause(ctx); {
	case errors.Is(err, errStore), err != nil && cause != nil && !errors.Is(cause, ErrTurnTimeout):
		return &Outcome{Text: r.text.String()}, err
	case err == nil && (finish != FinishStop || strings.TrimSpace(said.Text) == ""):
		err = fmt.Errorf("the summary ended with %q", finish)
	}
	if err != nil {
		r.Log.Warn("a conversation could not be summed up", "turn", r.ID, "error", err)
		o := r.failed(err)
		o.Text = ""
		return r.took(o), nil
	}
	after := Tokens(Entry{Text: said.Text})
	o := r.ended(finish)
	o.Summary = true
	o.Notice = fmt.Sprintf("I go on from this summary: about %d tokens instead of %d.", after, before)
	return r.took(o), nil
}
