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
	d.hard = 150
	md := "# Title\n\n" + strings.Repeat("a* ", 40) // each star takes a backslash
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
