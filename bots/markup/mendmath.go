package markup

import (
	"regexp"
	"strings"
)

// maxHalfMath is how long text may be that is taken for a formula in the making.
const maxHalfMath = 300

// mathEnd looks at the backslash at i. It returns where a formula ends that begins
// there, 0 if there is none, and -1 and what should stand for s if it is still being
// written.
func mathEnd(s string, i int) (int, string) {
	switch {
	case s[i+1] == '(':
		return formulaEnd(s, i, `\)`, maxHalfMath)
	case s[i+1] == '[' && (i == 0 || s[i-1] == '\n'):
		return formulaEnd(s, i, `\]`, maxMath)
	}
	return 0, ""
}

// formulaEnd is for a formula that two characters at i open.
func formulaEnd(s string, i int, closing string, limit int) (int, string) {
	inside := s[i+2:]
	if end := strings.Index(inside, closing); end >= 0 {
		return i + 2 + end + 2, ""
	}
	if len(inside) > limit {
		return 0, ""
	}
	if half := strings.TrimSuffix(inside, closing[:1]); strings.TrimSpace(half) != "" {
		return -1, s[:i+2] + half + closing
	}
	return -1, s[:i]
}

// variable is the beginning of a name that no formula has after a dollar.
var variable = regexp.MustCompile(`^[A-Za-z_][A-Za-z_0-9]`)

// dollarEnd is mathEnd for the dollar at i.
func dollarEnd(s string, i int) (int, string) {
	if strings.HasPrefix(s[i:], "$$") {
		return formulaEnd(s, i, "$$", maxMath)
	}
	inside := s[i+1:]
	if line := strings.IndexByte(inside, '\n'); line >= 0 {
		inside = inside[:line]
	}
	if inside == "" || strings.IndexByte(" \t0123456789.,;:)", inside[0]) >= 0 || variable.MatchString(inside) && !strings.Contains(inside, "$") {
		return 0, ""
	}
	if end := strings.IndexByte(inside, '$'); end >= 0 {
		if strings.ContainsAny(inside[:end], `\^_={}+`) {
			return i + 1 + end + 1, ""
		}
		return 0, ""
	}
	if len(inside) > maxHalfMath/4 || len(inside) < len(s)-i-1 || strings.ContainsAny(inside, "`/") {
		return 0, ""
	}
	if strings.ContainsAny(inside, `\^_={}+`) {
		return -1, s + "$"
	}
	return -1, s[:i]
}
