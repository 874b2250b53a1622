package markup

import (
	"strings"

	"github.com/yuin/goldmark/ast"
	east "github.com/yuin/goldmark/extension/ast"
)

// opened is the parse of one page's piece of the source, with what was carried into
// it opened before it, and what is open at its end closed.
type opened struct {
	doc  ast.Node
	src  string // what was parsed
	raw  []byte // src
	base int    // where in src the piece begins
	kept int    // up to where src is the piece as it was

	defines bool        // src defines links that were not known
	known   definitions // what was known
}

func parseOpen(c carry, piece string, defs definitions) opened {
	prefix := c.text + c.inline
	o := parseTail(prefix+piece, defs)
	if c.inline != "" && !takesEffect(o, len(c.text)) {
		prefix = c.text
		o = parseTail(prefix+piece, defs)
	}
	o.base = len(prefix)
	o.kept = max(o.kept, o.base)
	return o
}

// takesEffect says whether delimiters carried to position at open something.
func takesEffect(o opened, at int) bool {
	found := false
	_ = ast.Walk(o.doc, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		switch n.(type) {
		case *ast.Emphasis, *ast.CodeSpan, *east.Strikethrough:
			found = found || n.Pos() == at
		}
		if found {
			return ast.WalkStop, nil
		}
		return ast.WalkContinue, nil
	})
	return found
}

// parseTail parses src twice when its end has to be mended: what an end means, code
// or text, only the parser can tell.
func parseTail(src string, defs definitions) opened {
	o := opened{src: src, raw: []byte(src), kept: len(src), known: defs}
	o.doc, o.defines = parse(o.raw, defs)
	start, inItem, ok := openEnd(o)
	if !ok {
		return o
	}
	mended := mendBlock(src[start:], inItem)
	if mended == src[start:] {
		return o
	}
	mended = src[:start] + mended
	kept := start
	for kept < len(src) && kept < len(mended) && src[kept] == mended[kept] {
		kept++
	}
	o = opened{src: mended, raw: []byte(mended), kept: kept, known: defs}
	o.doc, o.defines = parse(o.raw, defs)
	return o
}

// openEnd returns where the text begins that more text might still belong to, and
// whether that is an item of a list.
func openEnd(o opened) (start int, inItem, ok bool) {
	if strings.TrimSpace(o.src) == "" || endsBlank(o.src) {
		return 0, false, false
	}
	leaf := o.doc.LastChild()
	for leaf != nil && leaf.LastChild() != nil && leaf.LastChild().Type() == ast.TypeBlock {
		leaf = leaf.LastChild()
	}
	if leaf == nil {
		return 0, false, false
	}
	last := strings.LastIndexByte(strings.TrimRight(o.src, "\n"), '\n') + 1
	switch leaf := leaf.(type) {
	case *ast.Heading, *ast.ThematicBreak:
		return last, false, !strings.HasSuffix(o.src, "\n")
	case *ast.Paragraph, *ast.TextBlock:
		return max(0, leaf.Lines().At(0).Start), leaf.Parent().Kind() == ast.KindListItem, true
	case *ast.FencedCodeBlock:
		// The beginning of the line that ends the block is no code.
		line := strings.TrimLeft(o.src[last:], " \t>")
		first, _, _ := strings.Cut(o.src[max(leaf.Pos(), 0):], "\n")
		opening := fenceRun(strings.TrimLeft(first, " \t>"))
		if opening == "" {
			opening = "```"
		}
		half := line != "" && len(line) < len(opening) && strings.Trim(line, opening[:1]) == ""
		return len(o.src) - len(line), false, half && leaf.Pos() < last
	case *ast.ListItem, *ast.List, *ast.Blockquote:
		return last, false, true
	case *east.TableCell:
		_, inHead := leaf.Parent().(*east.TableHeader)
		bare := strings.ReplaceAll(o.src[last:], `\|`, "\\ ")
		closed := strings.HasSuffix(strings.TrimRight(bare, " \n"), "|")
		return last + strings.LastIndexByte(bare, '|') + 1, false, !inHead && !closed
	}
	return 0, false, false
}

// endsBlank says whether s ends with a blank line, quoted or not.
func endsBlank(s string) bool {
	if !strings.HasSuffix(s, "\n") {
		return false
	}
	s = s[:len(s)-1]
	line := s[strings.LastIndexByte(s, '\n')+1:]
	return strings.Trim(line, " \t>") == ""
}
