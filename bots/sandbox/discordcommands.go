package sandbox

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// DiscordCommand is a command that the bot has registered.
type DiscordCommand struct {
	Name        string                 `json:"name"`
	Description string                 `json:"description"`
	Options     []DiscordCommandOption `json:"options,omitempty"`
}

// DiscordCommandOption is what can be given with a command. Its Type is Discord's
// number: 3 text, 4 integer, 5 boolean, 10 number.
type DiscordCommandOption struct {
	Type        int    `json:"type"`
	Name        string `json:"name"`
	Description string `json:"description"`
	Required    bool   `json:"required,omitempty"`
}

type discordCommand struct {
	DiscordCommand
	id      string
	version string
	kind    int
	raw     map[string]json.RawMessage // as it was registered
}

// Commands lists the slash commands that people can use in the guild.
func (d *Discord) Commands() []DiscordCommand {
	d.mu.Lock()
	defer d.mu.Unlock()
	var list []DiscordCommand
	for _, c := range slices.Concat(d.commands[d.o.GuildID], d.commands[""]) {
		same := func(o DiscordCommand) bool { return o.Name == c.Name }
		if c.kind == 1 && !slices.ContainsFunc(list, same) {
			list = append(list, c.DiscordCommand)
		}
	}
	return list
}

var discordCommandName = regexp.MustCompile(`^[-_'\p{L}\p{N}]{1,32}$`)

// readCommand decodes and checks a command that is being registered.
func (d *Discord) readCommand(data json.RawMessage) (*discordCommand, *discordAnswer) {
	c := &discordCommand{}
	var kind struct {
		Type int `json:"type"`
	}
	if json.Unmarshal(data, &c.DiscordCommand) != nil || json.Unmarshal(data, &kind) != nil ||
		json.Unmarshal(data, &c.raw) != nil || c.raw == nil {
		return nil, discordInvalid("_", "MODEL_TYPE_CONVERT", "Only dictionaries may be used in a ModelType")
	}
	c.kind = cmp.Or(kind.Type, 1)
	slash := c.kind == 1
	switch {
	case slash && (!discordCommandName.MatchString(c.Name) || strings.ToLower(c.Name) != c.Name):
		return nil, discordInvalid("name", "APPLICATION_COMMAND_INVALID_NAME", "Command name is invalid")
	case !slash && (c.Name == "" || utf8.RuneCountInString(c.Name) > 32):
		return nil, discordInvalid("name", "BASE_TYPE_BAD_LENGTH", "Must be between 1 and 32 in length.")
	case slash && (c.Description == "" || utf8.RuneCountInString(c.Description) > 100):
		return nil, discordInvalid("description", "BASE_TYPE_BAD_LENGTH", "Must be between 1 and 100 in length.")
	case !slash && c.Description != "":
		return nil, discordInvalid("description", "APPLICATION_COMMAND_CONTEXT_MENU_DESCRIPTION",
			"Context menu commands cannot have description")
	case len(c.Options) > 25:
		return nil, discordInvalid("options", "BASE_TYPE_MAX_LENGTH", "Must be 25 or fewer in length.")
	}
	optional := false
	for _, o := range c.Options {
		if !discordCommandName.MatchString(o.Name) || o.Description == "" || o.Type < 1 || o.Type > 11 {
			return nil, discordInvalid("options", "BASE_TYPE_REQUIRED", "An option has no valid name, description or type")
		}
		if o.Required && optional {
			return nil, discordInvalid("options", "APPLICATION_COMMAND_OPTIONS_REQUIRED_INVALID",
				"Required options must be placed before non-required options")
		}
		optional = optional || !o.Required
	}
	return c, nil
}

func (d *Discord) wireCommand(c *discordCommand, guild string) discordWire {
	w := discordWire{}
	for k, v := range c.raw {
		w[k] = v
	}
	w["id"], w["application_id"], w["version"], w["type"] = c.id, d.o.ApplicationID, c.version, c.kind
	if guild != "" {
		w["guild_id"] = guild
	}
	return w
}

