package badgerstore

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/dgraph-io/badger/v4"

	"bobbin/agent"
)

// Take implements agent.Store.
func (s *Store) Take(ctx context.Context, t *agent.Turn, step func(agent.Inbound) agent.Entry) (taken []agent.Inbound, err error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	err = s.updateTurn(t, func(txn *tx) error {
		taken = nil
		b, err := underWay(txn, t)
		if err != nil {
			return err
		}
		size := 0
		for _, seq := range txn.live.waiting(t.Session) {
			if slices.Contains(b.Inbox, seq) {
				continue
			}
			in, n, err := readInbound(txn, t.Session, seq)
			if err != nil {
				return err
			}
			// One that is damaged is dealt with by the next turn's Begin. A command has a
			// turn of its own.
			if in.MessageID == "" {
				continue
			}
			if size += n; len(taken) == agent.MaxTake || size > oneTransaction/2 && len(taken) > 0 || in.Command != "" {
				break
			}
			taken, b.Inbox = append(taken, in), append(slices.Clip(b.Inbox), seq)
		}
		if len(taken) == 0 {
			return nil
		}
		if step != nil {
			b.Steered += len(taken)
			for _, in := range taken {
				if in.Withdrawn {
					continue
				}
				v, _, err := encode([]agent.Entry{step(in)})
				if err != nil {
					return err
				}
				k := stepKey(t.Session, s.nextSeq())
				txn.live.journals(t, k)
				if err := txn.Set(k, v[0]); err != nil {
					return err
				}
			}
		}
		return setTurn(txn, t, b)
	})
	if err != nil {
		return nil, fmt.Errorf("take more messages into turn %s: %w", t.ID, err)
	}
	return taken, nil
}

// readInbound reads a message that may wait. It is zero if it does not, or is damaged.
func readInbound(txn *tx, id agent.SessionID, seq uint64) (in agent.Inbound, size int, err error) {
	item, err := txn.Get(inboxKey(id, seq))
	if errors.Is(err, badger.ErrKeyNotFound) {
		return in, 0, nil
	}
	if err != nil {
		return in, 0, err
	}
	if decodeInbound(item, &in) != nil {
		return agent.Inbound{}, 0, nil
	}
	return in, int(item.ValueSize()), nil
}

// Rewind implements agent.Store.
func (s *Store) Rewind(ctx context.Context, t *agent.Turn) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	err := s.updateTurn(t, func(txn *tx) error {
		b, err := underWay(txn, t)
		if err != nil {
			return err
		}
		first, err := withOutcome(txn, t.Session)
		if err != nil {
			return err
		}
		if err := setParts(txn, t.Session, first); err != nil {
			return err
		}
		gone, err := journalKeys(txn, t.Session)
		if err != nil {
			return err
		}
		parts := partsOf(t.Session)
		gone = slices.DeleteFunc(gone, func(k []byte) bool {
			if !bytes.HasPrefix(k, parts) {
				return false
			}
			err = errors.Join(err, fromStart(txn, k))
			return true
		})
		b.Attempt, b.Suspended, b.Revised, b.Steered = 1, true, false, 0
		return errors.Join(err, deleteAll(txn, gone), setTurn(txn, t, b))
	})
	if err != nil {
		return fmt.Errorf("rewind turn %s: %w", t.ID, err)
	}
	return nil
}

// fromStart has a message of a reply written to from its start: another answer need not
// get as far as the one that it shows.
func fromStart(txn *tx, k []byte) error {
	var p agent.Part
	if get(txn, k, &p) != nil || p.Shows == 0 {
		return nil // what cannot be read is found by its key
	}
	p.Shows = 0
	return set(txn, k, p)
}

// Revise implements agent.Store.
func (s *Store) Revise(ctx context.Context, id agent.SessionID, m agent.MessageID, text string, withdrawn bool) (turn agent.TurnID, found bool, err error) {
	if err := ctx.Err(); err != nil {
		return "", false, err
	}
	err = s.updateSession(id, func(txn *tx) error {
		turn, found = "", false
		var in agent.Inbound
		var at uint64
		for _, seq := range txn.live.waiting(id) {
			read, _, err := readInbound(txn, id, seq)
			if err != nil {
				return err
			}
			if read.MessageID == m {
				in, at = read, seq
				break
			}
		}
		if at == 0 {
			return nil
		}
		found = true
		in.Withdrawn = in.Withdrawn || withdrawn
		if !withdrawn {
			in.Text = text
		}
		if err := set(txn, inboxKey(id, at), in); err != nil {
			return err
		}
		l := look{txn: txn, id: id, log: s.log}
		b, err := l.begun()
		if err != nil || b == nil || !slices.Contains(b.Inbox, at) {
			return err
		}
		turn, b.Revised = b.ID, true
		return set(txn, key("t/", id), b)
	})
	if err != nil {
		return "", false, fmt.Errorf("revise a message: %w", err)
	}
	return turn, found, nil
}
