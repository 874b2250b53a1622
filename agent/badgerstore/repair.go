package badgerstore

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/dgraph-io/badger/v4"

	"bobbin/agent"
)

// fix says what is wrong with a record and how it is put right.
type fix struct {
	key     []byte
	version uint64 // of the record when it was found: one that was written since is left alone
	size    int
	why     string
	stays   bool     // the record itself is sound, and only something beside it is missing
	put     []record // what is written for it
}

// fault is a fix that sets the record aside.
func fault(item *badger.Item, why error) fix {
	return fix{key: item.KeyCopy(nil), version: item.Version(), size: int(item.ValueSize()), why: why.Error()}
}

// instead is a fix with v in the record's place.
func (f fix) instead(v any) fix {
	if b, err := marshal(v); err == nil { // v is a record's type, so it is
		f.put = append(f.put, record{key: f.key, value: b})
	}
	return f
}

// beside is a fix with parts of a reply beside the record.
func (f fix) beside(id agent.SessionID, parts []agent.Part) fix {
	for _, p := range parts {
		if b, err := marshal(p); err == nil { // it is a record's type, too
			f.put = append(f.put, record{key: partKey(id, p.Key), value: b})
		}
	}
	return f
}

// weight is what the fix takes of a transaction.
func (f fix) weight() int {
	n := 2*valueFrame + min(f.size, maxRaw)*4/3 // as JSON
	for _, r := range f.put {
		n += len(r.key) + len(r.value) + valueFrame
	}
	return n
}

// maxToldOf bounds the log lines about one session.
const maxToldOf = 10

// repair makes the fixes and says so in the log. Usually they are one transaction; each
// of them is, so that what a crash leaves undone is found by the next look.
func (s *Store) repair(id agent.SessionID, fixes []fix) error {
	told := 0
	for len(fixes) > 0 {
		n, weight := 0, 0
		for n < len(fixes) && (n == 0 || weight+fixes[n].weight() <= oneTransaction) && n < maxDeleted {
			weight += fixes[n].weight()
			n++
		}
		var done []fix
		err := s.updateSession(id, func(txn *tx) (err error) {
			done, err = s.fixSome(txn, id, fixes[:n])
			return err
		})
		if err != nil {
			s.log.Error("damaged records are left out, since they cannot be set aside", "session", id, "damage", fixes[0].why, "error", err)
			return fmt.Errorf("set damaged records aside: %w", err)
		}
		for _, f := range done {
			if bytes.HasPrefix(f.key, []byte("i/")) {
				s.live.forget(id, number(f.key))
				s.live.strays(id)
			}
			if told++; told <= maxToldOf {
				s.log.Error(f.done(), "session", id, "record", printable(f.key), "damage", f.why)
			}
		}
		fixes = fixes[n:]
	}
	if told > maxToldOf {
		s.log.Error("more records were damaged and are put right", "session", id, "records", told-maxToldOf)
	}
	return nil
}

// done says what the fix was.
func (f fix) done() string {
	switch {
	case f.stays:
		return "a call without a result is given a failed one"
	case len(f.put) > 0:
		return "a damaged record is set aside and made anew"
	}
	return "a damaged record is set aside"
}

func (s *Store) fixSome(txn *tx, id agent.SessionID, fixes []fix) (done []fix, err error) {
	for _, f := range fixes {
		item, err := txn.Get(f.key)
		if errors.Is(err, badger.ErrKeyNotFound) || err == nil && item.Version() != f.version {
			continue
		}
		if err != nil {
			return nil, err
		}
		if !f.stays {
			if err := s.setAside(txn, id, item, f.why); err != nil {
				return nil, err
			}
		}
		for _, r := range f.put {
			if err := txn.Set(r.key, r.value); err != nil {
				return nil, err
			}
		}
		done = append(done, f)
	}
	return done, trimAside(txn)
}
