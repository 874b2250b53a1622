package markup

import (
	"iter"
	"regexp"
	"slices"
	"testing"
)

// What is read for every edit of an answer is read by hand. Each of these readers finds
// what a pattern says that is easier to understand.
var scanners = map[string]struct {
	pattern string
	found   func(line string) bool
}{
	"danglingLine":     {"^[ \t>]*(?:[-*+]|#{1,6}|--|==+|~~|``?|\\*\\*|\\|)[ \t]*$", danglingLine},
	"danglingTask":     {`^[ \t>]*(?:[-*+]|\d{1,9}[.)])[ \t]+\[[ xX]?$|^\[[ xX]?$`, danglingTask},
	"danglingNumber":   {`^[ \t>]*\d{1,3}[.)]?[ \t]*$`, danglingNumber},
	"halfTableHead":    {`^\| .*[^\\]\|`, halfTableHead},
	"halfFirstCell":    {`^[ >]*\| [^|]*$`, halfFirstCell},
	"halfDelimiter":    {`^\|[-:| ]*$`, halfDelimiter},
	"halfRuleOfDashes": {`^:?-+[-:| ]*$`, halfRuleOfDashes},
}

// combinations are all texts of four of the parts.
func combinations(parts ...string) iter.Seq[string] {
	return func(yield func(string) bool) {
		for i := range len(parts) * len(parts) * len(parts) * len(parts) {
			text := ""
			for range 4 {
				text += parts[i%len(parts)]
				i /= len(parts)
			}
			if !yield(text) {
				return
			}
		}
	}
}

func TestScannersFindWhatTheirPatternsSay(t *testing.T) {
	lines := slices.Collect(combinations("", " ", "\t", ">", "-", "* ", "###", "==", "~", "`", "|", "\\", "[", "X", ":", ".", "12", "é"))
	for name, s := range scanners {
		t.Run(name, func(t *testing.T) {
			pattern := regexp.MustCompile(s.pattern)
			for _, line := range lines {
				if got, want := s.found(line), pattern.MatchString(line); got != want {
					t.Fatalf("%q: %v, want %v", line, got, want)
				}
			}
			if !slices.ContainsFunc(lines, s.found) {
				t.Error("no line has it")
			}
		})
	}
}

func TestLineMarkFindsWhatItsPatternSays(t *testing.T) {
	pattern := regexp.MustCompile(`^(?:#{1,6}(?:\s|$)|-#\s|[-*+](?:\s|$)|>|(?:=+|-+)\s*$|\d{1,9}[.)](?:\s|$)|~~~)`)
	for line := range combinations("", " ", "\n", "#", "######", "-", "--", "=", "*", ">", "~~~", "1", "23456789", ".", ")", "a") {
		if got, want := lineMark(line), pattern.FindString(line); got != want {
			t.Fatalf("%q: %q, want %q", line, got, want)
		}
	}
}
