package markup

import (
	"regexp"
	"strings"

	"github.com/yuin/goldmark/ast"
)

// htmlTag is the name of a tag, and whether it is a closing one.
var htmlTag = regexp.MustCompile(`^<(/?)([a-zA-Z][a-zA-Z0-9]*)[\s/>]`)

// layoutTags are dropped and what they enclose stays. Other tags are shown: in
// <your-name> or List<String> the brackets are part of what is said, and a <script>
// should be seen.
var layoutTags = map[string]bool{
	"a": true, "abbr": true, "b": true, "big": true, "blockquote": true, "center": true,
	"cite": true, "code": true, "del": true, "details": true, "div": true, "em": true,
	"font": true, "hr": true, "i": true, "img": true, "ins": true, "kbd": true, "li": true,
	"mark": true, "ol": true, "p": true, "pre": true, "q": true, "s": true, "samp": true,
	"small": true, "span": true, "strike": true, "strong": true, "sub": true,
	"summary": true, "sup": true, "table": true, "tbody": true, "td": true, "th": true,
	"thead": true, "tr": true, "tt": true, "u": true, "ul": true, "var": true,
}

// html writes inline HTML, which no platform reads.
func (w *inliner) html(n *ast.RawHTML, s style) {
	var b strings.Builder
	for i := range n.Segments.Len() {
		seg := n.Segments.At(i)
		b.Write(seg.Value(w.src))
	}
	raw := b.String()
	if strings.HasPrefix(raw, "<!--") {
		return
	}
	m := htmlTag.FindStringSubmatch(raw)
	if m == nil {
		w.say(strings.ReplaceAll(raw, "\n", " "))
		return
	}
	name := strings.ToLower(m[2])
	switch {
	case name == "br":
		w.lineBreak(s)
	case name == "ul" || name == "ol": // the line break before it is enough
	case name == "li" && m[1] == "" && !s.oneLine:
		if w.flush(s); len(w.out) > 0 && w.out[len(w.out)-1] != '\n' {
			w.lineBreak(s)
		}
		w.raw(w.bullet(nil), s)
	case layoutTags[name]:
	default:
		w.say(strings.ReplaceAll(raw, "\n", " "))
	}
}
