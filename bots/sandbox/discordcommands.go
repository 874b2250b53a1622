package sandbox

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// The kinds of command, as Discord's numbers.
const (
	discordSlash       = 1
	discordUserMenu    = 2
	discordMessageMenu = 3
)

// DiscordCommand is a command that the bot has registered.
type DiscordCommand struct {
	// Type is 1 for a slash command, 2 for an entry of a user's context menu, 3 for one
	// of a message's.
	Type        int                    `json:"type"`
	Name        string                 `json:"name"`
	Description string                 `json:"description"`
	Options     []DiscordCommandOption `json:"options,omitempty"`
}

// DiscordCommandOption is what can be given with a command. Its Type is Discord's
// number: 3 text, 4 integer, 5 boolean, 6 user, 7 channel, 10 number, 11 file; 1 is a
// subcommand and 2 a group of them.
type DiscordCommandOption struct {
	Type         int                    `json:"type"`
	Name         string                 `json:"name"`
	Description  string                 `json:"description"`
	Required     bool                   `json:"required,omitempty"`
	Choices      []DiscordChoice        `json:"choices,omitempty"`
	Autocomplete bool                   `json:"autocomplete,omitempty"`
	MinValue     *float64               `json:"min_value,omitempty"`
	MaxValue     *float64               `json:"max_value,omitempty"`
	MinLength    *int                   `json:"min_length,omitempty"`
	MaxLength    *int                   `json:"max_length,omitempty"`
	Options      []DiscordCommandOption `json:"options,omitempty"`
}

// DiscordChoice is a value that can be picked for an option: text, or a number.
type DiscordChoice struct {
	Name  string `json:"name"`
	Value any    `json:"value"`
}

// Text is the value as a person would type it.
func (c DiscordChoice) Text() string {
	if f, ok := c.Value.(float64); ok {
		return strconv.FormatFloat(f, 'f', -1, 64)
	}
	return fmt.Sprint(c.Value)
}

type discordCommand struct {
	DiscordCommand
	id       string
	version  string
	kind     int
	guild    string                     // where it was registered; empty for everywhere
	needs    *DiscordPermission         // of who may use it; nil for everybody
	contexts []int                      // where it can be used; nil for the default
	installs []int                      // 0 by the guild, 1 by the user
	raw      map[string]json.RawMessage // as it was registered
}

// Commands lists the slash commands that people can use in the guild.
func (d *Discord) Commands() []DiscordCommand {
	d.mu.Lock()
	defer d.mu.Unlock()
	var list []DiscordCommand
	for _, c := range d.offered(d.o.GuildID, discordSlash) {
		list = append(list, c.DiscordCommand)
	}
	return list
}

