package slack

import (
	"encoding/json"
	"errors"
	"net/url"
	"strings"
	"testing"

	"bobbin/bots"
	"bobbin/bots/sandbox"

	"pgregory.net/rapid"
)

// seenBlock is what tests read of a block.
type seenBlock struct {
	Type     string          `json:"type"`
	Text     json.RawMessage `json:"text"`
	Elements []struct {
		Type     string          `json:"type"`
		Text     json.RawMessage `json:"text"`
		ActionID string          `json:"action_id"`
		Value    string          `json:"value"`
		Style    string          `json:"style"`
	} `json:"elements"`
}

func blocksOf(t *testing.T, m sandbox.Message) (blocks []seenBlock) {
	t.Helper()
	if m.Blocks == "" {
		return nil
	}
	if err := json.Unmarshal([]byte(m.Blocks), &blocks); err != nil {
		t.Fatalf("blocks %.200s: %v", m.Blocks, err)
	}
	return blocks
}

// look says in short what a message shows: a line for each block.
func look(t *testing.T, m sandbox.Message) string {
	t.Helper()
	var lines []string
	for _, b := range blocksOf(t, m) {
		line := b.Type
		if len(b.Text) > 0 {
			line += " " + string(b.Text)
		}
		for _, e := range b.Elements {
			line += " " + e.Type
			switch e.Type {
			case "button":
				line += "=" + e.ActionID + "=" + e.Value
			default:
				line += "=" + string(e.Text)
			}
			if e.Style != "" {
				line += "!" + e.Style
			}
		}
		lines = append(lines, line)
	}
	return strings.Join(lines, "\n")
}

func TestFrameStandsAroundTheTextAndCallsNobody(t *testing.T) {
	bubble(t, sandbox.SlackOptions{NoLimits: true}, func(t *testing.T, r *rig) {
		m := page("Hello")
		m.Head, m.Foot = "Reading\n<!channel> & <@U0ADA>…", "glm · 3 s"
		m.Buttons = []bots.Button{{Action: bots.Stop, Turn: "TURN2"}, {Action: bots.Up, Turn: "TURN2"}}
		id, err := r.s.Post(t.Context(), general(""), "K", m)
		if err != nil {
			t.Fatal(err)
		}
		const frame = `context plain_text="Reading <!channel> & <@U0ADA>…"
markdown "Hello"
context plain_text="glm · 3 s"
actions button=bobbin_stop=stop:TURN2 button=bobbin_up=up:TURN2`
		got := r.shown("C0GENERAL")[0]
		if shows := strings.NewReplacer(`\u003c`, "<", `\u003e`, ">", `\u0026`, "&").Replace(look(t, got)); shows != frame {
			t.Errorf("shows\n%s\nwant\n%s", shows, frame)
		}

		m.Text, m.Source, m.Plain, m.Final = "Bye", "Bye", "Bye", true
		m.Buttons = []bots.Button{{Action: bots.Retry, Turn: "TURN2"}}
		if err := r.s.Edit(t.Context(), general(""), id, m); err != nil {
			t.Fatal(err)
		}
		const done = `markdown "Bye"
context plain_text="glm · 3 s"
actions button=bobbin_retry=retry:TURN2`
		if shows := look(t, r.shown("C0GENERAL")[0]); shows != done {
			t.Errorf("in the end shows\n%s\nwant\n%s", shows, done)
		}
	})
}

func TestHeadMayStandAloneAndIsWhatNotificationsShow(t *testing.T) {
	bubble(t, sandbox.SlackOptions{NoLimits: true}, func(t *testing.T, r *rig) {
		id, err := r.s.Post(t.Context(), general(""), "K", bots.Message{Head: "Reading <b>…"})
		if err != nil {
			t.Fatal(err)
		}
		m := r.shown("C0GENERAL")[0]
		if blocks := blocksOf(t, m); len(blocks) != 1 || blocks[0].Type != "context" || m.Text != "Reading &lt;b&gt;…" {
			t.Errorf("shows %s and notifies with %q", look(t, m), m.Text)
		}
		if err := r.s.Edit(t.Context(), general(""), id, page("text")); err != nil {
			t.Fatal(err)
		}
		if shows := look(t, r.shown("C0GENERAL")[0]); shows != `markdown "text"` {
			t.Errorf("shows %s", shows)
		}
	})
}

