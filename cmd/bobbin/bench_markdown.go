package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// markdown is the table as it stands in the README: what was measured with different
// numbers of sessions side by side, the rest and all that has an aim below it, and in the
// end how the processor's time splits, as a sentence.
func (t *benchTable) markdown() string {
	var kinds, parts []string // of rows that are side by side; of the split
	wide := make(map[string]map[int]benchRow)
	sessions := make(map[int]bool)
	var below []benchRow
	split := ""
	for _, r := range t.Rows {
		switch whole, part, _ := strings.Cut(r.What, ": "); {
		case r.Section == "split":
			split = fmt.Sprintf("%s%s, with %d sessions", strings.ToUpper(whole[:1]), whole[1:], r.Sessions)
			parts = append(parts, fmt.Sprintf("%s %s %%", part, figure(r.Value)))
			continue
		case r.Sessions > 0:
			if wide[r.What] == nil {
				kinds, wide[r.What] = append(kinds, r.What), make(map[int]benchRow)
			}
			wide[r.What][r.Sessions] = r
			sessions[r.Sessions] = true
		}
		if r.Sessions == 0 || r.Target != "" {
			below = append(below, r)
		}
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s. A pair is what half and what 99 of 100 do not exceed.\n", t.Machine)
	if columns := slices.Sorted(maps.Keys(sessions)); len(columns) > 0 {
		b.WriteString("\n| sessions at once |")
		for _, n := range columns {
			fmt.Fprintf(&b, " %d |", n)
		}
		b.WriteString(" |\n|---|" + strings.Repeat("--:|", len(columns)) + "---|\n")
		for _, kind := range kinds {
			unit := ""
			cells := []string{kind}
			for _, n := range columns {
				cell := ""
				if r, measured := wide[kind][n]; measured {
					cell, unit = r.text(), r.Unit
				}
				cells = append(cells, cell)
			}
			writeCells(&b, append(cells, unit))
		}
	}
	if len(below) > 0 {
		b.WriteString("\n| | | | aim |\n|---|--:|---|---|\n")
	}
	for _, r := range below {
		aim := r.Target
		if r.Met != nil && !*r.Met {
			aim += ": missed"
		}
		writeCells(&b, []string{r.whole(), r.text(), r.Unit, aim})
	}
	if split != "" {
		fmt.Fprintf(&b, "\n%s: %s.\n", split, strings.Join(parts, ", "))
	}
	return b.String()
}

func writeCells(b *strings.Builder, cells []string) {
	for _, c := range cells {
		b.WriteString("|")
		if c != "" {
			b.WriteString(" " + c)
		}
		b.WriteString(" ")
	}
	b.WriteString("|\n")
}

// text is the value, and what 99 of 100 do not exceed, if that is known.
func (r benchRow) text() string {
	if r.P99 == nil {
		return figure(r.Value)
	}
	return figure(r.Value) + " / " + figure(*r.P99)
}
