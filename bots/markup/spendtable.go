package markup

import (
	"regexp"
	"strings"
	"unicode/utf8"
)

// tableMeter follows what a table comes to in the layout that it is likely to get.
// Until the line of dashes has been read a table is not told from text.
type tableMeter struct {
	head   string // a line that may be the first of a table
	before int    // what was spent before it

	literalBefore int
	on            bool // this is a table

	layout   layout
	ragged   bool  // the last column ends lines, so nothing pads it
	headings []int // cost of each heading
	widths   []int
	rows     int // lines of text, with those that too wide cells take in addition
	cells    int // cost of all cells over their width, and the width of what is not padded
	listed   int // cost as a list
}

// line reads a line, of which body is what is in no container, and says whether it
// belongs to a table. It makes what m has spent the cost of the table so far.
func (t *tableMeter) line(m *meter, line, body string) bool {
	switch {
	case t.on && body != "" && body[0] != '#' && !rule(body):
		t.add(m.dialect, body)
	case t.head != "" && delimiterRow(body):
		head := t.head
		*t = tableMeter{on: true, before: t.before, literalBefore: t.literalBefore}
		last := strings.TrimRight(body, " \t|")
		t.ragged = !strings.HasSuffix(last, ":")
		t.start(m.dialect, head)
		m.blocks++
	case strings.Contains(body, "|"):
		*t = tableMeter{head: body, before: m.atLine, literalBefore: m.literal - m.costOf(line, true)}
		return false
	default:
		*t = tableMeter{}
		return false
	}
	if m.flavor == flavorSlackBlocks && t.rows <= slackTableRows && len(t.widths) <= slackTableColumns {
		return true // it stays as it is
	}
	// Whatever contains the table marks each line of it.
	m.spent = t.before + t.cost(m.tableWidth) + (t.rows+3)*(len(line)-len(body))
	// Spaces that set the source and marks that are not shown would leave half of a
	// page empty if they counted, too.
	m.literal = min(m.literal, t.literalBefore+m.spent-t.before)
	return true
}

// delimiterRow says whether body may be the second line of a table.
func delimiterRow(body string) bool {
	return strings.Contains(body, "-") && strings.Contains(body, "|") && strings.Trim(body, "|:- \t") == ""
}

var linkInCell = regexp.MustCompile(`!?\[([^\[\]]*)\]\([^()\s]*(?:\([^()\s]*\))?[^()\s]*\)`)

// displayed is about what is shown of a cell in code.
func displayed(cell string) string {
	if !strings.ContainsAny(cell, "[*`~") {
		return cell
	}
	if strings.Contains(cell, "](") {
		cell = linkInCell.ReplaceAllString(cell, "$1")
	}
	for _, mark := range []string{"**", "`", "~~", "*"} {
		if n := strings.Count(cell, mark); n > 0 && n%2 == 0 {
			cell = strings.ReplaceAll(cell, mark, "")
		}
	}
	return cell
}

func splitCells(row string) []string {
	row = strings.TrimSpace(row)
	row = strings.TrimSuffix(strings.TrimPrefix(row, "|"), "|")
	cells := strings.Split(strings.ReplaceAll(row, `\|`, "¦"), "|")
	for i, c := range cells {
		cells[i] = strings.TrimSpace(c)
	}
	return cells
}

func (d *dialect) costOf(s string, code bool) int {
	n, costs := 0, d.costs(code)
	for _, r := range s {
		if r < utf8.RuneSelf {
			n += costs[r]
		} else {
			n += d.cost(r, code)
		}
	}
	return n
}

func (t *tableMeter) start(d *dialect, head string) {
	cells := splitCells(head)
	t.headings = make([]int, len(cells))
	t.widths = make([]int, len(cells))
	for i, c := range cells {
		t.headings[i] = d.costOf(c, false)
	}
	t.layout.decide(d, t.measure(d, cells), false)
}

func (t *tableMeter) add(d *dialect, row string) {
	cells := splitCells(row)
	if len(cells) > len(t.widths) {
		cells = cells[:len(t.widths)]
	}
	for i, c := range cells {
		t.listed += d.costOf(c, false) + 5
		if i > 0 {
			t.listed += t.headings[i]
		}
	}
	t.measure(d, cells)
	if t.layout.undecided {
		t.layout.decide(d, t.widths, strings.Contains(row, "](") && linkInCell.MatchString(row))
	}
}

// measure adds a row as a line of columns, and returns their widths.
func (t *tableMeter) measure(d *dialect, cells []string) []int {
	lines := 1
	widths := make([]int, len(cells))
	for i, c := range cells {
		shown := displayed(c)
		w := width(shown)
		widths[i] = w
		t.widths[i] = max(t.widths[i], w)
		t.cells += d.costOf(shown, true) - w
		if t.ragged && i == len(t.widths)-1 {
			t.cells += w
		}
	}
	columns := fit(t.widths, d.tableWidth)
	for i, w := range widths {
		if w > columns[i] {
			lines = max(lines, w/max(columns[i]-columns[i]/4, 1)+1)
		}
	}
	t.rows += lines
	return widths
}

// cost is what the table comes to so far.
func (t *tableMeter) cost(tableWidth int) int {
	if t.layout.list {
		cost := t.listed
		if t.rows <= 1 {
			for _, h := range t.headings {
				cost += h + 3
			}
		}
		return cost
	}
	line := 2 * (len(t.widths) - 1)
	for _, w := range fit(t.widths, tableWidth) {
		line += w
	}
	padded := line
	if t.ragged {
		padded -= t.widths[len(t.widths)-1]
		padded = max(0, padded)
	}
	return t.cells + t.rows*(padded+1) + line + 10
}
