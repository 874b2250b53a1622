package sandbox

import (
	"regexp"
	"slices"
	"strings"
)

var (
	aiSumWords = []struct {
		find *regexp.Regexp
		put  string
	}{
		{regexp.MustCompile(`(\d),(\d{3})\b`), "$1$2"},
		{regexp.MustCompile(`(?i)(\d+(?:\.\d+)?)\s*(?:%|percent)\s+of\s+`), "$1 / 100 * "},
		{regexp.MustCompile(`(?i)\bplus\b`), "+"},
		{regexp.MustCompile(`(?i)\bminus\b`), "-"},
		{regexp.MustCompile(`(?i)\b(?:times|multiplied by)\b|×|·|([\d)]\s*)[x✕](\s*[\d(])`), "$1*$2"},
		{regexp.MustCompile(`(?i)\bdivided by\b|÷`), "/"},
		{regexp.MustCompile(`(?i)\bto the power of\b|\*\*`), "^"},
		{regexp.MustCompile(`(?i)\bsquare root of (\d+(?:\.\d+)?)`), "sqrt($1)"},
		{regexp.MustCompile(`−`), "-"},
	}
	// aiSum finds a run of nothing but numbers, operators, brackets and functions.
	aiSum = regexp.MustCompile(`(?:\b(?:sqrt|cbrt|abs|sin|cos|tan|ln|log10|log2|log|exp|round|floor|ceil|trunc|min|max|pow|pi|e)\b|\d[\d_]*(?:\.\d+)?(?:[eE][-+]?\d+)?|\.\d+|<<|>>|[-+*/^%()!,]|\s)+`)
	// aiWork is an operator with something on both sides, or a function.
	aiWork     = regexp.MustCompile(`[\d)!ie]\s*(?:[-+*/^%]|<<|>>)+\s*[-+(]*\s*[\d.a-z(]|[a-z0-9]+\([^)]*\d`)
	aiSumAsked = regexp.MustCompile(`(?i)\b(?:calculate|compute|evaluate|what(?:'s|’s| is)|how much|how many|solve|sum)\b|=\s*\??\s*$`)
	aiDate     = regexp.MustCompile(`^\d{1,4}[-/]\d{1,2}[-/]\d{1,4}$`)
	// aiSpaced is an operator that is set off from its numbers.
	aiSpaced = regexp.MustCompile(`\d\s+[-+*/^%]\s+[\d(]`)
	// aiOnlySum is a message that is a sum and nothing else.
	aiOnlySum = regexp.MustCompile(`^[\d\s.+*/^%()!-]+=?\s*\??$`)
)

// aiMostSums bounds the sums that one message is taken to ask for.
const aiMostSums = 5

// aiExpressions finds the arithmetic in a text, in its order. The longest piece that could
// be a sum is one; others have to look it more clearly: "3-4 sentences" and "1/2" may
// stand beside a sum.
func aiExpressions(text string) []string {
	for _, w := range aiSumWords {
		text = w.find.ReplaceAllString(text, w.put)
	}
	var all []string
	best := ""
	for _, found := range aiSum.FindAllString(text, -1) {
		found = strings.Trim(found, " \t\r\n,!")
		if !aiWork.MatchString(found) || aiDate.MatchString(found) {
			continue
		}
		all = append(all, found)
		if len(found) > len(best) {
			best = found
		}
	}
	asked := aiSumAsked.MatchString(text) || aiOnlySum.MatchString(strings.TrimSpace(text))
	if best == "" || !strings.ContainsAny(best, "+*^(") && !asked {
		return nil
	}
	var sums []string
	for _, found := range all {
		sum := strings.Join(strings.Fields(aiBalanced(found)), " ")
		clear := found == best || strings.ContainsAny(found, "+*^(") || aiSpaced.MatchString(found)
		if clear && len(sums) < aiMostSums && !slices.Contains(sums, sum) {
			sums = append(sums, sum)
		}
	}
	return sums
}

// aiBalanced takes off closing brackets that were opened outside the sum, and opening
// ones at its end.
func aiBalanced(s string) string {
	open := 0
	for i, c := range s {
		switch c {
		case '(':
			open++
		case ')':
			if open--; open < 0 {
				return strings.TrimSpace(s[:i])
			}
		}
	}
	for open > 0 && strings.HasSuffix(strings.TrimSpace(s), "(") {
		s, open = strings.TrimSuffix(strings.TrimSpace(s), "("), open-1
	}
	return s + strings.Repeat(")", open)
}
