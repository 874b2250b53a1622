package badgerstore

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"github.com/dgraph-io/badger/v4"

	"bobbin/agent"
)

// begun is the stored form of a turn under way. What it answers stays in the inbox
// until it is committed.
type begun struct {
	ID         agent.TurnID `json:"id"`
	Generation uint64       `json:"generation"`
	Began      time.Time    `json:"began"`
	Attempt    int          `json:"attempt"`
	Suspended  bool         `json:"suspended,omitempty"`
	Inbox      []uint64     `json:"inbox"`
	Base       uint64       `json:"base"` // entries of its generation that were there before it
}

// Begin implements agent.Store.
func (s *Store) Begin(ctx context.Context, id agent.SessionID) (t *agent.Turn, err error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	err = s.update(func(txn *badger.Txn) (err error) {
		if t, err = s.resume(txn, id); t != nil || err != nil {
			return err
		}
		t, err = s.beginFresh(txn, id)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("begin a turn: %w", err)
	}
	return t, nil
}

// resume takes up the unfinished turn of a session, if there is one.
func (s *Store) resume(txn *badger.Txn, id agent.SessionID) (*agent.Turn, error) {
	b, err := s.begun(txn, id)
	if err != nil || b == nil {
		return nil, err
	}
	if !b.Suspended {
		b.Attempt++
	}
	b.Suspended = false
	t := b.turn(id)
	if t.Inbound, err = s.inbox(txn, id, b.Inbox); err != nil {
		return nil, err
	}
	if len(t.Inbound) == 0 {
		s.log.Error("all that a turn answers is damaged; the turn is dropped", "session", id, "turn", b.ID)
		return nil, drop(txn, id)
	}
	if err := s.readJournal(txn, t); err != nil {
		return nil, err
	}
	return t, set(txn, key("t/", id), b)
}

// beginFresh makes a turn of the oldest messages in the inbox, if there are any.
func (s *Store) beginFresh(txn *badger.Txn, id agent.SessionID) (*agent.Turn, error) {
	h, err := s.readHead(txn, id)
	if err != nil {
		return nil, err
	}
	// The id is the stem of idempotency keys, which Discord bounds to 25 characters.
	b := &begun{
		ID: agent.TurnID(rand.Text()[:20]), Generation: h.Generation, Base: h.Next,
		Began: time.Now().Round(0), Attempt: 1,
	}
	t := b.turn(id)
	if t.Inbound, err = s.take(txn, id, b); err != nil || len(t.Inbound) == 0 {
		return nil, err
	}
	return t, set(txn, key("t/", id), b)
}

func (b *begun) turn(id agent.SessionID) *agent.Turn {
	return &agent.Turn{ID: b.ID, Session: id, Generation: b.Generation, Began: b.Began, Attempt: b.Attempt}
}

func (s *Store) begun(txn *badger.Txn, id agent.SessionID) (*begun, error) {
	var b begun
	switch err := get(txn, key("t/", id), &b); {
	case errors.Is(err, badger.ErrKeyNotFound):
		return nil, nil
	case errors.As(err, new(*damagedError)):
		s.log.Error("the record of a turn is damaged; its messages are taken up anew", "session", id, "error", err)
		return nil, drop(txn, id) // its journal belongs to a turn that has no name any more
	case err != nil:
		return nil, err
	}
	return &b, nil
}

// inbox reads what a turn under way answers.
func (s *Store) inbox(txn *badger.Txn, id agent.SessionID, seqs []uint64) (said []agent.Inbound, err error) {
	for _, seq := range seqs {
		var in agent.Inbound
		switch err := get(txn, inboxKey(id, seq), &in); {
		case errors.Is(err, badger.ErrKeyNotFound): // was damaged before
		case errors.As(err, new(*damagedError)):
			if err := s.dropMessage(txn, id, inboxKey(id, seq), err); err != nil {
				return nil, err
			}
		case err != nil:
			return nil, err
		default:
			said = append(said, in)
		}
	}
	return said, nil
}

// take reads the oldest messages of the inbox for a new turn.
func (s *Store) take(txn *badger.Txn, id agent.SessionID, b *begun) (said []agent.Inbound, err error) {
	err = each(txn, within("i/", id), func(k []byte, item *badger.Item) error {
		if len(said) == agent.MaxTake {
			return errEnough
		}
		var in agent.Inbound
		if err := decode(item, &in); err != nil {
			return s.dropMessage(txn, id, item.KeyCopy(nil), err)
		}
		said, b.Inbox = append(said, in), append(b.Inbox, number(k))
		return nil
	})
	return said, err
}

func (s *Store) dropMessage(txn *badger.Txn, id agent.SessionID, k []byte, why error) error {
	s.log.Error("a message in the inbox is damaged and left out", "session", id, "error", why)
	return txn.Delete(k)
}

func (s *Store) readJournal(txn *badger.Txn, t *agent.Turn) error {
	return each(txn, within("j/", t.Session), func(k []byte, item *badger.Item) error {
		var err error
		switch k[0] {
		case 'e':
			var e agent.Entry
			if err = decode(item, &e); err == nil {
				t.Entries = append(t.Entries, e)
			}
		case 'c':
			t.Started = append(t.Started, string(k[1:]))
		case 'p':
			var p agent.Part
			if err = decode(item, &p); err != nil {
				p = agent.Part{Key: string(k[1:])} // perhaps posted, which is what its key tells
			}
			t.Parts = append(t.Parts, p)
		case 'o':
			var o agent.Outcome
			if err = decode(item, &o); err == nil {
				t.Outcome = &o
			}
		}
		if err != nil {
			s.log.Error("a journal entry is damaged and left out", "session", t.Session, "turn", t.ID, "error", err)
		}
		return nil
	})
}
