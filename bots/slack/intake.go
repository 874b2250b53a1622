package slack

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"runtime/debug"
	"sync"
	"time"

	"bobbin/bots"
)

const (
	// With many more, those who write at once hold each other up in the database.
	lanes     = 8
	laneDepth = 256
	// acceptTimeout is longer than Slack's three seconds: an event that was accepted
	// late comes again and is recognised.
	acceptTimeout = 10 * time.Second
	// maxCommands bounds the slash commands at work at once, and maxGestures what people
	// do with buttons and menus.
	maxCommands = 64
	maxGestures = 256
)

// intake hands events to accept: all events of a conversation in the order they came.
type intake struct {
	s        *Slack
	accept   func(context.Context, bots.Event) error
	seed     maphash.Seed
	lanes    [lanes]chan delivery
	commands chan struct{} // a token for each command at work
	gestures chan struct{} // and for each button or menu
	wg       sync.WaitGroup

	mu  sync.Mutex
	ctx context.Context // of the workers; nil unless they run
}

// delivery is an event, and what to do when it was accepted, or was not.
type delivery struct {
	event bots.Event
	fill  func(context.Context, *bots.Event) (bool, error) // see happening
	done  func(context.Context, error)
}

func newIntake(s *Slack, accept func(context.Context, bots.Event) error) *intake {
	in := &intake{
		s: s, accept: accept, seed: maphash.MakeSeed(),
		commands: make(chan struct{}, maxCommands), gestures: make(chan struct{}, maxGestures),
	}
	for i := range in.lanes {
		in.lanes[i] = make(chan delivery, laneDepth)
	}
	return in
}

// start runs the workers until ctx ends; wait waits for them and for the commands.
func (in *intake) start(ctx context.Context) {
	in.mu.Lock()
	in.ctx = ctx
	in.mu.Unlock()
	for _, lane := range in.lanes {
		in.wg.Go(func() {
			for {
				select {
				case <-ctx.Done():
					return
				case d := <-lane:
					d.done(ctx, in.complete(ctx, d))
				}
			}
		})
	}
}

func (in *intake) wait() {
	in.mu.Lock()
	in.ctx = nil
	in.mu.Unlock()
	in.wg.Wait()
}

// apart runs f beside the lanes, and reports false if there is too much of that already,
// or the workers do not run.
func (in *intake) apart(what string, f func(context.Context)) bool {
	in.mu.Lock()
	defer in.mu.Unlock()
	ctx := in.ctx
	if ctx == nil || ctx.Err() != nil {
		return false
	}
	select {
	case in.gestures <- struct{}{}:
	default:
		in.s.ignored.add("overload")
		in.s.log.Warn("slack: too much to do at once; leaving something undone", "what", what)
		return false
	}
	in.wg.Go(func() {
		defer func() { <-in.gestures }()
		f(ctx)
	})
	return true
}

// offer enqueues d without waiting and reports whether there was room. What finds none
// is left for Slack to deliver again. A press overtakes what it may be to stop.
func (in *intake) offer(d delivery) bool {
	if d.event.Press != nil {
		press := d // or all else would be copied, too
		return in.apart(d.event.EventID, func(ctx context.Context) { press.done(ctx, in.complete(ctx, press)) })
	}
	a := d.event.Target.Address
	lane := in.lanes[maphash.String(in.seed, a.Channel+"/"+a.Thread)%lanes]
	select {
	case lane <- d:
		return true
	default:
		in.s.ignored.add("overload")
		in.s.log.Warn("slack: too many events at once; leaving one to be delivered again", "channel", a.Channel)
		return false
	}
}

// complete fills an event in and takes it. What Slack does not tell costs no event: it is
// delivered again otherwise, as for any failure.
func (in *intake) complete(ctx context.Context, d delivery) error {
	if d.fill != nil {
		filled := d.event // which goes to the heap
		limited, cancel := context.WithTimeout(ctx, acceptTimeout)
		use, err := d.fill(limited, &filled)
		d.event = filled
		cancel()
		if err != nil {
			in.s.log.Warn("slack: an event could not be completed", "event", d.event.EventID, "error", err)
			return err
		}
		if !use {
			return nil
		}
	}
	return in.take(ctx, d.event)
}

// soon does what a person waits for, if there is room for it, and returns when that is done
// or Slack will wait no longer.
func (in *intake) soon(ctx context.Context, room chan struct{}, work func(context.Context)) bool {
	select {
	case room <- struct{}{}:
	default:
		in.s.ignored.add("overload")
		return false
	}
	done := make(chan struct{})
	in.wg.Go(func() {
		defer func() { <-room }()
		defer close(done)
		work(ctx)
	})
	late := time.NewTimer(commandGrace)
	defer late.Stop()
	select {
	case <-done:
	case <-late.C:
	case <-ctx.Done():
	}
	return true
}

// take gives an event to accept and logs its error.
func (in *intake) take(ctx context.Context, ev bots.Event) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("panic: %v\n%s", r, debug.Stack())
		}
		if err != nil && !(errors.Is(err, context.Canceled) && ctx.Err() != nil) {
			in.s.log.Error("slack: an event was not accepted", "event", ev.EventID, "message", ev.MessageID, "error", err)
		}
	}()
	limited, cancel := context.WithTimeout(ctx, acceptTimeout)
	defer cancel()
	if name := in.s.names.soon(limited, ev.Author.ID); name != "" {
		ev.Author.Name = name
	}
	return in.accept(limited, ev)
}
