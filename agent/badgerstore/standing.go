package badgerstore

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/dgraph-io/badger/v4"

	"bobbin/agent"
)

// locatedFor is how long it is known which answer a message of bobbin's is of.
const locatedFor = 100 * 24 * time.Hour

// standing is the stored form of where an answer stands that a message is of.
type standing struct {
	Session    agent.SessionID `json:"session"`
	Generation uint64          `json:"generation"`
	End        uint64          `json:"end,omitempty"` // entries there up to the answer's last; 0: it is not committed
}

func (st *standing) plausible() bool { return st.Session != "" }

// newest reports whether nothing was committed after the answer.
func (st *standing) newest(h head) bool {
	return st.Generation == h.Generation && (st.End == 0 || st.End >= h.Next)
}

func standingKey(platform string, m agent.MessageID) []byte {
	return append(append([]byte("a/"+platform), 0), m...)
}

// stand notes what answer a message is of.
func stand(txn *tx, t *agent.Turn, m agent.MessageID, st standing) error {
	if m == "" || len(t.Inbound) == 0 {
		return nil
	}
	v, err := marshal(st)
	if err != nil {
		return err
	}
	return txn.SetEntry(badger.NewEntry(standingKey(t.Inbound[0].Target.Platform, m), v).WithTTL(locatedFor))
}

// Locate implements agent.Archive. Messages that were accepted are known for a week, those
// of replies for a hundred days.
func (s *Store) Locate(ctx context.Context, platform string, m agent.MessageID) (at agent.Location, found bool, err error) {
	if err := ctx.Err(); err != nil {
		return at, false, err
	}
	err = s.view(func(txn *tx) error {
		at, found = agent.Location{}, false
		st, err := readStanding(txn, platform, m)
		if err != nil {
			return err
		}
		if st != nil {
			h, _, err := readHead(txn, st.Session)
			at, found = agent.Location{Session: st.Session, Reply: true, Newest: st.newest(h)}, err == nil
			return err
		}
		item, err := txn.Get(seenKey("m", platform, string(m)))
		if errors.Is(err, badger.ErrKeyNotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		return item.Value(func(v []byte) error {
			at.Session, found = agent.SessionID(v), len(v) > 0
			return nil
		})
	})
	if err != nil {
		return at, false, fmt.Errorf("look up where a message belongs: %w", err)
	}
	return at, found, nil
}

// readStanding returns nil for a message that is of no answer. A damaged record is none:
// what is lost with it is only that its answer can be gone on from.
func readStanding(txn *tx, platform string, m agent.MessageID) (*standing, error) {
	item, err := txn.Get(standingKey(platform, m))
	if errors.Is(err, badger.ErrKeyNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var st standing
	if plausible(item, &st, (*standing).plausible) != nil {
		return nil, nil
	}
	return &st, nil
}

// forgetStandings removes where messages belong whose session is gone.
func (s *Store) forgetStandings(ctx context.Context, gone map[agent.SessionID]bool) error {
	if len(gone) == 0 {
		return nil
	}
	err := s.replace(ctx, []byte("a/"), func(item *badger.Item) ([]byte, bool, error) {
		var st standing
		return nil, decode(item, &st) == nil && gone[st.Session], nil
	})
	if err != nil {
		return err
	}
	return s.replace(ctx, []byte("d/"), func(item *badger.Item) ([]byte, bool, error) {
		of := false
		err := item.Value(func(v []byte) error {
			of = gone[agent.SessionID(v)]
			return nil
		})
		return []byte{}, of, err
	})
}
