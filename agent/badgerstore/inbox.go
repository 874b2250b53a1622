package badgerstore

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"iter"
	"time"

	"github.com/dgraph-io/badger/v4"

	"bobbin/agent"
)

// remembered is how long an event or message id is known again. It is far beyond the
// hours in which platforms deliver again, and in which missed messages are read.
const remembered = 7 * 24 * time.Hour

// Accept implements agent.Store. Below the floor of free space it refuses with
// [ErrDiskFull] what it does not know yet.
func (s *Store) Accept(ctx context.Context, in agent.Inbound, ready func()) (fresh bool, err error) {
	if err := ctx.Err(); err != nil {
		return false, err
	}
	if in.MessageID == "" {
		return false, errors.New("accept: the message has no id")
	}
	value, err := marshal(in)
	if err != nil {
		return false, fmt.Errorf("encode the message: %w", err)
	}
	if fresh, err = s.accept(in, value, ready); err != nil {
		return false, fmt.Errorf("write the inbox: %w", err)
	}
	return fresh, nil
}

func (s *Store) accept(in agent.Inbound, value []byte, ready func()) (fresh bool, err error) {
	s.gate.RLock()
	defer s.gate.RUnlock()
	session, written := in.Session(), func() {}
	unlock := s.live.lock(session)
	seq := s.nextSeq()
	wrote, err := s.write(func(txn *tx) error {
		if fresh, err = isFresh(txn, in); err != nil || !fresh {
			return err
		}
		if err := s.floor.check(); err != nil {
			return err
		}
		if s.live.messages(session) >= agent.MaxInbox {
			return agent.ErrInboxFull
		}
		if ready != nil {
			if written, err = s.beginWith(txn, in, seq); err != nil {
				return err
			}
		}
		if err := remember(txn, in); err != nil {
			return err
		}
		if err := spoken(txn, session, 1); err != nil {
			return err
		}
		return txn.arrive(session, seq, value)
	})
	if err == nil && fresh {
		written()
	}
	unlock()
	if err == nil && fresh && ready != nil {
		ready()
	}
	return fresh, s.kept(wrote, err)
}

// Seen implements agent.Store.
func (s *Store) Seen(ctx context.Context, in agent.Inbound) (seen bool, err error) {
	if err := ctx.Err(); err != nil {
		return false, err
	}
	err = s.view(func(txn *tx) error {
		fresh, err := isFresh(txn, in)
		seen = !fresh
		return err
	})
	if err == nil && seen {
		err = s.group.clean()
	}
	if err != nil {
		return false, fmt.Errorf("look up a message: %w", err)
	}
	return seen, nil
}

// Note implements agent.Store.
func (s *Store) Note(ctx context.Context, in agent.Inbound) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if in.MessageID == "" {
		return errors.New("note: the message has no id")
	}
	if err := s.update(func(txn *tx) error { return remember(txn, in) }); err != nil {
		return fmt.Errorf("note a message: %w", err)
	}
	return nil
}

// idKeys are the keys under which a message is remembered.
func idKeys(in agent.Inbound) [][]byte {
	ids := [][]byte{seenKey("m", in.Target.Platform, string(in.MessageID))}
	if in.EventID != "" {
		ids = append(ids, seenKey("e", in.Target.Platform, in.EventID))
	}
	return ids
}

func isFresh(txn *tx, in agent.Inbound) (bool, error) {
	for _, id := range idKeys(in) {
		if _, err := txn.Get(id); !errors.Is(err, badger.ErrKeyNotFound) {
			return false, err
		}
	}
	return true, nil
}

// remember notes that a message has arrived, and where it belongs.
func remember(txn *tx, in agent.Inbound) error {
	for _, id := range idKeys(in) {
		if err := txn.SetEntry(badger.NewEntry(id, []byte(in.Session())).WithTTL(remembered)); err != nil {
			return err
		}
	}
	return nil
}

// nextSeq numbers inbox entries in order of acceptance, across restarts too.
func (s *Store) nextSeq() uint64 {
	for {
		last := s.seq.Load()
		next := max(last+1, uint64(time.Now().UnixNano()))
		if s.seq.CompareAndSwap(last, next) {
			return next
		}
	}
}

// Known implements agent.Store.
func (s *Store) Known(ctx context.Context, id agent.SessionID) (known bool, err error) {
	if err := ctx.Err(); err != nil {
		return false, err
	}
	err = s.view(func(txn *tx) error {
		_, err := txn.Get(key("k/", id))
		known = err == nil
		if errors.Is(err, badger.ErrKeyNotFound) {
			return nil
		}
		return err
	})
	if err != nil {
		return false, fmt.Errorf("look up the session: %w", err)
	}
	return known, nil
}

// Pending implements agent.Store. It reads keys only, and only of what is unfinished.
func (s *Store) Pending(ctx context.Context) iter.Seq2[agent.SessionID, error] {
	return func(yield func(agent.SessionID, error) bool) {
		seen := make(map[agent.SessionID]bool)
		err := s.view(func(txn *tx) error {
			for _, kind := range []string{"t/", "i/"} {
				o := badger.DefaultIteratorOptions
				o.PrefetchValues, o.Prefix = false, []byte(kind)
				it := txn.NewIterator(o)
				for it.Rewind(); it.Valid(); it.Next() {
					if err := ctx.Err(); err != nil {
						it.Close()
						return err
					}
					k, _, _ := bytes.Cut(it.Item().Key()[len(kind):], []byte{0})
					seen[agent.SessionID(k)] = true
				}
				it.Close()
			}
			return nil
		})
		if err != nil {
			yield("", fmt.Errorf("list unfinished sessions: %w", err))
			return
		}
		for id := range seen {
			if !yield(id, nil) {
				return
			}
		}
	}
}

// Backlog counts the messages that were accepted and are neither delivered nor set
// aside. It reads keys only, and only of what is unfinished.
func (s *Store) Backlog(ctx context.Context) (n int, err error) {
	err = s.view(func(txn *tx) error {
		o := badger.DefaultIteratorOptions
		o.PrefetchValues, o.Prefix = false, []byte("i/")
		it := txn.NewIterator(o)
		defer it.Close()
		for it.Rewind(); it.Valid(); it.Next() {
			if err := ctx.Err(); err != nil {
				return err
			}
			n++
		}
		return nil
	})
	if err != nil {
		return 0, fmt.Errorf("count the inbox: %w", err)
	}
	return n, nil
}
