package agent

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"runtime/debug"
	"strings"
	"time"
	"unicode"
)

// turn is a Turn being answered.
type turn struct {
	*Agent
	*Turn
	worker *worker
	reply  Reply
	text   strings.Builder // all that has been said in this turn
	usage  Usage
	model  string

	status   string   // what open calls do
	narrated []string // what calls have done and do; each list is made anew
}

// answer runs steps until the model has answered, a limit is reached or it fails. An
// error means that the turn has no outcome yet, only a text so far: the daemon stops, or
// the store failed.
func (a *Agent) answer(ctx context.Context, w *worker, t *Turn, reply Reply) (o *Outcome, err error) {
	bounded, cancel := context.WithTimeoutCause(ctx, a.TurnTimeout, ErrTurnTimeout)
	defer cancel()
	r := &turn{Agent: a, Turn: t, worker: w, reply: reply, usage: t.usage()}
	r.text.WriteString(t.text())
	defer func() {
		if p := recover(); p != nil {
			a.Log.Error("a turn panicked", "session", t.Session, "turn", t.ID, "panic", p, "stack", string(debug.Stack()))
			o, err = r.failed(fmt.Errorf("panic: %v", p)), nil
		}
	}()
	r.narrate(nil)
	if t.Inbound[0].Command == Compact {
		return r.compact(bounded)
	}
	err = r.attach(bounded)
	var finish Finish
	if err == nil {
		finish, err = r.steps(bounded)
	}
	if err == nil {
		return r.took(r.ended(finish)), nil
	}
	switch cause := context.Cause(bounded); {
	case errors.Is(err, errStore), cause != nil && !errors.Is(cause, ErrTurnTimeout):
		return &Outcome{Text: r.text.String()}, err
	case cause != nil:
		err = cause
	}
	a.Log.Warn("a turn failed", "session", t.Session, "turn", t.ID, "error", err)
	return r.took(r.failed(err)), nil
}

// took adds how long the turn has lasted.
func (r *turn) took(o *Outcome) *Outcome {
	if !r.Began.IsZero() {
		o.Took = time.Since(r.Began)
	}
	return o
}

// errStore marks a failure to journal: the turn must not go on, nor end.
var errStore = errors.New("the store failed")

// steps is the loop: run the calls that are open, ask the model, until it calls nothing.
func (r *turn) steps(ctx context.Context) (Finish, error) {
	for {
		if open := openCalls(r.Entries); len(open) > 0 {
			if err := r.call(ctx, open); err != nil {
				return "", err
			}
		}
		if err := r.steer(ctx); err != nil {
			return "", err
		}
		last := r.steppedSoFar()+1 >= r.MaxSteps
		said, finish, err := r.ask(ctx, last)
		if err != nil {
			return "", err
		}
		if last && (len(said.Calls) > 0 || finish == FinishCalls) {
			return finishSteps, nil
		}
		if len(said.Calls) == 0 {
			r.reply.Update(Update{Text: r.text.String(), Steps: r.narrated, Ending: true})
			return finish, nil
		}
		if err := r.journal(ctx, *said); err != nil {
			return "", err
		}
	}
}

// finishSteps ends a turn whose model wants to call tools for ever.
const finishSteps Finish = "steps"

// steer tells the model of messages that have arrived since its last step.
func (r *turn) steer(ctx context.Context) error {
	if r.WhileBusy != Steer || !r.newcomers(r.worker) {
		return nil
	}
	taken, err := r.Store.Take(ctx, r.Turn, func(in Inbound) Entry { return word(&in) })
	if err != nil {
		return fmt.Errorf("%w: %w", errStore, err)
	}
	for i := range taken {
		r.Inbound, r.Steered = append(r.Inbound, taken[i]), r.Steered+1
		if !taken[i].Withdrawn {
			r.Entries = append(r.Entries, word(&taken[i]))
		}
	}
	return r.attach(ctx)
}

