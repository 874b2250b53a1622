package badgerstore

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/dgraph-io/badger/v4"

	"bobbin/agent"
)

// maxLast bounds the record of a session's last turn. A larger turn cannot be reopened.
const maxLast = 256 << 10

// last is the stored form of the turn that was committed last.
type last struct {
	ID         agent.TurnID    `json:"id"`
	Generation uint64          `json:"generation"`
	From       uint64          `json:"from"` // its entries
	To         uint64          `json:"to"`
	Inbox      []uint64        `json:"inbox"`
	Inbound    []agent.Inbound `json:"inbound"`
	Parts      []agent.Part    `json:"parts,omitempty"`
}

func (l *last) plausible() bool {
	return l.ID != "" && len(l.Inbound) > 0 && len(l.Inbox) == len(l.Inbound) && l.From <= l.To
}

// keepLast keeps what is needed to reopen a turn that is being committed.
func keepLast(txn *tx, t *agent.Turn, b begun, h head, parts []agent.Part) error {
	l := last{ID: b.ID, Generation: b.Generation, From: b.Base, To: h.Next, Inbox: b.Inbox}
	l.Inbound = slices.Clone(t.Inbound)
	for i := range l.Inbound {
		l.Inbound[i].Target.Hook = "" // used up, and perhaps a secret
	}
	l.Parts = slices.Clone(parts)
	for i := range l.Parts {
		l.Parts[i].Shows = 0 // another answer need not get as far
	}
	slices.SortFunc(l.Parts, func(a, b agent.Part) int { return cmp.Compare(a.Key, b.Key) })
	l.Parts = slices.Compact(l.Parts)
	value, err := marshal(l)
	if err != nil {
		return err
	}
	if len(value) > maxLast || !l.plausible() || t.Withdrawn() {
		return txn.Delete(lastKey(t.Session))
	}
	return txn.Set(lastKey(t.Session), value)
}

// readLast returns the last turn of a session, or nil if it cannot be reopened.
func readLast(txn *tx, id agent.SessionID) (*last, error) {
	if _, err := txn.Get(key("t/", id)); !errors.Is(err, badger.ErrKeyNotFound) {
		return nil, err // another is under way
	}
	item, err := txn.Get(lastKey(id))
	if errors.Is(err, badger.ErrKeyNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var l last
	if plausible(item, &l, (*last).plausible) != nil {
		return nil, nil // what is lost with it is only that it can be reopened
	}
	h, _, err := readHead(txn, id)
	if err != nil || h.Generation != l.Generation || h.Next != l.To {
		return nil, err
	}
	return &l, nil
}

// Last implements agent.Store.
func (s *Store) Last(ctx context.Context, id agent.SessionID) (t *agent.Turn, err error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	err = s.view(func(txn *tx) error {
		l, err := readLast(txn, id)
		if l != nil {
			t = &agent.Turn{ID: l.ID, Session: id, Generation: l.Generation, Inbound: l.Inbound, Parts: l.Parts}
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("look up the last turn: %w", err)
	}
	return t, nil
}

// Reopen implements agent.Store.
func (s *Store) Reopen(ctx context.Context, t *agent.Turn) (done bool, err error) {
	if err := ctx.Err(); err != nil {
		return false, err
	}
	err = s.updateSession(t.Session, func(txn *tx) (err error) {
		done, err = reopen(txn, t)
		return err
	})
	if err != nil {
		return false, fmt.Errorf("reopen turn %s: %w", t.ID, err)
	}
	return done, nil
}

func reopen(txn *tx, t *agent.Turn) (bool, error) {
	l, err := readLast(txn, t.Session)
	if err != nil || l == nil || l.ID != t.ID || len(l.Inbox) != len(t.Inbound) || l.To-l.From > maxDeleted {
		return false, err
	}
	h, _, err := readHead(txn, t.Session)
	if err != nil {
		return false, err
	}
	h.Next, h.Ended = l.From, h.Ended-int64(len(l.Inbox))
	errs := []error{set(txn, key("h/", t.Session), h), txn.Delete(lastKey(t.Session))}
	_, err = deleteSome(txn, ratingKey(t.Session, l.ID, "")) // they were of another answer
	errs = append(errs, err)
	for seq := l.From; seq < l.To; seq++ {
		errs = append(errs, txn.Delete(entryKey(t.Session, l.Generation, seq)))
	}
	for i, in := range t.Inbound {
		value, err := marshal(in)
		errs = append(errs, err, txn.arrive(t.Session, l.Inbox[i], value))
	}
	errs = append(errs, setParts(txn, t.Session, t.Parts), set(txn, key("t/", t.Session), begun{
		ID: l.ID, Generation: l.Generation, Began: time.Now().Round(0), Attempt: 1,
		Suspended: true, // so that its next Begin is the first attempt
		Inbox:     l.Inbox, Base: l.From,
	}))
	return true, errors.Join(errs...)
}
