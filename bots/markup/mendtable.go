package markup

import "strings"

// mendTable completes a table of which there is only the header so far.
func mendTable(body string) (string, bool) {
	if strings.IndexByte(body, '|') < 0 {
		return "", false
	}
	lines := strings.Split(body, "\n")
	n := len(lines)
	tableBefore := n > 1 && strings.HasPrefix(strings.TrimLeft(lines[n-2], " >"), "|")
	if last := lines[n-1]; halfFirstCell(last) && !tableBefore {
		return mendCell(body) + "\n" + last[:strings.IndexByte(last, '|')] + "|-|", true
	}
	if n > 1 && strings.TrimLeft(lines[n-1], " >") == "" && halfTableHead(strings.TrimLeft(lines[n-2], " >")) {
		n--
	} else if n > 1 && halfDelimiter(strings.TrimLeft(lines[n-1], " >")) &&
		halfTableHead(strings.TrimLeft(lines[n-2], " >")) {
		n--
	} else if !halfTableHead(strings.TrimLeft(lines[n-1], " >")) {
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

// halfTableHead says whether line is the first of a table with its first cell complete.
func halfTableHead(line string) bool {
	if !strings.HasPrefix(line, "| ") {
		return false
	}
	for i := 3; i < len(line); i++ {
		if line[i] == '|' && line[i-1] != '\\' {
			return true
		}
	}
	return false
}

// halfFirstCell says whether line is the first cell of a row and nothing more.
func halfFirstCell(line string) bool {
	line = strings.TrimLeft(line, " >")
	return strings.HasPrefix(line, "| ") && strings.LastIndexByte(line, '|') == 0
}

// halfDelimiter says whether line is the beginning of a table's line of dashes.
func halfDelimiter(line string) bool {
	return strings.HasPrefix(line, "|") && strings.Trim(line, "-:| ") == ""
}

// halfRuleOfDashes is halfDelimiter for a table whose lines begin with no |.
func halfRuleOfDashes(line string) bool {
	return strings.HasPrefix(strings.TrimPrefix(line, ":"), "-") && strings.Trim(line, "-:| ") == ""
}
