package main

import (
	"context"
	"errors"
	"net/http"
	"os"
	"runtime"
	"runtime/pprof"
	"sync"
	"time"
)

// benchUse is what a process uses.
type benchUse struct {
	Goroutines int           `json:"goroutines"`
	Heap       float64       `json:"heap"`   // bytes in use
	Stacks     float64       `json:"stacks"` // bytes
	RSS        float64       `json:"rss"`    // bytes; 0 where that cannot be told
	Shared     float64       `json:"shared"` // bytes of RSS that are of files
	CPU        time.Duration `json:"cpu"`
	Syncs      uint64        `json:"syncs"`
	Syncing    time.Duration `json:"syncing"` // the time that they have taken
	Live       int           `json:"live"`    // sessions at work
}

// processUse is what every process can tell.
func processUse() benchUse {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	rss, shared := resident()
	return benchUse{
		Goroutines: runtime.NumGoroutine(), Heap: float64(m.HeapAlloc), Stacks: float64(m.StackInuse),
		RSS: rss, Shared: shared, CPU: processorTime(),
	}
}

// benchTeller lets the bench ask over HTTP what a process that it has started uses, and
// for profiles.
type benchTeller struct {
	use     func() benchUse
	site    site
	stop    context.CancelFunc
	serving sync.WaitGroup
	served  error    // how serving ended
	to      *os.File // of the profile that is being written
}

// newBenchTeller returns one that is at work until close, also while ctx ends.
func newBenchTeller(ctx context.Context, use func() benchUse) (*benchTeller, error) {
	t := &benchTeller{use: use}
	l, err := listen(ctx, "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	t.site = site{listener: l, server: &http.Server{Handler: t.handler(), ReadHeaderTimeout: 5 * time.Second}}
	ctx, t.stop = context.WithCancel(context.WithoutCancel(ctx))
	t.serving.Go(func() { t.served = t.site.serve(ctx) })
	return t, nil
}

func (t *benchTeller) close() error {
	t.stop()
	t.serving.Wait()
	return t.served
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
