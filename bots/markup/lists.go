package markup

import (
	"bytes"
	"slices"
	"strconv"
	"strings"

	"github.com/yuin/goldmark/ast"
)

func (r *renderer) list(to []line, l *ast.List, depth int) []line {
	number := l.Start
	for item := l.FirstChild(); item != nil; item = item.NextSibling() {
		marker := r.bullet(l)
		if l.IsOrdered() {
			marker = strconv.Itoa(number) + ". "
			number++
		}
		to = r.item(to, item, marker, depth)
	}
	return to
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

func (r *renderer) item(to []line, item ast.Node, marker string, depth int) []line {
	start := len(to)
	to = r.blocks(to, item, min(depth+1, maxDepth))
	lines := to[start:]
	if len(lines) == 0 || r.carried(item) {
		// What is left of an item from an earlier page goes without indentation:
		// platforms strip it from a message's first line, or take it for code.
		return to
	}
	if depth >= maxDepth {
		lines[0].prefix = marker + lines[0].prefix
		return to
	}
	pad := spaces(len(marker))
	if r.flavor == flavorSlackText || r.flavor == flavorPlain {
		pad = spaces(4)
	}
	if lines[0].flush { // a fence must begin its line
		indent(lines, pad)
		return slices.Insert(to, start, line{text: strings.TrimRight(marker, " ")})
	}
	indent(lines[1:], pad)
	lines[0].prefix = marker + lines[0].prefix
	return to
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
	return string(bytes.TrimSpace(seg.Value(r.src))) == sentinel
}

func indent(lines []line, pad string) {
	for i, l := range lines {
		if !l.flush && !l.blank() {
			lines[i].prefix = pad + l.prefix
		}
	}
}

const manySpaces = "                "

// spaces is that many spaces.
func spaces(n int) string {
	if n > len(manySpaces) {
		return strings.Repeat(" ", n)
	}
	return manySpaces[:n]
}
