package bots

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"bobbin/agent"
)

func help(_ context.Context, in *Intake, ev Event) (string, error) {
	var b strings.Builder
	if !strings.EqualFold(ev.Command, "help") {
		b.WriteString("I do not know that command")
		if word := plainWord(ev.Command); word != "" {
			b.WriteString(": “" + word + "”")
		}
		b.WriteString(".\n\n")
	}
	b.WriteString(in.how(ev))
	if in.rules(ev).Follow {
		b.WriteString(" In a thread I am part of, just write on.")
	}
	b.WriteString("\n\n")
	in.list(&b, ev.Target.Platform)
	if ev.Target.Platform == "slack" {
		b.WriteString("\nIn a thread, where Slack has no slash commands, write them with an exclamation mark: `!reset`.")
	} else {
		b.WriteString("\nAn exclamation mark does as well: `!reset`.")
	}
	return b.String(), nil
}

// list writes a line for each command.
func (in *Intake) list(b *strings.Builder, platform string) {
	slash := "/"
	if platform == "slack" {
		slash = "/bobbin "
	}
	for _, c := range Commands(in.Models, in.AdminCommands...) {
		argument, note := "", ""
		switch {
		case c.Required:
			argument = " " + c.Argument
		case len(c.Choices) > 0 && len(c.Choices) < 3:
			argument = " [" + strings.Join(c.Choices, "|") + "]"
		case c.Argument != "":
			argument = " [" + c.Argument + "]"
		}
		if c.Admin {
			note = " (for admins)"
		}
		fmt.Fprintf(b, "- `%s%s%s` – %s%s\n", slash, c.Name, argument, c.Summary, note)
	}
}

// how says how to speak to bobbin where the event is.
func (in *Intake) how(ev Event) string {
	scope := in.rules(ev).Session
	if scope.Threads() || ev.Direct {
		return "Mention me in a channel, or write to me directly, and I answer in a thread; each thread is a conversation with its own memory."
	}
	return "Mention me with a question, or write to me directly, and I answer. " + scope.explain()
}

func usage(ctx context.Context, in *Intake, ev Event) (string, error) {
	info, err := in.Archive.Session(ctx, in.session(ev))
	if err != nil {
		return "", err
	}
	now := time.Now().UTC()
	today := time.Date(now.Year(), now.Month(), now.Day(), 0, 0, 0, 0, time.UTC)
	me, err := in.Archive.Spent(ctx, ev.Target.Platform, ev.Author.ID, today)
	if err != nil {
		return "", err
	}
	all, err := in.Archive.Spent(ctx, ev.Target.Platform, "", today)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	for _, row := range []struct {
		who string
		s   agent.Spent
	}{{"This conversation", info.Spent}, {"You, today", me}, {"Everybody, today", all}} {
		if row.s.Turns == 0 {
			fmt.Fprintf(&b, "- %s: nothing yet\n", row.who)
			continue
		}
		fmt.Fprintf(&b, "- %s: %s, %s read, %d written, %s\n", row.who, count(row.s.Turns, "answer", "answers"),
			count(row.s.Usage.Input, "token", "tokens"), row.s.Usage.Output, price(row.s.Usage))
	}
	b.WriteString("\nDays begin at midnight UTC. Cost is the list price where the provider tells what was used, without what is free each day.")
	return b.String(), nil
}

// price is what use costs, as people read it.
func price(u agent.Usage) string {
	if u.Neurons == 0 {
		return "cost unknown"
	}
	d := u.Dollars()
	switch {
	case d < 0.0001:
		return "< $0.0001"
	case d < 0.01:
		return fmt.Sprintf("$%.4f", d)
	}
	return fmt.Sprintf("$%.2f", d)
}

func status(ctx context.Context, in *Intake, ev Event) (string, error) {
	session := in.session(ev)
	info, err := in.Archive.Session(ctx, session)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	if _, runs := in.Agent.Running(session); runs {
		b.WriteString("I am answering here right now. ")
	}
	switch info.Waiting {
	case 0:
	case 1:
		b.WriteString("One message waits. ")
	default:
		fmt.Fprintf(&b, "%d messages wait. ", info.Waiting)
	}
	if info.Entries == 0 && b.Len() > 0 {
		return b.String(), nil
	}
	if info.Heard.IsZero() {
		return in.none(ev), nil
	}
	fmt.Fprintf(&b, "I know %s of this conversation, about %s", count(info.Entries, "entry", "entries"), count(info.Tokens, "token", "tokens"))
	if in.Window > 0 {
		fmt.Fprintf(&b, "; a model is sent the newest %d", in.Window)
	}
	fmt.Fprintf(&b, ". Here answers %s.", chosen(info.Model))
	return b.String(), nil
}

// count is a number with its noun.
func count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

// maxExport bounds an export, in bytes.
const maxExport = 8 << 20

func export(ctx context.Context, in *Intake, ev Event) (string, error) {
	if ev.SendFile == nil {
		return "I cannot send files here.", nil
	}
	format, name := exportMarkdown, "conversation.md"
	switch strings.ToLower(strings.TrimSpace(ev.Text)) {
	case "json":
		format, name = exportJSON, "conversation.json"
	case "", "markdown", "md":
	default:
		return "I know two formats: `markdown` and `json`.", nil
	}
	var entries []agent.Entry
	size := 0
	for e, err := range in.Archive.Transcript(ctx, in.session(ev)) {
		if err != nil {
			return "", err
		}
		if size += len(e.Text); size > maxExport {
			return "This conversation is too long for a file. My admin can read it in my data.", nil
		}
		entries = append(entries, e)
	}
	if len(entries) == 0 {
		return in.none(ev), nil
	}
	ratings, err := in.Archive.Ratings(ctx, in.session(ev))
	if err != nil {
		return "", err
	}
	lines := make([]exported, len(entries))
	for i, e := range entries {
		lines[i].Entry = e
		if r, ok := ratings[e.Turn]; ok && e.Turn != "" {
			lines[i].Rating = &r
		}
	}
	content, err := format(lines)
	if err != nil {
		return "", err
	}
	if err := ev.SendFile(ctx, Upload{Name: name, Content: content}); err != nil {
		return "", fmt.Errorf("send an export: %w", err)
	}
	return "", nil // the file speaks for itself
}

// exported is an entry with what people think of the answer that it ends.
type exported struct {
	agent.Entry
	Rating *agent.Rating `json:"rating,omitempty"`
}

func exportJSON(entries []exported) ([]byte, error) {
	return json.MarshalIndent(entries, "", "  ")
}

func exportMarkdown(entries []exported) ([]byte, error) {
	var b strings.Builder
	for _, e := range entries {
		who := string(e.Role)
		switch {
		case e.Role == agent.RoleTool:
			who = "tool " + e.Tool
		case e.Role == agent.RoleAssistant:
			who = "bobbin"
		case e.Author != nil:
			who = e.Author.Label()
		}
		fmt.Fprintf(&b, "## %s, %s\n\n", oneLine(who), e.At.UTC().Format(time.DateTime))
		if e.Text != "" {
			b.WriteString(e.Text + "\n\n")
		}
		for _, c := range e.Calls {
			fmt.Fprintf(&b, "Uses `%s` with `%s`.\n\n", c.Name, c.Args)
		}
		if e.Rating != nil {
			fmt.Fprintf(&b, "👍 %d 👎 %d\n\n", e.Rating.Good, e.Rating.Bad)
		}
	}
	return []byte(b.String()), nil
}

func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }
