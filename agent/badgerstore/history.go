package badgerstore

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"github.com/dgraph-io/badger/v4"

	"bobbin/agent"
)

// head is where a session's transcript stands.
type head struct {
	Generation uint64 `json:"generation"`
	Next       uint64 `json:"next"` // the number of the next entry
	settings
}

// settings are what a session keeps when its transcript begins anew.
type settings struct {
	Model string `json:"model,omitempty"` // that people chose
	Spent spent  `json:"spent,omitzero"`
	Ended int64  `json:"ended,omitempty"` // messages that were answered or set aside
}

// spent is what the turns of a session have cost.
type spent struct {
	Turns int         `json:"turns"`
	Usage agent.Usage `json:"usage"`
}

// readHead reads a session's head. One that is damaged is what the last entry tells, and
// a fix says so, for which the caller writes the right one.
func readHead(txn *tx, id agent.SessionID) (h head, damage *fix, err error) {
	item, err := txn.Get(key("h/", id))
	if errors.Is(err, badger.ErrKeyNotFound) {
		return head{}, nil, nil
	}
	if err != nil {
		return head{}, nil, err
	}
	if h, err = decodeHead(item); err == nil {
		return h, nil, nil
	}
	f := fault(item, err)
	h, err = lastHead(txn, id)
	a, wrong := readAccount(txn, id)
	h.Ended = a.accepted - int64(txn.live.messages(id))
	return h, &f, errors.Join(err, wrong)
}

func decodeHead(item *badger.Item) (h head, err error) {
	ok := false
	err = item.Value(func(b []byte) error {
		if h, ok = parseHead(b); ok {
			return nil
		}
		var read struct {
			Generation, Next *uint64
			settings
		}
		if err := unmarshal(b, &read); err != nil {
			return err
		}
		if read.Generation == nil || read.Next == nil {
			return errImplausible
		}
		h = head{*read.Generation, *read.Next, read.settings}
		return nil
	})
	return h, damaged(item, err)
}

// lastHead is the head as the transcript's last key tells it.
func lastHead(txn *tx, id agent.SessionID) (h head, err error) {
	err = eachBack(txn, within("m/", id), func(k []byte, _ *badger.Item) error {
		if len(k) >= 16 {
			h = head{Generation: number(k[:8]), Next: number(k[:16]) + 1}
		}
		return errEnough
	})
	return h, err
}

func (s spent) add(o spent) spent {
	return spent{s.Turns + o.Turns, s.Usage.Add(o.Usage)}
}

// headOf is the head of a turn's session.
func headOf(txn *tx, id agent.SessionID) (head, error) {
	if txn.known != nil {
		return txn.known.head, nil
	}
	h, _, err := readHead(txn, id)
	return h, err
}

// writeHead moves the session's head, unless a reset has moved it elsewhere, and adds to
// what the session has spent.
func writeHead(txn *tx, id agent.SessionID, h head) error {
	now, err := headOf(txn, id)
	if err != nil {
		return err
	}
	now.Spent, now.Ended = now.Spent.add(h.Spent), now.Ended+h.Ended
	if now.Generation == h.Generation {
		now.Next = h.Next
	}
	return set(txn, key("h/", id), now)
}

// History implements agent.Store. It reads the turn's own generation, which after a
// reset is no longer the head's. What is damaged, and calls and results that lack each
// other, are put right when they are found.
func (s *Store) History(ctx context.Context, t *agent.Turn, budget int) ([]agent.Entry, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	p := passage{budget: budget}
	if err := s.readPassage(t, &p, p.entry); err != nil {
		return nil, fmt.Errorf("read the transcript: %w", err)
	}
	slices.Reverse(p.entries)
	if p.broken == 0 && sound(p.entries, p.cut, false) {
		return p.entries, nil
	}
	es, err := s.mendPassage(ctx, t, budget)
	if err != nil {
		return nil, fmt.Errorf("put the transcript right: %w", err)
	}
	return es, nil
}

// passage is the newest part of a transcript, newest first.
type passage struct {
	budget  int
	entries []agent.Entry
	broken  int  // entries that cannot be read
	cut     bool // there are older entries

	lines []line // of a passage that is to be put right
}

// readPassage gives f a passage's items, the newest first.
func (s *Store) readPassage(t *agent.Turn, p *passage, f func(*badger.Item) error) error {
	return s.viewTurn(t, func(txn *tx) error {
		b, err := underWay(txn, t)
		if err != nil || b.Base == 0 { // nothing was said before, as in each new thread
			return err
		}
		p.entries = slices.Grow(p.entries, int(min(b.Base, 16)))
		return eachBack(txn, entriesOf(t.Session, b.Generation), func(k []byte, item *badger.Item) error {
			if len(k) < 8 || number(k[:8]) >= b.Base {
				return nil // written ahead by a commit that did not come to its end
			}
			return f(item)
		})
	})
}

