package badgerstore

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/dgraph-io/badger/v4"
)

// Badger removes nothing from its files when a key is deleted or overwritten, and what it
// rewrites, and when, nobody can say. So what is to be erased is gone for certain only if
// all that is still there has been written to new files, and the old ones have been
// removed. That is what a rewrite does, in a directory within the store's own, whose name
// says how far it has come.
const (
	rewriting = "rewrite.part"  // being written; worthless if it was cut off
	rewritten = "rewrite.whole" // complete: the files beside it are the old ones
	replacing = "rewrite.moves" // the old files are gone, these are taking their place
)

const (
	// rewriteEvery is the shortest time between two rewrites, so that people cannot have the
	// store do nothing else, and how long one that failed waits.
	rewriteEvery = 10 * time.Minute
	// longEvery is how often a rewrite looks whether a backup has come to its end.
	longEvery = 20 * time.Millisecond
)

// toRewrite is the key of the note that there is something to erase: since when.
var toRewrite = []byte("e")

// noteErasure has the store rewritten, at the next start if not before. It is part of each
// transaction that erases something, since what it belongs to may be cut off after any.
func noteErasure(txn *tx) error { return set(txn, toRewrite, time.Now().Round(0)) }

// eraseSoon says that there may be something to rewrite the store for.
func (s *Store) eraseSoon() {
	select {
	case s.erase <- struct{}{}:
	default: // it is known already
	}
}

// erasures rewrites the store when there is something to erase, until ctx ends.
func (s *Store) erasures(ctx context.Context) {
	for {
		due, err := s.toErase()
		if err == nil && !due {
			select {
			case <-ctx.Done():
				return
			case <-s.erase:
				continue
			}
		}
		if err == nil {
			err = s.Rewrite(ctx)
		}
		if ctx.Err() != nil {
			return
		}
		if err != nil {
			s.log.Error("what people had erased is still in the files of data_dir; it is tried again in ten minutes", "error", err)
		}
		if pause(ctx, rewriteEvery) != nil {
			return
		}
	}
}

// toErase reports whether something was erased since the store was last rewritten.
func (s *Store) toErase() (due bool, err error) {
	err = s.view(func(txn *tx) error {
		_, err := txn.Get(toRewrite)
		if due = err == nil; errors.Is(err, badger.ErrKeyNotFound) {
			return nil
		}
		return err
	})
	if errors.Is(err, badger.ErrDBClosed) {
		return true, nil // by a rewrite that has failed, and has to be gone on with
	}
	return due, err
}

// Rewrite writes all that the store has into new files, reads it back, and removes the old
// files, so that nothing is left on the disk of what was deleted or overwritten. It waits
// until no backup is being made; whoever else uses the store has to wait for it, about a
// second for each 50 MiB. It takes as much free space as the data does. A rewrite that is
// cut off, also by the end of the process, leaves the store as it was, or is finished by
// the next Open.
func (s *Store) Rewrite(ctx context.Context) error {
	if err := s.lockLong(ctx); err != nil {
		return fmt.Errorf("rewrite the store: %w", err)
	}
	defer s.long.Unlock()
	s.gate.Lock() // soon: who comes from now on waits, and nobody holds it for long
	defer s.gate.Unlock()
	began := time.Now()
	if err := s.rewrite(ctx); err != nil {
		return fmt.Errorf("rewrite the store: %w", err)
	}
	s.log.Info("the store was written anew; what was erased is on the disk no more", "took", time.Since(began).Round(time.Millisecond))
	return nil
}

