package markup

import (
	"bytes"

	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/text"
	"github.com/yuin/goldmark/util"
)

var kindMath = ast.NewNodeKind("Math")

// math is TeX between \( \), \[ \], $$ $$ or $ $. No platform sets it, but shown as
// code it at least keeps its backslashes, stars and underscores.
type math struct {
	ast.BaseInline
	tex     string
	display bool
}

func (m *math) Kind() ast.NodeKind { return kindMath }

func (m *math) Dump(source []byte, level int) { ast.DumpHelper(m, source, level, nil, nil) }

type mathParser struct{}

func (mathParser) Trigger() []byte { return []byte{'\\', '$'} }

// maxMath bounds the search for the end of a formula, so that many openings without
// an end do not cost more than their number.
const maxMath = 1000

func (mathParser) Parse(_ ast.Node, block text.Reader, _ parser.Context) ast.Node {
	line, _ := block.PeekLine()
	if len(line) < 3 {
		return nil
	}
	var closing string
	display := true
	switch {
	case line[0] == '\\' && line[1] == '(':
		closing, display = `\)`, false
	case line[0] == '\\' && line[1] == '[' && block.PrecendingCharacter() == '\n':
		closing = `\]` // elsewhere it is an escaped bracket
	case line[0] == '$' && line[1] == '$':
		closing = "$$"
	case line[0] == '$':
		return dollarMath(line, block)
	default:
		return nil
	}
	// A display formula is mostly set on lines of its own, so the end may be lines
	// away.
	savedLine, saved := block.Position()
	block.Advance(2)
	var tex []byte
	for len(tex) < maxMath {
		line, _ = block.PeekLine()
		if line == nil {
			break
		}
		if i := bytes.Index(line, []byte(closing)); i >= 0 {
			tex = append(tex, line[:i]...)
			if util.IsBlank(tex) {
				break
			}
			block.Advance(i + 2)
			return &math{tex: string(bytes.TrimSpace(tex)), display: display}
		}
		tex = append(tex, line...)
		block.AdvanceLine()
	}
	block.SetPosition(savedLine, saved)
	return nil
}

// dollarMath reads $x^2$, and leaves amounts of money and shell variables alone: no
// space inside the dollars, no digit after them, and something between them that
// only a formula has.
func dollarMath(line []byte, block text.Reader) ast.Node {
	if util.IsSpace(line[1]) {
		return nil
	}
	end := bytes.IndexByte(line[1:min(len(line), 200)], '$') + 1
	if end < 2 || util.IsSpace(line[end-1]) {
		return nil
	}
	if end+1 < len(line) && util.IsAlphaNumeric(line[end+1]) {
		return nil
	}
	tex := line[1:end]
	if len(tex) > 1 && !bytes.ContainsAny(tex, `\^_={}+`) || bytes.ContainsAny(tex, "`/") {
		return nil
	}
	block.Advance(end + 1)
	return &math{tex: string(tex)}
}
