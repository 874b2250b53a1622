package main

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"bobbin/agent/badgerstore"
)

// balance is bobbin's first promise as arithmetic. What was pending at the start and what
// was accepted since is delivered, set aside or still pending; refused messages were told
// so and never accepted. What is missing from the sum would be a lost message. The store
// keeps the sum of each session over restarts, which is checked at the start.
type balance struct {
	before    int64        // pending at the start
	missing   atomic.Int64 // of what earlier runs accepted
	accepted  atomic.Int64
	delivered atomic.Int64
	dead      atomic.Int64
	retried   atomic.Int64 // of the dead and of the delivered: pending again
}

// countWithin bounds how long a scrape waits for the store.
const countWithin = 2 * time.Second

// watch counts what is pending and shows the balance from now on.
func (b *balance) watch(s *badgerstore.Store, r *prometheus.Registry) error {
	pending := func() (int64, error) {
		ctx, cancel := context.WithTimeout(context.Background(), countWithin)
		defer cancel()
		n, err := s.Backlog(ctx)
		return int64(n), err
	}
	n, err := s.Backlog(context.Background()) // however long that takes: nothing can begin before
	if err != nil {
		return fmt.Errorf("count what an earlier run left: %w", err)
	}
	b.before = int64(n)
	gauge := func(name, help string, f func() (int64, error)) prometheus.Collector {
		return prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "bobbin_" + name, Help: help}, func() float64 {
			n, err := f()
			if err != nil {
				return -1
			}
			return float64(n)
		})
	}
	counter := func(name, help string, n *atomic.Int64) prometheus.Collector {
		return prometheus.NewCounterFunc(prometheus.CounterOpts{Name: "bobbin_" + name, Help: help},
			func() float64 { return float64(n.Load()) })
	}
	r.MustRegister(
		counter("messages_delivered_total", "Accepted messages whose answer stands.", &b.delivered),
		counter("messages_dead_total", "Accepted messages that were set aside; “bobbin turns --failed” lists them.", &b.dead),
		counter("messages_retried_total", "Messages that were put back to be answered once more: by “bobbin turns retry”, or because people asked for another answer.", &b.retried),
		gauge("messages_pending", "Accepted messages that are not answered yet; -1: the store did not say.", pending),
		gauge("messages_unaccounted", "Pending at the start + accepted + retried - delivered - dead - pending, and what was missing from that sum of earlier runs at the start. Not 0 for longer than a scrape would be a fault of bobbin.",
			func() (int64, error) {
				n, err := b.unaccounted(pending)
				return n + b.missing.Load(), err
			}),
	)
	return nil
}

// audit has the store check what earlier runs have left. It may take a while where there
// are very many conversations.
func (d *daemon) audit(ctx context.Context) {
	n, err := d.store.Audit(ctx)
	d.metrics.balance.missing.Add(int64(n))
	if err != nil && ctx.Err() == nil {
		d.log.Error("whether messages of earlier runs are missing could not be checked", "error", err)
	}
}

// unaccounted compares the counters with the store. While messages move, a count taken
// before and one taken after the store's may differ; then the smaller gap is the honest one.
func (b *balance) unaccounted(pending func() (int64, error)) (int64, error) {
	sum := func() int64 {
		return b.before + b.accepted.Load() + b.retried.Load() - b.delivered.Load() - b.dead.Load()
	}
	early := sum()
	n, err := pending()
	if err != nil {
		return 0, err
	}
	before, after := early-n, sum()-n
	if before > 0 && after > 0 {
		return min(before, after), nil
	}
	if before < 0 && after < 0 {
		return max(before, after), nil
	}
	return 0, nil
}
