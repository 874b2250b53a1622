package badgerstore

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
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
}

// Begin implements agent.Store.
func (s *Store) Begin(ctx context.Context, id agent.SessionID) (t *agent.Turn, err error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	err = s.update(func(txn *badger.Txn) error {
		t = nil
		b, err := s.begun(txn, id)
		if err != nil {
			return err
		}
		fresh := b == nil
		if fresh {
			h, err := readHead(txn, id)
			if err != nil {
				return err
			}
			// The id is the stem of idempotency keys, which Discord bounds to 25 characters.
			b = &begun{ID: agent.TurnID(rand.Text()[:20]), Generation: h.Generation, Began: time.Now()}
		}
		if !b.Suspended {
			b.Attempt++
		}
		b.Suspended = false
		said, err := s.inbox(txn, id, b, fresh)
		if err != nil {
			return err
		}
		if len(said) == 0 && fresh {
			return nil
		}
		t = &agent.Turn{
			ID: b.ID, Session: id, Generation: b.Generation, Began: b.Began, Attempt: b.Attempt, Inbound: said,
		}
		if !fresh {
			if err := s.readJournal(txn, t); err != nil {
				return err
			}
		}
		return set(txn, key("t/", id), b)
	})
	if err != nil {
		return nil, fmt.Errorf("begin a turn: %w", err)
	}
	return t, nil
}

func (s *Store) begun(txn *badger.Txn, id agent.SessionID) (*begun, error) {
	var b begun
	switch err := get(txn, key("t/", id), &b); {
	case errors.Is(err, badger.ErrKeyNotFound):
		return nil, nil
	case errors.As(err, new(*damagedError)):
		s.log.Error("the record of a turn is damaged; its messages are taken up anew", "session", id, "error", err)
		return nil, nil
	case err != nil:
		return nil, err
	}
	return &b, nil
}

// inbox reads what the turn answers: for a new one, the oldest messages there are.
func (s *Store) inbox(txn *badger.Txn, id agent.SessionID, b *begun, fresh bool) (said []agent.Inbound, err error) {
	err = each(txn, within("i/", id), func(k []byte, item *badger.Item) error {
		seq := number(k)
		switch {
		case fresh && len(b.Inbox) == agent.MaxTake:
			return errEnough
		case !fresh && !slices.Contains(b.Inbox, seq):
			return nil
		}
		var in agent.Inbound
		if err := decode(item, &in); err != nil {
			s.log.Error("an inbox entry is damaged and left out", "session", id, "error", err)
			return txn.Delete(item.KeyCopy(nil))
		}
		if fresh {
			b.Inbox = append(b.Inbox, seq)
		}
		said = append(said, in)
		return nil
	})
	return said, err
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
			if err = decode(item, &p); err == nil {
				t.Parts = append(t.Parts, p)
			}
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

// Append implements agent.Store.
func (s *Store) Append(ctx context.Context, t *agent.Turn, entries ...agent.Entry) error {
	return s.journal(ctx, t, "a step", func(txn *badger.Txn) error {
		for i, e := range entries {
			if err := set(txn, stepKey(t.Session, len(t.Entries)+i), e); err != nil {
				return err
			}
		}
		return nil
	})
}

// StartCall implements agent.Store.
func (s *Store) StartCall(ctx context.Context, t *agent.Turn, callID string) error {
	return s.journal(ctx, t, "the start of a call", func(txn *badger.Txn) error {
		return txn.Set(callKey(t.Session, callID), nil)
	})
}

// RecordPart implements agent.Store. Keys of parts sort in the order of their making
// if their numbers are padded; see bots/reply.
func (s *Store) RecordPart(ctx context.Context, t *agent.Turn, p agent.Part) error {
	return s.journal(ctx, t, "a part of the reply", func(txn *badger.Txn) error {
		return set(txn, partKey(t.Session, p.Key), p)
	})
}

// Answer implements agent.Store.
func (s *Store) Answer(ctx context.Context, t *agent.Turn, o agent.Outcome) error {
	return s.journal(ctx, t, "the outcome", func(txn *badger.Txn) error {
		return set(txn, outcomeKey(t.Session), o)
	})
}

// Suspend implements agent.Store.
func (s *Store) Suspend(ctx context.Context, t *agent.Turn) error {
	return s.journal(ctx, t, "a suspension", func(txn *badger.Txn) error {
		var b begun
		if err := get(txn, key("t/", t.Session), &b); err != nil {
			return err
		}
		b.Suspended = true
		return set(txn, key("t/", t.Session), b)
	})
}

func (s *Store) journal(ctx context.Context, t *agent.Turn, what string, f func(*badger.Txn) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := s.update(f); err != nil {
		return fmt.Errorf("journal %s of turn %s: %w", what, t.ID, err)
	}
	return nil
}

// Commit implements agent.Store.
func (s *Store) Commit(ctx context.Context, t *agent.Turn, entries []agent.Entry) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	h, err := s.head(t)
	if err == nil && size(entries) > oneTransaction {
		// Too much for one transaction. Entries beyond the head do not count yet, so
		// they may be written before it is moved.
		err = s.writeAhead(t, h, entries)
		entries, h.Next = nil, h.Next+uint64(len(entries))
	}
	if err == nil {
		err = s.update(func(txn *badger.Txn) error { return s.commit(txn, t, h, entries) })
	}
	if err != nil {
		return fmt.Errorf("commit turn %s: %w", t.ID, err)
	}
	return nil
}