func (p *passage) entry(item *badger.Item) error {
	// It is decoded where it stays: entries are large, and a window has hundreds of them.
	n := len(p.entries)
	p.entries = append(p.entries, agent.Entry{})
	e := &p.entries[n]
	if err := decodeEntry(item, e); err != nil {
		p.broken++
		p.entries = p.entries[:n]
		return errEnough // all of it is read again
	}
	if p.budget -= agent.Tokens(*e); p.budget < 0 {
		p.cut = true
		p.entries = p.entries[:n]
		return errEnough
	}
	return nil
}

// maxMended bounds the damaged entries that are dealt with at once.
const maxMended = 2 * maxAside

func (p *passage) line(item *badger.Item) error {
	l := readLine(item)
	if l.broken {
		p.broken++
	} else {
		p.budget -= agent.Tokens(l.entry)
	}
	if p.budget < 0 || p.broken > maxMended {
		p.cut = true
		return errEnough
	}
	p.lines = append(p.lines, l)
	return nil
}

// mendPassage is History for a transcript that is not sound. If it cannot be put right in
// the store, the entries that can stand are returned nevertheless.
func (s *Store) mendPassage(ctx context.Context, t *agent.Turn, budget int) (es []agent.Entry, err error) {
	for {
		p := passage{budget: budget}
		if err := s.readPassage(t, &p, p.line); err != nil {
			return nil, err
		}
		slices.Reverse(p.lines)
		var fixes []fix
		es, fixes = mend(p.lines, p.cut, false)
		if s.repair(t.Session, fixes) != nil || p.broken <= maxMended {
			break
		}
		if err := ctx.Err(); err != nil {
			return nil, err
		}
	}
	for sum, i := 0, len(es)-1; i >= 0; i-- { // results that were put in may be too much
		if sum += agent.Tokens(es[i]); sum > budget {
			return es[i+1:], nil
		}
	}
	return es, nil
}

// Reset implements agent.Store.
func (s *Store) Reset(ctx context.Context, id agent.SessionID) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	err := s.updateSession(id, func(txn *tx) error {
		h, damage, err := readHead(txn, id)
		if err != nil {
			return err
		}
		if damage != nil {
			s.log.Error("the head of a transcript is damaged; the session starts afresh all the same", "session", id, "damage", damage.why)
		}
		return set(txn, key("h/", id), head{Generation: h.Generation + 1, settings: h.settings})
	})
	if err != nil {
		return fmt.Errorf("reset the session: %w", err)
	}
	return nil
}

// errEnough ends an iteration early.
var errEnough = errors.New("enough")

// each calls f for the keys with the prefix, in order, with what follows the prefix.
func each(txn *tx, prefix []byte, f func(k []byte, item *badger.Item) error) error {
	o := badger.DefaultIteratorOptions
	o.Prefix, o.PrefetchValues = prefix, false // which is for values that are elsewhere
	return walk(txn, o, prefix, f)
}

// eachBack is each, from the last key to the first.
func eachBack(txn *tx, prefix []byte, f func(k []byte, item *badger.Item) error) error {
	o := badger.DefaultIteratorOptions
	o.Prefix, o.PrefetchValues, o.Reverse = prefix, false, true
	return walk(txn, o, append(slices.Clone(prefix), 0xff), f)
}

// keys is each, for keys alone. A key is good until f returns.
func keys(txn *tx, prefix []byte, f func(k []byte) error) error {
	o := badger.DefaultIteratorOptions
	o.Prefix, o.PrefetchValues = prefix, false
	return walk(txn, o, prefix, func(k []byte, _ *badger.Item) error { return f(k) })
}

func walk(txn *tx, o badger.IteratorOptions, from []byte, f func(k []byte, item *badger.Item) error) error {
	it := txn.NewIterator(o)
	defer it.Close()
	for it.Seek(from); it.Valid(); it.Next() {
		if err := f(it.Item().Key()[len(o.Prefix):], it.Item()); errors.Is(err, errEnough) {
			return nil
		} else if err != nil {
			return err
		}
	}
	return nil
}

// number reads the 8 bytes that end a key.
func number(k []byte) uint64 {
	if len(k) < 8 {
		return 0
	}
	return binary.BigEndian.Uint64(k[len(k)-8:])
}
