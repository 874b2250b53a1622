package badgerstore

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/dgraph-io/badger/v4"

	"bobbin/agent"
)

// maxForked bounds what is copied into a fork, in bytes with what the database adds to each
// entry. It is as much as a window of a hundred thousand tokens takes.
const maxForked = 512 << 10

// Fork implements agent.Archive. The newest entries are copied, at most half a mebibyte of
// them. What is too much for one transaction is written ahead, and counts once the head is
// there.
func (s *Store) Fork(ctx context.Context, from, to agent.SessionID, after agent.MessageID) (n int, err error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	if n, err = s.fork(from, to, after); err != nil {
		return 0, fmt.Errorf("fork the session: %w", err)
	}
	return n, nil
}

func (s *Store) fork(from, to agent.SessionID, after agent.MessageID) (n int, err error) {
	s.gate.RLock()
	defer s.gate.RUnlock()
	defer s.live.lock(to)() // so that it stays as new as it is found
	var values [][]byte
	var h head
	if err := s.look(func(txn *tx) (err error) {
		values, h, err = toFork(txn, from, to, after)
		return err
	}); err != nil || len(values) == 0 {
		return 0, err
	}
	for last := false; !last; {
		some := values[n:]
		some = some[:inOne(some)]
		last = n+len(some) == len(values)
		wrote, err := s.write(func(txn *tx) error {
			for i, v := range some {
				if err := txn.Set(entryKey(to, 0, uint64(n+i)), v); err != nil { //nolint:gosec // a count
					return err
				}
			}
			if !last {
				return nil
			}
			return errors.Join(set(txn, key("h/", to), h), spoken(txn, to, 0))
		})
		if last {
			err = s.kept(wrote, err)
		}
		if err != nil {
			return 0, err
		}
		n += len(some)
	}
	return n, nil
}

// toFork returns what a new session gets of another, and its head. There is nothing for one
// that is not new.
func toFork(txn *tx, from, to agent.SessionID, after agent.MessageID) (values [][]byte, h head, err error) {
	// A turn that is under way has begun with what it has.
	if _, err := txn.Get(key("k/", to)); !errors.Is(err, badger.ErrKeyNotFound) {
		return nil, h, err
	}
	there, _, err := readHead(txn, to)
	if err != nil || there.Next > 0 || there.Generation > 0 {
		return nil, h, err
	}
	here, _, err := readHead(txn, from)
	if err != nil {
		return nil, h, err
	}
	end := here
	if after != "" {
		if end, err = upTo(txn, from, here, after); err != nil {
			return nil, h, err
		}
	}
	values, err = newestValues(txn, from, end)
	if at, ok := from.Address(); ok && at.User != "" && err == nil {
		values, err = named(values)
	}
	return values, head{Next: uint64(len(values)), settings: settings{Model: here.Model, Ended: there.Ended}}, err
}

// upTo is where a transcript ends with the answer that a message is of. What was said
// before a reset is a transcript, too.
func upTo(txn *tx, id agent.SessionID, h head, after agent.MessageID) (head, error) {
	at, ok := id.Address()
	if !ok {
		return head{}, nil
	}
	st, err := readStanding(txn, at.Platform, after)
	switch {
	case err != nil || st == nil || st.Session != id:
		return head{}, err
	case st.End == 0:
		return h, nil
	case st.Generation == h.Generation: // a turn that is to be answered once more has left it
		return head{Generation: h.Generation, Next: min(st.End, h.Next)}, nil
	}
	return head{Generation: st.Generation, Next: st.End}, nil
}

// named has entries of a person's own session name that person, for one in which others
// speak as well. Those that are damaged are left as they are.
func named(values [][]byte) ([][]byte, error) {
	for i, v := range values {
		var e agent.Entry
		if unmarshal(v, &e) != nil || !e.Direct {
			continue
		}
		e.Direct = false
		encoded, _, err := encode([]agent.Entry{e})
		if err != nil {
			return nil, err
		}
		values[i] = encoded[0]
	}
	return values, nil
}

// newestValues returns the newest entries of a transcript that a fork takes, oldest first.
// Results whose call is too much are left out with it.
func newestValues(txn *tx, id agent.SessionID, h head) (values [][]byte, err error) {
	size := 0
	err = eachBack(txn, entriesOf(id, h.Generation), func(k []byte, item *badger.Item) error {
		if len(k) < 8 || number(k[:8]) >= h.Next {
			return nil
		}
		if size += int(item.ValueSize()) + valueFrame; size > maxForked {
			return errEnough
		}
		v, err := item.ValueCopy(nil)
		values = append(values, v)
		return err
	})
	slices.Reverse(values)
	for len(values) > 0 {
		var e agent.Entry
		if unmarshal(values[0], &e) != nil || e.Role != agent.RoleTool {
			break
		}
		values = values[1:]
	}
	return values, err
}
