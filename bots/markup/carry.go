package markup

import (
	"strconv"
	"strings"

	"github.com/yuin/goldmark/ast"
	east "github.com/yuin/goldmark/extension/ast"
)

// carryTo returns what a page that begins at p needs of the text before it.
func (c *cutter) carryTo(p candidate) carry {
	if p.text != nil {
		return c.carryText(p.text)
	}
	if p.node.Kind() != ast.KindListItem && p.pos <= c.lineStart(max(p.node.Pos(), 0)) {
		intro, _ := c.containers(p.node) // the cut is before the block, which opens itself
		return carry{text: intro}
	}
	switch b := p.node.(type) {
	case *ast.FencedCodeBlock:
		intro, rest := c.containers(b)
		return carry{text: intro + rest + c.fenceLine(b) + "\n"}
	case *ast.CodeBlock:
		intro, _ := c.containers(b)
		return carry{text: intro}
	case *east.Table:
		intro, rest := c.containers(b)
		header, delimiter := c.tableHead(b)
		return carry{text: intro + rest + header + "\n" + rest + delimiter + "\n"}
	case *ast.ListItem:
		return carry{text: c.carryItem(b)}
	default:
		intro, _ := c.containers(b)
		return carry{text: intro}
	}
}

// carryInside is carryTo for a cut that had to be made inside a word at pos.
func (c *cutter) carryInside(doc ast.Node, pos int) carry {
	leaf := doc
	for leaf.LastChild() != nil {
		leaf = leaf.LastChild()
	}
	for n := leaf; n != nil; n = n.Parent() {
		switch n := n.(type) {
		case *ast.FencedCodeBlock:
			intro, rest := c.containers(n)
			line := rest
			if pos == c.lineStart(pos) {
				line = ""
			}
			if n.Lines().Len() == 0 || n.Lines().At(0).Start > pos {
				return carry{} // the cut is in the fence itself
			}
			return carry{text: intro + rest + c.fenceLine(n) + "\n" + line}
		case *ast.Paragraph, *ast.TextBlock:
			if pos == c.lineStart(pos) {
				intro, _ := c.containers(n)
				return carry{text: intro}
			}
			return c.carryText(leaf)
		}
	}
	return carry{}
}

// carryText is for a cut inside a paragraph, at or in the inline node t.
func (c *cutter) carryText(t ast.Node) carry {
	inline := ""
	n := t
	for ; n.Type() == ast.TypeInline; n = n.Parent() {
		inline = c.delimiter(n) + inline
	}
	if n.Kind() == ast.KindHeading {
		return carry{}
	}
	intro, rest := c.containers(n)
	return carry{text: intro + rest, inline: inline}
}

// delimiter is what opens an inline construct that may go on over a cut.
func (c *cutter) delimiter(n ast.Node) string {
	switch n := n.(type) {
	case *ast.Emphasis:
		if pos := n.Pos(); pos >= 0 && pos < len(c.src) && c.src[pos] == '_' {
			return strings.Repeat("_", n.Level)
		}
		return strings.Repeat("*", n.Level)
	case *east.Strikethrough:
		return "~~"
	case *ast.CodeSpan:
		if pos := n.Pos(); pos >= 0 && pos < len(c.src) {
			run := len(c.src[pos:]) - len(strings.TrimLeft(c.src[pos:], "`"))
			return strings.Repeat("`", run)
		}
	}
	return ""
}

// containers returns Markdown that opens again the lists and quotes around n: intro
// is whole lines, rest is what its following lines begin with.
func (c *cutter) containers(n ast.Node) (intro, rest string) {
	var around []ast.Node
	for p := n.Parent(); p != nil; p = p.Parent() {
		around = append(around, p)
	}
	first, lists := "", false
	content := 0 // the column in the source at which the container's content begins
	for i := len(around) - 1; i >= 0; i-- {
		switch b := around[i].(type) {
		case *ast.Blockquote:
			first, rest = first+"> ", rest+"> "
			content += 2
		case *ast.ListItem:
			var marker string
			marker, content = c.marker(b, content)
			first, rest = first+marker, rest+strings.Repeat(" ", len(marker))
			lists = true
		}
	}
	if lists {
		intro = first + sentinel + "\n" + strings.TrimRight(rest, " ") + "\n"
	}
	return intro, rest
}

