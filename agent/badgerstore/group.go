package badgerstore

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

// ErrNotKept is wrapped by what every write returns once the disk has failed to keep an
// earlier one. What the system then still holds of it in memory may be lost without
// another error, so that nothing can be promised any more until the store is opened anew.
var ErrNotKept = errors.New("the disk has failed to keep what was written")

// group lets transactions that end at the same time wait for the disk together. Whoever
// comes first syncs for all that came before the sync has begun; the next sync is for
// those that came during it.
type group struct {
	sync func() error // makes all finished transactions durable

	begun, ended atomic.Uint64 // transactions
	synced       atomic.Uint64 // of the ended ones, those that are durable
	syncs        atomic.Uint64
	syncing      atomic.Int64 // nanoseconds that the syncs have taken

	turn   sync.Mutex // held during a sync
	mu     sync.Mutex
	next   *waiting
	failed error
}

// waiting are the transactions that the next sync is for.
type waiting struct {
	done chan struct{}
	err  error // once done
}

// wait returns when all transactions that have ended are durable.
func (g *group) wait() error {
	g.mu.Lock()
	w, first := g.next, g.next == nil
	if first {
		w = &waiting{done: make(chan struct{})}
		g.next = w
	}
	g.mu.Unlock()
	if !first {
		<-w.done
		return w.err
	}
	g.turn.Lock()
	g.mu.Lock()
	g.next = nil
	w.err = g.failed
	g.mu.Unlock()
	if w.err == nil {
		w.err = g.syncNow()
	}
	g.turn.Unlock()
	close(w.done)
	return w.err
}

func (g *group) syncNow() error {
	ended := g.ended.Load()
	began := time.Now()
	err := g.do(g.sync)
	g.syncs.Add(1)
	g.syncing.Add(int64(time.Since(began)))
	if err != nil {
		return err
	}
	g.synced.Store(ended)
	return nil
}

// do runs a sync. After one whose error wraps ErrNotKept there is no other: the system
// would take what it could not write for written.
func (g *group) do(sync func() error) error {
	err := sync()
	if errors.Is(err, ErrNotKept) {
		g.mu.Lock()
		defer g.mu.Unlock()
		g.failed = fmt.Errorf("%w; look at the disk, and restart bobbin", err)
		return g.failed
	}
	return err
}

// clean is wait for a transaction that has only read: what it has seen may be of one that
// is not durable yet.
func (g *group) clean() error {
	if g.synced.Load() == g.begun.Load() {
		return nil
	}
	return g.wait()
}

// until is wait for the first so many transactions.
func (g *group) until(ended uint64) error {
	if g.synced.Load() >= ended {
		return nil
	}
	return g.wait()
}

// broken returns why nothing can be written any more, if so it is.
func (g *group) broken() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.failed
}

// Syncs returns how often the store has waited for the disk since it was opened, for
// however many writes, and for how long in all. It never waits twice at once.
func (s *Store) Syncs() (n uint64, took time.Duration) {
	return s.group.syncs.Load(), time.Duration(s.group.syncing.Load())
}
