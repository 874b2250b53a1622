package main

import (
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"strings"
	"unicode/utf8"
)

// benchTable is what was measured.
type benchTable struct {
	Machine string     `json:"machine"`
	Rows    []benchRow `json:"rows"`
}

// benchRow is one figure, or two: the middle one of many, and what one in a hundred exceeds.
type benchRow struct {
	Section  string   `json:"section"`
	What     string   `json:"what"`
	Sessions int      `json:"sessions,omitempty"` // at once, where that is varied
	Value    float64  `json:"value"`
	P99      *float64 `json:"p99,omitempty"`
	Unit     string   `json:"unit"`
	Target   string   `json:"target,omitempty"`
	Met      *bool    `json:"met,omitempty"`
}

// of says with how many sessions at once it was measured.
func (r *benchRow) of(sessions int) *benchRow {
	r.Sessions = sessions
	return r
}

// whole is what was measured, and with how many sessions.
func (r benchRow) whole() string {
	switch r.Sessions {
	case 0:
		return r.What
	case 1:
		return r.What + ", 1 session"
	}
	return fmt.Sprintf("%s, %d sessions", r.What, r.Sessions)
}

func (t *benchTable) add(section, what string, value float64, unit string) *benchRow {
	t.Rows = append(t.Rows, benchRow{Section: section, What: what, Value: value, Unit: unit})
	return &t.Rows[len(t.Rows)-1]
}

// spread adds durations, in milliseconds.
func (t *benchTable) spread(section, what string, ds durations) *benchRow {
	r := t.add(section, what, millis(ds.quantile(.5)), "ms")
	p99 := millis(ds.quantile(.99))
	r.P99 = &p99
	return r
}

// atMost and atLeast say what the value is to be.
func (r *benchRow) atMost(target float64, why string) { r.aim(r.Value <= target, "≤ ", target, why) }

func (r *benchRow) atLeast(target float64, why string) { r.aim(r.Value >= target, "≥ ", target, why) }

func (r *benchRow) aim(met bool, sign string, target float64, why string) {
	r.Target, r.Met = sign+figure(target), &met
	if why != "" {
		r.Target += " (" + why + ")"
	}
}

// String is the table in Markdown, aligned so that it can also be read as it is.
func (t *benchTable) String() string {
	rows := [][]string{{"", "what", "p50 or value", "p99", "unit", "target", "met"}}
	last := ""
	for _, r := range t.Rows {
		cells := []string{"", r.whole(), figure(r.Value), "", r.Unit, r.Target, ""}
		if r.Section != last {
			cells[0], last = r.Section, r.Section
		}
		if r.P99 != nil {
			cells[3] = figure(*r.P99)
		}
		if r.Met != nil {
			cells[6] = map[bool]string{true: "yes", false: "no"}[*r.Met]
		}
		rows = append(rows, cells)
	}
	widths := make([]int, len(rows[0]))
	for _, cells := range rows {
		for i, c := range cells {
			widths[i] = max(widths[i], utf8.RuneCountInString(c), 3)
		}
	}
	right := func(i int) bool { return i == 2 || i == 3 }
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n\n", t.Machine)
	for n, cells := range rows {
		for i, c := range cells {
			blank := strings.Repeat(" ", widths[i]-utf8.RuneCountInString(c))
			if right(i) {
				fmt.Fprintf(&b, "| %s%s ", blank, c)
			} else {
				fmt.Fprintf(&b, "| %s%s ", c, blank)
			}
		}
		b.WriteString("|\n")
		if n > 0 {
			continue
		}
		for i, w := range widths {
			end := "-"
			if right(i) {
				end = ":"
			}
			fmt.Fprintf(&b, "| %s%s ", strings.Repeat("-", w-1), end)
		}
		b.WriteString("|\n")
	}
	return b.String()
}

func (t *benchTable) write(path string) error {
	b, err := json.MarshalIndent(t, "", "  ")
	if err != nil {
		return fmt.Errorf("encode the table: %w", err)
	}
	if err := os.WriteFile(path, append(b, '\n'), 0o600); err != nil {
		return fmt.Errorf("write the table: %w", err)
	}
	return nil
}

// figure shows three digits or so of a number.
func figure(v float64) string {
	switch {
	case v == float64(int64(v)) || v >= 100 || v <= -100:
		return strconv.FormatFloat(v, 'f', 0, 64)
	case v >= 10 || v <= -10:
		return strconv.FormatFloat(v, 'f', 1, 64)
	}
	return strconv.FormatFloat(v, 'f', 2, 64)
}
