package sandbox

import (
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// ErrDiscordNoAnswer is wrapped by the error of what a person did that the bot did not
// acknowledge in time. The person sees "The application did not respond" or "This
// interaction failed".
var ErrDiscordNoAnswer = errors.New("the application did not respond")

// discordInteractions bounds how many interactions are remembered.
const discordInteractions = 1000

// The kinds of interaction.
const (
	discordUsedCommand   = 2
	discordUsedComponent = 3
	discordTypesOption   = 4
	discordSubmitsModal  = 5
)

type discordInteraction struct {
	id, token string
	kind      int
	name      string // of the command
	menu      int    // the kind of command
	user      string
	channel   string
	source    string // the message whose component was used, also through a modal
	focused   int    // the type of the option that suggestions are wanted for
	began     time.Time
	acked     chan struct{} // closed by the callback
	done      bool          // acknowledged, or too late for it
	late      bool
	response  string // id of @original; empty once deleted
	followups []string
	choices   []DiscordChoice
}

// label is what was used, as people call it.
func (i *discordInteraction) label() string {
	if i.menu == discordSlash {
		return "/" + i.name
	}
	return i.name
}

// DiscordUse is a slash command as a person uses it.
type DiscordUse struct {
	User    string
	Channel string
	Name    string                   // "ask", or with its subcommand "session export"
	Options map[string]string        // by name, as typed
	Files   map[string]DiscordUpload // by name, for options that take one
}

// Command lets a user use a slash command that the bot has registered. It returns
// when the bot has acknowledged it, or an error that wraps ErrDiscordNoAnswer when the
// time for that is over. What the bot answers with is in the world, or for a modal in
// [Discord.Modal].
func (d *Discord) Command(user, channel, name string, options map[string]string) error {
	return d.Use(DiscordUse{User: user, Channel: channel, Name: name, Options: options})
}

// Use is Command with all its choices.
func (d *Discord) Use(use DiscordUse) error {
	_, err := d.act(use.User, func(u User) (*discordInteraction, error) {
		return d.slash(u, use, "")
	})
	return err
}

// Autocomplete asks the bot what could be meant by what a user has typed so far for
// the option focused, which options holds beside those typed before.
func (d *Discord) Autocomplete(user, channel, name string, options map[string]string, focused string) ([]DiscordChoice, error) {
	i, err := d.act(user, func(u User) (*discordInteraction, error) {
		return d.slash(u, DiscordUse{Channel: channel, Name: name, Options: options}, focused)
	})
	if err != nil {
		return nil, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	return i.choices, nil
}

// UseOnMessage lets a user pick an entry of a message's context menu.
func (d *Discord) UseOnMessage(user, channel, name, messageID string) error {
	_, err := d.act(user, func(u User) (*discordInteraction, error) {
		c, err := d.channelFor(u, channel)
		if err != nil {
			return nil, err
		}
		o, err := d.command(u, c, discordMessageMenu, name)
		if err != nil {
			return nil, err
		}
		m, err := d.seen(u, channel, messageID)
		if err != nil {
			return nil, err
		}
		resolved := discordWire{"messages": discordWire{m.id: d.wireMessage(m, true)}}
		return d.used(u, c, o, discordWire{"target_id": m.id, "resolved": resolved}), nil
	})
	return err
}

// UseOnUser lets a user pick an entry of another's context menu.
func (d *Discord) UseOnUser(user, channel, name, target string) error {
	_, err := d.act(user, func(u User) (*discordInteraction, error) {
		c, err := d.channelFor(u, channel)
		if err != nil {
			return nil, err
		}
		o, err := d.command(u, c, discordUserMenu, name)
		if err != nil {
			return nil, err
		}
		on, err := d.user(target)
		if err != nil {
			return nil, err
		}
		a := &discordArguments{}
		d.resolveUser(a, on.ID)
		return d.used(u, c, o, discordWire{"target_id": on.ID, "resolved": a.resolved}), nil
	})
	return err
}

// Press lets a user press a button of a message, named by its custom id or by what
// stands on it. A button that opens a page is nothing that the bot is told of.
func (d *Discord) Press(user, channel, messageID, button string) error {
	_, err := d.act(user, func(u User) (*discordInteraction, error) {
		return d.component(u, channel, messageID, button, nil, func(c *discordComponent) error {
			switch {
			case c.Type != discordButton:
				return fmt.Errorf("discord sandbox: %q is no button", button)
			case c.Style == discordLinkButton:
				return fmt.Errorf("discord sandbox: the button %q opens %s", button, c.URL)
			}
			return nil
		})
	})
	return err
}

// Choose lets a user pick from a menu of a message: of one with texts their values or
// labels, of one with users their ids or names.
func (d *Discord) Choose(user, channel, messageID, menu string, values ...string) error {
	values = slices.Clone(values)
	_, err := d.act(user, func(u User) (*discordInteraction, error) {
		a := &discordArguments{}
		return d.component(u, channel, messageID, menu, func() (any, any) { return values, a.resolved }, func(c *discordComponent) error {
			least, most := c.choices()
			if n := len(values); n < least || n > most {
				return fmt.Errorf("discord sandbox: the menu %q takes %d to %d values, not %d", menu, least, most, n)
			}
			for k, v := range values {
				if err := d.pick(c, a, values, k, v); err != nil {
					return err
				}
			}
			return nil
		})
	})
	return err
}

// pick turns the value or label v that a person chose into values[k].
func (d *Discord) pick(c *discordComponent, a *discordArguments, values []string, k int, v string) error {
	switch c.Type {
	case discordStringSelect:
		i := slices.IndexFunc(c.Options, func(o discordMenuOption) bool { return o.Value == v })
		if i < 0 {
			i = slices.IndexFunc(c.Options, func(o discordMenuOption) bool { return o.Label == v })
		}
		if i < 0 {
			return fmt.Errorf("discord sandbox: the menu %q has no %q", c.CustomID, v)
		}
		values[k] = c.Options[i].Value
	case discordUserSelect:
		u, err := d.user(v)
		if err != nil {
			return err
		}
		d.resolveUser(a, u.ID)
		values[k] = u.ID
	default:
		return fmt.Errorf("discord sandbox: %q is no menu that can be chosen from here", c.CustomID)
	}
	if slices.Contains(values[:k], values[k]) {
		return fmt.Errorf("discord sandbox: %q is chosen twice", v)
	}
	return nil
}

// component is the use of a button or menu. The caller holds mu.
func (d *Discord) component(u User, channel, messageID, name string, chosen func() (values, resolved any), check func(*discordComponent) error) (*discordInteraction, error) {
	m, err := d.seen(u, channel, messageID)
	if err != nil {
		return nil, err
	}
	c := discordFindNamed(m.components, name)
	if c == nil {
		return nil, fmt.Errorf("discord sandbox: message %q has no %q to act on", messageID, name)
	}
	if c.Disabled {
		return nil, fmt.Errorf("discord sandbox: %q is disabled", name)
	}
	if err := check(c); err != nil {
		return nil, err
	}
	data := discordWire{"custom_id": c.CustomID, "component_type": c.Type, "id": c.ID}
	if chosen != nil {
		values, resolved := chosen()
		data["values"] = values
		if c.Type != discordStringSelect {
			data["resolved"] = resolved
		}
	}
	i := &discordInteraction{kind: discordUsedComponent, source: m.id}
	d.interact(i, u, d.channels[m.channel], data)
	return i, nil
}

// slash is the use of a slash command, or with focused the wish for suggestions.
func (d *Discord) slash(u User, use DiscordUse, focused string) (*discordInteraction, error) {
	c, err := d.channelFor(u, use.Channel)
	if err != nil {
		return nil, err
	}
	path := strings.Fields(strings.TrimPrefix(use.Name, "/"))
	if len(path) == 0 {
		return nil, errors.New("discord sandbox: the command has no name")
	}
	o, err := d.command(u, c, discordSlash, path[0])
	if err != nil {
		return nil, err
	}
	wanted, kinds, err := o.leaf(path[1:])
	if err != nil {
		return nil, err
	}
	a := &discordArguments{options: use.Options, files: use.Files, focused: focused}
	i := &discordInteraction{kind: discordUsedCommand, name: strings.Join(path, " "), menu: discordSlash}
	if focused != "" {
		k := slices.IndexFunc(wanted, func(o DiscordCommandOption) bool { return o.Name == focused })
		if k < 0 || !wanted[k].Autocomplete {
			return nil, fmt.Errorf("discord sandbox: %s has no suggestions for %q", i.label(), focused)
		}
		i.kind, i.focused = discordTypesOption, wanted[k].Type
	}
	args, err := d.arguments(i.label(), wanted, a)
	if err != nil {
		return nil, err
	}
	for k, kind := range slices.Backward(kinds) {
		args = []any{discordWire{"type": kind, "name": path[k+1], "options": args}}
	}
	data := discordWire{"id": o.id, "name": path[0], "type": discordSlash, "options": args}
	if o.guild != "" {
		data["guild_id"] = o.guild
	}
	if a.resolved != nil {
		data["resolved"] = a.resolved
	}
	d.interact(i, u, c, data)
	return i, nil
}

// used is the use of an entry of a context menu.
func (d *Discord) used(u User, c *discordChannel, o *discordCommand, data discordWire) *discordInteraction {
	i := &discordInteraction{kind: discordUsedCommand, name: o.Name, menu: o.kind}
	data["id"], data["name"], data["type"] = o.id, o.Name, o.kind
	d.interact(i, u, c, data)
	return i
}

// act does what a person does and waits until the bot has acknowledged it.
func (d *Discord) act(user string, do func(User) (*discordInteraction, error)) (*discordInteraction, error) {
	if !d.enter() {
		return nil, errors.New("discord sandbox: closed")
	}
	defer d.wg.Done()
	u, err := d.user(user)
	if err != nil {
		return nil, err
	}
	d.mu.Lock()
	i, err := do(u)
	d.mu.Unlock()
	if err != nil {
		return nil, err
	}
	late := time.NewTimer(d.o.AckWithin)
	defer late.Stop()
	select {
	case <-i.acked:
		return i, nil
	case <-late.C:
	case <-d.done:
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if i.done {
		return i, nil
	}
	i.done, i.late = true, true
	what := "what was pressed"
	if i.name != "" {
		what = i.label()
	}
	return nil, fmt.Errorf("discord sandbox: %s by %s: %w", what, u.Name, ErrDiscordNoAnswer)
}

// interact completes the interaction and tells the bot. The caller holds mu.
func (d *Discord) interact(i *discordInteraction, u User, c *discordChannel, data discordWire) {
	d.forgetInteractions()
	i.id, i.token = d.newID(), rand.Text()+rand.Text()
	i.user, i.channel, i.began, i.acked = u.ID, c.id, time.Now(), make(chan struct{})
	d.interactions[i.token] = i
	owners := discordWire{"0": d.guildOf(c)}
	if c.kind == discordDM {
		owners["0"] = "0" // as documented for a DM with the bot
	} else if d.away {
		owners = discordWire{"1": u.ID}
	}
	w := discordWire{
		"id": i.id, "application_id": d.o.ApplicationID, "type": i.kind, "token": i.token, "version": 1,
		"channel_id": c.id, "channel": d.wireChannel(c), "locale": "en-US", "app_permissions": d.may(c).wire(),
		"entitlements": []any{}, "authorizing_integration_owners": owners, "attachment_size_limit": discordFileLimit,
		"context": 0, "data": data,
	}
	if m := d.messages[i.source]; m != nil {
		w["message"] = d.wireMessage(m, true)
	}
	if g := d.guildOf(c); g != "" {
		member := d.wireMember()
		member["user"], member["permissions"] = d.wireUser(u.ID), d.mayUser(u.ID).wire()
		w["guild_id"], w["guild_locale"], w["member"] = g, "en-US", member
		w["guild"] = discordWire{"id": g, "locale": "en-US", "features": []any{}}
	} else {
		w["context"], w["user"] = 1, d.wireUser(u.ID)
	}
	d.emit("INTERACTION_CREATE", 0, d.guildOf(c), w)
}

func (d *Discord) forgetInteractions() {
	var oldest *discordInteraction
	for token, i := range d.interactions {
		if time.Since(i.began) > d.o.TokenLife+time.Hour {
			delete(d.interactions, token)
		} else if oldest == nil || i.began.Before(oldest.began) {
			oldest = i
		}
	}
	if len(d.interactions) >= discordInteractions {
		delete(d.interactions, oldest.token)
	}
}

// wireCause adds to a message what it answers.
func (d *Discord) wireCause(w discordWire, i *discordInteraction) {
	w["application_id"] = d.o.ApplicationID
	w["webhook_id"] = d.o.ApplicationID
	cause := discordWire{
		"id": i.id, "type": i.kind, "user": d.wireUser(i.user),
		"authorizing_integration_owners": discordWire{"0": d.o.GuildID},
	}
	w["interaction_metadata"] = cause
	if i.kind == discordUsedCommand {
		w["interaction"] = discordWire{"id": i.id, "type": i.kind, "name": i.name, "user": d.wireUser(i.user)}
	} else if i.source != "" {
		cause["interacted_message_id"] = i.source
	}
}
