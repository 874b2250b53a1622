package quickjson

import (
	"encoding/binary"
	"math/bits"
	"unicode/utf8"
)

// AppendText appends s as a JSON string, as an Encoder without escapes for HTML would.
func AppendText(b []byte, s string) []byte {
	const hex = "0123456789abcdef"
	b = append(b, '"')
	from := 0
	for i := 0; i < len(s); {
		// Most of a text is ASCII that stands for itself.
		if len(s)-i >= 8 {
			w := word(s[i:])
			if n := bits.TrailingZeros64(notPlain(w)|w&eachHigh) / 8; n > 0 {
				i += n
				continue
			}
		}
		c := s[i]
		if isPlain(c) && c < utf8.RuneSelf {
			i++
			continue
		}
		size, escape := 1, ""
		switch {
		case c >= utf8.RuneSelf:
			var r rune
			if r, size = utf8.DecodeRuneInString(s[i:]); r == '\u2028' || r == '\u2029' {
				escape = `\u202` + hex[r&15:r&15+1]
			} else if r == utf8.RuneError && size == 1 {
				escape = `\ufffd`
			}
		case c == '"':
			escape = `\"`
		case c == '\\':
			escape = `\\`
		case c == '\n':
			escape = `\n`
		case c == '\r':
			escape = `\r`
		case c == '\t':
			escape = `\t`
		case c == '\b':
			escape = `\b`
		case c == '\f':
			escape = `\f`
		default:
			escape = `\u00` + hex[c>>4:c>>4+1] + hex[c&15:c&15+1]
		}
		if escape != "" {
			b = append(append(b, s[from:i]...), escape...)
			from = i + size
		}
		i += size
	}
	return append(append(b, s[from:]...), '"')
}

// word is the first eight bytes of s, the first of them the lowest.
func word(s string) uint64 {
	return uint64(s[0]) | uint64(s[1])<<8 | uint64(s[2])<<16 | uint64(s[3])<<24 |
		uint64(s[4])<<32 | uint64(s[5])<<40 | uint64(s[6])<<48 | uint64(s[7])<<56
}

// plainEnd returns where the text ends that begins at i and that stands for itself inside a
// JSON string: before a quote, a backslash or a control character, or at the end of b.
func plainEnd(b []byte, i int) int {
	for ; len(b)-i >= 8; i += 8 {
		if found := notPlain(binary.LittleEndian.Uint64(b[i:])); found != 0 {
			return i + bits.TrailingZeros64(found)/8
		}
	}
	for i < len(b) && isPlain(b[i]) {
		i++
	}
	return i
}

// isPlain reports whether a byte stands for itself inside a JSON string.
func isPlain(c byte) bool { return c >= ' ' && c != '"' && c != '\\' }

const (
	eachByte = 0x0101010101010101
	eachHigh = 0x8080808080808080
)

// notPlain looks at eight bytes, the first of them the lowest of w. It sets the highest bit
// of the first that isPlain is not true of. What it sets above that means nothing.
func notPlain(w uint64) uint64 {
	quote, backslash := w^'"'*eachByte, w^'\\'*eachByte
	return ((quote-eachByte)&^quote | (backslash-eachByte)&^backslash | (w-' '*eachByte)&^w) & eachHigh
}
