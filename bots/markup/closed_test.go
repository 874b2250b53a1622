package markup

import (
	"strings"
	"testing"
)

// notice is said below an answer that has ended early.
const notice = "⚠️ It ended early."

func TestWhatIsSaidBelowAnAnswerThatEndedEarlyIsNoPartOfIt(t *testing.T) {
	inputs := goldenInputs(t)
	inputs["constructs"] = strings.Join(constructs, "")
	for name, md := range inputs {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			x := targets[2]
			if len(name)%2 == 0 {
				x = targets[0]
			}
			for end := range md {
				if end%(5+len(md)/100) > 0 && end < len(md)-1 { // fewer states of what takes long
					continue
				}
				before := x.render(md[:end])
				if len(before) == 0 || before[0].Text == placeholder {
					continue
				}
				after := x.render(Closed(md[:end]) + "\n\n" + notice)
				var got, want string
				for _, p := range after {
					got += p.Text
				}
				for _, p := range before {
					want += p.Text
				}
				got, want = blanks.Replace(got), blanks.Replace(want+notice)
				if got != want {
					t.Errorf("%s: below %q there stands %q, want %q", x.name, md[max(0, end-60):end], got[max(0, len(got)-120):], want[max(0, len(want)-120):])
					return
				}
			}
		})
	}
}
