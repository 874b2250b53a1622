package markup

import (
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

func FuzzSlack(f *testing.F)     { fuzz(f, targets[0]) }
func FuzzSlackText(f *testing.F) { fuzz(f, targets[1]) }
func FuzzDiscord(f *testing.F)   { fuzz(f, targets[2]) }

// fuzz renders any text, alone and after enough other text to be cut, and half of it.
func fuzz(f *testing.F, x target) {
	for _, p := range pieces {
		f.Add(p, uint16(0))
		f.Add(p+p, uint16(len(p)))
	}
	f.Fuzz(func(t *testing.T, md string, at uint16) {
		if len(md) > 20_000 {
			return
		}
		x.check(t, md, x.render(md))
		for unitsOf(md) < x.dialect.soft && len(md) > 100 {
			md += md
		}
		whole := x.render(md)
		x.check(t, md, whole)
		half := md[:int(at)%(len(md)+1)]
		if !utf8.ValidString(half) {
			return
		}
		part := x.render(half)
		x.check(t, half, part)
		for i := range len(part) - 1 {
			if i >= len(whole) || part[i] != whole[i] {
				t.Fatalf("%s: page %d changed as the text grew:\n%q\n%q", x.name, i, part[i], whole[min(i, len(whole)-1)])
			}
		}
	})
}

// FuzzRenderer renders a text in two states of its growth, after another one.
func FuzzRenderer(f *testing.F) {
	for _, p := range append(constructs, pieces...) {
		f.Add(p, pieces[0]+p, uint16(len(p)))
	}
	f.Fuzz(func(t *testing.T, before, md string, at uint16) {
		if len(md)+len(before) > 5_000 {
			return
		}
		md = pieces[1] + before + "\n\n" + md
		half := md[:int(at)%(len(md)+1)]
		for _, x := range targets {
			r := x.renderer()
			for _, state := range []string{before, half, md, half + before, md + "\n\n" + md} {
				if got, want := r.Render(state), x.render(state); !slices.Equal(got, want) {
					t.Fatalf("%s: after %q: %s", x.name, state, difference(got, want))
				}
			}
		}
	})
}

// FuzzClosed has something said below half of any text.
func FuzzClosed(f *testing.F) {
	for _, p := range append(constructs, pieces...) {
		f.Add(p)
	}
	f.Fuzz(func(t *testing.T, md string) {
		if len(md) > 5_000 || !utf8.ValidString(md) || strings.TrimSpace(md) == "" || tangled(md) {
			return
		}
		md = Closed(md) + "\n\n" + notice
		for _, x := range targets {
			pages := x.render(md)
			x.check(t, md, pages)
			if last := pages[len(pages)-1].Text; last != notice && !strings.HasSuffix(last, "\n"+notice) {
				t.Fatalf("%s: below it stands %q", x.name, last[max(0, len(last)-200):])
			}
		}
	})
}
