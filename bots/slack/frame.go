package slack

import (
	"strings"
	"unicode/utf8"

	"bobbin/agent"
	"bobbin/bots"
	"bobbin/bots/markup"

	slackgo "github.com/slack-go/slack"
)

const (
	// actionPrefix begins the action_id of each button of bobbin's.
	actionPrefix = "bobbin_"
	// maxSection is the longest text of a section block, in characters, and maxSections
	// how many of them leave room for the frame in a message's 50 blocks.
	maxSection  = 3_000
	maxSections = 40
	fenceMark   = "```"
)

// form is a way to show a message. The next is tried where Slack refuses one for its size
// or form.
type form int

const (
	inMarkdown form = iota // one markdown block
	inSections             // mrkdwn in section blocks, which are counted otherwise
	inText                 // mrkdwn without blocks, and so without buttons
	forms
)

// contentOf is m in the form f, or false if m does not fit into it. most is how many
// characters the text of a message without blocks may have.
func contentOf(m bots.Message, f form, most int) (content, bool) {
	switch f {
	case inMarkdown:
		var blocks []slackgo.Block
		if m.Text != "" {
			blocks = append(blocks, block{Type: slackgo.MBTMarkdown, Text: m.Text})
		}
		return inBlocks(m, blocks), true
	case inSections:
		texts := sections(m.Source)
		if len(texts) == 0 || len(texts) > maxSections {
			return content{}, false
		}
		blocks := make([]slackgo.Block, len(texts))
		for i, text := range texts {
			blocks[i] = block{Type: slackgo.MBTSection, Text: textObject{Type: slackgo.MarkdownType, Text: text, Verbatim: true}}
		}
		return inBlocks(m, blocks), true
	case inText, forms:
	}
	text := strings.Join(present(escape(head(m)), mrkdwn(m.Source), escape(frameLine(m.Foot))), "\n")
	if mrkdwn(m.Source) == "" || utf8.RuneCountInString(text) > most {
		return content{}, false
	}
	return content{Text: text, Blocks: []slackgo.Block{}}, true
}

// inBlocks is m with the blocks of its text in what frames it.
func inBlocks(m bots.Message, text []slackgo.Block) content {
	plain := m.Plain
	if plain == "" {
		plain = escape(head(m))
	}
	return content{Text: fallback(plain), Blocks: framed(m, text)}
}

// framed puts what frames m around the blocks of its text.
func framed(m bots.Message, text []slackgo.Block) []slackgo.Block {
	var blocks []slackgo.Block
	if line := head(m); line != "" {
		blocks = append(blocks, contextLine(line))
	}
	blocks = append(blocks, text...)
	return append(blocks, ending(m)...)
}

// ending is what stands below the text of m.
func ending(m bots.Message) (blocks []slackgo.Block) {
	if line := frameLine(m.Foot); line != "" {
		blocks = append(blocks, contextLine(line))
	}
	buttons := make([]any, len(m.Buttons))
	for i, b := range m.Buttons {
		buttons[i] = button{Type: slackgo.METButton, Text: plainText(b.Action.Label()), ActionID: actionPrefix + string(b.Action), Value: buttonValue(b)}
	}
	if len(buttons) > 0 {
		blocks = append(blocks, block{Type: slackgo.MBTAction, Elements: buttons})
	}
	return blocks
}

func contextLine(line string) slackgo.Block {
	return block{Type: slackgo.MBTContext, Elements: []any{plainText(line)}}
}

// head is the line above the text of m. What is being done is of no interest once it has
// been done.
func head(m bots.Message) string {
	if m.Final && m.Text != "" {
		return ""
	}
	return frameLine(m.Head)
}

// frameLine is a Head or Foot as one line of bearable length.
func frameLine(s string) string {
	s = strings.Join(strings.Fields(s), " ")
	if runes := []rune(s); len(runes) > bots.MaxFrame {
		s = string(runes[:bots.MaxFrame-1]) + "…"
	}
	return s
}

// blank reports whether there is nothing of m to see.
func blank(m bots.Message) bool { return m.Text == "" && head(m) == "" }

// buttonValue names the action and turn of a button, and buttonOf is the reverse.
func buttonValue(b bots.Button) string { return string(b.Action) + ":" + string(b.Turn) }

func buttonOf(actionID, value string) (bots.Button, bool) {
	action, turn, ok := strings.Cut(value, ":")
	if !ok || actionID != actionPrefix+action || action == "" || !isID(turn) {
		return bots.Button{}, false
	}
	return bots.Button{Action: bots.Action(action), Turn: agent.TurnID(turn)}, true
}

// sections renders Markdown as the texts of section blocks.
func sections(markdown string) (texts []string) {
	for _, p := range markup.SlackText(markdown) {
		texts = append(texts, sectionsOf(p.Text)...)
	}
	return texts
}

// sectionsOf cuts mrkdwn at the ends of lines. A fence that a cut would tear is closed
// before it and opened again behind it.
func sectionsOf(text string) (texts []string) {
	var part strings.Builder
	n, fenced := 0, false
	flush := func() {
		s := strings.TrimSuffix(part.String(), "\n")
		if fenced {
			s += "\n" + fenceMark
		}
		if strings.Trim(s, "` \n") != "" {
			texts = append(texts, s)
		}
		part.Reset()
		n = 0
		if fenced {
			part.WriteString(fenceMark + "\n")
			n = len(fenceMark) + 1
		}
	}
	const room = maxSection - 2*(len(fenceMark)+1)
	for line := range strings.Lines(text) {
		for {
			size := utf8.RuneCountInString(line)
			if n+size <= room {
				break
			}
			if part.Len() > len(fenceMark)+1 {
				flush()
				continue
			}
			cut := cutRunes(line, room-n)
			part.WriteString(line[:cut])
			line = line[cut:]
			flush()
		}
		part.WriteString(line)
		n += utf8.RuneCountInString(line)
		if strings.Count(line, fenceMark)%2 == 1 {
			fenced = !fenced
		}
	}
	fenced = false // what ends here was closed by whoever wrote it, or nothing closes it
	flush()
	return texts
}

// cutRunes returns where the first n characters of escaped text end, before an entity or
// a fence that would be torn.
func cutRunes(s string, n int) int {
	for i := range s {
		if n == 0 {
			if amp := strings.LastIndexByte(s[:i], '&'); amp > 0 && i-amp < len("&amp;") && !strings.Contains(s[amp:i], ";") {
				return amp
			}
			if ticks := strings.TrimRight(s[:i], "`"); s[i] == '`' && ticks != "" {
				return len(ticks)
			}
			return i
		}
		n--
	}
	return len(s)
}

var escaper = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;")

// escape makes plain text mean nothing but itself in mrkdwn's tokens.
func escape(s string) string { return escaper.Replace(s) }

// present returns those that are not empty.
func present(texts ...string) (there []string) {
	for _, s := range texts {
		if s != "" {
			there = append(there, s)
		}
	}
	return there
}
