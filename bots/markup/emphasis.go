package markup

import (
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

// padded puts zero-width spaces inside of marks where a strict reader of Markdown
// would not take them for marks: between punctuation inside and a letter outside.
func padded(before, inner string, next ast.Node, src []byte) string {
	last, _ := utf8.DecodeLastRuneInString(before)
	first, _ := utf8.DecodeRuneInString(inner)
	if before != "" && wordRune(last) && notWord(first) {
		inner = zeroWidth + inner
	}
	t, ok := next.(*ast.Text)
	if !ok || inner == "" {
		return inner
	}
	after, _ := utf8.DecodeRune(t.Segment.Value(src))
	last, _ = utf8.DecodeLastRuneInString(inner)
	if wordRune(after) && notWord(last) {
		inner += zeroWidth
	}
	return inner
}

func notWord(r rune) bool {
	return unicode.IsPunct(r) || unicode.IsSymbol(r) || strings.ContainsRune("\\`", r)
}