// ask streams one step. Without a question it is what the turn answers.
func (r *turn) ask(ctx context.Context, last bool, question ...Entry) (*Entry, Finish, error) {
	began, before := time.Now(), r.text.Len()
	answer, err := r.stream(ctx, last, question)
	if err != nil {
		return nil, "", err
	}
	var end Chunk
	err = func() error {
		for c, err := range answer {
			if err != nil {
				return err
			}
			r.say(before, c.Text)
			r.model = cmp.Or(c.Model, r.model)
			switch {
			case c.Text != "":
				r.reply.Update(Update{Text: r.text.String(), Steps: r.narrated})
			case c.Reasoning:
				r.reply.Update(Update{Text: r.text.String(), Status: Thinking, Steps: r.narrated})
			}
			end = c
		}
		if end.Finish == "" {
			return errors.New("the model's stream ended without its end")
		}
		return nil
	}()
	r.usage = r.usage.Add(end.Usage)
	r.Observer.StepEnded(r.model, end.Usage, time.Since(began), err)
	if err != nil {
		return nil, "", fmt.Errorf("ask the model: %w", err)
	}
	return &Entry{
		Role: RoleAssistant, At: time.Now(), Text: strings.TrimPrefix(r.text.String()[before:], betweenSteps),
		Calls: end.Calls, Model: r.model, Usage: &end.Usage,
	}, end.Finish, nil
}

// stream asks the model. The window is made for each step, and nobody holds it while the
// answer streams, which may take minutes: it has a hundred kilobytes.
func (r *turn) stream(ctx context.Context, last bool, question []Entry) (iter.Seq2[Chunk, error], error) {
	history, err := r.history(ctx)
	if err != nil {
		return nil, err
	}
	return r.Model.Stream(ctx, r.request(last, history, question)), nil
}

// history reads what was said before the turn.
func (r *turn) history(ctx context.Context) ([]Entry, error) {
	es, err := r.Store.History(ctx, r.Turn, r.Window)
	switch {
	case err == nil:
		return es, nil
	case ctx.Err() != nil:
		return nil, fmt.Errorf("read history: %w", err)
	}
	return nil, fmt.Errorf("%w: read history: %w", errStore, err)
}

func (r *turn) request(last bool, history, question []Entry) Request {
	if len(question) == 0 {
		question = r.said()
	}
	return Request{
		Session:   r.Session,
		Prefers:   r.Prefers,
		System:    r.Instructions,
		Messages:  window(r.Window, history, question, r.Entries),
		Tools:     r.specs,
		NoCalls:   last,
		MaxTokens: r.MaxTokens,
	}
}

// betweenSteps stands between what two steps have said.
const betweenSteps = "\n\n"

// say adds to the turn's text, of which so many bytes are from before the step. Blanks that a
// step begins with are left out, so that the turn's text only ever grows, whatever follows.
func (r *turn) say(before int, text string) {
	if r.text.Len() == before {
		if text = strings.TrimLeftFunc(text, unicode.IsSpace); text == "" {
			return
		}
		if before > 0 {
			r.text.WriteString(betweenSteps)
		}
	}
	r.text.WriteString(text)
}

// journal makes entries part of the turn, durably. What a step has done is kept even if
// the turn's time is up.
func (r *turn) journal(ctx context.Context, es ...Entry) error {
	err := lastly(ctx, func(ctx context.Context) error { return r.Store.Append(ctx, r.Turn, es...) })
	if err != nil {
		return fmt.Errorf("%w: journal a step: %w", errStore, err)
	}
	r.Entries = append(r.Entries, es...)
	for _, e := range es {
		if e.Role == RoleTool && e.Usage != nil {
			r.usage = r.usage.Add(*e.Usage)
		}
	}
	return nil
}

