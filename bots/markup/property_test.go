package markup

import (
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"
)

// target is one of the package's renderers and what must hold for each of its pages.
type target struct {
	name    string
	dialect *dialect
	render  func(string) []Page
	// renderer is render with a memory.
	renderer func() *Renderer
	live     func(text string) string // what the platform would act on, if anything
}

var targets = []target{
	{"slack", slackBlocks, Slack, NewSlack, liveOnSlack},
	{"slacktext", slackText, SlackText, newSlackText, liveOnSlack},
	{"discord", discord, Discord, NewDiscord, liveOnDiscord},
}

func newSlackText() *Renderer { return &Renderer{dialect: slackText, max: maxRemembered} }

var (
	slackToken = regexp.MustCompile(`<(?:!(?:here|channel|everyone|subteam|date)|[@#][A-Z0-9])`)
	discordOne = regexp.MustCompile(`(?i)@(?:everyone|here)|<(?:@|#|/|a?:|t:|id:)`)
)

// withoutCode removes what the platforms show as code.
func withoutCode(text string) string {
	var b strings.Builder
	code := false
	for l := range strings.SplitSeq(text, "\n") {
		if strings.HasPrefix(strings.TrimLeft(l, "->0123456789. "), "```") {
			code = !code
		} else if !code {
			b.WriteString(l + "\n")
		}
	}
	rest, text := b.String(), ""
	for i := 0; i < len(rest); {
		switch {
		case rest[i] == '\\' && i+1 < len(rest):
			text += "\\."
			i += 2
		case rest[i] == '`':
			n := run(rest, i)
			if end := closingTicks(rest, i+n, n); end > 0 {
				text += "`"
				i = end
				continue
			}
			i += n
		default:
			text += rest[i : i+1]
			i++
		}
	}
	return text
}

func liveOnSlack(text string) string {
	if live := slackToken.FindString(text); live != "" {
		return live // not even in code
	}
	outside := withoutCode(text)
	for i := strings.IndexByte(outside, '<'); i >= 0; {
		rest := strings.ToLower(outside[i:])
		if !strings.HasPrefix(rest, "<http") && !strings.HasPrefix(rest, "<mailto:") && !strings.HasPrefix(rest, "<tel:") {
			return rest[:min(len(rest), 20)]
		}
		next := strings.IndexByte(outside[i+1:], '<')
		if next < 0 {
			break
		}
		i += 1 + next
	}
	return ""
}

func liveOnDiscord(text string) string { return discordOne.FindString(withoutCode(text)) }

type failer interface {
	Helper()
	Fatalf(string, ...any)
}

// check fails unless pages are a proper rendering of md.
func (x target) check(t failer, md string, pages []Page) {
	t.Helper()
	var joined strings.Builder
	for i, p := range pages {
		joined.WriteString(p.Source)
		switch {
		case strings.TrimSpace(p.Text) == "":
			t.Fatalf("%s: page %d is blank, of %q", x.name, i, p.Source)
		case strings.TrimSpace(p.Plain) == "":
			t.Fatalf("%s: page %d has a blank fallback, of %q", x.name, i, p.Source)
		case !utf8.ValidString(p.Text) || !utf8.ValidString(p.Plain):
			t.Fatalf("%s: page %d is not UTF-8: %q", x.name, i, p.Text)
		case strings.Contains(p.Text, sentinel) || strings.Contains(p.Plain, sentinel):
			t.Fatalf("%s: page %d shows the sentinel: %q", x.name, i, p.Text)
		case x.dialect.size(p.Text) > x.dialect.hard:
			t.Fatalf("%s: page %d has %d units", x.name, i, x.dialect.size(p.Text))
		case unitsOf(p.Plain) > maxPlain:
			t.Fatalf("%s: page %d has a fallback of %d units", x.name, i, unitsOf(p.Plain))
		case strings.Count(p.Text, "```")%2 != 0:
			t.Fatalf("%s: page %d has a fence without its end: %q", x.name, i, p.Text)
		case utf8.ValidString(md) && !utf8.ValidString(p.Source):
			t.Fatalf("%s: page %d cuts a character: %q", x.name, i, p.Source)
		}
		if live := x.live(p.Text); live != "" {
			t.Fatalf("%s: page %d has the live %q: %q", x.name, i, live, p.Text)
		}
		if x.dialect.escapesEntities && strings.ContainsAny(p.Plain, "<>") {
			t.Fatalf("%s: page %d has a live fallback: %q", x.name, i, p.Plain)
		}
	}
	if strings.TrimSpace(md) == "" {
		if len(pages) > 0 {
			t.Fatalf("%s: blank Markdown has pages", x.name)
		}
		return
	}
	if joined.String() != md {
		t.Fatalf("%s: the sources are not the Markdown:\n%q\n%q", x.name, joined.String(), md)
	}
}

