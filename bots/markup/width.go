package markup

import (
	"unicode"

	eastasian "golang.org/x/text/width"
)

// width is how many columns s takes in a fixed-width font: two for wide characters
// and emoji, none for what combines with the character before it.
func width(s string) int {
	n, last, joined := 0, 0, false
	for _, r := range s {
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
