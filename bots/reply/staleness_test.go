package reply

import (
	"flag"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"bobbin/agent"
	"bobbin/bots"
	"bobbin/bots/discord"
	"bobbin/bots/slack"
)

var table = flag.Bool("table", false, "have TestStalenessTable print its table")

// crowds are how many replies are alive at once.
var crowds = []int{1, 2, 5, 10, 20, 50, 100, 200, 500}

// onSlack is k replies in a workspace: 50 edits in a minute for all of them, of which share
// are really allowed.
func onSlack(k int, share float64) scene {
	adapter, err := slack.New(slack.Options{BotToken: "xoxb-", AppToken: "xapp-"})
	if err != nil {
		panic(err)
	}
	budget := func(channel string) bots.Budget {
		return adapter.Budget(agent.Target{Address: agent.Address{Platform: "slack", Workspace: "T", Channel: channel}})
	}
	turn := scale(time.Duration(k)*1200*time.Millisecond, 1/share)
	return scene{
		replies: k, budget: budget,
		lasts: max(time.Minute, 12*turn), end: max(10*time.Minute, 20*turn).Truncate(time.Minute),
		limits: func() service {
			l := &strict{count: int(50 * share), window: time.Minute, burst: 10 * share, tokens: 10 * share}
			return service{
				edits:    func(string) limiter { return l },
				capacity: func(d time.Duration, _ int) float64 { return float64(l.count) * math.Ceil(d.Minutes()) },
				whole:    true,
			}
		},
	}
}

// onDiscord is k replies in a channel each: five edits in five seconds there, and fifty
// calls in a second for all of them, of which share are really allowed.
func onDiscord(k int, share float64) scene {
	adapter, err := discord.New(discord.Options{BotToken: "x"})
	if err != nil {
		panic(err)
	}
	budget := func(channel string) bots.Budget {
		return adapter.Budget(agent.Target{Address: agent.Address{Platform: "discord", Channel: channel}})
	}
	turn := scale(max(time.Second, time.Duration(k)*20*time.Millisecond), 1/share)
	return scene{
		replies: k, budget: budget,
		lasts: max(time.Minute, 16*turn), end: max(5*time.Minute, 20*turn),
		limits: func() service {
			window := scale(5*time.Second, 1/share)
			account := &windows{count: int(50 * share), window: time.Second}
			return service{
				account: account,
				edits: func(channel string) limiter {
					return &windows{scope: budget(channel).Edit.Scope, count: 5, window: window}
				},
				capacity: func(d time.Duration, posts int) float64 {
					return min(float64(account.count)*math.Ceil(d.Seconds())-float64(posts), float64(5*k)*math.Ceil(float64(d)/float64(window)))
				},
			}
		},
	}
}

type outcome struct {
	mean, p99, leastMean, leastP99 float64
	refusals                       float64 // in a minute
	first, final, finalP99         float64
	lost, ended                    int
}

func (s scene) outcome(by policy) outcome {
	p := s.run(by)
	return outcome{
		mean: p.mean(), p99: p.p99(), leastMean: p.leastMean(), leastP99: p.leastP99(), refusals: float64(p.refusals) / s.end.Minutes(),
		first: quantile(p.firsts, 0.5), final: quantile(p.finals, 0.5), finalP99: quantile(p.finals, 0.99), lost: p.lost, ended: p.lost + len(p.finals),
	}
}

// policies are what is compared; each call gives a fresh one.
var policies = []struct {
	name string
	make func() policy
}{
	{"bobbin", func() policy { return &bobbin{} }},
	{"500 ms each", func() policy { return interval(500 * time.Millisecond) }},
	{"1 s each", func() policy { return interval(time.Second) }},
	{"one clock, 1 s", func() policy { return &oneClock{every: time.Second} }},
}

// platforms are what the play is about, each with its name.
var platforms = []struct {
	name  string
	scene func(replies int, share float64) scene
}{{"Slack", onSlack}, {"Discord", onDiscord}}

// each plays scenes side by side, for so many replies each.
func each(t *testing.T, crowds []int, share float64, play func(t *testing.T, s scene)) {
	for _, on := range platforms {
		for _, k := range crowds {
			t.Run(fmt.Sprintf("%s/%d", on.name, k), func(t *testing.T) {
				t.Parallel()
				play(t, on.scene(k, share))
			})
		}
	}
}

func TestStalenessStaysNearTheOptimumForAnyNumberOfReplies(t *testing.T) {
	each(t, crowds, 1, func(t *testing.T, s scene) {
		o := s.outcome(&bobbin{})
		t.Log(o)
		if r := o.mean / o.leastMean; r > 1.1 || r < 1 {
			t.Errorf("mean staleness is %.3f of the least", r)
		}
		if o.p99 > 1.25*o.leastP99 || o.p99 < o.leastP99 {
			t.Errorf("the 99th percentile is %.3f of the least", o.p99/o.leastP99)
		}
		if o.refusals != 0 || o.lost != 0 || o.first > 0.3 || o.finalP99 > 3 {
			t.Error(o)
		}
	})
}

// Slack allows half of what it says and does not tell; Discord tells what a channel is
// allowed, but not what the account is.
func TestPlatformThatAllowsHalfOfWhatItSaysIsNotFoughtAndNobodyStarves(t *testing.T) {
	each(t, []int{1, 20, 300}, 0.5, func(t *testing.T, s scene) {
		s.end = max(s.end, 20*time.Minute)
		o := s.outcome(&bobbin{})
		t.Log(o)
		// A refusal on Slack says to wait for most of a minute.
		if o.refusals > 0.6 || o.lost != 0 || o.mean > 1.25*o.leastMean+3 || o.p99 > 1.5*o.leastP99+40 || o.finalP99 > 60 {
			t.Error(o)
		}
	})
}

