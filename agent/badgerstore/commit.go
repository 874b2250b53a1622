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
	if err := s.commit(t, entries, func(*badger.Txn) error { return nil }); err != nil {
		return fmt.Errorf("commit turn %s: %w", t.ID, err)
	}
	return nil
}

// commit ends a turn and does also what else belongs into the same transaction.
func (s *Store) commit(t *agent.Turn, entries []agent.Entry, also func(*badger.Txn) error) error {
	values, size, err := encode(entries)
	if err != nil {
		return err
	}
	if size > oneTransaction {
		// Entries beyond the head do not count yet, so they may be written before
		// it is moved.
		if err := s.writeAhead(t, values); err != nil {
			return err
		}
		values = nil
	}
	return s.update(func(txn *badger.Txn) error {
		b, err := underWay(txn, t)
		if err != nil {
			return err
		}
		for i, v := range values {
			if err := txn.Set(entryKey(t.Session, b.Generation, b.Base+uint64(i)), v); err != nil {
				return err
			}
		}
		h := head{Generation: b.Generation, Next: b.Base + uint64(len(entries))}
		if err := s.writeHead(txn, t.Session, h); err != nil {
			return err
		}
		for _, seq := range b.Inbox {
			if err := txn.Delete(inboxKey(t.Session, seq)); err != nil {
				return err
			}
		}
		if err := drop(txn, t.Session); err != nil {
			return err
		}
		return also(txn)
	})
}

// oneTransaction is well below what Badger takes at once: 15 % of its memtable.
const oneTransaction = 512 << 10

func (s *Store) writeAhead(t *agent.Turn, values [][]byte) error {
	var b begun
	err := s.db.View(func(txn *badger.Txn) (err error) {
		b, err = underWay(txn, t)
		return err
	})
	if err != nil {
		return err
	}
	return s.writeInParts(values, func(i int) []byte {
		return entryKey(t.Session, b.Generation, b.Base+uint64(i)) //nolint:gosec // an index
	})
}

// writeInParts writes the values in their order, in as few transactions as they need.
func (s *Store) writeInParts(values [][]byte, at func(i int) []byte) error {
	for from := 0; from < len(values); {
		to, size := from, 0
		for to < len(values) && (to == from || size+len(values[to]) <= oneTransaction) {
			size += len(values[to]) + valueFrame
			to++
		}
		err := s.update(func(txn *badger.Txn) error {
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

// errNotUnderWay says that a turn was committed already, or is not the session's.
var errNotUnderWay = errors.New("the turn is not under way")

// underWay reads the record of a turn, which must be the one that its session has.
func underWay(txn *badger.Txn, t *agent.Turn) (b begun, err error) {
	err = get(txn, key("t/", t.Session), &b)
	if errors.Is(err, badger.ErrKeyNotFound) || err == nil && b.ID != t.ID {
		return begun{}, errNotUnderWay
	}
	return b, err
}

// drop forgets the turn under way and its journal.
func drop(txn *badger.Txn, id agent.SessionID) error {
	gone := [][]byte{key("t/", id)}
	err := each(txn, within("j/", id), func(_ []byte, item *badger.Item) error {
		gone = append(gone, item.KeyCopy(nil))
		return nil
	})
	if err != nil {
		return err
	}
	for _, k := range gone {
		if err := txn.Delete(k); err != nil {
			return err
		}
	}
	return nil
}
