package discord

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"bobbin/agent"
	"bobbin/bots"
	"bobbin/bots/sandbox"
)

// notebook is a bots.Memory.
type notebook struct {
	mu     sync.Mutex
	heard  map[string]time.Time
	direct []string
	active []agent.Address
	fails  bool
}

func (n *notebook) Heard(_ context.Context, name string) (time.Time, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.fails {
		return time.Time{}, errors.New("disk on fire")
	}
	return n.heard[name], nil
}

func (n *notebook) SetHeard(_ context.Context, name string, t time.Time) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.fails {
		return errors.New("disk on fire")
	}
	if t.After(n.heard[name]) {
		n.heard[name] = t
	}
	return nil
}

func (n *notebook) Active(context.Context, string, time.Time) ([]agent.Address, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	return slices.Clone(n.active), nil
}

func (n *notebook) fail(fails bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.fails = fails
}

func (n *notebook) at() time.Time {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.heard[Name]
}

func (n *notebook) AddDirect(_ context.Context, _, channel string) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.fails {
		return errors.New("disk on fire")
	}
	n.direct = slices.Insert(slices.DeleteFunc(n.direct, func(c string) bool { return c == channel }), 0, channel)
	return nil
}

func (n *notebook) Directs(context.Context, string) ([]string, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	return slices.Clone(n.direct), nil
}

func (n *notebook) add(a ...agent.Address) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.active = append(n.active, a...)
}

// remembering is a bubble at a time when ids are true to the clock, with a memory and
// a bot that is connected.
func remembering(t *testing.T, s setup, test func(*rig, *notebook)) {
	t.Helper()
	n := &notebook{heard: make(map[string]time.Time)}
	s.idle, s.opts.Memory = true, n
	if s.opts.CatchUp == 0 {
		s.opts.CatchUp = 24 * time.Hour
	}
	bubble(t, s, func(r *rig) {
		time.Sleep(time.Until(time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)))
		r.ended <- nil
		r.up()
		test(r, n)
	})
}

// down ends the bot as a shutdown does, and up starts another one.
func (r *rig) down() { r.Helper(); r.stop() }

func (r *rig) up() {
	r.Helper()
	<-r.ended //nolint:errcheck // another test says how it ended
	var err error
	if r.bot, err = New(r.bot.opts); err != nil {
		r.Fatal(err)
	}
	r.cancel()
	r.ctx, r.cancel = context.WithCancel(r.Context())
	r.start()
	r.pass(10 * time.Second)
	if err := r.bot.Ready(); err != nil {
		r.Fatalf("not connected: %v", err)
	}
}

func (r *rig) pass(d time.Duration) {
	time.Sleep(d)
	r.settle()
}

// fresh returns the events of messages that were not seen before, as a store would
// let them through.
func (r *rig) fresh(seen map[agent.MessageID]bool) (texts []string, events []bots.Event) {
	r.Helper()
	for _, e := range r.taken() {
		if !seen[e.MessageID] {
			seen[e.MessageID] = true
			texts, events = append(texts, e.Text), append(events, e)
		}
	}
	return texts, events
}

// history makes every channel's history what is given.
func (r *rig) history(body string) {
	r.fake.Inject(sandbox.DiscordFault{Route: fakeHistory, Times: -1, Status: 200, Body: body})
}

func TestHeardIsKeptAndNeverPassesAnOpenMessage(t *testing.T) {
	remembering(t, setup{}, func(r *rig, n *notebook) {
		busy := make(chan struct{})
		r.onAccept(func(_ context.Context, e bots.Event) error {
			if e.Text == "slow" {
				<-busy
			}
			return nil
		})
		r.say("ada", "general", "", r.mention("quick"))
		r.pass(noteEvery)
		quick := time.Now()
		if quick.Sub(n.at()) > 2*noteEvery {
			t.Errorf("heard %v", n.at())
		}
		r.pass(time.Hour)
		r.say("ada", "general", "", r.mention("slow"))
		slow := time.Now()
		r.pass(time.Minute)
		for _, c := range []string{"general", "random"} {
			r.say("ada", c, "", "others go on")
			r.pass(time.Minute)
		}
		if !n.at().Before(slow) {
			t.Error("heard is past a message that is not accepted")
		}
		close(busy)
		r.pass(noteEvery)
		if !n.at().After(slow) {
			t.Errorf("heard stays at %v", n.at())
		}
	})
}

func TestMemoryThatFailsLosesNothing(t *testing.T) {
	remembering(t, setup{}, func(r *rig, n *notebook) {
		r.down()
		r.say("ada", "general", "", r.mention("meanwhile"))
		time.Sleep(time.Hour)
		n.fail(true)
		r.up()
		r.pass(5 * time.Minute)
		if got := r.taken(); len(got) != 0 {
			t.Errorf("accepted %+v", got)
		}
		n.fail(false)
		r.pass(5 * time.Minute)
		if got := r.one().Text; got != "meanwhile" {
			t.Errorf("text is %q", got)
		}
	})
}
