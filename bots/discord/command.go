package discord

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"time"

	"bobbin/agent"
)

// command runs /reset and /help, whose answer is for their user only.
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
	case !a.given:
		return a.give(ctx, "Done.")
	}
	return nil
}

func (in *intake) commanded(ctx context.Context, i *interaction, a *answer) error {
	e, _, err := in.d.used(ctx, i)
	if err != nil {
		return err
	}
	e.Command, e.Respond = i.Data.Name, a.give
	return in.submit(ctx, e)
}

// answer is the private answer to a command.
type answer struct {
	d *Discord
	i *interaction

	mu          sync.Mutex
	held, given bool
}

// hold acknowledges the command, unless it is answered.
func (a *answer) hold(ctx context.Context) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.given || a.held {
		return nil
	}
	err := a.d.callback(ctx, a.i, map[string]any{"type": respondDeferred, "data": map[string]int{"flags": flagEphemeral}}, nil)
	a.held = err == nil || code(err) == codeAlreadyAnswered
	return err
}

// give answers the command, once.
func (a *answer) give(ctx context.Context, markdown string) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.given {
		return nil
	}
	pages := a.d.Render(markdown)
	if len(pages) == 0 {
		return nil
	}
	first := func() error { return a.d.tell(ctx, a.i, pages[0].Text) }
	if a.held {
		first = func() error { return a.d.editOriginal(ctx, a.i.AppID, a.i.Token, pages[0].Text) }
	}
	if err := first(); err != nil {
		return err
	}
	a.given = true
	for _, p := range pages[1:] {
		err := a.d.rest.do(ctx, call{
			what: "go on answering a command", method: http.MethodPost, path: []string{"webhooks", a.i.AppID, a.i.Token},
			route: "webhook " + a.i.Token, hook: true, body: private(p.Text),
		})
		if err != nil {
			return err
		}
	}
	return nil
}
