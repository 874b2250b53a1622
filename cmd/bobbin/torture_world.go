package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"bobbin/bots/sandbox"
)

// tortureWorld is Slack, Discord and Workers AI, all failing now and then, and the people
// who write.
type tortureWorld struct {
	slack   *sandbox.Slack
	discord *sandbox.Discord
	ai      *sandbox.WorkersAI
	site    site
	served  sync.WaitGroup
	stop    context.CancelFunc

	executioner executioner
	poison      int // number of the message that kills whoever answers it; 0: none

	permits   chan struct{} // for messages to be written
	released  int           // permits ever given
	strangers []string      // who write once, before anybody else
	written   atomic.Int64  // messages

	mu      sync.Mutex
	faulty  bool
	dice    *rand.Rand // for faults: their order depends on the daemon's timing
	effects map[string]int
	faults  map[string]int
	places  map[string]string // message → where it was written
	greeted int               // how often somebody said hello
	admin   string            // address of the daemon's
}

// tortureFriends are those who write on Discord.
var tortureFriends = []string{"ada", "grace", "linus"}

// poisonKills is how often the poisoned message kills, after which its turn is given up.
const poisonKills = 3

// tortureFirsts is how many kills a run has at least that has kills by poison.
const tortureFirsts = 10

func newTortureWorld(ctx context.Context, cmd tortureCmd, log io.Writer) (w *tortureWorld, err error) {
	w = &tortureWorld{
		slack: sandbox.NewSlack(sandbox.SlackOptions{
			NoLimits: true, Redeliver: slices.Repeat([]time.Duration{time.Second}, 5),
		}),
		discord:     sandbox.NewDiscord(sandbox.DiscordOptions{Limits: sandbox.DiscordLimits{Off: true}}),
		executioner: executioner{log: log, done: make(map[killKind]int)},
		permits:     make(chan struct{}, cmd.Messages),
		dice:        rand.New(rand.NewPCG(cmd.Seed, 2)), //nolint:gosec // replayable
		effects:     make(map[string]int),
		faults:      make(map[string]int),
		places:      make(map[string]string),
	}
	if cmd.Kills >= tortureFirsts {
		// In a Slack channel, where it is heard of soon, whatever is missed elsewhere.
		w.poison = (cmd.Messages/5+w.dice.IntN(max(1, cmd.Messages/3)))/5*5 + 1
		w.executioner.poison = poisonKills
	}
	w.ai = sandbox.NewWorkersAI(sandbox.WorkersAIOptions{APIToken: demoToken, Script: w.model})
	if w.site.listener, err = listen(ctx, "127.0.0.1:0"); err != nil {
		return nil, fmt.Errorf("listen for the stand-ins: %w", err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /torture/effect", w.effect)
	mux.HandleFunc("POST /torture/admin", func(_ http.ResponseWriter, r *http.Request) {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.admin = r.URL.Query().Get("is")
	})
	mux.Handle("/", w.executioner.deadly(standIns(w.slack, w.discord, w.ai)))
	w.site.server = &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second}
	serving, stop := context.WithCancel(context.WithoutCancel(ctx))
	w.stop = stop
	w.served.Go(func() { _ = w.site.serve(serving) }) // its end is close's to tell
	w.slack.Fault(w.slackFault)
	for _, f := range []struct {
		name  string
		often float64
		fault sandbox.DiscordFault
	}{
		{"status 500, done all the same", .01, sandbox.DiscordFault{Status: http.StatusInternalServerError, Execute: true}},
		{"status 503, not done", .01, sandbox.DiscordFault{Status: http.StatusServiceUnavailable}},
		{"answer lost", .01, sandbox.DiscordFault{Drop: true, Execute: true}},
		{"rate limit", .02, sandbox.DiscordFault{
			Status: http.StatusTooManyRequests, Header: http.Header{"Content-Type": {"application/json"}, "Retry-After": {"0.2"}},
			Body: `{"message":"slow down","retry_after":0.2,"global":false}`,
		}},
	} {
		f.fault.Times = -1
		f.fault.Match = func(r *http.Request) bool {
			return strings.Contains(r.URL.Path, "/messages") && w.roll(f.name, f.often)
		}
		w.discord.Inject(f.fault)
	}
	return w, nil
}

func (w *tortureWorld) base() string { return "http://" + w.site.listener.Addr().String() }

func (w *tortureWorld) config(data string) string {
	slack := w.slack.Options()
	return strings.NewReplacer("BASE", w.base(), "DATA", data, "AITOKEN", demoToken,
		"SLACKBOT", slack.BotToken, "SLACKAPP", slack.AppToken, "DISCORDBOT", w.discord.Token()).Replace(`
data_dir: DATA
workers_ai: {account_id: torture, api_token: AITOKEN, base_url: BASE/client/v4}
slack: {bot_token: SLACKBOT, app_token: SLACKAPP, api_url: BASE/api/}
discord: {bot_token: DISCORDBOT, api_url: BASE/}
agent: {drain: 5s}
people: {welcome: false}
admin: {listen: "127.0.0.1:0"}
log: {level: debug}
`)
}

// roll decides whether something goes wrong, with probability p.
func (w *tortureWorld) roll(what string, p float64) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	hit := w.faulty && w.dice.Float64() < p
	if hit {
		w.faults[what]++
	}
	return hit
}

