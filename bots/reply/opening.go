package reply

import (
	"strings"
	"unicode"

	"bobbin/agent"
	"bobbin/bots"
)

const (
	// maxQuote is how much of a question an answer repeats, in characters.
	maxQuote = 120
	// maxQuotes is how many questions it repeats.
	maxQuotes = 3
)

// opening is what an answer begins with: the questions, if they are old, or if people's own
// conversations stand side by side, and the platform does not show them beside it.
func opening(p bots.Platform, t *agent.Turn) string {
	if r, ok := p.(bots.Referrer); ok && r.Refers(t.Target()) {
		return ""
	}
	var b strings.Builder
	n := 0
	for _, in := range t.Inbound {
		own := in.Target.User != ""
		if !in.Late && !own || n == maxQuotes {
			continue
		}
		n++
		b.WriteString("> ")
		if name := literal(in.Author.Name, 40); name != "" && (own || !in.Direct) {
			b.WriteString(name + ": ")
		}
		asked, _, _ := strings.Cut(in.Text, "\n\n[") // without what it is about
		b.WriteString(literal(asked, maxQuote) + "\n>\n")
	}
	if n == 0 {
		return ""
	}
	return strings.TrimSuffix(b.String(), ">\n") + "\n"
}

// literal makes of any text one line of Markdown that shows it, or its beginning, as it
// is.
func literal(text string, most int) string {
	text = strings.Join(strings.Fields(text), " ")
	if r := []rune(text); len(r) > most {
		text = strings.TrimSpace(string(r[:most])) + "…"
	}
	var b strings.Builder
	for _, r := range text {
		if r < unicode.MaxASCII && (unicode.IsPunct(r) || unicode.IsSymbol(r)) {
			b.WriteByte('\\')
		}
		b.WriteRune(r)
	}
	return b.String()
}
