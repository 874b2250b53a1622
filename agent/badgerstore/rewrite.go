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
	// quietEvery is how often a rewrite looks whether nobody uses the store right now.
	quietEvery = 20 * time.Millisecond
)

// toRewrite is the key of the note that there is something to erase: since when.
var toRewrite = []byte("e")

// noteErasure has the store rewritten soon, or at the next start.
func (s *Store) noteErasure() error {
	err := s.update(func(txn *tx) error { return set(txn, toRewrite, time.Now().Round(0)) })
	select {
	case s.erase <- struct{}{}:
	default: // it is known already
	}
	return err
}

// erasures rewrites the store when there is something to erase, until ctx ends.
func (s *Store) erasures(ctx context.Context) {
	var due bool
	err := s.view(func(txn *tx) error {
		_, err := txn.Get(toRewrite)
		due = err == nil
		if errors.Is(err, badger.ErrKeyNotFound) {
			return nil
		}
		return err
	})
	for {
		if err == nil && !due {
			select {
			case <-ctx.Done():
				return
			case <-s.erase:
			}
		}
		if err == nil {
			err = s.Rewrite(ctx)
		}
		if ctx.Err() != nil {
			return
		}
		if due = err != nil; due {
			s.log.Error("what people had erased is still in the files of data_dir; it is tried again in ten minutes", "error", err)
		}
		err = nil
		pause := time.NewTimer(rewriteEvery)
		select {
		case <-ctx.Done():
			pause.Stop()
			return
		case <-pause.C:
		}
	}
}

// Rewrite writes all that the store has into new files, reads it back, and removes the old
// files, so that nothing is left on the disk of what was deleted or overwritten. It waits
// until nobody uses the store; who comes meanwhile has to wait, about a second for each 50
// MiB. It takes as much free space as the data does. A rewrite that is cut off, also by the
// end of the process, leaves the store as it was, or is finished by the next Open.
func (s *Store) Rewrite(ctx context.Context) error {
	tick := time.NewTicker(quietEvery)
	defer tick.Stop()
	// A lock that is waited for would keep new readers out behind a long one, such as a backup.
	for !s.gate.TryLock() {
		select {
		case <-ctx.Done():
			return fmt.Errorf("rewrite the store: %w", ctx.Err())
		case <-tick.C:
		}
	}
	defer s.gate.Unlock()
	began := time.Now()
	if err := s.rewrite(ctx); err != nil {
		return fmt.Errorf("rewrite the store: %w", err)
	}
	s.log.Info("the store was written anew; what was erased is on the disk no more", "took", time.Since(began).Round(time.Millisecond))
	return nil
}

func (s *Store) rewrite(ctx context.Context) error {
	if err := s.group.broken(); err != nil {
		return err
	}
	part := filepath.Join(s.dir, rewriting)
	if err := s.copyTo(ctx, part); err != nil {
		return errors.Join(err, os.RemoveAll(part))
	}
	if err := errors.Join(s.wal.close(), s.db.Close()); err != nil {
		return errors.Join(err, os.RemoveAll(part), s.connect())
	}
	err := os.Rename(part, filepath.Join(s.dir, rewritten))
	if err == nil {
		err = syncDir(s.dir)
	}
	if err == nil {
		err = settle(s.dir)
	}
	return errors.Join(err, s.connect())
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
			old, err := ownFiles(dir)
			for _, name := range old {
				err = errors.Join(err, os.Remove(filepath.Join(dir, name))) //nolint:gosec // the admin names the directory
			}
			if err == nil {
				err = os.Rename(from, filepath.Join(dir, replacing)) //nolint:gosec // the admin names the directory
			}
			return err
		}},
		{replacing, func(from string) error {
			names, err := ownFiles(from)
			for _, name := range names {
				err = errors.Join(err, os.Rename(filepath.Join(from, name), filepath.Join(dir, name))) //nolint:gosec // the admin names the directory
			}
			if err == nil {
				err = errors.Join(syncDir(dir), os.RemoveAll(from)) //nolint:gosec // the admin names the directory
			}
			return err
		}},
	} {
		from := filepath.Join(dir, step.from)
		if _, err := os.Stat(from); errors.Is(err, fs.ErrNotExist) { //nolint:gosec // the admin names the directory
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
