package markup

import (
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

var (
	// danglingLine is a last line that is nothing but the beginning of a list item,
	// heading, quote, rule or fence.
	danglingLine = regexp.MustCompile("^[ \t>]*(?:[-*+]|#{1,6}|--|==+|~~|``?|\\*\\*|\\|)[ \t]*$")
	// danglingTask is a list item that may be about to become a task.
	danglingTask = regexp.MustCompile(`^[ \t>]*(?:[-*+]|\d{1,9}[.)])[ \t]+\[[ xX]?$|^\[[ xX]?$`)
	// danglingOrdinal is a number that may be about to become a list item.
	danglingOrdinal = regexp.MustCompile(`^[ \t>]*\d{1,9}[.)][ \t]*$`)
	danglingNumber  = regexp.MustCompile(`^[ \t>]*\d{1,3}$`)
	halfTableHead   = regexp.MustCompile(`^\| .*[^\\]\|`)
	halfFirstCell   = regexp.MustCompile(`^[ >]*\| [^|]*$`)
	halfDelimiter   = regexp.MustCompile(`^\|[-:| ]*$`)
	halfEntity      = regexp.MustCompile(`&(?:am|amp|lt|gt|quo|quot|nbs|nbsp|#\d{2,4})$`)
	halfTag         = regexp.MustCompile(`^<(?:/?([a-zA-Z][a-zA-Z0-9]*)?|h(?:t(?:t(?:ps?(?::/{0,2})?)?)?)?)$`)
	halfAddress     = regexp.MustCompile(`^<(?:https?://|mailto:)[^\s<>]+$`)
)

var entityEnds = map[string]string{"&am": "p;", "&quo": "t;", "&nbs": "p;"}

// mendBlock returns the text of the block that is still open at the end of a
// document in the form in which it reads best so far.
//
// In an item of a list a last line that is a number is likely to be the next item's.
func mendBlock(s string, inItem bool) string {
	body := strings.TrimRight(s, " \t\n")
	if head, ok := mendTable(body); ok {
		return head
	}
	lastStart := strings.LastIndexByte(body, '\n') + 1
	last := body[lastStart:]
	if danglingLine.MatchString(last) || danglingTask.MatchString(last) ||
		lastStart > 0 && danglingOrdinal.MatchString(last) ||
		lastStart > 0 && inItem && danglingNumber.MatchString(last) {
		return s[:lastStart]
	}
	return mendInline(s, 3)
}

// mendTable completes a table of which there is only the header so far.
func mendTable(body string) (string, bool) {
	lines := strings.Split(body, "\n")
	n := len(lines)
	if n == 1 && halfFirstCell.MatchString(body) {
		return body + "\n" + body[:strings.IndexByte(body, '|')] + "|-|", true
	}
	if n > 1 && halfDelimiter.MatchString(strings.TrimLeft(lines[n-1], " >")) &&
		halfTableHead.MatchString(strings.TrimLeft(lines[n-2], " >")) {
		n--
	} else if !halfTableHead.MatchString(strings.TrimLeft(lines[n-1], " >")) {
		return "", false
	}
	head := strings.TrimRight(lines[n-1], " ")
	if n > 1 && strings.HasPrefix(strings.TrimLeft(lines[n-2], " >"), "|") {
		return "", false // a later line of what is no table
	}
	cells := strings.Count(strings.Trim(strings.TrimLeft(head, " >"), "|"), "|") -
		strings.Count(strings.Trim(strings.TrimLeft(head, " >"), "|"), `\|`) + 1
	indent := head[:strings.IndexByte(head, '|')]
	lines = append(lines[:n-1], head, indent+strings.Repeat("|-", cells)+"|")
	return strings.Join(lines, "\n"), true
}

// opener is a delimiter run or bracket that has not been closed.
type opener struct {
	pos, n int
	char   byte
}

// mendInline closes the inline constructs that s leaves open. Up to links unfinished
// links, one in the other, are reduced to their labels.
func mendInline(s string, links int) string {
	trimmed := strings.TrimRight(s, " \t\n")
	if m := halfEntity.FindString(trimmed); m != "" {
		end, ok := entityEnds[m]
		if !ok {
			end = ";"
		}
		return mendInline(trimmed+end, links)
	}
	var open []opener
	for i := 0; i < len(trimmed); {
		switch c := trimmed[i]; c {
		case '\\':
			if i+1 == len(trimmed) {
				return closeAll(trimmed[:i], open)
			}
			i += 2
		case '`':
			n := run(trimmed, i)
			end := closingTicks(trimmed, i+n, n)
			if end < 0 {
				return closeCode(trimmed, i, n, open)
			}
			i = end
		case '<':
			if end := strings.IndexAny(trimmed[i:], ">\n"); end > 0 && trimmed[i+end] == '>' && !strings.Contains(trimmed[i:i+end], " ") {
				i += end + 1
				continue
			}
			if halfAddress.MatchString(trimmed[i:]) {
				return closeAll(trimmed+">", open)
			}
			if m := halfTag.FindStringSubmatch(trimmed[i:]); m != nil && beginsTag(m[1]) {
				return closeAll(trimmed[:i], open)
			}
			i++
		case '[':
			end, rest := linkEnd(trimmed, i)
			switch {
			case i+1 == len(trimmed):
				return closeAll(strings.TrimSuffix(trimmed[:i], "!"), open)
			case end > 0:
				// The label may hold emphasis of its own, but nothing opened in it
				// reaches out of it.
				i = end
			case rest != "" && links > 0:
				at := i
				if at > 0 && trimmed[at-1] == '!' {
					at--
				}
				return mendInline(trimmed[:at]+rest, links-1)
			default:
				i++
			}
		case '*', '_', '~':
			n := run(trimmed, i)
			if i+n == len(trimmed) {
				return endsWithRun(trimmed, i, n, open)
			}
			open = match(open, trimmed, i, n)
			i += n
		default:
			if isURL(trimmed, i) {
				i += len(firstField(trimmed[i:]))
				continue
			}
			i++
		}
	}
	if len(open) == 0 {
		return s
	}
	return closeAll(trimmed, open)
}

func run(s string, i int) int {
	n := 1
	for i+n < len(s) && s[i+n] == s[i] {
		n++
	}
	return n
}

func isURL(s string, i int) bool {
	return s[i] == 'h' && (strings.HasPrefix(s[i:], "https://") || strings.HasPrefix(s[i:], "http://"))
}

// firstField is s up to white space or what ends an address in running text.
func firstField(s string) string {
	if i := strings.IndexAny(s, " \t\n<>*`)]\""); i >= 0 {
		return s[:i]
	}
	return s
}

// beginsTag says whether name is the beginning of a tag that is not shown.
func beginsTag(name string) bool {
	if name == "" || strings.HasPrefix("br", name) || strings.HasPrefix("https", name) {
		return true
	}
	for tag := range layoutTags {
		if strings.HasPrefix(tag, strings.ToLower(name)) {
			return true
		}
	}
	return false
}

// closingTicks returns the end of the run of n backticks that closes a code span
// whose content begins at i, or -1.
func closingTicks(s string, i, n int) int {
	for i < len(s) {
		at := strings.IndexByte(s[i:], '`')
		if at < 0 {
			return -1
		}
		i += at
		found := run(s, i)
		i += found
		if found == n {
			return i
		}
	}
	return -1
}

// closeCode closes the code span that the n backticks at i open.
func closeCode(s string, i, n int, open []opener) string {
	inside := s[i+n:]
	if strings.Trim(inside, "` \t\n") == "" {
		return closeAll(s[:i], open)
	}
	have := len(inside) - len(strings.TrimRight(inside, "`"))
	if have < n {
		return closeAll(s+strings.Repeat("`", n-have), open)
	}
	return closeAll(s+" "+strings.Repeat("`", n), open)
}

// linkEnd looks at the bracket at i. It returns where its link or label ends if that
// is in s, and otherwise, if it looks like a link that is still being written, what
// should stand for it: its label.
func linkEnd(s string, i int) (end int, label string) {
	depth := 0
	limit := min(len(s), i+maxLabel)
	j := i
	for ; j < limit; j++ {
		switch s[j] {
		case '\\':
			j++
		case '[':
			depth++
		case ']':
			depth--
		}
		if depth == 0 {
			break
		}
	}
	if j >= limit { // no closing bracket
		text := s[i+1:]
		r, _ := utf8.DecodeRuneInString(text)
		if limit < len(s) || strings.ContainsAny(text, "[)\n") || !(unicode.IsLetter(r) || r == '*' || r == '`') {
			return 0, ""
		}
		return 0, text
	}
	if j+1 == len(s) || s[j+1] != '(' {
		return j + 1, ""
	}
	text := s[i+1 : j]
	address := s[j+2:]
	if len(address) > maxAddress {
		address = address[:maxAddress]
	}
	if k := strings.IndexAny(address, ")\n"); k >= 0 {
		return j + 2 + k + 1, ""
	}
	if len(s)-j > maxAddress || text == "" {
		return j + 1, ""
	}
	return 0, text
}

// Bounds of what is taken for a link that is still being written.
const (
	maxLabel   = 200
	maxAddress = 2000
)

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
	begins := unicode.IsLetter(after) || unicode.IsDigit(after) || n > 1 && !unicode.IsSpace(after) || strings.ContainsRune("\"“‘[`", after)
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
	if i == 0 || unicode.IsSpace(before) {
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
