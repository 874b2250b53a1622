package markup

import (
	"bytes"
	"html"
	"maps"
	"strings"
	"unicode/utf8"

	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	east "github.com/yuin/goldmark/extension/ast"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/text"
	"github.com/yuin/goldmark/util"
)

// sentinel is the content of list items that exist only to carry nesting and
// numbering over a cut. It is a Unicode noncharacter, which sanitize lets no input
// have.
const sentinel = "\uFDD0"

// markdown parses CommonMark with GFM's tables, task lists, strikethrough and bare
// URLs, without setext headings (an underline would change text before it) and
// without HTML blocks (Markdown inside <details> is to be shown).
var markdown = newParser(
	parser.WithInlineParsers(util.Prioritized(extension.NewLinkifyParser(), 999)),
	parser.WithASTTransformers(util.Prioritized(tagStyles{}, 100)),
)

func newParser(more ...parser.Option) parser.Parser {
	p := parser.NewParser(
		parser.WithBlockParsers(
			util.Prioritized(parser.NewThematicBreakParser(), 200),
			util.Prioritized(parser.NewListParser(), 300),
			util.Prioritized(parser.NewListItemParser(), 400),
			util.Prioritized(parser.NewCodeBlockParser(), 500),
			util.Prioritized(parser.NewATXHeadingParser(), 600),
			util.Prioritized(parser.NewFencedCodeBlockParser(), 700),
			util.Prioritized(parser.NewBlockquoteParser(), 800),
			util.Prioritized(parser.NewParagraphParser(), 1000),
		),
		parser.WithInlineParsers(
			util.Prioritized(mathParser{}, 50),
			util.Prioritized(parser.NewCodeSpanParser(), 100),
			util.Prioritized(extension.NewTaskCheckBoxParser(), 110),
			util.Prioritized(footnoteParser{}, 120),
			util.Prioritized(referenceParser{}, 150),
			util.Prioritized(parser.NewLinkParser(), 200),
			util.Prioritized(parser.NewAutoLinkParser(), 300),
			util.Prioritized(parser.NewRawHTMLParser(), 400),
			util.Prioritized(emphasisParser{}, 500),
			util.Prioritized(extension.NewStrikethroughParser(), 510),
		),
		parser.WithParagraphTransformers(
			util.Prioritized(linkDefinitions{}, 100),
			util.Prioritized(tables{extension.NewTableParagraphTransformer()}, 200),
		),
		parser.WithASTTransformers(util.Prioritized(extension.NewTableASTTransformer(), 0)),
	)
	p.AddOptions(more...)
	return p
}

// definitions are the link reference definitions of earlier pages, by label.
type definitions map[string]*ast.LinkReferenceDefinition

// maxDefinitions bounds what hostile text can make each page's parse set up.
const maxDefinitions = 200

// with returns d and the definitions of doc.
func (d definitions) with(doc ast.Node) definitions {
	shared := true
	for n := doc.FirstChild(); n != nil; n = n.NextSibling() {
		def, ok := n.(*ast.LinkReferenceDefinition)
		if !ok || len(d) >= maxDefinitions {
			continue
		}
		key := util.ToLinkReference(def.Label)
		if _, known := d[key]; known {
			continue
		}
		if shared {
			d, shared = maps.Clone(d), false
			if d == nil {
				d = definitions{}
			}
		}
		d[key] = def
	}
	return d
}

// parse parses src, which must be sanitized. It also says whether src defines links
// that are not in defs.
func parse(src []byte, defs definitions) (doc ast.Node, defines bool) {
	pc := parser.NewContext()
	for _, def := range defs {
		pc.AddReference(parser.NewReference(def.Label, def.Destination, def.Title))
	}
	p := markdown
	if addressless(src) {
		p = unlinked
	}
	doc = p.Parse(text.NewReader(src), parser.WithContext(pc))
	return doc, len(pc.References()) > len(defs)
}

