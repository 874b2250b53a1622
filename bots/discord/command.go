package discord

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"time"

	"bobbin/agent"
	"bobbin/bots"
)

// command runs a command whose answer is for its user only.
func (in *intake) command(ctx context.Context, i *interaction) error {
	a := &answer{d: in.d, i: i}
	finished := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		late := time.NewTimer(time.Until(i.arrived.Add(deferAfter)))
		defer late.Stop()
		select {
		case <-late.C:
			if err := a.hold(ctx); err != nil {
				in.d.log.WarnContext(ctx, "acknowledge a command", "interaction", i.ID, "err", err)
			}
		case <-finished:
		}
	})
	err := in.commanded(ctx, i, a)
	close(finished)
	wg.Wait()
	switch {
	case err != nil:
		in.d.counts.add(ignoredUnaccepted)
		return errors.Join(err, a.give(ctx, agent.Explain(err)))
	case !a.spoke():
		return a.give(ctx, "I am on it.")
	}
	return nil
}

func (in *intake) commanded(ctx context.Context, i *interaction, a *answer) error {
	e, _, err := in.d.used(ctx, i)
	if err != nil {
		return err
	}
	e.Command, e.Text = i.Data.Name, i.text()
	e.Permitted = in.d.permitted(i, e.Command)
	e.Respond, e.SendFile = a.give, a.file
	return in.submit(ctx, e)
}

// permitted reports whether Discord has looked whether the user of an interaction may use a
// command. In DMs it asks for no permission.
func (d *Discord) permitted(i *interaction, name string) bool {
	return i.GuildID != "" && d.forAdmins(name)
}

// stage is how far the answer to an interaction has come.
type stage int

const (
	unanswered stage = iota
	held             // acknowledged; the first word takes the place of the sign that one will come
	answered         // whatever else is said are messages of their own
)

// answer is what only the one who used an interaction gets to see.
type answer struct {
	d *Discord
	i *interaction

	mu    sync.Mutex
	stage stage
	given bool // a word was asked for, which happens once
	shown bool // something was said
}

func (a *answer) spoke() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.shown
}

// hold acknowledges the interaction, unless it is answered.
func (a *answer) hold(ctx context.Context) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.holding(ctx)
}

func (a *answer) holding(ctx context.Context) error {
	if a.stage != unanswered {
		return nil
	}
	err := a.d.callback(ctx, a.i, map[string]any{"type": respondDeferred, "data": map[string]int{"flags": flagEphemeral}}, nil)
	if err == nil || code(err) == codeAlreadyAnswered {
		a.stage = held
		return nil
	}
	return err
}

// give answers the interaction, once, with as many messages as it takes.
func (a *answer) give(ctx context.Context, markdown string) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.given {
		return nil
	}
	for _, p := range a.d.Render(markdown) {
		if err := a.say(ctx, p.Text); err != nil {
			return err
		}
		a.given, a.shown = true, true
	}
	return nil
}

func (a *answer) say(ctx context.Context, text string) error {
	var err error
	switch a.stage {
	case unanswered:
		err = a.d.tell(ctx, a.i, text)
	case held:
		err = a.d.editOriginal(ctx, a.i.AppID, a.i.Token, text)
	case answered:
		return a.d.followUp(ctx, a.i, private(text))
	}
	if err == nil {
		a.stage = answered
	}
	return err
}

// file sends a file.
func (a *answer) file(ctx context.Context, f bots.Upload) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if err := a.holding(ctx); err != nil {
		return err
	}
	if err := a.d.followUp(ctx, a.i, private(""), f); err != nil {
		return err
	}
	a.stage, a.shown = answered, true
	return nil
}

// followUp says more to an interaction that has been acknowledged. It may come twice if
// an answer of Discord's is lost.
func (d *Discord) followUp(ctx context.Context, i *interaction, p post, files ...bots.Upload) error {
	return d.patiently(ctx, func(ctx context.Context) error {
		return d.rest.do(ctx, call{
			what: "go on answering a command", method: http.MethodPost, path: []string{"webhooks", i.AppID, i.Token},
			route: "webhook " + i.Token, hook: true, body: p, files: files,
		})
	})
}
