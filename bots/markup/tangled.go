package markup

import "strings"

// Bounds beyond which text is not meant to be read as Markdown: parsers take more than
// linear time for such nesting.
const (
	maxMarkers = 24  // quotes and lists that one line may open
	maxRun     = 200 // brackets, or delimiter runs, in one line without a letter between
)

// tangled says whether src is so nested that it is better shown as it is.
func tangled(src string) bool {
	for l := range strings.SplitSeq(src, "\n") {
		if len(l) > maxMarkers && (markers(l) > maxMarkers || dense(l)) {
			return true
		}
	}
	return false
}

// markers counts the container markers that l begins with.
func markers(l string) int {
	n := 0
	for i := 0; i < len(l); i++ {
		switch c := l[i]; {
		case c == '>':
			n++
		case (c == '-' || c == '+' || c == '*' || c == '.' || c == ')') && i+1 < len(l) && (l[i+1] == ' ' || l[i+1] == '\t'):
			n++
		case c == ' ' || c == '\t' || c >= '0' && c <= '9':
		default:
			return n
		}
	}
	return n
}

// dense says whether l has a long stretch of mostly delimiters.
func dense(l string) bool {
	score := 0
	for i := 0; i < len(l); i++ {
		switch l[i] {
		case '[', ']', '*', '_', '~', '`', '<', '!', '(', '$', '\\', '&':
			score += 2
		default:
			score = max(0, score-1)
		}
		if score > maxRun {
			return true
		}
	}
	return false
}
