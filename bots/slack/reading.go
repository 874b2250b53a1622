package slack

import (
	"bytes"
	"encoding/json"
	"iter"
	"strconv"
	"unicode/utf8"
)

// reading reads what Slack delivers, and what it answers to posts and edits, as
// [json.Unmarshal] would at three times the cost. What nobody asks for is passed over, and
// need not be right.
type reading struct {
	misread bool // something has not the form in which it is known
	broken  bool // something is no JSON
}

// decode decodes JSON as far as it has the form that is expected, and reports whether
// something has not, and false for what is no JSON.
func decode(data []byte, into interface{ read(r *reading, data []byte) }) (misread, ok bool) {
	var r reading
	into.read(&r, data)
	return r.misread, !r.broken
}

// fields yields the keys and values of an object as they are written.
func (r *reading) fields(object []byte) iter.Seq2[[]byte, []byte] {
	return func(yield func(key, value []byte) bool) {
		i := blanks(object, 0)
		if at(object, i) != '{' {
			r.other(object)
			return
		}
		if i = blanks(object, i+1); at(object, i) == '}' {
			r.broken = r.broken || blanks(object, i+1) < len(object)
			return
		}
		for more := true; more; {
			end := textEnd(object, i)
			colon := blanks(object, end)
			from := blanks(object, colon+1)
			to := valueEnd(object, from)
			next := blanks(object, to)
			more = at(object, next) == ','
			if end == i || at(object, colon) != ':' || to == from || !more && (at(object, next) != '}' || blanks(object, next+1) < len(object)) {
				r.broken = true
				return
			}
			if !yield(object[i+1:end-1], object[from:to]) {
				return
			}
			i = blanks(object, next+1)
		}
	}
}

func (r *reading) text(into *string, value []byte) {
	switch {
	case value[0] != '"':
		r.other(value)
	case bytes.IndexByte(value, '\\') < 0 && utf8.Valid(value):
		*into = string(value[1 : len(value)-1])
	case json.Unmarshal(value, into) != nil:
		r.broken = true
	}
}

func (r *reading) truth(into *bool, value []byte) {
	switch string(value) {
	case "true", "false":
		*into = value[0] == 't'
	default:
		r.other(value)
	}
}

func (r *reading) number(into *int64, value []byte) {
	if n, err := strconv.ParseInt(string(value), 10, 64); err == nil {
		*into = n
		return
	}
	r.other(value)
}

// later keeps a value that is looked into when it is known what it belongs to.
func (r *reading) later(into *json.RawMessage, value []byte) { *into = bytes.Clone(value) }

// other notes a value that is not of the kind that is expected. Null leaves things as they are.
func (r *reading) other(value []byte) {
	switch {
	case !json.Valid(value):
		r.broken = true
	case string(bytes.TrimSpace(value)) != "null":
		r.misread = true
	}
}

// at returns a byte of data, 0 beyond its end.
func at(data []byte, i int) byte {
	if i >= len(data) {
		return 0
	}
	return data[i]
}

// blanks returns where the blanks end that begin at i, if there are any.
func blanks(data []byte, i int) int {
	for i < len(data) && (data[i] == ' ' || data[i] == '\n' || data[i] == '\t' || data[i] == '\r') {
		i++
	}
	return i
}

// valueEnd returns where the value ends that begins at i; i: there is none.
func valueEnd(data []byte, i int) int {
	switch at(data, i) {
	case '"':
		return textEnd(data, i)
	case '{', '[':
		return nestEnd(data, i)
	}
	for end := i; ; end++ {
		switch at(data, end) {
		case 0, ',', ':', '"', '{', '}', '[', ']', ' ', '\n', '\t', '\r':
			return end
		}
	}
}

// nestEnd returns where the object or array ends that begins at i; i: nowhere.
func nestEnd(data []byte, i int) int {
	depth := 0
	for to := i; to < len(data); to++ {
		switch data[to] {
		case '"':
			end := textEnd(data, to)
			if end == to {
				return i
			}
			to = end - 1
		case '{', '[':
			depth++
		case '}', ']':
			if depth--; depth == 0 {
				return to + 1
			}
		}
	}
	return i
}

// textEnd returns where the string ends that begins at i; i: there is none.
func textEnd(data []byte, i int) int {
	if at(data, i) != '"' {
		return i
	}
	for end := i + 1; ; {
		quote := bytes.IndexByte(data[end:], '"')
		if quote < 0 {
			return i
		}
		end += quote + 1
		escapes := 0
		for data[end-2-escapes] == '\\' {
			escapes++
		}
		if escapes%2 == 0 {
			return end
		}
	}
}