func (d *Discord) commandsFail(call *discordCall) *discordAnswer {
	if call.PathValue("application") != d.o.ApplicationID {
		return discordFail(http.StatusForbidden, 20012, "You are not authorized to perform this action on this application")
	}
	if g := call.PathValue("guild"); g != "" && g != d.o.GuildID {
		return discordFail(http.StatusForbidden, 50001, "Missing Access")
	}
	return nil
}

func (d *Discord) getCommands(call *discordCall) *discordAnswer {
	if fail := d.commandsFail(call); fail != nil {
		return fail
	}
	return discordOK(d.wireCommands(call.PathValue("guild")))
}

func (d *Discord) wireCommands(guild string) []any {
	list := []any{}
	for _, c := range d.commands[guild] {
		list = append(list, d.wireCommand(c, guild))
	}
	return list
}

// putCommands replaces all commands of a scope. One whose name and kind stay keeps its id.
func (d *Discord) putCommands(call *discordCall) *discordAnswer {
	if fail := d.commandsFail(call); fail != nil {
		return fail
	}
	var body []json.RawMessage
	if fail := call.into(&body); fail != nil {
		return fail
	}
	guild := call.PathValue("guild")
	var list []*discordCommand
	slash := 0
	for _, data := range body {
		c, fail := d.readCommand(data)
		if fail != nil {
			return fail
		}
		same := func(o *discordCommand) bool { return o.Name == c.Name && o.kind == c.kind }
		if slices.ContainsFunc(list, same) {
			return discordInvalid("name", "APPLICATION_COMMANDS_DUPLICATE_NAME", "Application command names must be unique")
		}
		if c.kind == 1 {
			slash++
		}
		c.id, c.version = d.newID(), d.newID()
		if i := slices.IndexFunc(d.commands[guild], same); i >= 0 {
			c.id = d.commands[guild][i].id
		}
		list = append(list, c)
	}
	if slash > 100 {
		return discordFail(http.StatusBadRequest, 30032, "Maximum number of application commands reached (100)")
	}
	d.commands[guild] = list
	return discordOK(d.wireCommands(guild))
}

func (d *Discord) postCommand(call *discordCall) *discordAnswer {
	if fail := d.commandsFail(call); fail != nil {
		return fail
	}
	c, fail := d.readCommand(call.body)
	if fail != nil {
		return fail
	}
	guild := call.PathValue("guild")
	c.id, c.version = d.newID(), d.newID()
	same := func(o *discordCommand) bool { return o.Name == c.Name && o.kind == c.kind }
	if i := slices.IndexFunc(d.commands[guild], same); i >= 0 {
		c.id = d.commands[guild][i].id
		d.commands[guild][i] = c
		return discordOK(d.wireCommand(c, guild))
	}
	if len(d.commands[guild]) >= 130 {
		return discordFail(http.StatusBadRequest, 30032, "Maximum number of application commands reached (100)")
	}
	d.commands[guild] = append(d.commands[guild], c)
	return &discordAnswer{status: http.StatusCreated, body: d.wireCommand(c, guild)}
}

// arguments turns what a person typed into the options of an interaction.
func (c *discordCommand) arguments(given map[string]string) ([]any, error) {
	args := []any{}
	for name := range given {
		if !slices.ContainsFunc(c.Options, func(o DiscordCommandOption) bool { return o.Name == name }) {
			return nil, fmt.Errorf("discord sandbox: /%s has no option %q", c.Name, name)
		}
	}
	for _, o := range c.Options {
		text, ok := given[o.Name]
		if !ok || text == "" {
			if o.Required {
				return nil, fmt.Errorf("discord sandbox: /%s needs the option %q", c.Name, o.Name)
			}
			continue
		}
		var v any = text
		var err error
		switch o.Type {
		case 4:
			v, err = strconv.ParseInt(text, 10, 64)
		case 5:
			v, err = strconv.ParseBool(text)
		case 10:
			v, err = strconv.ParseFloat(text, 64)
		}
		if err != nil {
			return nil, fmt.Errorf("discord sandbox: option %q of /%s: %w", o.Name, c.Name, err)
		}
		args = append(args, discordWire{"type": o.Type, "name": o.Name, "value": v})
	}
	return args, nil
}
