package markup

import (
	"strings"
	"unicode"
)

// FromSlack turns the text of a Slack message into Markdown for a model: entities are
// resolved, links become [label](address), and mentions the names that people see.
// Emphasis stays as it is, since *a* and _a_ are emphasis in Markdown too.
//
// Slack mostly sends ids without names, so name is asked for them: kind is '@' for a
// user, '#' for a channel and '!' for a user group. A nil name, or an empty answer,
// leaves the id.
func FromSlack(text string, name func(kind byte, id string) string) string {
	if name == nil {
		name = func(byte, string) string { return "" }
	}
	var b strings.Builder
	b.Grow(len(text))
	for {
		open := strings.IndexByte(text, '<')
		if open < 0 {
			break
		}
		b.WriteString(fromEntities.Replace(text[:open]))
		text = text[open:]
		end := strings.IndexAny(text[1:], "<>\n") + 1
		if end < 2 || text[end] != '>' || text[1] == '|' {
			b.WriteByte('<') // a bare < is never sent; keep what it is
			text = text[1:]
			continue
		}
		body, label, _ := strings.Cut(text[1:end], "|")
		b.WriteString(fromToken(body, fromEntities.Replace(label), name))
		text = text[end+1:]
	}
	b.WriteString(fromEntities.Replace(text))
	return b.String()
}

// fromEntities resolves the only three entities that Slack writes, in one pass.
var fromEntities = strings.NewReplacer("&amp;", "&", "&lt;", "<", "&gt;", ">")

// fromToken is what the token <body|label> says.
func fromToken(body, label string, name func(byte, string) string) string {
	called := func(kind byte, id, sigil string) string {
		if label == "" {
			label = name(kind, id)
		}
		if label = oneLine(strings.TrimPrefix(label, sigil)); label == "" {
			label = id
		}
		return sigil + label
	}
	kind, id := body[0], body[1:]
	switch kind {
	case '@':
		return called('@', id, "@")
	case '#':
		return called('#', id, "#")
	case '!':
		command, rest, _ := strings.Cut(id, "^")
		switch command {
		case "subteam":
			return called('!', rest, "@")
		case "here", "channel", "everyone", "group":
			return "@" + command
		}
		if label == "" { // a date without fallback, or a token yet unknown
			return oneLine(command)
		}
		return oneLine(label)
	}
	return fromLink(fromEntities.Replace(body), oneLine(label))
}

func fromLink(address, label string) string {
	shown := strings.TrimPrefix(address, "mailto:")
	_, bare, _ := strings.Cut(address, "://")
	switch label {
	case "", address, shown, bare, strings.TrimSuffix(bare, "/"):
		return shown
	}
	return "[" + labelEscaper.Replace(label) + "](" + inParentheses.Replace(address) + ")"
}

var (
	labelEscaper  = strings.NewReplacer("[", `\[`, "]", `\]`)
	inParentheses = strings.NewReplacer("(", "%28", ")", "%29", " ", "%20")
)

// maxName bounds what a display name may bring into the text, in runes.
const maxName = 200

// oneLine keeps a name from looking like more than a name.
func oneLine(s string) string {
	n := 0
	s = strings.Map(func(r rune) rune {
		if n++; n > maxName {
			return -1
		}
		if unicode.IsControl(r) || r == '\u2028' || r == '\u2029' {
			return ' '
		}
		return r
	}, s)
	return strings.TrimSpace(s)
}
