package badgerstore

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"github.com/dgraph-io/badger/v4"

	"bobbin/agent"
)

// head is where a session's transcript stands.
type head struct {
	Generation uint64 `json:"generation"`
	Next       uint64 `json:"next"` // the number of the next entry
}

func (s *Store) readHead(txn *badger.Txn, id agent.SessionID) (h head, err error) {
	switch err = get(txn, key("h/", id), &h); {
	case errors.Is(err, badger.ErrKeyNotFound):
		return head{}, nil
	case errors.As(err, new(*damagedError)):
		s.log.Error("the head of a transcript is damaged and made anew from its last entry", "session", id, "error", err)
		return lastHead(txn, id)
	}
	return h, err
}

// lastHead is the head as the transcript's last key tells it.
func lastHead(txn *badger.Txn, id agent.SessionID) (h head, err error) {
	err = eachBack(txn, within("m/", id), func(k []byte, _ *badger.Item) error {
		if len(k) == 16 {
			h = head{Generation: number(k[:8]), Next: number(k) + 1}
		}
		return errEnough
	})
	return h, err
}

// writeHead moves the session's head, unless a reset has moved it elsewhere.
func (s *Store) writeHead(txn *badger.Txn, id agent.SessionID, h head) error {
	now, err := s.readHead(txn, id)
	if err != nil || now.Generation != h.Generation {
		return err
	}
	return set(txn, key("h/", id), h)
}

// History implements agent.Store. It reads the turn's own generation, which after a
// reset is no longer the head's.
func (s *Store) History(ctx context.Context, t *agent.Turn, budget int) (es []agent.Entry, err error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	err = s.db.View(func(txn *badger.Txn) error {
		b, err := underWay(txn, t)
		if err != nil {
			return err
		}
		return eachBack(txn, entriesOf(t.Session, b.Generation), func(k []byte, item *badger.Item) error {
			if number(k) >= b.Base {
				return nil // written ahead by a commit that did not come to its end
			}
			var e agent.Entry
			if err := decode(item, &e); err != nil {
				s.log.Error("a transcript entry is damaged and left out", "session", t.Session, "error", err)
				return nil
			}
			if budget -= agent.Tokens(e); budget < 0 {
				return errEnough
			}
			es = append(es, e)
			return nil
		})
	})
	if err != nil {
		return nil, fmt.Errorf("read the transcript: %w", err)
	}
	slices.Reverse(es)
	return es, nil
}

// Reset implements agent.Store.
func (s *Store) Reset(ctx context.Context, id agent.SessionID) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	err := s.update(func(txn *badger.Txn) error {
		h, err := s.readHead(txn, id)
		if err != nil {
			return err
		}
		return set(txn, key("h/", id), head{Generation: h.Generation + 1})
	})
	if err != nil {
		return fmt.Errorf("reset the session: %w", err)
	}
	return nil
}

// errEnough ends an iteration early.
var errEnough = errors.New("enough")

// each calls f for the keys with the prefix, in order, with what follows the prefix.
func each(txn *badger.Txn, prefix []byte, f func(k []byte, item *badger.Item) error) error {
	o := badger.DefaultIteratorOptions
	o.Prefix, o.PrefetchSize = prefix, 16
	return walk(txn, o, prefix, f)
}

// eachBack is each, from the last key to the first.
func eachBack(txn *badger.Txn, prefix []byte, f func(k []byte, item *badger.Item) error) error {
	o := badger.DefaultIteratorOptions
	o.Prefix, o.PrefetchSize, o.Reverse = prefix, 16, true
	return walk(txn, o, append(slices.Clone(prefix), 0xff), f)
}

func walk(txn *badger.Txn, o badger.IteratorOptions, from []byte, f func(k []byte, item *badger.Item) error) error {
	it := txn.NewIterator(o)
	defer it.Close()
	for it.Seek(from); it.Valid(); it.Next() {
		if err := f(it.Item().Key()[len(o.Prefix):], it.Item()); errors.Is(err, errEnough) {
			return nil
		} else if err != nil {
			return err
		}
	}
	return nil
}

// number reads the 8 bytes that end a key.
func number(k []byte) uint64 {
	if len(k) < 8 {
		return 0
	}
	return binary.BigEndian.Uint64(k[len(k)-8:])
}
