package markup

import (
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// flavor is a target's family of mark-up.
type flavor int

const (
	flavorPlain flavor = iota
	flavorSlackBlocks
	flavorSlackText
	flavorDiscord
)

// dialect is what the renderer must know of a target.
type dialect struct {
	flavor flavor
	// soft is the budget of costs that a page's source may spend, hard the size that
	// its text may not exceed. What lies between absorbs what costs underestimate.
	soft, hard int
	// blocks is how many rendered blocks a page may come to; 0 is no limit.
	blocks          int
	headingCost     int
	escapesEntities bool // & < > are written as entities
	addresses       bool // the addresses of links are written out
	tableWidth      int  // columns of the widest table set as a code block
	ascii           *asciiCosts
}

// asciiCosts is what the characters of ASCII cost, as text, as code and at most in code.
type asciiCosts struct{ text, code, literal [utf8.RuneSelf]int }

func newDialect(d dialect) *dialect {
	d.ascii = &asciiCosts{}
	for r := range rune(utf8.RuneSelf) {
		d.ascii.text[r] = d.cost(r, false)
		d.ascii.code[r] = d.cost(r, true)
		d.ascii.literal[r] = d.literalCost(r)
	}
	return &d
}

// costs is cost for the characters of ASCII.
func (d *dialect) costs(code bool) *[utf8.RuneSelf]int {
	if code {
		return &d.ascii.code
	}
	return &d.ascii.text
}

var (
	plain = newDialect(dialect{flavor: flavorPlain, tableWidth: 80})
	// inCode is for text within a code block: an address is written out.
	inCode      = newDialect(dialect{flavor: flavorPlain, tableWidth: 80, addresses: true})
	slackBlocks = newDialect(dialect{flavor: flavorSlackBlocks, soft: 10000, hard: 11500, blocks: 40,
		headingCost: 100, escapesEntities: true, tableWidth: 100})
	slackText = newDialect(dialect{flavor: flavorSlackText, soft: 3800, hard: 4000,
		escapesEntities: true, tableWidth: 80})
	// Discord takes 2,000 units. The rest is left to the lines that frame an answer.
	discord = newDialect(dialect{flavor: flavorDiscord, soft: 1600, hard: 1690, tableWidth: 64})
)

// cost is what r may come to in the page's text, in UTF-16 units: characters that
// may need a backslash or a zero-width space count twice.
func (d *dialect) cost(r rune, code bool) int {
	if r >= utf8.RuneSelf {
		return max(utf16.RuneLen(r), 1)
	}
	if d.escapesEntities {
		switch r {
		case '&':
			return 5
		case '<', '>':
			return 4
		}
	}
	switch r {
	case '`':
		return 2
	case '\n':
		if !code {
			return 2
		}
	case '*', '_', '~', '|', '[', ']', '\\', '@', '<':
		if !code {
			return 2
		}
	}
	return 1
}

// literalCost is what r at most comes to in a code block.
func (d *dialect) literalCost(r rune) int {
	n := d.cost(r, true)
	if r == '<' && d.flavor == flavorSlackBlocks {
		n++ // for the zero-width space of disarmCode
	}
	return n
}

// fenceCost is the size of the fence around a block of code without a language.
const fenceCost = 8

// size is how much of the hard limit s takes.
func (d *dialect) size(s string) int {
	n := unitsOf(s)
	if d.flavor == flavorSlackBlocks { // Slack counts what it escapes itself, in code
		n += 3 * (strings.Count(s, "<") + strings.Count(s, ">"))
	}
	return n
}

// over says whether s takes more than the hard limit.
func (d *dialect) over(s string) bool {
	return 4*len(s) > d.hard && d.size(s) > d.hard // the size is at most 4 for each byte
}

// unitsOf is the length of s in UTF-16 units.
func unitsOf(s string) int {
	n := asciiPrefix(s)
	for _, r := range s[n:] {
		n += max(utf16.RuneLen(r), 1)
	}
	return n
}

// asciiPrefix is the length of the beginning of s that is ASCII.
func asciiPrefix(s string) int {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return i
		}
	}
	return len(s)
}

// entityEscaper writes text so that Slack reads nothing in it as a mention or link.
var entityEscaper = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;")

// verbatim shows src literally in a code block. The source of a table whose cost was
// mistaken may be too much even for that, and then lacks its end.
func verbatim(d *dialect, src string) string {
	src = strings.Trim(src, "\n")
	if strings.TrimSpace(src) == "" {
		return ""
	}
	room := d.hard - fenceCost - 2
	for i, r := range src {
		if room -= d.literalCost(r); room < 0 {
			src = src[:i] + "…"
			break
		}
	}
	return fence(d, "", src)
}

// fence puts code into a fence. No platform is known to read fences longer than
// three, so a fence inside the code is broken by zero-width spaces instead.
func fence(d *dialect, language, code string) string {
	code = strings.ReplaceAll(code, "``", "`"+zeroWidth+"`"+zeroWidth)
	switch d.flavor {
	case flavorSlackText:
		language, code = "", entityEscaper.Replace(code)
	case flavorSlackBlocks:
		code = disarmCode(code)
	case flavorPlain:
		return code
	case flavorDiscord:
	}
	return "```" + language + "\n" + code + "\n```"
}
