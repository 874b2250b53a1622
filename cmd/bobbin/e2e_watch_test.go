package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"bobbin/bots/markup"
	"bobbin/bots/sandbox"
)

// longAnswer is Markdown of every kind that models write, about n bytes of it.
func longAnswer(n int) string {
	var b strings.Builder
	b.WriteString("# How it works\n\nThis answer has **bold**, *emphasis*, ~~gone~~ words, `inline code` and [a link](https://example.com/docs) in it.\n\n" +
		"| Part | Does | Count |\n|------|------|------:|\n| inbox | keeps | 12 |\n| session | **runs** | 3 |\n| reply | shows | 140 |\n\n" +
		"````md\n# A file in a file\n```go\nfunc main() {}\n```\n````\n\n")
	for i := 1; b.Len() < n; i++ {
		fmt.Fprintf(&b, "## Step %d of many\n\nFirst comes a paragraph that says **what step %d is about** and *why* it matters, with [the notes on it](https://example.com/notes/%d) to read. "+
			"It goes on for a while, so that lines are broken and the message grows.\n\n", i, i, i)
		fmt.Fprintf(&b, "- the first point of %d\n  - a point below it with `code_%d()`\n  - another one\n- the second, **bold**\n\n1. do this\n2. then that\n\n", i, i)
		fmt.Fprintf(&b, "```go\nfunc step%d(a, b int) int {\n\tif a > b { // the larger one\n\t\treturn a * %d\n\t}\n\treturn b\n}\n```\n\n> A quoted line with *emphasis* in it.\n\n", i, i)
	}
	b.WriteString("That is **all** there is to say.")
	return b.String()
}

// pages renders what should stand in the end.
func (h theatre) pages(text string) (pages []string) {
	render := markup.Slack
	if h.name == "discord" {
		render = markup.Discord
	}
	source := ""
	for _, p := range render(text) {
		pages = append(pages, p.Text)
		source += p.Source
	}
	if source != text {
		panic("the pages do not have all of the text")
	}
	return pages
}

func TestWatcherSeesALongAnswerOnlyGrow(t *testing.T) {
	for _, h := range theatres() {
		for _, perSecond := range []time.Duration{30, 60, 100} {
			t.Run(fmt.Sprintf("%s/%d tokens a second", h.name, perSecond), func(t *testing.T) {
				whole := h.configured(func(c *Config) { c.Reply.MaxParts = 0 })
				bubble(t, whole, func(r *rig) {
					text := longAnswer(11_000)
					var first time.Time // token
					r.ai.SetScript(func(context.Context, sandbox.AIRequest) sandbox.AIReply {
						first = time.Now().Add(2 * time.Second)
						return sandbox.AIReply{Text: text, Delay: 2 * time.Second, Pace: time.Second / perSecond}
					})
					from := h.world(r).Next()
					began := time.Now()
					place := h.ask(r, "how does it work?")
					r.settle()
					rec := r.record(h.world(r), from).at(place)
					r.grows(rec, h.most)

					var stand []string
					for _, s := range rec.last() {
						stand = append(stand, s.text)
					}
					if want := h.pages(text); !slices.Equal(stand, want) {
						t.Errorf("in the end there stand %d messages, want %d:\n%q\n%q", len(stand), len(want), stand, want)
					}
					if n := h.refusals(r); n > 0 {
						t.Errorf("%d calls were refused", n)
					}
					delay := rec.sights[0].at - first.Sub(began)
					if delay > 300*time.Millisecond {
						t.Errorf("the first text was seen %v after the first token", delay)
					}
					took := rec.sights[len(rec.sights)-1].at - rec.sights[0].at
					gap := time.Duration(0)
					for i, s := range rec.sights[1:] {
						gap = max(gap, s.at-rec.sights[i].at)
					}
					if least := int(took / h.every * 9 / 10); len(rec.sights) < least {
						t.Errorf("in %v there were %d states, where the limits allow %d", took, len(rec.sights), took/h.every)
					}
					t.Logf("first text %v after the first token, %d states in %v, %v apart on average and at most %v, %d messages",
						delay, len(rec.sights), took, took/time.Duration(len(rec.sights)), gap, len(stand))
				})
			})
		}
	}
}
