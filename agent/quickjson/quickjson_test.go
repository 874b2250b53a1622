package quickjson

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"
)

// values are JSON and what is close to it.
var values = []string{
	`""`, `"a"`, `"eight plain bytes and more"`, `"a\"b\\c\/d\b\f\n\r\t"`, `"\u00e4\ud834\udd1e"`, `"\ud834"`, `"Ä🧵"`, "\"\xff\"", "\"a\nb\"", `"\x"`, `"a\"`, `"`, `"1234567\"`,
	`0`, `7`, `01`, `-1`, `123456789012345`, `1234567890123456`, `1.5`, `1.`, `.5`, `0.1`, `1.2345678901234567890`, `1e7`, `1e-7`, `2.5E+3`, `1e`, `1e400`, `1e--2`, `12345678901234567890`,
	`true`, `false`, `null`, `truth`, `nul`, `{}`, `{"a":{"b":"}\"{"}}`, `{"a":[1,{}]}`, `{"a":}`, `{]}`, `{"a":"b`, `{"a":1,}`, ` {"a":1}`, `[]`, "{\"a\":\"\n\"}",
}

// same fails the test if what was understood is not what the JSON package reads.
func same[T comparable](t *testing.T, b []byte, read func(*Reader) T) {
	t.Helper()
	r := Reader{B: b}
	got := read(&r)
	if !r.Done() {
		return
	}
	var want T
	if err := json.Unmarshal(b, &want); err != nil || got != want {
		t.Errorf("%q is read as %v, want %v, error %v", b, got, want, err)
	}
}

// FuzzReader compares with the standard library: what is understood is read as by it.
func FuzzReader(f *testing.F) {
	for _, v := range values {
		f.Add([]byte(v))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		same(t, b, (*Reader).Text)
		if utf8.Valid(b) {
			same(t, b, func(r *Reader) string { return string(r.Plain()) })
		}
		same(t, b, (*Reader).Integer)
		same(t, b, (*Reader).Number)
		same(t, b, (*Reader).Truth)
		same(t, b, func(r *Reader) any { r.IsNull(); return nil })
		r := Reader{B: b}
		if object := r.Object(); r.Done() && (!json.Valid(b) || !bytes.Equal(object, bytes.TrimLeft(b, " "))) {
			t.Errorf("%q is read as the object %q", b, object)
		}
	})
}

func TestWhatProgramsWriteIsUnderstood(t *testing.T) {
	for _, c := range []struct {
		json string
		read func(*Reader) any
		want any
	}{
		{`"plain"`, func(r *Reader) any { return string(r.Plain()) }, "plain"},
		{`"a\"\\\/\b\f\n\r\tÄ"`, func(r *Reader) any { return r.Text() }, "a\"\\/\b\f\n\r\tÄ"},
		{`"\u00e4"`, func(r *Reader) any { return r.Text() }, "ä"},
		{`12`, func(r *Reader) any { return r.Integer() }, 12},
		{`0.25`, func(r *Reader) any { return r.Number() }, 0.25},
		{`1e-7`, func(r *Reader) any { return r.Number() }, 1e-7},
		{`1234567.12345678901`, func(r *Reader) any { return r.Number() }, 1234567.12345678901},
		{`true`, func(r *Reader) any { return r.Truth() }, true},
		{`false`, func(r *Reader) any { return r.Truth() }, false},
		{`{"a":{"b":"}"}}`, func(r *Reader) any { return string(r.Object()) }, `{"a":{"b":"}"}}`},
		{`{"a":1, "b":null,"":2}`, func(r *Reader) any {
			var seen []string
			for key := r.Open(); key != nil; key = r.Next() {
				if seen = append(seen, string(key)); !r.Null() {
					r.Integer()
				}
			}
			return strings.Join(seen, ",")
		}, "a,b,"},
		{`{}`, func(r *Reader) any { return r.Open() == nil }, true},
	} {
		r := Reader{B: []byte(c.json)}
		if got := c.read(&r); got != c.want || !r.Done() {
			t.Errorf("%s is read as %v, done %t", c.json, got, r.Done())
		}
	}
}

func TestAReaderThatMetWhatItDoesNotKnowComesToAnEnd(t *testing.T) {
	for _, text := range []string{``, `{`, `{"a"`, `{"a":`, `{"a":1`, `{"a":1,`, `{"a":1;`, `{"a\n":1}`, `[`, `{{`} {
		r, keys := Reader{B: []byte(text)}, 0
		for key := r.Open(); key != nil; key = r.Next() {
			keys++
			r.Integer()
		}
		if r.Done() || keys > 1 {
			t.Errorf("%s: done %t, %d keys", text, r.Done(), keys)
		}
	}
}

// FuzzAppendText compares with the standard library.
func FuzzAppendText(f *testing.F) {
	for _, v := range append(values, "\u2028\u2029", "\x00\x1f\x7f", "a\xc3", "12345678\xff", "<&>") {
		f.Add(v)
	}
	f.Fuzz(func(t *testing.T, s string) {
		var want bytes.Buffer
		e := json.NewEncoder(&want)
		e.SetEscapeHTML(false)
		if err := e.Encode(s); err != nil {
			t.Fatal(err)
		}
		if got := AppendText(nil, s); string(got)+"\n" != want.String() {
			t.Errorf("%q is written as %s, want %s", s, got, &want)
		}
	})
}
