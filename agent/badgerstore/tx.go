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
	known *known // of the session that it is locked for; nil: it has to read
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
	return s.kept(s.write(f))
}

// updateLazily is update for what may be lost with the power, though not with the
// process. It becomes durable with the next update, of whichever session.
func (s *Store) updateLazily(f func(*tx) error) error {
	s.gate.RLock()
	defer s.gate.RUnlock()
	_, err := s.write(f)
	return err
}

// updateTurn is update for what belongs to a turn. It uses what is known of that, and
// writes what was put off.
func (s *Store) updateTurn(t *agent.Turn, f func(*tx) error) error {
	return s.onTurn(t, true, func(txn *tx) error { return errors.Join(writePutOff(txn, t), f(txn)) })
}

// updateTurnLazily is updateTurn for what Settle makes durable.
func (s *Store) updateTurnLazily(t *agent.Turn, f func(*tx) error) error {
	return s.onTurn(t, false, func(txn *tx) error { return errors.Join(writePutOff(txn, t), f(txn)) })
}

// onTurn is update for what belongs to a turn, and takes what was put off for written. With
// wait it returns once all is durable.
func (s *Store) onTurn(t *agent.Turn, wait bool, f func(*tx) error) error {
	s.gate.RLock()
	defer s.gate.RUnlock()
	wrote, err := s.writeTurn(t, f)
	if !wait {
		return err
	}
	return s.kept(wrote, err)
}

// writeTurn is write with what is known of a turn.
func (s *Store) writeTurn(t *agent.Turn, f func(*tx) error) (wrote bool, err error) {
	defer s.live.lock(t.Session)()
	known := s.live.known(t)
	wrote, err = s.write(func(txn *tx) error {
		txn.known = known
		return f(txn)
	})
	if err == nil {
		ended := s.group.ended.Load()
		s.live.of(t, func(turn *liveTurn) { turn.later, turn.written = nil, ended })
	}
	return wrote, err
}

// kept ends a write once it is durable.
func (s *Store) kept(wrote bool, err error) error {
	switch {
	case err != nil:
		return err
	case wrote:
		return s.group.until(s.group.ended.Load())
	}
	return s.group.clean()
}

// updateSession is update for what changes a session's head, or the record of its turn:
// what was known of them is read again.
func (s *Store) updateSession(id agent.SessionID, f func(*tx) error) error {
	s.gate.RLock()
	defer s.gate.RUnlock()
	unlock := s.live.lock(id)
	s.live.unsure(id)
	wrote, err := s.write(f)
	unlock()
	return s.kept(wrote, err)
}

// viewTurn is view for what belongs to a turn.
func (s *Store) viewTurn(t *agent.Turn, f func(*tx) error) error {
	return s.view(func(txn *tx) error {
		txn.known = s.live.known(t)
		return f(txn)
	})
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
