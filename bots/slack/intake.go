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
					d.done(ctx, in.take(ctx, d.event))
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

// apart works on a gesture that nobody waits for.
func (in *intake) apart(g gesture) {
	in.mu.Lock()
	defer in.mu.Unlock()
	if ctx := in.ctx; ctx != nil && ctx.Err() == nil {
		in.wg.Go(func() { g.run(ctx) })
	}
}

// offer enqueues d without waiting and reports whether there was room. What finds none
// is left for Slack to deliver again.
func (in *intake) offer(d delivery) bool {
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
