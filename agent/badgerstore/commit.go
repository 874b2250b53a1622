package badgerstore

import (
	"context"
	"errors"
	"fmt"

	"github.com/dgraph-io/badger/v4"

	"bobbin/agent"
)

// Commit implements agent.Store.
func (s *Store) Commit(ctx context.Context, t *agent.Turn, entries []agent.Entry) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	unrevised := func(_ *tx, b begun) error {
		if b.Revised {
			return agent.ErrRevised
		}
		return nil
	}
	if err := s.commit(t, entries, false, unrevised); err != nil {
		return fmt.Errorf("commit turn %s: %w", t.ID, err)
	}
	return nil
}

// commit ends a turn and does also what else belongs into the same transaction, which an
// error of it undoes. With wait it returns once that is durable.
func (s *Store) commit(t *agent.Turn, entries []agent.Entry, wait bool, also func(*tx, begun) error) error {
	values, size, err := encode(entries)
	if err != nil {
		return err
	}
	for try := 1; ; try++ {
		ahead := 0
		if size > oneTransaction {
			// Entries beyond the head do not count yet, so they may be written before
			// it is moved.
			ahead = len(values)
			if err := s.writeAhead(t, values); err != nil {
				return err
			}
		}
		var b begun
		// What was put off needs not be written: the journal goes.
		err := s.onTurn(t, wait, func(txn *tx) (err error) {
			b, err = finish(txn, t, values, ahead, also)
			return err
		})
		if err == nil {
			s.live.ended(t, b.Inbox)
		}
		if !errors.Is(err, errAheadGone) || try == 3 {
			return err
		}
	}
}

// finish is the transaction that ends a turn.
func finish(txn *tx, t *agent.Turn, values [][]byte, ahead int, also func(*tx, begun) error) (begun, error) {
	b, err := underWay(txn, t)
	if err != nil {
		return b, err
	}
	if b.Ahead < ahead {
		return b, errAheadGone
	}
	h := head{Generation: b.Generation, Next: b.Base + uint64(len(values)), settings: settings{Spent: cost(t), Ended: int64(len(t.Inbound))}}
	fresh := t.Outcome != nil && t.Outcome.Summary
	if ahead == 0 && !fresh {
		for i, v := range values {
			if err := txn.Set(entryKey(t.Session, b.Generation, b.Base+uint64(i)), v); err != nil {
				return b, err
			}
		}
	}
	if fresh {
		err = finishFresh(txn, t.Session, b, h, values)
	} else {
		err = writeHead(txn, t.Session, h)
	}
	if err != nil {
		return b, err
	}
	gone, parts, known := txn.live.journal(t)
	if !known {
		if gone, err = journalKeys(txn, t.Session); err != nil {
			return b, err
		}
		if parts, err = partsIn(txn, t.Session, gone); err != nil {
			return b, err
		}
	}
	if fresh {
		h.Generation, h.Next = b.Generation+1, uint64(len(values))
	} else if err := keepLast(txn, t, b, h, parts); err != nil {
		return b, err
	}
	for _, p := range parts {
		if err := stand(txn, t, p.ID, standing{t.Session, h.Generation, h.Next}); err != nil {
			return b, err
		}
	}
	if err := keepCost(txn, t); err != nil {
		return b, err
	}
	gone = append(gone, key("t/", t.Session))
	for _, seq := range b.Inbox {
		gone = append(gone, inboxKey(t.Session, seq))
	}
	return b, errors.Join(deleteAll(txn, gone), also(txn, b))
}

// cost is what a turn that ends has cost.
func cost(t *agent.Turn) spent {
	c := spent{Turns: 1}
	if t.Outcome != nil {
		c.Usage = t.Outcome.Usage
	}
	return c
}

// errAheadGone says that what was written ahead was taken for what a crash has left.
var errAheadGone = errors.New("what was written ahead is gone")

// oneTransaction is below what Badger takes at once, 15 % of its memtable, by more than two
// of the largest values that go into it: there is room for what is to be written besides.
const oneTransaction = 224 << 10

// writeAhead writes the entries of a turn that are too much for one transaction. The
// turn's record says so first, so that they can be found if the turn is cut off.
func (s *Store) writeAhead(t *agent.Turn, values [][]byte) error {
	var b begun
	err := s.updateTurn(t, func(txn *tx) (err error) {
		if b, err = underWay(txn, t); err != nil {
			return err
		}
		b.Ahead = max(b.Ahead, len(values))
		return setTurn(txn, t, b)
	})
	if err != nil {
		return err
	}
	return s.writeInParts(values, func(i int) []byte {
		return entryKey(t.Session, b.Generation, b.Base+uint64(i)) //nolint:gosec // an index
	})
}

// dropAhead removes what a commit has written ahead that did not come to its end.
func (s *Store) dropAhead(id agent.SessionID) error {
	n := 0
	for done := false; !done; {
		some := 0
		err := s.updateSession(id, func(txn *tx) error {
			l := look{txn: txn, id: id, log: s.log}
			b, err := l.begun()
			if done = err != nil || b == nil || b.Ahead == 0 || len(l.fixes) > 0; done {
				return err
			}
			prefix := entriesOf(id, b.Generation)
			var gone [][]byte
			o := badger.DefaultIteratorOptions
			o.Prefix, o.PrefetchValues = prefix, false
			err = walk(txn, o, entryKey(id, b.Generation, b.Base), func(_ []byte, item *badger.Item) error {
				if len(gone) == maxDeleted {
					return errEnough
				}
				gone = append(gone, item.KeyCopy(nil))
				return nil
			})
			for _, k := range gone {
				err = errors.Join(err, txn.Delete(k))
			}
			if some, done = len(gone), len(gone) < maxDeleted; done {
				b.Ahead = 0
				err = errors.Join(err, set(txn, key("t/", id), b))
			}
			return err
		})
		if err != nil {
			return err
		}
		n += some
	}
	if n > 0 {
		s.log.Warn("a turn was cut off while it was committed; its half-written entries are removed", "session", id, "entries", n)
	}
	return nil
}

// writeInParts writes the values in their order, in as few transactions as they need.
func (s *Store) writeInParts(values [][]byte, at func(i int) []byte) error {
	for from := 0; from < len(values); {
		to := from + inOne(values[from:])
		err := s.update(func(txn *tx) error {
			for i := from; i < to; i++ {
				if err := txn.Set(at(i), values[i]); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
		from = to
	}
	return nil
}

// inOne is how many of the values, from the first on, one transaction takes.
func inOne(values [][]byte) (n int) {
	for size := 0; n < len(values) && (n == 0 || size+len(values[n]) <= oneTransaction); n++ {
		size += len(values[n]) + valueFrame
	}
	return n
}

// finishFresh begins the session's transcript anew with the values. After a reset there is
// nothing left for them to replace.
func finishFresh(txn *tx, id agent.SessionID, b begun, h head, values [][]byte) error {
	now, err := headOf(txn, id)
	if err != nil {
		return err
	}
	now.Spent, now.Ended = now.Spent.add(h.Spent), now.Ended+h.Ended
	if now.Generation == b.Generation {
		now.Generation, now.Next = b.Generation+1, uint64(len(values))
		for i, v := range values {
			if err := txn.Set(entryKey(id, now.Generation, uint64(i)), v); err != nil {
				return err
			}
		}
	}
	return errors.Join(set(txn, key("h/", id), now), txn.Delete(lastKey(id)))
}
