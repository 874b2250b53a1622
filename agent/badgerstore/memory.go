package badgerstore

import (
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/dgraph-io/badger/v4"

	"bobbin/agent"
)

// Heard implements bots.Memory.
func (s *Store) Heard(ctx context.Context, platform string) (t time.Time, err error) {
	if err := ctx.Err(); err != nil {
		return t, err
	}
	err = s.view(func(txn *tx) error {
		t, err = readStamp(txn, []byte("p/"+platform))
		return err
	})
	if err != nil {
		return t, fmt.Errorf("read when %s was last heard: %w", platform, err)
	}
	return t, nil
}

// SetHeard implements bots.Memory. It does not wait for the disk: if the power goes, more
// is read again than was missed, and most of it is known.
func (s *Store) SetHeard(ctx context.Context, platform string, t time.Time) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	err := s.updateLazily(func(txn *tx) error {
		before, err := readStamp(txn, []byte("p/"+platform))
		if err != nil || !t.After(before) {
			return err
		}
		return txn.Set([]byte("p/"+platform), stamp(t))
	})
	if err != nil {
		return fmt.Errorf("note when %s was last heard: %w", platform, err)
	}
	return nil
}

// Active implements bots.Memory. It reads one small value per session of the platform.
func (s *Store) Active(ctx context.Context, platform string, since time.Time) ([]agent.Address, error) {
	type active struct {
		at   time.Time
		what agent.Address
	}
	var found []active
	prefix := []byte("k/" + agent.Address{Platform: platform}.Session())
	prefix = prefix[:len(prefix)-2] // without the empty parts after "platform/"
	err := s.view(func(txn *tx) error {
		return each(txn, prefix, func(_ []byte, item *badger.Item) error {
			if err := ctx.Err(); err != nil {
				return err
			}
			return item.Value(func(v []byte) error {
				a, ok := agent.SessionID(item.Key()[len("k/"):]).Address()
				if at := unstamp(v); ok && !at.Before(since) {
					found = append(found, active{at, a})
				}
				return nil
			})
		})
	})
	if err != nil {
		return nil, fmt.Errorf("list the active sessions of %s: %w", platform, err)
	}
	slices.SortFunc(found, func(a, b active) int {
		return cmp.Or(b.at.Compare(a.at), cmp.Compare(a.what.Session(), b.what.Session()))
	})
	places := make([]agent.Address, len(found))
	for i, f := range found {
		places[i] = f.what
	}
	return places, nil
}

// directFor is how long a direct channel is kept.
const directFor = 366 * 24 * time.Hour

func directs(platform string) []byte { return append([]byte("c/"+platform), 0) }

// AddDirect implements bots.Directory. It does not wait for the disk: a channel that is
// lost is read once more.
func (s *Store) AddDirect(ctx context.Context, platform, channel string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	err := s.updateLazily(func(txn *tx) error {
		return txn.SetEntry(badger.NewEntry(append(directs(platform), channel...), stamp(time.Now())).WithTTL(directFor))
	})
	if err != nil {
		return fmt.Errorf("note a direct channel of %s: %w", platform, err)
	}
	return nil
}

// Directs implements bots.Directory.
func (s *Store) Directs(ctx context.Context, platform string) ([]string, error) {
	added := make(map[string]time.Time)
	prefix := directs(platform)
	err := s.view(func(txn *tx) error {
		return each(txn, prefix, func(_ []byte, item *badger.Item) error {
			if err := ctx.Err(); err != nil {
				return err
			}
			return item.Value(func(v []byte) error {
				added[string(item.Key()[len(prefix):])] = unstamp(v)
				return nil
			})
		})
	})
	if err != nil {
		return nil, fmt.Errorf("list the direct channels of %s: %w", platform, err)
	}
	return slices.SortedFunc(maps.Keys(added), func(a, b string) int {
		return cmp.Or(added[b].Compare(added[a]), cmp.Compare(a, b))
	}), nil
}

func stamp(t time.Time) []byte {
	return binary.BigEndian.AppendUint64(nil, uint64(t.UnixNano()))
}

func unstamp(v []byte) time.Time {
	if len(v) != 8 && len(v) != 16 { // of an account
		return time.Time{}
	}
	return time.Unix(0, int64(binary.BigEndian.Uint64(v[:8]))) //nolint:gosec // as it was written
}

func readStamp(txn *tx, k []byte) (t time.Time, err error) {
	item, err := txn.Get(k)
	if errors.Is(err, badger.ErrKeyNotFound) {
		return t, nil
	}
	if err != nil {
		return t, err
	}
	return t, item.Value(func(v []byte) error {
		t = unstamp(v)
		return nil
	})
}
