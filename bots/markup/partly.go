package markup

import (
	"strings"

	"github.com/yuin/goldmark/ast"
)

// partly is the beginning of a page up to the start of a top-level block, rendered: it
// stays as it is however the page goes on. It is never changed. A nil partly is the
// beginning of nothing.
type partly struct {
	at          int // where in the page the block begins
	read        int // how much of the page has decided this: the block's first line too
	meter       meter
	tangle      tangle
	text, plain string // what has been written so far
	defs        definitions
	brackets    bool // it may refer to links that are defined later
}

// spend is the function spend, for what is left of the page that begins with p.
func (p *partly) spend(d *dialect, carried carry, page string) int {
	if p == nil {
		return spend(d, carried.text, page)
	}
	m := p.meter
	return p.at + m.read(page[p.at:])
}

// compose renders the page that begins with p, and returns what will stay of it. It
// fails where only a look at the whole page will do.
func (p *partly) compose(d *dialect, page string) (Page, *partly, bool) {
	rest := page[p.at:]
	t := p.tangle
	if t.read(rest) {
		return Page{}, nil, false
	}
	c := composed{opened: parseTail(rest, p.defs)}
	if c.defines && p.brackets {
		return Page{}, nil, false
	}
	c.text, c.plain = render(d, p.text, c.opened), render(plain, p.plain, c.opened)
	next := p
	if !c.defines {
		next = p.settle(page, c)
	}
	text := c.text.trimmed()
	return finish(d, page, text, c.plain.trimmed(), d.over(text)), next, true
}

// settle moves p on to the last top-level block of c that nothing before it has a
// part in. If there is none it returns p.
func (p *partly) settle(page string, c composed) *partly {
	at, line, index, i := 0, 0, 0, 0
	for n := c.doc.FirstChild(); n != nil; n = n.NextSibling() {
		if i > 0 {
			if start, end, ok := standsAlone(n, c.opened); ok {
				at, line, index = start, end, i
			}
		}
		i++
	}
	if index == 0 {
		return p
	}
	next := &partly{
		at: p.at + at - c.base, read: p.at + line - c.base,
		meter: p.meter, tangle: p.tangle, defs: p.defs,
		text: c.text.text[:c.text.ends[index-1]], plain: c.plain.text[:c.plain.ends[index-1]],
	}
	between := page[p.at:next.at]
	next.brackets = p.brackets || strings.Contains(between, "[")
	next.meter.read(between)
	next.meter.begun = true
	next.tangle.read(between)
	return next
}

// standsAlone says whether n follows a blank line, is in no container, and has its
// first line complete, so that text from there on means the same without what is
// before it. It returns where that line begins and ends.
func standsAlone(n ast.Node, o opened) (start, end int, ok bool) {
	pos := n.Pos()
	if pos <= o.base || pos >= o.kept || n.Kind() == ast.KindLinkReferenceDefinition {
		return 0, 0, false
	}
	start = strings.LastIndexByte(o.src[:pos], '\n') + 1
	length := strings.IndexByte(o.src[pos:o.kept], '\n') + 1
	if start <= o.base+1 || length == 0 || o.src[start] == ' ' || o.src[start] == '\t' {
		return 0, 0, false
	}
	before := o.src[o.base : start-1]
	before = before[strings.LastIndexByte(before, '\n')+1:]
	return start, pos + length, strings.Trim(before, " \t") == ""
}
