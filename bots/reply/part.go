package reply

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"bobbin/agent"
	"bobbin/bots"
)

const (
	// lastWords bounds what is still written to the journal when ctx has ended.
	lastWords = 10 * time.Second
	// postGrace is how long a post that is under way goes on when ctx has ended: its
	// answer says what would have to be searched for later.
	postGrace = 5 * time.Second
	// maxTrims is how often removing a message is tried before it is left standing. By
	// then some minutes have passed.
	maxTrims = 10
)

// shownPart is a message of the reply and what it shows.
type shownPart struct {
	agent.Part
	shown bots.Message // zero when that is not known, as after a restart
	doubt bool         // it may have been posted, although it has no id
}

// shows reports whether the message is as m wants it. A file that stands is never
// changed.
func (p shownPart) shows(m bots.Message) bool {
	return p.ID != "" && (m.File != nil && p.holds(m.File) || p.shown.Same(m))
}

// holds reports whether the message is, or is to be, that file; with nil, a text.
func (p shownPart) holds(f *bots.Upload) bool {
	if f == nil {
		return !p.File
	}
	return p.File && p.Sum == f.Sum
}

// prepare makes message i ready to be posted: it is in the journal, and it does not
// stand already. It reports false if there is nothing to post after all.
func (l *live) prepare(ctx context.Context, i int, file *bots.Upload) (ready bool, err error) {
	if i >= len(l.parts) {
		part, journaled := l.begin(file)
		switch {
		case part.Key == "": // with the outcome, which comes soon
			return false, nil
		case !journaled:
			if err := l.journal.Record(ctx, part); err != nil {
				return false, fmt.Errorf("journal a message before it is posted: %w", err)
			}
		}
		l.made++
		l.parts = append(l.parts, shownPart{Part: part})
	}
	part := &l.parts[i]
	switch {
	case part.doubt && !part.holds(file):
		l.leave(i) // should it stand, it is something else
		return false, nil
	case part.doubt:
	case part.holds(file):
		return true, nil
	default: // it was to be something else, and certainly does not stand
		other := part.Part
		other.File, other.Sum = file != nil, sumOf(file)
		if err := l.journal.Record(ctx, other); err != nil {
			return false, fmt.Errorf("journal a message before it is posted: %w", err)
		}
		part.Part = other
		return true, nil
	}
	id, err := l.platform.Find(ctx, l.to, part.Key)
	switch {
	case err == nil:
		l.adopt(ctx, i, id, bots.Message{}) // what it shows is not known: it is edited next
		return false, nil
	case !errors.Is(err, bots.ErrNotFound):
		return false, fmt.Errorf("look for a message that may have been posted: %w", err)
	case i < len(l.parts)-1:
		return false, l.drop(ctx, &l.parts, i) // posted now, it would stand after those that follow it
	}
	return true, nil
}

// begin returns the reply's next message, and whether the journal has it. It has no key if
// the journal is about to get it.
func (l *live) begin(file *bots.Upload) (part agent.Part, journaled bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.made > 0 || l.first.Key == "":
		l.begun = true
		return agent.Part{Key: bots.PartKey(l.turn, l.made+1), File: file != nil, Sum: sumOf(file)}, false
	case l.outcome == nil:
		return agent.Part{}, false
	}
	return l.first, true
}

// post sends message i.
func (l *live) post(ctx context.Context, i int, m bots.Message) error {
	if !l.parts[i].holds(m.File) {
		return nil // the answer became complete meanwhile: it is prepared anew
	}
	seen, done := outlive(ctx, postGrace)
	defer done()
	began := time.Now()
	id, err := l.send(seen, l.parts[i].Key, m)
	if m.File != nil && (errors.Is(err, bots.ErrRejected) || errors.Is(err, agent.ErrUndeliverable)) {
		return l.fileRefused(m.File, err)
	}
	if err != nil {
		if _, refused := errors.AsType[*bots.RetryAfterError](err); !refused {
			l.parts[i].doubt = true
		}
		return fmt.Errorf("post: %w", err)
	}
	l.sign.stands(began)
	l.adopt(ctx, i, id, m)
	return nil
}

func (l *live) send(ctx context.Context, key string, m bots.Message) (agent.MessageID, error) {
	if up, ok := l.platform.(bots.Uploader); ok && m.File != nil {
		return up.Upload(ctx, l.to, key, *m.File)
	}
	return l.platform.Post(ctx, l.to, key, m)
}

