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
	o := parseTail(rest, p.defs)
	if o.defines && p.brackets {
		return Page{}, nil, false
	}
	text, plainForm := render(d, p.text, o), render(plain, p.plain, o)
	next := p
	if !o.defines {
		next = p.settle(page, o, text, plainForm)
	}
	return finish(d, page, text.trimmed(), plainForm.trimmed()), next, true
}

// settleFirst returns what will stay of a page which is rest and was parsed to o.
func settleFirst(d *dialect, p progress, rest string, o opened) *partly {
	if o.defines {
		return nil
	}
	first := &partly{defs: p.defs, meter: newMeter(d, p.carried.text)}
	next := first.settle(rest, o, render(d, "", o), render(plain, "", o))
	if next == first {
		return nil
	}
	return next
}

// settle moves p on to the last top-level block of o that nothing before it has a
// part in. If there is none it returns p.
func (p *partly) settle(page string, o opened, text, plainForm written) *partly {
	at, line, index, i := 0, 0, 0, 0
	for n := o.doc.FirstChild(); n != nil; n = n.NextSibling() {
		if i > 0 {
			if start, end, ok := standsAlone(n, o); ok {
				at, line, index = start, end, i
			}
		}
		i++
	}
	if index == 0 {
		return p
	}
	next := &partly{
		at: p.at + at - o.base, read: p.at + line - o.base,
		meter: p.meter, tangle: p.tangle, defs: p.defs,
		text: text.text[:text.ends[index-1]], plain: plainForm.text[:plainForm.ends[index-1]],
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
