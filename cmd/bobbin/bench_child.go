package main

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"bobbin/agent"
	"bobbin/bots"
)

// benchChildCmd is the daemon that is measured: the real one, which also tells what it
// uses, and keeps to no limit of the platforms for all sessions together, since it would be
// these that are measured otherwise.
type benchChildCmd struct {
	Config string        `help:"The configuration." required:""`
	Edits  time.Duration `help:"The time between two edits of a session."`
}

// Run is the daemon. It prints where it tells what it uses, and a line when it is ready.
func (cmd benchChildCmd) Run(c console) error {
	cfg, err := LoadConfig(cmd.Config)
	if err != nil {
		return err
	}
	paceCollector()
	d, err := newDaemon(cfg, newLog(cfg.Log, c.stderr), extras{budget: cmd.budget})
	if err != nil {
		return err
	}
	teller, err := newBenchTeller(c.ctx, func() benchUse {
		u := processUse()
		u.Syncs, u.Syncing = d.store.Syncs()
		u.Live = d.agent.Live()
		return u
	})
	if err != nil {
		return errors.Join(err, d.close())
	}
	fmt.Fprintln(c.stdout, teller.site.listener.Addr())
	var readied sync.WaitGroup
	readied.Go(func() {
		tick := time.NewTicker(500 * time.Microsecond)
		defer tick.Stop()
		for len(d.ready()) > 0 {
			select {
			case <-tick.C:
			case <-c.ctx.Done():
				return
			}
		}
		fmt.Fprintln(c.stdout, "ready")
	})
	ran := d.Run(c.ctx)
	readied.Wait()
	return errors.Join(ran, teller.close())
}

// budget gives each session a workspace of its own, as far as edits go. Posts, which are
// one for each answer, have no limit.
func (cmd benchChildCmd) budget(to agent.Target) bots.Budget {
	scope := string(to.Session())
	return bots.Budget{Post: bots.Rate{Scope: scope + " post"}, Edit: bots.Rate{Scope: scope, Every: cmd.Edits, Burst: 8}}
}
