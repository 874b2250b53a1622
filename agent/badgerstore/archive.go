package badgerstore

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"iter"
	"slices"
	"time"

	"github.com/dgraph-io/badger/v4"

	"bobbin/agent"
)

var _ agent.Archive = (*Store)(nil)

// Session implements agent.Archive.
func (s *Store) Session(ctx context.Context, id agent.SessionID) (info agent.SessionInfo, err error) {
	const counted = 1000
	if err := ctx.Err(); err != nil {
		return info, err
	}
	err = s.view(func(txn *tx) error {
		info = agent.SessionInfo{}
		h, _, err := readHead(txn, id)
		if err != nil {
			return err
		}
		info.Entries, info.Model, info.Spent = int(h.Next), h.Model, agent.Spent(h.Spent) //nolint:gosec // a count
		if info.Heard, err = readStamp(txn, key("k/", id)); err != nil {
			return err
		}
		info.Waiting = txn.live.messages(id)
		var b begun
		if get(txn, key("t/", id), &b) == nil {
			info.Waiting = max(0, info.Waiting-len(b.Inbox))
		}
		n := 0
		return eachBack(txn, entriesOf(id, h.Generation), func(k []byte, item *badger.Item) error {
			if len(k) < 8 || number(k[:8]) >= h.Next {
				return nil
			}
			var e agent.Entry
			if decodeEntry(item, &e) == nil {
				info.Tokens += agent.Tokens(e)
			}
			if n++; n == counted {
				return errEnough
			}
			return nil
		})
	})
	if err != nil {
		return info, fmt.Errorf("look up the session: %w", err)
	}
	return info, nil
}

// Choose implements agent.Archive.
func (s *Store) Choose(ctx context.Context, id agent.SessionID, model string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	err := s.updateSession(id, func(txn *tx) error {
		h, _, err := readHead(txn, id)
		if err != nil {
			return err
		}
		h.Model = model
		return set(txn, key("h/", id), h)
	})
	if err != nil {
		return fmt.Errorf("choose a model: %w", err)
	}
	return nil
}

// atOnce is how many entries of a transcript one transaction reads, so that a reader that
// is slow keeps nothing from being collected.
const atOnce = 500

// Transcript implements agent.Archive. Damaged entries are left out.
func (s *Store) Transcript(ctx context.Context, id agent.SessionID) iter.Seq2[agent.Entry, error] {
	return func(yield func(agent.Entry, error) bool) {
		var h head
		err := s.view(func(txn *tx) (err error) {
			h, _, err = readHead(txn, id)
			return err
		})
		for from := uint64(0); err == nil && from < h.Next; {
			var es []agent.Entry
			if es, from, err = s.transcript(ctx, id, h, from); err != nil {
				break
			}
			for _, e := range es {
				if !yield(e, nil) {
					return
				}
			}
		}
		if err != nil {
			yield(agent.Entry{}, fmt.Errorf("read the transcript: %w", err))
		}
	}
}

func (s *Store) transcript(ctx context.Context, id agent.SessionID, h head, from uint64) (es []agent.Entry, next uint64, err error) {
	err = s.view(func(txn *tx) error {
		o := badger.DefaultIteratorOptions
		o.Prefix, o.PrefetchSize = entriesOf(id, h.Generation), 16
		next = h.Next
		return walk(txn, o, entryKey(id, h.Generation, from), func(k []byte, item *badger.Item) error {
			if len(k) < 8 || number(k[:8]) >= h.Next {
				return errEnough
			}
			if len(es) == atOnce {
				next = number(k[:8])
				return errEnough
			}
			var e agent.Entry
			if decodeEntry(item, &e) == nil {
				es = append(es, e)
			}
			return ctx.Err()
		})
	})
	return es, next, err
}

// spentFor is how long it is known what a turn has cost.
const spentFor = 100 * 24 * time.Hour

// turnCost is the stored form of what one turn has cost.
type turnCost struct {
	Users []string    `json:"users"`
	Model string      `json:"model,omitempty"`
	Usage agent.Usage `json:"usage"`
}

// costsFrom is the first key of the turns of a platform that began at a time or later.
func costsFrom(platform string, t time.Time) []byte {
	return binary.BigEndian.AppendUint64(costsOf(platform), uint64(max(0, t.UnixNano())))
}

func costsOf(platform string) []byte { return append([]byte("u/"+platform), 0) }

// keepCost notes what a turn has cost.
func keepCost(txn *tx, t *agent.Turn) error {
	if t.Outcome == nil || t.Outcome.Usage == (agent.Usage{}) || len(t.Inbound) == 0 {
		return nil
	}
	c := turnCost{Model: t.Outcome.Model, Usage: t.Outcome.Usage}
	for _, in := range t.Inbound {
		if !slices.Contains(c.Users, in.Author.ID) {
			c.Users = append(c.Users, in.Author.ID)
		}
	}
	v, err := marshal(c)
	if err != nil {
		return err
	}
	k := append(costsFrom(t.Target().Platform, t.Began), t.ID...)
	return txn.SetEntry(badger.NewEntry(k, v).WithTTL(spentFor))
}

// Spent implements agent.Archive. What is older than a hundred days is not known. A turn
// that answers several people counts for each of them.
func (s *Store) Spent(ctx context.Context, platform, user string, since time.Time) (sum agent.Spent, err error) {
	err = s.view(func(txn *tx) error {
		o := badger.DefaultIteratorOptions
		o.Prefix = costsOf(platform)
		return walk(txn, o, costsFrom(platform, since), func(_ []byte, item *badger.Item) error {
			var c turnCost
			if decode(item, &c) == nil && (user == "" || slices.Contains(c.Users, user)) {
				sum.Turns++
				sum.Usage = sum.Usage.Add(c.Usage)
			}
			return ctx.Err()
		})
	})
	if err != nil {
		return sum, fmt.Errorf("sum up what was spent: %w", err)
	}
	return sum, nil
}

func ratingKey(id agent.SessionID, t agent.TurnID, user string) []byte {
	return append(append(append(within("f/", id), t...), 0), user...)
}

// Rate implements agent.Archive.
func (s *Store) Rate(ctx context.Context, id agent.SessionID, t agent.TurnID, user string, rating int) (before int, err error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	k := ratingKey(id, t, user)
	err = s.update(func(txn *tx) error {
		before = 0
		if err := get(txn, k, &before); err != nil && !errors.Is(err, badger.ErrKeyNotFound) && !errors.As(err, new(*damagedError)) {
			return err
		}
		if rating == 0 {
			return txn.Delete(k)
		}
		return set(txn, k, rating)
	})
	if err != nil {
		return 0, fmt.Errorf("keep a rating: %w", err)
	}
	return before, nil
}

// Ratings implements agent.Archive.
func (s *Store) Ratings(ctx context.Context, id agent.SessionID) (map[agent.TurnID]agent.Rating, error) {
	all := make(map[agent.TurnID]agent.Rating)
	err := s.view(func(txn *tx) error {
		return each(txn, within("f/", id), func(k []byte, item *badger.Item) error {
			turn, _, ok := bytes.Cut(k, []byte{0})
			var rating int
			if !ok || decode(item, &rating) != nil {
				return ctx.Err()
			}
			r := all[agent.TurnID(turn)]
			if rating > 0 {
				r.Good++
			} else if rating < 0 {
				r.Bad++
			}
			all[agent.TurnID(turn)] = r
			return ctx.Err()
		})
	})
	if err != nil {
		return nil, fmt.Errorf("read ratings: %w", err)
	}
	return all, nil
}