func (w *tortureWorld) slackFault(method string, _ url.Values) *sandbox.SlackFault {
	switch {
	case !strings.HasPrefix(method, "chat."):
		return nil
	case w.roll("rate limit", .02):
		return &sandbox.SlackFault{Status: http.StatusTooManyRequests, Header: http.Header{"Retry-After": {"1"}}, Body: `{"ok":false,"error":"ratelimited"}`}
	case w.roll("status 500, not done", .02):
		return &sandbox.SlackFault{Status: http.StatusInternalServerError, Body: "oops"}
	case w.roll("status 502, done all the same", .02):
		return &sandbox.SlackFault{Status: http.StatusBadGateway, Execute: true, Body: "oops"}
	case w.roll("answer lost", .02):
		return &sandbox.SlackFault{Drop: true, Execute: true}
	}
	return nil
}

// greet has somebody say hello on either platform, where all can read it, and waits until
// they are answered. From then on there are faults.
func (w *tortureWorld) greet(ctx context.Context, gone <-chan struct{}) error {
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for w.greeted == 0 || w.greetings() < w.greeted {
		select {
		case <-tick.C:
		case <-gone:
			return errors.New("the daemon ended by itself before it was tortured")
		case <-ctx.Done():
			return fmt.Errorf("say hello: %w", ctx.Err())
		}
		if w.discord.Connected() == 0 || w.greeted > 0 {
			continue
		}
		_, err := w.discord.Say("ada", w.general(), "", "<@"+w.discord.BotID()+"> hello")
		if err == nil {
			_, err = w.slack.Say("U0ADA", "C0GENERAL", "", "<@U0BOBBIN> hello")
		}
		if err != nil {
			return fmt.Errorf("say hello: %w", err)
		}
		w.greeted = 2
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.faulty = true
	return nil
}

// general is Discord's channel for all.
func (w *tortureWorld) general() string {
	channels := w.discord.World().Channels()
	return channels[slices.IndexFunc(channels, func(c sandbox.Channel) bool { return c.Name == "general" })].ID
}

// lookIn has everyone begin to type in their DM on Discord, as people do who wonder why
// there is no answer. Of what was written there while the daemon was down, and nothing
// after it, nothing else tells.
func (w *tortureWorld) lookIn() error {
	for _, friend := range slices.Concat(tortureFriends, w.strangers) {
		typing := fmt.Sprintf(`{"channel_id":%q,"user_id":"0","timestamp":%d}`, w.discord.OpenDM(friend), time.Now().Unix())
		if err := w.discord.Dispatch("TYPING_START", json.RawMessage(typing)); err != nil {
			return fmt.Errorf("type: %w", err)
		}
	}
	return nil
}

// calm ends all faults.
func (w *tortureWorld) calm() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.faulty = false
}

