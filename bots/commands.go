package bots

import (
	"context"
	"slices"
	"strings"
	"unicode"
)

// Command is something that people can ask of bobbin by its name: as a slash command,
// and with an exclamation mark in a message.
type Command struct {
	Name    string
	Summary string // one line
	// Argument is the name of the text that may follow; empty: there is none.
	Argument string
	Required bool
	Choices  []string // all that Argument can be; empty: anything
	Admin    bool     // for those who manage the server, unless they open it to others
}

// command is a Command and what it does.
type command struct {
	Command
	// run answers it. It is nil where the text is a message like any other.
	run func(ctx context.Context, in *Intake, ev Event) (answer string, err error)
}

// Commands returns all commands, in the order in which help shows them. models is what
// may be chosen among; with one model there is no choice. admin names those that are for
// admins only.
func Commands(models []string, admin ...string) (cs []Command) {
	for _, c := range commands() {
		c.Admin = slices.Contains(admin, c.Name)
		if c.Name == "model" {
			if len(models) < 2 {
				continue
			}
			c.Choices = append([]string{anyModel}, models...)
		}
		cs = append(cs, c.Command)
	}
	return cs
}

func commands() []command {
	return []command{
		{Command{Name: "ask", Summary: "ask me something", Argument: "text", Required: true}, nil},
		{Command{Name: "summarise", Summary: "sum up what was said in this thread or channel"}, nil},
		{Command{Name: "stop", Summary: "end the answer that I am writing here"}, stop},
		{Command{Name: "retry", Summary: "answer the last question here once more"}, retry},
		{Command{Name: "reset", Summary: "start this conversation afresh; what was said before is left behind"}, reset},
		{Command{Name: "fork", Summary: "go on from here in a new thread, and leave this conversation as it is"}, fork},
		{Command{Name: "compact", Summary: "go on from a summary of this conversation"}, nil},
		{Command{Name: "model", Summary: "show or choose the model that answers here", Argument: "model"}, model},
		{Command{Name: "usage", Summary: "what this conversation, you and everybody here have used"}, usage},
		{Command{Name: "status", Summary: "how this conversation stands"}, status},
		{Command{Name: "export", Summary: "get this conversation as a file", Argument: "format", Choices: []string{"markdown", "json"}}, export},
		{Command{Name: "forget", Summary: "erase all that you ever said to me", Argument: "who", Choices: []string{forgetWord}}, forget},
		{Command{Name: "help", Summary: "show this"}, help},
	}
}

// findCommand returns the command of that name.
func findCommand(name string) (command, bool) {
	if name == "" { // nearly always
		return command{}, false
	}
	for _, c := range commands() {
		if strings.EqualFold(c.Name, name) {
			return c, true
		}
	}
	return command{}, false
}

// typedCommand reads a command that was typed as a message: "!reset". It serves where the
// platform has no commands, as in Slack's threads. Other text is no command.
func typedCommand(text string) (name, rest string, ok bool) {
	text, ok = strings.CutPrefix(strings.TrimSpace(text), "!")
	if !ok {
		return "", "", false
	}
	name = text
	if end := strings.IndexFunc(text, unicode.IsSpace); end >= 0 {
		name, rest = text[:end], text[end:]
	}
	_, ok = findCommand(name)
	return strings.ToLower(name), strings.TrimSpace(rest), ok
}

// plainCommand reads what people write as they would to anybody, and which no model can
// do for them: a request for help or to be forgotten, where it is plainly for bobbin, and
// "stop" while an answer is written. Nothing is erased by it: who wants to be forgotten is
// told how that is done.
func (in *Intake) plainCommand(ev Event) (name string, ok bool) {
	if ev.Command != "" || len(ev.Files) > 0 || ev.Subject != nil || len(ev.Text) > 20 {
		return "", false
	}
	switch words := strings.Join(strings.Fields(strings.Trim(strings.ToLower(ev.Text), " .!")), " "); words {
	case "help", "forget " + forgetWord:
		name, _, _ = strings.Cut(words, " ")
		return name, openly(ev)
	case "stop":
		_, busy := in.Agent.Running(in.session(ev))
		return words, busy
	}
	return "", false
}

// spelled is how a person writes a command where the event came from.
func spelled(ev Event, name, argument string) string {
	c, _ := findCommand(name)
	switch {
	case ev.Typed:
		name = "!" + name
	case ev.Target.Platform == "slack":
		name = "/bobbin " + name
	default:
		name = "/" + name
		if argument != "" {
			argument = c.Argument + ":" + argument
		}
	}
	return "`" + strings.TrimSpace(name+" "+argument) + "`"
}

// plainName makes a display name safe to show in Markdown.
func plainName(s string) string {
	words := strings.Fields(s)
	for i, w := range words {
		words[i] = plainWord(w)
	}
	if name := strings.Join(strings.Fields(strings.Join(words, " ")), " "); name != "" {
		return name
	}
	return "Somebody"
}

// mistyped reports whether a text is an exclamation mark and one word, which can only be
// meant for a command.
func mistyped(text string) (word string, ok bool) {
	word, ok = strings.CutPrefix(strings.TrimSpace(text), "!")
	letters := func(r rune) bool { return !unicode.IsLetter(r) }
	return word, ok && word != "" && !strings.ContainsFunc(word, letters)
}

// plainWord makes what a person typed safe to repeat: a short word that is neither
// mark-up nor a mention, a link or an emoji anywhere.
func plainWord(s string) string {
	s = strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) || r == '-' {
			return r
		}
		return -1
	}, s)
	if r := []rune(s); len(r) > 40 {
		s = string(r[:40]) + "…"
	}
	return s
}
