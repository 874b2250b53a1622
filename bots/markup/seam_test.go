package markup_test

import (
	"strings"
	"testing"

	"bobbin/bots/markup"
)

// A block that begins a page opens itself. Carried over as well, it would open twice.
func TestBlockAtTheStartOfAPageOpensOnce(t *testing.T) {
	blocks := map[string]string{
		"```go\npackage seam\n```\n":                      "package seam",
		"| thread | state |\n| --- | --- |\n| a | on |\n": "state",
	}
	for block, once := range blocks {
		for n := 1200; n < 2100; n += 7 {
			md := strings.TrimSpace(strings.Repeat("word ", n/5)) + ".\n\n" + block + "\nThe end.\n"
			times := 0
			for _, p := range markup.Discord(md) {
				times += strings.Count(p.Text, once)
				if strings.Contains(p.Text, "\u200b") {
					t.Fatalf("after %d characters a page holds a fence as text:\n%s", n, p.Text)
				}
			}
			if times != 1 {
				t.Fatalf("after %d characters %q stands %d times", n, once, times)
			}
		}
	}
}
