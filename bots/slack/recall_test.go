package slack

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"bobbin/agent"
	"bobbin/bots"
	"bobbin/bots/sandbox"
)

func TestHeardNeverPassesWhatWasNotAccepted(t *testing.T) {
	remembering(t, never(), func(t *testing.T, r *rig, m *memory) {
		dm := r.OpenDM("U0ADA")
		r.connect(t)
		time.Sleep(time.Minute)
		r.say(t, "U0ADA", dm, "", "fine")
		time.Sleep(time.Minute)
		fine := m.at()
		if age := time.Since(fine); age > 61*time.Second {
			t.Errorf("heard is %v old", age)
		}
		m.refuseWith(func(ev bots.Event) error {
			if strings.HasPrefix(ev.Text, "refused") {
				return errors.New("the disk is full")
			}
			return nil
		})
		r.say(t, "U0ADA", dm, "", "refused")
		refused := time.Now()
		time.Sleep(time.Minute)
		r.say(t, "U0ADA", dm, "", "taken")
		time.Sleep(time.Second) // conversations keep no order among each other
		r.say(t, "U0ADA", "C0GENERAL", "", "more")
		time.Sleep(time.Minute)
		if at := m.at(); !at.Before(refused) {
			t.Errorf("heard is %v, an event of %v was refused", at, refused)
		}
		want(t, m.texts(), "fine", "taken", "more")
		r.end(t, m)
		if at := m.at(); !at.Before(refused) {
			t.Errorf("after the end heard is %v, an event of %v was refused", at, refused)
		}

		// A catch-up that is refused too moves nothing either, and tries again.
		r.connect(t)
		time.Sleep(2 * time.Minute)
		r.say(t, "U0ADA", dm, "", "live meanwhile")
		time.Sleep(time.Minute)
		if at := m.at(); !at.Before(refused) {
			t.Errorf("heard is %v, an event of %v was refused again", at, refused)
		}
		m.refuseWith(nil)
		time.Sleep(15 * time.Minute)
		want(t, m.texts(), "live meanwhile", "refused")
		if at := m.at(); at.Before(refused.Add(2 * time.Minute)) {
			t.Errorf("heard stays at %v", at)
		}
	})
}

func TestEventThatSlackNoLongerDeliversIsReadFromHistory(t *testing.T) {
	remembering(t, sandbox.SlackOptions{}, func(t *testing.T, r *rig, m *memory) {
		dm := r.OpenDM("U0ADA")
		r.connect(t)
		m.refuseWith(func(bots.Event) error { return errors.New("the disk is full") })
		r.say(t, "U0ADA", dm, "", "hello")
		if err := r.Settled(t.Context()); err != nil {
			t.Fatal(err)
		}
		if n := r.Deliveries().Lost; n != 1 {
			t.Fatalf("%d events given up", n)
		}
		m.refuseWith(nil)
		time.Sleep(20 * time.Minute)
		want(t, m.texts(), "hello")
		if n := r.Calls("apps.connections.open"); n != 1 {
			t.Errorf("%d connections", n)
		}
	})
}

func TestHeardIsStoredNowAndThenAndAtTheEnd(t *testing.T) {
	remembering(t, never(), func(t *testing.T, r *rig, m *memory) {
		dm := r.OpenDM("U0ADA")
		r.connect(t)
		for range 600 {
			r.say(t, "U0ADA", dm, "", "x")
			time.Sleep(100 * time.Millisecond)
		}
		synctest.Wait()
		if m.set > 5 || m.set < 3 {
			t.Errorf("stored %d times within a minute", m.set)
		}
		sent := time.Now().Add(-100 * time.Millisecond)
		r.end(t, m)
		if at := m.at(); sent.Sub(at) > time.Millisecond {
			t.Errorf("at the end heard is %v, the last message %v", at, sent)
		}
		set := m.set
		r.connect(t)
		time.Sleep(time.Hour)
		if m.set != set {
			t.Errorf("stored %d times while nothing was said", m.set-set)
		}
	})
}

func TestMemoryThatFailsIsReportedAndAskedAgain(t *testing.T) {
	remembering(t, never(), func(t *testing.T, r *rig, m *memory) {
		r.s.opts.Memory = failing{m}
		if err := r.s.Run(t.Context(), m.take); err == nil || !strings.Contains(err.Error(), "the disk is gone") {
			t.Errorf("Run: %v", err)
		}
	})
	ranOnce(t, never(), func(t *testing.T, r *rig, m *memory) {
		dm := r.OpenDM("U0ADA")
		r.say(t, "U0ADA", dm, "", "missed")
		before := m.at()
		r.s.opts.Memory = &forgetful{memory: m}
		r.connect(t)
		time.Sleep(30 * time.Second)
		want(t, m.texts())
		if at := m.at(); at.After(before) {
			t.Errorf("heard moved to %v", at)
		}
		time.Sleep(10 * time.Minute)
		want(t, m.texts(), "missed")
		if at := m.at(); !at.After(before) {
			t.Error("heard did not move")
		}
	})
}

type failing struct{ *memory }

func (failing) Heard(context.Context, string) (time.Time, error) {
	return time.Time{}, errors.New("the disk is gone")
}

// forgetful fails the first calls.
type forgetful struct {
	*memory
	sets, lists atomic.Int32
}

func (f *forgetful) SetHeard(ctx context.Context, platform string, t time.Time) error {
	if f.sets.Add(1) < 3 {
		return errors.New("the disk is gone")
	}
	return f.memory.SetHeard(ctx, platform, t)
}

func (f *forgetful) Active(ctx context.Context, platform string, since time.Time) ([]agent.Address, error) {
	if f.lists.Add(1) < 2 {
		return nil, errors.New("the disk is gone")
	}
	return f.memory.Active(ctx, platform, since)
}
