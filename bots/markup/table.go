package markup

import (
	"sort"
	"strings"

	"github.com/yuin/goldmark/ast"
	east "github.com/yuin/goldmark/extension/ast"
)

// Limits of Slack's table block, into which a Markdown table turns.
const (
	slackTableRows    = 100
	slackTableColumns = 20
)

func (r *renderer) table(t *east.Table) []line {
	columns := len(t.Alignments)
	switch r.flavor {
	case flavorPlain:
		return plainTable(r.cells(t, r.dialect))
	case flavorSlackBlocks:
		if t.ChildCount() <= slackTableRows && columns <= slackTableColumns {
			return markdownTable(r.cells(t, r.dialect), t.Alignments)
		}
	case flavorSlackText, flavorDiscord:
	}
	rows := r.cells(t, inCode)
	if r.layoutOf(t, rows).list {
		return r.tableAsList(t)
	}
	widths := make([]int, columns)
	for _, row := range rows {
		widen(widths, row)
	}
	return r.alignedTable(rows, fit(widths, r.tableWidth), t.Alignments)
}

// layout is how a table is set. It is decided by the headings and the first row, so
// that the table does not turn into something else while the rest of it is written.
type layout struct {
	list      bool // not in columns, but each row as a list
	undecided bool // the first row may still make it a list
}

// decide looks at the headings, and then at what the first row makes of their widths.
func (l *layout) decide(d *dialect, widths []int, links bool) {
	total := 2 * (len(widths) - 1)
	for _, w := range widths {
		total += w
	}
	l.undecided = !l.list && !l.undecided
	// In code a link could not be followed.
	l.list = l.list || links || total > d.tableWidth
}

func (r *renderer) layoutOf(t *east.Table, rows [][]string) layout {
	var l layout
	widths := make([]int, len(t.Alignments))
	widen(widths, rows[0])
	l.decide(r.dialect, widths, hasLink(t.FirstChild()))
	if len(rows) > 1 {
		widen(widths, rows[1])
		l.decide(r.dialect, widths, hasLink(t.FirstChild().NextSibling()))
	}
	return l
}

// hasLink says whether a row has a link with an address that is not seen.
func hasLink(row ast.Node) bool {
	found := false
	_ = ast.Walk(row, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		switch n := n.(type) {
		case *ast.Link:
			found = found || safeScheme(destination(n.Destination))
		case *ast.Image:
			found = found || safeScheme(destination(n.Destination))
		}
		if found {
			return ast.WalkStop, nil
		}
		return ast.WalkContinue, nil
	})
	return found
}

// widen makes widths at least those of row.
func widen(widths []int, row []string) {
	for i, cell := range row {
		widths[i] = max(widths[i], width(cell))
	}
}

// minColumn is the width below which no column is narrowed.
const minColumn = 8

// fit returns widths, with the widest columns narrowed until all fit into total.
func fit(widths []int, total int) []int {
	room := total - 2*(len(widths)-1)
	sum, widest := 0, 0
	for _, w := range widths {
		sum += w
		widest = max(widest, w)
	}
	if sum <= room {
		return widths
	}
	narrowed := func(limit int) int {
		sum := 0
		for _, w := range widths {
			sum += min(w, limit)
		}
		return sum
	}
	limit := minColumn + sort.Search(max(0, widest-minColumn), func(i int) bool { return narrowed(minColumn+i) > room }) - 1
	out := make([]int, len(widths))
	for i, w := range widths {
		out[i] = min(w, max(limit, minColumn))
	}
	return out
}

// cells returns the text of all cells in dialect d, as many in each row.
func (r *renderer) cells(t *east.Table, d *dialect) [][]string {
	in := &renderer{dialect: d, src: r.src, spare: r.spare}
	var rows [][]string
	for row := t.FirstChild(); row != nil; row = row.NextSibling() {
		cells := make([]string, len(t.Alignments))
		i := 0
		for c := row.FirstChild(); c != nil && i < len(cells); c = c.NextSibling() {
			cells[i] = strings.TrimSpace(in.inlines(c, style{oneLine: true, cell: d.flavor != flavorPlain}))
			i++
		}
		rows = append(rows, cells)
	}
	return rows
}

