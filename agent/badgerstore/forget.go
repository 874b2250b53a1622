package badgerstore

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/dgraph-io/badger/v4"

	"bobbin/agent"
)

// erased stands for what somebody has said and wants forgotten.
const erased = "[erased at the author's wish]"

// Forget implements agent.Archive. Each session is changed in steps; one that is cut off
// is taken up by the next Forget. What it removed can be read no more; soon after a
// [Store.Rewrite] takes it from the disk, too.
func (s *Store) Forget(ctx context.Context, platform, user string) (changed, busy int, err error) {
	ids, err := s.sessionsOf(ctx, platform)
	gone := make(map[agent.SessionID]bool)
	for _, id := range ids {
		if err != nil {
			break
		}
		var did, works bool
		did, works, err = s.forgetIn(ctx, id, user)
		if did {
			changed++
			known, lookup := s.Known(ctx, id)
			gone[id], err = !known, errors.Join(err, lookup)
		}
		if works {
			busy++
		}
	}
	for _, forget := range []func(context.Context, string, string) error{s.forgetDead, s.forgetCosts, s.forgetRatings} {
		if err == nil {
			err = forget(ctx, platform, user)
		}
	}
	if err == nil {
		err = s.forgetStandings(ctx, gone)
	}
	s.eraseSoon()
	if err != nil {
		return changed, busy, fmt.Errorf("forget a person: %w", err)
	}
	return changed, busy, nil
}

// sessionsOf lists the sessions of a platform.
func (s *Store) sessionsOf(ctx context.Context, platform string) (ids []agent.SessionID, err error) {
	prefix := []byte("k/" + agent.Address{Platform: platform}.Session())
	prefix = prefix[:len(prefix)-2] // without the empty parts after "platform/"
	err = s.view(func(txn *tx) error {
		return keys(txn, prefix, func(k []byte) error {
			ids = append(ids, agent.SessionID(string(prefix[len("k/"):])+string(k)))
			return ctx.Err()
		})
	})
	return ids, err
}

// forgetIn erases what somebody has said in a session, which must have nothing to do.
func (s *Store) forgetIn(ctx context.Context, id agent.SessionID, user string) (changed, busy bool, err error) {
	said, direct, err := s.saidIn(ctx, id, user)
	if err != nil || !said {
		return false, false, err
	}
	for from := within("m/", id); from != nil; {
		if err := ctx.Err(); err != nil {
			return changed, false, err
		}
		next := from
		err := s.update(func(txn *tx) (err error) {
			if busy, err = hasWork(txn, id); err != nil || busy {
				return err
			}
			if direct {
				next, err = eraseAll(txn, id)
			} else {
				next, err = eraseSome(txn, id, user, from)
			}
			return errors.Join(err, noteErasure(txn))
		})
		if err != nil || busy {
			return changed, busy, err
		}
		from, changed = next, true
	}
	return changed, false, nil
}

// saidIn reports whether somebody has said something in a session, be it answered or not,
// and whether nobody else could.
func (s *Store) saidIn(ctx context.Context, id agent.SessionID, user string) (said, direct bool, err error) {
	err = s.view(func(txn *tx) error {
		err := each(txn, within("m/", id), func(_ []byte, item *badger.Item) error {
			var e agent.Entry
			if decodeEntry(item, &e) == nil && e.Author != nil && e.Author.ID == user {
				said, direct = true, e.Direct
				return errEnough
			}
			return ctx.Err()
		})
		if err != nil || said {
			return err
		}
		return each(txn, within("i/", id), func(_ []byte, item *badger.Item) error {
			var in agent.Inbound
			if decode(item, &in) == nil && in.Author.ID == user {
				said, direct = true, in.Direct
				return errEnough
			}
			return ctx.Err()
		})
	})
	return said, direct, err
}

// eraseAll removes a session, or the first part of it. It returns nil when all is gone.
func eraseAll(txn *tx, id agent.SessionID) (more []byte, err error) {
	for _, kind := range []string{"m/", "f/"} {
		done, err := deleteSome(txn, within(kind, id))
		if err != nil || !done {
			return within("m/", id), err
		}
	}
	return nil, errors.Join(txn.Delete(key("h/", id)), txn.Delete(key("k/", id)), txn.Delete(lastKey(id)))
}

