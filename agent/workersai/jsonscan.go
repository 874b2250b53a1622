package workersai

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"math"
	"math/bits"
	"strconv"
	"unicode/utf8"
)

// jsonScan reads the JSON that is common in events, in a single pass.
type jsonScan struct {
	b   []byte
	i   int
	bad bool // it is no such JSON, and what was read since is void

	said []byte // a text that is being put together
}

// open begins an object and returns its first key; nil: there is none.
func (s *jsonScan) open() []byte {
	if s.expect('{'); s.at() == '}' {
		s.i++
		return nil
	}
	return s.key()
}

// next returns the next key of an object; nil: there is none.
func (s *jsonScan) next() []byte {
	switch s.at() {
	case ',':
		s.i++
		return s.key()
	case '}':
		s.i++
	default:
		s.bad = true
	}
	return nil
}

// key reads a key, up to its value.
func (s *jsonScan) key() []byte {
	key := s.plain()
	if s.expect(':'); s.bad {
		return nil
	}
	return key
}

// at returns the byte that follows after blanks; 0: there is none.
func (s *jsonScan) at() byte {
	for s.i < len(s.b) && s.b[s.i] == ' ' {
		s.i++
	}
	if s.i == len(s.b) {
		return 0
	}
	return s.b[s.i]
}

func (s *jsonScan) expect(c byte) {
	if s.at() != c {
		s.bad = true
		return
	}
	s.i++
}

func (s *jsonScan) isNull() { s.bad = !s.null() || s.bad }

// null reads null, if that is what follows.
func (s *jsonScan) null() bool {
	if s.at() != 'n' || len(s.b)-s.i < 4 || string(s.b[s.i:s.i+4]) != "null" {
		return false
	}
	s.i += 4
	return true
}

// plain reads a string without escapes. It is nil only where there is none.
func (s *jsonScan) plain() []byte {
	if s.at() != '"' {
		s.bad = true
		return nil
	}
	from := s.i + 1
	end := plainEnd(s.b, from)
	if end == len(s.b) || s.b[end] != '"' {
		s.bad = true
		return nil
	}
	s.i = end + 1
	return s.b[from:end]
}

// text reads a string.
func (s *jsonScan) text() string {
	if s.at() != '"' {
		s.bad = true
		return ""
	}
	from := s.i
	end, escapes := plainEnd(s.b, from+1), false
	for end < len(s.b) && s.b[end] == '\\' {
		end, escapes = plainEnd(s.b, min(end+2, len(s.b))), true
	}
	if end == len(s.b) || s.b[end] != '"' {
		s.bad = true
		return ""
	}
	s.i = end + 1
	if whole := s.b[from+1 : end]; !escapes && utf8.Valid(whole) {
		return string(whole)
	}
	return s.unquoted(s.b[from:s.i])
}

// unquoted returns what a string with quotes around it says. It has no control characters
// but, perhaps, after a backslash.
func (s *jsonScan) unquoted(b []byte) (text string) {
	rest, valid := b[1:len(b)-1], utf8.Valid(b)
	for s.said = s.said[:0]; valid; {
		at := bytes.IndexByte(rest, '\\')
		if at < 0 {
			return string(append(s.said, rest...))
		}
		c := escaped[rest[at+1]]
		if c == 0 {
			break // a character by its number, or none
		}
		s.said = append(append(s.said, rest[:at]...), c)
		rest = rest[at+2:]
	}
	s.bad = json.Unmarshal(b, &text) != nil || s.bad
	return text
}

// escaped is what a letter after a backslash stands for; 0: it is no such letter.
var escaped = [256]byte{'"': '"', '\\': '\\', '/': '/', 'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t'}

// integer reads a number of digits alone.
func (s *jsonScan) integer() int {
	s.at()
	from := s.i
	n := s.digits(0)
	if size := s.i - from; size == 0 || size > maxDigits || size > 1 && s.b[from] == '0' {
		s.bad = true
	}
	return n
}

// maxDigits is how many digits of a number are sure to be exact as a float.
const maxDigits = 15

// digits reads digits on to the end of n, which is void if they are more than maxDigits.
func (s *jsonScan) digits(n int) int {
	for ; s.i < len(s.b) && s.b[s.i] >= '0' && s.b[s.i] <= '9'; s.i++ {
		n = n*10 + int(s.b[s.i]-'0')
	}
	return n
}

// number reads a number without a sign and without an exponent.
func (s *jsonScan) number() float64 {
	s.at()
	from := s.i
	n := s.integer()
	if s.i == len(s.b) || s.b[s.i] != '.' {
		return float64(n)
	}
	s.i++
	point := s.i
	n = s.digits(n)
	switch places := s.i - point; {
	case places == 0:
		s.bad = true
		return 0
	case s.i-from-1 <= maxDigits:
		return float64(n) / math.Pow10(places) // both are exact, so it is the nearest float
	}
	f, err := strconv.ParseFloat(string(s.b[from:s.i]), 64)
	s.bad = s.bad || err != nil
	return f
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
