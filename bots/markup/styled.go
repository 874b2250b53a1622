package markup

import (
	"bytes"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/yuin/goldmark/ast"
	east "github.com/yuin/goldmark/extension/ast"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/text"
)

// tagStyles gives the elements of inline HTML that have a counterpart in Markdown what
// they enclose: <b>x</b> is **x**.
type tagStyles struct{}

var kindScript = ast.NewNodeKind("Script")

// script is text above or below the line.
type script struct {
	ast.BaseInline
	digits string
}

func (n *script) Kind() ast.NodeKind { return kindScript }

func (n *script) Dump(source []byte, level int) { ast.DumpHelper(n, source, level, nil, nil) }

const (
	scriptFrom  = "0123456789+-=()"
	superscript = "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁼⁽⁾"
	subscript   = "₀₁₂₃₄₅₆₇₈₉₊₋₌₍₎"
)

// of returns s in the script, or as it is mostly typed without one.
func (n *script) of(s string) string {
	to := []rune(n.digits)
	var out []rune
	letters := true
	for _, r := range s {
		letters = letters && unicode.IsLetter(r)
		if i := strings.IndexRune(scriptFrom, r); i >= 0 {
			out = append(out, to[i])
		}
	}
	switch length := utf8.RuneCountInString(s); {
	case len(out) == length:
		return string(out)
	case n.digits == subscript:
		return "_" + s
	case letters && length > 1:
		return s // 5th
	case length > 1:
		return "^(" + s + ")"
	default:
		return "^" + s
	}
}

func (tagStyles) Transform(doc *ast.Document, reader text.Reader, _ parser.Context) {
	src := reader.Source()
	if bytes.IndexByte(src, '<') < 0 {
		return
	}
	var opening []*ast.RawHTML
	_ = ast.Walk(doc, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		if tag, ok := n.(*ast.RawHTML); ok && entering {
			if name, closing := tagOf(tag, src); !closing && styled(name) != nil {
				opening = append(opening, tag)
			}
		}
		return ast.WalkContinue, nil
	})
	// The innermost of nested elements comes first.
	for i := len(opening) - 1; i >= 0; i-- {
		enclose(opening[i], src)
	}
}

// tagOf returns the name of a tag.
func tagOf(tag *ast.RawHTML, src []byte) (name string, closing bool) {
	seg := tag.Segments.At(0)
	m := htmlTag.FindStringSubmatch(string(seg.Value(src)))
	if m == nil {
		return "", false
	}
	return strings.ToLower(m[2]), m[1] != ""
}

// styled returns a node for an element, or nil if it has none.
func styled(name string) ast.Node {
	switch name {
	case "b", "strong":
		return ast.NewEmphasis(2)
	case "i", "em":
		return ast.NewEmphasis(1)
	case "s", "del", "strike":
		return east.NewStrikethrough()
	case "kbd", "code", "samp", "tt":
		return ast.NewCodeSpan()
	case "sup":
		return &script{digits: superscript}
	case "sub":
		return &script{digits: subscript}
	}
	return nil
}

// enclose moves what is between tag and its end into a node of its own.
func enclose(tag *ast.RawHTML, src []byte) {
	name, _ := tagOf(tag, src)
	node := styled(name)
	end := tag.NextSibling()
	for ; end != nil; end = end.NextSibling() {
		if raw, ok := end.(*ast.RawHTML); ok {
			if other, closing := tagOf(raw, src); closing && other == name {
				break
			}
		}
		if _, plain := end.(*ast.Text); !plain && node.Kind() == ast.KindCodeSpan {
			return // code has no mark-up in it
		}
	}
	if end == nil || end == tag.NextSibling() {
		return
	}
	node.SetPos(tag.Pos())
	parent := tag.Parent()
	for n := tag.NextSibling(); n != end; {
		next := n.NextSibling()
		node.AppendChild(node, n)
		n = next
	}
	parent.InsertBefore(parent, tag, node)
	parent.RemoveChild(parent, tag)
	parent.RemoveChild(parent, end)
}
