package main

import (
	"strings"
	"testing"
)

func TestSlackMentionIsAnsweredInItsThreadByEdits(t *testing.T) {
	bubble(t, setup{}, func(r *rig) {
		root := r.say(ada, general, "", "<@U0BOBBIN> show me Markdown")
		r.settle()
		m := r.one(r.thread(general, root))
		steps := states(r.slack.World(), m.ID)
		if len(steps) < 3 {
			t.Errorf("the answer was shown in %d steps, want it to grow: %q", len(steps), steps)
		}
		for i := range steps[1:] {
			if len(steps[i+1]) < len(steps[i])*3/4 {
				t.Errorf("the answer shrank from %q to %q", steps[i], steps[i+1])
			}
		}
		r.shows(m, "stand-in", "|")
		if strings.Contains(shown(m), "…") {
			t.Errorf("the answer still looks unfinished: %q", shown(m))
		}
	})
}