// release lets people write, until there are n messages. Only one may call it at a time.
func (w *tortureWorld) release(n int) {
	for ; w.released < n; w.released++ {
		w.permits <- struct{}{}
	}
}

// tortureEarly are the messages that are written before all others, if there are so many,
// in DMs on Discord that nothing has told of, by people who write nothing else.
var tortureEarly = []int{5, 10, 15}

// writeEarly has people write while no daemon is there.
func (w *tortureWorld) writeEarly(n int) error {
	for _, i := range tortureEarly {
		if i > n {
			break
		}
		stranger := w.discord.AddUser(fmt.Sprintf("stranger %d", i), false)
		w.strangers = append(w.strangers, stranger)
		if err := w.sayAlone(i, stranger); err != nil {
			return fmt.Errorf("write message %d: %w", i, err)
		}
		w.written.Add(1)
	}
	return nil
}

// sayAlone writes message i in a DM on Discord.
func (w *tortureWorld) sayAlone(i int, user string) error {
	place := w.discord.OpenDM(user)
	_, err := w.discord.Say(user, place, "", tortureText(i))
	w.mu.Lock()
	defer w.mu.Unlock()
	w.places[fmt.Sprint(i)] = place
	return err
}

func tortureText(i int) string { return fmt.Sprintf("msg-%d please", i) }

// write has people write the rest of n messages, here and there, as they are released, and
// breaks connections.
func (w *tortureWorld) write(ctx context.Context, n int) error {
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	var threads []string
	for i := 1; i <= n; i++ {
		select {
		case <-w.permits:
		case <-ctx.Done():
			return ctx.Err()
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return ctx.Err()
		}
		if !slices.Contains(tortureEarly, i) {
			if err := w.say(i, &threads); err != nil {
				return fmt.Errorf("write message %d: %w", i, err)
			}
			w.written.Add(1)
		}
		w.disturb(i)
	}
	return nil
}

// say writes message i. Slack's threads go on.
func (w *tortureWorld) say(i int, threads *[]string) error {
	text := tortureText(i)
	user, friend := []string{"U0ADA", "U0GRACE", "U0LINUS"}[i%3], tortureFriends[i%3]
	place := ""
	var err error
	switch i % 5 {
	case 1:
		var ts string
		ts, err = w.slack.Say(user, "C0GENERAL", "", "<@U0BOBBIN> "+text)
		*threads = append(*threads, ts)
		place = "C0GENERAL " + ts
	case 2:
		ts := (*threads)[i/7%len(*threads)]
		_, err = w.slack.Say(user, "C0GENERAL", ts, "<@U0BOBBIN> "+text)
		place = "C0GENERAL " + ts
	case 3:
		place = w.slack.OpenDM(user)
		_, err = w.slack.Say(user, place, "", text)
	case 4:
		place = w.general()
		_, err = w.discord.Say(friend, place, "", "<@"+w.discord.BotID()+"> "+text)
	default:
		return w.sayAlone(i, friend)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.places[fmt.Sprint(i)] = place
	return err
}

// disturb now and then breaks connections, or has what was delivered delivered again.
func (w *tortureWorld) disturb(i int) {
	switch {
	case w.roll("Slack's sockets dropped", .02):
		w.slack.DropSockets()
	case w.roll("Slack's events delivered again", .02):
		w.slack.Again(1 + i%3)
	case w.roll("Discord's gateway dropped", .02):
		w.discord.DropGateway(0)
	case w.roll("Discord's sessions ended", .01):
		w.discord.InvalidateGateway()
	case w.roll("Discord's events delivered twice", .04):
		w.discord.DispatchTwice(true)
	default:
		w.discord.DispatchTwice(false)
	}
}

func (w *tortureWorld) close() error {
	w.slack.Close()
	w.discord.Close()
	w.stop()
	w.served.Wait()
	return w.site.close()
}
