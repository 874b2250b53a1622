package agent

import (
	"strings"
	"unicode"
)

// maxLabel bounds how much of a display name is told, in characters.
const maxLabel = 40

// reserved are names under which a person would pass for somebody else in a conversation.
var reserved = []string{"bobbin", "assistant", "system", "developer", "user", "tool"}

// Label is a name for the author that is harmless in what a model reads: one short line
// without brackets. A display name may be written by anyone, to look like instructions or
// like somebody else.
func (a Author) Label() string {
	for _, name := range []string{a.Name, a.ID} {
		label := plainLabel(name)
		for _, r := range reserved {
			if strings.EqualFold(label, r) {
				return label + " (a person)"
			}
		}
		if label != "" {
			return label
		}
	}
	return "someone"
}

func plainLabel(name string) string {
	var b strings.Builder
	n, space := 0, false
	for _, r := range name {
		switch {
		case n >= maxLabel:
		case unicode.IsSpace(r), unicode.Is(unicode.Z, r), unicode.IsControl(r):
			space = n > 0
		case strings.ContainsRune("[]{}<>|`\\", r), !unicode.IsPrint(r), r == unicode.ReplacementChar:
		default:
			if space {
				b.WriteByte(' ')
				n++
			}
			space = false
			b.WriteRune(r)
			n++
		}
	}
	return b.String()
}

// breaks are what a model may take for the end of a line.
var breaks = strings.NewReplacer("\r\n", "\n", "\r", "\n", "\v", "\n", "\f", "\n", "\u0085", "\n", "\u2028", "\n", "\u2029", "\n")

// PlainLines returns text in which all that may be taken for the end of a line is "\n".
func PlainLines(text string) string { return breaks.Replace(text) }
