package main

import (
	"context"
	"time"
)

// forget removes what is older than agent.retention, at the start and then every hour,
// until ctx ends.
func (d *daemon) forget(ctx context.Context) {
	tick := time.NewTicker(time.Hour)
	defer tick.Stop()
	for {
		n, err := d.store.Expire(ctx, time.Now().Add(-d.cfg.Agent.Retention))
		switch {
		case ctx.Err() != nil:
			return
		case err != nil:
			d.log.Error("old conversations could not be forgotten; it is tried again in an hour", "error", err)
		case n > 0:
			d.log.Info("old conversations were forgotten", "transcripts", n, "older_than", d.cfg.Agent.Retention)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}
