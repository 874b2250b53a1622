package markup

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
)

// answer is a long answer of the kind that models write.
var answer = strings.Repeat(strings.Join([]string{pieces[0], pieces[0], pieces[4], pieces[6], pieces[10], pieces[16], pieces[17]}, "\n"), 60)[:50<<10]

var lengths = []int{1 << 10, 30 << 10}

// BenchmarkRender renders a whole answer.
func BenchmarkRender(b *testing.B) {
	for _, x := range targets {
		for _, n := range lengths {
			b.Run(fmt.Sprintf("%s/%dKB", x.name, n>>10), func(b *testing.B) {
				md := answer[:n]
				b.SetBytes(int64(n))
				b.ReportAllocs()
				for b.Loop() {
					x.render(md)
				}
			})
		}
	}
}

// answers are short answers, each of what models write often.
var answers = map[string]string{
	"plain": "Here is what I found:" + strings.Repeat(" something", 38) + ", and that is all.",
	"list": "Here are the steps:\n\n1. Install the **daemon** on the host.\n2. Set `BOT_TOKEN` in the environment.\n3. Start it with `bobbin run`.\n\n" +
		"- one item of the list\n- another item, with *emphasis*\n  - nested below it\n",
	"code": "You can do it like this:\n\n```go\nfunc main() {\n\tfmt.Println(\"hello, world\")\n\tif err := run(); err != nil {\n\t\tlog.Fatal(err)\n\t}\n}\n```\n\n" +
		"Then run it with `go run .` and see what it prints.",
	"table": "The plans compare like this:\n\n| Plan | Price | Notes |\n|---|--:|---|\n| Free | 0 | for a start |\n| Pro | 20 | **most** people take it |\n" +
		"| Team | 200 | with `sso` |\n\nTake what fits.",
	"links": "See [the docs](https://example.com/docs/start?a=b) and https://example.com/blog for more. The [API reference](https://example.com/api_ref) has the details, " +
		"and **this [post](https://example.com/p)** says why.",
}

// BenchmarkAnswer renders a short answer, and one while it grows by two words at a time.
func BenchmarkAnswer(b *testing.B) {
	for _, kind := range slices.Sorted(maps.Keys(answers)) {
		md := answers[kind]
		for _, x := range targets {
			b.Run(kind+"/"+x.name, func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					x.render(md)
				}
			})
			b.Run(kind+"/"+x.name+"/growing", func(b *testing.B) {
				b.ReportAllocs()
				render, end := x.renderer().Render, 0
				for b.Loop() {
					if end += 10; end > len(md) {
						end = 10
					}
					render(md[:end])
				}
			})
		}
	}
}

// tokenLength is about what a token adds to an answer, in bytes.
const tokenLength = 4

// BenchmarkGrowth renders an answer after each token while it grows to its length, anew
// and with a Renderer. An operation is one rendering.
func BenchmarkGrowth(b *testing.B) {
	for _, x := range targets {
		for _, n := range lengths {
			name := fmt.Sprintf("%s/%dKB", x.name, n>>10)
			b.Run(name+"/anew", func(b *testing.B) { spread(b, n, x.render) })
			b.Run(name+"/renderer", func(b *testing.B) { growth(b, n, x.renderer().Render) })
		}
	}
}

// growth renders the states of the answer in their order over and over.
func growth(b *testing.B, n int, render func(string) []Page) {
	b.ReportAllocs()
	end := 0
	for b.Loop() {
		if end += tokenLength; end > n {
			end = tokenLength
		}
		render(answer[:end])
	}
}

// spread is growth in an order in which few states are already an average, for what
// takes long and remembers nothing.
func spread(b *testing.B, n int, render func(string) []Page) {
	b.ReportAllocs()
	states := n / tokenLength
	i := 0
	for b.Loop() {
		i = (i + states*382/1000) % states
		render(answer[:(i+1)*tokenLength])
	}
}

// hostile is text that makes careless parsers take quadratic time or worse.
var hostile = map[string]string{
	"brackets":        strings.Repeat("[", 50_000),
	"links":           strings.Repeat("[a](", 12_000),
	"images":          strings.Repeat("![[]()", 9_000),
	"emphasis":        strings.Repeat("*a **b ", 7_000),
	"emphasis pairs":  strings.Repeat("a**b_c~~d", 5_000),
	"underscores":     strings.Repeat("_ *", 16_000),
	"backticks":       strings.Repeat("`a``b```c", 5_000),
	"quotes":          strings.Repeat(">", 50_000),
	"quote lines":     strings.Repeat("> > > > > > > > > > a\n", 2_000),
	"lists":           strings.Repeat("- ", 25_000),
	"indented lists":  stairs(200),
	"open html":       strings.Repeat("<a b", 12_000),
	"open comments":   strings.Repeat("<!-- a ", 7_000),
	"entities":        strings.Repeat("&amp;&#60;", 5_000),
	"dollars":         strings.Repeat("$a ", 16_000),
	"open formulas":   strings.Repeat(`\(a `, 12_000),
	"display":         strings.Repeat("$$a\n", 12_000),
	"pipes":           strings.Repeat("|", 50_000),
	"tables":          strings.Repeat("|a|\n|-|\n", 6_000),
	"wide table":      strings.Repeat("|a", 900) + "\n" + strings.Repeat("|-", 900) + "\n" + strings.Repeat(strings.Repeat("|b", 900)+"\n", 25),
	"headings":        strings.Repeat("# a\n", 12_000),
	"fences":          strings.Repeat("```\n", 12_000),
	"definitions":     strings.Repeat("[a]: b\n", 7_000),
	"references":      strings.Repeat("[a] ", 12_000),
	"footnotes":       strings.Repeat("[^a]", 12_000),
	"blank lines":     strings.Repeat("\n", 50_000),
	"spaces":          strings.Repeat(" ", 50_000) + "x",
	"one word":        strings.Repeat("x", 50_000),
	"combining":       "a" + strings.Repeat("\u0301", 25_000),
	"family":          strings.Repeat("👩\u200d", 7_000),
	"escapes":         strings.Repeat(`\`, 50_000),
	"addresses":       strings.Repeat("http://a ", 5_000),
	"www":             strings.Repeat("www.a.b ", 6_000),
	"mail":            strings.Repeat("a@b.c ", 8_000),
	"at signs":        strings.Repeat("a@", 25_000),
	"autolinks":       strings.Repeat("<http://a", 5_000),
	"task boxes":      strings.Repeat("- [ ", 12_000),
	"nested emphasis": strings.Repeat("**a *b ", 3_000) + strings.Repeat("* **", 3_000),
}

func stairs(n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(strings.Repeat("  ", i) + "- a\n")
	}
	return b.String()
}

func BenchmarkHostile(b *testing.B) {
	for name, md := range hostile {
		for _, x := range targets {
			b.Run(strings.ReplaceAll(name, " ", "_")+"/"+x.name, func(b *testing.B) {
				for b.Loop() {
					x.render(md)
				}
			})
		}
	}
}
