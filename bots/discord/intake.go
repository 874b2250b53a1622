package discord

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/maphash"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"bobbin/bots"
)

const (
	// lanes is how many channels' messages are taken in side by side. Those of one
	// channel stay in order.
	lanes = 8
	// laneLength bounds what waits in a lane. When one is full, reading from
	// Discord pauses.
	laneLength = 256
	// askLength bounds the slash commands that wait, asksAtOnce those in hand. They
	// do not wait for each other: each has three seconds.
	askLength  = 256
	asksAtOnce = 512
	// drainTime is what is left for events that have arrived when Run has to end.
	drainTime = 3 * time.Second
)

// intake takes events from the gateway's goroutine, which must never wait for a
// database or the network, to accept.
type intake struct {
	d      *Discord
	accept func(context.Context, bots.Event) error
	seed   maphash.Seed
	lane   [lanes]chan func(context.Context)
	asks   chan interaction
	online chan struct{} // closed at the first READY
	once   sync.Once
	quit   chan struct{} // no more events will be waited for
	full   atomic.Int32  // how many events wait for room

	ledger  ledger
	noted   time.Time        // up to when the memory knows that all was heard
	missed  chan missedSince // the newest gap, until it is read
	again   chan struct{}    // a message was left behind
	lively  lively
	directs directs
	link    atomic.Pointer[gate] // the connection, nil for none
}

func newIntake(d *Discord, accept func(context.Context, bots.Event) error) *intake {
	in := &intake{
		d: d, accept: accept, seed: maphash.MakeSeed(),
		asks: make(chan interaction, askLength), online: make(chan struct{}), quit: make(chan struct{}),
		missed: make(chan missedSince, 1), again: make(chan struct{}, 1),
	}
	for i := range in.lane {
		in.lane[i] = make(chan func(context.Context), laneLength)
	}
	return in
}

// Run implements bots.Platform. Discord delivers a message once, so one that accept
// refuses is offered again a few times and then answered with an apology. Events
// that have arrived when ctx ends are still offered, for a few seconds.
func (d *Discord) Run(ctx context.Context, accept func(context.Context, bots.Event) error) error {
	in := newIntake(d, accept)
	work, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	var wg sync.WaitGroup
	for _, lane := range in.lane {
		wg.Go(func() { drain(work, in, lane, func(ctx context.Context, do func(context.Context)) { do(ctx) }) })
	}
	wg.Go(func() {
		slots := make(chan struct{}, asksAtOnce)
		drain(work, in, in.asks, func(ctx context.Context, i interaction) {
			slots <- struct{}{}
			wg.Go(func() {
				defer func() { <-slots }()
				defer in.recovered("slash command")
				in.interaction(ctx, i)
			})
		})
	})
	running, stop := context.WithCancel(ctx)
	defer stop()
	wg.Go(func() {
		select {
		case <-in.online:
			d.register(running)
		case <-running.Done():
		}
	})

	if d.opts.Memory != nil {
		wg.Go(func() { in.note(running) })
	}
	if d.catchesUp() {
		wg.Go(func() { in.catchUp(running) })
	}
	wg.Go(func() { in.listen(running) })

	err := d.supervise(running, in)

	stop()
	close(in.quit)
	late := time.AfterFunc(drainTime, cancel)
	defer late.Stop()
	wg.Wait()
	if d.opts.Memory != nil {
		in.noteOnce(context.WithoutCancel(ctx))
	}
	if err != nil {
		err = fmt.Errorf("discord: %w", err)
		d.setState(err)
		return err
	}
	d.setState(errors.New("discord: stopped"))
	return nil
}

// connected is told of each READY.
func (in *intake) connected() {
	in.d.dispatched.Store(time.Now().UnixNano())
	in.once.Do(func() { close(in.online) })
}

// dispatch takes an event in discordgo's goroutine. It may wait for room in a lane
// and for nothing else.
func (in *intake) dispatch(name string, data json.RawMessage) {
	defer in.recovered("dispatch " + name)
	in.d.dispatched.Store(time.Now().UnixNano())
	switch name {
	case "MESSAGE_CREATE":
		var m message
		if !in.decode(data, &m) {
			return
		}
		wanted := in.d.wanted(&m)
		if validID(m.ID) && validID(m.ChannelID) {
			in.d.saw(m.ID)
			in.lively.add(m.ChannelID)
			in.ledger.arrived(m.ID, wanted)
		}
		if m.GuildID == "" {
			in.direct(m.ChannelID, m.ID)
		}
		if wanted {
			offer(in, in.laneOf(m.ChannelID), func(ctx context.Context) { in.message(ctx, m) })
		}
	case "MESSAGE_UPDATE":
		var m message
		if in.decode(data, &m) {
			in.edited(m)
		}
	case "MESSAGE_DELETE", "MESSAGE_DELETE_BULK":
		var r removal
		if in.decode(data, &r) {
			in.deleted(r)
		}
	case "MESSAGE_REACTION_ADD":
		var r reaction
		if in.decode(data, &r) {
			if r.GuildID == "" {
				in.direct(r.ChannelID, "")
			}
			in.reacted(r)
		}
	case "GUILD_CREATE":
		var g guild
		if in.decode(data, &g) {
			in.d.learnGuild(&g)
			in.joined(&g)
		}
	case "TYPING_START":
		var t struct {
			ChannelID string `json:"channel_id"`
			GuildID   string `json:"guild_id"`
		}
		if in.decode(data, &t) && t.GuildID == "" {
			in.direct(t.ChannelID, "")
		}
	case "INTERACTION_CREATE":
		var i interaction
		if in.decode(data, &i) {
			if i.direct() {
				in.direct(i.ChannelID, "")
			}
			i.arrived = time.Now()
			offer(in, in.asks, i)
		}
	case "CHANNEL_CREATE":
		var c channel
		if in.decode(data, &c) {
			in.d.remember(c)
			if c.Type == channelDM {
				in.direct(c.ID, "")
			}
		}
	default:
		if !in.d.learn(name, data) {
			in.d.counts.add(ignoredUnknown)
		}
	}
}

// laneOf returns the lane of a channel: what happens in it is taken in by and by.
func (in *intake) laneOf(channel string) chan func(context.Context) {
	return in.lane[maphash.String(in.seed, channel)%lanes]
}

func (in *intake) decode(data json.RawMessage, into any) bool {
	if string(data) != "null" && json.Unmarshal(data, into) == nil {
		return true
	}
	in.d.counts.add(ignoredMalformed)
	return false
}

// offer puts v into ch, however long that takes, unless Run has ended.
func offer[T any](in *intake, ch chan<- T, v T) {
	select {
	case ch <- v:
		return
	default:
	}
	in.full.Add(1)
	defer in.full.Add(-1)
	select {
	case ch <- v:
	case <-in.quit:
	}
}

// drain handles what comes through ch until Run ends, and then what is left in it.
func drain[T any](ctx context.Context, in *intake, ch <-chan T, handle func(context.Context, T)) {
	one := func(v T) {
		defer in.recovered("event")
		handle(ctx, v)
	}
	for {
		select {
		case v := <-ch:
			one(v)
		case <-in.quit:
			for {
				select {
				case v := <-ch:
					one(v)
				default:
					return
				}
			}
		}
	}
}

// recovered keeps a panic in the handling of one event from ending the program.
func (in *intake) recovered(doing string) {
	if p := recover(); p != nil {
		in.d.counts.add(ignoredPanic)
		in.d.log.Error("panic", "doing", doing, "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
	}
}
