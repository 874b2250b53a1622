package markup

import (
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

func TestScannersFindWhatTheirPatternsSay(t *testing.T) {
	parts := []string{"", " ", "\t", ">", "-", "* ", "###", "==", "~", "`", "|", "\\", "[", "X", ":", ".", "12", "é"}
	var lines []string
	for _, a := range parts {
		for _, b := range parts {
			for _, c := range parts {
				for _, d := range parts {
					lines = append(lines, a+b+c+d)
				}
			}
		}
	}
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
