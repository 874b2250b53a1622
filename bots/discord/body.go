package discord

import (
	"strings"
	"unicode"
	"unicode/utf16"

	"bobbin/agent"
	"bobbin/bots"
)

// subtext begins a line that Discord sets small and grey.
const subtext = "-# "

// content is all the text that m shows.
func content(m bots.Message) string {
	lines := make([]string, 0, 3)
	if head := frameLine(m.Head); head != "" {
		lines = append(lines, head)
	}
	if m.Text != "" {
		lines = append(lines, m.Text)
	}
	if foot := frameLine(m.Foot); foot != "" {
		lines = append(lines, foot)
	}
	return strings.Join(lines, "\n")
}

// frameLine sets plain text as a discreet line, within the room that Render leaves.
// Nothing in it is mark-up, a link or a mention.
func frameLine(text string) string {
	var b strings.Builder
	b.WriteString(subtext)
	text = strings.Join(strings.Fields(oneLine(strings.ToValidUTF8(text, "�"))), " ")
	room := bots.MaxFrame
	for i, r := range text {
		piece := plainRune(r, text[i+len(string(r)):], i == 0)
		size := units(piece)
		if size > room || size > room-1 && i+len(string(r)) < len(text) {
			b.WriteString("…")
			break
		}
		room -= size
		b.WriteString(piece)
	}
	if b.Len() == len(subtext) {
		return ""
	}
	return b.String()
}

// zeroWidth is put inside of what Discord would act on.
const zeroWidth = "\u200b"

// plainRune writes r, which rest follows, so that it means nothing but itself.
func plainRune(r rune, rest string, first bool) string {
	switch r {
	case '\\', '*', '_', '~', '`', '|', '[', ']':
		return `\` + string(r)
	case '#', '>', '-', '+':
		if first {
			return `\` + string(r)
		}
	case '.', ')':
		// After a number this would begin a list; elsewhere it changes nothing.
		if strings.HasPrefix(rest, " ") {
			return `\` + string(r)
		}
	case '@', '<':
		return string(r) + zeroWidth
	case ':':
		if strings.HasPrefix(rest, "//") {
			return ":" + zeroWidth
		}
	}
	if unicode.Is(unicode.Bidi_Control, r) {
		return ""
	}
	return string(r)
}

// units is the length of s in UTF-16 units, which is how Discord's limits are counted
// on the safe side.
func units(s string) int {
	n := 0
	for _, r := range s {
		n += max(utf16.RuneLen(r), 1)
	}
	return n
}

// Types and styles of components.
const (
	componentRow    = 1
	componentButton = 2
	styleSecondary  = 2
)

// component is a row of buttons or a button.
type component struct {
	Type       int         `json:"type"`
	Components []component `json:"components,omitempty"`
	Style      int         `json:"style,omitempty"`
	Label      string      `json:"label,omitempty"`
	Emoji      *emoji      `json:"emoji,omitempty"`
	CustomID   string      `json:"custom_id,omitempty"`
}

type emoji struct {
	ID   string `json:"id,omitempty"`
	Name string `json:"name"`
}

// maxButtons is how many buttons Discord takes in a row.
const maxButtons = 5

// row sets buttons in a row. Without any it is empty, and not nil: that is what
// removes those that stood there.
func row(buttons []bots.Button) []component {
	var set []component
	for _, b := range buttons[:min(len(buttons), maxButtons)] {
		c := component{Type: componentButton, Style: styleSecondary, Label: b.Action.Label(), CustomID: customID(b)}
		if b.Action == bots.Up || b.Action == bots.Down {
			c.Label, c.Emoji = "", &emoji{Name: c.Label}
		}
		set = append(set, c)
	}
	if set == nil {
		return []component{}
	}
	return []component{{Type: componentRow, Components: set}}
}

// customIDs lists what can be pressed in the rows of a message.
func customIDs(rows []component) (ids []string) {
	for _, row := range rows {
		for _, c := range row.Components {
			ids = append(ids, c.CustomID)
		}
	}
	return ids
}

// ownID begins the custom id of everything of bobbin's that can be pressed or sent in.
const ownID = "bobbin:"

// maxCustomID is Discord's limit.
const maxCustomID = 100

func customID(b bots.Button) string { return ownID + string(b.Action) + ":" + string(b.Turn) }

// parseCustomID returns the button that was made with id. It reports false for what
// is none, or asks for nothing that is known.
func parseCustomID(id string) (bots.Button, bool) {
	rest, ok := strings.CutPrefix(id, ownID)
	if !ok || len(id) > maxCustomID {
		return bots.Button{}, false
	}
	action, turn, ok := strings.Cut(rest, ":")
	if !ok || !validID(turn) {
		return bots.Button{}, false
	}
	b := bots.Button{Action: bots.Action(action), Turn: agent.TurnID(turn)}
	switch b.Action {
	case bots.Stop, bots.Retry, bots.Up, bots.Down:
		return b, true
	}
	return bots.Button{}, false
}
