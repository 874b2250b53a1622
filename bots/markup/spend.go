package markup

import (
	"strings"
	"unicode/utf8"
)

// spend reads src forward until what it and carried may come to is over the budget of
// a page, and returns how much of src was read: all of it if it fits. Reading more of
// the same text never changes the result for less of it.
func spend(d *dialect, carried, src string) int {
	m := newMeter(d, carried)
	return m.read(src)
}

func newMeter(d *dialect, carried string) meter {
	m := meter{dialect: d, blank: true}
	m.read(carried)
	m.spent, m.literal = min(m.spent, d.soft/2), 0
	return m
}

// meter adds up costs by character, and by line for what has its cost in structure.
type meter struct {
	*dialect
	spent int
	// literal is what the source takes if all else fails and it is shown in a code block.
	literal int
	atLine  int // what was spent where the line began
	blocks  int
	fence   string // the run that opened a code block, if one is open
	lazy    int    // what the marks come to of the quotes and lists that a line may be in
	blank   bool   // the last line was blank
	table   tableMeter
	begun   bool // something of the page has been read
}

// read returns the length of src that fits: len(src) or less.
func (m *meter) read(src string) int {
	start := 0
	costs, literals := m.costs(m.fence != ""), &m.ascii.literal
	for i := 0; i < len(src); {
		c, size := src[i], 1
		if c < utf8.RuneSelf {
			m.spent += costs[c]
			m.literal += literals[c]
		} else {
			var r rune
			r, size = utf8.DecodeRuneInString(src[i:])
			m.spent += m.cost(r, m.fence != "")
			m.literal += m.literalCost(r)
		}
		if c == '\n' {
			m.endLine(src[start:i])
			start, m.atLine = i+1, m.spent
			costs = m.costs(m.fence != "")
		}
		if m.spent > m.soft || m.literal > m.hard-fenceCost || m.dialect.blocks > 0 && m.blocks > m.dialect.blocks {
			if i == 0 && !m.begun { // what is carried leaves no room, but each page must go on
				return size
			}
			return i
		}
		i += size
	}
	return len(src)
}

func (m *meter) endLine(line string) {
	body := strings.TrimLeft(line, " \t>")
	switch run := fenceRun(body); {
	case m.fence != "":
		if strings.HasPrefix(run, m.fence) && strings.TrimSpace(body[len(run):]) == "" {
			m.fence = ""
			m.blank = true
		}
		return
	case run != "":
		m.fence = run
		m.table = tableMeter{}
		m.blocks += 2
		m.spent += 8
		return
	}
	m.contained(len(line)-len(body), body)
	if m.table.line(m, line, body) {
		m.blank = false
		return
	}
	switch {
	case body == "":
		m.blank = true
		return
	case body[0] == '#':
		m.blocks += 2
		m.spent += m.headingCost + 4
	case rule(body):
		m.blocks += 2
		m.spent += 12
	case m.blank:
		m.blocks++
	}
	m.blank = false
}

// contained adds what a line of text costs for the quotes and lists that it is in:
// each comes out marked or indented, also if the source's is not.
func (m *meter) contained(prefix int, body string) {
	if body == "" {
		m.lazy = 0
		return
	}
	indent := prefix
	if mark := lineMark(body); mark != "" && mark[0] != '#' {
		prefix += len(mark)
	}
	switch {
	case prefix == 0:
		m.spent += m.lazy
	case m.flavor == flavorSlackText: // which is indented by four
		m.spent += indent
		m.lazy = 2 * prefix
	default:
		m.lazy = prefix
	}
}

// rule says whether a line may be a thematic break.
func rule(body string) bool {
	body = strings.TrimRight(body, " \t")
	return len(body) >= 3 && strings.Trim(body, "-*_ ") == ""
}

// fenceRun is the run of ` or ~ that opens a fence at the start of body, if any.
func fenceRun(body string) string {
	if body == "" || body[0] != '`' && body[0] != '~' {
		return ""
	}
	n := len(body) - len(strings.TrimLeft(body, body[:1]))
	if n < 3 || body[0] == '`' && strings.Contains(body[n:], "`") {
		return ""
	}
	return body[:n]
}
