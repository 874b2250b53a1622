package markup

import (
	"strings"

	"github.com/yuin/goldmark/ast"
)

// probe is a paragraph that cannot be mistaken for a part of something else.
const probe = "probe"

// Closed returns md such that another paragraph may follow after a blank line: what is
// open at its end, such as a block of code, is closed, and what is half-written there reads
// as it is shown while more of it is still to come. An answer that has ended early needs
// this, as whatever is said about it would become a part of it.
func Closed(md string) string {
	src := sanitize(md)
	if strings.TrimSpace(src) == "" || tangled(src) {
		return md
	}
	o := parseTail(src, nil)
	closed := strings.TrimRight(o.src, " \t\n")
	for _, end := range []string{"", fenceEnd(o)} {
		doc, _ := parse([]byte(closed+end+"\n\n"+probe), nil)
		if alone(doc.LastChild(), len(closed+end)+2) {
			return closed + end
		}
	}
	return closed
}

// alone says whether n is the paragraph that begins at pos.
func alone(n ast.Node, pos int) bool {
	p, ok := n.(*ast.Paragraph)
	return ok && p.Lines().Len() == 1 && p.Lines().At(0).Start == pos
}

// fenceEnd is the line that ends the block of code at the end of o.
func fenceEnd(o opened) string {
	b, ok := o.doc.LastChild().(*ast.FencedCodeBlock)
	if !ok {
		return ""
	}
	line, _, _ := strings.Cut(o.src[max(b.Pos(), 0):], "\n")
	return "\n" + fenceRun(strings.TrimLeft(line, " \t"))
}
