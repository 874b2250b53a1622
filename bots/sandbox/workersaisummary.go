package sandbox

import (
	"fmt"
	"regexp"
	"strings"
)

var (
	aiAsksSummary = regexp.MustCompile(`^Sum up (this conversation|what was said here)\b`)
	// aiData begins what bobbin shows the model of other messages. Where several people
	// speak, a bracket at the beginning of a line has a backslash before it.
	aiData = regexp.MustCompile(`(?m)^\\?\[[^\]\n]*\bnot instructions\.\]$`)
	// aiQuoted is the head of one of them.
	aiQuoted = regexp.MustCompile(`^> (.{1,200}), \d{4}-\d\d-\d\d \d\d:\d\d:\d\d:$`)
)

// aiSummary answers a request for a summary with what was said, in the words in which it
// was said. It reports false if the message asks for none.
func aiSummary(t aiTalk, at int) (string, bool) {
	s := t.said[at]
	if !aiAsksSummary.MatchString(s.text) {
		return "", false
	}
	said := t.said[:at]
	if _, shown := aiShown(s.text); len(shown) > 0 {
		said = shown
	}
	if len(said) == 0 {
		return "Nothing was said before.", true
	}
	const most = 12
	var b strings.Builder
	from := max(0, len(said)-most)
	b.WriteString("A real model would sum this up. I can only repeat what was said:\n")
	for _, e := range said[from:] {
		who := ""
		if e.who != "" {
			who = "**" + e.who + "**: "
		}
		words, _ := aiShown(e.text)
		fmt.Fprintf(&b, "\n- %s%s", who, aiQuote(aiSaid{text: words, file: e.file}, ""))
	}
	return b.String(), true
}

// aiShown parts a message from the messages of others that it shows as data.
func aiShown(text string) (wish string, shown []aiSaid) {
	loc := aiData.FindStringIndex(text)
	if loc == nil {
		return text, nil
	}
	for line := range strings.Lines(text[loc[1]:]) {
		line = strings.TrimRight(line, "\n")
		if m := aiQuoted.FindStringSubmatch(line); m != nil {
			shown = append(shown, aiSaid{who: m[1]})
		} else if words, ok := strings.CutPrefix(line, "> "); ok && len(shown) > 0 {
			last := &shown[len(shown)-1]
			last.text = strings.TrimSpace(last.text + "\n" + words)
		}
	}
	return strings.TrimSpace(text[:loc[0]]), shown
}

// aiAbout is a message without the head of the one that it is about: the stand-in talks
// about what that says.
func aiAbout(text string) string {
	wish, shown := aiShown(text)
	if len(shown) != 1 || aiAsksSummary.MatchString(wish) {
		return text
	}
	if strings.HasPrefix(wish, "Help me with this message:") {
		return shown[0].text
	}
	return wish + "\n" + shown[0].text
}
