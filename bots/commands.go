package bots

import (
	"context"
	"fmt"
	"strings"
	"unicode"
)

// command is what a person can ask of bobbin itself.
type command struct {
	name, summary string
	run           func(ctx context.Context, in *Intake, ev Event) (answer string, err error)
}

// commands are all of them, in the order in which help shows them. "ask" is not run
// here: its text is a message like any other.
func commands() []command {
	return []command{
		{"ask", "ask me something", nil},
		{"reset", "start this conversation afresh; what was said before is left behind", reset},
		{"help", "show this", help},
	}
}

// findCommand returns the command of that name.
func findCommand(name string) (command, bool) {
	for _, c := range commands() {
		if strings.EqualFold(c.name, name) {
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

func reset(ctx context.Context, in *Intake, ev Event) (string, error) {
	session := ev.Target.Session()
	known, err := in.Agent.Known(ctx, session)
	if err != nil {
		return "", err
	}
	if !known {
		return "There is no conversation here to start afresh. In a channel each thread is one of its own: write `!reset` in that thread, or mention me again for a new one.", nil
	}
	if err := in.Agent.Reset(ctx, session); err != nil {
		return "", err
	}
	return "Done: I start afresh here. What was said before no longer counts.", nil
}

func help(_ context.Context, in *Intake, ev Event) (string, error) {
	var b strings.Builder
	if !strings.EqualFold(ev.Command, "help") {
		b.WriteString("I do not know that command")
		if word := plainWord(ev.Command); word != "" {
			b.WriteString(": “" + word + "”")
		}
		b.WriteString(".\n\n")
	}
	b.WriteString("Mention me in a channel, or write to me directly, and I answer in a thread; each thread is a conversation with its own memory.")
	if in.follows(ev.Target.Platform) {
		b.WriteString(" In a thread I am part of, just write on.")
	}
	b.WriteString("\n\n")
	for _, c := range commands() {
		fmt.Fprintf(&b, "- `%s` – %s\n", c.name, c.summary)
	}
	b.WriteString("\nAs a slash command, or in a thread with an exclamation mark: `!reset`.")
	return b.String(), nil
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
