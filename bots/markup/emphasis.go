package markup

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/text"
)

// emphasisParser is CommonMark's, but reads **「x」**です as every model means it: by
// CommonMark's rules a delimiter between a bracket and a letter neither opens nor
// closes, which is wrong for scripts that put no spaces between words.
type emphasisParser struct{}

func (emphasisParser) Trigger() []byte { return []byte{'*', '_'} }

func (emphasisParser) Parse(_ ast.Node, block text.Reader, pc parser.Context) ast.Node {
	before := block.PrecendingCharacter()
	line, segment := block.PeekLine()
	node := parser.ScanDelimiter(line, before, 1, emphasisDelimiters{})
	if node == nil {
		return nil
	}
	after, _ := utf8.DecodeRune(line[node.OriginalLength:])
	if line[0] == '*' && (unspaced(before) || unspaced(after)) {
		node.CanOpen = node.CanOpen || !unicode.IsSpace(after) && node.OriginalLength < len(line)
		node.CanClose = node.CanClose || !unicode.IsSpace(before)
	}
	node.Segment = segment.WithStop(segment.Start + node.OriginalLength)
	block.Advance(node.OriginalLength)
	pc.PushDelimiter(node)
	return node
}

type emphasisDelimiters struct{}

func (emphasisDelimiters) IsDelimiter(b byte) bool { return b == '*' || b == '_' }

func (emphasisDelimiters) CanOpenCloser(opener, closer *parser.Delimiter) bool {
	return opener.Char == closer.Char
}

func (emphasisDelimiters) OnMatch(consumes int) ast.Node { return ast.NewEmphasis(consumes) }

// unspaced says whether r is of a script that puts no spaces between words.
func unspaced(r rune) bool { return r >= 0x2E80 && r <= 0xFFEF && r != utf8.RuneError }

// pad puts zero-width spaces inside of marks where a strict reader of Markdown would
// not take them for marks: between punctuation inside and a letter outside. The mark is
// written at before, what it encloses from start on, and next is what will follow.
func (w *inliner) pad(before, start int, next ast.Node) {
	last, _ := utf8.DecodeLastRune(w.out[:before])
	first, _ := utf8.DecodeRune(w.out[start:])
	if before > 0 && wordRune(last) && notWord(first) {
		w.out = slices.Insert(w.out, start, []byte(zeroWidth)...)
	}
	t, ok := next.(*ast.Text)
	if !ok || len(w.out) == start {
		return
	}
	after, _ := utf8.DecodeRune(t.Segment.Value(w.src))
	last, _ = utf8.DecodeLastRune(w.out[start:])
	if wordRune(after) && notWord(last) {
		w.out = append(w.out, zeroWidth...)
	}
}

func notWord(r rune) bool {
	return unicode.IsPunct(r) || unicode.IsSymbol(r) || strings.ContainsRune("\\`", r)
}
