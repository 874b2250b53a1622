package badgerstore

import (
	"errors"
	"log/slog"
	"slices"
	"strings"

	"github.com/dgraph-io/badger/v4"

	"bobbin/agent"
)

// look reads what a session has for a turn. Records that are damaged are left out, and
// how they are put right is noted.
type look struct {
	txn   *tx
	id    agent.SessionID
	log   *slog.Logger
	fixes []fix
	fresh func() // for a turn that begins with this look, once it is stored
	ahead int    // entries that a commit has left which did not come to its end
}

// begun reads the record of the turn under way. One that is damaged is made anew.
func (l *look) begun() (*begun, error) {
	if l.txn.live.unbegun(l.id) {
		return nil, nil // it is as good as not there
	}
	item, err := l.txn.Get(key("t/", l.id))
	if errors.Is(err, badger.ErrKeyNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var b begun
	if damage := plausible(item, &b, (*begun).plausible); damage != nil {
		return l.nameless(fault(item, damage))
	}
	return &b, nil
}

// nameless makes a turn anew whose record is damaged. It has another name, but what it
// has done stays done: its steps, the calls that were started and the messages of its
// reply. Which messages it answered is not known, so it has to answer all that wait, and
// an outcome that it had is void.
func (l *look) nameless(f fix) (*begun, error) {
	h, err := l.head()
	if err != nil {
		return nil, err
	}
	b := newBegun(h)
	b.Suspended = true // taking it up again is not its fault
	if _, b.Inbox, err = l.take(); err != nil {
		return nil, err
	}
	if len(b.Inbox) == 0 {
		err := each(l.txn, within("j/", l.id), func(_ []byte, item *badger.Item) error {
			l.fixes = append(l.fixes, fault(item, errVoid))
			return nil
		})
		l.fixes = append(l.fixes, f) // last, so that what is cut off here begins anew
		return nil, errors.Join(err, drop(l.txn, l.id))
	}
	l.fixes = append(l.fixes, f.instead(b))
	item, err := l.txn.Get(outcomeKey(l.id))
	if errors.Is(err, badger.ErrKeyNotFound) {
		return b, nil
	}
	if err != nil {
		return nil, err
	}
	parts, err := withOutcome(l.txn, l.id)
	l.fixes = append(l.fixes, fault(item, errVoid).beside(l.id, parts))
	return b, errors.Join(err, setParts(l.txn, l.id, parts), l.txn.Delete(outcomeKey(l.id)))
}

// errVoid says why a sound part of a journal does not count.
var errVoid = errors.New("it is not known which messages this was for")

// inbox reads what a turn under way answers.
func (l *look) inbox(seqs []uint64) (said []agent.Inbound, err error) {
	for _, seq := range seqs {
		item, err := l.txn.Get(inboxKey(l.id, seq))
		if errors.Is(err, badger.ErrKeyNotFound) { // was damaged before
			continue
		}
		if err != nil {
			return nil, err
		}
		if in, ok := l.message(item); ok {
			said = append(said, in)
		}
	}
	return said, nil
}

// take reads the oldest messages of the inbox for a new turn.
func (l *look) take() (said []agent.Inbound, seqs []uint64, err error) {
	for _, seq := range l.txn.live.waiting(l.id) {
		item, err := l.txn.Get(inboxKey(l.id, seq))
		if errors.Is(err, badger.ErrKeyNotFound) { // not there yet
			continue
		}
		if err != nil {
			return nil, nil, err
		}
		in, ok := l.message(item)
		switch {
		case !ok:
			continue
		case in.Command != "" && len(said) > 0:
			return said, seqs, nil // a command has a turn of its own
		}
		said, seqs = append(said, in), append(seqs, seq)
		if in.Command != "" {
			break
		}
		if len(said) == agent.MaxTake {
			break
		}
	}
	return said, seqs, nil
}

func (l *look) message(item *badger.Item) (in agent.Inbound, ok bool) {
	damage := decodeInbound(item, &in)
	if damage != nil {
		l.fixes = append(l.fixes, fault(item, damage))
	}
	return in, damage == nil
}

// head reads where the transcript stands. A record that is damaged is made anew from the
// last entry.
func (l *look) head() (head, error) {
	h, f, err := readHead(l.txn, l.id)
	if f != nil {
		l.fixes = append(l.fixes, f.instead(h))
	}
	return h, err
}

// journal reads what the turn has done.
func (l *look) journal(t *agent.Turn) error {
	var steps []line
	err := each(l.txn, within("j/", l.id), func(k []byte, item *badger.Item) error {
		if len(k) == 0 {
			return nil
		}
		switch k[0] {
		case 'e':
			steps = append(steps, readLine(item))
		case 'c':
			t.Started = append(t.Started, string(k[1:]))
		case 'p':
			var p agent.Part
			ok := func(p *agent.Part) bool { return p.Key == string(k[1:]) }
			if damage := plausible(item, &p, ok); damage != nil {
				p = agent.Part{Key: string(k[1:])} // perhaps posted, which is what its key tells
				l.fixes = append(l.fixes, fault(item, damage).instead(p))
			}
			t.Parts = append(t.Parts, p)
		case 'o':
			var o outcome
			if damage := plausible(item, &o, (*outcome).plausible); damage != nil {
				l.fixes = append(l.fixes, fault(item, damage))
			} else {
				t.Outcome = &o.Outcome
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	first, err := withOutcome(l.txn, l.id)
	t.Parts = append(t.Parts, first...)
	slices.SortFunc(t.Parts, func(p, q agent.Part) int { return strings.Compare(p.Key, q.Key) })
	var fixes []fix
	t.Entries, fixes = mend(steps, false, true)
	l.fixes = append(l.fixes, fixes...)
	return err
}