// sanitize replaces what no part of Markdown needs and some part could trip over,
// byte for byte, so that positions stay.
func sanitize(md string) string {
	clean := true
	for i := 0; i < len(md) && clean; i++ {
		clean = md[i] >= 0x20 && md[i] < 0x7f || md[i] == '\n'
	}
	if clean {
		return md
	}
	out := make([]byte, 0, len(md))
	for i := 0; i < len(md); {
		r, size := utf8.DecodeRuneInString(md[i:])
		switch {
		case r == utf8.RuneError && size == 1:
			out = append(out, '?')
		case r >= 0xFDD0 && r <= 0xFDEF:
			out = append(out, "\uFFFD"...)
		case r < 0x20 && r != '\n' && r != '\t', r == 0x7f:
			out = append(out, ' ')
		default:
			out = append(out, md[i:i+size]...)
		}
		i += size
	}
	return string(out)
}

// destination is the address that Markdown writes as s.
func destination(s []byte) string { return string(unescape(nil, s)) }

// unescape appends Markdown text to dst with its backslash escapes and entities resolved
// in one pass, so that what an entity yields is never read again.
func unescape(dst, s []byte) []byte {
	if bytes.IndexByte(s, '\\') < 0 && bytes.IndexByte(s, '&') < 0 {
		return append(dst, s...)
	}
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '\\' && i+1 < len(s) && util.IsPunct(s[i+1]):
			i++
			dst = append(dst, s[i])
		case s[i] == '&':
			end := bytes.IndexByte(s[i:min(i+32, len(s))], ';')
			if end < 0 {
				dst = append(dst, '&')
				continue
			}
			entity := string(s[i : i+end+1])
			dst = append(dst, sanitizeInline(html.UnescapeString(entity))...)
			i += end
		default:
			dst = append(dst, s[i])
		}
	}
	return dst
}

// sanitizeInline also makes line breaks spaces: an entity must not start a line.
func sanitizeInline(s string) string {
	return strings.ReplaceAll(sanitize(s), "\n", " ")
}

// linkDefinitions takes link definitions out of paragraphs, but leaves footnotes in,
// which CommonMark would take for definitions when they are one word long.
type linkDefinitions struct{}

func (linkDefinitions) Transform(node *ast.Paragraph, reader text.Reader, pc parser.Context) {
	first := node.Lines().At(0)
	if !bytes.HasPrefix(first.Value(reader.Source()), []byte("[^")) {
		parser.LinkReferenceParagraphTransformer.Transform(node, reader, pc)
	}
}

// tables leaves alone what is a table to goldmark only: a line of text over a line of
// dashes without any |.
type tables struct{ parser.ParagraphTransformer }

func (t tables) Transform(node *ast.Paragraph, reader text.Reader, pc parser.Context) {
	for i := 1; i < node.Lines().Len(); i++ {
		l := node.Lines().At(i)
		line := l.Value(reader.Source())
		if len(bytes.Trim(line, "-:| \t\r\n")) == 0 {
			if bytes.IndexByte(line, '|') >= 0 {
				t.transform(node, reader, pc)
			}
			return
		}
	}
}

// transform also gives the table the place at which it stands, which goldmark takes
// to be that of the paragraph.
func (t tables) transform(node *ast.Paragraph, reader text.Reader, pc parser.Context) {
	parent, before, blank := node.Parent(), node.PreviousSibling(), node.HasBlankPreviousLines()
	t.ParagraphTransformer.Transform(node, reader, pc)
	var table ast.Node
	switch {
	case node.Parent() != nil:
		table, blank = node.NextSibling(), false
	case before != nil:
		table = before.NextSibling()
	default:
		table = parent.FirstChild()
	}
	if table == nil || table.Kind() != east.KindTable {
		return
	}
	table.SetBlankPreviousLines(blank)
	table.SetPos(table.FirstChild().Pos())
}

// footnoteParser reads [^label] as the text [label], whether or not the footnote
// exists: its definition may be on another page.
type footnoteParser struct{}

func (footnoteParser) Trigger() []byte { return []byte{'['} }

func (footnoteParser) Parse(_ ast.Node, block text.Reader, _ parser.Context) ast.Node {
	line, _ := block.PeekLine()
	if len(line) < 4 || line[1] != '^' {
		return nil
	}
	end := bytes.IndexByte(line[:min(len(line), 64)], ']')
	if end < 3 || bytes.ContainsAny(line[2:end], "[ \t\n`*<>") {
		return nil
	}
	block.Advance(end + 1)
	return ast.NewString([]byte("[" + string(line[2:end]) + "]"))
}
