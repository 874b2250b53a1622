package reply_test

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"bobbin/agent"
	"bobbin/bots"
	"bobbin/bots/botstest"
	"bobbin/bots/discord"
	"bobbin/bots/reply"
	"bobbin/bots/sandbox"
	"bobbin/bots/slack"
)

// service is a real adapter on a stand-in that enforces the service's rate limits.
type service struct {
	bots.Platform
	world   *sandbox.World
	bot     string
	mention func(text string)
	lose    func()     // the next post happens and its answer is lost
	limited func() int // calls that were refused for their rate
}

func onSlack(t *testing.T) service {
	fake := sandbox.NewSlack(sandbox.SlackOptions{})
	client := botstest.Serve(t, fake.Handler())
	t.Cleanup(fake.Close)
	o := fake.Options()
	p, err := slack.New(slack.Options{BotToken: o.BotToken, AppToken: o.AppToken, APIURL: "http://slack.test/api/", HTTPClient: client})
	if err != nil {
		t.Fatal(err)
	}
	return service{
		Platform: p, world: fake.World(), bot: o.Bot.ID,
		mention: func(text string) {
			if _, err := fake.Say("U0ADA", "C0GENERAL", "", "@bobbin "+text); err != nil {
				t.Error(err)
			}
		},
		lose: func() {
			var lost atomic.Bool
			fake.Fault(func(method string, _ url.Values) *sandbox.SlackFault {
				if method != "chat.postMessage" || lost.Swap(true) {
					return nil
				}
				return &sandbox.SlackFault{Execute: true, Drop: true}
			})
		},
		limited: func() (n int) {
			for _, method := range []string{"chat.postMessage", "chat.update", "chat.delete", "conversations.replies", "assistant.threads.setStatus"} {
				n += fake.Limited(method)
			}
			return n
		},
	}
}

func onDiscord(t *testing.T) service {
	fake := sandbox.NewDiscord(sandbox.DiscordOptions{})
	client := botstest.Serve(t, fake.Handler())
	t.Cleanup(fake.Close)
	wires, ok := client.Transport.(*http.Transport)
	if !ok {
		t.Fatalf("the client's transport is %T", client.Transport)
	}
	p, err := discord.New(discord.Options{BotToken: fake.Token(), APIURL: "http://discord.test/", HTTPClient: client, Dial: wires.DialContext})
	if err != nil {
		t.Fatal(err)
	}
	return service{
		Platform: p, world: fake.World(), bot: fake.BotID(),
		mention: func(text string) {
			if _, err := fake.Say("ada", "general", "", "<@"+fake.BotID()+"> "+text); err != nil {
				t.Error(err)
			}
		},
		lose: func() {
			fake.Inject(sandbox.DiscordFault{Route: "POST /channels/{channel}/messages", Execute: true, Drop: true})
		},
		limited: func() (n int) {
			for _, route := range []string{"POST /channels/{channel}/messages", "PATCH /channels/{channel}/messages/{message}", "POST /channels/{channel}/typing"} {
				n += fake.Limited(route)
			}
			return n
		},
	}
}

// parts is a turn's journal.
type parts struct {
	mu  sync.Mutex
	all []agent.Part
}

func (p *parts) Settle(ctx context.Context) error { return ctx.Err() }

func (p *parts) Record(_ context.Context, part agent.Part) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.all = slices.DeleteFunc(p.all, func(o agent.Part) bool { return o.Key == part.Key })
	p.all = append(p.all, part)
	slices.SortFunc(p.all, func(a, b agent.Part) int { return strings.Compare(a.Key, b.Key) })
	return nil
}

func (p *parts) turn(id int, in bots.Event) *agent.Turn {
	p.mu.Lock()
	defer p.mu.Unlock()
	return &agent.Turn{
		ID: agent.TurnID("TURN" + string(rune('A'+id))), Session: in.Target.Session(), Inbound: []agent.Inbound{{Target: in.Target}},
		Parts: slices.Clone(p.all),
	}
}

// Several long answers stream at once; posts lose their answers; then the daemon is
// restarted and the answers are given again, to their end. The services refuse no call.
func TestAnswersStreamWithinTheLimitsOfTheRealServices(t *testing.T) {
	for name, open := range map[string]func(*testing.T) service{"slack": onSlack, "discord": onDiscord} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { stream(t, open(t)) })
		})
	}
}

func stream(t *testing.T, s service) {
	const answers = 3
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	defer running.Wait()
	defer cancel()
	events := make(chan bots.Event, 100)
	running.Go(func() {
		if err := s.Run(ctx, func(_ context.Context, e bots.Event) error { events <- e; return nil }); err != nil {
			t.Error(err)
		}
	})
	synctest.Wait()

	var asked []bots.Event
	journals := make([]parts, answers)
	for i := range answers {
		s.mention(fmt.Sprint("question ", i))
		synctest.Wait()
		asked = append(asked, <-events)
		for len(events) > 0 {
			<-events // Slack tells of a mention twice
		}
	}
	for _, attempt := range []string{"first", "second"} {
		on := reply.New(reply.Options{}, s)
		var replies []agent.Reply
		for i := range answers {
			r, err := on.Open(ctx, journals[i].turn(i, asked[i]), &journals[i])
			if err != nil {
				t.Fatal(err)
			}
			replies = append(replies, r)
		}
		if attempt == "first" {
			s.lose()
		}
		var text strings.Builder
		for n := range map[string]int{"first": 30, "second": 80}[attempt] {
			fmt.Fprintf(&text, "**word** %d and then some more of it\n\n", n)
			for i, r := range replies {
				r.Update(agent.Update{Text: fmt.Sprint("answer ", i, ": ", text.String())})
			}
			time.Sleep(400 * time.Millisecond)
		}
		for i, r := range replies {
			if attempt == "second" {
				final := fmt.Sprint("answer ", i, ": ", text.String(), "end")
				if err := r.Finish(ctx, agent.Outcome{Text: final}); err != nil {
					t.Error(err)
				}
				s.want(t, asked[i].Target, final)
			}
			r.Close()
		}
	}
	if n := s.limited(); n != 0 {
		t.Errorf("%d calls were refused for their rate", n)
	}
}

// want checks that the messages at to are those that final is rendered as.
func (s service) want(t *testing.T, to agent.Target, final string) {
	t.Helper()
	var want, got []string
	for _, m := range s.Render(final) {
		want = append(want, m.Plain)
	}
	for _, m := range s.world.Messages(to.Channel) {
		if m.User == s.bot && m.Thread == to.Thread {
			got = append(got, m.Text)
		}
	}
	if to.Platform == "discord" {
		want = nil
		for _, m := range s.Render(final) {
			want = append(want, m.Text)
		}
		for _, m := range s.world.Messages(to.Thread) {
			got = append(got, m.Text)
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("%d messages stand, want %d:\n%.200q\n%.200q", len(got), len(want), got, want)
	}
}