// oneTransaction is well below what Badger takes at once: 15 % of its memtable.
const oneTransaction = 512 << 10

func size(entries []agent.Entry) (n int) {
	for _, e := range entries {
		n += len(e.Text) + 512
		for _, c := range e.Calls {
			n += len(c.Args)
		}
	}
	return n
}

func (s *Store) writeAhead(t *agent.Turn, h head, entries []agent.Entry) error {
	for i, e := range entries {
		err := s.update(func(txn *badger.Txn) error {
			return set(txn, entryKey(t.Session, t.Generation, h.Next+uint64(i)), e) //nolint:gosec // an index
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (s *Store) commit(txn *badger.Txn, t *agent.Turn, h head, entries []agent.Entry) error {
	for i, e := range entries {
		if err := set(txn, entryKey(t.Session, t.Generation, h.Next+uint64(i)), e); err != nil { //nolint:gosec // an index
			return err
		}
	}
	h.Next += uint64(len(entries))
	if err := writeHead(txn, t, h); err != nil {
		return err
	}
	var b begun
	if err := get(txn, key("t/", t.Session), &b); err != nil {
		return err
	}
	gone := [][]byte{key("t/", t.Session)}
	for _, seq := range b.Inbox {
		gone = append(gone, inboxKey(t.Session, seq))
	}
	err := each(txn, within("j/", t.Session), func(_ []byte, item *badger.Item) error {
		gone = append(gone, item.KeyCopy(nil))
		return nil
	})
	if err != nil {
		return err
	}
	for _, k := range gone {
		if err := txn.Delete(k); err != nil {
			return err
		}
	}
	return nil
}

// damagedError says that a stored value cannot be read.
type damagedError struct {
	key string
	err error
}

func (e *damagedError) Error() string { return "damaged record " + e.key + ": " + e.err.Error() }
func (e *damagedError) Unwrap() error { return e.err }

func set(txn *badger.Txn, k []byte, v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("encode %s: %w", printable(k), err)
	}
	return txn.Set(k, b)
}

func get(txn *badger.Txn, k []byte, v any) error {
	item, err := txn.Get(k)
	if err != nil {
		return err
	}
	return decode(item, v)
}

func decode(item *badger.Item, v any) error {
	return item.Value(func(b []byte) error {
		if err := json.Unmarshal(b, v); err != nil {
			return &damagedError{printable(item.Key()), err}
		}
		return nil
	})
}

func printable(k []byte) string {
	return strings.ToValidUTF8(strings.ReplaceAll(string(k), "\x00", " "), "?")
}
