package markup

import (
	"html"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"
)

// maxRetracted is how many characters at the end of what is shown may be taken back:
// "1" may become a list, and "!" an image.
const maxRetracted = 3

// watch renders md as it grows by steps and fails when something that was shown is
// taken back: but for the last few characters, what people see must begin with what they
// saw before. Spaces and line breaks do not count; they may turn from one to the other.
// What they see is told by each of looks.
//
// What ends with a bracket is no measure of what follows: [label] must be shown, since
// it may be all there is, and is a link all the same when a parenthesis comes.
func (x target) watch(t failer, name, md string, step func() int, looks ...func([]Page) string) {
	t.Helper()
	r := x.renderer()
	shown, at := make([]string, len(looks)), 0
	for end := 0; end < len(md); {
		end = min(len(md), end+step())
		for end < len(md) && !utf8.RuneStart(md[end]) {
			end++
		}
		if strings.HasSuffix(md[:end], "]") {
			continue
		}
		pages := r.Render(md[:end])
		for i, look := range looks {
			now, stays := look(pages), shown[i]
			for range maxRetracted {
				_, size := utf8.DecodeLastRuneInString(stays)
				stays = stays[:len(stays)-size]
			}
			if !strings.HasPrefix(now, stays) {
				k := 0
				for k < len(now) && k < len(stays) && now[k] == stays[k] {
					k++
				}
				k = max(0, k-20)
				t.Fatalf("%s: %s: between %q and %q:\n was %q\n now %q", x.name, name, md[max(0, at-30):at], md[max(0, at-30):end], shown[i][k:], now[k:])
			}
			shown[i] = now
		}
		at = end
	}
}

var blanks = strings.NewReplacer(" ", "", "\n", "", "\u00a0", "", zeroWidth, "")

// words is what pages say, without mark-up. Plain is made from the same reading of the
// Markdown as Text.
func words(pages []Page) string {
	var b strings.Builder
	for _, p := range pages {
		b.WriteString(p.Plain)
	}
	return strings.TrimSuffix(blanks.Replace(html.UnescapeString(b.String())), placeholder)
}

var (
	shownLink = regexp.MustCompile(`\[((?:\\.|[^\[\]\\])*)\]\(<?[^()\s]*\)`)
	shownMark = regexp.MustCompile("\\\\(.)|\\*+|~~|`+(?:[a-z]+\n)?|_|(?m:^(?:> ?|#+ |- )+)")
)

// seen is what people see of the text of pages on Discord and in a markdown block, found
// from the text itself.
func seen(pages []Page) string {
	var b strings.Builder
	for _, p := range pages {
		b.WriteString(p.Text)
	}
	text := shownLink.ReplaceAllString(b.String(), "$1")
	text = shownMark.ReplaceAllString(text, "$1")
	return strings.TrimSuffix(blanks.Replace(html.UnescapeString(text)), placeholder)
}

// flickers are the golden files with Markdown that cannot be shown for what it is before
// it is complete, and why.
var flickers = map[string]string{
	"cut-bold-never-closed.txtar": "bold that is not closed is text after all",
	"breaks.txtar":                "one tilde strikes text through only when another closes it",
	"emphasis.txtar":              "a star within a word may be no emphasis",
}

func TestWhatIsShownOfAGrowingDocumentIsNotTakenBackNorIsMarkUpSeen(t *testing.T) {
	for name, md := range goldenInputs(t) {
		if flickers[name] != "" {
			continue
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			looks := []func([]Page) string{words, seen}
			// The words of a table in columns take turns, and www. gets its http:// when it
			// is known for an address.
			if strings.Contains(md, "|") || name == "links.txtar" {
				looks = looks[:1]
			}
			targets[2].watch(t, name, md, func() int { return 2 }, looks...)
			targets[0].watch(t, name, md, func() int { return 5 }, looks...)
		})
	}
}

