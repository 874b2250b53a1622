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
	danglingNumber   = regexp.MustCompile(`^[ \t>]*\d{1,3}[.)]?[ \t]*$`)
	halfTableHead    = regexp.MustCompile(`^\| .*[^\\]\|`)
	halfFirstCell    = regexp.MustCompile(`^[ >]*\| [^|]*$`)
	halfDelimiter    = regexp.MustCompile(`^\|[-:| ]*$`)
	halfDefinition   = regexp.MustCompile(`^( {0,3}\[[^\]^][^\]]*\]:[ \t]*\S*)(?:[ \t]+(?:"[^"]*|'[^']*|\([^)]*))?$`)
	halfRuleOfDashes = regexp.MustCompile(`^:?-+[-:| ]*$`)
)

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
	if m := halfDefinition.FindStringSubmatch(last); m != nil && lastStart == 0 {
		if len(m[1]) < len(last) {
			return m[1] // without the half of its title
		}
		return ""
	}
	if lastStart > 0 && halfRuleOfDashes.MatchString(last) {
		before := body[:lastStart-1]
		if strings.Contains(before[strings.LastIndexByte(before, '\n')+1:], "|") {
			return s[:lastStart] // the line between the headings and the rows of a table
		}
	}
	if danglingLine.MatchString(last) || rule(strings.TrimLeft(last, " \t>")) || danglingTask.MatchString(last) ||
		lastStart > 0 && inItem && danglingNumber.MatchString(last) {
		return s[:lastStart]
	}
	return mendInline(s, 3)
}

// mendTable completes a table of which there is only the header so far.
func mendTable(body string) (string, bool) {
	lines := strings.Split(body, "\n")
	n := len(lines)
	tableBefore := n > 1 && strings.HasPrefix(strings.TrimLeft(lines[n-2], " >"), "|")
	if last := lines[n-1]; halfFirstCell.MatchString(last) && !tableBefore {
		return mendCell(body) + "\n" + last[:strings.IndexByte(last, '|')] + "|-|", true
	}
	if n > 1 && strings.TrimLeft(lines[n-1], " >") == "" && halfTableHead.MatchString(strings.TrimLeft(lines[n-2], " >")) {
		n--
	} else if n > 1 && halfDelimiter.MatchString(strings.TrimLeft(lines[n-1], " >")) &&
		halfTableHead.MatchString(strings.TrimLeft(lines[n-2], " >")) {
		n--
	} else if !halfTableHead.MatchString(strings.TrimLeft(lines[n-1], " >")) {
		return "", false
	}
	head := strings.TrimRight(lines[n-1], " ")
	if n == len(lines) {
		head = mendCell(head)
	}
	if n > 1 && strings.HasPrefix(strings.TrimLeft(lines[n-2], " >"), "|") {
		return "", false // a later line of what is no table
	}
	cells := strings.Count(strings.Trim(strings.TrimLeft(head, " >"), "|"), "|") -
		strings.Count(strings.Trim(strings.TrimLeft(head, " >"), "|"), `\|`) + 1
	indent := head[:strings.IndexByte(head, '|')]
	lines = append(lines[:n-1], head, indent+strings.Repeat("|-", cells)+"|")
	return strings.Join(lines, "\n"), true
}

// mendCell closes what is open in the last cell of the row that s ends with.
func mendCell(s string) string {
	at := strings.LastIndexByte(s, '|') + 1
	return s[:at] + mendInline(s[at:], 3)
}
