package badgerstore

import (
	"context"
	"errors"
	"fmt"

	"bobbin/agent"
)

// Append implements agent.Store. Entries that are too much for one transaction are
// written in several, in their order, so that a crash may keep the first of them only:
// the results that are missing then are those of calls without side effects.
func (s *Store) Append(ctx context.Context, t *agent.Turn, entries ...agent.Entry) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	values, _, err := encode(entries)
	for err == nil {
		n := inOne(values)
		last := n == len(values)
		err = s.updateTurn(t, func(txn *tx) error { return s.append(txn, t, values[:n], last) })
		if values = values[n:]; last {
			break
		}
	}
	if err != nil {
		return fmt.Errorf("journal a step of turn %s: %w", t.ID, err)
	}
	return nil
}

// append adds to the journal. With the last of a step the turn has got on, so that what
// cut it off before is no more held against it.
func (s *Store) append(txn *tx, t *agent.Turn, values [][]byte, last bool) error {
	b, err := underWay(txn, t)
	if err != nil {
		return err
	}
	for _, v := range values {
		k := stepKey(t.Session, s.nextSeq())
		txn.live.journals(t, k)
		if err := txn.Set(k, v); err != nil {
			return err
		}
	}
	if !last || len(values) == 0 {
		return nil
	}
	return gotOn(txn, t, b)
}

// gotOn has attempts at a turn count from here.
func gotOn(txn *tx, t *agent.Turn, b begun) error {
	if b.Attempt <= 1 {
		return nil
	}
	b.Attempt = 1
	return setTurn(txn, t, b)
}

// StartCall implements agent.Store.
func (s *Store) StartCall(ctx context.Context, t *agent.Turn, callID string) error {
	err := ctx.Err()
	if err == nil {
		k := callKey(t.Session, callID)
		s.live.journals(t, k)
		err = s.updateTurn(t, func(txn *tx) error {
			if _, err := underWay(txn, t); err != nil {
				return err
			}
			return txn.Set(k, nil)
		})
	}
	if err != nil {
		return fmt.Errorf("journal the start of a call of turn %s: %w", t.ID, err)
	}
	return nil
}

// Answer implements agent.Store.
func (s *Store) Answer(ctx context.Context, t *agent.Turn, o agent.Outcome, parts ...agent.Part) error {
	stored, err := marshal(outcome{o, parts})
	if err == nil {
		err = ctx.Err()
	}
	if err == nil {
		s.live.journals(t, outcomeKey(t.Session))
		err = s.updateTurnLazily(t, func(txn *tx) error {
			b, err := underWay(txn, t)
			if err != nil {
				return err
			}
			return errors.Join(gotOn(txn, t, b), txn.Set(outcomeKey(t.Session), stored))
		})
	}
	if err != nil {
		return fmt.Errorf("journal the outcome of turn %s: %w", t.ID, err)
	}
	s.live.of(t, func(turn *liveTurn) { turn.answered = true })
	for _, p := range parts {
		s.live.recorded(t, p, false)
	}
	return nil
}

// Settle implements agent.Store.
func (s *Store) Settle(ctx context.Context, t *agent.Turn) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.gate.RLock()
	defer s.gate.RUnlock()
	written := s.group.begun.Load() // of a turn that was taken up again
	s.live.of(t, func(turn *liveTurn) { written = turn.written })
	if err := s.group.until(written); err != nil {
		return fmt.Errorf("wait for the journal of turn %s: %w", t.ID, err)
	}
	return nil
}

// Suspend implements agent.Store.
func (s *Store) Suspend(ctx context.Context, t *agent.Turn) error {
	return s.suspend(ctx, t, true, s.updateTurn)
}

// Resume implements agent.Store. It does not wait for the disk: an attempt that is cut off
// by the loss of power is none that says much.
func (s *Store) Resume(ctx context.Context, t *agent.Turn) error {
	return s.suspend(ctx, t, false, s.updateTurnLazily)
}

func (s *Store) suspend(ctx context.Context, t *agent.Turn, suspended bool, update func(*agent.Turn, func(*tx) error) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	err := update(t, func(txn *tx) error {
		b, err := underWay(txn, t)
		if err != nil || b.Suspended == suspended {
			return err
		}
		b.Suspended = suspended
		return setTurn(txn, t, b)
	})
	if err != nil {
		return fmt.Errorf("journal whether turn %s is suspended: %w", t.ID, err)
	}
	return nil
}