func plainTable(rows [][]string) []line {
	var out []line
	for _, row := range rows {
		for len(row) > 1 && row[len(row)-1] == "" {
			row = row[:len(row)-1]
		}
		if text := strings.Join(row, " | "); text != "" {
			out = append(out, line{text: text})
		}
	}
	return out
}

func markdownTable(rows [][]string, alignments []east.Alignment) []line {
	var out []line
	for i, row := range rows {
		for j, cell := range row {
			if cell == "" { // Slack refuses tables with empty cells
				row[j] = "\u00a0"
			}
		}
		out = append(out, line{text: "| " + strings.Join(row, " | ") + " |"})
		if i > 0 {
			continue
		}
		delimiter := "|"
		for _, a := range alignments {
			switch a {
			case east.AlignRight:
				delimiter += " ---: |"
			case east.AlignCenter:
				delimiter += " :---: |"
			default:
				delimiter += " --- |"
			}
		}
		out = append(out, line{text: delimiter})
	}
	return out
}

// alignedTable sets a table in a code block.
func (r *renderer) alignedTable(rows [][]string, widths []int, alignments []east.Alignment) []line {
	var b strings.Builder
	for i, row := range rows {
		if i > 0 {
			b.WriteByte('\n')
		}
		writeRow(&b, row, widths, alignments)
		if i == 0 {
			b.WriteByte('\n')
			for j, w := range widths {
				if j > 0 {
					b.WriteString("  ")
				}
				b.WriteString(strings.Repeat("─", w))
			}
		}
	}
	if strings.Trim(b.String(), "\n ─") == "" {
		return nil
	}
	return split(nil, fence(r.dialect, "", b.String()), r.flavor != flavorSlackBlocks)
}

// writeRow sets a row in as many lines as its tallest cell needs.
func writeRow(b *strings.Builder, row []string, widths []int, alignments []east.Alignment) {
	cells := make([][]string, len(row))
	height := 1
	for j, cell := range row {
		cells[j] = wrap(cell, widths[j])
		height = max(height, len(cells[j]))
	}
	for k := range height {
		var l strings.Builder
		for j := range cells {
			if j > 0 {
				l.WriteString("  ")
			}
			piece := ""
			if k < len(cells[j]) {
				piece = cells[j][k]
			}
			l.WriteString(aligned(piece, widths[j], alignments[j]))
		}
		if k > 0 {
			b.WriteByte('\n')
		}
		b.WriteString(strings.TrimRight(l.String(), " "))
	}
}

func aligned(cell string, to int, a east.Alignment) string {
	gap := max(0, to-width(cell))
	switch a {
	case east.AlignRight:
		return strings.Repeat(" ", gap) + cell
	case east.AlignCenter:
		return strings.Repeat(" ", gap/2) + cell + strings.Repeat(" ", gap-gap/2)
	default:
		return cell + strings.Repeat(" ", gap)
	}
}

// tableAsList is for a table too wide to be set: each row is a list of its cells.
func (r *renderer) tableAsList(t *east.Table) []line {
	heads := r.cells(t, r.dialect)
	rows := heads[1:]
	bold := r.marks().bold
	var out []line
	for _, row := range rows {
		title := row[0]
		if title != "" && !strings.Contains(title, bold) {
			title = bold + title + bold
		}
		if title != "" {
			out = append(out, line{text: title})
		}
		for j := 1; j < len(row); j++ {
			if row[j] == "" {
				continue
			}
			text := row[j]
			if heads[0][j] != "" {
				text = heads[0][j] + ": " + text
			}
			out = append(out, line{text: r.bullet(nil) + text})
		}
	}
	if len(out) == 0 {
		return split(nil, strings.Join(heads[0], " · "), false)
	}
	return out
}
