package agent

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"
)

// text draws Latin, wide and long texts.
func drawText(t *rapid.T, label string) string {
	if rapid.IntRange(0, 4).Draw(t, label+" is long") == 0 {
		unit := rapid.SampledFrom([]string{"word ", "🧵", "漢字", "é\n", "x"}).Draw(t, label+" unit")
		return strings.Repeat(unit, rapid.IntRange(0, 2000).Draw(t, label+" length"))
	}
	return rapid.String().Draw(t, label)
}

// conversation draws entries as sessions have them, and now and then with damage: some
// left out anywhere.
func conversation(t *rapid.T, label string, turns int, fromUser bool) (es []Entry) {
	calls := 0
	for range rapid.IntRange(0, turns).Draw(t, label) {
		if fromUser {
			es = append(es, Entry{Role: RoleUser, Text: drawText(t, "question"), Author: &Author{Name: rapid.StringN(0, 20, -1).Draw(t, "name")}})
		}
		for range rapid.IntRange(0, 2).Draw(t, "steps") {
			step := Entry{Role: RoleAssistant, Text: drawText(t, "step")}
			var results []Entry
			for range rapid.IntRange(1, 3).Draw(t, "calls") {
				calls++
				id := fmt.Sprintf("%s%d", label, calls)
				step.Calls = append(step.Calls, ToolCall{ID: id, Name: "look", Args: json.RawMessage(`{"n":1}`)})
				results = append(results, Entry{Role: RoleTool, CallID: id, Tool: "look", Text: drawText(t, "result")})
			}
			es = append(append(es, step), rapid.Permutation(results).Draw(t, "results")...)
		}
		if fromUser {
			es = append(es, Entry{Role: RoleAssistant, Text: drawText(t, "answer")})
		}
	}
	if rapid.IntRange(0, 3).Draw(t, label+" damaged") == 0 {
		es = slices.DeleteFunc(es, func(Entry) bool { return rapid.IntRange(0, 5).Draw(t, "gone") == 0 })
	}
	return es
}

func TestWindowIsWhatAModelAcceptsAndFitsItsBudget(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		history := conversation(t, "h", 5, true)
		steps := conversation(t, "s", 3, false)
		var said []Entry
		for range rapid.IntRange(1, 4).Draw(t, "said") {
			said = append(said, Entry{Role: RoleUser, Text: drawText(t, "message")})
		}
		budget := rapid.IntRange(1, 6000).Draw(t, "budget")
		before := slices.Concat(history, said, steps)
		got := window(budget, history, said, steps)
		checkPaired(t, got)
		checkKept(t, got, history, said, steps)
		if _, cost := fit(said, budget/2); cost <= budget && tokens(got) > budget {
			t.Fatalf("the window has %d tokens of %d", tokens(got), budget)
		}
		if len(got) == 0 || got[0].Role != RoleUser {
			t.Fatalf("the window does not begin with a person: %+v", got)
		}
		for _, e := range got {
			if !utf8.ValidString(e.Text) {
				t.Fatalf("%q is no UTF-8", e.Text)
			}
		}
		for i, e := range slices.Concat(history, said, steps) {
			if e.Text != before[i].Text {
				t.Fatal("the window changed what it was made from")
			}
		}
	})
}

// checkPaired: every call has its one result right behind it, and every result its call.
func checkPaired(t *rapid.T, es []Entry) {
	for i := 0; i < len(es); i++ {
		if es[i].Role == RoleTool {
			t.Fatalf("entry %d is a result without its call", i)
		}
		for n, c := range es[i].Calls {
			if at := i + 1 + n; at >= len(es) || es[at].Role != RoleTool || es[at].CallID != c.ID {
				t.Fatalf("call %s has no result at %d", c.ID, at)
			}
		}
		i += len(es[i].Calls)
	}
}

// checkKept: what was said is there, after the newest history there is and before the
// newest steps there are, with nothing left out between.
func checkKept(t *rapid.T, got, history, said, steps []Entry) {
	for i, part := range split(t, got, said) {
		all := slices.Concat(units([][]Entry{history, steps}[i])...)
		if len(part) > len(all) {
			t.Fatalf("%d entries of %d are kept", len(part), len(all))
		}
		for n, e := range part {
			want := all[len(all)-len(part)+n]
			if e.Role != want.Role || e.CallID != want.CallID || len(e.Calls) != len(want.Calls) || !shortened(e.Text, want.Text) {
				t.Fatalf("entry %d of part %d is %+v, want %+v", n, i, e, want)
			}
		}
	}
}

