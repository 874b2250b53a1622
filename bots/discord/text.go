package discord

import (
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode"
)

// token is what Discord writes for mentions, emoji, commands and times.
var token = regexp.MustCompile(`<(?:(@!?|@&|#)(\d+)|a?:(\w{1,64}):\d+|(/[^:<>\n]{1,100}):\d+|t:(-?\d{1,13})(?::\w)?)>`)

// text is what m says, as Markdown that makes sense outside Discord: bobbin's mention
// gone, those of others as names.
func (d *Discord) text(m *message) string {
	self := d.self()
	role, _ := d.roles.get(m.GuildID)
	names := make(map[string]string, len(m.Mentions))
	for _, u := range m.Mentions {
		if u != nil {
			names[u.ID] = oneLine(name(u, u.Member))
		}
	}
	var b strings.Builder
	rest := 0
	for _, at := range token.FindAllStringSubmatchIndex(m.Content, -1) {
		group := func(i int) string {
			if at[2*i] < 0 {
				return ""
			}
			return m.Content[at[2*i]:at[2*i+1]]
		}
		says := m.Content[at[0]:at[1]]
		switch kind, id := group(1), group(2); {
		case kind == "@&" && id == role, strings.HasPrefix(kind, "@") && kind != "@&" && id == self:
			b.WriteString(m.Content[rest:at[0]])
			rest = at[1]
			// No gap where the mention was.
			if before := b.String(); before == "" || strings.HasSuffix(before, " ") || strings.HasSuffix(before, "\n") {
				rest += len(m.Content[rest:]) - len(strings.TrimLeft(m.Content[rest:], " "))
			}
			continue
		case kind == "#":
			if c, ok := d.channels.get(id); ok && c.name() != "" {
				says = "#" + oneLine(c.name())
			}
		case kind != "" && kind != "@&":
			if n := names[id]; n != "" {
				says = "@" + n
			}
		case group(3) != "":
			says = ":" + group(3) + ":"
		case group(4) != "":
			says = group(4)
		case group(5) != "":
			if s, err := strconv.ParseInt(group(5), 10, 64); err == nil {
				says = time.Unix(s, 0).UTC().Format(time.RFC3339)
			}
		}
		b.WriteString(m.Content[rest:at[0]])
		b.WriteString(says)
		rest = at[1]
	}
	b.WriteString(m.Content[rest:])
	return strings.TrimSpace(b.String())
}

// oneLine keeps a name from looking like more than a name.
func oneLine(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, s)
}

// maxTitle is less than the 100 that Discord allows, because they are shown cut.
const maxTitle = 80

// title names the thread for a question: its first line.
func title(question, author string) string {
	for line := range strings.Lines(question) {
		line = strings.Join(strings.FieldsFunc(strings.Trim(line, "#>*-`_~| \t\r\n"), unicode.IsSpace), " ")
		line = strings.TrimSpace(oneLine(line))
		if line != "" {
			return short(line, maxTitle)
		}
	}
	return short("Conversation with "+strings.TrimSpace(oneLine(author)), maxTitle)
}

// quote shows a question as Discord Markdown within one message.
func quote(question string) string {
	const most = 1500
	return "> " + strings.ReplaceAll(short(strings.TrimSpace(question), most), "\n", "\n> ")
}
