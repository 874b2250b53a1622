package sandbox

import (
	"cmp"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// discordCommandSize is how many characters a command may have in its names,
// descriptions and values.
const discordCommandSize = 8000

var discordCommandName = regexp.MustCompile(`^[-_'\p{L}\p{N}\p{Devanagari}\p{Thai}]{1,32}$`)

func discordFitsName(s string) bool {
	return discordCommandName.MatchString(s) && strings.ToLower(s) == s
}

func discordFits(s string, least, most int) bool {
	n := utf8.RuneCountInString(s)
	return n >= least && n <= most
}

// readCommand decodes and checks a command that is being registered. at begins the
// paths of what is wrong.
func readCommand(data json.RawMessage, guild, at string) (*discordCommand, *discordAnswer) {
	c := &discordCommand{guild: guild, installs: []int{0}}
	var more struct {
		Type     int     `json:"type"`
		Needs    *string `json:"default_member_permissions"`
		Contexts []int   `json:"contexts"`
		Installs []int   `json:"integration_types"`
		DM       *bool   `json:"dm_permission"`
	}
	if json.Unmarshal(data, &c.DiscordCommand) != nil || json.Unmarshal(data, &more) != nil ||
		json.Unmarshal(data, &c.raw) != nil || c.raw == nil {
		return nil, discordInvalid(at+"_", "MODEL_TYPE_CONVERT", "Only dictionaries may be used in a ModelType")
	}
	c.kind = cmp.Or(more.Type, discordSlash)
	c.Type = c.kind
	c.contexts = more.Contexts
	if c.contexts == nil && (guild != "" || more.DM != nil && !*more.DM) {
		c.contexts = []int{0}
	}
	if more.Installs != nil {
		c.installs = more.Installs
	}
	if more.Needs != nil {
		p, err := strconv.ParseInt(*more.Needs, 10, 64)
		if err != nil || p < 0 {
			return nil, discordInvalid(at+"default_member_permissions", "NUMBER_TYPE_COERCE", "Value is not a permission set.")
		}
		c.needs = new(DiscordPermission(p))
	}
	slash := c.kind == discordSlash
	outside := func(list []int, most int) bool {
		return slices.ContainsFunc(list, func(n int) bool { return n < 0 || n > most })
	}
	switch {
	case c.kind < discordSlash || c.kind > discordMessageMenu:
		return nil, discordInvalid(at+"type", "BASE_TYPE_CHOICES", "Value must be one of {1, 2, 3, 4}.")
	case slash && !discordFitsName(c.Name):
		return nil, discordInvalid(at+"name", "APPLICATION_COMMAND_INVALID_NAME", "Command name is invalid")
	case !slash && !discordFits(c.Name, 1, 32):
		return nil, discordInvalid(at+"name", "BASE_TYPE_BAD_LENGTH", "Must be between 1 and 32 in length.")
	case slash && !discordFits(c.Description, 1, 100):
		return nil, discordInvalid(at+"description", "BASE_TYPE_BAD_LENGTH", "Must be between 1 and 100 in length.")
	case !slash && c.Description != "":
		return nil, discordInvalid(at+"description", "APPLICATION_COMMAND_CONTEXT_MENU_DESCRIPTION",
			"Context menu commands cannot have description")
	case !slash && len(c.Options) > 0:
		return nil, discordInvalid(at+"options", "APPLICATION_COMMAND_CONTEXT_MENU_OPTIONS", "Context menu commands cannot have options")
	case outside(more.Contexts, 2):
		return nil, discordInvalid(at+"contexts", "BASE_TYPE_CHOICES", "Value must be one of {0, 1, 2}.")
	case outside(more.Installs, 1):
		return nil, discordInvalid(at+"integration_types", "BASE_TYPE_CHOICES", "Value must be one of {0, 1}.")
	case guild != "" && more.Contexts != nil:
		return nil, discordInvalid(at+"contexts", "APPLICATION_COMMAND_GUILD_CONTEXTS", "Only global commands have contexts")
	}
	size := len(c.Name) + len(c.Description)
	if fail := checkOptions(c.Options, at+"options", 0, &size); fail != nil {
		return nil, fail
	}
	if size > discordCommandSize {
		return nil, discordInvalid(at+"_", "APPLICATION_COMMAND_TOO_LARGE", "Command exceeds maximum size (8000)")
	}
	return c, nil
}

// checkOptions checks the options of a command, a group or a subcommand.
func checkOptions(list []DiscordCommandOption, at string, depth int, size *int) *discordAnswer {
	if len(list) > discordMenuLimit {
		return discordInvalid(at, "BASE_TYPE_MAX_LENGTH", "Must be 25 or fewer in length.")
	}
	seen, optional := make(map[string]bool), false
	for i := range list {
		o, where := &list[i], fmt.Sprintf("%s.%d", at, i)
		nested := o.Type == 1 || o.Type == 2
		switch {
		case !discordFitsName(o.Name):
			return discordInvalid(where+".name", "APPLICATION_COMMAND_INVALID_NAME", "Command name is invalid")
		case seen[o.Name]:
			return discordInvalid(where+".name", "APPLICATION_COMMAND_OPTIONS_NAME_ALREADY_EXISTS", "Option name already exists")
		case !discordFits(o.Description, 1, 100):
			return discordInvalid(where+".description", "BASE_TYPE_BAD_LENGTH", "Must be between 1 and 100 in length.")
		case o.Type < 1 || o.Type > 11:
			return discordInvalid(where+".type", "BASE_TYPE_CHOICES", "Value must be one of {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11}.")
		case nested != (list[0].Type == 1 || list[0].Type == 2), o.Type == 2 && depth > 0, o.Type == 1 && depth > 1:
			return discordInvalid(where, "APPLICATION_COMMAND_OPTIONS_TYPE_INVALID", "Sub-command and sub-command group option types are mutually exclusive to other types")
		case o.Required && optional:
			return discordInvalid(where, "APPLICATION_COMMAND_OPTIONS_REQUIRED_INVALID",
				"Required options must be placed before non-required options")
		case o.Autocomplete && len(o.Choices) > 0:
			return discordInvalid(where, "APPLICATION_COMMAND_OPTIONS_CHOICES_AUTOCOMPLETE", "An option with choices cannot have autocomplete")
		case (o.Autocomplete || len(o.Choices) > 0) && o.Type != 3 && o.Type != 4 && o.Type != 10:
			return discordInvalid(where, "APPLICATION_COMMAND_OPTIONS_CHOICES_TYPE", "Choices are for text and numbers only")
		}
		seen[o.Name], optional = true, optional || !nested && !o.Required
		*size += len(o.Name) + len(o.Description)
		if fail := checkChoices(o.Choices, o.Type, where+".choices", size); fail != nil {
			return fail
		}
		below := depth + 1
		switch o.Type {
		case 2:
			below = 1 // its subcommands
		case 1:
			below = 2 // only values
		}
		if !nested && len(o.Options) > 0 {
			return discordInvalid(where+".options", "APPLICATION_COMMAND_OPTIONS_TYPE_INVALID", "Only subcommands have options")
		}
		if fail := checkOptions(o.Options, where+".options", below, size); fail != nil {
			return fail
		}
	}
	return nil
}

// checkChoices checks what can be picked for an option of a type.
func checkChoices(list []DiscordChoice, kind int, at string, size *int) *discordAnswer {
	if len(list) > discordMenuLimit {
		return discordInvalid(at, "BASE_TYPE_MAX_LENGTH", "Must be 25 or fewer in length.")
	}
	for i, c := range list {
		where := fmt.Sprintf("%s.%d", at, i)
		if !discordFits(c.Name, 1, 100) {
			return discordInvalid(where+".name", "BASE_TYPE_BAD_LENGTH", "Must be between 1 and 100 in length.")
		}
		text, isText := c.Value.(string)
		_, isNumber := c.Value.(float64)
		switch {
		case kind == 3 && !isText:
			return discordInvalid(where+".value", "STRING_TYPE_CONVERT", "Could not interpret value as string.")
		case kind == 3 && !discordFits(text, 1, 100):
			return discordInvalid(where+".value", "BASE_TYPE_BAD_LENGTH", "Must be between 1 and 100 in length.")
		case kind != 3 && !isNumber:
			return discordInvalid(where+".value", "NUMBER_TYPE_COERCE", "Value is not a number.")
		}
		*size += len(c.Name) + len(text)
	}
	return nil
}
