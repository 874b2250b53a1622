package sandbox

import (
	"fmt"
	"regexp"
	"strings"
)

var (
	aiTells     = regexp.MustCompile(`(?i)\bmy ([a-zäöüß][a-zäöüß ]{0,40}?) (?:is|are|was) ([^.!?\n]{1,120})`)
	aiCallMe    = regexp.MustCompile(`(?i)\b(?:call me|i am called|i'm called|i’m called) ([^.!?,\n]{1,60})`)
	aiAsksMy    = regexp.MustCompile(`(?i)\b(?:what(?:'s|’s| is| was| are|)|who is|remember|know|tell me|recall)(?: what)? my ([a-zäöüß][a-zäöüß ]{0,40}?)(?: is| are| was)?\s*\?*\s*$`)
	aiAsksWhoAm = regexp.MustCompile(`(?i)\bwho am i\b|\bwhat am i called\b`)
	aiAsksPast  = regexp.MustCompile(`(?i)\b(?:what|which|do you (?:remember|know)|repeat|remind|summari[sz]e|recap)\b.*\b(?:i (?:say|said|write|wrote|ask|asked|tell|told)|` +
		`(?:my|our) (?:\w+ )?(?:message|question|word|conversation|chat)s?|(?:have )?we (?:talk|talked|discuss|discussed|said|say)|did i\b|have i\b)`)
	aiFirst    = regexp.MustCompile(`(?i)\b(?:first|beginning|start|originally)\b`)
	aiAllOfIt  = regexp.MustCompile(`(?i)\b(?:so far|everything|all|summari[sz]e|recap|we (?:talk|talked|discuss|discussed)|conversation)\b`)
	aiQuestion = regexp.MustCompile(`(?i)^\W*(?:what|who|do|does|did|is|are|can|could|tell|where|when|why|how)\b`)
)

// aiMemory answers what only somebody who was there can know. It reports false if the
// message asks for nothing of the kind and tells nothing to be kept.
func aiMemory(t aiTalk, at int) (string, bool) {
	s := t.said[at]
	earlier := t.said[:at]
	if aiAsksWhoAm.MatchString(s.text) {
		return aiRecall(earlier, s.who, "name"), true
	}
	if m := aiAsksMy.FindStringSubmatch(s.text); m != nil && !aiAsksPast.MatchString(s.text) {
		return aiRecall(earlier, s.who, strings.ToLower(m[1])), true
	}
	if aiAsksPast.MatchString(s.text) {
		return aiPast(s, earlier), true
	}
	if aiQuestion.MatchString(s.text) {
		return "", false
	}
	if key, value, ok := aiTold(s.text); ok {
		return fmt.Sprintf("I will remember it: your %s is %s.", key, value), true
	}
	return "", false
}

// aiTold finds what a message tells about its author.
func aiTold(text string) (key, value string, ok bool) {
	if m := aiTells.FindStringSubmatch(text); m != nil {
		return strings.ToLower(m[1]), strings.TrimSpace(m[2]), true
	}
	if m := aiCallMe.FindStringSubmatch(text); m != nil {
		return "name", strings.TrimSpace(m[1]), true
	}
	return "", "", false
}

// aiRecall finds the last thing that somebody told about a key.
func aiRecall(earlier []aiSaid, who, key string) string {
	for i := len(earlier) - 1; i >= 0; i-- {
		s := earlier[i]
		if s.who != who || s.file != "" || aiQuestion.MatchString(s.text) {
			continue
		}
		if k, value, ok := aiTold(s.text); ok && k == key {
			return fmt.Sprintf("You told me: your %s is **%s**.", key, value)
		}
	}
	if key == "name" && who != "" {
		return fmt.Sprintf("You have not told me, but here you go by **%s**.", who)
	}
	return fmt.Sprintf("You have not told me what your %s is.", key)
}

// aiPast says what was said before.
func aiPast(s aiSaid, earlier []aiSaid) string {
	if len(earlier) == 0 {
		return "This is the first thing you have said to me here."
	}
	switch {
	case aiFirst.MatchString(s.text):
		return "The first thing that I know of was " + aiQuote(earlier[0], s.who) + "."
	case aiAllOfIt.MatchString(s.text):
		const most = 12
		var b strings.Builder
		fmt.Fprintf(&b, "This is what I was told, %d messages in all:\n", len(earlier))
		from := max(0, len(earlier)-most)
		for i, e := range earlier[from:] {
			fmt.Fprintf(&b, "\n%d. %s", from+i+1, aiQuote(e, s.who))
		}
		return b.String()
	}
	return "Just before this it was " + aiQuote(earlier[len(earlier)-1], s.who) + "."
}

// aiQuote quotes one thing, and names who said it unless it was the asker.
func aiQuote(s aiSaid, asker string) string {
	text := strings.Join(strings.Fields(s.text), " ")
	if s.file != "" {
		text = "the file " + s.file
	}
	if runes := []rune(text); len(runes) > 200 {
		text = string(runes[:200]) + "…"
	}
	if s.who != "" && s.who != asker {
		return fmt.Sprintf("“%s” (from %s)", text, s.who)
	}
	return "“" + text + "”"
}
