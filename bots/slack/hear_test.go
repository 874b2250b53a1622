package slack

import (
	"testing"
	"time"

	"bobbin/agent"

	"pgregory.net/rapid"
)

// TestHeardIsNoPromiseThatIsNotKept compares the time that would be stored with a plain
// list of what came in and was not accepted.
func TestHeardIsNoPromiseThatIsNotKept(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h := newHearing()
		start := time.Now().Add(-time.Hour)
		minute := func(name string) time.Time {
			return start.Add(time.Duration(rapid.IntRange(0, 59).Draw(t, name)) * time.Minute)
		}
		id := rapid.Custom(func(t *rapid.T) agent.MessageID {
			return agent.MessageID(rapid.StringMatching(`C[1-5]/[1-3]\.1`).Draw(t, "id"))
		})
		sent := make(map[agent.MessageID]time.Time) // not accepted
		hole := time.Time{}                         // nothing after it is known
		loaded := minute("heard")
		h.load(loaded)
		t.Repeat(map[string]func(*rapid.T){
			"event": func(t *rapid.T) {
				m := id.Draw(t, "event")
				if _, ok := sent[m]; !ok {
					sent[m] = minute("sent")
				}
				h.opened(m, sent[m])
			},
			"accepted": func(t *rapid.T) {
				m := id.Draw(t, "accepted")
				delete(sent, m)
				h.settle(m)
			},
			"ignored": func(t *rapid.T) { h.came(minute("ignored")) },
			"connect": func(*rapid.T) {
				if first := !h.before; first {
					hole = h.sure()
				}
				h.up(nil)
			},
			"drop": func(*rapid.T) { h.lost() },
			"catch up": func(*rapid.T) {
				missing, holes, ok := h.behind()
				if !ok {
					return
				}
				since := missing.Add(-overlap)
				h.caughtUp(holes, since, time.Now(), start)
				hole = time.Time{}
				for m, at := range sent {
					if at.After(since) {
						delete(sent, m) // it was read again, and accepted then
					}
				}
			},
			"": func(t *rapid.T) {
				got := h.sure()
				if got.After(time.Now()) || (!hole.IsZero() && got.After(hole)) {
					t.Fatalf("heard is %v, nothing after %v is known", got, hole)
				}
				for m, at := range sent {
					if !got.Before(at) {
						t.Fatalf("heard is %v, %s of %v was not accepted", got, m, at)
					}
				}
			},
		})
	})
}

func TestTimeToComeDoesNotHideWhatIsSaidUntilThen(t *testing.T) {
	h := newHearing()
	h.came(time.Now().Add(24 * time.Hour))
	if h.sure().After(time.Now()) {
		t.Errorf("heard is %v", h.sure())
	}
}

func TestWhatIsRememberedAndWhatWaitsIsBounded(t *testing.T) {
	h := newHearing()
	start := time.Now().Add(-time.Hour)
	h.up(nil)
	for n := range 3 * maxOpen {
		at := start.Add(time.Duration(n) * time.Millisecond)
		h.opened(messageID("C1", stampOf(at)), at)
		h.settle(messageID("C2", stampOf(at)))
	}
	if len(h.open) > maxOpen || len(h.accepted.ids) > maxOpen || len(h.accepted.ring) > maxOpen {
		t.Errorf("%d wait, %d are remembered", len(h.open), len(h.accepted.ids))
	}
	if since, _, ok := h.behind(); !ok || !since.Equal(start.Add(maxOpen*time.Millisecond)) {
		t.Errorf("what had no room is missing since %v, %v", since, ok)
	}
	last := start.Add((3*maxOpen - 1) * time.Millisecond)
	if !h.knows(messageID("C2", stampOf(last))) || h.knows(messageID("C2", stampOf(start))) {
		t.Error("the newest are not the ones remembered")
	}
}
