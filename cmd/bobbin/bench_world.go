package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"bobbin/bots/sandbox"
)

// benchWorld is Slack without its limits, a model that costs next to nothing, and the
// people who write. It notes when what happens.
type benchWorld struct {
	slack   *sandbox.Slack
	models  *httptest.Server
	site    site
	buffers sync.Pool // of the model, for requests and answers
	served  sync.WaitGroup
	stop    context.CancelFunc

	mu     sync.Mutex
	turns  map[int]*benchTurn // those under way
	number int
	model  benchModel
	newest benchSample
}

// benchTurn is when what happened.
type benchTurn struct {
	said  moment // the event that tells of the message leaves the platform
	asked moment // the model's request arrives
	first moment // the first token is sent
	last  moment // the last token is sent
	shown moment // the first text arrives at the platform
	stood moment // the answer does, as it will stay

	done chan struct{} // closed then
	once sync.Once
}

// moment is a time that several goroutines may note; the first counts.
type moment struct{ after atomic.Int64 }

var benchEpoch = time.Now()

func (m *moment) note(at time.Time) { m.after.CompareAndSwap(0, int64(at.Sub(benchEpoch))) }

// benchEvents are the events that Slack sends unless all are wanted: one for each message
// to bobbin. With all, which an app that follows threads needs, it is also told of each
// message in a channel, its own and their edits included: four events for a turn.
var benchEvents = []string{"app_mention"}

func newBenchWorld(ctx context.Context, s benchSetup) (w *benchWorld, err error) {
	w = &benchWorld{turns: make(map[int]*benchTurn)}
	o := sandbox.SlackOptions{NoLimits: true, Events: benchEvents, Sending: w.leaves}
	if s.events {
		o.Events = nil
	}
	w.slack = sandbox.NewSlack(o)
	if w.site.listener, err = listen(ctx, "127.0.0.1:0"); err != nil {
		return nil, fmt.Errorf("listen for the stand-ins: %w", err)
	}
	w.models = httptest.NewUnstartedServer(http.HandlerFunc(w.answer))
	if w.models.EnableHTTP2 = s.tls; s.tls {
		w.models.StartTLS()
	} else {
		w.models.Start()
	}
	w.site.server = &http.Server{Handler: w.slack.Handler(), ReadHeaderTimeout: 5 * time.Second}
	serving, stop := context.WithCancel(context.WithoutCancel(ctx))
	w.stop = stop
	w.served.Go(func() { _ = w.site.serve(serving) }) // its end is close's to tell
	w.slack.Fault(w.called)
	return w, nil
}

func (w *benchWorld) close() error {
	w.slack.Close()
	w.models.CloseClientConnections()
	w.models.Close()
	w.stop()
	w.served.Wait()
	return w.site.close()
}

// base is where Slack is.
func (w *benchWorld) base() string { return "http://" + w.site.listener.Addr().String() }

// config is the default one but for how many turns may run at once.
func (w *benchWorld) config(s benchSetup) string {
	slack := w.slack.Options()
	config := strings.NewReplacer("BASE", w.base(), "MODELS", w.models.URL, "DATA", strconv.Quote(s.data), "AITOKEN", demoToken,
		"SLACKBOT", slack.BotToken, "SLACKAPP", slack.AppToken).Replace(`
data_dir: DATA
workers_ai: {account_id: bench, api_token: AITOKEN, base_url: MODELS/client/v4}
slack: {bot_token: SLACKBOT, app_token: SLACKAPP, api_url: BASE/api/}
admin: {listen: ""}
agent:
  drain: 5s
  max_turns: 10000
`)
	if s.window > 0 {
		config += fmt.Sprintf("  window: %d\n", s.window)
	}
	return config
}

// Marks in what people write, and at the beginning and end of answers.
const (
	benchAsks = "bench#"
	benchSays = "answer#"
	benchEnds = "end#"
)

// benchNumber reads the number that follows the last mark in text, -1 if there is none.
func benchNumber[T string | []byte](text T, mark string) int {
	for i := len(text) - len(mark); i >= 0; i-- {
		if text[i] != mark[0] || string(text[i:i+len(mark)]) != mark {
			continue
		}
		n := 0
		for i += len(mark); i < len(text) && text[i] >= '0' && text[i] <= '9'; i++ {
			n = 10*n + int(text[i]-'0')
		}
		return n
	}
	return -1
}

func (w *benchWorld) turn(n int) *benchTurn {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.turns[n]
}

// leaves notes which event a frame holds.
func (w *benchWorld) leaves(frame []byte) {
	now := time.Now()
	if t := w.turn(benchNumber(frame, benchAsks)); t != nil {
		t.said.note(now)
	}
}