// refusing lets Slack refuse calls whose blocks contain one of these.
func refusing(code string, kinds ...string) func(string, url.Values) *sandbox.SlackFault {
	return func(method string, form url.Values) *sandbox.SlackFault {
		for _, kind := range kinds {
			if strings.Contains(form.Get("blocks"), `"type":"`+kind+`"`) {
				return answer(method, `{"ok":false,"error":"`+code+`"}`)(method, form)
			}
		}
		return nil
	}
}

func TestRefusedBlockIsShownInAnotherFormAndNothingIsCutOff(t *testing.T) {
	bubble(t, sandbox.SlackOptions{NoLimits: true}, func(t *testing.T, r *rig) {
		const lines = 1500
		long := page(strings.Repeat("12345678\n", lines)) // more than a markdown block takes
		long.Foot, long.Buttons = "3 s", []bots.Button{{Action: bots.Up, Turn: "T"}}
		id, err := r.s.Post(t.Context(), general(""), "K", long)
		if err != nil {
			t.Fatal(err)
		}
		m := r.shown("C0GENERAL")[0]
		shows := look(t, m)
		if !strings.HasPrefix(shows, "section") || strings.Count(shows, "12345678") != lines || !strings.HasSuffix(shows, "bobbin_up=up:T") || !strings.Contains(m.Key, `"K"`) {
			t.Errorf("%d lines in %.80s…", strings.Count(shows, "12345678"), shows)
		}
		if err := r.s.Edit(t.Context(), general(""), id, long); err != nil {
			t.Errorf("an edit in sections: %v", err)
		}

		r.Fault(refusing("msg_blocks_too_long", "markdown", "section"))
		id, err = r.s.Post(t.Context(), general(""), "K2", long)
		if m := r.shown("C0GENERAL")[1]; err != nil || m.Blocks != "" || strings.Count(m.Text, "12345678") != lines || !strings.HasSuffix(m.Text, "\n3 s") {
			t.Errorf("posted %d characters with blocks %.80q: %v", len(m.Text), m.Blocks, err)
		}
		if err := r.s.Edit(t.Context(), general(""), id, long); !errors.Is(err, bots.ErrGone) {
			t.Errorf("an edit with more than fits: %v", err)
		}
		r.Fault(refusing("invalid_blocks", "markdown", "section"))
		if err := r.s.Edit(t.Context(), general(""), id, page("short enough")); err != nil {
			t.Error(err)
		}
		if m := r.shown("C0GENERAL")[1]; m.Text != "short enough" || m.Blocks != "" {
			t.Errorf("edited: %+v", m)
		}
	})
}

func TestSectionsHoldAllTheTextAndTearNoFence(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		piece := rapid.SampledFrom([]string{"word ", "&amp;&lt;", "\n", "```\n", strings.Repeat("x", 2990), strings.Repeat("line\n", 500), strings.Repeat("&amp;", 700), "é"})
		text := strings.Join(rapid.SliceOfN(piece, 0, 12).Draw(t, "text"), "")
		strip := strings.NewReplacer("\n", "", fenceMark, "")
		var all strings.Builder
		for i, s := range sectionsOf(text) {
			if n := len([]rune(s)); n > maxSection {
				t.Fatalf("section %d has %d characters", i, n)
			}
			for rest := s; ; {
				_, after, found := strings.Cut(rest, "&")
				if !found {
					break
				}
				if !strings.HasPrefix(after, "amp;") && !strings.HasPrefix(after, "lt;") {
					t.Fatalf("section %d tears an entity: %.20q", i, after)
				}
				rest = after
			}
			all.WriteString(strip.Replace(s))
		}
		if got, want := all.String(), strip.Replace(text); got != want && strings.TrimSpace(want) != strings.TrimSpace(got) {
			t.Fatalf("%d characters became %d", len(want), len(got))
		}
	})
}

func TestButtonsAreReadAsTheyAreWritten(t *testing.T) {
	for _, b := range []bots.Button{{Action: bots.Stop, Turn: "ABC234"}, {Action: bots.Down, Turn: "T"}} {
		if got, ok := buttonOf(actionPrefix+string(b.Action), buttonValue(b)); !ok || got != b {
			t.Errorf("%+v became %+v", b, got)
		}
	}
	for _, foreign := range [][2]string{{"", ""}, {"bobbin_stop", ""}, {"bobbin_stop", "retry:T"}, {"other", "stop:T"}, {"bobbin_stop", "stop:"}, {"bobbin_", ":T"}, {"bobbin_stop", "stop:T T"}} {
		if b, ok := buttonOf(foreign[0], foreign[1]); ok {
			t.Errorf("%q is %+v", foreign, b)
		}
	}
}
