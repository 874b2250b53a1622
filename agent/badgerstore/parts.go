package badgerstore

import (
	"context"
	"fmt"

	"bobbin/agent"
)

// RecordPart implements agent.Store. Keys of parts sort in the order of their making
// if their numbers are padded; see bots/reply. That a part was posted is written without
// waiting for the disk, and once the turn is answered with what is written next, which
// mostly is its commit: until then it is found by its key, as after a post that was cut
// off.
func (s *Store) RecordPart(ctx context.Context, t *agent.Turn, p agent.Part) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("journal a part of the reply of turn %s: %w", t.ID, err)
	}
	if err := s.recordPart(t, p); err != nil {
		return fmt.Errorf("journal a part of the reply of turn %s: %w", t.ID, err)
	}
	return nil
}

func (s *Store) recordPart(t *agent.Turn, p agent.Part) error {
	if p.ID != "" && s.putOff(t, p) {
		return s.group.broken()
	}
	update := s.updateTurn
	if p.ID != "" {
		update = s.updateTurnLazily
	}
	s.live.journals(t, partKey(t.Session, p.Key))
	err := update(t, func(txn *tx) error {
		if _, err := underWay(txn, t); err != nil {
			return err
		}
		return writePart(txn, t, p)
	})
	if err == nil {
		s.live.recorded(t, p, false)
	}
	return err
}

// putOff has a part written with what is written next of its turn, if that is soon.
func (s *Store) putOff(t *agent.Turn, p agent.Part) bool {
	defer s.live.lock(t.Session)()
	if !s.live.waits(t) {
		return false
	}
	s.live.recorded(t, p, true)
	return true
}

func writeParts(txn *tx, t *agent.Turn, parts []agent.Part) error {
	for _, p := range parts {
		if err := writePart(txn, t, p); err != nil {
			return err
		}
	}
	return nil
}

// writePart journals a part, and what answer it is of.
func writePart(txn *tx, t *agent.Turn, p agent.Part) error {
	if err := set(txn, partKey(t.Session, p.Key), p); err != nil {
		return err
	}
	return stand(txn, t, p.ID, standing{Session: t.Session, Generation: t.Generation})
}
