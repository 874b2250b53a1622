package agent

import (
	"slices"
	"unicode/utf8"
)

// Tokens estimates what an entry costs in a model's window: a quarter token per byte of
// Latin text, up to one per character of others, and some for its frame. It errs on the
// high side, since a window that is too long is refused.
func Tokens(e Entry) int { return e.tokens() }

func (e *Entry) tokens() int {
	n := 6 + textTokens(e.Text)
	for i := range e.Calls {
		c := &e.Calls[i]
		n += 8 + textTokens(c.Name) + textTokens(string(c.Args))
	}
	if e.Author != nil && !e.Direct {
		n += 2 + textTokens(e.Author.Name)
	}
	return n
}

func textTokens(s string) int {
	wide := 0
	for i := 0; i < len(s); {
		// All of a window is read here in each step, most of it Latin.
		for len(s)-i >= 8 && allLatin(s[i:]) {
			i += 8
		}
		for i < len(s) && s[i] < utf8.RuneSelf {
			i++
		}
		for i < len(s) && s[i] >= utf8.RuneSelf {
			_, size := utf8.DecodeRuneInString(s[i:])
			wide += 4 - size // brings each such character to 4 quarters
			i += size
		}
	}
	return (len(s) + max(wide, 0) + 3) / 4
}

// allLatin reports whether the first eight bytes of s are ASCII.
func allLatin(s string) bool {
	_ = s[7]
	w := uint64(s[0]) | uint64(s[1])<<8 | uint64(s[2])<<16 | uint64(s[3])<<24 |
		uint64(s[4])<<32 | uint64(s[5])<<40 | uint64(s[6])<<48 | uint64(s[7])<<56
	return w&0x8080808080808080 == 0
}

// window chooses what the model sees: all that the turn answers, then the newest of
// the turn's own steps, then the newest history, within budget tokens. It keeps whole
// what belongs together: a step and all results of its calls. A turn that is too long
// on its own is cut inside its longest texts.
func window(budget int, history, said, steps []Entry) []Entry {
	said, cost := fit(said, budget/2)
	budget -= cost
	own, cost := newest(units(steps), budget)
	budget -= cost
	old, _ := newest(units(history), budget)
	// A conversation begins with a person; some models refuse another start.
	for len(old) > 0 && old[0][0].Role != RoleUser {
		old = old[1:]
	}
	return slices.Concat(slices.Concat(old, [][]Entry{said}, own)...) // each entry is copied once
}

// units groups entries so that each step stands with its results. Results without their
// call, and steps with a call that has no result, are left out: models refuse them.
func units(es []Entry) [][]Entry {
	us := make([][]Entry, 0, len(es))
	for i := 0; i < len(es); i++ {
		switch e := &es[i]; {
		case e.Role == RoleTool: // its call is gone
		case len(e.Calls) == 0:
			us = append(us, es[i:i+1])
		default:
			end := i + 1
			for end < len(es) && es[end].Role == RoleTool {
				end++
			}
			if unit, whole := pair(es[i:end]); whole {
				us = append(us, unit)
			}
			i = end - 1
		}
	}
	return us
}

// pair returns a step with the one result of each of its calls, in the calls' order.
func pair(unit []Entry) ([]Entry, bool) {
	paired := unit[:1:1]
	for _, c := range unit[0].Calls {
		i := slices.IndexFunc(unit[1:], func(e Entry) bool { return e.CallID == c.ID })
		if i < 0 {
			return nil, false
		}
		paired = append(paired, unit[1+i])
	}
	return paired, true
}

// newest returns the units from the last one backwards that fit the budget. The very
// last one is cut to fit rather than left out.
func newest(us [][]Entry, budget int) (kept [][]Entry, cost int) {
	from := len(us)
	for ; from > 0; from-- {
		c := tokens(us[from-1])
		if cost+c > budget && from == len(us) {
			us[from-1], c = fit(us[from-1], budget)
		}
		if cost+c > budget {
			break
		}
		cost += c
	}
	return us[from:], cost
}

func tokens(es []Entry) (n int) {
	for i := range es {
		n += es[i].tokens()
	}
	return n
}

// cutMark stands where the middle of a text was left out.
const cutMark = "\n[… left out for length …]\n"

// fit shortens the longest texts of es until they cost at most budget, or nothing more
// can be cut.
func fit(es []Entry, budget int) ([]Entry, int) {
	cost := tokens(es)
	if cost <= budget {
		return es, cost
	}
	es = slices.Clone(es)
	for cost > budget {
		longest := 0
		for i := range es {
			if len(es[i].Text) > len(es[longest].Text) {
				longest = i
			}
		}
		text := es[longest].Text
		keep := len(text)/2 - len(cutMark)
		if keep < 64 {
			break
		}
		es[longest].Text = cutMiddle(text, keep)
		cost = tokens(es)
	}
	return es, cost
}

// cutMiddle keeps about n bytes of s, from both ends.
func cutMiddle(s string, n int) string {
	head, tail := n*2/3, len(s)-n/3
	for head > 0 && !utf8.RuneStart(s[head]) {
		head--
	}
	for tail < len(s) && !utf8.RuneStart(s[tail]) {
		tail++
	}
	return s[:head] + cutMark + s[tail:]
}
