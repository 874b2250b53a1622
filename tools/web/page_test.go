package web

import (
	"net/url"
	"strings"
	"testing"
	"unicode/utf8"
)

func at(t testing.TB) *url.URL {
	t.Helper()
	u, err := url.Parse("https://example.com/dir/page")
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func TestWhatReadersDoNotSeeIsTakenOut(t *testing.T) {
	for in, want := range map[string]string{
		"a\u202Eb":                  "ab",
		"a\U000E0041\U000E0042b":    "ab",
		"a\u200Bb\uFEFF":            "ab",
		"a\x1b[31mb":                "a[31mb",
		"a\r\nb":                    "a\nb",
		" \n a \n ":                 "a",
		"👩\u200D👩 stays, as does ü": "👩\u200D👩 stays, as does ü",
	} {
		if got := clean(in); got != want {
			t.Errorf("clean(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestLinksThatLeadNowhereLoseTheirTarget(t *testing.T) {
	c, err := read([]byte(`<p><a href="javascript:x()">a</a> <a href="data:text/html,x">b</a> <a href="../c">c</a> <img src="data:image/png;base64,xx" alt="d">`), page, "text/html", at(t))
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(c.text, "javascript:") || strings.Contains(c.text, "data:") || !strings.Contains(c.text, "[c](https://example.com/c)") {
		t.Errorf("text %q", c.text)
	}
}

func TestAHugePageIsCutAndAnEmptyOneSaysSo(t *testing.T) {
	c, err := read([]byte(strings.Repeat("<p>a", maxNodes)), page, "text/html", at(t))
	if err != nil || !c.cut || c.text == "" {
		t.Errorf("cut %v, %d bytes, error %v", c.cut, len(c.text), err)
	}
	c, err = read([]byte(`<div id="root"></div><script src="app.js"></script>`), page, "text/html", at(t))
	if err != nil || !strings.Contains(c.show(at(t), 100), "no readable text") {
		t.Errorf("%+v, error %v", c, err)
	}
}

func TestHTMLThatIsNestedTooDeeplyIsAnError(t *testing.T) {
	if _, err := read([]byte(strings.Repeat("<div>", 1000)), page, "text/html", at(t)); err == nil {
		t.Error("no error")
	}
}

func TestALongTitleIsCut(t *testing.T) {
	c, err := read([]byte("<title>"+strings.Repeat("ü ", 1000)+"</title><p>x"), page, "text/html", at(t))
	if err != nil || utf8.RuneCountInString(c.title) > maxTitle+1 || strings.Contains(c.title, "\n") {
		t.Errorf("title %q, error %v", c.title, err)
	}
}

func FuzzReadNeverPanics(f *testing.F) {
	for _, seed := range []string{
		"", "<p>hello", "<table><tr><td>a<td>b</table>", "<ul><li>1<ol><li>2", "<a href='http://[::1'>x</a>", "<svg><style></svg>", "\xff\xfe<\x00p\x00",
		"<meta charset=utf-7>+ADw-", "<title></title>", "<pre>```\n</pre>", "<form>" + strings.Repeat("word ", 200), "<base href=x><img src=//a>", "<template><p>x", "<math><mi//xlink:href=x>",
	} {
		f.Add([]byte(seed), "text/html")
	}
	f.Add([]byte("x"), "")
	f.Add([]byte("x"), "text/plain; charset=koi8-r")
	f.Fuzz(func(t *testing.T, body []byte, contentType string) {
		k, err := kindOf(contentType)
		if err != nil || len(body) > 1<<16 {
			return
		}
		c, err := read(body, k, contentType, at(t))
		if err != nil {
			return
		}
		if text := c.show(at(t), 1000); !utf8.ValidString(text) {
			t.Fatalf("not UTF-8: %q", text)
		}
	})
}
