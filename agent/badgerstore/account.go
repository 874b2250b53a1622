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

const (
	// auditStep is how many sessions are compared in one look at the store.
	auditStep = 512
	// auditPause is how long there is after each, so that an audit of many sessions takes
	// nothing from who has something to do.
	auditPause = 20 * time.Millisecond
)

// Audit compares for each session how many messages were accepted with how many were
// answered or set aside, and how many wait. It returns how many messages are unaccounted
// for, which are in the log, too, and are not told of again. It reads some small values of
// each session, a few hundred sessions at a time, and may run beside all else.
func (s *Store) Audit(ctx context.Context) (unaccounted int, err error) {
	for from := []byte("k/"); err == nil && from != nil; {
		var suspects []agent.SessionID
		if suspects, from, err = s.suspects(from); err != nil {
			break
		}
		for _, id := range suspects {
			n, wrong := s.audit(id)
			unaccounted, err = unaccounted+n, errors.Join(err, wrong)
		}
		if from != nil {
			err = errors.Join(err, pause(ctx, auditPause))
		}
	}
	if err != nil {
		return unaccounted, fmt.Errorf("compare what was accepted with what was answered: %w", err)
	}
	return unaccounted, nil
}

// suspects returns those of the next sessions whose account seems not to agree with what is
// known of them, which may be because they are at work, and the key to go on from. That is
// nil after the last.
func (s *Store) suspects(from []byte) (ids []agent.SessionID, next []byte, err error) {
	o := badger.DefaultIteratorOptions
	o.Prefix, o.PrefetchValues = []byte("k/"), false
	looked := 0
	err = s.view(func(txn *tx) error {
		ids, next, looked = nil, nil, 0
		return walk(txn, o, from, func(k []byte, _ *badger.Item) error {
			id := agent.SessionID(k)
			if looked++; looked > auditStep {
				next = key("k/", id)
				return errEnough
			}
			n, _, err := missing(txn, id, func() (int, error) { return txn.live.messages(id), nil })
			if n != 0 {
				ids = append(ids, id)
			}
			return err
		})
	})
	return ids, next, err
}

// missing is how many messages of a session are unaccounted for.
func missing(txn *tx, id agent.SessionID, waiting func() (int, error)) (n int64, a account, err error) {
	if a, err = readAccount(txn, id); err != nil || !a.known {
		return 0, a, err
	}
	h, damage, err := readHead(txn, id)
	if err != nil || damage != nil {
		return 0, a, err // its count is made anew when it is put right
	}
	w, err := waiting()
	return a.accepted - h.Ended - int64(w), a, err
}

// audit looks at one session closely, and has its account agree from now on.
func (s *Store) audit(id agent.SessionID) (int, error) {
	var n int64
	var a account
	err := s.update(func(txn *tx) (err error) {
		n, a, err = missing(txn, id, func() (waiting int, err error) {
			err = keys(txn, within("i/", id), func([]byte) error { waiting++; return nil })
			return waiting, err
		})
		if err != nil || n == 0 {
			return err
		}
		return setAccount(txn, id, a.heard, a.accepted-n)
	})
	if err != nil || n == 0 {
		return 0, err
	}
	s.log.Error("messages are unaccounted for", "session", id, "messages", n, "accepted", a.accepted)
	return int(max(n, -n)), nil
}

// pause waits for d or until ctx ends, which is an error.
func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