// lockLong waits until nobody uses the store for long. Meanwhile others may begin to: if the
// lock itself were waited for, one backup would hold up the next.
func (s *Store) lockLong(ctx context.Context) error {
	if s.long.TryLock() {
		return nil
	}
	s.log.Info("what people had erased leaves the disk once the backup that is being written is complete")
	tick := time.NewTicker(longEvery)
	defer tick.Stop()
	for !s.long.TryLock() {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
	return nil
}

// rewrite is Rewrite for who has locked the gate. After an error the old files are in use
// again, unless new ones are complete: then nothing is until these have taken their place,
// which the next rewrite tries again, and so does the next start.
func (s *Store) rewrite(ctx context.Context) error {
	if err := s.group.broken(); err != nil {
		return err
	}
	if s.db.IsClosed() {
		if err := s.connect(); err != nil {
			return fmt.Errorf("%w; bobbin can keep nothing until this is mended", err)
		}
	}
	part := filepath.Join(s.dir, rewriting)
	if err := s.copyTo(ctx, part); err != nil {
		return errors.Join(err, os.RemoveAll(part))
	}
	err := errors.Join(s.wal.close(), s.db.Close())
	if err == nil {
		err = os.Rename(part, filepath.Join(s.dir, rewritten))
	}
	if err != nil {
		return errors.Join(err, os.RemoveAll(part), s.connect())
	}
	if err := s.connect(); err != nil {
		return fmt.Errorf("%w; bobbin can keep nothing until this is mended", err)
	}
	return nil
}

// copyTo makes a store of what this one has, without the note that it is to be rewritten.
func (s *Store) copyTo(ctx context.Context, dir string) error {
	if err := os.RemoveAll(dir); err != nil {
		return err
	}
	if err := prepare(dir); err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	r, w := io.Pipe()
	copied := make(chan error, 1)
	go func() {
		err := s.backup(ctx, w, s.look, func(k []byte) bool { return string(k) != string(toRewrite) })
		copied <- err
		w.CloseWithError(err) // with nil it is the end
	}()
	want, err := load(ctx, r, dir)
	r.CloseWithError(err)
	if err = errors.Join(err, <-copied); err != nil {
		return err
	}
	if err := compare(ctx, dir, want); err != nil {
		return err
	}
	names, err := ownFiles(dir)
	for _, name := range names {
		f, errOpen := os.Open(filepath.Join(dir, name)) //nolint:gosec // the store's own
		if errOpen == nil {
			errOpen = errors.Join(f.Sync(), f.Close())
		}
		err = errors.Join(err, errOpen)
	}
	return errors.Join(err, syncDir(dir))
}

// settle goes on with a rewrite that was cut off when its new files were complete.
func settle(dir string) error {
	for _, step := range []struct {
		from string
		do   func(from string) error
	}{
		{rewritten, func(from string) error {
			if err := syncDir(dir); err != nil { // or the old ones could go before the new ones are there
				return err
			}
			old, err := ownFiles(dir)
			for _, name := range old {
				err = errors.Join(err, os.Remove(filepath.Join(dir, name)))
			}
			if err == nil {
				err = os.Rename(from, filepath.Join(dir, replacing))
			}
			return err
		}},
		{replacing, func(from string) error {
			names, err := ownFiles(from)
			for _, name := range names {
				err = errors.Join(err, os.Rename(filepath.Join(from, name), filepath.Join(dir, name)))
			}
			if err == nil {
				err = errors.Join(syncDir(dir), os.RemoveAll(from))
			}
			return err
		}},
	} {
		from := filepath.Join(dir, step.from)
		if _, err := os.Stat(from); errors.Is(err, fs.ErrNotExist) {
			continue
		} else if err != nil {
			return err
		}
		if err := errors.Join(step.do(from), syncDir(dir)); err != nil {
			return fmt.Errorf("end a rewrite that was cut off: %w", err)
		}
	}
	return nil
}

// ownFiles are the names of the files that Badger has made in a directory.
func ownFiles(dir string) (names []string, err error) {
	found, err := os.ReadDir(dir)
	for _, f := range found {
		name := f.Name()
		if slices.Contains([]string{"MANIFEST", "MANIFEST-REWRITE", "KEYREGISTRY", "REWRITE-KEYREGISTRY", "DISCARD", "LOCK"}, name) ||
			slices.Contains([]string{".sst", ".vlog", ".mem"}, strings.ToLower(filepath.Ext(name))) {
			names = append(names, name)
		}
	}
	return names, err
}
