package markup

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/yuin/goldmark/ast"
	east "github.com/yuin/goldmark/extension/ast"
)

// carry is what a page needs of the text before it.
type carry struct {
	text   string // Markdown that opens the constructs that were cut
	inline string // delimiters that were open, in effect only if they close
}

// level is how good a place for a cut is.
type level int

const (
	atBlock    level = iota // between top-level blocks
	atItem                  // between list items, table rows, blocks inside of those
	atLine                  // between lines
	atSentence              // after a full stop
	atWord                  // after a space
	atOrphan                // under a heading
	levels
)

// minFill is how much of a page, in percent, must be before a cut of each level for
// it to be preferred to a worse one that comes later.
var minFill = [levels]int{50, 50, 50, 40, 20, 0}

type candidate struct {
	pos   int
	node  ast.Node // the block, row or code block that goes on; nil inside a paragraph
	text  ast.Node // the text node that is cut, inside a paragraph
	level level
}

// cut chooses where the page that begins with carried and goes on with window ends.
// All of window has been found to be more than the page should hold. It returns the
// length of window that belongs to the page, and what the next page needs.
func cut(d *dialect, carried carry, window string, defs definitions) (int, carry) {
	if tangled(window) {
		return runeCut(window), carry{}
	}
	o := parseOpen(carried, window, defs)
	c := cutter{src: o.src, from: o.base, to: min(o.kept, o.base+len(window)-1)}
	c.visit(o.doc, 0)
	var length int
	var next carry
	if best, ok := c.best(len(window)); ok {
		length, next = best.pos-o.base, c.carryTo(best)
	} else {
		length = runeCut(window)
		next = c.carryInside(o.doc, min(o.base+length, len(c.src)))
	}
	if unitsOf(next.text) > d.soft/4 {
		next = carry{} // a table without its header is better than one row a page
	}
	return length, next
}

// cutter collects the places of one window where it may be cut.
type cutter struct {
	src      string
	from, to int
	places   []candidate
}

func (c *cutter) add(p candidate) {
	if p.pos > c.from && p.pos <= c.to {
		c.places = append(c.places, p)
	}
}

func (c *cutter) best(window int) (candidate, bool) {
	var last [levels]candidate
	var latest candidate
	for _, p := range c.places {
		if (p.pos-c.from)*100 >= minFill[p.level]*window && p.pos >= last[p.level].pos {
			last[p.level] = p
		}
		if p.pos >= latest.pos {
			latest = p
		}
	}
	for _, p := range last {
		if p.pos > 0 && p.level != atOrphan {
			return p, true
		}
	}
	return latest, latest.pos > 0
}

// visit adds the places inside n, which is nested in that many lists and quotes.
func (c *cutter) visit(n ast.Node, depth int) {
	for b := n.FirstChild(); b != nil; b = b.NextSibling() {
		if b.PreviousSibling() != nil && b.Pos() >= 0 {
			c.add(candidate{pos: c.lineStart(b.Pos()), node: b, level: blockLevel(b, depth)})
		}
		switch b := b.(type) {
		case *ast.FencedCodeBlock, *ast.CodeBlock:
			for i := 1; i < b.Lines().Len(); i++ {
				c.add(candidate{pos: c.lineStart(b.Lines().At(i).Start), node: b, level: atLine})
			}
		case *east.Table:
			row := b.FirstChild()
			if row != nil {
				row = row.NextSibling()
			}
			for row != nil {
				if row = row.NextSibling(); row != nil && row.Pos() >= 0 {
					c.add(candidate{pos: c.lineStart(row.Pos()), node: b, level: atItem})
				}
			}
		case *ast.List:
			c.visit(b, depth)
		case *ast.ListItem, *ast.Blockquote:
			c.visit(b, depth+1)
		default:
			if b.Type() == ast.TypeBlock {
				c.words(b)
			}
		}
	}
}

