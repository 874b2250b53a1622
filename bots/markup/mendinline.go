package markup

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// mendInline closes the inline constructs that s leaves open. Up to links unfinished
// links, one in the other, are reduced to their labels.
func mendInline(s string, links int) string {
	trimmed := strings.TrimRight(s, " \t\n")
	if m := halfEntity.FindString(trimmed); m != "" {
		end, ok := entityEnds[m]
		if !ok {
			end = ";"
		}
		return mendInline(trimmed+end, links)
	}
	var open []opener
	for i := 0; i < len(trimmed); {
		switch c := trimmed[i]; c {
		case '\\':
			if i+1 == len(trimmed) {
				return closeAll(trimmed[:i], open)
			}
			i += 2
		case '`':
			n := run(trimmed, i)
			end := closingTicks(trimmed, i+n, n)
			if end < 0 {
				return closeCode(trimmed, i, n, open)
			}
			i = end
		case '<':
			if end := strings.IndexAny(trimmed[i:], ">\n"); end > 0 && trimmed[i+end] == '>' && !strings.Contains(trimmed[i:i+end], " ") {
				i += end + 1
				continue
			}
			if halfAddress.MatchString(trimmed[i:]) {
				return closeAll(trimmed+">", open)
			}
			if m := halfTag.FindStringSubmatch(trimmed[i:]); m != nil && beginsTag(m[1]) {
				return closeAll(trimmed[:i], open)
			}
			i++
		case '[':
			end, rest := linkEnd(trimmed, i)
			switch {
			case i+1 == len(trimmed):
				return closeAll(strings.TrimSuffix(trimmed[:i], "!"), open)
			case end > 0:
				// The label may hold emphasis of its own, but nothing opened in it
				// reaches out of it.
				i = end
			case rest != "" && links > 0:
				at := i
				if at > 0 && trimmed[at-1] == '!' {
					at--
				}
				return mendInline(trimmed[:at]+rest, links-1)
			default:
				i++
			}
		case '*', '_', '~':
			n := run(trimmed, i)
			if i+n == len(trimmed) {
				return endsWithRun(trimmed, i, n, open)
			}
			open = match(open, trimmed, i, n)
			i += n
		default:
			if isURL(trimmed, i) {
				i += len(firstField(trimmed[i:]))
				continue
			}
			i++
		}
	}
	if len(open) == 0 {
		return s
	}
	return closeAll(trimmed, open)
}

func run(s string, i int) int {
	n := 1
	for i+n < len(s) && s[i+n] == s[i] {
		n++
	}
	return n
}

func isURL(s string, i int) bool {
	return s[i] == 'h' && (strings.HasPrefix(s[i:], "https://") || strings.HasPrefix(s[i:], "http://"))
}

// firstField is s up to white space or what ends an address in running text.
func firstField(s string) string {
	if i := strings.IndexAny(s, " \t\n<>*`)]\""); i >= 0 {
		return s[:i]
	}
	return s
}

// beginsTag says whether name is the beginning of a tag that is not shown.
func beginsTag(name string) bool {
	if name == "" || strings.HasPrefix("br", name) || strings.HasPrefix("https", name) {
		return true
	}
	for tag := range layoutTags {
		if strings.HasPrefix(tag, strings.ToLower(name)) {
			return true
		}
	}
	return false
}

// closingTicks returns the end of the run of n backticks that closes a code span
// whose content begins at i, or -1.
func closingTicks(s string, i, n int) int {
	for i < len(s) {
		at := strings.IndexByte(s[i:], '`')
		if at < 0 {
			return -1
		}
		i += at
		found := run(s, i)
		i += found
		if found == n {
			return i
		}
	}
	return -1
}

// closeCode closes the code span that the n backticks at i open.
func closeCode(s string, i, n int, open []opener) string {
	inside := s[i+n:]
	if strings.Trim(inside, "` \t\n") == "" {
		return closeAll(s[:i], open)
	}
	have := len(inside) - len(strings.TrimRight(inside, "`"))
	if have < n {
		return closeAll(s+strings.Repeat("`", n-have), open)
	}
	return closeAll(s+" "+strings.Repeat("`", n), open)
}

// linkEnd looks at the bracket at i. It returns where its link or label ends if that
// is in s, and otherwise, if it looks like a link that is still being written, what
// should stand for it: its label.
func linkEnd(s string, i int) (end int, label string) {
	depth := 0
	limit := min(len(s), i+maxLabel)
	j := i
	for ; j < limit; j++ {
		switch s[j] {
		case '\\':
			j++
		case '[':
			depth++
		case ']':
			depth--
		}
		if depth == 0 {
			break
		}
	}
	if j >= limit { // no closing bracket
		text := s[i+1:]
		r, _ := utf8.DecodeRuneInString(text)
		if limit < len(s) || strings.ContainsAny(text, "[)\n") || !(unicode.IsLetter(r) || r == '*' || r == '`') {
			return 0, ""
		}
		return 0, text
	}
	if j+1 == len(s) || s[j+1] != '(' {
		return j + 1, ""
	}
	text := s[i+1 : j]
	address := s[j+2:]
	if len(address) > maxAddress {
		address = address[:maxAddress]
	}
	if k := strings.IndexAny(address, ")\n"); k >= 0 {
		return j + 2 + k + 1, ""
	}
	if len(s)-j > maxAddress || text == "" {
		return j + 1, ""
	}
	return 0, text
}

// Bounds of what is taken for a link that is still being written.
const (
	maxLabel   = 200
	maxAddress = 2000
)
