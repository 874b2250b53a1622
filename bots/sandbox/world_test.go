package sandbox

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// A world that was changed at random holds what a plain list would.
func TestWorldHoldsWhatWasPutAndNotDeleted(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := NewWorld()
		var want []Message
		steps := rapid.IntRange(0, 200).Draw(t, "steps")
		for range steps {
			id := fmt.Sprint(rapid.IntRange(0, 60).Draw(t, "id"))
			at := slices.IndexFunc(want, func(m Message) bool { return m.ID == id })
			if rapid.IntRange(0, 2).Draw(t, "do") == 0 {
				if got := w.Delete("C", id); got != (at >= 0) {
					t.Fatalf("deleting %s gave %t", id, got)
				}
				if at >= 0 {
					want = slices.Delete(want, at, at+1)
				}
				continue
			}
			m := Message{ID: id, Channel: "C", Text: rapid.StringN(0, 3, -1).Draw(t, "text"), Thread: []string{"", "7", id}[rapid.IntRange(0, 2).Draw(t, "thread")]}
			w.Put(m)
			if at >= 0 {
				want[at] = m
			} else {
				want = append(want, m)
			}
		}
		same := func(got, want []Message) bool {
			return slices.EqualFunc(got, want, func(a, b Message) bool {
				return a.ID == b.ID && a.Text == b.Text && a.Thread == b.Thread
			})
		}
		if got := w.Messages("C"); !same(got, want) {
			t.Fatalf("holds %v, want %v", got, want)
		}
		for _, m := range want {
			if got, ok := w.Message("C", m.ID); !ok || got.Text != m.Text {
				t.Fatalf("%s is %v", m.ID, got)
			}
		}
		replies := slices.DeleteFunc(slices.Clone(want), func(m Message) bool { return m.Thread != "7" || m.ID == "7" })
		slices.SortFunc(replies, func(a, b Message) int {
			return slices.IndexFunc(want, hasID(a.ID)) - slices.IndexFunc(want, hasID(b.ID))
		})
		got := w.Replies("C", "7")
		slices.SortFunc(got, func(a, b Message) int {
			return slices.IndexFunc(want, hasID(a.ID)) - slices.IndexFunc(want, hasID(b.ID))
		})
		if !same(got, replies) {
			t.Fatalf("the thread holds %v, want %v", got, replies)
		}
	})
}

func hasID(id string) func(Message) bool { return func(m Message) bool { return m.ID == id } }

func TestEveryWatcherSeesEveryChangeInOrder(t *testing.T) {
	w := NewWorld()
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	const watchers, changes = 8, 500
	done := make(chan error, watchers)
	for range watchers {
		go func() {
			next := 0
			for c := range w.Watch(ctx, 0) {
				if c.Number != next || c.Message.ID != fmt.Sprint(next) {
					done <- fmt.Errorf("change %d is number %d of message %s", next, c.Number, c.Message.ID)
					return
				}
				if next++; next == changes {
					break
				}
			}
			done <- nil
		}()
	}
	for i := range changes {
		w.Put(Message{ID: fmt.Sprint(i), Channel: "C"})
	}
	for range watchers {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}

func TestASurfaceStandsUntilItIsTakenAway(t *testing.T) {
	w := NewWorld()
	from := w.Next()
	home := Surface{Kind: "home", User: "U1", Data: []byte(`{"a":1}`)}
	w.Show(Surface{Kind: "home", User: "U2"}) // nothing was there, so nothing is told
	w.Show(home)
	w.Show(Surface{Kind: "modal", User: "U1", Data: []byte(`{}`)})
	w.Show(Surface{Kind: "modal", User: "U1"})
	if got, ok := w.Surface(Surface{Kind: "home", User: "U1"}); !ok || string(got.Data) != `{"a":1}` {
		t.Errorf("the home is %s", got.Data)
	}
	if got := w.Surfaces(); len(got) != 1 || got[0].Kind != "home" {
		t.Errorf("shown are %v", got)
	}
	if n := w.Next() - from; n != 3 {
		t.Errorf("%d changes were told", n)
	}
}

// The cost of a change must not grow with the messages that stand in the channel.
func BenchmarkWorldPut(b *testing.B) {
	for _, stand := range []int{100, 100_000} {
		b.Run(fmt.Sprint(stand), func(b *testing.B) {
			w := NewWorld()
			for i := range stand {
				w.Put(Message{ID: fmt.Sprint(i), Channel: "C"})
			}
			for b.Loop() {
				w.Put(Message{ID: "50", Channel: "C", Text: "again"})
			}
		})
	}
}