// ended is the outcome of a turn whose model has come to its end.
func (r *turn) ended(f Finish) *Outcome {
	o := &Outcome{Kind: Answered, Text: strings.TrimSpace(r.text.String()), Usage: r.usage, Model: r.model, Steps: r.steppedSoFar() + 1}
	switch {
	case f == finishSteps:
		o.Notice = fmt.Sprintf("I stopped here, after %d steps with tools, without coming to an end.", r.MaxSteps)
	case f == FinishLength:
		o.Notice = "My answer was cut off because it reached its length limit. Ask me to go on if you want the rest."
	case f == FinishFilter:
		o.Notice = "The model's provider withheld the rest of this answer."
	case o.Text == "" && len(r.made()) > 0:
		o.Text = hereItIs
	case o.Text == "":
		o.Kind, o.Notice = Failed, "The model gave an empty answer. Please try again, perhaps in other words."
	}
	o.Notice = strings.TrimSpace(strings.Join(append(r.unread(), o.Notice), " "))
	return o
}

// failed is the outcome of a turn that cannot go on. What was said so far is kept.
func (r *turn) failed(err error) *Outcome {
	return &Outcome{
		Kind: Failed, Text: strings.TrimSpace(r.text.String()), Notice: Explain(err),
		Usage: r.usage, Model: r.model, Steps: r.steppedSoFar(),
	}
}

// steppedSoFar counts the steps in the journal.
func (t *Turn) steppedSoFar() (n int) {
	for i := range t.Entries {
		if t.Entries[i].Role == RoleAssistant {
			n++
		}
	}
	return n
}

// usage is what the steps in the journal cost.
func (t *Turn) usage() (u Usage) {
	for i := range t.Entries {
		if spent := t.Entries[i].Usage; spent != nil {
			u = u.Add(*spent)
		}
	}
	return u
}

// text joins what the journaled steps said.
func (t *Turn) text() string {
	var said []string
	for _, e := range t.Entries {
		if e.Role == RoleAssistant && e.Text != "" {
			said = append(said, e.Text)
		}
	}
	return strings.Join(said, betweenSteps)
}

// said is what the turn answers, as entries, but for what is among its own.
func (t *Turn) said() (es []Entry) {
	asked := t.Inbound[:len(t.Inbound)-t.Steered]
	for i := range asked {
		if !asked[i].Withdrawn {
			es = append(es, word(&asked[i]))
		}
	}
	return es
}

// word is a message as an entry.
func word(in *Inbound) Entry {
	return Entry{Role: RoleUser, At: in.Sent, Text: in.Text, Author: &in.Author, Direct: in.Direct}
}

// transcript is what remains of an answered turn: what was said, the steps, and the
// last words. Calls that never got a result are answered, since a transcript with an
// open call is refused by models.
func (t *Turn) transcript() []Entry {
	switch {
	case t.Outcome.Kind == Withdrawn:
		return nil
	case t.Outcome.Summary:
		sum := Entry{Role: RoleUser, At: time.Now(), Text: summaryMark + t.Outcome.Text}
		if in := t.Inbound[0]; in.Direct { // then it is of what nobody else has said
			sum.Author, sum.Direct = &in.Author, true
		}
		return []Entry{sum}
	}
	es := append(t.said(), withoutBytes(t.Entries)...)
	for _, c := range openCalls(t.Entries) {
		es = append(es, Entry{Role: RoleTool, At: time.Now(), CallID: c.ID, Tool: c.Name, Failed: true, Text: "There is no result: the turn ended first."})
	}
	last := strings.TrimSpace(strings.TrimPrefix(t.Outcome.Text, strings.TrimSpace(t.text())))
	if t.Outcome.Notice != "" {
		last = strings.TrimSpace(last + "\n\n(" + t.Outcome.Notice + ")")
	}
	if last != "" {
		u := t.Outcome.Usage.sub(t.usage())
		es = append(es, Entry{Role: RoleAssistant, At: time.Now(), Text: last, Model: t.Outcome.Model, Usage: &u})
	}
	for i := len(es) - 1; i >= 0; i-- {
		if es[i].Role == RoleAssistant {
			es[i].Turn = t.ID
			break
		}
	}
	return es
}
