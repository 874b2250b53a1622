package markup

import (
	"regexp"
	"strings"
)

var (
	// danglingLine is a last line that is nothing but the beginning of a list item,
	// heading, quote, rule or fence.
	danglingLine = regexp.MustCompile("^[ \t>]*(?:[-*+]|#{1,6}|--|==+|~~|``?|\\*\\*|\\|)[ \t]*$")
	// danglingTask is a list item that may be about to become a task.
	danglingTask = regexp.MustCompile(`^[ \t>]*(?:[-*+]|\d{1,9}[.)])[ \t]+\[[ xX]?$|^\[[ xX]?$`)
	// danglingNumber is a number that may be about to become a list item.
	danglingNumber = regexp.MustCompile(`^[ \t>]*\d{1,3}[.)]?[ \t]*$`)
	halfTableHead  = regexp.MustCompile(`^\| .*[^\\]\|`)
	halfFirstCell  = regexp.MustCompile(`^[ >]*\| [^|]*$`)
	halfDelimiter  = regexp.MustCompile(`^\|[-:| ]*$`)
	halfEntity     = regexp.MustCompile(`&(?:am|amp|lt|gt|quo|quot|nbs|nbsp|#\d{2,4})$`)
	halfTag        = regexp.MustCompile(`^<(?:/?([a-zA-Z][a-zA-Z0-9]*)?|h(?:t(?:t(?:ps?(?::/{0,2})?)?)?)?)$`)
	halfAddress    = regexp.MustCompile(`^<(?:https?://|mailto:)[^\s<>]+$`)
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