func blockLevel(b ast.Node, depth int) level {
	_, isItem := b.(*ast.ListItem)
	if prev := b.PreviousSibling(); prev != nil && prev.Kind() == ast.KindHeading {
		return atOrphan
	}
	switch {
	case depth == 0 && !isItem:
		return atBlock
	case depth <= 1 && (isItem || b.Parent().Kind() == ast.KindBlockquote):
		return atItem
	default:
		return atLine
	}
}

func (c *cutter) lineStart(pos int) int {
	return strings.LastIndexByte(c.src[:pos], '\n') + 1
}

// words adds the places between the words of a paragraph that are in no code span,
// link or address.
func (c *cutter) words(n ast.Node) {
	for t := n.FirstChild(); t != nil; t = t.NextSibling() {
		switch t := t.(type) {
		case *ast.Text:
			c.wordsOf(t)
		case *ast.Emphasis, *east.Strikethrough:
			c.words(t)
		}
	}
}

func (c *cutter) wordsOf(t *ast.Text) {
	if prev, ok := t.PreviousSibling().(*ast.Text); ok && (prev.SoftLineBreak() || prev.HardLineBreak()) && c.mayBegin(t.Segment.Start) {
		c.add(candidate{pos: t.Segment.Start, text: t, level: atLine})
	}
	start := t.Segment.Start
	before, spaced := ' ', false
	for i, r := range c.src[start:t.Segment.Stop] {
		if spaced && r != ' ' {
			c.word(start+i, t, before)
		} else if fullWidthStop(before) && !fullWidthStop(r) && r != ' ' {
			c.word(start+i, t, before)
		}
		if spaced = r == ' ' || r == '\t'; !spaced {
			before = r
		}
	}
	if spaced && t.NextSibling() != nil {
		c.word(t.Segment.Stop, t, before)
	}
}

// word adds the place before a word, if text may begin with it without turning into
// something else.
func (c *cutter) word(pos int, t ast.Node, before rune) {
	if !c.mayBegin(pos) {
		return
	}
	l := atWord
	if strings.ContainsRune(".!?…:;。！？", before) {
		l = atSentence
	}
	c.add(candidate{pos: pos, text: t, level: l})
}

func (c *cutter) mayBegin(pos int) bool {
	if pos >= len(c.src) || strings.IndexByte("-+*_#>|=~`:. \t\n", c.src[pos]) >= 0 {
		return false
	}
	digits := strings.TrimLeft(c.src[pos:min(len(c.src), pos+12)], "0123456789")
	return digits == "" || c.src[pos] == digits[0] || digits[0] != '.' && digits[0] != ')'
}

func fullWidthStop(r rune) bool {
	return r >= 0x3001 && strings.ContainsRune("、。，！？；：", r)
}

// runeCut returns where s is cut when there is no good place: after a space that is
// near the end, or else before the last character.
func runeCut(s string) int {
	tail := max(len(s)-60, len(s)/2)
	for !utf8.RuneStart(s[tail]) {
		tail++
	}
	if i := strings.LastIndexAny(s[tail:], "\n"); i >= 0 && tail+i+1 < len(s) {
		return tail + i + 1
	}
	if i := strings.LastIndexAny(s[tail:], " \t"); i >= 0 && tail+i+1 < len(s) {
		return tail + i + 1
	}
	_, size := utf8.DecodeLastRuneInString(s)
	end := len(s) - size
	for end > tail && joins(s[:end], s[end:]) {
		_, size = utf8.DecodeLastRuneInString(s[:end])
		end -= size
	}
	if end <= tail {
		end = len(s) - size
	}
	if end <= 0 {
		return len(s)
	}
	return end
}

// joins says whether a reader sees what ends a and what begins b as one character.
func joins(a, b string) bool {
	last, _ := utf8.DecodeLastRuneInString(a)
	first, _ := utf8.DecodeRuneInString(b)
	flag := func(r rune) bool { return r >= 0x1F1E6 && r <= 0x1F1FF }
	return extends(first) || first == '\uFE0F' || last == '\u200D' || last == '\\' ||
		flag(last) && flag(first) || unicode.Is(unicode.Mc, first)
}
