package badgerstore

import (
	"errors"

	"github.com/dgraph-io/badger/v4"

	"bobbin/agent"
)

// tx is a transaction.
type tx struct {
	*badger.Txn
	live  *live
	wrote bool
	large bool // it writes a value that Badger stores outside of its log

	arrived []arrival
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

// arrival is a message that is written into an inbox.
type arrival struct {
	session agent.SessionID
	seq     uint64
}

// arrive writes a message into its session's inbox.
func (t *tx) arrive(session agent.SessionID, seq uint64, in []byte) error {
	t.live.expect(session, seq)
	t.arrived = append(t.arrived, arrival{session, seq})
	return t.Set(inboxKey(session, seq), in)
}

// view runs f in a transaction that reads.
func (s *Store) view(f func(*tx) error) error {
	s.gate.RLock()
	defer s.gate.RUnlock()
	return s.look(f)
}

// look is view for who has locked the gate.
func (s *Store) look(f func(*tx) error) error {
	return s.db.View(func(txn *badger.Txn) error { return f(&tx{Txn: txn, live: s.live}) })
}

// update runs f in a transaction. When it has returned nil, what f has written is durable,
// and so is what f has read. A conflict runs f again.
func (s *Store) update(f func(*tx) error) error {
	s.gate.RLock()
	defer s.gate.RUnlock()
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
	s.gate.RLock()
	defer s.gate.RUnlock()
	_, err := s.write(f)
	return err
}

// tries bounds how often a transaction that meets conflicts is run.
const tries = 50

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
	t := tx{Txn: txn, live: s.live}
	defer func() {
		if err != nil {
			s.notArrived(t.arrived)
		}
	}()
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

// notArrived forgets messages whose transaction has failed, unless it has not.
func (s *Store) notArrived(all []arrival) {
	for _, a := range all {
		err := s.look(func(txn *tx) error {
			_, err := txn.Get(inboxKey(a.session, a.seq))
			return err
		})
		if errors.Is(err, badger.ErrKeyNotFound) {
			s.live.forget(a.session, a.seq)
		}
	}
}
