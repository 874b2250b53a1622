package markup

import (
	"strings"
	"unicode"

	eastasian "golang.org/x/text/width"
)

// width is how many columns s takes in a fixed-width font: two for wide characters
// and emoji, none for what combines with the character before it.
func width(s string) int {
	n, last, joined := 0, 0, false
	for i, r := range s {
		if i == n && r >= 0x20 && r < 0x7f { // nothing but ASCII so far
			n, last = n+1, 1
			continue
		}
		w := runeWidth(r)
		switch {
		case r == '\uFE0F': // asks for the emoji form
			w = 2 - last
			last = 2
		case r == '\u200D':
			joined = true
			continue
		case joined:
			w = 0
		case w > 0:
			last = w
		}
		joined = false
		n += max(w, 0)
	}
	return n
}

func runeWidth(r rune) int {
	switch {
	case r >= 0x20 && r < 0x7f:
		return 1
	case extends(r):
		return 0
	}
	switch eastasian.LookupRune(r).Kind() {
	case eastasian.EastAsianWide, eastasian.EastAsianFullwidth:
		return 2
	default:
		return 1
	}
}

// extends says whether r belongs to the character before it.
func extends(r rune) bool {
	switch {
	case r < 0x300:
		return false
	case r >= 0x1F3FB && r <= 0x1F3FF: // skin tones
		return true
	case r == '\u200B', r == '\u200C', r == '\u200D', r == '\u2060', r >= 0xE0020 && r <= 0xE007F:
		return true
	}
	return unicode.In(r, unicode.Mn, unicode.Me)
}

// wrap breaks s into lines of at most so many columns, between words where it can.
func wrap(s string, columns int) []string {
	if width(s) <= columns {
		return []string{s}
	}
	var lines []string
	line, used := "", 0
	for word := range strings.FieldsSeq(s) {
		w := width(word)
		if line != "" && used+1+w <= columns {
			line, used = line+" "+word, used+1+w
			continue
		}
		if line != "" {
			lines = append(lines, line)
		}
		for w > columns {
			head := prefixOf(word, columns)
			lines = append(lines, head)
			word = word[len(head):]
			w = width(word)
		}
		line, used = word, w
	}
	if line != "" {
		lines = append(lines, line)
	}
	return lines
}

// prefixOf is as much of s as fits into columns, but at least one character.
func prefixOf(s string, columns int) string {
	end := 0
	for i := range s {
		if i == 0 || joins(s[:i], s[i:]) {
			continue
		}
		if end > 0 && width(s[:i]) > columns {
			return s[:end]
		}
		end = i
	}
	if end == 0 || width(s) <= columns {
		return s
	}
	return s[:end]
}
