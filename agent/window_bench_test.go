package agent

import (
	"fmt"
	"strings"
	"testing"
)

// BenchmarkWindow chooses what a model sees, as it is done in each step, of a history that
// is short, of one that fills the window and of one that is twice too long.
func BenchmarkWindow(b *testing.B) {
	const budget = 24_000
	for _, script := range []struct{ name, sentence string }{
		{"latin", "An ordinary answer names a file, adds a remark, and ends. "},
		{"wide", "これは普通の答えで、ファイルの名前を挙げて終わります。"},
	} {
		text := strings.Repeat(script.sentence, 6)
		for _, fill := range []float64{0.1, 1, 2} {
			var history []Entry
			for n, cost := 0, 0; float64(cost) < fill*budget; n++ {
				e := Entry{Role: RoleUser, Text: text, Author: &Author{ID: "U1", Name: "Ada"}}
				if n%2 == 1 {
					e = Entry{Role: RoleAssistant, Text: text}
				}
				history, cost = append(history, e), cost+Tokens(e)
			}
			said := []Entry{{Role: RoleUser, Text: "and now?"}}
			b.Run(fmt.Sprintf("%s/%gx", script.name, fill), func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					if len(window(budget, history, said, nil)) < 12 {
						b.Fatal("the window is nearly empty")
					}
				}
			})
		}
	}
}
