package markup

import "strings"

// Bounds beyond which text is not meant to be read as Markdown. Parsers take more than
// linear time for such nesting; without these bounds 50 KiB could take most of a
// second.
const (
	maxMarkers = 24  // quotes and lists that one line may be in
	maxDense   = 100 // delimiters in a stretch of a line that has little else
)

// tangled says whether src is so nested that it is better shown as it is.
func tangled(src string) bool {
	var t tangle
	return t.read(src)
}

// tangle reads Markdown line by line for what parsers are slow with.
type tangle struct{ fence string } // the run that opened a code block

// read says whether src, which begins a line, is tangled.
func (t *tangle) read(src string) bool {
	open := t.fence
	defer func() { t.fence = open }()
	for l := range strings.SplitSeq(src, "\n") {
		if len(l) <= maxMarkers {
			if run := fenceRun(strings.TrimLeft(l, " \t>")); open == "" {
				open = run
			} else if strings.HasPrefix(run, open) {
				open = ""
			}
			continue
		}
		if open == "" && (markers(l) > maxMarkers || dense(l)) {
			return true
		}
	}
	return false
}

// markers counts the container markers that l begins with. Deep indentation before
// one stands for the containers it would be in.
func markers(l string) int {
	n, indent := 0, 0
	for i := 0; i < len(l); i++ {
		switch c := l[i]; {
		case c == '>':
			n++
		case (c == '-' || c == '+' || c == '*' || c == '.' || c == ')') && i+1 < len(l) && (l[i+1] == ' ' || l[i+1] == '\t'):
			n++
		case c == ' ':
			indent++
			continue
		case c == '\t':
			indent += 4
			continue
		case c >= '0' && c <= '9':
		default:
			return n + min(n, 1)*indent/4
		}
	}
	return n + min(n, 1)*indent/4
}

// dense says whether l has a long stretch of mostly delimiters. A run of one
// character is one delimiter, unless each of them may open something.
func dense(l string) bool {
	score := 0
	for i := 0; i < len(l); i++ {
		switch l[i] {
		case '[', ']', '(', '\\', '&':
			score += 2
		case '*', '_', '~', '`', '<', '!', '$':
			if i == 0 || l[i-1] != l[i] {
				score += 2
			}
		default:
			score = max(0, score-1)
		}
		if score > 2*maxDense {
			return true
		}
	}
	return false
}
