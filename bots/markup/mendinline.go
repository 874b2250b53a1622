package markup

import (
	"strings"
)

// mendInline closes the inline constructs that s leaves open. Up to links unfinished
// links, one in the other, are reduced to their labels.
func mendInline(s string, links int) string {
	trimmed := strings.TrimRight(s, " \t\n")
	if at := halfEntity(trimmed); at >= 0 {
		return mendInline(trimmed[:at], links)
	}
	if at := openScript(trimmed); at >= 0 {
		return mendInline(trimmed[:at], links)
	}
	var open []opener
	for i := 0; i < len(trimmed); {
		if !mendable[trimmed[i]] {
			i++
			continue
		}
		switch c := trimmed[i]; c {
		case '\\':
			if i+1 == len(trimmed) {
				return closeAll(trimmed[:i], open)
			}
			switch end, mended := mathEnd(trimmed, i); {
			case end < 0:
				return closeAll(mended, open)
			case end > 0:
				i = end
			default:
				i += 2
			}
		case '$':
			switch end, mended := dollarEnd(trimmed, i); {
			case end < 0:
				return closeAll(mended, open)
			case end > 0:
				i = end
			default:
				i++
			}
		case '`':
			n := run(trimmed, i)
			end := closingTicks(trimmed, i+n, n)
			if end < 0 {
				return closeCode(trimmed, i, n, open)
			}
			i = end
		case '<':
			switch end, mended := tagEnd(trimmed, i); {
			case end < 0:
				return closeAll(mended, open)
			case end > 0:
				i = end
			default:
				i++
			}
		case '[':
			at := i
			if at > 0 && trimmed[at-1] == '!' {
				at--
			}
			end, label, ok := linkEnd(trimmed, i)
			switch {
			case ok:
				// The label may hold emphasis of its own, but nothing opened in it
				// reaches out of it.
				i = end
			case label == "" || links == 0:
				return closeAll(trimmed[:at], open)
			default:
				return mendInline(trimmed[:at]+label, links-1)
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

// mendable are the bytes that mendInline looks at: what opens something, or an address.
var mendable = bytesOf("\\$`<[*_~h")

// byteSet is a set of bytes.
type byteSet [256]bool

func bytesOf(s string) (set byteSet) {
	for i := range len(s) {
		set[s[i]] = true
	}
	return set
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
