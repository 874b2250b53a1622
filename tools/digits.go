package tools

import (
	"strings"
	"unicode/utf8"
)

func digit(b byte) bool { return '0' <= b && b <= '9' }

// separator tells what people put between groups of three digits besides a comma: an
// underscore, an apostrophe, or one of the narrow or unbreakable spaces.
func separator(r rune) bool {
	switch r {
	case '_', '\'', '\u00A0', '\u2009', '\u202F':
		return true
	}
	return false
}

// numberLen is the length of the number at the start of s, which begins with a digit
// or a point. Groups of three digits may be separated, by commas only if commas is set:
// among the arguments of a function a comma separates those.
func numberLen(s string, commas bool) int {
	if n := prefixedLen(s); n > 0 {
		return n
	}
	i := digitsLen(s)
	if i > 0 && i <= 3 {
		for {
			r, size := utf8.DecodeRuneInString(s[i:])
			if !(separator(r) || r == ',' && commas) || digitsLen(s[i+size:]) != 3 {
				break
			}
			i += size + 3
		}
	}
	for i < len(s) && s[i] == '.' { // a second point is reported by whoever reads the number
		i++
		i += digitsLen(s[i:])
	}
	return i + exponentLen(s[i:])
}

func digitsLen(s string) int {
	i := 0
	for i < len(s) && digit(s[i]) {
		i++
	}
	return i
}

// exponentLen is the length of an exponent such as e-5, or 0: the e may be the constant.
func exponentLen(s string) int {
	if s == "" || s[0] != 'e' && s[0] != 'E' {
		return 0
	}
	i := 1
	if i < len(s) && (s[i] == '+' || s[i] == '-') {
		i++
	}
	n := digitsLen(s[i:])
	if n == 0 {
		return 0
	}
	return i + n
}

// prefixedLen is the length of a hexadecimal, octal or binary integer, or 0.
func prefixedLen(s string) int {
	if len(s) < 3 || s[0] != '0' {
		return 0
	}
	digits := map[byte]string{'x': "0123456789abcdefABCDEF", 'o': "01234567", 'b': "01"}[s[1]|0x20]
	n := len(s[2:]) - len(strings.TrimLeft(s[2:], digits))
	if digits == "" || n == 0 {
		return 0
	}
	return 2 + n
}