// marker returns the marker of item with the spaces around it, for a container whose
// content begins at that column, and the column at which the item's content begins.
func (c *cutter) marker(item *ast.ListItem, outer int) (string, int) {
	pos := max(item.Pos(), 0)
	column := c.column(pos)
	indent := max(0, min(column-outer, 3))
	list, _ := item.Parent().(*ast.List)
	mark := "-"
	if list != nil && list.IsOrdered() {
		mark = strconv.Itoa(ordinal(list, item)) + string(list.Marker)
	} else if list != nil {
		mark = string(list.Marker)
	}
	end := pos + 1
	for end < len(c.src) && c.src[end] >= '0' && c.src[end] <= '9' {
		end++
	}
	if list != nil && list.IsOrdered() {
		end++
	}
	pad := 0
	for end+pad < len(c.src) && c.src[end+pad] == ' ' && pad < 4 {
		pad++
	}
	if pad == 0 || pad == 4 && end+pad < len(c.src) && c.src[end+pad] == ' ' {
		pad = 1 // what follows is an empty item, or indented code
	}
	wanted := end - pos + pad // the source's lines are indented by this
	pad = max(1, wanted-len(mark))
	return strings.Repeat(" ", indent) + mark + strings.Repeat(" ", pad), column + wanted
}

// column is the column of pos, with tabs at every fourth.
func (c *cutter) column(pos int) int {
	n := 0
	for _, b := range []byte(c.src[c.lineStart(pos):pos]) {
		if b == '\t' {
			n += 4 - n%4
		} else {
			n++
		}
	}
	return n
}

func ordinal(list *ast.List, item ast.Node) int {
	n := list.Start
	for prev := item.PreviousSibling(); prev != nil; prev = prev.PreviousSibling() {
		n++
	}
	return n
}

// carryItem is for a cut between the items of a list: the lists around it, and the
// number that the item before had if the next one does not say its own.
func (c *cutter) carryItem(item *ast.ListItem) string {
	list, ok := item.Parent().(*ast.List)
	if !ok || !list.IsOrdered() {
		intro, _ := c.containers(item)
		return intro
	}
	number := c.src[item.Pos():]
	number = number[:len(number)-len(strings.TrimLeft(number, "0123456789"))]
	if n, err := strconv.Atoi(number); err == nil && n == ordinal(list, item) {
		intro, _ := c.containers(item)
		return intro
	}
	previous, ok := item.PreviousSibling().(*ast.ListItem)
	if !ok {
		return ""
	}
	inside := ast.NewParagraph()
	inside.SetParent(previous)
	intro, _ := c.containers(inside)
	return intro
}

// fenceLine is the line that opened the code block.
func (c *cutter) fenceLine(b *ast.FencedCodeBlock) string {
	line := c.line(max(b.Pos(), 0))
	line = strings.TrimLeft(line, " \t")
	if fenceRun(line) == "" {
		return "```"
	}
	return line
}

// tableHead returns the two lines a table begins with.
func (c *cutter) tableHead(t *east.Table) (header, delimiter string) {
	pos := t.FirstChild().Pos()
	header = c.line(pos)
	var b strings.Builder
	for _, a := range t.Alignments {
		switch a {
		case east.AlignLeft:
			b.WriteString("|:-")
		case east.AlignRight:
			b.WriteString("|-:")
		case east.AlignCenter:
			b.WriteString("|:-:")
		default:
			b.WriteString("|-")
		}
	}
	return header, b.String() + "|"
}

// line is the rest of the line at pos.
func (c *cutter) line(pos int) string {
	line := c.src[pos:]
	if end := strings.IndexByte(line, '\n'); end >= 0 {
		line = line[:end]
	}
	return line
}
