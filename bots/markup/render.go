package markup

import (
	"bytes"
	"strings"
	"sync"

	"github.com/yuin/goldmark/ast"
	east "github.com/yuin/goldmark/extension/ast"
)

// line is one line of a page. A flush line is not indented by the lists around it:
// the inside of a code block, where the platform would show the indentation.
type line struct {
	prefix string // what the lists and quotes around the text put before it
	text   string
	flush  bool
}

func (l line) blank() bool { return l.prefix == "" && l.text == "" }

// renderer writes a parsed piece of Markdown in a dialect.
type renderer struct {
	*dialect
	src []byte
	// referred are the labels that have been referred to on this page; it is nil
	// if there are no definitions that this could matter for.
	referred map[string]bool
	known    definitions
	spare    *spare
}

// spare are buffers that are free for what is written next.
type spare struct {
	lines        []line
	out, pending []byte
}

var spares = sync.Pool{New: func() any { return &spare{} }}

func (s *spare) put() {
	clear(s.lines[:cap(s.lines)]) // which would hold on to the text
	spares.Put(s)
}

// written is a page's text, as it is before it is trimmed.
type written struct {
	text string
	ends []int // how long the text is after each top-level block
}

// trimmed is the text. Indentation at its very beginning could make the first line
// code.
func (w written) trimmed() string { return strings.Trim(w.text, " \t\n") }

// render writes o in dialect d, after what has been written of the page before.
func render(d *dialect, before string, o opened) written {
	free, _ := spares.Get().(*spare)
	defer free.put()
	r := renderer{dialect: d, src: o.raw, spare: free}
	if o.defines {
		r.referred, r.known = map[string]bool{}, o.known
	}
	var w written
	var b strings.Builder
	b.Grow(len(before) + len(o.src) + len(o.src)/4)
	b.WriteString(before)
	for n := o.doc.FirstChild(); n != nil; n = n.NextSibling() {
		lines := r.block(free.lines[:0], n, 0)
		if len(lines) > 0 && b.Len() > 0 && r.apart(n) {
			b.WriteByte('\n')
		}
		for _, l := range lines {
			if b.Len() > 0 {
				b.WriteByte('\n')
			}
			b.WriteString(l.prefix)
			b.WriteString(l.text)
		}
		w.ends = append(w.ends, b.Len())
		r.refer(n)
		free.lines = lines
	}
	w.text = b.String()
	return w
}

// maxDepth bounds the nesting that is shown; deeper content is shown at this depth.
const maxDepth = 8

// blocks appends the lines of all blocks in n.
func (r *renderer) blocks(to []line, n ast.Node, depth int) []line {
	begin := len(to)
	for b := n.FirstChild(); b != nil; b = b.NextSibling() {
		apart := len(to)
		if apart > begin && r.apart(b) {
			to = append(to, line{})
		}
		start := len(to)
		if to = r.block(to, b, depth); len(to) == start {
			to = to[:apart]
		}
	}
	return to
}

// apart says whether a blank line belongs before b.
func (r *renderer) apart(b ast.Node) bool {
	if r.flavor == flavorPlain {
		return false
	}
	_, inItem := b.Parent().(*ast.ListItem)
	switch b.(type) {
	case *ast.List:
		if inItem {
			return false
		}
	case *ast.LinkReferenceDefinition:
		if prev := b.PreviousSibling(); prev != nil && prev.Kind() == b.Kind() {
			return false
		}
	case *ast.FencedCodeBlock, *ast.CodeBlock:
		return !inItem && b.HasBlankPreviousLines() || r.flavor == flavorSlackBlocks
	}
	if r.flavor == flavorDiscord {
		// Discord shows source lines as they are; headings bring their own space.
		prev := b.PreviousSibling()
		return prev == nil || b.HasBlankPreviousLines() || prev.Kind() != ast.KindHeading
	}
	return true
}

// block appends the lines of b, which is in so many lists and quotes.
func (r *renderer) block(to []line, b ast.Node, depth int) []line {
	switch b := b.(type) {
	case *ast.Heading:
		return r.heading(to, b)
	case *ast.ThematicBreak:
		return r.rule(to)
	case *ast.FencedCodeBlock:
		return r.code(to, language(b.Language(r.src)), b)
	case *ast.CodeBlock:
		return r.code(to, "", b)
	case *ast.Blockquote:
		return r.quote(to, b, depth)
	case *ast.List:
		return r.list(to, b, depth)
	case *east.Table:
		return append(to, r.table(b)...)
	case *ast.LinkReferenceDefinition:
		return r.definition(to, b)
	case *ast.Paragraph, *ast.TextBlock:
		if r.isSentinel(b) {
			return to
		}
		return split(to, r.inlines(b, style{}), false)
	}
	return to
}

// split appends the lines of s.
func split(to []line, s string, flush bool) []line {
	s = strings.TrimRight(s, " \n")
	if strings.TrimSpace(s) == "" {
		return to
	}
	for {
		l, rest, more := strings.Cut(s, "\n")
		if to = append(to, line{text: l, flush: flush}); !more {
			return to
		}
		s = rest
	}
}

func (r *renderer) heading(to []line, h *ast.Heading) []line {
	native := r.flavor == flavorSlackBlocks || r.flavor == flavorDiscord && h.Level <= 3
	s := style{oneLine: true, bold: !native}
	text := strings.TrimSpace(r.inlines(h, s))
	switch {
	case text == "":
		return to
	case native:
		text = strings.Repeat("#", h.Level) + " " + text
	case r.flavor != flavorPlain:
		text = r.marks().bold + text + r.marks().bold
	}
	return append(to, line{text: text})
}

func (r *renderer) rule(to []line) []line {
	switch r.flavor {
	case flavorSlackBlocks:
		return append(to, line{text: "---"})
	case flavorPlain:
		return to
	default:
		return append(to, line{text: strings.Repeat("─", 12)})
	}
}

// language keeps of a fence's info string what platforms read as a language.
func language(info []byte) string {
	for _, c := range info {
		ok := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' ||
			strings.IndexByte("+-#._", c) >= 0
		if !ok || len(info) > 20 {
			return ""
		}
	}
	return string(info)
}

func (r *renderer) code(to []line, language string, b ast.Node) []line {
	var code strings.Builder
	for i := range b.Lines().Len() {
		seg := b.Lines().At(i)
		code.Write(bytes.TrimRight(seg.Value(r.src), " \r\n"))
		code.WriteByte('\n')
	}
	text := strings.TrimRight(code.String(), "\n")
	if strings.TrimSpace(text) == "" {
		return to
	}
	return split(to, fence(r.dialect, language, text), r.flavor != flavorSlackBlocks)
}

func (r *renderer) quote(to []line, q ast.Node, depth int) []line {
	if depth >= maxDepth {
		return r.blocks(to, q, depth)
	}
	start := len(to)
	to = r.blocks(to, q, depth+1)
	if r.flavor == flavorPlain {
		return to
	}
	// Discord and Slack's mrkdwn know one level of quotes.
	_, nested := q.Parent().(*ast.Blockquote)
	if nested && r.flavor != flavorSlackBlocks {
		return to
	}
	for i, l := range to[start:] {
		quoted := line{prefix: "> " + l.prefix, text: strings.TrimRight(l.text, " "), flush: l.flush && r.flavor == flavorSlackText}
		if quoted.text == "" && (r.flavor != flavorDiscord || !l.blank()) {
			quoted.prefix = strings.TrimRight(quoted.prefix, " ")
		}
		to[start+i] = quoted
	}
	return to
}
