package badgerstore

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/dgraph-io/badger/v4"

	"bobbin/agent"
)

// schema is the version of the key layout in doc.go.
const schema = 1

// Errors that Open wraps, so that a caller can tell a directory that needs an admin
// from a fault.
var (
	ErrLocked      = errors.New("the data directory is in use by another bobbin")
	ErrNewerSchema = errors.New("the data directory was written by a newer bobbin")
	ErrUnreadable  = errors.New("the data directory cannot be used")
)

// Store is an agent.Store in a directory that it alone uses.
type Store struct {
	dir   string
	gate  sync.RWMutex // locked while db and wal are replaced, read-locked by who uses them, for a moment each
	long  sync.RWMutex // read-locked, before gate, by who uses them for long
	db    *badger.DB
	log   *slog.Logger
	floor *floor
	wal   *wal
	group group
	live  *live
	seq   atomic.Uint64 // the newest number of a message, step or record set aside
	erase chan struct{} // there is something to erase
	stop  context.CancelFunc
	tasks sync.WaitGroup
}

var _ agent.Store = (*Store)(nil)

// Options are what a store may be told. The zero value is fit for use.
type Options struct {
	Log *slog.Logger // nothing is logged without one

	// MinFree is the free space, in bytes, below which Accept refuses messages with
	// [ErrDiskFull]; 0: it never does. What was accepted before can still be finished, so
	// it has to leave room for that: [DefaultMinFree] is a good value.
	MinFree uint64
	// Free tells the free space of a directory's disk, in bytes; by default it is [Free].
	Free func(dir string) (uint64, error)
}

// madeWhole is in the error of Badger for an empty file of its own. It is a sentinel of
// another library.
const madeWhole = "Create a new file"

// Open opens the directory, making it if needed, with access for its owner only.
func Open(dir string, o Options) (*Store, error) {
	if err := whole(dir); err != nil {
		return nil, err
	}
	return open(dir, o)
}

func open(dir string, o Options) (*Store, error) {
	log := o.Log
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	if err := prepare(dir); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnreadable, err)
	}
	s := &Store{dir: dir, log: log, floor: newFloor(dir, o, log), live: newLive(), erase: make(chan struct{}, 1)}
	if err := s.connect(); err != nil {
		return nil, err
	}
	err := os.RemoveAll(filepath.Join(dir, rewriting)) //nolint:gosec // of one that was cut off; the admin names the directory
	if err == nil {
		err = s.checkSchema()
	}
	if err == nil {
		err = s.readLive()
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open %s: %w", dir, err), s.wal.close(), s.db.Close())
	}
	ctx, stop := context.WithCancel(context.Background())
	s.stop = stop
	s.tasks.Go(func() { s.collect(ctx) })
	s.tasks.Go(func() { s.erasures(ctx) })
	return s, nil
}

// connect opens the directory's files. These are whole only once a rewrite that was cut
// off has been gone on with.
func (s *Store) connect() error {
	if err := settle(s.dir); err != nil {
		return fmt.Errorf("%w: %w", ErrUnreadable, err)
	}
	if err := syncFiles(s.dir); err != nil {
		return fmt.Errorf("%w: %w", ErrUnreadable, err)
	}
	db, err := openBadger(s.dir, s.log)
	switch {
	case err != nil && strings.Contains(err.Error(), "Cannot acquire directory lock"):
		// Badger has no sentinel for this.
		return fmt.Errorf("%w: %s: stop the other process, or give this one a data_dir of its own", ErrLocked, s.dir)
	case err != nil:
		return fmt.Errorf("%w: open %s: %w", ErrUnreadable, s.dir, err)
	}
	wal, err := openWAL(s.dir)
	if err != nil {
		return errors.Join(fmt.Errorf("%w: open %s: %w", ErrUnreadable, s.dir, err), db.Close())
	}
	s.db, s.wal, s.group.sync = db, wal, wal.sync
	return nil
}

// Close waits for the store's own work and closes the directory. No method may be
// running.
func (s *Store) Close() error {
	s.stop()
	s.tasks.Wait()
	if err := errors.Join(s.wal.close(), s.db.Close()); err != nil {
		return fmt.Errorf("close the store: %w", err)
	}
	return nil
}

func prepare(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil { //nolint:gosec // the admin names the directory
		return err
	}
	info, err := os.Stat(dir) //nolint:gosec // the admin names the directory
	if err != nil {
		return err
	}
	if !info.IsDir() {
		return &fs.PathError{Op: "open", Path: dir, Err: errors.New("not a directory")}
	}
	if info.Mode().Perm()&0o077 != 0 {
		// Badger's files are readable to all; the directory is what keeps them private.
		return os.Chmod(dir, 0o700) //nolint:gosec // a directory needs its x bit
	}
	return nil
}

