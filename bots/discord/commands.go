package discord

import (
	"cmp"
	"context"
	"net/http"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/cenkalti/backoff/v5"
)

// Command is something that people can ask of bobbin by its name.
type Command struct {
	Name    string
	Summary string // one line
	// Argument is the name of the text that may follow; empty: there is none.
	Argument string
	Required bool
	Choices  []string // all that Argument can be; empty: anything
	Admin    bool     // for those who manage the server, unless they open it to others
}

// basicCommands are offered where no others are given.
func basicCommands() []Command {
	return []Command{
		{Name: "ask", Summary: "ask me something", Argument: "text", Required: true},
		{Name: "reset", Summary: "start this conversation afresh; what was said before is left behind"},
		{Name: "help", Summary: "show what I can do"},
	}
}

// slashCommand is an application command as Discord keeps it. Fields that it adds
// are not looked at.
type slashCommand struct {
	Name         string          `json:"name"`
	Type         int             `json:"type"`
	Description  string          `json:"description"`
	Options      []commandOption `json:"options,omitempty"`
	Contexts     []int           `json:"contexts,omitempty"`
	Integrations []int           `json:"integration_types,omitempty"`
	Permissions  *string         `json:"default_member_permissions"` // nil: for everybody
}

type commandOption struct {
	Name        string          `json:"name"`
	Type        int             `json:"type"`
	Description string          `json:"description"`
	Required    bool            `json:"required,omitempty"`
	MaxLength   int             `json:"max_length,omitempty"`
	Complete    bool            `json:"autocomplete,omitempty"` // Discord asks for choices while people type
	Choices     []commandChoice `json:"choices,omitempty"`
}

type commandChoice struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// Limits on commands, in characters and in choices of an option.
const (
	maxDescription = 100
	maxArgument    = 6000
	maxChoice      = 100
	maxChoices     = 25
)

// manageServer is the permission that a command for admins asks for.
const manageServer = "32"

// slashCommands returns what Discord is to offer. All of it is offered where bobbin can
// write: in servers and in DMs with it, not where only the user installed it.
func (d *Discord) slashCommands() []slashCommand {
	const chatInput, text = 1, 3
	at, by := []int{0, 1}, []int{0}
	var all []slashCommand
	for _, c := range d.opts.Commands {
		s := slashCommand{Name: c.Name, Type: chatInput, Description: description(c.Summary), Contexts: at, Integrations: by}
		s.Permissions = d.permissions(c.Name)
		if c.Argument != "" {
			o := commandOption{Name: c.Argument, Type: text, Description: description(c.Summary), Required: c.Required}
			switch choices := c.choices(""); {
			case len(c.Choices) > maxChoices:
				o.Complete = true
			case len(choices) > 0:
				o.Choices = choices
			default:
				o.MaxLength = maxArgument
			}
			s.Options = []commandOption{o}
		}
		all = append(all, s)
	}
	return append(all,
		slashCommand{Name: menuAsk, Type: commandMessage, Contexts: at, Integrations: by},
		slashCommand{Name: menuSummarise, Type: commandMessage, Contexts: at, Integrations: by, Permissions: d.permissions(commandSummarise)},
	)
}

// permissions are those that people need for a command; nil: none.
func (d *Discord) permissions(name string) *string {
	if !d.forAdmins(name) {
		return nil
	}
	permission := manageServer
	return &permission
}

// forAdmins reports whether a command is one for admins.
func (d *Discord) forAdmins(name string) bool {
	return slices.ContainsFunc(d.opts.Commands, func(c Command) bool { return c.Name == name && c.Admin })
}

// choices are the first of what Argument can be that holds text.
func (c Command) choices(text string) (some []commandChoice) {
	for _, choice := range c.Choices {
		if len(some) < maxChoices && choice != "" && units(choice) <= maxChoice && strings.Contains(strings.ToLower(choice), strings.ToLower(text)) {
			some = append(some, commandChoice{choice, choice})
		}
	}
	return some
}

// complete tells Discord what a command's argument can be, while somebody types it.
func (in *intake) complete(ctx context.Context, i *interaction) error {
	some := []commandChoice{}
	if n := slices.IndexFunc(in.d.opts.Commands, func(c Command) bool { return c.Name == i.Data.Name }); n >= 0 {
		some = append(some, in.d.opts.Commands[n].choices(i.text())...)
	}
	return in.d.callback(ctx, i, map[string]any{"type": respondChoices, "data": map[string]any{"choices": some}}, nil)
}

// description is a summary as Discord shows it.
func description(summary string) string {
	first, size := utf8.DecodeRuneInString(summary)
	if size == 0 {
		return "…"
	}
	return short(string(unicode.ToUpper(first))+summary[size:], maxDescription)
}

// offered reports whether name is one of bobbin's slash commands.
func (d *Discord) offered(name string) bool {
	return slices.ContainsFunc(d.opts.Commands, func(c Command) bool { return c.Name == name })
}

// sameCommands reports whether a and b are alike in everything that bobbin sets. Where
// Discord does not say where a command is offered, that is not held against it.
func sameCommands(have, want []slashCommand) bool {
	byName := func(a, b slashCommand) int {
		return cmp.Or(strings.Compare(a.Name, b.Name), cmp.Compare(a.Type, b.Type))
	}
	sameOption := func(h, w commandOption) bool {
		return h.Name == w.Name && h.Type == w.Type && h.Description == w.Description && h.Required == w.Required &&
			h.MaxLength == w.MaxLength && h.Complete == w.Complete && slices.Equal(h.Choices, w.Choices)
	}
	have, want = slices.SortedFunc(slices.Values(have), byName), slices.SortedFunc(slices.Values(want), byName)
	return slices.EqualFunc(have, want, func(h, w slashCommand) bool {
		return h.Name == w.Name && (h.Type == w.Type || h.Type == 0) && h.Description == w.Description &&
			slices.EqualFunc(h.Options, w.Options, sameOption) &&
			(h.Permissions == w.Permissions || h.Permissions != nil && w.Permissions != nil && *h.Permissions == *w.Permissions) &&
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
	want := d.slashCommands()
	if sameCommands(have, want) {
		return nil
	}
	if err := d.rest.do(ctx, call{what: "register the slash commands", method: http.MethodPut, path: path, route: "PUT commands", body: want}); err != nil {
		return err
	}
	d.log.InfoContext(ctx, "registered the slash commands")
	return nil
}
