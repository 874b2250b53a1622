package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"runtime"
	"runtime/pprof"
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
	collectSooner()
	d, err := newDaemon(cfg, newLog(cfg.Log, c.stderr), extras{budget: cmd.budget})
	if err != nil {
		return err
	}
	l, err := listen(c.ctx, "127.0.0.1:0")
	if err != nil {
		return errors.Join(err, d.close())
	}
	told := site{listener: l, server: &http.Server{Handler: (&benchTeller{daemon: d}).handler(), ReadHeaderTimeout: 5 * time.Second}}
	telling, stop := context.WithCancel(context.WithoutCancel(c.ctx))
	defer stop()
	var parts sync.WaitGroup
	parts.Go(func() { err = told.serve(telling) })
	parts.Go(func() {
		fmt.Fprintln(c.stdout, l.Addr())
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
	stop()
	parts.Wait()
	return errors.Join(ran, err)
}

// budget gives each session a workspace of its own, as far as edits go. Posts, which are
// one for each answer, have no limit.
func (cmd benchChildCmd) budget(to agent.Target) bots.Budget {
	scope := string(to.Session())
	return bots.Budget{Post: bots.Rate{Scope: scope + " post"}, Edit: bots.Rate{Scope: scope, Every: cmd.Edits, Burst: 8}}
}

// benchUse is what a daemon uses.
type benchUse struct {
	Goroutines int           `json:"goroutines"`
	Heap       float64       `json:"heap"`   // bytes in use
	Stacks     float64       `json:"stacks"` // bytes
	RSS        float64       `json:"rss"`    // bytes; 0 where that cannot be told
	Shared     float64       `json:"shared"` // bytes of RSS that are of files
	CPU        time.Duration `json:"cpu"`
	Syncs      uint64        `json:"syncs"`
	Syncing    time.Duration `json:"syncing"` // the time that they have taken
	Live       int           `json:"live"`    // sessions
}

type benchTeller struct {
	daemon *daemon
	to     *os.File // of the profile that is being written
}

func (t *benchTeller) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /use", func(w http.ResponseWriter, r *http.Request) {
		if r.FormValue("collect") != "" {
			runtime.GC()
			runtime.GC() // what the first has taken out of pools
		}
		answer(w, http.StatusOK, t.use())
	})
	mux.HandleFunc("POST /profile", func(w http.ResponseWriter, r *http.Request) {
		if err := t.profile(r.FormValue("what"), r.FormValue("to")); err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
		}
	})
	return mux
}

func (t *benchTeller) use() benchUse {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	rss, shared := resident()
	syncs, syncing := t.daemon.store.Syncs()
	return benchUse{
		Goroutines: runtime.NumGoroutine(), Heap: float64(m.HeapAlloc), Stacks: float64(m.StackInuse),
		RSS: rss, Shared: shared, CPU: processorTime(), Syncs: syncs, Syncing: syncing, Live: t.daemon.agent.Live(),
	}
}

// profile begins or ends a profile of the processor, or writes one of the heap.
func (t *benchTeller) profile(what, path string) (err error) {
	switch what {
	case "begin":
		if t.to, err = os.Create(path); err != nil { //nolint:gosec // the bench names it
			return err
		}
		return pprof.StartCPUProfile(t.to)
	case "end":
		pprof.StopCPUProfile()
		return t.to.Close()
	}
	f, err := os.Create(path) //nolint:gosec // the bench names it
	if err != nil {
		return err
	}
	return errors.Join(pprof.Lookup(what).WriteTo(f, 0), f.Close())
}
