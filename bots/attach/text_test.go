package attach

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func TestTextsOfEveryEncodingAreRead(t *testing.T) {
	for name, tc := range map[string]struct{ in, want string }{
		"UTF-8":          {"żółw 🧵", "żółw 🧵"},
		"with mark":      {"\xef\xbb\xbfhello", "hello"},
		"UTF-16 LE":      {"\xff\xfeh\x00i\x00\x3e\xd8\xf5\xdd", "hi🧵"},
		"UTF-16 BE":      {"\xfe\xff\x00h\x00i", "hi"},
		"UTF-32 LE":      {"\xff\xfe\x00\x00h\x00\x00\x00", "h"},
		"UTF-32 BE":      {"\x00\x00\xfe\xff\x00\x00\x00h\x00\x11\x00\x00", "h\ufffd"},
		"Latin-1":        {"caf\xe9 \x93so\x94", "café “so”"},
		"line ends":      {"a\r\nb\rc", "a\nb\nc"},
		"colours":        {"\x1b[31mred", "[31mred"},
		"zeros":          {"a\x00b", ""},
		"controls":       {"\x01\x02\x03\x04\x05", ""},
		"not UTF-16":     {"\xff\xfe\x00\xd8\x00\xd8\x00\xd8", ""},
		"odd UTF-16":     {"\xff\xfeh\x00i", "h"},
		"nothing":        {"", ""},
		"mark only":      {"\xef\xbb\xbf", ""},
		"form feeds out": {"a\fb", "ab"},
	} {
		got, err := decodeText([]byte(tc.in))
		if name == "UTF-32 BE" {
			if err == nil {
				t.Errorf("%s: got %q, which is half broken", name, got)
			}
			continue
		}
		if got != tc.want || (err == nil) != (tc.want != "") {
			t.Errorf("%s: got %q, %v, want %q", name, got, err, tc.want)
		}
	}
}

func TestLongTextsAreCutAtALine(t *testing.T) {
	line := strings.Repeat("ä", 9) + "\n"
	got := cut(strings.Repeat(line, 100), 205)
	if want := strings.TrimSpace(strings.Repeat(line, 20)) + "\n[The text goes on: these are 199 of its 1000 characters.]"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := cut("ääää", 4); got != "ääää" {
		t.Errorf("got %q", got)
	}
}

// FuzzDecodeText: whatever the bytes, there is an error or a text that is valid, holds no
// controls, and does not grow beyond what its encoding allows.
func FuzzDecodeText(f *testing.F) {
	for _, s := range []string{"hello", "\xef\xbb\xbfx", "\xff\xfea\x00", "\xfe\xff\xd8\x3d", "\xff\xfe\x00\x00a", "\x00\x00\xfe\xff\x00\x00\x00a", "caf\xe9", "a\x00", "\x1b[0m", "%PDF-", "\r\r\n"} {
		f.Add([]byte(s), 3)
	}
	f.Fuzz(func(t *testing.T, data []byte, n int) {
		s, err := decodeText(data)
		if err != nil {
			if s != "" {
				t.Fatalf("%q with %v", s, err)
			}
			return
		}
		if !utf8.ValidString(s) || strings.ContainsAny(s, "\x00\r\x1b\x7f") || strings.TrimSpace(s) == "" || len(s) > 3*len(data) {
			t.Fatalf("%q became %q", data, s)
		}
		if !isText(data) {
			t.Fatalf("%q is read, and yet no text", data)
		}
		if n = max(n, 1) % 1000; n > 0 {
			short := cut(s, n)
			kept, _, was := strings.Cut(short, "\n[The text goes on: these are ")
			if was && utf8.RuneCountInString(kept) > n || !was && short != s || !strings.HasPrefix(s, kept) && !strings.Contains(s, "[The text goes on") {
				t.Fatalf("%q cut to %d is %q", s, n, short)
			}
		}
	})
}
