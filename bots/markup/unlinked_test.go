package markup

import (
	"fmt"
	"strings"
	"testing"

	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/text"
	"pgregory.net/rapid"
)

// tree is n and all that is in it, with all that is read of a text.
func tree(b *strings.Builder, n ast.Node, depth int) {
	fmt.Fprintf(b, "%*s%s %d", depth, "", n.Kind(), n.Pos())
	if t, ok := n.(*ast.Text); ok {
		fmt.Fprint(b, t.Segment, t.SoftLineBreak(), t.HardLineBreak(), t.IsRaw())
	}
	b.WriteByte('\n')
	for c := n.FirstChild(); c != nil; c = c.NextSibling() {
		tree(b, c, depth+1)
	}
}

// checkUnlinked fails unless both parsers read md as the same tree, if both may.
func checkUnlinked(t failer, md string) {
	t.Helper()
	src := []byte(sanitize(md))
	if !addressless(src) {
		return
	}
	var trees [2]strings.Builder
	for i, p := range []parser.Parser{markdown, unlinked} {
		tree(&trees[i], p.Parse(text.NewReader(src)), 0)
	}
	if want, got := trees[0].String(), trees[1].String(); got != want {
		t.Fatalf("%q is\n%s, want\n%s", src, got, want)
	}
}

func TestTextWithoutAddressesIsReadAsTheSameTreeWithoutLookingForThem(t *testing.T) {
	for _, md := range goldenInputs(t) {
		for i := range md {
			checkUnlinked(t, md[:i])
		}
	}
	parts := append([]string{"a", "b c", " ", "  ", "\n", "\t", "(", ")", `\`, `\(`, `\\`, "*", "**", "_", "~", "~~", "`", "[", "![", "]", "](x)", "[x][y]", "[^1]", "!",
		"<", "<b>", "</b>", "$", "$x^2$", `\)`, "&lt ;", "- ", "> ", "# ", "1. ", "    ", "| a | b |\n|---|---|\n", "| c d |", "é", "。", "\n\n"}, constructs...)
	rapid.Check(t, func(t *rapid.T) {
		checkUnlinked(t, strings.Join(rapid.SliceOfN(rapid.SampledFrom(parts), 1, 12).Draw(t, "parts"), ""))
	})
}

func FuzzUnlinked(f *testing.F) {
	for _, p := range append(constructs, pieces...) {
		f.Add(p)
	}
	f.Fuzz(func(t *testing.T, md string) {
		if len(md) < 2_000 && !tangled(sanitize(md)) {
			checkUnlinked(t, md)
		}
	})
}
