package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"bobbin/bots/sandbox"
)

// rig is the whole program – the real daemon with slack-go, discordgo, HTTP, WebSockets
// and a Badger directory – and the services that it talks to, in virtual time.
type rig struct {
	*testing.T
	slack   *sandbox.Slack
	discord *sandbox.Discord
	ai      *sandbox.WorkersAI
	cfg     Config
	wires   extras
	logs    *logs
	daemon  *daemon
	halt    func() // stops the daemon and waits for it
	virtual bool   // time is
	unready bool   // start does not wait

	server *http.Server // of the services
	served chan error
}

// setup says how a rig differs from the default.
type setup struct {
	slack   sandbox.SlackOptions
	discord sandbox.DiscordOptions
	config  func(*Config)
	idle    bool // the daemon is not started
	unready bool // nor waited for until it is connected
	welcome bool // it greets people, which most tests have no use for
}

const (
	general = "C0GENERAL" // a channel on Slack
	ada     = "U0ADA"     // people on Slack
	grace   = "U0GRACE"
)

// bubble runs test with the daemon connected to Slack and Discord. Virtual time passes
// when everything waits, so nothing in a test depends on how fast the machine is. The
// bubble also fails a test whose daemon leaves a goroutine behind.
func bubble(t *testing.T, s setup, test func(*rig)) {
	t.Helper()
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		network := &pipes{conns: make(chan net.Conn), done: make(chan struct{})}
		transport := &http.Transport{DialContext: network.dial}
		defer transport.CloseIdleConnections()
		client := &http.Client{Transport: transport}
		r := newRig(t, dir, s, network, "http://services.test")
		r.virtual = true
		r.wires = extras{slack: client, discord: client, model: client, dial: network.dial}
		r.run(s, test)
	})
}

// loopback is bubble over real sockets and in real time.
func loopback(t *testing.T, s setup, test func(*rig)) {
	t.Helper()
	l, err := listen(t.Context(), "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	newRig(t, t.TempDir(), s, l, "http://"+l.Addr().String()).run(s, test)
}

// newRig serves the services on l, which is reached as base.
func newRig(t *testing.T, dir string, s setup, l net.Listener, base string) *rig {
	r := &rig{
		T: t, slack: sandbox.NewSlack(s.slack), discord: sandbox.NewDiscord(s.discord),
		ai: sandbox.NewWorkersAI(sandbox.WorkersAIOptions{Pace: sandbox.AIPace}), logs: &logs{}, unready: s.unready,
	}
	r.server = &http.Server{Handler: standIns(r.slack, r.discord, r.ai), ReadHeaderTimeout: time.Minute}
	r.served = make(chan error, 1)
	go func() { r.served <- r.server.Serve(l) }()
	r.cfg = DefaultConfig()
	r.cfg.DataDir = filepath.Join(dir, "data")
	r.cfg.WorkersAI.BaseURL = base + "/client/v4"
	r.cfg.WorkersAI.AccountID, r.cfg.WorkersAI.APIToken = "account", NewSecret("model-token")
	r.cfg.Slack.APIURL, r.cfg.Discord.APIURL = base+"/api/", base+"/"
	r.cfg.Slack.BotToken, r.cfg.Slack.AppToken = NewSecret(r.slack.Options().BotToken), NewSecret(r.slack.Options().AppToken)
	r.cfg.Discord.BotToken = NewSecret(r.discord.Token())
	r.cfg.Admin.Listen = ""
	r.cfg.People.Welcome = s.welcome
	if s.config != nil {
		s.config(&r.cfg)
	}
	return r
}

// run runs test and then ends all that the rig has started.
func (r *rig) run(s setup, test func(*rig)) {
	defer func() {
		if r.halt != nil {
			r.halt()
		}
		r.slack.Close()
		r.discord.Close()
		if err := r.server.Close(); err != nil {
			r.Error(err)
		}
		if err := <-r.served; !errors.Is(err, http.ErrServerClosed) {
			r.Error(err)
		}
		if r.Failed() {
			r.Logf("the daemon's log:\n%s", r.logs)
		}
	}()
	if !s.idle && !s.unready {
		r.start()
	}
	test(r)
}

// start starts a daemon on the data directory and waits until it is connected.
func (r *rig) start() {
	r.Helper()
	d, err := newDaemon(r.cfg, slog.New(slog.NewTextHandler(r.logs, &slog.HandlerOptions{Level: slog.LevelDebug})), r.wires)
	if err != nil {
		r.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- d.Run(ctx) }()
	r.daemon = d
	r.halt = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			r.Errorf("the daemon ended with: %v", err)
		}
	})
	if r.unready {
		return
	}
	r.eventually("the daemon is connected", func() bool { return len(d.ready()) == 0 })
}

// restart stops the daemon, which gives running turns as long as Agent.Drain says, and
// starts another on the same data.
func (r *rig) restart() {
	r.Helper()
	r.halt()
	r.start()
}

// eventually waits until ok.
func (r *rig) eventually(what string, ok func() bool) {
	r.Helper()
	deadline := time.Now().Add(time.Hour)
	if !r.virtual {
		deadline = time.Now().Add(time.Minute)
	}
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for looks := 0; ; looks++ {
		if r.virtual {
			synctest.Wait()
		}
		if ok() {
			return
		}
		if time.Now().After(deadline) {
			r.Fatalf("it never came to pass that %s; the daemon's log:\n%s", what, r.logs)
		}
		if looks == 100 {
			tick.Reset(200 * time.Millisecond)
		}
		<-tick.C
	}
}

