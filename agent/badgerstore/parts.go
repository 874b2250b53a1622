package badgerstore

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"github.com/dgraph-io/badger/v4"

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

// writePutOff writes the parts that were put off.
func writePutOff(txn *tx, t *agent.Turn) error {
	for _, p := range txn.live.later(t) {
		txn.live.journals(t, partKey(t.Session, p.Key))
		if err := writePart(txn, t, p); err != nil {
			return err
		}
	}
	return nil
}

// setParts writes what the journal says of parts.
func setParts(txn *tx, id agent.SessionID, parts []agent.Part) error {
	for _, p := range parts {
		if err := set(txn, partKey(id, p.Key), p); err != nil {
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

// outcome is the stored form of one, with the parts of the reply that were about to be
// posted when it was journaled. What has a record of its own since is what that says.
type outcome struct {
	agent.Outcome
	Parts []agent.Part `json:"parts,omitempty"`
}

func (o *outcome) plausible() bool { return o.Kind != "" }

// withOutcome returns the parts that only the outcome's record tells of, if it can be read.
func withOutcome(txn *tx, id agent.SessionID) (parts []agent.Part, err error) {
	var o outcome
	if err := get(txn, outcomeKey(id), &o); errors.Is(err, badger.ErrKeyNotFound) || errors.As(err, new(*damagedError)) {
		return nil, nil
	} else if err != nil {
		return nil, err
	}
	for _, p := range o.Parts {
		switch _, err := txn.Get(partKey(id, p.Key)); {
		case errors.Is(err, badger.ErrKeyNotFound):
			parts = append(parts, p)
		case err != nil:
			return nil, err
		}
	}
	return parts, nil
}

// partsIn returns the parts of a reply whose turn has this journal. Those that cannot be
// read are left out.
func partsIn(txn *tx, id agent.SessionID, journal [][]byte) ([]agent.Part, error) {
	parts, err := withOutcome(txn, id)
	for _, k := range journal {
		var p agent.Part
		if bytes.HasPrefix(k, partsOf(id)) && get(txn, k, &p) == nil {
			parts = append(parts, p)
		}
	}
	return parts, err
}