// split returns what stands before and after the messages that the turn answers.
func split(t *rapid.T, got, said []Entry) (parts [2][]Entry) {
	for i := range got {
		if i+len(said) > len(got) {
			break
		}
		there := func() bool {
			for n, e := range said {
				if got[i+n].Role != e.Role || got[i+n].Author != nil || !shortened(got[i+n].Text, e.Text) {
					return false
				}
			}
			return true
		}
		if there() {
			return [2][]Entry{got[:i], got[i+len(said):]}
		}
	}
	t.Fatal("what was said is not in the window")
	return parts
}

// shortened reports whether a is b, perhaps without its middle.
func shortened(a, b string) bool {
	if a == b {
		return true
	}
	head, _, ok := strings.Cut(a, cutMark)
	tail := a[strings.LastIndex(a, cutMark)+len(cutMark):]
	return ok && len(a) < len(b) && strings.HasPrefix(b, head) && strings.HasSuffix(b, tail)
}

func TestWindowKeepsAsMuchAsFits(t *testing.T) {
	user := func(s string) Entry { return Entry{Role: RoleUser, Text: s} }
	bot := func(s string) Entry { return Entry{Role: RoleAssistant, Text: s} }
	history := []Entry{user("1"), bot("2"), user("3"), bot("4")}
	said := []Entry{user("5")}
	one := Tokens(user("1"))
	for budget, want := range map[int]string{
		10 * one: "12345", 5 * one: "12345", 5*one - 1: "345", 3 * one: "345", 3*one - 1: "5", 2 * one: "5", one: "5", 0: "5",
	} {
		var got strings.Builder
		for _, e := range window(budget, history, said, nil) {
			got.WriteString(e.Text)
		}
		if got.String() != want {
			t.Errorf("budget %d: %q, want %q", budget, got.String(), want)
		}
	}
}

func TestALongResultIsCutRatherThanForgotten(t *testing.T) {
	steps := []Entry{
		{Role: RoleAssistant, Calls: []ToolCall{{ID: "c", Name: "read", Args: json.RawMessage(`{}`)}}},
		{Role: RoleTool, CallID: "c", Text: "HEAD" + strings.Repeat("middle ", 50_000) + "TAIL"},
	}
	said := []Entry{{Role: RoleUser, Text: "read it"}}
	got := window(1000, nil, said, steps)
	if len(got) != 3 || tokens(got) > 1000 || tokens(got) < 400 {
		t.Fatalf("%d entries, %d tokens", len(got), tokens(got))
	}
	if text := got[2].Text; !strings.HasPrefix(text, "HEAD") || !strings.HasSuffix(text, "TAIL") || !strings.Contains(text, cutMark) {
		t.Errorf("the result is %q", text)
	}
	if strings.Contains(steps[1].Text, cutMark) {
		t.Error("the journal's own entry was cut")
	}
}

func TestTokensGrowWithTheText(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := drawText(t, "a"), drawText(t, "b")
		e := Entry{Text: a, Calls: []ToolCall{{Name: drawText(t, "name"), Args: json.RawMessage(drawText(t, "args"))}}}
		if rapid.Bool().Draw(t, "author") {
			e.Author = &Author{Name: drawText(t, "author name")}
		}
		longer := e
		longer.Text += b
		less, more := Tokens(e), Tokens(longer)
		if less <= 0 || more < less || textTokens(a)+textTokens(b) < textTokens(a+b) {
			t.Fatalf("%q costs %d, with %q %d", a, less, b, more)
		}
		if n := textTokens(a); n < (len(a)+3)/4 || n > len(a)+1 {
			t.Fatalf("%q costs %d", a, n)
		}
	})
	if n := textTokens(string([]byte{0xff, 0xfe, 'a'})); n != 3 {
		t.Errorf("broken UTF-8 costs %d", n)
	}
}
