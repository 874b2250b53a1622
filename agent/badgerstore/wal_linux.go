package badgerstore

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// ownSync says that the store makes its writes durable itself. Badger would sync for each
// transaction, and two files each time.
const ownSync = true

// wal is Badger's write-ahead log: the files NNNNN.mem, each for as long as the memtable
// that it belongs to is not in a table.
type wal struct {
	dir    string
	open   *os.File // dir
	newest int
	file   *os.File
	next   [maxAhead]string // the files that may come after it
}

// openWAL finds the log of a directory that Badger has just opened.
func openWAL(dir string) (*wal, error) {
	open, err := os.Open(dir) //nolint:gosec // the admin names the directory
	if err != nil {
		return nil, err
	}
	w := &wal{dir: dir, open: open}
	if err := w.find(); err != nil {
		return nil, errors.Join(fmt.Errorf("find the write-ahead log: %w", err), open.Close())
	}
	return w, nil
}

// find opens the newest file.
func (w *wal) find() error {
	files, err := os.ReadDir(w.dir)
	if err != nil {
		return err
	}
	w.newest = -1
	for _, f := range files {
		if n, err := strconv.Atoi(strings.TrimSuffix(f.Name(), ".mem")); err == nil {
			w.newest = max(w.newest, n)
		}
	}
	f, err := os.Open(w.path(w.newest))
	if err != nil {
		return err
	}
	w.follow(w.newest, f)
	return nil
}

func (w *wal) follow(n int, f *os.File) {
	w.newest, w.file = n, f
	for i := range w.next {
		w.next[i] = logName(n + 1 + i)
	}
}

func logName(n int) string { return fmt.Sprintf("%05d.mem", n) }

func (w *wal) path(n int) string { return filepath.Join(w.dir, logName(n)) }

// maxAhead is how many files that the log may have got since the last sync are looked for
// by their names. Each is a memtable of writes, after each of which there is a sync.
const maxAhead = 4

// sync makes all durable that was written to the log before. The files that came and went
// since the last sync are in tables, which Badger syncs. It must not run twice at once.
func (w *wal) sync() error {
	dir := int(w.open.Fd())
	for i := 0; i < maxAhead; i++ {
		// It is asked each time, nearly always in vain, so it has to be cheap.
		if errors.Is(unix.Faccessat(dir, w.next[i], unix.F_OK, 0), unix.ENOENT) {
			continue
		}
		f, err := os.Open(w.path(w.newest + 1 + i))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return err
		}
		// What was written to the old one last comes first, as it was written first.
		err = errors.Join(datasync(w.file), w.file.Close())
		w.follow(w.newest+1+i, f)
		if err != nil {
			return err
		}
		i = -1
	}
	if errors.Is(unix.Faccessat(dir, logName(w.newest), unix.F_OK, 0), unix.ENOENT) { // more came and went
		gone := w.file
		if err := w.find(); err != nil {
			return fmt.Errorf("find the write-ahead log: %w", err)
		}
		if err := gone.Close(); err != nil {
			return err
		}
	}
	return datasync(w.file)
}

func (w *wal) close() error { return errors.Join(w.file.Close(), w.open.Close()) }

// datasync makes what was written to a file durable, also through its memory maps.
func datasync(f *os.File) error {
	for {
		err := unix.Fdatasync(int(f.Fd()))
		switch {
		case err == nil:
			return nil
		case !errors.Is(err, unix.EINTR):
			return fmt.Errorf("%w: sync %s: %w", ErrNotKept, f.Name(), err)
		}
	}
}

// syncFiles makes durable what an earlier process has written and not synced: it may have
// been killed in between, and what this one reads it must be able to rely on.
func syncFiles(dir string) error {
	files, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, file := range files {
		if kind := filepath.Ext(file.Name()); kind != ".vlog" && kind != ".mem" {
			continue
		}
		f, err := os.Open(filepath.Join(dir, file.Name())) //nolint:gosec // the admin names the directory
		if err != nil {
			return err
		}
		if err := errors.Join(datasync(f), f.Close()); err != nil {
			return err
		}
	}
	return nil
}
