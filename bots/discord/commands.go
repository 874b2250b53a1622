package discord

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/cenkalti/backoff/v5"
)

// slashCommand is an application command as Discord keeps it. Fields that it adds
// are not looked at.
type slashCommand struct {
	Name         string          `json:"name"`
	Type         int             `json:"type"`
	Description  string          `json:"description"`
	Options      []commandOption `json:"options,omitempty"`
	Contexts     []int           `json:"contexts,omitempty"`
	Integrations []int           `json:"integration_types,omitempty"`
}

type commandOption struct {
	Name        string `json:"name"`
	Type        int    `json:"type"`
	Description string `json:"description"`
	Required    bool   `json:"required,omitempty"`
	MaxLength   int    `json:"max_length,omitempty"`
}

// slashCommands returns bobbin's commands. They are offered where bobbin can write:
// in servers and in DMs with it, not where only the user installed it.
func slashCommands() []slashCommand {
	const chatInput, text = 1, 3
	at, by := []int{0, 1}, []int{0}
	return []slashCommand{
		{
			Name: "ask", Type: chatInput, Description: "Ask bobbin something", Contexts: at, Integrations: by,
			Options: []commandOption{{Name: "text", Type: text, Description: "What you want to know", Required: true, MaxLength: 6000}},
		},
		{Name: "reset", Type: chatInput, Description: "Start afresh: what was said here so far is left behind", Contexts: at, Integrations: by},
		{Name: "help", Type: chatInput, Description: "What bobbin can do", Contexts: at, Integrations: by},
	}
}

// sameCommands reports whether a and b are alike in everything that bobbin sets. Where
// Discord does not say where a command is offered, that is not held against it.
func sameCommands(have, want []slashCommand) bool {
	byName := func(a, b slashCommand) int { return strings.Compare(a.Name, b.Name) }
	have, want = slices.SortedFunc(slices.Values(have), byName), slices.SortedFunc(slices.Values(want), byName)
	return slices.EqualFunc(have, want, func(h, w slashCommand) bool {
		return h.Name == w.Name && (h.Type == w.Type || h.Type == 0) && h.Description == w.Description &&
			slices.Equal(h.Options, w.Options) &&
			(h.Contexts == nil || slices.Equal(h.Contexts, w.Contexts)) &&
			(h.Integrations == nil || slices.Equal(h.Integrations, w.Integrations))
	})
}

// register makes Discord offer bobbin's commands, if it does not already. It tries
// until that is so, Discord says no, or ctx ends.
func (d *Discord) register(ctx context.Context) {
	pace := backoff.NewExponentialBackOff()
	pace.InitialInterval, pace.MaxInterval = 2*time.Second, 10*time.Minute
	for {
		err := d.registerOnce(ctx)
		if err == nil || ctx.Err() != nil {
			return
		}
		d.log.WarnContext(ctx, "the slash commands could not be registered", "err", err)
		if refused(err) {
			return
		}
		select {
		case <-time.After(pace.NextBackOff()):
		case <-ctx.Done():
			return
		}
	}
}

func (d *Discord) registerOnce(ctx context.Context) error {
	path := []string{"applications", d.me.Load().app, "commands"}
	var have []slashCommand
	if err := d.rest.do(ctx, call{what: "read the slash commands", method: http.MethodGet, path: path, route: "GET commands", out: &have}); err != nil {
		return err
	}
	want := slashCommands()
	if sameCommands(have, want) {
		return nil
	}
	if err := d.rest.do(ctx, call{what: "register the slash commands", method: http.MethodPut, path: path, route: "PUT commands", body: want}); err != nil {
		return err
	}
	d.log.InfoContext(ctx, "registered the slash commands")
	return nil
}
