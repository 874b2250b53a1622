package markup

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// opener is a delimiter run or bracket that has not been closed.
type opener struct {
	pos, n int
	char   byte
}

// match takes the run of n delimiters at i off the openers that it closes, or adds it
// to them if it can open.
func match(open []opener, s string, i, n int) []opener {
	char := s[i]
	before, _ := utf8.DecodeLastRuneInString(s[:i])
	after, _ := utf8.DecodeRuneInString(s[i+n:])
	if i == 0 {
		before = ' '
	}
	if !unicode.IsSpace(before) {
		for n > 0 {
			k := len(open) - 1
			for k >= 0 && (open[k].char != char || open[k].n > n && open[k].n > 2) {
				k--
			}
			if k < 0 {
				break
			}
			used := min(n, open[k].n)
			n -= used
			open[k].n -= used
			if open[k].n > 0 {
				open = open[:k+1]
			} else {
				open = open[:k]
			}
		}
	}
	if n == 0 || n > 3 || char == '~' && n != 2 || len(open) >= maxOpen {
		return open
	}
	// Only what begins a word: 4*5 and *.txt are no emphasis.
	wordStart := unicode.IsSpace(before) || unicode.IsPunct(before) && before != '/' && before != '\\' && (n > 1 || before != '(')
	begins := unicode.IsLetter(after) || unicode.IsDigit(after) || n > 1 && !unicode.IsSpace(after) || strings.ContainsRune("\"“‘[`(<@#&", after)
	if wordStart && begins || n > 1 && char == '*' && !isASCIIWord(before) && begins {
		open = append(open, opener{pos: i, n: n, char: char})
	}
	return open
}

func isASCIIWord(r rune) bool {
	return r < utf8.RuneSelf && (unicode.IsLetter(r) || unicode.IsDigit(r))
}

// maxOpen bounds the depth of emphasis that is followed.
const maxOpen = 16

// endsWithRun is for text that ends with a run of delimiters: one that is about to be
// completed, or one that stands alone and means nothing yet.
func endsWithRun(s string, i, n int, open []opener) string {
	char := s[i]
	for k := len(open) - 1; k >= 0; k-- {
		if open[k].char != char {
			continue
		}
		before, _ := utf8.DecodeLastRuneInString(s[:i])
		if n >= open[k].n && !unicode.IsSpace(before) {
			if open = match(open, s+" ", i, n); len(open) == 0 {
				return s
			}
			return closeAll(s, open)
		}
		return closeAll(s[:i], open)
	}
	before, _ := utf8.DecodeLastRuneInString(s[:i])
	if n > 1 || !wordRune(before) { // also at the beginning
		return closeAll(strings.TrimRight(s[:i], " \t\n"), open)
	}
	return closeAll(s, open)
}

// closeAll appends what closes the openers, the innermost first. An opener with
// nothing behind it is dropped.
func closeAll(s string, open []opener) string {
	s = strings.TrimRight(s, " \t\n")
	for k := len(open) - 1; k >= 0; k-- {
		o := open[k]
		if o.pos+o.n >= len(s) {
			s = strings.TrimRight(s[:min(o.pos, len(s))], " \t\n")
			continue
		}
		s += strings.Repeat(string(rune(o.char)), o.n)
	}
	return s
}
