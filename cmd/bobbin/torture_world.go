package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"regexp"
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
	faulty  atomic.Bool

	mu      sync.Mutex
	dice    *rand.Rand // for faults: their order depends on the daemon's timing
	effects map[string]int
	faults  int
}

func newTortureWorld(ctx context.Context, seed uint64) (w *tortureWorld, err error) {
	w = &tortureWorld{
		slack: sandbox.NewSlack(sandbox.SlackOptions{
			NoLimits: true, Redeliver: slices.Repeat([]time.Duration{time.Second}, 5),
		}),
		discord: sandbox.NewDiscord(sandbox.DiscordOptions{Limits: sandbox.DiscordLimits{Off: true}}),
		dice:    rand.New(rand.NewPCG(seed, 2)), //nolint:gosec // replayable
		effects: make(map[string]int),
	}
	w.ai = sandbox.NewWorkersAI(sandbox.WorkersAIOptions{APIToken: demoToken, Script: tortureModel})
	if w.site.listener, err = listen(ctx, "127.0.0.1:0"); err != nil {
		return nil, fmt.Errorf("listen for the stand-ins: %w", err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /effects", func(_ http.ResponseWriter, r *http.Request) {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.effects[r.URL.Query().Get("what")]++
	})
	mux.Handle("/", standIns(w.slack, w.discord, w.ai))
	w.site.server = &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second}
	serving, stop := context.WithCancel(context.WithoutCancel(ctx))
	w.stop = stop
	w.served.Go(func() { _ = w.site.serve(serving) }) // its end is close's to tell
	w.faulty.Store(true)
	w.slack.Fault(w.slackFault)
	w.discord.Inject(sandbox.DiscordFault{Times: -1, Match: w.strikes(.01), Status: http.StatusInternalServerError, Execute: true})
	w.discord.Inject(sandbox.DiscordFault{Times: -1, Match: w.strikes(.01), Drop: true, Execute: true})
	w.discord.Inject(sandbox.DiscordFault{Times: -1, Match: w.strikes(.02), Status: http.StatusTooManyRequests,
		Header: http.Header{"Content-Type": {"application/json"}, "Retry-After": {"0.2"}}, Body: `{"message":"slow down","retry_after":0.2,"global":false}`})
	return w, nil
}

func (w *tortureWorld) base() string       { return "http://" + w.site.listener.Addr().String() }
func (w *tortureWorld) effectsURL() string { return w.base() + "/effects" }

func (w *tortureWorld) config(data string) string {
	slack := w.slack.Options()
	return strings.NewReplacer("BASE", w.base(), "DATA", data, "AITOKEN", demoToken,
		"SLACKBOT", slack.BotToken, "SLACKAPP", slack.AppToken, "DISCORDBOT", w.discord.Token()).Replace(`
data_dir: DATA
workers_ai: {account_id: torture, api_token: AITOKEN, base_url: BASE/client/v4}
slack: {bot_token: SLACKBOT, app_token: SLACKAPP, api_url: BASE/api/}
discord: {bot_token: DISCORDBOT, api_url: BASE/}
agent: {drain: 5s}
admin: {listen: ""}
`)
}

// roll decides whether something goes wrong, with probability p.
func (w *tortureWorld) roll(p float64) bool {
	if !w.faulty.Load() {
		return false
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	hit := w.dice.Float64() < p
	if hit {
		w.faults++
	}
	return hit
}

func (w *tortureWorld) strikes(p float64) func(*http.Request) bool {
	return func(r *http.Request) bool {
		return strings.Contains(r.URL.Path, "/messages") && w.roll(p)
	}
}

func (w *tortureWorld) slackFault(method string, _ url.Values) *sandbox.SlackFault {
	switch {
	case !strings.HasPrefix(method, "chat."):
		return nil
	case w.roll(.02):
		return &sandbox.SlackFault{Status: http.StatusTooManyRequests, Header: http.Header{"Retry-After": {"1"}}, Body: `{"ok":false,"error":"ratelimited"}`}
	case w.roll(.02):
		return &sandbox.SlackFault{Status: http.StatusInternalServerError, Body: "oops"}
	case w.roll(.02):
		return &sandbox.SlackFault{Status: http.StatusBadGateway, Execute: true, Body: "oops"}
	case w.roll(.02):
		return &sandbox.SlackFault{Drop: true, Execute: true}
	}
	return nil
}

// calm ends all faults.
func (w *tortureWorld) calm() { w.faulty.Store(false) }

// write has people write all messages, here and there, and breaks connections.
func (w *tortureWorld) write(ctx context.Context, n int) error {
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	var slackThreads []string
	for i := 1; i <= n; i++ {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return ctx.Err()
		}
		text := fmt.Sprintf("msg-%d please", i)
		user := []string{"U0ADA", "U0GRACE", "U0LINUS"}[i%3]
		var err error
		switch i % 5 {
		case 1:
			var ts string
			ts, err = w.slack.Say(user, "C0GENERAL", "", "<@U0BOBBIN> "+text)
			slackThreads = append(slackThreads, ts)
		case 2:
			_, err = w.slack.Say(user, "C0GENERAL", slackThreads[i/7%len(slackThreads)], "<@U0BOBBIN> "+text)
		case 3:
			_, err = w.slack.Say(user, w.slack.OpenDM(user), "", text)
		case 4:
			_, err = w.discord.Say([]string{"ada", "grace", "linus"}[i%3], "general", "", "<@"+w.discord.BotID()+"> "+text)
		default:
			_, err = w.discord.Say("grace", w.discord.OpenDM("grace"), "", text)
		}
		if err != nil {
			return fmt.Errorf("write message %d: %w", i, err)
		}
		switch {
		case w.roll(.02):
			w.slack.DropSockets()
		case w.roll(.02):
			w.slack.Again(1 + i%3)
		case w.roll(.02):
			w.discord.DropGateway(0)
		}
	}
	return nil
}

