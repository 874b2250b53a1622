package agent

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"sync"
	"time"
)

// Options say what an [Agent] is made of. Store, Model and Replies are required;
// numbers and durations that are zero take the defaults named here.
type Options struct {
	Store   Store
	Model   Model
	Replies Replies
	Tools   []Tool

	Instructions string        // the system message; byte-stable, so no dates in it
	MaxSteps     int           // model calls in one turn; 8
	MaxTurns     int           // turns that are answered at once; 32
	MaxTokens    int           // of one step's answer; 0 leaves it to the Model
	Window       int           // tokens of conversation sent to the model; 24,000
	TurnTimeout  time.Duration // for all steps of a turn together; 5 minutes
	Drain        time.Duration // for running turns to end when Run's context ends; 30 seconds
	Settle       time.Duration // that Run must have lasted before a turn on trial runs; 15 seconds
	WhileBusy    Busy          // what becomes of messages that arrive during a turn; Queue
	Files        FileReader    // reads what people send along; nil: nothing is read

	Log      *slog.Logger // nothing is logged without one
	Observer Observer     // told what happens, for metrics
}

// Observer is told what happens. Its methods must return at once and be safe for
// concurrent use.
type Observer interface {
	Accepted(platform string, fresh bool)
	TurnBegan(t *Turn)
	TurnEnded(t *Turn, took time.Duration, err error) // err: the turn was put down without being delivered
	StepEnded(model string, u Usage, took time.Duration, err error)
	CallEnded(tool string, u Usage, took time.Duration, failed bool)
	Reopened(t *Turn) // a turn that was delivered is to be answered once more
}

// Agent runs sessions. Each session with something to do has one worker goroutine;
// the others exist in the Store only.
type Agent struct {
	Options
	tools map[string]Tool
	specs []ToolSpec
	slots *slots

	mu      sync.Mutex // held for a look at live, never across work
	live    map[SessionID]*worker
	workers sync.WaitGroup
	running context.Context // of the workers; nil unless Run is running
	settled time.Time       // when turns on trial may run
	closing chan struct{}   // closed when no new turn may begin
	strays  sync.WaitGroup  // calls of tools, which may outlive their turns
}

// worker is the state of a session's goroutine that others may touch.
type worker struct {
	again bool // there may be more to do

	// For its goroutine only.
	failed int    // attempts in a row at its turn that failed, and that this process has survived
	deaths int    // how often the daemon died while its turn was under way, since that got on
	leave  func() // gives back the slot of a turn on trial; nil: its turn is on none

	// Of the turn that it runs; turn is nil between turns.
	turn  *Turn
	asked []Inbound // what it answered when it began
	end   context.CancelCauseFunc
	more  bool // messages have arrived since
	over  bool // its answer is complete, and only has to be shown

	revised  TurnID // was changed when it was about to run
	reopened *Turn  // is about to run once more
}

// New returns an Agent that does nothing until Run is called.
func New(o Options) (*Agent, error) {
	if o.Store == nil || o.Model == nil || o.Replies == nil {
		return nil, errors.New("an agent needs a store, a model and replies")
	}
	defaults(&o.MaxSteps, 8)
	defaults(&o.MaxTurns, 32)
	defaults(&o.Window, 24_000)
	defaults(&o.TurnTimeout, 5*time.Minute)
	defaults(&o.Drain, 30*time.Second)
	defaults(&o.Settle, 15*time.Second)
	defaults(&o.WhileBusy, Queue)
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Observer == nil {
		o.Observer = nobody{}
	}
	a := &Agent{
		Options: o,
		tools:   make(map[string]Tool, len(o.Tools)),
		live:    make(map[SessionID]*worker),
		slots:   newSlots(o.MaxTurns),
		closing: make(chan struct{}),
	}
	for _, t := range o.Tools {
		s := t.Spec()
		if _, twice := a.tools[s.Name]; twice {
			return nil, fmt.Errorf("two tools are called %q", s.Name)
		}
		a.tools[s.Name] = t
		a.specs = append(a.specs, s)
	}
	return a, nil
}

func defaults[T comparable](v *T, d T) {
	var zero T
	if *v == zero {
		*v = d
	}
}

