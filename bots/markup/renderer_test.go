package markup

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"pgregory.net/rapid"
)

// steps draws states that a document goes through while it grows: now and then it is
// watched for a while as it grows by a few bytes at a time.
func steps(t *rapid.T, md string) []string {
	var out []string
	for end := 0; end < len(md); {
		small := rapid.IntRange(1, 9).Draw(t, "small")
		for range 4 {
			end = min(len(md), end+small)
			out = append(out, md[:end])
		}
		end += rapid.IntRange(0, len(md)/2).Draw(t, "jump")
	}
	return out
}

// difference tells where two renderings differ first.
func difference(got, want []Page) string {
	for i := range max(len(got), len(want)) {
		if i >= len(got) || i >= len(want) {
			return fmt.Sprintf("%d pages, want %d", len(got), len(want))
		}
		for name, pair := range map[string][2]string{
			"source": {got[i].Source, want[i].Source}, "text": {got[i].Text, want[i].Text}, "plain": {got[i].Plain, want[i].Plain},
		} {
			a, b := pair[0], pair[1]
			if a == b {
				continue
			}
			k := 0
			for k < len(a) && k < len(b) && a[k] == b[k] {
				k++
			}
			k = max(0, k-40)
			return fmt.Sprintf("%s of page %d at %d:\n got %.120q\nwant %.120q", name, i, k, a[k:], b[k:])
		}
	}
	return "none"
}

func TestRendererGivesWhatOneRenderingOfTheWholeGives(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		x := rapid.SampledFrom(targets).Draw(t, "target")
		r := x.renderer()
		if rapid.Bool().Draw(t, "little memory") {
			r.max = 8 << 10
		}
		first, second := document(t, 16), document(t, 16)
		if rapid.Bool().Draw(t, "same beginning") {
			second = first[:rapid.IntRange(0, len(first)).Draw(t, "same")] + second
		}
		a, b := steps(t, first), steps(t, second)
		for i := range max(len(a), len(b)) {
			for _, states := range [][]string{a, b} {
				if i >= len(states) {
					continue
				}
				md := states[i]
				got := r.Render(md)
				if i%5 > 0 { // which meets each of the steps between two jumps
					continue
				}
				if want := x.render(md); !slices.Equal(got, want) {
					t.Fatalf("%s: after %d bytes, which end with %q: %s", x.name, len(md), md[max(0, len(md)-80):], difference(got, want))
				}
			}
		}
	})
}

func TestRendererGivesWhatOneRenderingGivesForTheGoldenFiles(t *testing.T) {
	for name, md := range goldenInputs(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, x := range targets {
				r := x.renderer()
				md := strings.Repeat(md+"\n\n", 1+600/len(md))
				for i := 0; i <= len(md); i += 1 + i*7%97 {
					if got, want := r.Render(md[:i]), x.render(md[:i]); !slices.Equal(got, want) {
						t.Fatalf("%s: after %q: %s", x.name, md[:i], difference(got, want))
					}
				}
			}
		})
	}
}

func TestRendererServesManyGrowingDocumentsAtOnce(t *testing.T) {
	r := NewDiscord()
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			md := strings.Repeat("# Reply "+string(rune('A'+i))+"\n\n"+pieces[0]+pieces[6]+"\n"+pieces[10], 12)
			for end := 0; end <= len(md); end += 97 {
				if !slices.Equal(r.Render(md[:end]), Discord(md[:end])) {
					t.Errorf("reply %d differs after %d bytes", i, end)
					return
				}
			}
		})
	}
	wg.Wait()
}

func TestRendererForgetsWhatIsTooMuch(t *testing.T) {
	t.Parallel()
	r := NewSlack()
	r.max = 50 << 10
	for i := range 100 {
		r.Render(strings.Repeat(string(rune('a'+i%26))+"words and more words. \n\n", 100+i))
		size := 0
		for _, d := range r.known {
			size += d.size
		}
		if size != r.size || size > r.max {
			t.Fatalf("after %d documents it holds %d bytes, and counts %d", i, size, r.size)
		}
	}
	if len(r.known) == 0 {
		t.Fatal("it remembers nothing")
	}
}
