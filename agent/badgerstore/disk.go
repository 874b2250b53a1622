package badgerstore

import (
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"bobbin/agent"
)

// ErrDiskFull is wrapped by what Accept returns while the disk has less free space than
// Options.MinFree. It ends by itself once there is space again.
var ErrDiskFull = errors.New("the disk of the data directory is nearly full")

// DefaultMinFree is enough for the turns of a busy bot to be finished: Badger writes
// through sparse files, whose blocks the disk has to find when they are first written,
// two memtables of 16 MiB and a value log of 128 MiB among them. If it finds none, the
// kernel ends the process.
const DefaultMinFree = 256 << 20

// diskFullError says how full the disk is, and to people in chat only that it is.
type diskFullError struct {
	dir         string
	free, floor uint64
}

func (e *diskFullError) Error() string {
	return fmt.Sprintf("%v: %s has %d MiB left, and new messages need %d MiB: make room, or lower the floor (min_free_mib)",
		ErrDiskFull, e.dir, e.free>>20, e.floor>>20)
}

// Unwrap says that the message is refused: its sender is told, and need not be asked to
// deliver again.
func (e *diskFullError) Unwrap() []error { return []error{ErrDiskFull, agent.ErrRefused} }

// Public implements agent.Public.
func (e *diskFullError) Public() string {
	return "I am out of storage and cannot take new messages right now. Please try again later."
}

// floor watches free space. Asking the file system is cheap, but not so cheap that each
// message of a flood should do it.
type floor struct {
	dir  string
	min  uint64
	free func(dir string) (uint64, error)
	log  *slog.Logger

	mu    sync.Mutex // held while the file system is asked
	asked time.Time
	full  error // as it was then
}

// patience is how long an answer of the file system is good for.
const patience = time.Second

func newFloor(dir string, o Options, log *slog.Logger) *floor {
	f := &floor{dir: dir, min: o.MinFree, free: o.Free, log: log}
	if f.free == nil {
		f.free = Free
	}
	if _, err := f.free(dir); f.min > 0 && errors.Is(err, errors.ErrUnsupported) {
		log.Warn("there is no floor of free space on this system: see that the disk never runs full", "error", err)
		f.min = 0
	}
	return f
}

// Full returns an error that wraps [ErrDiskFull] if the disk has less free space than the
// floor. What it knows is at most a second old.
func (s *Store) Full() error { return s.floor.check() }

func (f *floor) check() error {
	if f.min == 0 {
		return nil
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.asked.IsZero() && time.Since(f.asked) < patience {
		return f.full
	}
	free, err := f.free(f.dir)
	if err != nil {
		// Not knowing is no reason to turn people away.
		f.log.Error("the free space of the data directory cannot be told", "dir", f.dir, "error", err)
		free = f.min
	}
	was := f.full
	f.asked, f.full = time.Now(), nil
	if free < f.min {
		f.full = &diskFullError{dir: f.dir, free: free, floor: f.min}
	}
	switch {
	case was == nil && f.full != nil:
		f.log.Error("new messages are refused: the disk is nearly full", "dir", f.dir, "free_mib", free>>20, "floor_mib", f.min>>20)
	case was != nil && f.full == nil:
		f.log.Info("new messages are accepted again: there is free space", "dir", f.dir, "free_mib", free>>20)
	}
	return f.full
}