// Submit makes the message durable and returns; the answer arrives through Replies.
// A message that was accepted before is not answered again: it is not fresh. While the
// agent is not running, what is submitted waits for the next Run.
func (a *Agent) Submit(ctx context.Context, in Inbound) (fresh bool, err error) {
	s := in.Session()
	arrived := func() {
		a.arrived(s)
		a.wake(s)
	}
	// The model may be asked while the disk is waited for: what is shown waits for it, too.
	ready := func() {
		arrived()
		runtime.Gosched() // or the wait would keep the worker from this processor
	}
	if !a.isRunning() {
		ready = nil // it stays in the store for the next Run
	}
	fresh, err = a.Store.Accept(ctx, in, ready)
	if err != nil {
		return false, fmt.Errorf("accept message: %w", err)
	}
	a.Observer.Accepted(in.Target.Platform, fresh)
	switch {
	case !fresh:
		// The first delivery may have been written although its write was reported as failed.
		a.wake(s)
	case ready == nil:
		arrived()
	}
	return fresh, nil
}

// Known reports whether the session has ever been spoken in.
func (a *Agent) Known(ctx context.Context, s SessionID) (bool, error) { return a.Store.Known(ctx, s) }

// Seen reports whether the message has arrived before.
func (a *Agent) Seen(ctx context.Context, in Inbound) (bool, error) { return a.Store.Seen(ctx, in) }

// Note remembers a message that was answered without a turn.
func (a *Agent) Note(ctx context.Context, in Inbound) error { return a.Store.Note(ctx, in) }

// Reset starts the session afresh.
func (a *Agent) Reset(ctx context.Context, s SessionID) error { return a.Store.Reset(ctx, s) }

// Run takes up what an earlier run left unfinished and works until ctx ends. Then no
// new turn begins, running ones get Options.Drain to end, and the rest are put down
// in the journal. It may be called once.
func (a *Agent) Run(ctx context.Context) error {
	running, cut := context.WithCancelCause(context.WithoutCancel(ctx))
	defer cut(nil)
	a.mu.Lock()
	a.running, a.settled = running, time.Now().Add(a.Settle)
	a.mu.Unlock()

	err := a.resume(ctx)
	if err == nil {
		<-ctx.Done()
	} else if ctx.Err() != nil {
		err = nil
	}
	a.mu.Lock()
	close(a.closing)
	a.mu.Unlock()
	drained := time.AfterFunc(a.Drain, func() { cut(ErrShutdown) })
	a.workers.Wait()
	drained.Stop()
	return errors.Join(err, a.gather())
}

// ErrStray is returned by Run when a tool still runs that was told to end long ago.
// Nothing is lost by it, but the process has to end for the tool to end.
var ErrStray = errors.New("a tool does not end although it was told to")

// gather waits for tools that their turns have gone on without.
func (a *Agent) gather() error {
	ended := make(chan struct{})
	go func() { // its end is this function's, or the process's
		a.strays.Wait()
		close(ended)
	}()
	grace := time.NewTimer(toolGrace)
	defer grace.Stop()
	select {
	case <-ended:
		return nil
	case <-grace.C:
		return ErrStray
	}
}

// resume wakes every session that has something to do.
func (a *Agent) resume(ctx context.Context) error {
	n := 0
	for s, err := range a.Store.Pending(ctx) {
		if err != nil {
			return fmt.Errorf("read unfinished sessions: %w", err)
		}
		a.wake(s)
		n++
	}
	if n > 0 {
		a.Log.Info("taking up unfinished sessions", "sessions", n)
	}
	return nil
}

// Wake looks at a session's inbox, for messages that got there without Submit.
func (a *Agent) Wake(s SessionID) { a.wake(s) }

// Queued returns how many turns wait for others to end.
func (a *Agent) Queued() int { return a.slots.queued() }

// Live returns how many sessions are being worked on.
func (a *Agent) Live() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return len(a.live)
}

type nobody struct{}

func (nobody) Accepted(string, bool)                         {}
func (nobody) TurnBegan(*Turn)                               {}
func (nobody) TurnEnded(*Turn, time.Duration, error)         {}
func (nobody) StepEnded(string, Usage, time.Duration, error) {}
func (nobody) CallEnded(string, Usage, time.Duration, bool)  {}
func (nobody) Reopened(*Turn)                                {}
