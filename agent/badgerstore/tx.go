package badgerstore

import (
	"errors"

	"github.com/dgraph-io/badger/v4"
)

// tx is a transaction.
type tx struct {
	*badger.Txn
	wrote bool
	large bool // it writes a value that Badger stores outside of its log
}

// Set writes a value.
func (t *tx) Set(k, v []byte) error { return t.SetEntry(badger.NewEntry(k, v)) }

// SetEntry writes an entry.
func (t *tx) SetEntry(e *badger.Entry) error {
	t.wrote, t.large = true, t.large || len(e.Value) >= valueThreshold
	return t.Txn.SetEntry(e)
}

// Delete removes a key.
func (t *tx) Delete(k []byte) error {
	t.wrote = true
	return t.Txn.Delete(k)
}

// view runs f in a transaction that reads.
func (s *Store) view(f func(*tx) error) error {
	return s.db.View(func(txn *badger.Txn) error { return f(&tx{Txn: txn}) })
}

// update runs f in a transaction. When it has returned nil, what f has written is durable,
// and so is what f has read. A conflict runs f again.
func (s *Store) update(f func(*tx) error) error {
	wrote, err := s.write(f)
	switch {
	case err != nil:
		return err
	case wrote:
		return s.group.wait()
	}
	return s.group.clean()
}

// updateLazily is update for what may be lost with the power, though not with the
// process. It becomes durable with the next update, of whichever session.
func (s *Store) updateLazily(f func(*tx) error) error {
	_, err := s.write(f)
	return err
}

// tries bounds how often a transaction that meets conflicts is run.
const tries = 5

func (s *Store) write(f func(*tx) error) (wrote bool, err error) {
	if err := s.group.broken(); err != nil {
		return false, err
	}
	if s.db.IsClosed() {
		return false, badger.ErrDBClosed
	}
	for try := 1; ; try++ {
		wrote, err := s.writeOnce(f)
		if !errors.Is(err, badger.ErrConflict) || try == tries {
			return wrote, err
		}
	}
}

func (s *Store) writeOnce(f func(*tx) error) (wrote bool, err error) {
	txn := s.db.NewTransaction(true)
	defer txn.Discard()
	t := tx{Txn: txn}
	if err := f(&t); err != nil || !t.wrote {
		return false, err
	}
	s.group.begun.Add(1)
	defer s.group.ended.Add(1)
	if err := txn.Commit(); err != nil {
		return true, err
	}
	if t.large {
		return true, s.group.do(s.syncAll) // of the file that has the value, too
	}
	return true, nil
}