// openBadger opens the directory's database. A process that was killed leaves logs, which
// may be of a larger memtable than there is now; these go into tables first.
func openBadger(dir string, log *slog.Logger) (*badger.DB, error) {
	left, err := logsLeft(dir)
	if err != nil {
		return nil, err
	}
	if left {
		// Closing it is what writes the tables. Until then all is as it was, so that this may be
		// cut off as well.
		db, err := openMended(options(dir, log).WithMemTableSize(largestMemtable))
		if err == nil {
			err = db.Close()
		}
		if err != nil {
			return nil, err
		}
	}
	return openMended(options(dir, log))
}

// logsLeft reports whether there is a log with something in it.
func logsLeft(dir string) (bool, error) {
	files, err := os.ReadDir(dir)
	if err != nil {
		return false, err
	}
	for _, f := range files {
		if filepath.Ext(f.Name()) != ".mem" {
			continue
		}
		if info, err := f.Info(); err != nil || info.Size() > 0 {
			return true, err
		}
	}
	return false, nil
}

// openMended opens a database that a process may have left that was killed while Badger made
// a log: it is an empty file then. Badger makes it whole when it meets it, and fails all the
// same; there may be one of each kind.
func openMended(o badger.Options) (db *badger.DB, err error) {
	for range 4 {
		if db, err = badger.Open(o); err == nil || !strings.Contains(err.Error(), madeWhole) {
			break
		}
	}
	return db, err
}

func (s *Store) checkSchema() error {
	return s.update(func(txn *tx) error {
		item, err := txn.Get([]byte("v"))
		if errors.Is(err, badger.ErrKeyNotFound) {
			return txn.Set([]byte("v"), binary.BigEndian.AppendUint64(nil, schema))
		}
		if err != nil {
			return fmt.Errorf("%w: read its schema: %w", ErrUnreadable, err)
		}
		return item.Value(func(v []byte) error {
			if _, err := parseSchema(v); err != nil {
				return fmt.Errorf("%w: run the bobbin that wrote it, or give this one an empty data_dir", err)
			}
			return nil
		})
	})
}

// readLive reads which messages wait, and goes on counting where these and journals
// stand, should the clock have been set back since.
func (s *Store) readLive() error {
	return s.view(func(txn *tx) error {
		newest := func(seq uint64) { s.seq.Store(max(s.seq.Load(), seq)) }
		err := keys(txn, []byte("i/"), func(k []byte) error {
			newest(number(k))
			if id, _, ok := bytes.Cut(k, []byte{0}); ok {
				s.live.expect(agent.SessionID(id), number(k))
			}
			return nil
		})
		if err != nil {
			return err
		}
		err = keys(txn, []byte("z/"), func(k []byte) error {
			newest(number(k))
			return nil
		})
		if err != nil {
			return err
		}
		err = keys(txn, []byte("t/"), func(k []byte) error {
			if id := agent.SessionID(k); s.live.messages(id) == 0 {
				s.live.strays(id)
			}
			return nil
		})
		if err != nil {
			return err
		}
		return keys(txn, []byte("j/"), func(k []byte) error {
			if _, k, _ = bytes.Cut(k, []byte{0}); len(k) > 8 && k[0] == 'e' {
				newest(number(k[1:9]))
			}
			return nil
		})
	})
}

// collect frees the space of large values that were overwritten or deleted.
func (s *Store) collect(ctx context.Context) {
	tick := time.NewTicker(10 * time.Minute)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		for s.collectFile() && ctx.Err() == nil {
			continue
		}
	}
}

// collectFile frees one file, if there is one that is worth it. Badger writes what is
// still needed of it elsewhere and removes it, without syncing in between; but not while
// there is an iterator.
func (s *Store) collectFile() bool {
	s.gate.RLock()
	defer s.gate.RUnlock()
	if s.db.IsClosed() { // by a rewrite that has failed
		return false
	}
	txn := s.db.NewTransaction(false)
	it := txn.NewIterator(badger.IteratorOptions{Prefix: []byte("v")})
	collected := s.db.RunValueLogGC(0.5) == nil
	if collected {
		s.group.begun.Add(1)
		s.group.ended.Add(1)
		if err := errors.Join(s.group.do(s.syncAll), s.group.wait()); err != nil {
			s.log.Error("large values were moved, and the disk has failed to keep them", "error", err)
			return false // the file stays, and so does the iterator
		}
	}
	it.Close()
	txn.Discard()
	return collected
}

// syncAll makes durable what is outside of the log, too.
func (s *Store) syncAll() error {
	if err := s.db.Sync(); err != nil {
		return fmt.Errorf("%w: %w", ErrNotKept, err)
	}
	return nil
}

// logger gives Badger's lines to slog, one level lower: its INFO is of no use to an
// admin.
type logger struct{ *slog.Logger }

func (l logger) Errorf(f string, a ...any)   { l.Error(printed(f, a)) }
func (l logger) Warningf(f string, a ...any) { l.Warn(printed(f, a)) }
func (l logger) Infof(f string, a ...any)    { l.Debug(printed(f, a)) }
func (l logger) Debugf(string, ...any)       {}

func printed(f string, a []any) string { return "badger: " + strings.TrimSpace(fmt.Sprintf(f, a...)) }
