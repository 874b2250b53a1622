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
	Attempt    int          `json:"attempt"` // since the last step that was journaled
	Suspended  bool         `json:"suspended,omitempty"`
	Revised    bool         `json:"revised,omitempty"` // what it answers, since it began or was rewound
	Inbox      []uint64     `json:"inbox"`
	Steered    int          `json:"steered,omitempty"` // of Inbox, the last that are journaled as entries
	Base       uint64       `json:"base"`              // entries of its generation that were there before it
	// Ahead is how many entries a commit has written that was too large for one
	// transaction and did not come to its end.
	Ahead int `json:"ahead,omitempty"`
}

func (b *begun) plausible() bool { return b.ID != "" && len(b.Inbox) > 0 }

// newBegun is a turn that begins now, without what it answers. Its id is the stem of
// idempotency keys, which Discord bounds to 25 characters.
func newBegun(h head) *begun {
	return &begun{
		ID: agent.TurnID(rand.Text()[:20]), Generation: h.Generation, Base: h.Next,
		Began: time.Now().Round(0), Attempt: 1,
	}
}

// maxLooks is how often Begin looks at a session whose records are damaged. If these
// cannot be put right, it leaves them out.
const maxLooks = 3

// errDamage ends a transaction that has found what is to be put right first.
var errDamage = errors.New("there are damaged records")

// Begin implements agent.Store.
func (s *Store) Begin(ctx context.Context, id agent.SessionID) (*agent.Turn, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	for looks := 1; ; looks++ {
		l := &look{id: id, log: s.log}
		t, err := s.begin(l, looks == maxLooks)
		switch {
		case err == nil:
			return t, nil
		case !errors.Is(err, errDamage):
			return nil, fmt.Errorf("begin a turn: %w", err)
		}
		if s.putRight(l) != nil {
			looks = maxLooks - 1
		}
	}
}

// putRight does what a look found to be done. An error is in the log.
func (s *Store) putRight(l *look) error {
	if l.ahead > 0 {
		if err := s.dropAhead(l.id); err != nil {
			s.log.Error("the entries of a turn that was cut off while it was committed cannot be removed", "session", l.id, "error", err)
			return err
		}
	}
	return s.repair(l.id, l.fixes)
}

// begin is Begin, once. If it does not have to make do with what it finds, it changes
// nothing before all is put right.
func (s *Store) begin(l *look, makeDo bool) (t *agent.Turn, err error) {
	s.gate.RLock()
	defer s.gate.RUnlock()
	defer s.live.lock(l.id)()
	if err := s.group.broken(); err != nil {
		return nil, err
	}
	if k, in := s.live.begin(l.id); k != nil { // all was written with the message
		t := k.begun.turn(l.id)
		t.Prefers, t.Inbound = k.head.Model, in
		return t, nil
	}
	if s.live.idle(l.id) {
		return nil, nil
	}
	unbegun := s.live.unbegun(l.id)
	_, err = s.write(func(txn *tx) (err error) {
		l.txn, l.fixes, l.ahead, l.fresh = txn, nil, 0, nil
		if t = nil; !unbegun {
			t, err = l.resume()
		}
		if t == nil && err == nil {
			t, err = l.beginFresh()
		}
		if t == nil && err == nil && unbegun { // what it was to answer is damaged
			err = drop(txn, l.id)
		}
		if err == nil && !makeDo && (len(l.fixes) > 0 || l.ahead > 0) {
			return errDamage
		}
		return err
	})
	switch {
	case err != nil:
		return nil, err
	case l.fresh != nil:
		l.fresh()
	default:
		s.live.resumed(l.id)
	}
	return t, nil
}

