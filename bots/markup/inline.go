package markup

import (
	"strings"
	"unicode/utf8"

	"github.com/yuin/goldmark/ast"
	east "github.com/yuin/goldmark/extension/ast"
)

// style is what is in effect around inline text.
type style struct {
	bold, italic, strike bool
	label                bool // inside a link: no further links
	oneLine              bool // line breaks become spaces
	cell                 bool // inside a table: | is escaped
}

type markSet struct{ bold, italic, strike string }

func (d *dialect) marks() markSet {
	switch d.flavor {
	case flavorSlackBlocks, flavorDiscord:
		return markSet{"**", "*", "~~"}
	case flavorSlackText:
		return markSet{"*", "_", "~"}
	default:
		return markSet{}
	}
}

// inliner writes inline nodes. Text is gathered until something else comes, because
// goldmark splits it at every character that could have meant something, and what is
// dangerous may be spread over the pieces.
type inliner struct {
	*renderer
	out     []byte
	pending []byte
}

// inlines returns the text of n's inline children.
func (r *renderer) inlines(n ast.Node, s style) string {
	w := inliner{renderer: r, out: r.spare.out[:0], pending: r.spare.pending[:0]}
	r.spare.out, r.spare.pending = nil, nil // which is for what is within n, too
	w.children(n, s)
	w.flush(s)
	r.spare.out, r.spare.pending = w.out, w.pending
	return string(w.out)
}

func (w *inliner) flush(s style) {
	switch {
	case len(w.pending) == 0:
		return
	case w.flavor == flavorPlain: // in which nothing is escaped
		w.out = append(w.out, w.pending...)
	default:
		w.out = w.escape(w.out, string(w.pending), s)
	}
	w.pending = w.pending[:0]
}

// raw writes what is mark-up of the dialect already.
func (w *inliner) raw(text string, s style) {
	w.flush(s)
	w.out = append(w.out, text...)
}

// say adds text to what is pending.
func (w *inliner) say(text string) { w.pending = append(w.pending, text...) }

func (w *inliner) children(n ast.Node, s style) {
	for c := n.FirstChild(); c != nil; c = c.NextSibling() {
		w.inline(c, s)
	}
}

func (w *inliner) inline(n ast.Node, s style) {
	switch n := n.(type) {
	case *ast.Text:
		w.text(n, s)
	case *ast.String:
		w.pending = append(w.pending, n.Value...)
	case *ast.CodeSpan:
		w.codeSpan(spanText(n, w.src), s)
	case *math:
		w.math(n, s)
	case *ast.Emphasis:
		if n.Level >= 2 {
			w.marked(n, w.marks().bold, s, func(s *style) *bool { return &s.bold })
		} else {
			w.marked(n, w.marks().italic, s, func(s *style) *bool { return &s.italic })
		}
	case *script:
		inside := inliner{renderer: &renderer{dialect: plain, src: w.src, spare: w.spare}}
		inside.children(n, s)
		inside.flush(s)
		w.say(n.of(string(inside.out)))
	case *east.Strikethrough:
		w.marked(n, w.marks().strike, s, func(s *style) *bool { return &s.strike })
	case *ast.Link:
		w.link(n, destination(n.Destination), false, s)
	case *ast.Image:
		w.link(n, destination(n.Destination), true, s)
	case *ast.AutoLink:
		w.autoLink(n, s)
	case *ast.RawHTML:
		w.html(n, s)
	case *east.TaskCheckBox:
		if n.IsChecked {
			w.raw("☑ ", s)
		} else {
			w.raw("☐ ", s)
		}
	default:
		w.children(n, s)
	}
}

func (w *inliner) text(n *ast.Text, s style) {
	value := n.Segment.Value(w.src)
	if n.IsRaw() {
		w.pending = append(w.pending, value...)
	} else {
		w.pending = unescape(w.pending, value)
	}
	if n.SoftLineBreak() || n.HardLineBreak() {
		w.lineBreak(s)
	}
}

func (w *inliner) lineBreak(s style) {
	if s.oneLine {
		w.say(" ")
		return
	}
	w.raw("\n", s)
}

// marked writes n between marks, unless its style is in effect already.
func (w *inliner) marked(n ast.Node, mark string, s style, on func(*style) *bool) {
	inner := s
	already := *on(&s)
	*on(&inner) = true
	if already || mark == "" || n.FirstChild() == nil {
		w.children(n, inner)
		return
	}
	w.flush(s)
	before := len(w.out)
	w.raw(w.loosen(mark)+mark, s)
	start := len(w.out)
	w.children(n, inner)
	w.flush(inner)
	if w.flavor == flavorSlackBlocks {
		w.pad(before, start, n.NextSibling())
	}
	w.raw(mark, s)
	if w.flavor == flavorSlackText && beginsWord(n.NextSibling(), w.src) {
		w.raw(zeroWidth, s)
	}
}

// loosen returns what must stand before mark so that mrkdwn, which knows emphasis
// only at word boundaries, reads it.
func (w *inliner) loosen(mark string) string {
	last, _ := utf8.DecodeLastRune(w.out)
	if w.flavor != flavorSlackText || strings.ContainsRune(mark, last) || !wordRune(last) {
		return ""
	}
	return zeroWidth
}

func beginsWord(n ast.Node, src []byte) bool {
	t, ok := n.(*ast.Text)
	if !ok {
		return false
	}
	r, _ := utf8.DecodeRune(t.Segment.Value(src))
	return wordRune(r)
}

func spanText(n ast.Node, src []byte) string {
	var b strings.Builder
	for c := n.FirstChild(); c != nil; c = c.NextSibling() {
		if t, ok := c.(*ast.Text); ok {
			b.Write(t.Segment.Value(src))
		}
	}
	return strings.ReplaceAll(b.String(), "\n", " ")
}

func (w *inliner) math(n *math, s style) {
	if n.display && !s.oneLine && strings.Contains(n.tex, "\n") && w.flavor != flavorPlain {
		w.raw("\n"+fence(w.dialect, "", n.tex)+"\n", s)
		return
	}
	w.codeSpan(strings.Join(strings.Fields(n.tex), " "), s)
}

// codeSpan writes code, fenced by as many backticks as it needs.
func (w *inliner) codeSpan(code string, s style) {
	code = strings.TrimRight(code, " ")
	if strings.TrimSpace(code) == "" {
		return
	}
	if s.cell {
		code = strings.ReplaceAll(code, "|", `\|`)
	}
	ticks := "`"
	if strings.Contains(code, "`") && w.flavor != flavorPlain {
		if w.flavor == flavorSlackText || strings.Contains(code, "``") {
			code = strings.ReplaceAll(code, "`", "ˋ")
		} else {
			ticks, code = "``", " "+code+" "
		}
	}
	switch w.flavor {
	case flavorPlain:
		w.raw(code, s)
		return
	case flavorSlackText:
		code = entityEscaper.Replace(code)
	case flavorSlackBlocks:
		code = disarmCode(code)
	case flavorDiscord:
	}
	w.flush(s)
	if len(w.out) > 0 && w.out[len(w.out)-1] == '`' { // two spans must not become one
		w.raw(zeroWidth, s)
	}
	w.raw(ticks+code+ticks, s)
}
