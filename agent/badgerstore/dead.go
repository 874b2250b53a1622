package badgerstore

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"time"

	"github.com/dgraph-io/badger/v4"

	"bobbin/agent"
)

// ErrNoSuchTurn is wrapped by what Retry returns for a turn that was not abandoned, or
// was put back already.
var ErrNoSuchTurn = errors.New("there is no abandoned turn of this id")

// Dead is a turn that was abandoned.
type Dead struct {
	ID      agent.TurnID    `json:"id"`
	Session agent.SessionID `json:"session"`
	Began   time.Time       `json:"began"`
	At      time.Time       `json:"at"` // when it was abandoned
	Attempt int             `json:"attempt"`
	Why     string          `json:"why"`
	Text    string          `json:"text,omitempty"` // of the answer, as far as it came

	Inbound []agent.Inbound `json:"-"` // what it should have answered
}

// Abandon implements agent.Store.
func (s *Store) Abandon(ctx context.Context, t *agent.Turn, why string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := s.abandon(t, why); err != nil {
		return fmt.Errorf("abandon turn %s: %w", t.ID, err)
	}
	return nil
}

func (s *Store) abandon(t *agent.Turn, why string) error {
	d := Dead{ID: t.ID, Session: t.Session, Began: t.Began, At: time.Now().Round(0), Attempt: t.Attempt, Why: why}
	entries := t.Transcript()
	if t.Outcome != nil {
		d.Text = cmp.Or(t.Outcome.Unshown, t.Outcome.Text)
	}
	values := make([][]byte, len(t.Inbound))
	for i, in := range t.Inbound {
		// A handle on a pending answer was used up by the word that there is none, and it
		// may be a secret that nobody needs any more.
		in.Target.Hook = ""
		var err error
		if values[i], err = marshal(in); err != nil {
			return fmt.Errorf("encode a message: %w", err)
		}
	}
	// They do not count before the turn's own record is there.
	if err := s.writeInParts(values, func(i int) []byte { return unansweredKey(t.ID, i) }); err != nil {
		return err
	}
	return s.commit(t, entries, true, func(txn *tx, _ begun) error { return set(txn, deadKey(t.ID), d) })
}

// Abandoned lists the turns that were abandoned, oldest first.
func (s *Store) Abandoned(ctx context.Context) iter.Seq2[Dead, error] {
	return func(yield func(Dead, error) bool) {
		dead, err := s.dead(ctx)
		if err != nil {
			yield(Dead{}, fmt.Errorf("list abandoned turns: %w", err))
			return
		}
		for _, d := range dead {
			if d.Inbound, err = s.unanswered(d.ID); err != nil {
				yield(Dead{}, fmt.Errorf("read what turn %s should have answered: %w", d.ID, err))
				return
			}
			if !yield(d, nil) {
				return
			}
		}
	}
}

// dead reads the records of abandoned turns, without what they should have answered. One
// that is damaged is made anew, as far as its key tells.
func (s *Store) dead(ctx context.Context) (found []Dead, err error) {
	var fixes []fix
	err = s.view(func(txn *tx) error {
		return each(txn, []byte("x/t/"), func(k []byte, item *badger.Item) error {
			var d Dead
			if damage := plausible(item, &d, (*Dead).plausible); damage != nil {
				if d, err = recall(txn, agent.TurnID(k)); err != nil {
					return err
				}
				fixes = append(fixes, fault(item, damage).instead(d))
			}
			d.ID = agent.TurnID(k)
			found = append(found, d)
			return ctx.Err()
		})
	})
	_ = s.repair("", fixes) // or they are left as they are, and the log says why
	slices.SortFunc(found, func(a, b Dead) int { return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.ID, b.ID)) })
	return found, err
}

// recall is what can be told of a turn whose record is damaged.
func recall(txn *tx, id agent.TurnID) (Dead, error) {
	d := Dead{ID: id, At: time.Now().Round(0), Why: whyUnknown}
	err := each(txn, unanswered(id), func(_ []byte, item *badger.Item) error {
		var in agent.Inbound
		if decodeInbound(item, &in) != nil {
			return nil
		}
		d.Session = in.Session()
		return errEnough
	})
	return d, err
}

