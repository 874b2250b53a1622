package agent

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"time"
)

// openCalls returns the calls that have no result yet.
func openCalls(es []Entry) (open []ToolCall) {
	for i := range es {
		for _, c := range es[i].Calls {
			if !answered(es, c.ID) {
				open = append(open, c)
			}
		}
	}
	return open
}

func answered(es []Entry, call string) bool {
	for i := range es {
		if es[i].Role == RoleTool && es[i].CallID == call {
			return true
		}
	}
	return false
}

// call runs the calls of a step side by side and journals their results. The result
// of a call with side effects is journaled as soon as it is there, the others' once
// all have ended: they can be run again.
func (r *turn) call(ctx context.Context, calls []ToolCall) error {
	r.narrate(calls)
	r.reply.Update(Update{Text: r.text.String(), Status: r.status, Steps: r.narrated, Working: true})
	defer func() { r.narrate(nil) }()
	results := make([]Entry, len(calls))
	errs := make([]error, len(calls))
	var journal sync.Mutex
	var running sync.WaitGroup
	for i, c := range calls {
		running.Go(func() {
			effects := r.effects(c)
			if effects && !slices.Contains(r.Started, c.ID) {
				if errs[i] = r.start(ctx, c); errs[i] != nil {
					return
				}
			} else if effects {
				results[i] = c.failed("The outcome of this call is unknown: I was interrupted while it ran. It was not run again. Check before you repeat it.")
				return
			}
			results[i], errs[i] = r.run(ctx, c)
			if effects && errs[i] == nil {
				journal.Lock()
				defer journal.Unlock()
				r.keepMade(results[i : i+1]...)
				errs[i] = r.journal(ctx, results[i])
				results[i] = Entry{}
			}
		})
	}
	running.Wait()
	if err := errors.Join(errs...); err != nil {
		return err
	}
	results = slices.DeleteFunc(results, func(e Entry) bool { return e.CallID == "" })
	r.keepMade(results...)
	return r.journal(ctx, results...)
}

func (r *turn) effects(c ToolCall) bool {
	t := r.tools[c.Name]
	return t != nil && t.Spec().Effects
}

// start journals that a call with side effects is about to run, if it still may.
func (r *turn) start(ctx context.Context, c ToolCall) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	err := lastly(ctx, func(ctx context.Context) error { return r.Store.StartCall(ctx, r.Turn, c.ID) })
	if err != nil {
		return fmt.Errorf("%w: journal the start of a call: %w", errStore, err)
	}
	return nil
}

// run runs one call. A panic is a failed result, an error ends the turn.
func (r *turn) run(ctx context.Context, c ToolCall) (e Entry, err error) {
	t := r.tools[c.Name]
	if t == nil {
		return c.failed(fmt.Sprintf("There is no tool %q. The tools are: %s.", c.Name, strings.Join(r.toolNames(), ", "))), nil
	}
	began := time.Now()
	var res Result
	defer func() { r.Observer.CallEnded(c.Name, res.Usage, time.Since(began), err != nil || e.Failed) }()
	res, err = r.within(ctx, t, c)
	if err != nil {
		return Entry{}, fmt.Errorf("tool %s: %w", c.Name, err)
	}
	e = Entry{Role: RoleTool, At: time.Now(), CallID: c.ID, Tool: c.Name, Text: res.Text, Failed: res.Failed}
	if len(res.Made) > 0 {
		e.Made = &res.Made
	}
	if res.Usage != (Usage{}) {
		e.Usage = &res.Usage
	}
	return e, nil
}

// toolGrace is how long a tool may go on when its context has ended.
const toolGrace = 5 * time.Second

// within runs a call and, should the tool not heed its context, goes on without it: a
// tool that hangs must hang neither its session nor the daemon's end.
func (r *turn) within(ctx context.Context, t Tool, c ToolCall) (Result, error) {
	ended := make(chan func() (Result, error), 1)
	r.strays.Go(func() {
		defer func() {
			if p := recover(); p != nil {
				r.Log.Error("a tool panicked", "tool", c.Name, "turn", r.ID, "panic", p, "stack", string(debug.Stack()))
				ended <- func() (Result, error) {
					return Result{Text: "The tool failed for a reason of its own. Go on without it.", Failed: true}, nil
				}
			}
		}()
		res, err := t.Call(ctx, c)
		ended <- func() (Result, error) { return res, err }
	})
	select {
	case result := <-ended:
		return result()
	case <-ctx.Done():
	}
	grace := time.NewTimer(toolGrace)
	defer grace.Stop()
	select {
	case result := <-ended:
		return result()
	case <-grace.C:
		r.Log.Error("a tool does not end although it was told to; its turn goes on without it", "tool", c.Name, "turn", r.ID)
		return Result{Text: "The outcome of this call is unknown: the tool did not end in time.", Failed: true}, nil
	}
}

func (c ToolCall) failed(text string) Entry {
	return Entry{Role: RoleTool, At: time.Now(), CallID: c.ID, Tool: c.Name, Text: text, Failed: true}
}

func (a *Agent) toolNames() []string {
	names := make([]string, len(a.specs))
	for i, s := range a.specs {
		names[i] = s.Name
	}
	return names
}

// doing says in a few words what a call does.
func (r *turn) doing(c ToolCall) string {
	t := r.tools[c.Name]
	if t == nil {
		return "thinking"
	}
	if n, ok := t.(Narrator); ok {
		if words := n.Doing(c); words != "" {
			return words
		}
	}
	return cmp.Or(t.Spec().Doing, "using "+c.Name)
}

// narrate says in a few words each what the calls of the turn have done and, last, what
// open ones do.
func (r *turn) narrate(open []ToolCall) {
	r.narrated, r.status = nil, ""
	for _, e := range r.Entries {
		for _, c := range e.Calls {
			if !slices.ContainsFunc(open, func(o ToolCall) bool { return o.ID == c.ID }) {
				r.narrated = append(r.narrated, r.doing(c))
			}
		}
	}
	var now []string
	for _, c := range open {
		if words := r.doing(c); !slices.Contains(now, words) {
			now = append(now, words)
		}
	}
	if len(now) > 0 {
		r.status = strings.Join(now, ", ")
		r.narrated = append(r.narrated, r.status)
	}
	r.narrated = slices.Compact(r.narrated)
}
