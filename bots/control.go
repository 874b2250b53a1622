package bots

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"bobbin/agent"
)

// none answers a command about a conversation where there is none.
func (in *Intake) none(ev Event) string {
	switch {
	case ev.Direct:
		return "There is no conversation here yet. Write to me to begin one."
	case ev.Target.Thread != "" && in.rules(ev).Session.Threads():
		return "There is no conversation here yet: I have answered nothing in this thread."
	case !in.rules(ev).Session.Threads():
		return "There is no conversation here yet. Mention me to begin one."
	}
	there := ev
	there.Typed = ev.Typed || ev.Target.Platform == "slack" // whose threads have no slash commands
	return fmt.Sprintf("There is no conversation here. In a channel each thread is one of its own: write %s in that thread, or mention me for a new one.", spelled(there, ev.Command, ""))
}

// known reports whether the event's conversation has ever been spoken in.
func (in *Intake) known(ctx context.Context, ev Event) (bool, error) {
	return in.Agent.Known(ctx, in.session(ev))
}

// may lets the person of the event act on what they asked, and admins on everything.
func (in *Intake) may(ev Event) agent.May {
	return func(asked []agent.Inbound) bool {
		return ev.Direct || in.admin(ev) || slices.ContainsFunc(asked, func(a agent.Inbound) bool { return a.Author.ID == ev.Author.ID })
	}
}

func (in *Intake) admin(ev Event) bool {
	return slices.Contains(in.Admins[ev.Target.Platform], ev.Author.ID)
}

func stop(_ context.Context, in *Intake, ev Event) (string, error) {
	stopped, err := in.Agent.Stop(in.session(ev), "", in.may(ev))
	if err != nil {
		return "", err
	}
	if !stopped {
		return "I am not writing anything here right now.", nil
	}
	return "Stopped.", nil
}

func retry(ctx context.Context, in *Intake, ev Event) (string, error) {
	known, err := in.known(ctx, ev)
	switch {
	case err != nil:
		return "", err
	case !known:
		return in.none(ev), nil
	}
	if err := in.Agent.Again(ctx, in.session(ev), "", in.may(ev)); errors.Is(err, agent.ErrPast) {
		if _, busy := in.Agent.Running(in.session(ev)); busy {
			return "I am answering here right now.", nil
		}
		return "There is no answer here that I could give once more right now.", nil
	} else if err != nil {
		return "", err
	}
	return "I answer the last question once more.", nil
}

func reset(ctx context.Context, in *Intake, ev Event) (string, error) {
	known, err := in.known(ctx, ev)
	switch {
	case err != nil:
		return "", err
	case !known:
		return in.none(ev), nil
	}
	if err := in.Agent.Reset(ctx, in.session(ev)); err != nil {
		return "", err
	}
	return "Done: I start afresh here. What was said before no longer counts.", nil
}

// anyModel stands for no choice of a model.
const anyModel = "automatic"

func model(ctx context.Context, in *Intake, ev Event) (string, error) {
	if len(in.Models) == 0 {
		return "There is nothing to choose from.", nil
	}
	session := in.session(ev)
	info, err := in.Archive.Session(ctx, session)
	if err != nil {
		return "", err
	}
	wish := strings.TrimSpace(ev.Text)
	if wish == "" {
		var b strings.Builder
		fmt.Fprintf(&b, "Here answers: %s.\n\nTo choose, write %s and one of these, or a part of its name:\n\n- `%s` – the first that is available\n", chosen(info.Model), spelled(ev, "model", ""), anyModel)
		for _, m := range in.Models {
			fmt.Fprintf(&b, "- `%s`\n", m)
		}
		return b.String(), nil
	}
	if info.Heard.IsZero() {
		return in.none(ev), nil
	}
	pick, ok := pickModel(in.Models, wish)
	if !ok {
		return fmt.Sprintf("I cannot tell which model “%s” is. Write %s alone to see which there are.", plainWord(wish), spelled(ev, "model", "")), nil
	}
	if err := in.Archive.Choose(ctx, session, pick); err != nil {
		return "", err
	}
	return fmt.Sprintf("From now on answers here: %s. If it is not available, another one does.", chosen(pick)), nil
}

func chosen(model string) string {
	if model == "" {
		return "whichever model is available first"
	}
	return "`" + model + "`"
}

// pickModel finds the only model that a person can mean.
func pickModel(models []string, wish string) (string, bool) {
	if strings.EqualFold(wish, anyModel) {
		return "", true
	}
	var found []string
	for _, m := range models {
		if strings.EqualFold(m, wish) {
			return m, true
		}
		if strings.Contains(strings.ToLower(m), strings.ToLower(wish)) {
			found = append(found, m)
		}
	}
	if len(found) != 1 {
		return "", false
	}
	return found[0], true
}

// forgetWord is what a person has to add to forget, since nothing brings back what it
// erases.
const forgetWord = "me"

func forget(ctx context.Context, in *Intake, ev Event) (string, error) {
	if !strings.EqualFold(strings.TrimSpace(ev.Text), forgetWord) {
		return "This erases all that you ever said to me, everywhere on this platform, and our direct conversations as a whole. Nothing brings it back. If you want that, write " + spelled(ev, "forget", forgetWord) + ".", nil
	}
	changed, busy, err := in.Archive.Forget(ctx, ev.Target.Platform, ev.Author.ID)
	if err != nil {
		return "", err
	}
	done := "Done"
	if busy > 0 {
		done = fmt.Sprintf("**Not all yet:** in %s I am answering right now. Write %s once more when that is over.\n\nSo far",
			count(busy, "conversation", "conversations"), spelled(ev, "forget", forgetWord))
	}
	return fmt.Sprintf("%s: what you said is erased from %s. Your messages here, and my answers to them, are the platform's: delete those there.",
		done, count(changed, "conversation", "conversations")), nil
}
