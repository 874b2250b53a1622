package markup

import (
	"regexp"
	"strings"
)

// What is still being written is shown in the form that it will have if it turns out
// as it looks, as long as that does not show anything that must be taken back, and
// otherwise held back up to these lengths.
const (
	maxLabel   = 100
	maxAddress = 2000
	maxTag     = 400
)

// linkEnd looks at the bracket at i. It returns where its link, label or brackets end
// if that is in s. Otherwise a link may still be being written there; if its label is
// known that should stand for it, and else nothing.
func linkEnd(s string, i int) (end int, label string, ok bool) {
	image := i > 0 && s[i-1] == '!'
	j, closed := closingBracket(s, i)
	if !closed {
		text := s[i+1:]
		if len(text) > maxLabel && !strings.HasPrefix(text, "![") || strings.Contains(text, ")") && !strings.Contains(text, "](") || len(text) > maxAddress {
			return i + 1, "", true
		}
		return 0, "", false
	}
	text := s[i+1 : j]
	if j+1 == len(s) {
		return j + 1, "", !image
	}
	switch s[j+1] {
	case '[':
		if _, closed := closingBracket(s, j+1); !closed && len(s)-j <= maxLabel && !strings.HasPrefix(s[j+1:], "[^") {
			return 0, "", false
		}
		return j + 1, "", true
	case '(':
	default:
		return j + 1, "", true
	}
	if k := addressEnd(s[j+2:]); k >= 0 {
		return j + 2 + k, "", true
	}
	if len(s)-j > maxAddress {
		return j + 1, "", true
	}
	// An address as the label is no more than a promise of what the link is.
	if looksLikeAddress(strings.TrimSpace(text)) {
		return 0, "", false
	}
	return 0, text, false
}

// closingBracket returns the place of the bracket that closes the one at i.
func closingBracket(s string, i int) (int, bool) {
	depth := 0
	for j := i; j < len(s) && j < i+maxAddress; j++ {
		switch s[j] {
		case '\\':
			j++
		case '[':
			depth++
		case ']':
			if depth--; depth == 0 {
				return j, true
			}
		}
	}
	return 0, false
}

// addressEnd returns where the parenthesis of a link ends of which s is the inside; 0
// if it is none, and -1 if that is not in s.
func addressEnd(s string) int {
	depth := 1
	quote := byte(0)
	for i := 0; i < len(s) && i < maxAddress; i++ {
		switch c := s[i]; {
		case c == '\\':
			i++
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case (c == '"' || c == '\'') && i > 0 && s[i-1] == ' ':
			quote = c
		case c == '(':
			depth++
		case c == ')':
			if depth--; depth == 0 {
				return i + 1
			}
		case c == '\n':
			return 0
		}
	}
	return -1
}

var (
	halfTag     = regexp.MustCompile(`^</?(?:([a-zA-Z][a-zA-Z0-9]*)(\s(?:[^<>"']|"[^"]*"|'[^']*')*(?:"[^"]*|'[^']*)?)?/?)?$`)
	wholeTag    = regexp.MustCompile(`^</?([a-zA-Z][a-zA-Z0-9]*)(?:\s(?:[^<>"']|"[^"]*"|'[^']*')*)?/?>`)
	halfScheme  = regexp.MustCompile(`^<(?:https?:/{0,2}|mailto:)$`)
	halfAddress = regexp.MustCompile(`^<(?:https?://|mailto:)[^\s<>]+$`)
)

// tagEnd looks at the < at i. It returns where a tag or address ends that begins there,
// 0 if there is none, and -1 and what should stand for s if it is still being written.
func tagEnd(s string, i int) (int, string) {
	rest := s[i:]
	if strings.HasPrefix(rest, "<!--") {
		if end := strings.Index(rest, "-->"); end >= 0 {
			return i + end + 3, ""
		}
		if len(rest) <= maxTag {
			return -1, s[:i]
		}
		return 0, ""
	}
	if rest == "<!" || rest == "<!-" {
		return -1, s[:i]
	}
	if m := wholeTag.FindStringSubmatch(rest[:min(len(rest), maxTag)]); m != nil && dropped(m[1]) {
		return i + len(m[0]), ""
	}
	if end := strings.IndexAny(rest, "> \n"); end > 0 && rest[end] == '>' {
		return i + end + 1, ""
	}
	if halfScheme.MatchString(rest) {
		return -1, s[:i]
	}
	if halfAddress.MatchString(rest) {
		return -1, s + ">"
	}
	if m := halfTag.FindStringSubmatch(rest); m != nil && len(rest) <= maxTag {
		if m[2] != "" && dropped(m[1]) || m[2] == "" && beginsTag(m[1]) {
			return -1, s[:i]
		}
	}
	return 0, ""
}

// openScript returns where in s a raised or lowered text begins that has no end yet, or
// -1: what it is set as depends on all of it.
func openScript(s string) int {
	if strings.IndexByte(s, '<') < 0 {
		return -1
	}
	at := max(strings.LastIndex(s, "<sup>"), strings.LastIndex(s, "<sub>"))
	if at < 0 || len(s)-at > maxLabel || strings.Contains(s[at:], "</su"+s[at+3:at+5]) {
		return -1
	}
	return at
}

// dropped says whether tags of that name are not shown.
func dropped(name string) bool {
	name = strings.ToLower(name)
	return name == "br" || layoutTags[name]
}

// beginsTag says whether name is the beginning of a tag that is not shown.
func beginsTag(name string) bool {
	name = strings.ToLower(name)
	if strings.HasPrefix("br", name) || strings.HasPrefix("https", name) || strings.HasPrefix("mailto", name) {
		return true
	}
	for tag := range layoutTags {
		if strings.HasPrefix(tag, name) {
			return true
		}
	}
	return false
}

// entities are the names that models write; the beginning of one is held back.
var entities = []string{"amp", "apos", "bull", "copy", "deg", "ensp", "emsp", "euro", "gt", "hellip", "larr", "ldquo",
	"lsquo", "lt", "mdash", "middot", "minus", "nbsp", "ndash", "plusmn", "quot", "rarr", "rdquo", "rsquo", "thinsp", "times", "trade"}

var entityTail = regexp.MustCompile(`&(#[xX]?[0-9a-fA-F]{0,6}|[a-z]{2,7})$`)

// halfEntity returns where in s an entity begins that is about to be completed, or -1.
func halfEntity(s string) int {
	tail := max(0, len(s)-10)
	if strings.IndexByte(s[tail:], '&') < 0 {
		return -1
	}
	m := entityTail.FindStringIndex(s[tail:])
	if m == nil {
		return -1
	}
	at := tail + m[0]
	name := s[at+1:]
	if name[0] == '#' {
		return at
	}
	for _, e := range entities {
		if strings.HasPrefix(e, name) {
			return at
		}
	}
	return -1
}