// settle waits until the daemon has nothing to do any more.
func (r *rig) settle() {
	r.Helper()
	r.eventually("all is answered", func() bool {
		return r.slack.Deliveries().Waiting == 0 && r.daemon.agent.Live() == 0
	})
}

// script has the model answer with these replies, one for each step, and with the last
// one from then on.
func (r *rig) script(replies ...sandbox.AIReply) {
	var mu sync.Mutex
	r.ai.SetScript(func(context.Context, sandbox.AIRequest) sandbox.AIReply {
		mu.Lock()
		defer mu.Unlock()
		reply := replies[0]
		if len(replies) > 1 {
			replies = replies[1:]
		}
		return reply
	})
}

// say has a person write on Slack.
func (r *rig) say(user, channel, thread, text string) (ts string) {
	r.Helper()
	ts, err := r.slack.Say(user, channel, thread, text)
	if err != nil {
		r.Fatal(err)
	}
	return ts
}

// sayD has a person write on Discord.
func (r *rig) sayD(user, channel, replyTo, text string) (id string) {
	r.Helper()
	id, err := r.discord.Say(user, channel, replyTo, text)
	if err != nil {
		r.Fatal(err)
	}
	return id
}

// thread returns what follows the root in a thread of Slack, without what one person
// only sees.
func (r *rig) thread(channel, root string) []sandbox.Message {
	return slices.DeleteFunc(r.slack.World().Messages(channel), func(m sandbox.Message) bool {
		return m.Thread != root || m.ID == root || m.OnlyFor != ""
	})
}

// answers returns those of the messages that bobbin wrote.
func (r *rig) answers(ms []sandbox.Message) []sandbox.Message {
	return slices.DeleteFunc(slices.Clone(ms), func(m sandbox.Message) bool {
		return m.User != r.slack.Options().Bot.ID && m.User != r.discord.BotID()
	})
}

// one returns the only message of bobbin's among ms.
func (r *rig) one(ms []sandbox.Message) sandbox.Message {
	r.Helper()
	ms = r.answers(ms)
	if len(ms) != 1 {
		r.Fatalf("bobbin wrote %d messages, want 1: %s", len(ms), dump(ms))
	}
	return ms[0]
}

// shows fails the test unless the message shows all of want.
func (r *rig) shows(m sandbox.Message, want ...string) {
	r.Helper()
	for _, w := range want {
		if !strings.Contains(shown(m), w) {
			r.Errorf("the message should show %q; it is:\n%s", w, shown(m))
		}
	}
}

// whispers returns what only that person sees in a channel of Slack.
func (r *rig) whispers(channel, user string) (texts []string) {
	for _, m := range r.slack.World().Messages(channel) {
		if m.OnlyFor == user {
			texts = append(texts, shown(m))
		}
	}
	return texts
}

// told returns the conversation that the model was last asked to go on with, without
// the instructions.
func (r *rig) told() string {
	asked := r.ai.Requests()
	if len(asked) == 0 {
		return ""
	}
	var b strings.Builder
	for _, m := range asked[len(asked)-1].Messages {
		if m.Role != "system" {
			fmt.Fprintf(&b, "%s: %s\n", m.Role, m.Text())
		}
	}
	return b.String()
}

// states returns what a message has shown, from its posting to now.
func states(w *sandbox.World, id string) (texts []string) {
	for c := range changes(w, 0) {
		if c.Message != nil && c.Message.ID == id && c.Kind != sandbox.Deleted {
			texts = append(texts, shown(*c.Message))
		}
	}
	return texts
}

// changes yields what has happened since the change numbered from.
func changes(w *sandbox.World, from int) func(yield func(sandbox.Change) bool) {
	ended, end := context.WithCancel(context.Background())
	end()
	return w.Watch(ended, from)
}

// shown is what a person sees of a message: on Slack the Markdown of its blocks, if it
// has any.
func shown(m sandbox.Message) string {
	var blocks []struct {
		Type string `json:"type"`
		Text any    `json:"text"`
	}
	if m.Blocks == "" || json.Unmarshal([]byte(m.Blocks), &blocks) != nil {
		return m.Text
	}
	var texts []string
	for _, b := range blocks {
		if s, ok := b.Text.(string); ok {
			texts = append(texts, s)
		}
	}
	if len(texts) == 0 {
		return m.Text
	}
	return strings.Join(texts, "\n")
}

func dump(ms []sandbox.Message) string {
	b, _ := json.MarshalIndent(ms, "", "  ")
	return string(b)
}

// logs keeps what the daemon logs.
type logs struct {
	mu sync.Mutex
	b  strings.Builder
}

func (l *logs) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logs) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// pipes is a network of pipes, which virtual time can wait for.
type pipes struct {
	conns chan net.Conn
	done  chan struct{}
}

func (p *pipes) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	ours, theirs := net.Pipe()
	select {
	case p.conns <- theirs:
		return ours, nil
	case <-p.done:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.done:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error   { close(p.done); return nil }
func (p *pipes) Addr() net.Addr { return &net.UnixAddr{Name: "pipes", Net: "unix"} }

// pass lets time pass.
func pass(d time.Duration) {
	<-time.After(d)
}