var (
	tortureAsked    = regexp.MustCompile(`msg-(\d+) please`)
	tortureAnswered = regexp.MustCompile(`Answer to msg-(\d+)\.`)
)

// tortureModel answers each message of the turn by its number. Every third turn it first
// calls the tool with a side effect.
func tortureModel(_ context.Context, r sandbox.AIRequest) sandbox.AIReply {
	var asked []string
	recorded := false
	for _, m := range r.Messages {
		switch m.Role {
		case "user":
			for _, id := range tortureAsked.FindAllStringSubmatch(m.Text(), -1) {
				asked = append(asked, id[1])
			}
		case "assistant":
			if len(m.Calls()) == 0 {
				asked = nil
			}
		case "tool":
			recorded = true
		}
		if m.Role == "user" {
			recorded = false
		}
	}
	if len(asked) == 0 {
		return sandbox.AISays("Nothing was asked.")
	}
	if last := asked[len(asked)-1]; strings.HasSuffix(last, "3") || strings.HasSuffix(last, "6") {
		if !recorded && r.Offers("record") {
			return sandbox.AICalling(sandbox.AICall{Name: "record", Args: `{"what":"msg-` + last + `"}`})
		}
	}
	var b strings.Builder
	for _, id := range asked {
		fmt.Fprintf(&b, "Answer to msg-%s. It comes in a few words, so that there is something to stream.\n\n", id)
	}
	reply := sandbox.AISays(b.String())
	reply.Pace = 2 * time.Millisecond
	return reply
}

// settle waits until each message is answered somewhere and nothing changes any more.
func (w *tortureWorld) settle(ctx context.Context, n int) error {
	ctx, cancel := context.WithTimeout(ctx, 3*time.Minute)
	defer cancel()
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	quiet, seen := 0, -1
	for {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil // check says what is missing
		}
		now := w.slack.World().Next() + w.discord.World().Next()
		if now != seen {
			quiet, seen = 0, now
			continue
		}
		if quiet++; quiet > 10 && len(w.answers()) == n || quiet > 150 {
			return nil
		}
	}
}

// answers counts, for each message, the messages of bobbin that answer it.
func (w *tortureWorld) answers() map[string]int {
	found := make(map[string]int)
	for _, m := range w.botMessages() {
		for _, id := range tortureAnswered.FindAllStringSubmatch(m.Text+m.Blocks, -1) {
			found[id[1]]++
		}
	}
	return found
}

func (w *tortureWorld) botMessages() (all []sandbox.Message) {
	for _, in := range []struct {
		world *sandbox.World
		bot   string
	}{{w.slack.World(), "U0BOBBIN"}, {w.discord.World(), w.discord.BotID()}} {
		for _, c := range in.world.Channels() {
			for _, m := range in.world.Messages(c.ID) {
				if m.User == in.bot && m.OnlyFor == "" {
					if m.Blocks != "" {
						m.Text = "" // the fallback says the same again
					}
					all = append(all, m)
				}
			}
		}
	}
	return all
}

// tortureReport is what check found.
type tortureReport struct {
	messages, answered, faults, effects int
	wrong                               []string
}

func (r tortureReport) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "torture: %d messages, %d answered once, %d faults, %d side effects, %d broken promises\n",
		r.messages, r.answered, r.faults, r.effects, len(r.wrong))
	for _, s := range r.wrong {
		fmt.Fprintln(&b, "  "+s)
	}
	return b.String()
}

// check compares what stands with what was promised.
func (w *tortureWorld) check(n int) tortureReport {
	r := tortureReport{messages: n}
	found := w.answers()
	for i := 1; i <= n; i++ {
		switch times := found[fmt.Sprint(i)]; times {
		case 1:
			r.answered++
		default:
			r.wrong = append(r.wrong, fmt.Sprintf("msg-%d is answered %d times", i, times))
		}
	}
	for _, m := range w.botMessages() {
		for _, sign := range []string{"being restarted", "Something went wrong", "gave up"} {
			if strings.Contains(m.Text+m.Blocks, sign) {
				r.wrong = append(r.wrong, fmt.Sprintf("message %s/%s ends with: %s", m.Channel, m.ID, sign))
			}
		}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	r.faults = w.faults
	for what, times := range w.effects {
		r.effects += times
		if times > 1 {
			r.wrong = append(r.wrong, fmt.Sprintf("the side effect of %s happened %d times", what, times))
		}
	}
	slices.Sort(r.wrong)
	return r
}

func (w *tortureWorld) close() error {
	w.slack.Close()
	w.discord.Close()
	w.stop()
	w.served.Wait()
	return w.site.close()
}
