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
	m.spent = min(m.spent, d.soft/2)
	return m
}

// meter adds up costs by character, and by line for what has its cost in structure.
type meter struct {
	*dialect
	spent  int
	blocks int
	fence  string // the run that opened a code block, if one is open
	blank  bool   // the last line was blank
	table  tableMeter
	begun  bool // something of the page has been read
}

// read returns the length of src that fits: len(src) or less.
func (m *meter) read(src string) int {
	start := 0
	for i, r := range src {
		m.spent += m.cost(r, m.fence != "")
		if r == '\n' {
			m.endLine(src[start:i])
			start = i + 1
		}
		if m.spent > m.soft || m.dialect.blocks > 0 && m.blocks > m.dialect.blocks {
			if i == 0 && !m.begun { // what is carried leaves no room, but each page must go on
				_, i = utf8.DecodeRuneInString(src)
			}
			return i
		}
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
		m.blocks += 2
		m.spent += 8
		return
	}
	if strings.HasPrefix(body, "|") {
		m.spent += m.table.add(body, m.tableWidth)
		m.blank = false
		return
	}
	m.table = tableMeter{}
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

// tableMeter follows what a table comes to when it is set with aligned columns, or as
// a list when it is too wide for that.
type tableMeter struct {
	widths  []int
	header  int // size of all header cells
	rows    int
	counted int // what the characters of the lines have cost already
	total   int
}

// add returns what the row costs over what its characters have cost.
func (t *tableMeter) add(row string, maxWidth int) int {
	cells := strings.Split(strings.Trim(row, "| \t"), "|")
	t.rows++
	t.counted += unitsOf(row) + len(cells) + 1
	line := 0
	for i, c := range cells {
		w := width(strings.TrimSpace(c))
		if i == len(t.widths) {
			t.widths = append(t.widths, 0)
		}
		t.widths[i] = max(t.widths[i], w)
	}
	for _, w := range t.widths {
		line += w + 2
	}
	if t.rows == 1 {
		t.header = unitsOf(row)
	}
	total := t.rows*line + 10
	if line > maxWidth {
		total = t.counted + t.rows*(t.header+6*len(t.widths))
	}
	more := max(0, total-max(t.total, t.counted))
	t.total = max(t.total, total)
	return more
}