// document draws Markdown of any kind, of so many pieces at most. A dozen take several pages
// on Discord.
func document(t *rapid.T, most int) string {
	var b strings.Builder
	for range rapid.IntRange(1, most).Draw(t, "pieces") {
		b.WriteString(rapid.SampledFrom(pieces).Draw(t, "piece"))
		if rapid.IntRange(0, 5).Draw(t, "noise") == 0 {
			b.WriteString(rapid.StringOfN(rapid.RuneFrom([]rune("*_~`[]()<>#-+|!&\\@ \n\tab1.$:/é漢👍\u200d")), 1, 60, -1).Draw(t, "text"))
		}
	}
	return b.String()
}

var pieces = []string{
	"A plain sentence of some words. And another one, **bold** and *italic*, that ends.\n\n",
	strings.Repeat("lorem ipsum dolor sit amet ", 30) + "\n\n",
	strings.Repeat("Long **bold text that goes on and on. ", 20),
	"**bold that closes** and `code span` [link](https://example.com/a_b?c=d) <!channel> <@U123> @everyone\n",
	"# Heading\n\n", "#### Deep heading\n",
	"- item one\n  - nested item\n    - deeper item with **bold**\n- item two\n",
	"1. first\n1. second\n   continued\n\n   - inner\n1. third\n",
	"    - indented item\n", "  continued\n", "   4. four\n",
	"```go\nfunc main() {\n\tfmt.Println(\"<!here>\")\n}\n```\n\n",
	"````\n```\nnested fence\n```\n````\n", "~~~python\nprint(1)\n", "```\n",
	strings.Repeat("x = x + 1 // a line of code\n", 40),
	"- list with code\n  ```sh\n  ls -la\n" + strings.Repeat("  echo hello world\n", 60) + "  ```\n",
	"> quote\n> > nested quote\n> ```\n> code\n" + strings.Repeat("> more code in a quote\n", 50),
	"| A | B |\n|---|--:|\n| a | 1 |\n| long cell `x` | 2 |\n",
	"| Name | Value |\n|---|---|\n" + strings.Repeat("| some name | a value of it |\n", 60),
	"| " + strings.Repeat("wide header | ", 12) + "\n|" + strings.Repeat("---|", 12) + "\n" + strings.Repeat("| "+strings.Repeat("cell | ", 12)+"\n", 6),
	strings.Repeat("unbreakable", 300) + "\n", strings.Repeat("漢字かな。", 120) + "\n\n",
	strings.Repeat("👩‍👩‍👧‍👦", 60) + "\n", "https://example.com/" + strings.Repeat("path_", 100) + "\n\n",
	"[ref]: https://ref.example\n\n", "[text][ref] and [^1]\n\n[^1]: A note.\n\n",
	"---\n\n", "text\n---\n", "![img](https://x/y.png)<br>x <b>b</b> <T>\n", "\\(a_1 * b\\) and $x^2$\n\\[\nE = mc^2\n\\]\n\n",
	"- [ ] todo\n- [x] done\n", "&lt;!here&gt; &amp;lt; &#60;@U1> <\n", "\r\n", "\n\n\n",
	"[half](htt", "**", "`", "_", "[", "<", "~~", "$$",
	strings.Repeat("`code span that is rather long` ", 30), strings.Repeat("> ", 30) + "deep\n", strings.Repeat("[", 300),
}

func TestPagesAreProperForAnyDocument(t *testing.T) {
	for _, x := range targets {
		t.Run(x.name, func(t *testing.T) {
			t.Parallel()
			rapid.Check(t, func(t *rapid.T) {
				md := document(t, 30)
				x.check(t, md, x.render(md))
			})
		})
	}
}

func TestFullPagesStayAsTheyAreWhileTheDocumentGrows(t *testing.T) {
	for _, x := range targets {
		t.Run(x.name, func(t *testing.T) {
			t.Parallel()
			rapid.Check(t, func(t *rapid.T) {
				md := document(t, 30)
				whole := x.render(md)
				for range 4 {
					end := rapid.IntRange(0, len(md)).Draw(t, "end")
					for end > 0 && end < len(md) && !utf8.RuneStart(md[end]) {
						end--
					}
					part := x.render(md[:end])
					x.check(t, md[:end], part)
					for i := range len(part) - 1 {
						if i >= len(whole) || part[i] != whole[i] {
							t.Fatalf("page %d of the first %d bytes changed:\n%q\n%q", i, end, part[i], whole[min(i, len(whole)-1)])
						}
					}
				}
			})
		})
	}
}
