package slack

import (
	"strings"
	"testing"

	"bobbin/bots"
	"bobbin/bots/markup"
)

func TestWhatIsAppendedToAStreamIsNeverHalfOfALinkOrOfEmphasis(t *testing.T) {
	const md = "It has **a few bold words**, *some with emphasis*, ***some with both***, ~~some that are gone~~, `code with spaces`, " +
		"[the notes on it](https://example.com/notes/1), ![a picture of it](https://example.com/p.png) and [a label] that is no link. The end of it."
	whole := markup.Slack(md)[0].Text
	longest := ""
	for i := 1; i <= len(md); i++ {
		pages := markup.Slack(md[:i])
		sent := certainText(bots.Message{Text: pages[0].Text, Source: pages[0].Source})
		if len(sent) <= len(longest) {
			continue
		}
		if longest = sent; !strings.HasPrefix(whole, sent) {
			t.Fatalf("after %q there is sent %q, which does not begin %q", md[:i], sent, whole)
		}
		for _, s := range spans.FindAllStringIndex(whole, -1) {
			if s[0] < len(sent) && len(sent) < s[1] {
				t.Errorf("after %q people see half of %q: %q", md[:i], whole[s[0]:s[1]], sent)
			}
		}
	}
	if len(longest) < len(md)*3/4 {
		t.Errorf("all that is sent is %q", longest)
	}
}
