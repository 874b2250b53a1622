package badgerstore

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"bobbin/agent"
)

// ErrDiskFull is wrapped by what Accept returns while the disk has less free space than
// Options.MinFree. It ends by itself once there is space again.
var ErrDiskFull = errors.New("the disk of the data directory is nearly full")

// DefaultMinFree is enough for the turns of a busy bot to be finished: Badger writes
// through sparse files, whose blocks the disk has to find when they are first written,
// memtables of 8 MiB each and a value log of 128 MiB among them. If it finds none, the
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

	mu   sync.Mutex // held while the file system is asked
	last atomic.Pointer[answer]
}

// answer is what the file system said.
type answer struct {
	asked time.Time
	full  error
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
// floor, and one that wraps [ErrNotKept] if nothing can be written any more. What it knows
// of free space is about a second old at most.
func (s *Store) Full() error { return cmp.Or(s.group.broken(), s.floor.check()) }

func (f *floor) check() error {
	if f.min == 0 {
		return nil
	}
	last := f.last.Load()
	if last.fresh() {
		return last.full
	}
	switch {
	case last == nil:
		f.mu.Lock()
	case !f.mu.TryLock(): // a disk that is slow to answer stops nobody
		return last.full
	}
	defer f.mu.Unlock()
	if last = f.last.Load(); !last.fresh() {
		last = f.ask(last)
		f.last.Store(last)
	}
	return last.full
}

func (a *answer) fresh() bool { return a != nil && time.Since(a.asked) < patience }

func (f *floor) ask(last *answer) *answer {
	free, err := f.free(f.dir)
	if err != nil {
		// Not knowing is no reason to turn people away.
		f.log.Error("the free space of the data directory cannot be told", "dir", f.dir, "error", err)
		free = f.min
	}
	a := &answer{asked: time.Now()}
	if free < f.min {
		a.full = &diskFullError{dir: f.dir, free: free, floor: f.min}
	}
	was := last != nil && last.full != nil
	switch {
	case !was && a.full != nil:
		f.log.Error("new messages are refused: the disk is nearly full", "dir", f.dir, "free_mib", free>>20, "floor_mib", f.min>>20)
	case was && a.full == nil:
		f.log.Info("new messages are accepted again: there is free space", "dir", f.dir, "free_mib", free>>20)
	}
	return a
}
