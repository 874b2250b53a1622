package markup

import (
	"strings"

	east "github.com/yuin/goldmark/extension/ast"
)

// Limits of Slack's table block, into which a Markdown table turns.
const (
	slackTableRows    = 100
	slackTableColumns = 20
)

func (r *renderer) table(t *east.Table) []line {
	rows := r.cells(t, r.flavor == flavorSlackBlocks)
	columns := len(t.Alignments)
	switch r.flavor {
	case flavorPlain:
		return plainTable(rows)
	case flavorSlackBlocks:
		if len(rows) <= slackTableRows && columns <= slackTableColumns {
			return markdownTable(rows, t.Alignments)
		}
		rows = r.cells(t, false)
	case flavorSlackText, flavorDiscord:
	}
	widths := make([]int, columns)
	total := 2 * (columns - 1)
	for i := range widths {
		for _, row := range rows {
			widths[i] = max(widths[i], width(row[i]))
		}
		total += widths[i]
	}
	if total > r.tableWidth {
		return r.tableAsList(t)
	}
	return r.alignedTable(rows, widths, t.Alignments)
}

// cells returns the text of all cells, as many in each row: in mark-up, or plain for
// a code block.
func (r *renderer) cells(t *east.Table, markUp bool) [][]string {
	in := r
	if !markUp {
		in = &renderer{dialect: plain, src: r.src}
	}
	var rows [][]string
	for row := t.FirstChild(); row != nil; row = row.NextSibling() {
		cells := make([]string, len(t.Alignments))
		i := 0
		for c := row.FirstChild(); c != nil && i < len(cells); c = c.NextSibling() {
			cells[i] = strings.TrimSpace(in.inlines(c, style{oneLine: true, cell: markUp}))
			i++
		}
		rows = append(rows, cells)
	}
	return rows
}

func plainTable(rows [][]string) []line {
	var out []line
	for _, row := range rows {
		out = append(out, line{text: strings.Join(row, " | ")})
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
		var l strings.Builder
		for j, cell := range row {
			if j > 0 {
				l.WriteString("  ")
			}
			l.WriteString(aligned(cell, widths[j], alignments[j]))
		}
		b.WriteString(strings.TrimRight(l.String(), " "))
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
	return split(fence(r.dialect, "", b.String()), r.flavor != flavorSlackBlocks)
}

func aligned(cell string, to int, a east.Alignment) string {
	gap := to - width(cell)
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
	heads := r.cells(t, true)
	rows := r.cells(t, true)[1:]
	bold := r.marks().bold
	if len(rows) == 0 {
		return []line{{text: strings.Join(heads[0], " · ")}}
	}
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
	return out
}