// constructs are complete pieces of Markdown as models write it.
var constructs = []string{
	"# Title of *it*\n\n", "## With `code`\n", "Some **bold and *nested* text** with `code span` and ~~gone~~ words.\n\n",
	"See <https://x.y/z> and https://a.b/c_d_e.\nNext line with 2 * 3, a\\*b and snake_case_x.\n\n",
	"- one **b**\n- two\n  - three `x`\n  - [x] done\n  - [ ] open\n\n", "1. first\n2. second\n   - inner\n\n   more\n3. third\n\n",
	"> quote *it*\n> more\n>\n> - item\n\n", "```go\nfunc main() {\n\tx := a[`b`]\n}\n```\n\n", "````md\n```\ninner\n```\n````\n",
	"| A | B |\n|---|--:|\n| a | 1 |\n| **b** | 2 |\n\n", "Intro:\n| A | [B](https://b.c) |\n|---|:-:|\n| a | [c](https://c.d) |\n| d | |\n\n",
	"Done<br>now <b>x</b> and see [the *docs*](https://example.com/x_(y) \"title\").\n\n", "---\n\n", "***both*** __under__ end.\n",
	"![A chart](https://example.com/c.png) and [![badge](https://e.f/b.svg)](https://e.f)\n\n", "Dear [Name], see [1] and [the notes][n] or a[i][j].\n\n",
	"A claim[^1].\n\n[^1]: A note with [docs](https://example.com).\n\n", "[n]: https://example.com/notes \"Notes\"\n\n",
	"Take $x^2 + y$ or \\(a_1 * b\\), not $5 or $HOME.\n\n$$\n\\sum_{i=0}^n i\n$$\n\n\\[ E = mc^2 \\]\n\n",
	"これは**「重要」**です。 **太字。**次の文\n\n", "<details><summary>More</summary>\n\nInside.\n\n</details>\n\n<!-- a comment -->\n\n",
	"a &amp; b &lt;c&gt; &copy; &#60; AT&T, 5 < 6 > 4, List<String> <your-name>\n\n", "@everyone <!channel> <@U123> <t:1700000000:R> :smile: ||no||\n\n",
	"x *(aside)* and **[bold link](https://b.c)** and **`bold code`**: end\n\n", "H<sub>2</sub>O, x<sup>n+1</sup> <kbd>Ctrl</kbd> <a href=\"https://x.y\">z</a>\n\n", "* star\n  ```sh\n  ls -la\n  ```\n* plus\n\n",
}

func TestWhatIsShownOfAnyGrowingAnswerIsNotTakenBack(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		md := strings.Join(rapid.SliceOfN(rapid.SampledFrom(constructs), 1, 6).Draw(t, "constructs"), "")
		x := rapid.SampledFrom(targets).Draw(t, "target")
		token := rapid.IntRange(1, 6)
		looks := []func([]Page) string{words, seen}
		if x.name == "slacktext" || strings.Contains(md, "| A |") {
			looks = looks[:1]
		}
		x.watch(t, "constructs", md, func() int { return token.Draw(t, "token") }, looks...)
	})
}

// A table may turn from columns into a list when its first row is seen, and never again.
func TestAGrowingTableTakesItsLayoutOnce(t *testing.T) {
	for name, md := range goldenInputs(t) {
		if !strings.HasPrefix(name, "table") || name == "table-loose.txtar" {
			continue
		}
		head := strings.LastIndex(md, "-|") // of the line of dashes
		if c := strings.LastIndex(md, ":|"); c > head {
			head = c
		}
		decided := head + 3 + strings.IndexByte(md[head+3:]+"\n", '\n')
		for _, x := range targets[1:] {
			var layouts []bool // whether there are columns, each time that it changes
			for i := range md {
				pages := x.render(md[:i])
				if len(pages) == 0 {
					continue
				}
				columns := strings.Contains(pages[0].Text, "─")
				if n := len(layouts); n > 0 && layouts[n-1] == columns {
					continue
				}
				if layouts = append(layouts, columns); i > decided+1 || len(layouts) > 3 {
					t.Fatalf("%s: %s: the layout changed %d times, now after %q: %s", name, x.name, len(layouts)-1, md[:i], pages[0].Text)
				}
			}
		}
	}
}

// Code that is being written is one code block from its first line on.
func TestAnOpenFenceStaysOneCodeBlock(t *testing.T) {
	md := "Text:\n\n````go\na := `x`\n\n```\n~~~\n# b\n| c |\n|---|\n    d\n- e\n````\n\nEnd"
	start, end := strings.Index(md, "a :="), strings.LastIndex(md, "\n\nEnd")
	for _, x := range targets {
		for i := start + 1; i <= end; i++ {
			text := x.render(md[:i])[0].Text
			if strings.Count(text, "```") != 2 || !strings.HasSuffix(text, "\n```") {
				t.Fatalf("%s: after %q: %s", x.name, md[:i], text)
			}
		}
	}
}
