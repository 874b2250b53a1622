package markup

import (
	"regexp"
	"strings"
)

// halfDefinition is a link definition up to its address, and the half of its title.
var halfDefinition = regexp.MustCompile(`^( {0,3}\[[^\]^][^\]]*\]:[ \t]*\S*)(?:[ \t]+(?:"[^"]*|'[^']*|\([^)]*))?$`)

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
	if lastStart == 0 && strings.HasPrefix(strings.TrimLeft(last, " "), "[") {
		if m := halfDefinition.FindStringSubmatch(last); m != nil {
			if len(m[1]) < len(last) {
				return m[1] // without the half of its title
			}
			return ""
		}
	}
	if lastStart > 0 && halfRuleOfDashes(last) {
		before := body[:lastStart-1]
		if strings.Contains(before[strings.LastIndexByte(before, '\n')+1:], "|") {
			return s[:lastStart] // the line between the headings and the rows of a table
		}
	}
	if danglingLine(last) || rule(strings.TrimLeft(last, " \t>")) || danglingTask(last) ||
		lastStart > 0 && inItem && danglingNumber(last) {
		return s[:lastStart]
	}
	return mendInline(s, 3)
}
