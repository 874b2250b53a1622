package badgerstore

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/dgraph-io/badger/v4"

	"bobbin/agent"
)

// Expire forgets sessions in which nothing was said since before, transcripts that Reset
// put aside whose last entry is older, and turns that were abandoned and damaged records
// that were set aside earlier. It returns how many transcripts, turns and records these
// were. A session that has something to do is left alone. Expire works in small steps beside
// everything else, and may be cut off and repeated.
//
// What it removed can be read no more. From the disk it goes when Badger next compacts.
func (s *Store) Expire(ctx context.Context, before time.Time) (n int, err error) {
	known, err := s.known(ctx)
	for _, id := range known {
		if err != nil {
			break
		}
		var gone int
		gone, err = s.expireSession(ctx, id, before)
		n += gone
	}
	for _, expire := range []func(context.Context, time.Time) (int, error){s.expireDead, s.expireAside} {
		if err == nil {
			var gone int
			gone, err = expire(ctx, before)
			n += gone
		}
	}
	if err != nil {
		return n, fmt.Errorf("remove what is older than %s: %w", before.Format(time.DateTime), err)
	}
	return n, nil
}

// known lists all sessions.
func (s *Store) known(ctx context.Context) (ids []agent.SessionID, err error) {
	err = s.view(func(txn *tx) error {
		o := badger.DefaultIteratorOptions
		o.Prefix, o.PrefetchValues = []byte("k/"), false
		return walk(txn, o, o.Prefix, func(k []byte, _ *badger.Item) error {
			ids = append(ids, agent.SessionID(k))
			return ctx.Err()
		})
	})
	return ids, err
}

// expireSession removes the oldest transcripts of a session, all of them if it is idle.
func (s *Store) expireSession(ctx context.Context, id agent.SessionID, before time.Time) (n int, err error) {
	for {
		step := stepMore
		err := s.update(func(txn *tx) (err error) {
			step, err = s.expireStep(txn, id, before)
			return err
		})
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return n, err
		}
		if step == stepTranscript {
			n++
		}
		if step == stepEnd {
			return n, nil
		}
	}
}

// step is what a transaction of Expire has achieved.
type step int

const (
	stepEnd        step = iota // there is nothing more to do
	stepMore                   // there is more to do
	stepTranscript             // the last of a transcript is gone
)

// expireStep removes one transcript, or the oldest part of it. It reads when the session
// was last spoken in, which Accept writes: so it conflicts with a message that comes in
// at this moment, and looks again.
func (s *Store) expireStep(txn *tx, id agent.SessionID, before time.Time) (step, error) {
	spoken, err := readStamp(txn, key("k/", id))
	if err != nil {
		return stepEnd, err
	}
	if busy, err := hasWork(txn, id); err != nil || busy {
		return stepEnd, err
	}
	h, _, err := readHead(txn, id)
	if err != nil {
		return stepEnd, err
	}
	generation, found, err := oldest(txn, id)
	if err != nil {
		return stepEnd, err
	}
	if !found {
		if !spoken.Before(before) {
			return stepEnd, nil
		}
		if done, err := deleteSome(txn, within("f/", id)); err != nil || !done {
			return stepMore, err
		}
		return stepEnd, errors.Join(txn.Delete(key("k/", id)), txn.Delete(key("h/", id)), txn.Delete(lastKey(id)))
	}
	last, err := lastWord(txn, id, generation)
	if err != nil {
		return stepEnd, err
	}
	if !last.Before(before) || generation >= h.Generation && !spoken.Before(before) {
		return stepEnd, nil
	}
	done, err := deleteSome(txn, entriesOf(id, generation))
	if done {
		return stepTranscript, err
	}
	return stepMore, err
}

// hasWork reports whether a session has an inbox or a turn under way.
func hasWork(txn *tx, id agent.SessionID) (busy bool, err error) {
	if _, err := txn.Get(key("t/", id)); err == nil {
		return true, nil
	} else if !errors.Is(err, badger.ErrKeyNotFound) {
		return false, err
	}
	err = each(txn, within("i/", id), func([]byte, *badger.Item) error {
		busy = true
		return errEnough
	})
	return busy, err
}

// oldest is the first generation that has entries.
func oldest(txn *tx, id agent.SessionID) (generation uint64, found bool, err error) {
	err = each(txn, within("m/", id), func(k []byte, _ *badger.Item) error {
		if len(k) >= 16 {
			generation, found = number(k[:8]), true
		}
		return errEnough
	})
	return generation, found, err
}

// lastWord is when the newest entry of a transcript was written; one that is damaged has
// no time.
func lastWord(txn *tx, id agent.SessionID, generation uint64) (at time.Time, err error) {
	err = eachBack(txn, entriesOf(id, generation), func(_ []byte, item *badger.Item) error {
		var e agent.Entry
		if decodeEntry(item, &e) != nil {
			return nil
		}
		at = e.At
		return errEnough
	})
	return at, err
}

// maxDeleted bounds the keys that one transaction deletes.
const maxDeleted = 500

// deleteSome deletes the first keys with the prefix, and reports whether these are all.
func deleteSome(txn *tx, prefix []byte) (done bool, err error) {
	o := badger.DefaultIteratorOptions
	o.Prefix, o.PrefetchValues = prefix, false
	var gone [][]byte
	done = true
	err = walk(txn, o, prefix, func(_ []byte, item *badger.Item) error {
		if len(gone) == maxDeleted {
			done = false
			return errEnough
		}
		gone = append(gone, item.KeyCopy(nil))
		return nil
	})
	for _, k := range gone {
		err = errors.Join(err, txn.Delete(k))
	}
	return done, err
}

// expireDead removes abandoned turns. Each is at most one turn's messages.
func (s *Store) expireDead(ctx context.Context, before time.Time) (n int, err error) {
	dead, err := s.dead(ctx)
	for _, d := range dead {
		if err != nil || !d.At.Before(before) {
			break
		}
		err = s.update(func(txn *tx) error {
			if _, err := deleteSome(txn, unanswered(d.ID)); err != nil {
				return err
			}
			return txn.Delete(deadKey(d.ID))
		})
		if err == nil {
			n++
		}
	}
	return n, err
}
