package markup

import (
	"bytes"
	"regexp"
	"unicode/utf8"

	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/text"
	"github.com/yuin/goldmark/util"
)

// referenceParser reads [text][label] as the text alone as long as nothing defines the
// label. Definitions mostly stand at the end of an answer, so that otherwise brackets
// would be seen that go away. Numbers and indexes, as in [1][2] and a[i][j], are left
// alone.
type referenceParser struct{}

func (referenceParser) Trigger() []byte { return []byte{'[', ']'} }

var fullReference = regexp.MustCompile("^\\[([*_`~]*\\pL[^\\[\\]]{0,200})\\](\\[([^\\[\\]^]{1,100})\\])")

// undefinedReference is where the brackets after an opened text end, by the position
// of the one that closes the text.
var undefinedReference = parser.NewContextKey()

func (referenceParser) Parse(_ ast.Node, block text.Reader, pc parser.Context) ast.Node {
	line, segment := block.PeekLine()
	ends, _ := pc.Get(undefinedReference).(map[int]int)
	if line[0] == ']' {
		end, ok := ends[segment.Start]
		if !ok {
			return nil
		}
		block.Advance(end - segment.Start)
		return ast.NewString(nil)
	}
	if text := bytes.IndexAny(line[1:], "[]"); text < 0 || !bytes.HasPrefix(line[1+text:], []byte("][")) {
		return nil
	}
	m := fullReference.FindSubmatchIndex(line)
	if m == nil || wordRune(block.PrecendingCharacter()) || m[1] < len(line) && (line[m[1]] == '(' || line[m[1]] == '[') {
		return nil
	}
	if _, known := pc.Reference(util.ToLinkReference(line[m[6]:m[7]])); known || !utf8.Valid(line[m[6]:m[7]]) {
		return nil
	}
	if ends == nil {
		ends = map[int]int{}
		pc.Set(undefinedReference, ends)
	}
	ends[segment.Start+m[4]-1] = segment.Start + m[5]
	block.Advance(1)
	return ast.NewString(nil)
}

// refer notes what the block n refers to.
func (r *renderer) refer(n ast.Node) {
	if r.referred == nil {
		return
	}
	_ = ast.Walk(n, func(n ast.Node, _ bool) (ast.WalkStatus, error) {
		if l, ok := n.(*ast.Link); ok && l.Reference != nil {
			r.referred[util.ToLinkReference(l.Reference.Value)] = true
		}
		return ast.WalkContinue, nil
	})
}

// definition shows a definition that nothing before it on its page refers to: what it
// is for stands on an earlier page, which stays as it is, or is yet to come.
func (r *renderer) definition(to []line, def *ast.LinkReferenceDefinition) []line {
	label := util.ToLinkReference(def.Label)
	if _, known := r.known[label]; known || r.referred == nil || r.referred[label] {
		return to
	}
	w := inliner{renderer: r}
	w.say("[" + string(def.Label) + "]: ")
	if address := destination(def.Destination); safeScheme(address) {
		w.raw(w.bareURL(address), style{oneLine: true})
	} else {
		w.say(address)
		w.flush(style{oneLine: true})
	}
	return split(to, string(w.out), false)
}
