package reply

import (
	"context"
	"errors"
	"testing"
	"time"

	"bobbin/agent"
)

// The disk is waited for once, for the outcome and the message that it begins with.
func TestTheFirstMessageOfAnAnswerIsJournaledWithIt(t *testing.T) {
	for name, shown := range map[string]string{"nothing is shown": "", "the first message is shown": "so"} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, s *theatre) {
				j := &journal{}
				r := s.reply("T", j)
				var want []string
				if shown != "" {
					say(r, shown)
					time.Sleep(time.Second)
					want = append(want, "post so")
				}
				p, ok := r.First()
				if ok != (shown == "") {
					t.Fatalf("first %+v, %v", p, ok)
				}
				if ok {
					j.parts = append(j.parts, p)
				}
				if p, again := r.First(); again {
					t.Errorf("another first message: %+v", p)
				}
				records := len(j.says)
				say(r, "so it") // as when the model's last words come late
				time.Sleep(time.Minute)
				if shown == "" {
					s.wantCalls("post edit")
				} else {
					want = append(want, "edit so it")
				}
				s.finish(r, "so it is")
				if shown == "" {
					want = append(want, "post so it is")
					if got := j.says[records:]; len(got) != 1 || len(j.parts) != 1 || j.parts[0].ID == "" {
						t.Errorf("journaled %q, there is %+v", got, j.parts)
					}
				} else {
					want = append(want, "edit so it is")
				}
				s.wantCalls("post edit", want...)
			})
		})
	}
}

// An answer that was shown and is not durable could be another one after a loss of power.
func TestNothingOfAnOutcomeIsShownBeforeItIsDurable(t *testing.T) {
	for name, begun := range map[string]bool{"new": false, "begun": true} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, s *theatre) {
				full := time.Now().Add(5 * time.Second)
				j := &journal{settled: func() error {
					if time.Now().Before(full) {
						return errors.New("disk full")
					}
					return nil
				}}
				r := s.reply("T", j)
				var want []string
				if begun {
					say(r, "so it")
					time.Sleep(time.Second)
					want = append(want, "post so it", "edit so it is")
				} else {
					want = append(want, "post so it is")
				}
				s.finish(r, "so it is")
				s.wantCalls("post edit", want...)
				if calls := s.all(); epoch.Add(calls[len(calls)-1].at).Before(full) {
					t.Errorf("shown before it was durable: %v", calls)
				}
			})
		})
	}
}

func TestWordThatATurnPausesWaitsForNoDisk(t *testing.T) {
	bubble(t, func(t *testing.T, s *theatre) {
		r := s.reply("T", &journal{settled: func() error { return errors.New("there is no outcome") }})
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		if err := r.Finish(ctx, agent.Outcome{Kind: agent.Paused, Text: "so", Notice: "Later."}); err != nil {
			t.Error(err)
		}
	})
}