// called notes what a call of Slack shows. It is told of every call before it is carried
// out, and by the reply of one turn at a time.
func (w *benchWorld) called(method string, form url.Values) *sandbox.SlackFault {
	if method != "chat.postMessage" && method != "chat.update" {
		return nil
	}
	now, shows := time.Now(), form.Get("blocks")
	n := benchNumber(shows, benchSays)
	t := w.turn(n)
	if t == nil {
		return nil
	}
	t.shown.note(now)
	if !strings.Contains(shows, benchEnds) {
		return nil
	}
	// The button to stop an answer goes with the last edit.
	if !strings.Contains(shows, `"stop:`) {
		w.mu.Lock()
		if w.newest.wanted && method == "chat.postMessage" {
			w.newest.posted, w.newest.post = n, form
		}
		w.mu.Unlock()
		t.stood.note(now)
		t.once.Do(func() { close(t.done) })
	}
	return nil
}

// benchSession is a thread that people write in.
type benchSession struct {
	world *benchWorld
	root  string
	turns int // that it has had
}

// goesOn is a thread that the store has a past of.
func (w *benchWorld) goesOn(thread string) *benchSession {
	if _, there := w.slack.World().Message(benchChannel, thread); !there {
		w.slack.World().Put(sandbox.Message{ID: thread, Channel: benchChannel, User: "U0ADA", Text: "as before"})
	}
	return &benchSession{world: w, root: thread}
}

// benchTurns is how long conversations are, unless it is the history that is measured.
const benchTurns = 10

const benchChannel = "C0GENERAL"

// ask writes a message and waits until it is answered.
func (s *benchSession) ask(ctx context.Context, gone <-chan struct{}) (*benchTurn, error) {
	t, forget, err := s.say()
	if err != nil {
		return nil, err
	}
	defer forget()
	late := time.NewTimer(time.Minute)
	defer late.Stop()
	select {
	case <-t.done:
		return t, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-gone:
		return nil, errors.New("the daemon ended by itself")
	case <-late.C:
		return nil, errors.New("a turn has not ended within a minute")
	}
}

// say writes a message.
func (s *benchSession) say() (t *benchTurn, forget func(), err error) {
	w := s.world
	t = &benchTurn{done: make(chan struct{})}
	w.mu.Lock()
	w.number++
	n := w.number
	w.turns[n] = t
	w.mu.Unlock()
	forget = func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		delete(w.turns, n)
	}
	text := "<@U0BOBBIN> " + benchAsks + strconv.Itoa(n) + ": what is to be done today?"
	ts, err := w.slack.Say("U0ADA", benchChannel, s.root, text)
	if s.turns++; s.root == "" {
		s.root = ts
	}
	return t, forget, err
}

// benchRhythm is when sessions ask.
type benchRhythm struct {
	lasts time.Duration // they go on asking for so long
	begin time.Duration // they begin at moments spread over so much of it
	pause time.Duration // from an answer to the next question
}

// together has sessions ask again and again, each after its last answer stands, and returns
// their turns. Each goes on in another thread after some turns.
func (d *benched) together(ctx context.Context, sessions []*benchSession, r benchRhythm) (turns []*benchTurn, took time.Duration, err error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var all sync.WaitGroup
	var mu sync.Mutex
	began := time.Now()
	for _, s := range sessions {
		all.Go(func() {
			var own []*benchTurn
			wait := time.Duration(0)
			if r.begin > 0 {
				wait = rand.N(r.begin) //nolint:gosec // no secret depends on it
			}
			for {
				if err := benchSleep(ctx, wait); err != nil {
					return
				}
				if time.Since(began) >= r.lasts {
					break
				}
				if s.turns >= benchTurns {
					s.root, s.turns = "", 0
				}
				t, err := s.ask(ctx, d.gone)
				if err != nil {
					cancel(err)
					return
				}
				own, wait = append(own, t), r.pause
			}
			mu.Lock()
			defer mu.Unlock()
			turns = append(turns, own...)
		})
	}
	all.Wait()
	return turns, time.Since(began), context.Cause(ctx)
}

// benchSleep waits for d, if that is anything.
func benchSleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// open has so many sessions begin with a turn each, 32 at a time.
func (d *benched) open(ctx context.Context, n int) ([]*benchSession, error) {
	sessions := make([]*benchSession, n)
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var all sync.WaitGroup
	free := make(chan struct{}, 32)
	for i := range sessions {
		sessions[i] = &benchSession{world: d.benchWorld}
		free <- struct{}{}
		all.Go(func() {
			defer func() { <-free }()
			if _, err := sessions[i].ask(ctx, d.gone); err != nil {
				cancel(err)
			}
		})
	}
	all.Wait()
	return sessions, context.Cause(ctx)
}

// spans returns how long it took from one moment to another, in each turn that has both.
func spans(turns []*benchTurn, from, to func(*benchTurn) *moment) (ds durations) {
	for _, t := range turns {
		if a, b := from(t).after.Load(), to(t).after.Load(); a != 0 && b != 0 {
			ds = append(ds, time.Duration(max(b-a, 0)))
		}
	}
	return ds
}

// The moments of a turn.
func benchSaid(t *benchTurn) *moment  { return &t.said }
func benchAsked(t *benchTurn) *moment { return &t.asked }
func benchFirst(t *benchTurn) *moment { return &t.first }
func benchEnded(t *benchTurn) *moment { return &t.last }
func benchShown(t *benchTurn) *moment { return &t.shown }
func benchStood(t *benchTurn) *moment { return &t.stood }
