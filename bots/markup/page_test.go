package markup

import (
	"strings"
	"testing"
)

func TestBlankMarkdownHasNoPages(t *testing.T) {
	for _, x := range targets {
		for _, md := range []string{"", " ", "\n\t\n  "} {
			if pages := x.render(md); len(pages) != 0 {
				t.Errorf("%s(%q) has %d pages", x.name, md, len(pages))
			}
		}
	}
}

func TestMarkdownWithNothingToShowKeepsItsSource(t *testing.T) {
	long := "<!-- " + strings.Repeat("unseen ", 2000) + "-->"
	for _, x := range targets {
		for _, md := range []string{"**", "```", "<!-- x -->", "[a]: https://b.c", "text\n\n<!-- x -->"} {
			pages := x.render(md)
			x.check(t, md, pages)
			if len(pages) != 1 {
				t.Errorf("%s(%q) has %d pages", x.name, md, len(pages))
			}
		}
		x.check(t, long, x.render(long))
	}
}

func TestHostileTextGivesProperPages(t *testing.T) {
	for name, md := range hostile {
		t.Run(name, func(t *testing.T) {
			md := strings.ToValidUTF8(md[:min(len(md), 3_000)], "")
			for _, x := range targets {
				x.check(t, md, x.render(md))
			}
		})
	}
}

// While a person reads along, text that has been shown should stay. Marks may come and
// go at the end only, which the plain form does not have.
func TestTypingDoesNotFlicker(t *testing.T) {
	md := "# Title of *it*\n\nSome **bold and *nested* text** with `code span` and ~~gone~~ words. " +
		"See <https://x.y/z> and https://a.b/c_d_e.\nNext line with 2 * 3, a\\*b and snake_case_x.\n\n" +
		"- one **b**\n- two\n  - three `x`\n  - [x] done\n1. first\n2. second\n\n> quote *it*\n> more\n\n" +
		"```go\nfunc main() {}\n```\n\n| A | B |\n|---|--:|\n| a | 1 |\n| **b** | 2 |\n\n" +
		"Done<br>now <b>x</b> and see [the *docs*](https://example.com/x).\n\n---\n\n***both*** __under__ end."
	for _, x := range targets {
		t.Run(x.name, func(t *testing.T) {
			shown := ""
			for i := 1; i <= len(md); i++ {
				pages := x.render(md[:i])
				if len(pages) != 1 {
					t.Fatalf("%q has %d pages", md[:i], len(pages))
				}
				now := pages[0].Plain
				stable := strings.TrimRight(shown, " |])☐…")
				stable = strings.TrimSuffix(strings.TrimRight(stable, " \n"), "•")
				if !strings.HasPrefix(bare(now), bare(stable)) {
					t.Errorf("after %q:\n was %q\n now %q", md[max(0, i-10):i], shown, now)
				}
				shown = now
			}
		})
	}
}

// bare is without the spaces and the brackets that a link in the making may show.
func bare(s string) string {
	return strings.NewReplacer(" ", "", "\n", "", "[", "", "]", "").Replace(s)
}

func TestAPageThatComesOutTooLargeIsMadeSmaller(t *testing.T) {
	d := *discord
	d.hard = d.soft / 2 // costs are not this far off
	pages := paginate(answer[:20_000], &d)
	for i, p := range pages[:len(pages)-1] {
		if d.size(p.Text) > d.hard {
			t.Fatalf("page %d has %d units", i, d.size(p.Text))
		}
		if strings.HasPrefix(p.Text, "```\n#") {
			t.Fatalf("page %d is %.60q", i, p.Text)
		}
	}
}

func TestALastPageThatComesOutTooLargeIsShownAsItsSource(t *testing.T) {
	d := *discord
	d.hard = 118
	md := "# Title\n\n" + strings.Repeat("[* ", 30) // each star takes a backslash
	pages := paginate(md, &d)
	if len(pages) != 1 || !strings.HasPrefix(pages[0].Text, "```\n# Title\n") {
		t.Fatalf("the first of %d pages has %d units: %q", len(pages), d.size(pages[0].Text), pages[0].Text)
	}
}

func TestLinesThatContinueAQuoteAreCountedWithTheirMark(t *testing.T) {
	pages := Discord("> a\n" + strings.Repeat("b\n", 900))
	for i, p := range pages {
		if !strings.HasPrefix(p.Text, "> ") {
			t.Fatalf("page %d is %.60q", i, p.Text)
		}
	}
}

func TestPagesAreWellFilled(t *testing.T) {
	for _, x := range targets {
		pages := x.render(answer)
		for i, p := range pages[:len(pages)-1] {
			// A markdown block may be full at 40 rendered blocks.
			if x.name != "slack" && x.dialect.size(p.Text) < x.dialect.soft/3 {
				t.Errorf("%s: page %d of %d has only %d units", x.name, i, len(pages), x.dialect.size(p.Text))
			}
		}
		t.Logf("%s: %d pages", x.name, len(pages))
	}
}

func TestPagesOfTablesAreWellFilled(t *testing.T) {
	for name, row := range map[string]string{
		"columns":  "| short | %d | a cell of some words | 12.5 |\n",
		"mark-up":  "| **bold** | `code` | *a* | ~~b~~ |\n",
		"wide":     "| 漢字かな | 値 | 説明の文 | 👍 |\n",
		"set":      "| name             | value | text                   |   1 |\n",
		"list":     "| Streaming | Shows the answer while it is written, and says what is going on | Edits | none |\n",
		"links":    "| [docs](https://example.com/docs) | a | b | c |\n",
		"unfenced": "short | value | a cell of some words | 12.5\n",
	} {
		md := "| A | B | C | D |\n|---|---|---|--:|\n" + strings.Repeat(row, 100)
		for _, x := range targets[1:] {
			pages := x.render(md)
			x.check(t, md, pages)
			for i, p := range pages[:len(pages)-1] {
				if n := x.dialect.size(p.Text); n < x.dialect.soft*3/4 {
					t.Errorf("%s: %s: page %d of %d has only %d units", name, x.name, i, len(pages), n)
				}
			}
		}
	}
}

func TestSlackPagesStayBelowTheBlockLimit(t *testing.T) {
	for i, p := range Slack(strings.Repeat("# Head\n\nText.\n\n- item\n\n---\n\n", 100)) {
		// No two of these lines can share a rendered block.
		if n := strings.Count(p.Text, "\n\n") + 1; n > slackBlocks.blocks+2 {
			t.Errorf("page %d comes to %d blocks", i, n)
		}
	}
}