// CommandsFor lists what a user can use in a channel: slash commands, and the entries
// of context menus.
func (d *Discord) CommandsFor(user, channel string) ([]DiscordCommand, error) {
	u, err := d.user(user)
	if err != nil {
		return nil, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	c, err := d.channelFor(u, channel)
	if err != nil {
		return nil, err
	}
	list := []DiscordCommand{}
	for _, kind := range []int{discordSlash, discordUserMenu, discordMessageMenu} {
		for _, o := range d.offered(d.guildOf(c), kind) {
			if d.usable(o, u.ID, c) == nil {
				list = append(list, o.DiscordCommand)
			}
		}
	}
	return list, nil
}

// offered lists the commands of a kind in a guild, or with "" in DMs. A guild's own
// command hides a global one of its name.
func (d *Discord) offered(guild string, kind int) []*discordCommand {
	all := d.commands[""]
	if guild != "" {
		all = slices.Concat(d.commands[guild], all)
	}
	var list []*discordCommand
	for _, c := range all {
		same := func(o *discordCommand) bool { return o.Name == c.Name }
		if c.kind == kind && !slices.ContainsFunc(list, same) {
			list = append(list, c)
		}
	}
	return list
}

// usable says why a user may not use a command in a channel.
func (d *Discord) usable(o *discordCommand, user string, c *discordChannel) error {
	where := 0
	if c.kind == discordDM {
		where = 1
	}
	if o.contexts != nil && !slices.Contains(o.contexts, where) {
		return fmt.Errorf("discord sandbox: %s cannot be used here", o.label())
	}
	if where == 1 {
		return nil
	}
	if d.away && !slices.Contains(o.installs, 1) {
		return fmt.Errorf("discord sandbox: the bot is not in %s", d.o.GuildName)
	}
	may := d.mayUser(user)
	if may&DiscordUseCommands == 0 || o.needs != nil && may != discordAll && (*o.needs == 0 || may&*o.needs != *o.needs) {
		return fmt.Errorf("discord sandbox: %s is not allowed to everybody", o.label())
	}
	return nil
}

// label is a command as people call it.
func (c *discordCommand) label() string {
	if c.kind == discordSlash {
		return "/" + c.Name
	}
	return c.Name
}

// command finds what a user means. The caller holds mu.
func (d *Discord) command(u User, c *discordChannel, kind int, name string) (*discordCommand, error) {
	list := d.offered(d.guildOf(c), kind)
	k := slices.IndexFunc(list, func(o *discordCommand) bool { return o.Name == name })
	if k < 0 {
		if kind == discordSlash {
			name = "/" + name
		}
		return nil, fmt.Errorf("discord sandbox: no command %s is registered", name)
	}
	return list[k], d.usable(list[k], u.ID, c)
}

func (d *Discord) wireCommand(c *discordCommand, guild string) discordWire {
	w := discordWire{
		"default_member_permissions": nil, "nsfw": false, "contexts": nil, "integration_types": []int{0},
	}
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
	if g := call.PathValue("guild"); g != "" && (g != d.o.GuildID || d.away) {
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
	for i, data := range body {
		c, fail := readCommand(data, guild, strconv.Itoa(i)+".")
		if fail != nil {
			return fail
		}
		same := func(o *discordCommand) bool { return o.Name == c.Name && o.kind == c.kind }
		if slices.ContainsFunc(list, same) {
			return discordInvalid(strconv.Itoa(i)+".name", "APPLICATION_COMMANDS_DUPLICATE_NAME", "Application command names must be unique")
		}
		c.id, c.version = d.newID(), d.newID()
		if i := slices.IndexFunc(d.commands[guild], same); i >= 0 {
			c.id = d.commands[guild][i].id
		}
		list = append(list, c)
	}
	if fail := discordTooMany(list); fail != nil {
		return fail
	}
	d.commands[guild] = list
	return discordOK(d.wireCommands(guild))
}

// discordTooMany applies the documented number of commands of each kind in a scope.
func discordTooMany(list []*discordCommand) *discordAnswer {
	count := make(map[int]int)
	for _, c := range list {
		count[c.kind]++
	}
	for kind, most := range map[int]int{discordSlash: 100, discordUserMenu: 15, discordMessageMenu: 15} {
		if count[kind] > most {
			return discordFail(http.StatusBadRequest, 30032, fmt.Sprintf("Maximum number of application commands reached (%d)", most))
		}
	}
	return nil
}

func (d *Discord) postCommand(call *discordCall) *discordAnswer {
	if fail := d.commandsFail(call); fail != nil {
		return fail
	}
	guild := call.PathValue("guild")
	c, fail := readCommand(call.body, guild, "")
	if fail != nil {
		return fail
	}
	c.id, c.version = d.newID(), d.newID()
	same := func(o *discordCommand) bool { return o.Name == c.Name && o.kind == c.kind }
	if i := slices.IndexFunc(d.commands[guild], same); i >= 0 {
		c.id = d.commands[guild][i].id
		d.commands[guild][i] = c
		return discordOK(d.wireCommand(c, guild))
	}
	list := append(slices.Clone(d.commands[guild]), c)
	if fail := discordTooMany(list); fail != nil {
		return fail
	}
	d.commands[guild] = list
	return &discordAnswer{status: http.StatusCreated, body: d.wireCommand(c, guild)}
}

func (d *Discord) deleteCommand(call *discordCall) *discordAnswer {
	if fail := d.commandsFail(call); fail != nil {
		return fail
	}
	guild := call.PathValue("guild")
	i := slices.IndexFunc(d.commands[guild], func(c *discordCommand) bool { return c.id == call.PathValue("command") })
	if i < 0 {
		return discordFail(http.StatusNotFound, 10063, "Unknown application command")
	}
	d.commands[guild] = slices.Delete(slices.Clone(d.commands[guild]), i, i+1)
	return discordNothing()
}

// leaf follows a name such as "session export" to the subcommand that it ends at.
func (c *discordCommand) leaf(path []string) (options []DiscordCommandOption, kinds []int, err error) {
	options = c.Options
	for _, name := range path {
		i := slices.IndexFunc(options, func(o DiscordCommandOption) bool { return o.Type <= 2 && o.Name == name })
		if i < 0 {
			return nil, nil, fmt.Errorf("discord sandbox: /%s has no subcommand %q", c.Name, strings.Join(path, " "))
		}
		kinds = append(kinds, options[i].Type)
		options = options[i].Options
	}
	if len(options) > 0 && options[0].Type <= 2 {
		return nil, nil, fmt.Errorf("discord sandbox: /%s is used with one of its subcommands only", strings.Join(append([]string{c.Name}, path...), " "))
	}
	return options, kinds, nil
}