// eraseSome erases what somebody has said among the entries from a key on. It returns
// where to go on, or nil at the end.
func eraseSome(txn *tx, id agent.SessionID, user string, from []byte) (more []byte, err error) {
	type change struct {
		k []byte
		e agent.Entry
	}
	var changes []change
	o := badger.DefaultIteratorOptions
	o.Prefix, o.PrefetchSize = within("m/", id), 16
	n, size := 0, 0
	err = walk(txn, o, from, func(_ []byte, item *badger.Item) error {
		if n == maxDeleted || size > oneTransaction/2 {
			more = item.KeyCopy(nil)
			return errEnough
		}
		n++
		var e agent.Entry
		// What a user's entry without an author sums up, this one has said, too.
		if decodeEntry(item, &e) == nil && e.Role == agent.RoleUser && (e.Author == nil && e.Text != erased || e.Author != nil && e.Author.ID == user) {
			size += int(item.ValueSize())
			changes = append(changes, change{item.KeyCopy(nil), agent.Entry{Role: e.Role, At: e.At, Text: erased}})
		}
		return nil
	})
	for _, c := range changes {
		v, _, encoding := encode([]agent.Entry{c.e})
		if err = errors.Join(err, encoding); err == nil {
			err = txn.Set(c.k, v[0])
		}
	}
	return more, errors.Join(err, txn.Delete(lastKey(id)))
}

// forgetDead removes abandoned turns that were to answer somebody, and records that were
// set aside because they cannot be read: nobody knows whose words they hold.
func (s *Store) forgetDead(ctx context.Context, _, user string) error {
	for d, err := range s.Abandoned(ctx) {
		if err != nil {
			return err
		}
		if !slices.ContainsFunc(d.Inbound, func(in agent.Inbound) bool { return in.Author.ID == user }) {
			continue
		}
		err := s.update(func(txn *tx) error {
			_, err := deleteSome(txn, unanswered(d.ID))
			return errors.Join(err, txn.Delete(deadKey(d.ID)), noteErasure(txn))
		})
		if err != nil {
			return err
		}
	}
	return s.update(func(txn *tx) error {
		_, err := deleteSome(txn, []byte("z/"))
		if txn.wrote {
			err = errors.Join(err, noteErasure(txn))
		}
		return err
	})
}

// forgetCosts keeps what turns have cost, and not for whom.
func (s *Store) forgetCosts(ctx context.Context, platform, user string) error {
	return s.replace(ctx, costsOf(platform), func(item *badger.Item) ([]byte, bool, error) {
		var c turnCost
		if decode(item, &c) != nil || !slices.Contains(c.Users, user) {
			return nil, false, nil
		}
		c.Users = slices.DeleteFunc(c.Users, func(u string) bool { return u == user })
		v, err := marshal(c)
		return v, true, err
	})
}

// forgetRatings removes what somebody thought of answers.
func (s *Store) forgetRatings(ctx context.Context, _, user string) error {
	return s.replace(ctx, []byte("f/"), func(item *badger.Item) ([]byte, bool, error) {
		k := item.Key()
		return nil, len(k) > len(user) && string(k[len(k)-len(user):]) == user && k[len(k)-len(user)-1] == 0, nil
	})
}

// replace gives the records with a prefix the values that f returns, where it says so; nil
// removes one. When a record expires stays as it is.
func (s *Store) replace(ctx context.Context, prefix []byte, f func(*badger.Item) (v []byte, change bool, err error)) error {
	for from := prefix; from != nil; {
		err := s.update(func(txn *tx) error {
			var next []byte
			var changes []*badger.Entry
			o := badger.DefaultIteratorOptions
			o.Prefix = prefix
			n := 0
			err := walk(txn, o, from, func(_ []byte, item *badger.Item) error {
				if n++; n > maxDeleted {
					next = item.KeyCopy(nil)
					return errEnough
				}
				v, change, err := f(item)
				if change {
					e := badger.NewEntry(item.KeyCopy(nil), v)
					e.ExpiresAt = item.ExpiresAt()
					changes = append(changes, e)
				}
				return errors.Join(err, ctx.Err())
			})
			for _, e := range changes {
				if err == nil && e.Value == nil {
					err = txn.Delete(e.Key)
				} else if err == nil {
					err = txn.SetEntry(e)
				}
			}
			if err == nil {
				from = next
			}
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}
