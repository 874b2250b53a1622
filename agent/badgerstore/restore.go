package badgerstore

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"

	"github.com/dgraph-io/badger/v4"
)

// Errors of directories that are restored into.
var (
	ErrNotEmpty = errors.New("the directory is not empty")
	// ErrHalfRestored is wrapped by what Open returns for a directory that a restore was
	// cut off in; another restore into it begins anew.
	ErrHalfRestored = errors.New("a restore into the directory did not come to its end")
)

// restoring is a file that a directory has while it is restored into. A directory cannot
// be made beside its place and moved there: it is often the root of a volume.
const restoring = "RESTORING"

// Exists reports whether there is a store in dir.
func Exists(dir string) (bool, error) {
	// Badger makes its manifest first and always has it, be it where a rewrite has put it.
	for _, at := range []string{"", rewritten, replacing} {
		_, err := os.Stat(filepath.Join(dir, at, "MANIFEST"))
		if err == nil {
			return true, nil
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return false, fmt.Errorf("look for data: %w", err)
		}
	}
	return false, nil
}

// whole refuses a directory that a restore was cut off in.
func whole(dir string) error {
	if _, err := os.Stat(filepath.Join(dir, restoring)); err == nil { //nolint:gosec // the admin names the directory
		return fmt.Errorf("%w: %w: %s: restore the backup again", ErrUnreadable, ErrHalfRestored, dir)
	}
	return nil
}

// Restore makes dir, which must be missing or empty, a store with what the backup has. It
// is done when all of it was read back and is the same. After an error there is nothing in
// dir, and no dir if there was none before. Besides the errors of [Inspect] it may wrap
// [ErrNotEmpty] and [ErrDiskFull].
func Restore(ctx context.Context, r io.Reader, dir string) (err error) {
	_, missing := os.Stat(dir)
	if err := vacant(dir); err != nil {
		return fmt.Errorf("restore: %w", err)
	}
	if err := prepare(dir); err != nil {
		return fmt.Errorf("restore: %w", err)
	}
	defer func() {
		if err == nil {
			return
		}
		err = errors.Join(fmt.Errorf("restore: %w", err), empty(dir))
		if errors.Is(missing, fs.ErrNotExist) {
			err = errors.Join(err, os.Remove(dir))
		}
	}()
	marker := filepath.Join(dir, restoring)
	if err := os.WriteFile(marker, nil, 0o600); err != nil {
		return err
	}
	if err := syncDir(dir); err != nil {
		return err
	}
	want, err := load(ctx, r, dir)
	if err != nil {
		return err
	}
	if err := compare(ctx, dir, want); err != nil {
		return err
	}
	if err := os.Remove(marker); err != nil {
		return err
	}
	return syncDir(dir)
}

// vacant reports what keeps dir from being restored into. What a restore has left that
// was cut off is removed.
func vacant(dir string) error {
	if whole(dir) != nil {
		return empty(dir)
	}
	names, err := entries(dir)
	if err != nil {
		return err
	}
	if len(names) > 0 {
		return fmt.Errorf("%w: %s has %s in it: move its files away, or restore into another", ErrNotEmpty, dir, names[0])
	}
	return nil
}

// entries lists dir, without what every volume has in its root. A directory that is
// missing is empty.
func entries(dir string) ([]string, error) {
	found, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	var names []string
	for _, e := range found {
		if e.Name() != "lost+found" {
			names = append(names, e.Name())
		}
	}
	return names, err
}

// empty removes what is in dir, the mark of a restore last.
func empty(dir string) error {
	names, err := entries(dir)
	if err != nil {
		return err
	}
	for _, name := range slices.DeleteFunc(names, func(n string) bool { return n == restoring }) {
		if err := os.RemoveAll(filepath.Join(dir, name)); err != nil {
			return err
		}
	}
	return os.RemoveAll(filepath.Join(dir, restoring))
}

const (
	// spaceToRestore is the free space below which a restore gives up; see DefaultMinFree.
	spaceToRestore = 64 << 20
	askEvery       = 8 << 20
)

// load writes the backup's records into a new store.
func load(ctx context.Context, r io.Reader, dir string) (c Contents, err error) {
	db, err := badger.Open(options(dir, slog.New(slog.DiscardHandler)).WithSyncWrites(false))
	if err != nil {
		return c, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	batch := db.NewWriteBatch()
	defer batch.Cancel()
	written := askEvery
	c, err = inspect(ctx, r, func(r record) error {
		if written += len(r.key) + len(r.value); written >= askEvery {
			written = 0
			if free, err := Free(dir); err == nil && free < spaceToRestore {
				return &diskFullError{dir: dir, free: free, floor: spaceToRestore}
			}
		}
		if r.expired() {
			return nil
		}
		e := badger.NewEntry(bytes.Clone(r.key), bytes.Clone(r.value))
		e.ExpiresAt = r.expires
		return batch.SetEntry(e)
	})
	if err != nil {
		return c, err
	}
	if err := batch.Flush(); err != nil {
		return c, err
	}
	return c, db.Sync()
}

// compare reads back what was restored.
func compare(ctx context.Context, dir string, want Contents) error {
	s, err := open(dir, Options{})
	if err != nil {
		return fmt.Errorf("open what was restored: %w", err)
	}
	got, err := s.contents(ctx)
	if err := errors.Join(err, s.Close()); err != nil {
		return fmt.Errorf("read back what was restored: %w", err)
	}
	if got.lasting != want.lasting || !bytes.Equal(got.digest.Sum(nil), want.digest.Sum(nil)) {
		return fmt.Errorf("what was restored is not what the backup has: %d records of %d", got.lasting, want.lasting)
	}
	return nil
}

// syncDir makes the names in a directory durable.
func syncDir(dir string) error {
	d, err := os.Open(dir) //nolint:gosec // the admin's own
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
