package slack

import (
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"bobbin/bots"
	"bobbin/bots/markup"
)

// wordMost is the longest word that is held back until it is complete, in bytes.
const wordMost = 64

// continuations are ways in which Markdown may go on, such that each construct is
// continued, ended, or turned into something else by one of them.
var continuations = []string{"x", " x", "x\n\nx", "x*", "x**", "x`", "x](https://x.example)", "(https://x.example", "\n\n- x"}

// tableContinuations are those of a line that may be a row of a table.
var tableContinuations = []string{
	"\n| " + strings.Repeat("w", 90) + " | w | w |\n", "\n|---|---|\n| " + strings.Repeat("w", 90) + " | w |\n",
}

// certainText is the beginning of m.Text that will not look different when the Markdown
// goes on: what has been appended to a stream stays. It ends before a character that is
// no space, as Slack may drop the spaces that a chunk begins with.
func certainText(m bots.Message) string {
	text := m.Text
	if again := markup.Slack(m.Source); len(again) != 1 || again[0].Text != text {
		return "" // it depends on an earlier page
	}
	ways := continuations
	if trimmed := strings.TrimRight(m.Source, "\n"); strings.Contains(trimmed[strings.LastIndexByte(trimmed, '\n')+1:], "|") {
		ways = slices.Concat(ways, tableContinuations)
	}
	for _, c := range ways {
		pages := markup.Slack(m.Source + c)
		if len(pages) == 0 {
			return ""
		}
		text = text[:common(text, pages[0].Text)]
	}
	return text[:untorn(text, wordEnd(text))]
}

// spans are links, emphasis and code within a line.
var spans = regexp.MustCompile("!?\\[[^\\]\n]*\\]\\([^()\\s]*\\)|`[^`\n]+`|\\*{3}.+?\\*{3}|\\*\\*.+?\\*\\*|\\*[^*\n]+\\*|~~.+?~~")

// untorn is where to cut a text instead of at cut, if that lies within a span: of half of it,
// people would see the mark-up.
func untorn(text string, cut int) int {
	line := strings.LastIndexByte(text[:cut], '\n') + 1
	for _, s := range spans.FindAllStringIndex(text[line:], -1) {
		if line+s[0] < cut && cut < line+s[1] {
			return line + s[0]
		}
	}
	return cut
}

// common is the length of the beginning that two texts share, in whole characters.
func common(a, b string) int {
	n := 0
	for n < len(a) && n < len(b) && a[n] == b[n] {
		n++
	}
	for n > 0 && n < len(a) && !utf8.RuneStart(a[n]) {
		n--
	}
	return n
}

// wordEnd is where the last word of a text begins, or its last character if the word is
// very long or the script has no spaces.
func wordEnd(text string) int {
	text = strings.TrimRight(text, " \t\r\n")
	if space := strings.LastIndexAny(text, " \t\r\n"); len(text)-space <= wordMost {
		return space + 1
	}
	_, size := utf8.DecodeLastRuneInString(text)
	return len(text) - size
}
