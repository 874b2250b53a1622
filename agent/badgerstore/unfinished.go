package badgerstore

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"time"

	"github.com/dgraph-io/badger/v4"

	"bobbin/agent"
)

// Work is what a session has to do.
type Work struct {
	Session agent.SessionID
	Turn    agent.TurnID // empty: its messages wait for a turn
	Since   time.Time    // when the turn began; without a turn, when the first message was accepted
	Attempt int          // of the turn
	// Answered says that there is an answer, which still has to be delivered.
	Answered bool
	Messages int           // to be answered, by the turn and after it
	First    agent.Inbound // the oldest of them
}

// Unfinished lists the sessions that have something to do.
func (s *Store) Unfinished(ctx context.Context) iter.Seq2[Work, error] {
	return func(yield func(Work, error) bool) {
		for id, err := range s.Pending(ctx) {
			var w Work
			if err == nil {
				w, err = s.work(id)
			}
			if err != nil {
				yield(Work{}, fmt.Errorf("list unfinished turns: %w", err))
				return
			}
			if w.Messages+len(w.Turn) > 0 && !yield(w, nil) { // else finished meanwhile
				return
			}
		}
	}
}

func (s *Store) work(id agent.SessionID) (w Work, err error) {
	w.Session = id
	err = s.view(func(txn *tx) error {
		var b begun
		switch err := get(txn, key("t/", id), &b); {
		case err == nil:
			w.Turn, w.Since, w.Attempt = b.ID, b.Began, b.Attempt
		case !errors.Is(err, badger.ErrKeyNotFound) && !errors.As(err, new(*damagedError)):
			return err
		}
		if _, err := txn.Get(outcomeKey(id)); err == nil {
			w.Answered = true
		} else if !errors.Is(err, badger.ErrKeyNotFound) {
			return err
		}
		return each(txn, within("i/", id), func(k []byte, item *badger.Item) error {
			if w.Messages++; w.Messages > 1 {
				return nil
			}
			if w.Turn == "" {
				w.Since = time.Unix(0, int64(number(k))) //nolint:gosec // inbox numbers are times, see nextSeq
			}
			if err := decode(item, &w.First); !errors.As(err, new(*damagedError)) {
				return err
			}
			return nil
		})
	})
	return w, err
}