// resume takes up the unfinished turn of the session, if there is one.
func (l *look) resume() (*agent.Turn, error) {
	b, err := l.begun()
	if err != nil || b == nil {
		return nil, err
	}
	l.ahead = b.Ahead
	if !b.Suspended {
		b.Attempt++
	}
	b.Suspended = true // until Resume
	h, err := l.head()
	if err != nil {
		return nil, err
	}
	if h.Generation == b.Generation {
		b.Base = max(b.Base, h.Next) // what is in the transcript is never written over
	}
	t := b.turn(l.id)
	t.Prefers, t.Suspended = h.Model, true
	if t.Inbound, err = l.inbox(b.Inbox); err != nil {
		return nil, err
	}
	t.Steered = min(t.Steered, max(len(t.Inbound)-1, 0))
	if len(t.Inbound) == 0 {
		if len(l.fixes) == 0 {
			l.log.Error("all that a turn answers was damaged; the turn is dropped", "session", l.id, "turn", b.ID)
		}
		return nil, drop(l.txn, l.id)
	}
	if err := l.journal(t); err != nil {
		return nil, err
	}
	return t, set(l.txn, key("t/", l.id), b)
}

// beginFresh makes a turn of the oldest messages in the inbox, if there are any.
func (l *look) beginFresh() (*agent.Turn, error) {
	h, err := l.head()
	if err != nil {
		return nil, err
	}
	b := newBegun(h)
	t := b.turn(l.id)
	t.Prefers = h.Model
	if t.Inbound, b.Inbox, err = l.take(); err != nil || len(t.Inbound) == 0 {
		return nil, err
	}
	l.fresh = func() { l.txn.live.wrote(l.id, liveTurn{id: b.ID, known: &known{*b, h}}) }
	return t, set(l.txn, key("t/", l.id), b)
}

// beginWith writes a turn with the message that it will answer, if that is all that the
// session has to do. written is to be called once that is stored.
func (s *Store) beginWith(txn *tx, in agent.Inbound, seq uint64) (written func(), err error) {
	id := in.Session()
	if !s.live.idle(id) {
		return func() {}, nil
	}
	h, damage, err := readHead(txn, id)
	if err != nil || damage != nil { // which Begin puts right
		return func() {}, err
	}
	b := newBegun(h)
	b.Inbox = []uint64{seq}
	return func() {
		s.live.wrote(id, liveTurn{id: b.ID, known: &known{*b, h}, unbegun: true, inbound: []agent.Inbound{in}})
	}, set(txn, key("t/", id), b)
}

func (b *begun) turn(id agent.SessionID) *agent.Turn {
	return &agent.Turn{ID: b.ID, Session: id, Generation: b.Generation, Began: b.Began, Attempt: b.Attempt, Steered: b.Steered, Revised: b.Revised}
}

// underWay is the record of a turn, which must be the one that its session has.
func underWay(txn *tx, t *agent.Turn) (b begun, err error) {
	if txn.known != nil {
		return txn.known.begun, nil
	}
	item, err := txn.Get(key("t/", t.Session))
	if err == nil {
		err = plausible(item, &b, (*begun).plausible)
	}
	if errors.Is(err, badger.ErrKeyNotFound) || err == nil && b.ID != t.ID {
		return begun{}, errNotUnderWay
	}
	return b, err
}

// setTurn changes the record of a turn. What was known of it is read again.
func setTurn(txn *tx, t *agent.Turn, b begun) error {
	txn.live.unsure(t.Session)
	return set(txn, key("t/", t.Session), b)
}

// errNotUnderWay says that a turn was committed already, or is not the session's.
var errNotUnderWay = errors.New("the turn is not under way")

// journalKeys looks for the keys of a session's journal.
func journalKeys(txn *tx, id agent.SessionID) (found [][]byte, err error) {
	prefix := within("j/", id)
	err = keys(txn, prefix, func(k []byte) error {
		found = append(found, append(prefix[:len(prefix):len(prefix)], k...))
		return nil
	})
	return found, err
}

// drop forgets the turn under way and its journal.
func drop(txn *tx, id agent.SessionID) error {
	journal, err := journalKeys(txn, id)
	if err != nil {
		return err
	}
	return deleteAll(txn, append(journal, key("t/", id)))
}

func deleteAll(txn *tx, gone [][]byte) error {
	for _, k := range gone {
		if err := txn.Delete(k); err != nil {
			return err
		}
	}
	return nil
}
