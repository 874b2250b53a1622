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
		name: "Slack", replies: k, budget: budget,
		lasts: max(time.Minute, 12*turn), end: max(10*time.Minute, 20*turn).Truncate(time.Minute),
		limits: func() service {
			l := &strict{count: int(50 * share), window: time.Minute, burst: 10 * share, tokens: 10 * share}
			return service{
				edits:    func(string) limiter { return l },
				capacity: func(d time.Duration) float64 { return float64(l.count) * math.Ceil(d.Minutes()) },
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
		name: "Discord", replies: k, budget: budget,
		lasts: max(time.Minute, 16*turn), end: max(5*time.Minute, 20*turn),
		limits: func() service {
			window := scale(5*time.Second, 1/share)
			account := &windows{count: int(50 * share), window: time.Second}
			return service{
				account: account,
				edits: func(channel string) limiter {
					return &windows{scope: budget(channel).Edit.Scope, count: 5, window: window}
				},
				capacity: func(d time.Duration) float64 {
					return min(float64(account.count)*math.Ceil(d.Seconds()), float64(5*k)*math.Ceil(float64(d)/float64(window)))
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

func TestStalenessStaysNearTheOptimumForAnyNumberOfReplies(t *testing.T) {
	for _, scene := range []func(int, float64) scene{onSlack, onDiscord} {
		for _, k := range crowds {
			s := scene(k, 1)
			o := s.outcome(&bobbin{})
			t.Logf("%s, %d replies: %v", s.name, k, o)
			if r := o.mean / o.leastMean; r > 1.1 || r < 1 {
				t.Errorf("%s, %d replies: mean staleness is %.3f of the least", s.name, k, r)
			}
			if o.refusals != 0 || o.lost != 0 || o.first > 0.3 || o.finalP99 > 2 {
				t.Errorf("%s, %d replies: %v", s.name, k, o)
			}
		}
	}
}

// Slack allows half of what it says and does not tell; Discord tells what a channel is
// allowed, but not what the account is.
func TestPlatformThatAllowsHalfOfWhatItSaysIsNotFoughtAndNobodyStarves(t *testing.T) {
	for _, scene := range []func(int, float64) scene{onSlack, onDiscord} {
		for _, k := range []int{1, 5, 20, 100, 300} {
			s := scene(k, 0.5)
			s.end = max(s.end, 30*time.Minute)
			o := s.outcome(&bobbin{})
			t.Logf("%s at half its rate, %d replies: %v", s.name, k, o)
			// A refusal on Slack says to wait for most of a minute.
			if o.refusals > 0.6 || o.lost != 0 || o.mean > 1.25*o.leastMean+3 || o.p99 > 1.5*o.leastP99+40 || o.finalP99 > 60 {
				t.Errorf("%s at half its rate, %d replies: %v", s.name, k, o)
			}
		}
	}
}

func TestTokensThatComeSlowerThanEditsAreShownAsTheyCome(t *testing.T) {
	for _, s := range []scene{onSlack(1, 1), onSlack(2, 1), onDiscord(1, 1), onDiscord(40, 1)} {
		s.pens = []time.Duration{4 * time.Second}
		o := s.outcome(&bobbin{})
		t.Logf("%s, %d slow replies: %v", s.name, s.replies, o)
		if o.mean > 0.05 || o.p99 > 0.6 || o.refusals != 0 {
			t.Errorf("%s, %d slow replies: %v", s.name, s.replies, o)
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
	for _, scene := range []func(int, float64) scene{onSlack, onDiscord} {
		var b strings.Builder
		fmt.Fprintf(&b, "\n| %s: replies at once | least possible |", scene(1, 1).name)
		for _, p := range policies {
			fmt.Fprintf(&b, " %s |", p.name)
		}
		b.WriteString("\n|--:|--:|" + strings.Repeat("---|", len(policies)) + "\n")
		for _, k := range crowds {
			for i, p := range policies {
				o := scene(k, 1).outcome(p.make())
				if i == 0 {
					fmt.Fprintf(&b, "| %d | %s s |", k, digits(o.leastMean))
				}
				fmt.Fprintf(&b, " %s s (%.2f×), %s refusals/min, final %s s, %.0f %% lost |", digits(o.mean), o.mean/o.leastMean,
					digits(o.refusals), digits(o.finalP99), 100*float64(o.lost)/float64(max(1, o.ended)))
			}
			b.WriteString("\n")
		}
		fmt.Print(b.String())
	}
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
	for _, scene := range []func(int, float64) scene{onSlack, onDiscord} {
		for _, share := range []float64{1, 0.5} {
			for _, k := range crowds {
				s := scene(k, share)
				for _, p := range policies {
					b.Run(fmt.Sprintf("%s/limit=%.1f/replies=%d/%s", s.name, share, k, strings.ReplaceAll(p.name, " ", "_")), func(b *testing.B) {
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
