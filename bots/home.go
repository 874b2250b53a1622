package bots

import (
	"context"
	"fmt"
	"strings"
	"time"

	"bobbin/agent"
)

// Home is what a person sees who looks at bobbin itself, on platforms that have a page for
// that: how to speak to it, how it stands, and what it keeps.
func (in *Intake) Home(ctx context.Context, platform, user string) (markdown string, err error) {
	now := time.Now().UTC()
	today := time.Date(now.Year(), now.Month(), now.Day(), 0, 0, 0, 0, time.UTC)
	me, err := in.Archive.Spent(ctx, platform, user, today)
	if err != nil {
		return "", fmt.Errorf("what a person has used: %w", err)
	}
	var b strings.Builder
	b.WriteString("## Hello\n\nI am an assistant that answers in threads. Mention me in a channel, or write to me here in Messages; each thread is a conversation with its own memory.")
	if in.Channels[platform].Default.Follow {
		b.WriteString(" In a thread I am part of, just write on.")
	}
	b.WriteString("\n\n## How it stands\n\n")
	for _, p := range in.Platforms {
		if p.Name() == platform && p.Ready() != nil {
			b.WriteString("- I am only just connecting again: answers may take a moment\n")
		}
	}
	fmt.Fprintf(&b, "- Today I gave you %s\n", count(me.Turns, "answer", "answers"))
	if len(in.Models) > 0 {
		fmt.Fprintf(&b, "- Here answers `%s`", in.Models[0])
		if n := len(in.Models) - 1; n > 0 {
			fmt.Fprintf(&b, ", or %s if it cannot", map[bool]string{true: "another", false: fmt.Sprintf("one of %d others", n)}[n == 1])
		}
		b.WriteString("\n")
	}
	b.WriteString("\n## What you can do\n\n")
	in.list(&b, platform)
	b.WriteString("- In the menu of any message: “Ask bobbin about this” and “Summarise this thread”\n- In threads, where there are no slash commands, write `!stop`, `!retry`, `!reset` and the others\n\n")
	b.WriteString("## What I keep\n\n" + keeps(Event{Target: agent.Target{Address: agent.Address{Platform: platform}}}))
	return b.String(), nil
}
