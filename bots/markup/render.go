package markup

import (
	"strconv"
	"strings"

	"github.com/yuin/goldmark/ast"
	east "github.com/yuin/goldmark/extension/ast"
)

// line is one line of a page. A flush line is not indented by the lists around it:
// the inside of a code block, where the platform would show the indentation.
type line struct {
	text  string
	flush bool
}

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

// spare are buffers that are free for the next inline text.
type spare struct{ out, pending []byte }

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
	r := renderer{dialect: d, src: o.raw, spare: &spare{}}
	if o.defines {
		r.referred, r.known = map[string]bool{}, o.known
	}
	var w written
	var b strings.Builder
	b.Grow(len(before) + len(o.src) + len(o.src)/4)
	b.WriteString(before)
	for n := o.doc.FirstChild(); n != nil; n = n.NextSibling() {
		lines := r.block(n, 0)
		if len(lines) > 0 && b.Len() > 0 && r.apart(n) {
			b.WriteByte('\n')
		}
		for _, l := range lines {
			if b.Len() > 0 {
				b.WriteByte('\n')
			}
			b.WriteString(l.text)
		}
		w.ends = append(w.ends, b.Len())
		r.refer(n)
	}
	w.text = b.String()
	return w
}

// maxDepth bounds the nesting that is shown; deeper content is shown at this depth.
const maxDepth = 8

// blocks returns the lines of all blocks in n.
func (r *renderer) blocks(n ast.Node, depth int) []line {
	var out []line
	for b := n.FirstChild(); b != nil; b = b.NextSibling() {
		lines := r.block(b, depth)
		if len(lines) == 0 {
			continue
		}
		if len(out) > 0 && r.apart(b) {
			out = append(out, line{})
		}
		out = append(out, lines...)
	}
	return out
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

func (r *renderer) block(b ast.Node, depth int) []line {
	switch b := b.(type) {
	case *ast.Heading:
		return r.heading(b)
	case *ast.ThematicBreak:
		return r.rule()
	case *ast.FencedCodeBlock:
		return r.code(language(b.Language(r.src)), b)
	case *ast.CodeBlock:
		return r.code("", b)
	case *ast.Blockquote:
		return r.quote(b, depth)
	case *ast.List:
		return r.list(b, depth)
	case *east.Table:
		return r.table(b)
	case *ast.LinkReferenceDefinition:
		return r.definition(b)
	case *ast.Paragraph, *ast.TextBlock:
		if r.isSentinel(b) {
			return nil
		}
		return split(r.inlines(b, style{}), false)
	}
	return nil
}

func split(s string, flush bool) []line {
	s = strings.TrimRight(s, " \n")
	if strings.TrimSpace(s) == "" {
		return nil
	}
	var out []line
	for l := range strings.SplitSeq(s, "\n") {
		out = append(out, line{text: l, flush: flush})
	}
	return out
}

func (r *renderer) heading(h *ast.Heading) []line {
	native := r.flavor == flavorSlackBlocks || r.flavor == flavorDiscord && h.Level <= 3
	s := style{oneLine: true, bold: !native}
	text := strings.TrimSpace(r.inlines(h, s))
	switch {
	case text == "":
		return nil
	case native:
		return []line{{text: strings.Repeat("#", h.Level) + " " + text}}
	case r.flavor == flavorPlain:
		return []line{{text: text}}
	}
	return []line{{text: r.marks().bold + text + r.marks().bold}}
}

func (r *renderer) rule() []line {
	switch r.flavor {
	case flavorSlackBlocks:
		return []line{{text: "---"}}
	case flavorPlain:
		return nil
	default:
		return []line{{text: strings.Repeat("─", 12)}}
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

func (r *renderer) code(language string, b ast.Node) []line {
	var code strings.Builder
	for i := range b.Lines().Len() {
		seg := b.Lines().At(i)
		code.WriteString(strings.TrimRight(string(seg.Value(r.src)), " \r\n"))
		code.WriteByte('\n')
	}
	text := strings.TrimRight(code.String(), "\n")
	if strings.TrimSpace(text) == "" {
		return nil
	}
	return split(fence(r.dialect, language, text), r.flavor != flavorSlackBlocks)
}

func (r *renderer) quote(q ast.Node, depth int) []line {
	if depth >= maxDepth {
		return r.blocks(q, depth)
	}
	lines := r.blocks(q, depth+1)
	if r.flavor == flavorPlain {
		return lines
	}
	// Discord and Slack's mrkdwn know one level of quotes.
	_, nested := q.Parent().(*ast.Blockquote)
	if nested && r.flavor != flavorSlackBlocks {
		return lines
	}
	for i, l := range lines {
		lines[i] = line{text: strings.TrimRight("> "+l.text, " "), flush: l.flush && r.flavor == flavorSlackText}
		if r.flavor == flavorDiscord && l.text == "" {
			lines[i].text = "> "
		}
	}
	return lines
}

func (r *renderer) list(l *ast.List, depth int) []line {
	var out []line
	number := l.Start
	for item := l.FirstChild(); item != nil; item = item.NextSibling() {
		marker := r.bullet(l)
		if l.IsOrdered() {
			marker = strconv.Itoa(number) + ". "
			number++
		}
		out = append(out, r.item(item, marker, depth)...)
	}
	return out
}

// bullet is the marker of the list l, or of a list at the top if l is nil.
func (r *renderer) bullet(l *ast.List) string {
	if r.flavor == flavorSlackBlocks || r.flavor == flavorDiscord {
		return "- "
	}
	if l != nil && l.Parent().Kind() == ast.KindListItem {
		return "◦ "
	}
	return "• "
}

func (r *renderer) item(item ast.Node, marker string, depth int) []line {
	carried := r.carried(item)
	lines := r.blocks(item, min(depth+1, maxDepth))
	if carried || len(lines) == 0 {
		// What is left of an item from an earlier page goes without indentation:
		// platforms strip it from a message's first line, or take it for code.
		return lines
	}
	if depth >= maxDepth {
		lines[0].text = marker + lines[0].text
		return lines
	}
	pad := strings.Repeat(" ", len(marker))
	if r.flavor == flavorSlackText || r.flavor == flavorPlain {
		pad = "    "
	}
	head := lines[0]
	if head.flush { // a fence must begin its line
		lines = append([]line{{text: strings.TrimRight(marker, " ")}}, lines...)
		return append(lines[:1], indent(lines[1:], pad)...)
	}
	lines = indent(lines, pad)
	lines[0] = line{text: marker + head.text}
	return lines
}

// carried says whether an item only brings nesting and numbering from an earlier page.
func (r *renderer) carried(item ast.Node) bool {
	switch b := item.FirstChild().(type) {
	case *ast.List:
		return b.FirstChild() != nil && r.carried(b.FirstChild())
	case *ast.Blockquote:
		return r.carried(b)
	case *ast.Paragraph, *ast.TextBlock:
		return r.isSentinel(b)
	}
	return false
}

func (r *renderer) isSentinel(b ast.Node) bool {
	if b.Lines().Len() != 1 {
		return false
	}
	seg := b.Lines().At(0)
	return strings.TrimSpace(string(seg.Value(r.src))) == sentinel
}

func indent(lines []line, pad string) []line {
	for i, l := range lines {
		if !l.flush && l.text != "" {
			lines[i].text = pad + l.text
		}
	}
	return lines
}
