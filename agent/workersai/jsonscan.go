package workersai

import (
	"encoding/binary"
	"encoding/json"
	"math/bits"
	"strconv"
	"unicode/utf8"
)

// jsonScan reads the JSON that is common in events, in a single pass.
type jsonScan struct {
	b   []byte
	i   int
	bad bool // it is no such JSON, and what was read since is void
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

func (s *jsonScan) unquoted(b []byte) (text string) {
	s.bad = json.Unmarshal(b, &text) != nil || s.bad
	return text
}

// integer reads a number of digits alone.
func (s *jsonScan) integer() (n int) {
	s.at()
	from := s.i
	for ; s.digit(); s.i++ {
		n = n*10 + int(s.b[s.i]-'0') // which may overflow: it is too long then
	}
	if size := s.i - from; size == 0 || size > 15 || size > 1 && s.b[from] == '0' {
		s.bad = true
	}
	return n
}

func (s *jsonScan) digit() bool { return s.i < len(s.b) && s.b[s.i] >= '0' && s.b[s.i] <= '9' }

// number reads a number without a sign and without an exponent.
func (s *jsonScan) number() float64 {
	s.at()
	from := s.i
	whole := s.integer()
	if s.i == len(s.b) || s.b[s.i] != '.' {
		return float64(whole)
	}
	s.i++
	s.bad = s.bad || !s.digit()
	for s.digit() {
		s.i++
	}
	n, err := strconv.ParseFloat(string(s.b[from:s.i]), 64)
	s.bad = s.bad || err != nil
	return n
}

// plainEnd returns where the text ends that begins at i and that stands for itself inside a
// JSON string: before a quote, a backslash or a control character, or at the end of b.
func plainEnd(b []byte, i int) int {
	for ; len(b)-i >= 8; i += 8 {
		if found := notPlain(binary.LittleEndian.Uint64(b[i:])); found != 0 {
			return i + bits.TrailingZeros64(found)/8
		}
	}
	for i < len(b) && b[i] >= ' ' && b[i] != '"' && b[i] != '\\' {
		i++
	}
	return i
}

// notPlain looks at eight bytes, the first of them the lowest of w. It sets the highest bit
// of the first that does not stand for itself inside a JSON string. What it sets above that
// means nothing.
func notPlain(w uint64) uint64 {
	const each, high = 0x0101010101010101, 0x8080808080808080
	quote, backslash := w^'"'*each, w^'\\'*each
	return ((quote-each)&^quote | (backslash-each)&^backslash | (w-' '*each)&^w) & high
}
