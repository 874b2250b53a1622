package sandbox

import (
	"fmt"
	"regexp"
	"strings"
)

var (
	aiWhoSent = regexp.MustCompile(`^\[([^\]\n]{1,200})\] `)
	aiSent    = regexp.MustCompile(`^\\?\[The file “([^”\n]*)” came with this message\.[^\]\n]*\]\n`)
	aiLeft    = regexp.MustCompile(`^\\?\[I left out “([^”\n]*)”: ([^\n]*?)\]?$`)
)

// aiFileOf reads a message that says what came along with another.
func aiFileOf(text string) (s aiSaid, ok bool) {
	rest := text
	if m := aiWhoSent.FindStringSubmatch(text); m != nil {
		s.who, rest = m[1], text[len(m[0]):]
	}
	if m := aiSent.FindStringSubmatch(rest); m != nil {
		s.file, s.text = m[1], strings.TrimSpace(rest[len(m[0]):])
		return s, true
	}
	if m := aiLeft.FindStringSubmatch(strings.TrimSpace(aiWithoutNote(rest))); m != nil {
		s.file, s.text, s.missing = m[1], m[2], true
		return s, true
	}
	return aiSaid{}, false
}

// aiFileWords is what the stand-in says about a file.
func aiFileWords(s aiSaid) string {
	if s.missing {
		return fmt.Sprintf("I cannot say anything about **%s**, since I did not get it.", s.file)
	}
	if len(s.images) > 0 {
		return fmt.Sprintf("I looked at **%s**: it is %s. A real model would tell you what is in it.", s.file, s.images[0].words())
	}
	const most = 300
	text := aiWithoutNote(s.text)
	words, lines := len(strings.Fields(text)), strings.Count(text, "\n")+1
	if runes := []rune(text); len(runes) > most {
		text = string(runes[:most]) + "…"
	}
	return fmt.Sprintf("I read **%s**: %d words in %d lines. It begins like this:\n\n> %s", s.file, words, lines, strings.ReplaceAll(text, "\n", "\n> "))
}
