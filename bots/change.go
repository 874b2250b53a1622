package bots

import (
	"context"
	"fmt"
	"strings"
	"unicode/utf8"
)

// change follows a message that its author has edited or deleted.
func (in *Intake) change(ctx context.Context, ev Event) error {
	withdrawn := ev.Change == Deleted
	if withdrawn && in.KeepDeleted || !withdrawn && in.IgnoreEdits {
		in.ignore(ev, "changed")
		return nil
	}
	text := strings.TrimSpace(ev.Text)
	name, rest, command := typedCommand(text)
	if name == "ask" { // the rest is what it asks, as when it came
		text, command = rest, false
	}
	if !withdrawn && (command || text == "" || utf8.RuneCountInString(text) > MaxText) {
		in.ignore(ev, "changed")
		return nil
	}
	followed, err := in.Agent.Revise(ctx, in.session(ev), ev.MessageID, text, withdrawn)
	if err != nil {
		return fmt.Errorf("follow a changed message: %w", err)
	}
	if !followed {
		in.ignore(ev, "changed")
	}
	return nil
}
