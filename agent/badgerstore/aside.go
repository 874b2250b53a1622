package badgerstore

import (
	"context"
	"encoding/binary"
	"errors"
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

// aside is a record that was damaged, or stood where it could not stand, and was moved out
// of the way of its session. Expire removes it, and so do newer ones when there are more than
// maxAside.
type aside struct {
	At      time.Time       `json:"at"`                // when it was found
	Session agent.SessionID `json:"session,omitempty"` // empty: it belonged to an abandoned turn
	Key     []byte          `json:"key"`               // where it was; the package's comment explains keys
	Why     string          `json:"why"`
	Size    int             `json:"size"`  // of the record
	Value   []byte          `json:"value"` // as it was found, at most its first 64 KiB; what was said in chats, perhaps
}

// asideAt tells from a key when the record was set aside.
func asideAt(k []byte) time.Time { return time.Unix(0, int64(number(k))) } //nolint:gosec // see nextSeq

// setAside moves a record. A value that cannot be read is kept as an empty one.
func (s *Store) setAside(txn *tx, session agent.SessionID, item *badger.Item, why string) error {
	a := aside{At: time.Now().Round(0), Session: session, Key: item.KeyCopy(nil), Why: why}
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
