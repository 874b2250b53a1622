package discord

import (
	"encoding/json"
	"strings"
	"testing"

	"bobbin/agent"
	"bobbin/bots"

	"pgregory.net/rapid"
)

// drawn is a message as Discord gives it.
type drawn struct {
	Content    string      `json:"content"`
	Components []component `json:"components"`
}

func (r *rig) drawn(id agent.MessageID) (m drawn) {
	r.Helper()
	at, err := parsePlace(id)
	if err == nil {
		raw, _ := r.fake.Raw(at.message)
		err = json.Unmarshal(raw, &m)
	}
	if err != nil {
		r.Fatal(err)
	}
	return m
}

func (m drawn) buttons() []string { return customIDs(m.Components) }

func TestFrameStandsAroundTheTextAndGoesAgain(t *testing.T) {
	bubble(t, setup{}, func(r *rig) {
		to := r.asked("hi")
		key := bots.PartKey(turn, 1)
		id, err := r.bot.Post(r.ctx, to, key, bots.Message{Head: "Reading *the* manual…", Buttons: []bots.Button{{Action: bots.Stop, Turn: turn}}})
		if err != nil {
			t.Fatal(err)
		}
		m := r.drawn(id)
		if m.Content != `-# Reading \*the\* manual…` || strings.Join(m.buttons(), " ") != "bobbin:stop:"+turn {
			t.Errorf("stands %+v", m)
		}
		if b := m.Components[0].Components[0]; b.Label != "Stop" || b.Style != styleSecondary || b.Emoji != nil {
			t.Errorf("the button is %+v", b)
		}
		forget(r.bot.ours)
		forget(r.bot.keys)
		r.finds(to, key, id)
		for _, step := range []struct {
			m       bots.Message
			content string
			buttons int
		}{
			{bots.Message{Text: "A spool", Head: "Writing"}, "-# Writing\nA spool", 0},
			{bots.Message{Text: "A spool.", Foot: "3 s", Buttons: []bots.Button{{Action: bots.Up, Turn: turn}, {Action: bots.Down, Turn: turn}}}, "A spool.\n-# 3 s", 2},
			{bots.Message{Text: "A spool."}, "A spool.", 0},
		} {
			if err := r.bot.Edit(r.ctx, to, id, step.m); err != nil {
				t.Fatal(err)
			}
			m := r.drawn(id)
			if m.Content != step.content || len(m.buttons()) != step.buttons {
				t.Errorf("%+v stands as %+v", step.m, m)
			}
			if step.buttons > 0 && (m.Components[0].Components[0].Emoji == nil || m.Components[0].Components[0].Emoji.Name != "👍") {
				t.Errorf("the button is %+v", m.Components[0].Components[0])
			}
		}
	})
}

func TestFrameLineIsPlainWhateverItSays(t *testing.T) {
	for text, want := range map[string]string{
		"":                                 "",
		" \n\t":                            "",
		"two\nlines":                       "-# two lines",
		"# no heading":                     `-# \# no heading`,
		"1. no list":                       `-# 1\. no list`,
		"a_b *c* `d` ~~e~~ [f](g)":         "-# a\\_b \\*c\\* \\`d\\` \\~\\~e\\~\\~ \\[f\\](g)",
		"@everyone <@1> <#2>":              "-# @\u200beveryone <\u200b@\u200b1> <\u200b#2>",
		"Reading https://example.com/x":    "-# Reading https:\u200b//example.com/x",
		"turn\u202eround":                  "-# turnround",
		"cut \xff short":                   "-# cut � short",
		strings.Repeat("x", bots.MaxFrame): "-# " + strings.Repeat("x", bots.MaxFrame),
		strings.Repeat("*", bots.MaxFrame): "-# " + strings.Repeat(`\*`, bots.MaxFrame/2-1) + "…",
		strings.Repeat("x", 999):           "-# " + strings.Repeat("x", bots.MaxFrame-1) + "…",
	} {
		if got := frameLine(text); got != want {
			t.Errorf("%q is %q, want %q", text, got, want)
		}
	}
}

func TestRenderedTextHasRoomForItsFrame(t *testing.T) {
	d, err := New(Options{BotToken: "x"})
	if err != nil {
		t.Fatal(err)
	}
	rapid.Check(t, func(t *rapid.T) {
		md := strings.Join(rapid.SliceOfN(rapid.SampledFrom([]string{
			strings.Repeat("word ", 90), strings.Repeat("*", 200), "```go\n", "x\n", "\n\n", "| a | b |\n|---|---|\n", strings.Repeat("| 😀 | @everyone |\n", 30),
		}), 1, 30).Draw(t, "markdown"), "")
		frame := rapid.SampledFrom([]string{strings.Repeat("<", 999), strings.Repeat("😀", 999), "\xff", "x"}).Draw(t, "frame")
		for _, m := range d.Render(md) {
			m.Head, m.Foot = frame, frame
			if n := units(content(m)); n > 2000 {
				t.Errorf("%d units", n)
			}
		}
	})
}

func FuzzFrameLine(f *testing.F) {
	for _, s := range []string{"", "Reading example.com…", "\xff\xfe<@1>", "😀 *x* https://a", "1. a", strings.Repeat("_", 400)} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		line := frameLine(s)
		if units(line) > len(subtext)+bots.MaxFrame || strings.ContainsAny(line, "\n\r") || strings.Contains(line, "<@") || strings.Contains(line, "@everyone") {
			t.Errorf("%q is %q", s, line)
		}
	})
}

func TestCustomIDsGoRoundTripAndForeignOnesAreNone(t *testing.T) {
	for _, a := range []bots.Action{bots.Stop, bots.Retry, bots.Up, bots.Down} {
		b := bots.Button{Action: a, Turn: turn}
		if got, ok := parseCustomID(customID(b)); !ok || got != b {
			t.Errorf("%+v became %+v", b, got)
		}
	}
	for _, id := range []string{"", "bobbin:", "bobbin:stop", "bobbin:stop:", "bobbin:dance:" + turn, "other:stop:" + turn, "bobbin:stop:../x", "bobbin:stop:" + strings.Repeat("A", 99)} {
		if got, ok := parseCustomID(id); ok {
			t.Errorf("%q is %+v", id, got)
		}
	}
}