// whyUnknown stands for the reason of a turn whose record was damaged.
const whyUnknown = "unknown: its record was damaged"

func (d *Dead) plausible() bool { return d.ID != "" && !d.At.IsZero() }

func (s *Store) unanswered(id agent.TurnID) (said []agent.Inbound, err error) {
	var fixes []fix
	err = s.view(func(txn *tx) error {
		return each(txn, unanswered(id), func(_ []byte, item *badger.Item) error {
			var in agent.Inbound
			if damage := decodeInbound(item, &in); damage != nil {
				fixes = append(fixes, fault(item, damage))
			} else {
				said = append(said, in)
			}
			return nil
		})
	})
	_ = s.repair("", fixes) // or they are left out again, and the log says why
	return said, err
}

// Retry puts what an abandoned turn should have answered back into its session's inbox,
// behind what is there. It returns the session, which has to be woken, and how many
// messages it has put back, also beside an error: these wait, and a further Retry puts back
// the rest. Their answer will say what it answers.
func (s *Store) Retry(ctx context.Context, id agent.TurnID) (session agent.SessionID, messages int, err error) {
	if _, err := s.unanswered(id); err != nil { // sets aside what is damaged
		return "", 0, fmt.Errorf("retry turn %s: %w", id, err)
	}
	for done := false; !done; {
		if err := ctx.Err(); err != nil {
			return session, messages, err
		}
		var of agent.SessionID
		moved := 0
		err := s.update(func(txn *tx) (err error) {
			of, moved, done, err = s.putBack(txn, id)
			return err
		})
		if err != nil {
			return session, messages, fmt.Errorf("retry turn %s: %w", id, err)
		}
		session, messages = cmp.Or(of, session), messages+moved
	}
	return session, messages, nil
}

// putBack moves as many messages as fit one transaction, and with the last ones the
// record goes. A crash in between leaves the rest to be retried.
func (s *Store) putBack(txn *tx, id agent.TurnID) (session agent.SessionID, moved int, done bool, err error) {
	if _, err := txn.Get(deadKey(id)); errors.Is(err, badger.ErrKeyNotFound) {
		return "", 0, false, ErrNoSuchTurn
	} else if err != nil {
		return "", 0, false, err
	}
	var found [][]byte
	size := 0
	done = true
	err = each(txn, unanswered(id), func(_ []byte, item *badger.Item) error {
		if size += int(item.ValueSize()) + 2*valueFrame; size > oneTransaction && len(found) > 0 {
			done = false
			return errEnough
		}
		found = append(found, item.KeyCopy(nil))
		return nil
	})
	if err != nil {
		return "", 0, false, err
	}
	for _, k := range found {
		in, err := s.messageBack(txn, k)
		if err != nil {
			return "", 0, false, err
		}
		if in != nil {
			session = in.Session()
			moved++
		}
		if err := txn.Delete(k); err != nil {
			return "", 0, false, err
		}
	}
	if !done {
		return session, moved, false, nil
	}
	var d Dead
	if err := get(txn, deadKey(id), &d); err == nil {
		session = cmp.Or(d.Session, session)
	} else if !errors.As(err, new(*damagedError)) {
		return "", 0, false, err
	}
	return session, moved, true, txn.Delete(deadKey(id))
}

// messageBack puts one message into the inbox. It returns nil for one that is damaged.
func (s *Store) messageBack(txn *tx, k []byte) (*agent.Inbound, error) {
	item, err := txn.Get(k)
	if err != nil {
		return nil, err
	}
	var in agent.Inbound
	if decodeInbound(item, &in) != nil {
		return nil, nil // and could not be set aside
	}
	in.Late = true
	session := in.Session()
	if err := spoken(txn, session, 1); err != nil {
		return nil, err
	}
	v, err := marshal(in)
	if err != nil {
		return nil, err
	}
	return &in, txn.arrive(session, s.nextSeq(), v)
}
