package badgerstore

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/dgraph-io/badger/v4"

	"bobbin/agent"
)

// account is what a session's key k/ tells: when something was last accepted, and how
// many messages were. Each of them is in the inbox until its turn ends, which the head
// counts, so the three have to agree.
type account struct {
	heard    time.Time
	accepted int64
	known    bool // by a bobbin that counts
}

func readAccount(txn *tx, id agent.SessionID) (a account, err error) {
	item, err := txn.Get(key("k/", id))
	if errors.Is(err, badger.ErrKeyNotFound) {
		return account{known: true}, nil
	}
	if err != nil {
		return a, err
	}
	err = item.Value(func(v []byte) error {
		a.heard = unstamp(v)
		if len(v) == 16 {
			a.accepted, a.known = int64(binary.BigEndian.Uint64(v[8:])), true //nolint:gosec // as it was written
		}
		return nil
	})
	return a, err
}

// spoken notes that so many messages are accepted for a session now.
func spoken(txn *tx, id agent.SessionID, messages int64) error {
	a, err := readAccount(txn, id)
	if err != nil {
		return err
	}
	if !a.known {
		h, _, err := readHead(txn, id)
		if err != nil {
			return err
		}
		a.accepted = h.Ended + int64(txn.live.messages(id))
	}
	return setAccount(txn, id, time.Now(), a.accepted+messages)
}

func setAccount(txn *tx, id agent.SessionID, heard time.Time, accepted int64) error {
	return txn.Set(key("k/", id), binary.BigEndian.AppendUint64(stamp(heard), uint64(accepted))) //nolint:gosec // read back likewise
}

// Audit compares for each session how many messages were accepted with how many were
// answered or set aside, and how many wait. It returns how many messages are unaccounted
// for, which are in the log, too, and are not told of again. It reads three small values
// of each session, and must not run beside Accept.
func (s *Store) Audit(ctx context.Context) (unaccounted int, err error) {
	type wrong struct {
		id             agent.SessionID
		account        account
		ended, waiting int64
	}
	var found []wrong
	err = s.view(func(txn *tx) error {
		return keys(txn, []byte("k/"), func(k []byte) error {
			w := wrong{id: agent.SessionID(k)}
			var err error
			if w.account, err = readAccount(txn, w.id); err != nil || !w.account.known {
				return err
			}
			h, damage, err := readHead(txn, w.id)
			if err != nil || damage != nil {
				return err // its count is made anew when it is put right
			}
			w.ended, w.waiting = h.Ended, int64(txn.live.messages(w.id))
			if w.account.accepted != w.ended+w.waiting {
				found = append(found, w)
			}
			return ctx.Err()
		})
	})
	for _, w := range found {
		if err != nil {
			break
		}
		n := w.account.accepted - w.ended - w.waiting
		s.log.Error("messages are unaccounted for", "session", w.id, "messages", n,
			"accepted", w.account.accepted, "ended", w.ended, "waiting", w.waiting)
		unaccounted += int(max(n, -n))
		err = s.update(func(txn *tx) error { return setAccount(txn, w.id, w.account.heard, w.ended+w.waiting) })
	}
	if err != nil {
		return unaccounted, fmt.Errorf("compare what was accepted with what was answered: %w", err)
	}
	return unaccounted, nil
}
