package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"bobbin/bots/sandbox"
)

const (
	crowd      = 200 // answers that grow at once
	crowdLines = 100 // lines that each of them has
)

// crowded runs a test with that many turns at once. Each is told to say its number, and
// says it in each of its lines.
func crowded(t *testing.T, h theatre, places int, test func(r *rig, ends *sync.Map)) {
	t.Helper()
	s := h.configured(func(c *Config) { c.Agent.MaxTurns = crowd })
	for i := range places {
		s.slack.Channels = append(s.slack.Channels, sandbox.Channel{ID: fmt.Sprintf("C0ROOM%d", i), Name: fmt.Sprintf("room-%d", i)})
		s.discord.Channels = append(s.discord.Channels, fmt.Sprintf("room-%d", i))
	}
	bubble(t, s, func(r *rig) {
		ends := new(sync.Map) // when each answer began and was complete, by its number
		r.ai.SetScript(func(_ context.Context, q sandbox.AIRequest) sandbox.AIReply {
			words := strings.Fields(q.Last())
			number := words[len(words)-1]
			const pace, tokens = 300 * time.Millisecond, crowdLines
			ends.Store(number, time.Now().Add(pace*tokens))
			pieces := make([]string, tokens)
			for i := range pieces {
				pieces[i] = fmt.Sprintf("line %d of %s. ", i, number)
			}
			return sandbox.AIReply{Pieces: pieces, Delay: time.Second, Pace: pace}
		})
		test(r, ends)
	})
}

// crowdAnswer is what answer number says in the end.
func crowdAnswer(number string) (words string) {
	for i := range crowdLines {
		words += fmt.Sprintf("line%dof%s.", i, number)
	}
	return words
}

func TestTwoHundredAnswersAtOnceStarveNobody(t *testing.T) {
	for _, h := range theatres() {
		t.Run(h.name, func(t *testing.T) {
			t.Parallel()
			const rooms = 20
			crowded(t, h, rooms, func(r *rig, ends *sync.Map) {
				from := h.world(r).Next()
				began := time.Now()
				asked := make([]string, crowd) // the messages
				for i := range crowd {
					text := fmt.Sprintf("say %d", i)
					if h.name == "discord" {
						asked[i] = r.sayD("ada", fmt.Sprintf("room-%d", i%rooms), "", "<@"+r.discord.BotID()+"> "+text)
					} else {
						asked[i] = r.say(ada, fmt.Sprintf("C0ROOM%d", i%rooms), "", "@bobbin "+text)
					}
				}
				r.settle()
				rec := r.record(h.world(r), from)
				if n := h.refusals(r); n > 0 {
					t.Errorf("%d calls were refused", n)
				}
				seen := make(map[string][]sight) // by message
				for _, s := range rec.sights {
					seen[s.id] = append(seen[s.id], s)
				}
				if len(seen) != crowd {
					t.Errorf("there are %d messages, want %d", len(seen), crowd)
				}
				var firsts, finals, late []time.Duration
				var states []int
				answered := make(map[string]bool)
				for _, ss := range seen {
					last := ss[len(ss)-1]
					words, _ := bare(last.text)
					_, number, _ := strings.Cut(words, "of")
					number, _, _ = strings.Cut(number, ".")
					if answered[number] || words != crowdAnswer(number) {
						t.Errorf("answer %q stands as %v", number, last)
					}
					answered[number] = true
					before := ""
					for _, s := range ss {
						words, _ := bare(s.text)
						if !strings.HasPrefix(words, before[:max(0, len(before)-maxTakenBack)]) {
							t.Errorf("%q was taken back for %q", clipped(before), clipped(words))
						}
						before = words
					}
					done, _ := ends.Load(number)
					end, _ := done.(time.Time)
					firsts, finals = append(firsts, ss[0].at), append(finals, last.at)
					late = append(late, last.at-end.Sub(began))
					states = append(states, len(ss))
				}
				slices.Sort(firsts)
				slices.Sort(finals)
				slices.Sort(late)
				slices.Sort(states)
				if len(states) == 0 {
					t.FailNow()
				}
				if d := firsts[len(firsts)-1]; d > h.first {
					t.Errorf("the last to have a text had it after %v, want %v at most", d, h.first)
				}
				if d := late[len(late)-1]; d > h.complete {
					t.Errorf("an answer was complete %v after its last token, want %v at most", d, h.complete)
				}
				t.Logf("first texts after %v to %v, final ones after %v to %v, which is %v to %v after the last token; %d to %d states each; %d in all",
					firsts[0], firsts[len(firsts)-1], finals[0], finals[len(finals)-1], late[0], late[len(late)-1], states[0], states[len(states)-1], len(rec.sights))
			})
		})
	}
}
