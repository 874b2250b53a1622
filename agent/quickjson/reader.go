// Package quickjson reads and writes the JSON that programs write to each other, at a
// fraction of the cost of encoding/json: a model's answer has thousands of events, and a turn
// reads hundreds of entries. It is for JSON that is known beforehand. Of what it does not
// understand it only says so, and the caller has encoding/json judge.
package quickjson

import (
	"bytes"
	"encoding/json"
	"math"
	"strconv"
	"unicode/utf8"
)

// Reader reads a text in a single pass. Each method reads what follows, if that is what it is
// for. What it returns is good for as long as nobody changes B, texts excepted.
type Reader struct {
	B   []byte
	I   int  // where it stands in B
	Bad bool // it has met what it does not understand, and what was read since is void

	said []byte // a text that is being put together
}

// Done reports whether all has been read and understood.
func (r *Reader) Done() bool { return !r.Bad && r.I == len(r.B) }

// Open begins an object and returns its first key; nil: there is none.
func (r *Reader) Open() []byte {
	if r.Expect('{'); r.At() == '}' {
		r.I++
		return nil
	}
	return r.key()
}

// Next returns the next key of an object; nil: there is none.
func (r *Reader) Next() []byte {
	switch r.At() {
	case ',':
		r.I++
		return r.key()
	case '}':
		r.I++
	default:
		r.Bad = true
	}
	return nil
}

// key reads a key, up to its value.
func (r *Reader) key() []byte {
	key := r.Plain()
	if r.Expect(':'); r.Bad {
		return nil
	}
	return key
}

// At returns the byte that follows after blanks; 0: there is none.
func (r *Reader) At() byte {
	for r.I < len(r.B) && r.B[r.I] == ' ' {
		r.I++
	}
	if r.I == len(r.B) {
		return 0
	}
	return r.B[r.I]
}

// Expect reads c.
func (r *Reader) Expect(c byte) {
	if r.At() != c {
		r.Bad = true
		return
	}
	r.I++
}

// IsNull reads null.
func (r *Reader) IsNull() { r.Bad = !r.Null() || r.Bad }

// Null reads null, if that is what follows.
func (r *Reader) Null() bool { return r.literal("null") }

// Truth reads true or false.
func (r *Reader) Truth() bool {
	if r.literal("true") {
		return true
	}
	r.Bad = !r.literal("false") || r.Bad
	return false
}

func (r *Reader) literal(s string) bool {
	if r.At() != s[0] || len(r.B)-r.I < len(s) || string(r.B[r.I:r.I+len(s)]) != s {
		return false
	}
	r.I += len(s)
	return true
}

// Object reads an object of whatever kind, and returns it as it is written.
func (r *Reader) Object() []byte {
	r.At()
	from, depth := r.I, 0
	for ; r.I < len(r.B); r.I++ {
		switch r.B[r.I] {
		case '"':
			if r.quoted(); r.Bad {
				return nil
			}
			r.I--
		case '{':
			depth++
		case '}':
			if depth--; depth == 0 {
				r.I++
				r.Bad = r.Bad || r.B[from] != '{' || !json.Valid(r.B[from:r.I])
				return r.B[from:r.I]
			}
		}
	}
	r.Bad = true
	return nil
}

// Plain reads a string without escapes, whether it is UTF-8 or not. It is nil only where there
// is none.
func (r *Reader) Plain() []byte {
	b, escapes := r.quoted()
	if r.Bad = r.Bad || escapes; r.Bad {
		return nil
	}
	return b[1 : len(b)-1]
}

// Text reads a string.
func (r *Reader) Text() string {
	b, escapes := r.quoted()
	switch {
	case r.Bad:
		return ""
	case !escapes && utf8.Valid(b):
		return string(b[1 : len(b)-1])
	}
	return r.unquoted(b)
}

// quoted reads a string and returns it with its quotes, and whether there are escapes in it.
func (r *Reader) quoted() (b []byte, escapes bool) {
	if r.At() != '"' {
		r.Bad = true
		return nil, false
	}
	from := r.I
	end := plainEnd(r.B, from+1)
	for end < len(r.B) && r.B[end] == '\\' {
		end, escapes = plainEnd(r.B, min(end+2, len(r.B))), true
	}
	if end == len(r.B) || r.B[end] != '"' {
		r.Bad = true
		return nil, false
	}
	r.I = end + 1
	return r.B[from:r.I], escapes
}

// unquoted returns what a string with quotes around it says. It has no control characters
// but, perhaps, after a backslash.
func (r *Reader) unquoted(b []byte) (text string) {
	rest, valid := b[1:len(b)-1], utf8.Valid(b)
	for r.said = r.said[:0]; valid; {
		at := bytes.IndexByte(rest, '\\')
		if at < 0 {
			return string(append(r.said, rest...))
		}
		c := escaped[rest[at+1]]
		if c == 0 {
			break // a character by its number, or none
		}
		r.said = append(append(r.said, rest[:at]...), c)
		rest = rest[at+2:]
	}
	r.Bad = json.Unmarshal(b, &text) != nil || r.Bad
	return text
}

// escaped is what a letter after a backslash stands for; 0: it is no such letter.
var escaped = [256]byte{'"': '"', '\\': '\\', '/': '/', 'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t'}

// Integer reads a number of digits alone.
func (r *Reader) Integer() int {
	r.At()
	from := r.I
	n := r.digits(0)
	if size := r.I - from; size == 0 || size > maxDigits || size > 1 && r.B[from] == '0' {
		r.Bad = true
	}
	return n
}

// maxDigits is how many digits of a number are sure to be exact as a float.
const maxDigits = 15

// digits reads digits on to the end of n, which is void if they are more than maxDigits.
func (r *Reader) digits(n int) int {
	for ; r.I < len(r.B) && r.B[r.I] >= '0' && r.B[r.I] <= '9'; r.I++ {
		n = n*10 + int(r.B[r.I]-'0')
	}
	return n
}

// Number reads a number without a sign.
func (r *Reader) Number() float64 {
	r.At()
	from := r.I
	n, places, exact := r.Integer(), 0, true
	if r.I < len(r.B) && r.B[r.I] == '.' {
		r.I++
		point := r.I
		n = r.digits(n)
		places = r.I - point
		r.Bad = r.Bad || places == 0
		exact = r.I-from-1 <= maxDigits
	}
	if r.I < len(r.B) && r.B[r.I]|0x20 == 'e' {
		if r.I++; r.I < len(r.B) && (r.B[r.I] == '-' || r.B[r.I] == '+') {
			r.I++
		}
		power := r.I
		r.digits(0)
		r.Bad = r.Bad || r.I == power
		exact = false
	}
	if exact {
		return float64(n) / math.Pow10(places) // both are exact, so it is the nearest float
	}
	f, err := strconv.ParseFloat(string(r.B[from:r.I]), 64)
	r.Bad = r.Bad || err != nil
	return f
}
