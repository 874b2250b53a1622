package badgerstore

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"hash"
	"io"
	"time"

	"github.com/dgraph-io/badger/v4"
)

// Backup writes all that the store has at this moment to w, while it is in use. What it
// writes is not encrypted; it ends with a checksum, so that [Inspect] and [Restore] find
// out if any of it is missing or changed.
func (s *Store) Backup(ctx context.Context, w io.Writer) error {
	s.long.RLock()
	defer s.long.RUnlock()
	if err := s.backup(ctx, w, s.view, func([]byte) bool { return true }); err != nil {
		return fmt.Errorf("write a backup: %w", err)
	}
	return nil
}

// backup writes the records whose keys are wanted.
func (s *Store) backup(ctx context.Context, w io.Writer, view func(func(*tx) error) error, wanted func(k []byte) bool) error {
	out, err := newRecordWriter(w)
	if err != nil {
		return err
	}
	err = view(func(txn *tx) error {
		return each(txn, nil, func(k []byte, item *badger.Item) error {
			if err := ctx.Err(); err != nil || !wanted(k) {
				return err
			}
			return item.Value(func(v []byte) error {
				return out.write(record{key: k, value: v, expires: item.ExpiresAt()})
			})
		})
	})
	if err != nil {
		return err
	}
	return out.end(w)
}

// Contents is what is known of a backup that was read to its end and found undamaged.
type Contents struct {
	Schema  uint64 // of the store it was made from
	Records uint64
	Bytes   int64 // of the backup

	lasting uint64    // records that never expire
	digest  hash.Hash // of these
}

// Inspect reads a backup to its end. Its errors wrap [ErrNotBackup], [ErrBackupDamaged],
// [ErrBackupNewer] or [ErrNewerSchema], unless reading failed.
func Inspect(ctx context.Context, r io.Reader) (Contents, error) {
	c, err := inspect(ctx, r, func(record) error { return nil })
	if err != nil {
		return Contents{}, fmt.Errorf("read the backup: %w", err)
	}
	return c, nil
}

// inspect is Inspect, with each record given to f.
func inspect(ctx context.Context, r io.Reader, f func(record) error) (Contents, error) {
	c := Contents{digest: sha256.New()}
	in := &counting{r: r}
	err := readRecords(ctx, in, func(r record) error {
		c.add(r)
		if string(r.key) == "v" {
			var err error
			if c.Schema, err = parseSchema(r.value); err != nil {
				return err
			}
		}
		return f(r)
	})
	c.Bytes = in.n
	if err == nil && c.Schema == 0 {
		err = fmt.Errorf("%w: it has no schema version", ErrBackupDamaged)
	}
	return c, err
}

// add takes a record into account. Those that expire are left out of the digest: they
// may be gone when it is compared.
func (c *Contents) add(r record) {
	c.Records++
	if r.expires == 0 {
		c.lasting++
		c.digest.Write(r.append(nil))
	}
}

// parseSchema reads the value of the key v.
func parseSchema(v []byte) (uint64, error) {
	if len(v) != 8 {
		return 0, fmt.Errorf("%w: its schema version is damaged", ErrUnreadable)
	}
	found := binary.BigEndian.Uint64(v)
	if found > schema {
		return found, fmt.Errorf("%w (schema %d, this one knows %d)", ErrNewerSchema, found, schema)
	}
	return found, nil
}

type counting struct {
	r io.Reader
	n int64
}

func (c *counting) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	return n, err
}

// contents reads what a directory has, as inspect reads a backup.
func (s *Store) contents(ctx context.Context) (Contents, error) {
	c := Contents{digest: sha256.New()}
	err := s.view(func(txn *tx) error {
		return each(txn, nil, func(k []byte, item *badger.Item) error {
			if err := ctx.Err(); err != nil {
				return err
			}
			return item.Value(func(v []byte) error {
				c.add(record{key: k, value: v, expires: item.ExpiresAt()})
				return nil
			})
		})
	})
	return c, err
}

// expired reports whether a record's time is up.
func (r record) expired() bool {
	return r.expires > 0 && r.expires <= uint64(time.Now().Unix()) //nolint:gosec // after 1970
}