// adopt notes that message i stands. If that cannot be journaled, it costs no more than
// looking for the message after a crash.
func (l *live) adopt(ctx context.Context, i int, id agent.MessageID, shown bots.Message) {
	l.parts[i].ID, l.parts[i].shown = id, shown
	if shown.Source != "" {
		l.parts[i].Shows = ahead(l.upTo)
	}
	if err := l.lastly(ctx, l.parts[i].Part); err != nil {
		l.log.Error("a posted message could not be journaled", "error", err)
	}
}

// ahead is some more than n bytes, so that not every edit has to be journaled.
func ahead(n int) int { return n + n/8 }

// edit changes message i. If the platform no longer lets it be edited, it is removed, as
// its text would stand twice; should that fail, it is tried again in the end. The messages
// after it move up, and another takes the place of the last, so that all of them stand in
// order.
func (l *live) edit(ctx context.Context, i int, m bots.Message) error {
	id := l.parts[i].ID
	switch {
	case m.File != nil && m.File == l.file && !l.parts[i].File: // an earlier attempt could not give the file
		l.noFile = true
		return nil
	case m.File != nil || l.parts[i].File: // another answer stood there
		l.leave(i)
		return nil
	}
	if part := &l.parts[i]; l.upTo > part.Shows {
		part.Shows = ahead(l.upTo)
		if err := l.lastly(ctx, part.Part); err != nil {
			l.log.Error("it could not be journaled how much of an answer is shown", "error", err)
		}
	}
	err := l.platform.Edit(ctx, l.to, id, m)
	if errors.Is(err, bots.ErrGone) {
		l.lost++
		l.log.Info("a message can no longer be edited, another takes its place", "error", err)
		if err := l.platform.Delete(ctx, l.to, id); err != nil {
			l.log.Info("a message that can no longer be edited stays for now", "error", err)
			l.leave(i)
			return nil
		}
		return l.drop(ctx, &l.parts, i)
	}
	if err != nil {
		return fmt.Errorf("edit: %w", err)
	}
	l.parts[i].shown = m
	return nil
}

// leave takes message i out of the answer. It is removed in the end.
func (l *live) leave(i int) {
	l.left = append(l.left, l.parts[i])
	l.parts = slices.Delete(l.parts, i, i+1)
}

// drop journals that a message is gone and forgets it.
func (l *live) drop(ctx context.Context, from *[]shownPart, i int) error {
	gone := (*from)[i].Part
	gone.Gone = true
	if err := l.lastly(ctx, gone); err != nil {
		return fmt.Errorf("journal that a message is gone: %w", err)
	}
	*from = slices.Delete(*from, i, i+1)
	return nil
}

// trim removes the last of some messages: those that an earlier attempt needed and this
// one does not, or those that can no longer be edited. What cannot be removed after so many
// failures stays: the answer stands all the same.
func (l *live) trim(ctx context.Context, surplus *[]shownPart, failures int) error {
	last := len(*surplus) - 1
	part := &(*surplus)[last]
	if err := l.settle(ctx); err != nil {
		return err
	}
	var err error
	if part.Sum != "" { // cut off from here on, it must not be taken for a file that stands
		forgotten := part.Part
		forgotten.Sum = ""
		if err := l.lastly(ctx, forgotten); err != nil {
			return fmt.Errorf("journal that a file is to be removed: %w", err)
		}
		part.Part = forgotten
	}
	if part.ID == "" && part.doubt {
		part.ID, err = l.platform.Find(ctx, l.to, part.Key)
	}
	if err == nil && part.ID != "" {
		err = l.platform.Delete(ctx, l.to, part.ID)
	}
	_, late := errors.AsType[*bots.RetryAfterError](err)
	switch {
	case err == nil, errors.Is(err, bots.ErrNotFound), errors.Is(err, bots.ErrGone):
	case !late && failures >= maxTrims:
		l.log.Warn("a message that is not needed stays", "failures", failures+1, "error", err)
	default:
		return fmt.Errorf("remove a message that is not needed: %w", err)
	}
	return l.drop(ctx, surplus, last)
}

// lastly journals what has happened, even though ctx may have ended.
func (l *live) lastly(ctx context.Context, p agent.Part) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastWords)
	defer cancel()
	return l.journal.Record(ctx, p)
}

// outlive returns a context that ends so long after ctx, or with done.
func outlive(ctx context.Context, grace time.Duration) (longer context.Context, done func()) {
	longer, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() { time.AfterFunc(grace, cancel) })
	return longer, func() { stop(); cancel() }
}
