package badgerstore

import (
	"encoding/binary"
	"errors"
	"slices"

	"github.com/dgraph-io/badger/v4"

	"bobbin/agent"
)

// line is one entry of a transcript or a journal, as it was found.
type line struct {
	fix    // for the case that it is not sound; until then without a why
	entry  agent.Entry
	broken bool // it cannot be read
}

func readLine(item *badger.Item) line {
	var l line
	err := decodeEntry(item, &l.entry)
	if l.fix = fault(item, errNone); err != nil {
		l.why, l.broken = err.Error(), true
	}
	return l
}

// sound reports whether all calls stand with their results, and nothing is a result
// without its call. Lines that are cut off at their begin may start with results whose
// call was before; lines that are open may end with calls that are still to be run.
func sound(es []agent.Entry, cut, open bool) bool {
	i := 0
	for cut && i < len(es) && es[i].Role == agent.RoleTool {
		i++
	}
	for i < len(es) {
		step := es[i]
		i++
		if step.Role == agent.RoleTool {
			return false
		}
		first := i
		for len(step.Calls) > 0 && i < len(es) && es[i].Role == agent.RoleTool {
			if !answers(es[i], step.Calls, es[first:i]) {
				return false
			}
			i++
		}
		if (!open || i < len(es)) && len(unansweredCalls(step.Calls, es[first:i])) > 0 {
			return false
		}
	}
	return true
}

// answers reports whether e is the result of one of the calls that the earlier results
// are not of.
func answers(e agent.Entry, calls []agent.ToolCall, earlier []agent.Entry) bool {
	n := 0
	for _, c := range calls {
		if c.ID == e.CallID {
			n++
		}
	}
	for _, r := range earlier {
		if r.CallID == e.CallID {
			n--
		}
	}
	return n > 0
}

func unansweredCalls(calls []agent.ToolCall, results []agent.Entry) (left []agent.ToolCall) {
	for _, c := range calls {
		if !slices.ContainsFunc(results, func(e agent.Entry) bool { return e.CallID == c.ID }) {
			left = append(left, c)
		}
	}
	return left
}

// What is wrong with entries that can be read.
var (
	errNone     = errors.New("")
	errNoCall   = errors.New("a tool's result without its call")
	errNoResult = errors.New("a tool call without its result")
)

// lostResult is what the model reads in the place of a result that is gone.
const lostResult = "There is no result: its record was lost."

// mend returns the entries that stand, and what makes the lines sound, in the sense of
// [sound].
func mend(lines []line, cut, open bool) (es []agent.Entry, fixes []fix) {
	i := 0
	aside := func(l line, why error) {
		if !l.broken {
			l.why = why.Error()
		}
		fixes = append(fixes, l.fix)
	}
	for ; cut && i < len(lines) && (lines[i].broken || lines[i].entry.Role == agent.RoleTool); i++ {
		if lines[i].broken {
			aside(lines[i], nil)
		} else {
			es = append(es, lines[i].entry)
		}
	}
	for i < len(lines) {
		step := lines[i]
		i++
		if step.broken || step.entry.Role == agent.RoleTool {
			aside(step, errNoCall)
			continue
		}
		es = append(es, step.entry)
		first := len(es)
		for ; len(step.entry.Calls) > 0 && i < len(lines) && (lines[i].broken || lines[i].entry.Role == agent.RoleTool); i++ {
			if l := lines[i]; !l.broken && answers(l.entry, step.entry.Calls, es[first:]) {
				es = append(es, l.entry)
			} else {
				aside(l, errNoCall)
			}
		}
		if open && i == len(lines) {
			break
		}
		if left := unansweredCalls(step.entry.Calls, es[first:]); len(left) > 0 {
			f, results := noResults(step, lines[i-1].key, left)
			es, fixes = append(es, results...), append(fixes, f)
		}
	}
	return es, fixes
}

// noResults gives calls failed results, behind the line of which last is the key.
func noResults(step line, last []byte, calls []agent.ToolCall) (f fix, results []agent.Entry) {
	f = step.fix
	f.why, f.stays = errNoResult.Error(), true
	for n, c := range calls {
		e := agent.Entry{Role: agent.RoleTool, At: step.entry.At, CallID: c.ID, Tool: c.Name, Failed: true, Text: lostResult}
		b, err := marshal(e)
		if err != nil {
			continue // cannot be: it has nothing that JSON has not
		}
		results = append(results, e)
		f.put = append(f.put, record{key: behind(last, len(step.key), n+1), value: b})
	}
	return f, results
}

// behind is the nth key between a line's and the next line's. Keys of lines have the size
// of size, and those that were put behind one of them a number more.
func behind(last []byte, size, n int) []byte {
	at := uint64(n) //nolint:gosec // a count
	if len(last) > size {
		at += number(last)
	}
	return binary.BigEndian.AppendUint64(slices.Clone(last[:size]), at)
}
