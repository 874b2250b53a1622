package slack

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"bobbin/agent"
	"bobbin/bots/reply"
	"bobbin/bots/sandbox"
)

// parts journals the messages of a reply in its turn.
type parts struct{ *agent.Turn }

func (t parts) Settle(context.Context) error { return nil }

func (t parts) Record(_ context.Context, p agent.Part) error {
	if i := slices.IndexFunc(t.Parts, func(q agent.Part) bool { return q.Key == p.Key }); i >= 0 {
		t.Parts[i] = p
		return nil
	}
	t.Parts = append(t.Parts, p)
	return nil
}

// grown has bots/reply answer at to as a model writes md, 30 bytes at a time. After each
// step crash may end the reply, which another then goes on with.
func (r *rig) grown(t *testing.T, replies *reply.Replies, to agent.Target, turn agent.TurnID, md string, crash func() bool) {
	trn := &agent.Turn{ID: turn, Session: to.Session(), Inbound: []agent.Inbound{{MessageID: to.ReplyTo, Target: to}}}
	open := func() agent.Reply {
		l, err := replies.Open(t.Context(), trn, parts{trn})
		if err != nil {
			t.Fatal(err)
		}
		return l
	}
	l := open()
	for n := 0; n < len(md); n += 30 {
		l.Update(agent.Update{Text: strings.ToValidUTF8(md[:n], ""), Steps: []string{"Read a.example"}})
		time.Sleep(300 * time.Millisecond)
		if crash() {
			l.Close()
			r.s.streams.forget(turn)
			l = open()
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Minute)
	defer cancel()
	if err := l.Finish(ctx, agent.Outcome{Kind: agent.Answered, Text: md, Took: time.Minute, Model: "m"}); err != nil {
		t.Errorf("%s: %v", turn, err)
	}
	l.Close()
}

// forget lets the streams of a turn be unknown, as after a restart.
func (ss *streams) forget(turn agent.TurnID) {
	ss.mu.Lock()
	defer ss.mu.Unlock()
	for id, st := range ss.open {
		if turnOf(st.key) == turn {
			delete(ss.open, id)
		}
	}
	for key := range ss.lost {
		if turnOf(key) == turn {
			delete(ss.lost, key)
		}
	}
}

// misfortune is what may happen to a call at Slack, or nothing.
func misfortune(rng *rand.Rand, method string) *sandbox.SlackFault {
	if !strings.HasPrefix(method, "chat.") && !strings.HasPrefix(method, "conversations.") {
		return nil
	}
	switch rng.IntN(20) {
	case 0:
		return &sandbox.SlackFault{Execute: true, Drop: true}
	case 1:
		return &sandbox.SlackFault{Drop: true}
	case 2:
		return &sandbox.SlackFault{Execute: true, Status: http.StatusBadGateway}
	case 3:
		return &sandbox.SlackFault{Status: http.StatusTooManyRequests, Header: http.Header{"Retry-After": {"2"}}}
	case 4:
		codes := []string{"internal_error"}
		if strings.HasSuffix(method, "Stream") {
			codes = append(codes, "message_not_in_streaming_state", "stopped_by_user", "not_yet_invented")
		}
		return answer(method, `{"ok":false,"error":"`+codes[rng.IntN(len(codes))]+`"}`)(method, nil)
	}
	return nil
}

// TestAnswersStandWholeAndOnceWhateverGoesWrong has the real bots/reply answer while calls
// fail, answers are lost and replies crash.
func TestAnswersStandWholeAndOnceWhateverGoesWrong(t *testing.T) {
	for seed := range uint64(24) {
		how := Streams()[seed%3]
		bubble(t, sandbox.SlackOptions{NoLimits: seed%2 == 0}, func(t *testing.T, r *rig) {
			rng := rand.New(rand.NewPCG(seed, 1))
			var mu sync.Mutex
			places := []agent.Target{r.asked(t), r.asked(t), r.asked(t)}
			r.Fault(func(method string, _ url.Values) *sandbox.SlackFault {
				mu.Lock()
				defer mu.Unlock()
				return misfortune(rng, method)
			})
			replies := reply.New(reply.Options{Buttons: true, Footer: reply.Facts(), Log: testLog(t)}, r.s)
			md := strings.Repeat(tale+"\n\n", 2)
			var wg sync.WaitGroup
			for i, to := range places {
				wg.Go(func() {
					r.grown(t, replies, to, agent.TurnID(fmt.Sprint("TURN", i)), md, func() bool {
						mu.Lock()
						defer mu.Unlock()
						return i == 0 && rng.IntN(8) == 0
					})
				})
			}
			wg.Wait()
			r.Fault(nil)
			for _, to := range places {
				if got, want := r.stands(t, to), rendered(t, r.s, md).Text; !slices.Equal(got, []string{want}) {
					t.Errorf("%s, seed %d: there stands %q", how, seed, got)
				}
			}
		}, func(o *Options) { o.Stream = how })
	}
}

func TestManyAnswersAtOnceStayWithinTheLimits(t *testing.T) {
	for _, how := range Streams() {
		bubble(t, sandbox.SlackOptions{}, func(t *testing.T, r *rig) {
			replies := reply.New(reply.Options{Log: testLog(t)}, r.s)
			var wg sync.WaitGroup
			var places []agent.Target
			for i := range 20 {
				to := r.asked(t)
				places = append(places, to)
				wg.Go(func() {
					r.grown(t, replies, to, agent.TurnID(fmt.Sprint("TURN", i)), tale, func() bool { return false })
				})
				time.Sleep(time.Second)
			}
			wg.Wait()
			for _, to := range places {
				if got, want := r.stands(t, to), rendered(t, r.s, tale).Text; !slices.Equal(got, []string{want}) {
					t.Errorf("%s: there stands %q", how, got)
				}
			}
			for _, method := range []string{"chat.startStream", "chat.appendStream", "chat.stopStream", "chat.update", "chat.postMessage"} {
				if n := r.Limited(method); n > 0 {
					t.Errorf("%s: %d calls of %s were refused", how, n, method)
				}
			}
		}, func(o *Options) { o.Stream = how })
	}
}