func TestTokensThatComeSlowerThanEditsAreShownAsTheyCome(t *testing.T) {
	for name, s := range map[string]scene{"Slack, 1": onSlack(1, 1), "Slack, 2": onSlack(2, 1), "Discord, 1": onDiscord(1, 1), "Discord, 40": onDiscord(40, 1)} {
		s.pens = []time.Duration{4 * time.Second}
		o := s.outcome(&bobbin{})
		t.Logf("%s slow: %v", name, o)
		if o.mean > 0.05 || o.p99 > 0.6 || o.refusals != 0 {
			t.Errorf("%s slow: %v", name, o)
		}
	}
}

// Each final text costs a call: those of replies that end together take their turns, and
// nothing else goes before them.
func TestFinalTextsOfRepliesThatEndTogetherLandAsFastAsTheLimitAllows(t *testing.T) {
	for _, k := range crowds {
		s := onSlack(k, 1)
		s.together = 20 * time.Second
		s.end = time.Hour
		o := s.outcome(&bobbin{})
		t.Logf("%d replies that end together: %v", k, o)
		if o.ended != k || o.refusals != 0 || o.finalP99 > 1.25*float64(k)+1 {
			t.Errorf("%d replies that end together: %v", k, o)
		}
	}
}

func (o outcome) String() string {
	return fmt.Sprintf("mean %.2f s (%.3f of the least), p99 %.2f s (%.3f), %.2f refusals a minute, first %.2f s, final %.2f, %.2f s, %d of %d lost",
		o.mean, o.mean/o.leastMean, o.p99, o.p99/o.leastP99, o.refusals, o.first, o.final, o.finalP99, o.lost, o.ended)
}

// TestStalenessTable prints what the README has:
//
//	go test ./bots/reply -run StalenessTable -v -table
func TestStalenessTable(t *testing.T) {
	if !*table {
		t.Skip("run with -table")
	}
	var b strings.Builder
	row := func(cells ...string) { b.WriteString("| " + strings.Join(cells, " | ") + " |\n") }
	line := func(n int) { b.WriteString("|" + strings.Repeat("--:|", n) + "\n") }
	times := func(x, least float64) string { return fmt.Sprintf("%s s (%.2f×)", digits(x), x/least) }

	for _, share := range []float64{1, 0.5} {
		fmt.Fprintf(&b, "\nWith %.0f %% of the documented limits:\n\n", 100*share)
		row("replies at once", "least mean age", "bobbin", "least p99", "bobbin", "429s a minute", "first text", "final text, median", "p99")
		line(9)
		for _, on := range platforms {
			for _, k := range crowds {
				if share < 1 && k != 1 && k != 20 && k != 200 {
					continue
				}
				o := on.scene(k, share).outcome(&bobbin{})
				row(fmt.Sprintf("%s, %d", on.name, k), digits(o.leastMean)+" s", times(o.mean, o.leastMean), digits(o.leastP99)+" s", times(o.p99, o.leastP99),
					digits(o.refusals), digits(o.first)+" s", digits(o.final)+" s", digits(o.finalP99)+" s")
			}
		}
	}

	b.WriteString("\nMean age as a multiple of the least · 429s a minute · final texts lost:\n\n")
	heads := []string{"replies at once"}
	for _, p := range policies {
		heads = append(heads, p.name)
	}
	row(heads...)
	line(len(heads))
	for _, on := range platforms {
		for _, k := range []int{1, 5, 20, 100, 500} {
			cells := []string{fmt.Sprintf("%s, %d", on.name, k)}
			for _, p := range policies {
				o := on.scene(k, 1).outcome(p.make())
				cells = append(cells, fmt.Sprintf("%.2f× · %s · %.0f %%", o.mean/o.leastMean, digits(o.refusals), 100*float64(o.lost)/float64(max(1, o.ended))))
			}
			row(cells...)
		}
	}
	fmt.Print(b.String())
}

// digits has three of them at most.
func digits(x float64) string {
	switch {
	case x == 0:
		return "0"
	case x < 10:
		return fmt.Sprintf("%.2f", x)
	case x < 100:
		return fmt.Sprintf("%.1f", x)
	}
	return fmt.Sprintf("%.0f", x)
}

// BenchmarkStaleness reports, for each policy: the mean and the 99th percentile of how old
// what people see is, alone and relative to the least that any policy can reach; how many
// calls are refused in a minute; how long final texts take; and how many are lost.
func BenchmarkStaleness(b *testing.B) {
	for _, on := range platforms {
		for _, share := range []float64{1, 0.5} {
			for _, k := range crowds {
				s := on.scene(k, share)
				for _, p := range policies {
					b.Run(fmt.Sprintf("%s/limit=%.1f/replies=%d/%s", on.name, share, k, strings.ReplaceAll(p.name, " ", "_")), func(b *testing.B) {
						var o outcome
						for b.Loop() {
							o = s.outcome(p.make())
						}
						b.ReportMetric(o.mean, "mean-s")
						b.ReportMetric(o.mean/o.leastMean, "mean/least")
						b.ReportMetric(o.p99, "p99-s")
						b.ReportMetric(o.p99/o.leastP99, "p99/least")
						b.ReportMetric(o.refusals, "429s/min")
						b.ReportMetric(o.finalP99, "final-p99-s")
						b.ReportMetric(float64(o.lost), "lost")
					})
				}
			}
		}
	}
}
