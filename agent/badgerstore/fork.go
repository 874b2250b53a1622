package badgerstore

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/dgraph-io/badger/v4"

	"bobbin/agent"
)

// Fork implements agent.Archive. The newest entries are copied, as far as they fit one
// transaction.
func (s *Store) Fork(ctx context.Context, from, to agent.SessionID, after agent.MessageID) (n int, err error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	err = s.update(func(txn *tx) error {
		n = 0
		// A turn that is under way has begun with what it has.
		if _, err := txn.Get(key("k/", to)); !errors.Is(err, badger.ErrKeyNotFound) {
			return err
		}
		there, _, err := readHead(txn, to)
		if err != nil || there.Next > 0 || there.Generation > 0 {
			return err
		}
		here, _, err := readHead(txn, from)
		if err != nil {
			return err
		}
		end := here
		if after != "" {
			if end, err = upTo(txn, from, here, after); err != nil {
				return err
			}
		}
		values, err := newestValues(txn, from, end)
		if at, ok := from.Address(); ok && at.User != "" && err == nil {
			values, err = named(values)
		}
		if err != nil || len(values) == 0 {
			return err
		}
		for i, v := range values {
			if err := txn.Set(entryKey(to, 0, uint64(i)), v); err != nil {
				return err
			}
		}
		n = len(values)
		return errors.Join(
			set(txn, key("h/", to), head{Next: uint64(n), settings: settings{Model: here.Model, Ended: there.Ended}}), //nolint:gosec // a count
			spoken(txn, to, 0),
		)
	})
	if err != nil {
		return 0, fmt.Errorf("fork the session: %w", err)
	}
	return n, nil
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

// newestValues returns the newest entries of a transcript that fit a transaction, oldest
// first. Results whose call does not fit are left out with it.
func newestValues(txn *tx, id agent.SessionID, h head) (values [][]byte, err error) {
	size := 0
	err = eachBack(txn, entriesOf(id, h.Generation), func(k []byte, item *badger.Item) error {
		if len(k) < 8 || number(k[:8]) >= h.Next {
			return nil
		}
		if size += int(item.ValueSize()) + valueFrame; size > oneTransaction/2 {
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
