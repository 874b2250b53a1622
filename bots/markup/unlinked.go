package markup

import (
	"bytes"

	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/text"
	"github.com/yuin/goldmark/util"
)

// unlinked parses text without any bare URL as the parser markdown does, node for node,
// but does not look for one after each space, which is most of the work.
var unlinked = newParser(parser.WithASTTransformers(
	util.Prioritized(lastWords{}, 50),
	util.Prioritized(tagStyles{}, 100),
))

// addressless says whether unlinked may parse src. What hides delimiters from the parser
// is left to markdown: escapes, and more tildes than strike a text through.
func addressless(src []byte) bool {
	for _, s := range []string{"@", "://", "www.", `\`, "~~~"} {
		if bytes.Contains(src, []byte(s)) {
			return false
		}
	}
	return true
}

// lastWords gives the last word of each line a node of its own, as the parser leaves it
// when it has looked for a URL there. Where text may be cut, and what an entity is,
// depends on it.
type lastWords struct{}

func (l lastWords) Transform(doc *ast.Document, reader text.Reader, _ parser.Context) {
	l.blocks(doc, reader.Source())
}

func (l lastWords) blocks(n ast.Node, src []byte) {
	for b := n.FirstChild(); b != nil; b = b.NextSibling() {
		if b.Type() == ast.TypeBlock {
			l.blocks(b, src)
		} else {
			l.lines(n, src)
			if t, ok := n.LastChild().(*ast.Text); ok && !endsLine(t) && isRest(t.Segment.Value(src)) {
				l.split(t, n.Lines().At(n.Lines().Len()-1).Stop, src)
			}
			return
		}
	}
}

// lines splits the texts in n that a line of it ends with, but for the last line.
func (l lastWords) lines(n ast.Node, src []byte) {
	for c := n.FirstChild(); c != nil; c = c.NextSibling() {
		t, ok := c.(*ast.Text)
		switch {
		case ok && endsLine(t):
			end := t.Segment.Stop + bytes.IndexByte(src[t.Segment.Stop:], '\n')
			if t.HardLineBreak() {
				end -= len("  ")
			}
			l.split(t, end, src)
		case !ok && c.Kind() != ast.KindCodeSpan:
			l.lines(c, src)
		}
	}
}

func endsLine(t *ast.Text) bool { return t.SoftLineBreak() || t.HardLineBreak() }

// split makes two nodes of t, which the parser read up to end and then trimmed. The
// second begins at the last space or parenthesis.
func (lastWords) split(t *ast.Text, end int, src []byte) {
	start, stop := t.Segment.Start, t.Segment.Stop
	at := end - 1
	for at > start && src[at] != ' ' && src[at] != '\t' && src[at] != '(' {
		at--
	}
	if at <= start {
		return
	}
	if p, ok := t.PreviousSibling().(*ast.Text); ok && goesOn(p, start, src) {
		p.Segment.Stop = at
		t.Segment = text.NewSegment(at, max(at, stop))
		return
	}
	word := ast.NewTextSegment(text.NewSegment(at, max(at, stop)))
	word.SetSoftLineBreak(t.SoftLineBreak())
	word.SetHardLineBreak(t.HardLineBreak())
	t.SetSoftLineBreak(false)
	t.SetHardLineBreak(false)
	t.Segment.Stop = at
	t.Parent().InsertAfter(t.Parent(), t, word)
}

// goesOn says whether the parser adds what it finds at start to t: not if t ends with a
// delimiter, which is no text before the end of the block. An open bracket is text as
// soon as another one closes it.
func goesOn(t *ast.Text, start int, src []byte) bool {
	if t.Segment.Stop != start || endsLine(t) || start == 0 {
		return false
	}
	switch src[start-1] {
	case '*', '_', '~':
		return false
	case '[':
		return src[start] == ']'
	default:
		return true
	}
}

// isRest says whether s is what the parser was left with at the end of a line: nothing
// after its first character might have been the beginning of something else.
func isRest(s []byte) bool {
	return len(s) == 0 || !bytes.ContainsAny(s[1:], "$`[]!<*_~")
}
