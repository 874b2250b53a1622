package badgerstore

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"iter"
	"time"

	"github.com/dgraph-io/badger/v4"

	"bobbin/agent"
)

// Bounds of what is set aside: the newest maxAside records, of each its first maxRaw
// bytes.
const (
	maxAside = 1000
	maxRaw   = 64 << 10
)

// Aside is a record that was damaged, or stood where it could not stand, and was moved out
// of the way of its session.
type Aside struct {
	At      time.Time       `json:"at"`                // when it was found
	Session agent.SessionID `json:"session,omitempty"` // empty: it belonged to an abandoned turn
	Key     []byte          `json:"key"`               // where it was; the package's comment explains keys
	Why     string          `json:"why"`
	Size    int             `json:"size"`  // of the record
	Value   []byte          `json:"value"` // as it was found, at most its first 64 KiB; what was said in chats, perhaps
}

// SetAside lists the damaged records that were set aside, oldest first. Expire removes
// them, and so do newer ones when there are more than a thousand.
func (s *Store) SetAside(ctx context.Context) iter.Seq2[Aside, error] {
	return func(yield func(Aside, error) bool) {
		err := s.view(func(txn *tx) error {
			return each(txn, []byte("z/"), func(k []byte, item *badger.Item) error {
				if err := ctx.Err(); err != nil {
					return err
				}
				var a Aside
				if err := decode(item, &a); err != nil {
					a = Aside{At: asideAt(k), Why: err.Error()}
				}
				if !yield(a, nil) {
					return errEnough
				}
				return nil
			})
		})
		if err != nil {
			yield(Aside{}, fmt.Errorf("list what was set aside: %w", err))
		}
	}
}

// Lost counts the messages since the store was opened that were accepted and will not be
// answered, since their records were damaged.
func (s *Store) Lost() int64 { return s.lost.Load() }

// asideAt tells from a key when the record was set aside.
func asideAt(k []byte) time.Time { return time.Unix(0, int64(number(k))) } //nolint:gosec // see nextSeq

// setAside moves a record. A value that cannot be read is kept as an empty one.
func (s *Store) setAside(txn *tx, session agent.SessionID, item *badger.Item, why string) error {
	a := Aside{At: time.Now().Round(0), Session: session, Key: item.KeyCopy(nil), Why: why}
	_ = item.Value(func(v []byte) error { // that it cannot be read is known, and why
		a.Size, a.Value = len(v), append([]byte(nil), v[:min(len(v), maxRaw)]...)
		return nil
	})
	if err := set(txn, binary.BigEndian.AppendUint64([]byte("z/"), s.nextSeq()), a); err != nil {
		return err
	}
	return txn.Delete(a.Key)
}

// trimAside forgets the oldest of what is set aside beyond its bound.
func trimAside(txn *tx) error {
	var all [][]byte
	err := keys(txn, []byte("z/"), func(k []byte) error {
		all = append(all, append([]byte("z/"), k...))
		return nil
	})
	for _, k := range all[:max(0, len(all)-maxAside)] {
		err = errors.Join(err, txn.Delete(k))
	}
	return err
}

// expireAside forgets what was set aside earlier.
func (s *Store) expireAside(ctx context.Context, before time.Time) (n int, err error) {
	for done := false; !done && err == nil; {
		some := 0
		err = s.update(func(txn *tx) error {
			var old [][]byte
			err := keys(txn, []byte("z/"), func(k []byte) error {
				if len(old) == maxDeleted || !asideAt(k).Before(before) {
					return errEnough
				}
				old = append(old, append([]byte("z/"), k...))
				return ctx.Err()
			})
			for _, k := range old {
				err = errors.Join(err, txn.Delete(k))
			}
			some, done = len(old), len(old) < maxDeleted
			return err
		})
		if err == nil {
			n += some
		}
	}
	return n, err
}
