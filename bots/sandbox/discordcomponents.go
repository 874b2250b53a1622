package sandbox

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// The kinds of component that a message without the flag for the newer layouts, or a
// modal, can hold.
const (
	discordRow           = 1
	discordButton        = 2
	discordStringSelect  = 3
	discordTextInput     = 4
	discordUserSelect    = 5
	discordChannelSelect = 8
	discordLabel         = 18
)

// discordLinkButton is the style of a button that opens a page and tells the bot nothing.
const discordLinkButton = 5

type discordEmoji struct {
	ID       *string `json:"id,omitempty"`
	Name     string  `json:"name,omitempty"`
	Animated bool    `json:"animated,omitempty"`
}

// discordComponent is one component of any kind. Fields of other kinds are absent.
type discordComponent struct {
	Type       int                  `json:"type"`
	ID         int                  `json:"id,omitempty"`
	Components []*discordComponent  `json:"components,omitempty"`
	Component  *discordComponent    `json:"component,omitempty"` // of a label
	CustomID   string               `json:"custom_id,omitempty"`
	Style      int                  `json:"style,omitempty"`
	Label      string               `json:"label,omitempty"`
	Emoji      *discordEmoji        `json:"emoji,omitempty"`
	URL        string               `json:"url,omitempty"`
	Disabled   bool                 `json:"disabled,omitempty"`
	Text       string               `json:"description,omitempty"` // of a label
	Hint       string               `json:"placeholder,omitempty"`
	Options    []discordMenuOption  `json:"options,omitempty"`
	MinValues  *int                 `json:"min_values,omitempty"`
	MaxValues  *int                 `json:"max_values,omitempty"`
	MinLength  int                  `json:"min_length,omitempty"`
	MaxLength  int                  `json:"max_length,omitempty"`
	Required   *bool                `json:"required,omitempty"`
	Value      string               `json:"value,omitempty"`
	Defaults   []discordMenuDefault `json:"default_values,omitempty"`
}

type discordMenuOption struct {
	Label       string        `json:"label"`
	Value       string        `json:"value"`
	Description string        `json:"description,omitempty"`
	Emoji       *discordEmoji `json:"emoji,omitempty"`
	Default     bool          `json:"default,omitempty"`
}

type discordMenuDefault struct {
	ID   string `json:"id"`
	Type string `json:"type"`
}

// discordMenuLimit bounds what can be chosen between, in a menu and among the choices
// of an option.
const discordMenuLimit = 25

// choices is how many values a menu takes.
func (c *discordComponent) choices() (least, most int) {
	least, most = 1, 1
	if c.MinValues != nil {
		least = *c.MinValues
	}
	if c.MaxValues != nil {
		most = *c.MaxValues
	}
	return least, most
}

// discordParse finds faults in the components of one message or modal.
type discordParse struct {
	ids   map[string]bool
	next  int
	modal bool
}

// discordComponentsOf reads and checks the components of a message, and numbers them
// as Discord does. null and an empty list give none.
func discordComponentsOf(raw json.RawMessage, field string, modal bool) ([]*discordComponent, *discordAnswer) {
	if discordNull(raw) {
		return nil, nil
	}
	var list []json.RawMessage
	if json.Unmarshal(raw, &list) != nil {
		return nil, discordInvalid(field, "LIST_TYPE_CONVERT", "Only iterables may be used in a ListType")
	}
	if len(list) > 5 {
		return nil, discordInvalid(field, "BASE_TYPE_BAD_LENGTH", "Must be between 1 and 5 in length.")
	}
	p := &discordParse{ids: make(map[string]bool), modal: modal}
	var rows []*discordComponent
	for i, data := range list {
		at := fmt.Sprintf("%s.%d", field, i)
		var c *discordComponent
		if json.Unmarshal(data, &c) != nil || c == nil {
			return nil, discordInvalid(at, "MODEL_TYPE_CONVERT", "Only dictionaries may be used in a ModelType")
		}
		if fail := p.top(c, at); fail != nil {
			return nil, fail
		}
		rows = append(rows, c)
	}
	return rows, nil
}

func (p *discordParse) number(c *discordComponent) {
	p.next++
	if c.ID == 0 {
		c.ID = p.next
	}
}

// top checks a component that stands by itself.
func (p *discordParse) top(c *discordComponent, at string) *discordAnswer {
	p.number(c)
	switch {
	case c.Type == discordLabel && p.modal:
		if n := utf8.RuneCountInString(c.Label); n < 1 || n > 45 {
			return discordInvalid(at+".label", "BASE_TYPE_BAD_LENGTH", "Must be between 1 and 45 in length.")
		}
		if c.Component == nil {
			return discordInvalid(at+".component", "BASE_TYPE_REQUIRED", "This field is required")
		}
		return p.leaf(c.Component, at+".component", true)
	case c.Type != discordRow:
		return discordInvalid(at+".type", "UNION_TYPE_CHOICES", `Value of field "type" must be one of (1,).`)
	case len(c.Components) < 1 || len(c.Components) > 5:
		return discordInvalid(at+".components", "BASE_TYPE_BAD_LENGTH", "Must be between 1 and 5 in length.")
	}
	for i, inner := range c.Components {
		where := fmt.Sprintf("%s.components.%d", at, i)
		if inner == nil {
			return discordInvalid(where, "MODEL_TYPE_CONVERT", "Only dictionaries may be used in a ModelType")
		}
		if inner.Type != discordButton && len(c.Components) > 1 {
			return discordInvalid(at+".components", "COMPONENT_LAYOUT_WIDTH_EXCEEDED",
				"The specified component exceeds the maximum width")
		}
		if fail := p.leaf(inner, where, false); fail != nil {
			return fail
		}
	}
	return nil
}

// leaf checks a component that people act on.
func (p *discordParse) leaf(c *discordComponent, at string, labelled bool) *discordAnswer {
	p.number(c)
	var fail *discordAnswer
	switch {
	case c.Type == discordButton && !p.modal:
		fail = c.checkButton(at)
	case c.Type == discordTextInput && p.modal:
		fail = c.checkInput(at, labelled)
	case (c.Type == discordStringSelect || c.Type >= discordUserSelect && c.Type <= discordChannelSelect) && (!p.modal || labelled):
		fail = c.checkMenu(at)
	case p.modal:
		return discordInvalid(at+".type", "UNION_TYPE_CHOICES", `Value of field "type" must be one of (4,).`)
	default:
		return discordInvalid(at+".type", "UNION_TYPE_CHOICES", `Value of field "type" must be one of (2, 3, 5, 6, 7, 8).`)
	}
	if fail != nil || c.CustomID == "" {
		return fail
	}
	if p.ids[c.CustomID] {
		return discordInvalid(at+".custom_id", "COMPONENT_CUSTOM_ID_DUPLICATED", "Component custom id cannot be duplicated")
	}
	p.ids[c.CustomID] = true
	return nil
}

func (c *discordComponent) checkCustomID(at string) *discordAnswer {
	switch n := utf8.RuneCountInString(c.CustomID); {
	case n == 0:
		return discordInvalid(at+".custom_id", "BASE_TYPE_REQUIRED", "This field is required")
	case n > 100:
		return discordInvalid(at+".custom_id", "BASE_TYPE_BAD_LENGTH", "Must be between 1 and 100 in length.")
	}
	return nil
}

func (c *discordComponent) checkButton(at string) *discordAnswer {
	switch {
	case c.Style < 1 || c.Style > discordLinkButton:
		return discordInvalid(at+".style", "BASE_TYPE_CHOICES", "Value must be one of (1, 2, 3, 4, 5).")
	case utf8.RuneCountInString(c.Label) > 80:
		return discordInvalid(at+".label", "BASE_TYPE_MAX_LENGTH", "Must be 80 or fewer in length.")
	case c.Label == "" && c.Emoji == nil:
		return discordInvalid(at, "BUTTON_COMPONENT_INVALID_LABEL_AND_EMOJI", "A button needs a label or an emoji")
	case c.Emoji != nil && c.Emoji.ID == nil && !discordIsEmoji(c.Emoji.Name):
		return discordInvalid(at+".emoji.name", "BUTTON_COMPONENT_INVALID_EMOJI", "Invalid emoji")
	case c.Style != discordLinkButton && c.URL != "":
		return discordInvalid(at+".url", "BUTTON_COMPONENT_CUSTOM_ID_AND_URL", "A custom id and url cannot both be specified")
	case c.Style != discordLinkButton:
		return c.checkCustomID(at)
	case c.CustomID != "":
		return discordInvalid(at+".custom_id", "BUTTON_COMPONENT_CUSTOM_ID_AND_URL", "A custom id and url cannot both be specified")
	case c.URL == "":
		return discordInvalid(at+".url", "BASE_TYPE_REQUIRED", "This field is required")
	case !strings.HasPrefix(c.URL, "https://") && !strings.HasPrefix(c.URL, "http://") && !strings.HasPrefix(c.URL, "discord://"):
		return discordInvalid(at+".url", "URL_TYPE_INVALID_SCHEME", "Scheme must be one of ('discord', 'https', 'http').")
	case len(c.URL) > 512:
		return discordInvalid(at+".url", "BASE_TYPE_MAX_LENGTH", "Must be 512 or fewer in length.")
	}
	return nil
}

func (c *discordComponent) checkMenu(at string) *discordAnswer {
	if fail := c.checkCustomID(at); fail != nil {
		return fail
	}
	least, most := c.choices()
	switch {
	case utf8.RuneCountInString(c.Hint) > 150:
		return discordInvalid(at+".placeholder", "BASE_TYPE_MAX_LENGTH", "Must be 150 or fewer in length.")
	case least < 0 || least > discordMenuLimit:
		return discordInvalid(at+".min_values", "NUMBER_TYPE_MAX", "int value should be between 0 and 25.")
	case most < 1 || most > discordMenuLimit || most < least:
		return discordInvalid(at+".max_values", "NUMBER_TYPE_MAX", "int value should be between 1 and 25.")
	case c.Type != discordStringSelect:
		return nil
	case len(c.Options) < 1 || len(c.Options) > discordMenuLimit:
		return discordInvalid(at+".options", "BASE_TYPE_BAD_LENGTH", "Must be between 1 and 25 in length.")
	case most > len(c.Options):
		return discordInvalid(at+".max_values", "SELECT_COMPONENT_MAX_VALUES_EXCEEDS_OPTIONS",
			"The maximum number of values is larger than the number of options")
	}
	seen, chosen := make(map[string]bool), 0
	for i, o := range c.Options {
		where := fmt.Sprintf("%s.options.%d", at, i)
		switch {
		case o.Label == "" || utf8.RuneCountInString(o.Label) > 100:
			return discordInvalid(where+".label", "BASE_TYPE_BAD_LENGTH", "Must be between 1 and 100 in length.")
		case o.Value == "" || utf8.RuneCountInString(o.Value) > 100:
			return discordInvalid(where+".value", "BASE_TYPE_BAD_LENGTH", "Must be between 1 and 100 in length.")
		case utf8.RuneCountInString(o.Description) > 100:
			return discordInvalid(where+".description", "BASE_TYPE_MAX_LENGTH", "Must be 100 or fewer in length.")
		case seen[o.Value]:
			return discordInvalid(where+".value", "SELECT_COMPONENT_OPTION_VALUE_DUPLICATED", "The specified option value is already used")
		}
		seen[o.Value] = true
		if o.Default {
			chosen++
		}
	}
	if chosen > most {
		return discordInvalid(at+".options", "SELECT_COMPONENT_TOO_MANY_DEFAULT_OPTIONS", "More options are chosen than can be")
	}
	return nil
}

func (c *discordComponent) checkInput(at string, labelled bool) *discordAnswer {
	if fail := c.checkCustomID(at); fail != nil {
		return fail
	}
	most := c.MaxLength
	if most == 0 {
		most = 4000
	}
	switch n := utf8.RuneCountInString(c.Label); {
	case !labelled && (n < 1 || n > 45):
		return discordInvalid(at+".label", "BASE_TYPE_BAD_LENGTH", "Must be between 1 and 45 in length.")
	case c.Style != 1 && c.Style != 2:
		return discordInvalid(at+".style", "BASE_TYPE_CHOICES", "Value must be one of (1, 2).")
	case c.MinLength < 0 || c.MinLength > 4000:
		return discordInvalid(at+".min_length", "NUMBER_TYPE_MAX", "int value should be between 0 and 4000.")
	case most < 1 || most > 4000 || most < c.MinLength:
		return discordInvalid(at+".max_length", "NUMBER_TYPE_MAX", "int value should be between 1 and 4000.")
	case utf8.RuneCountInString(c.Value) > most:
		return discordInvalid(at+".value", "BASE_TYPE_MAX_LENGTH", fmt.Sprintf("Must be %d or fewer in length.", most))
	case utf8.RuneCountInString(c.Hint) > 100:
		return discordInvalid(at+".placeholder", "BASE_TYPE_MAX_LENGTH", "Must be 100 or fewer in length.")
	}
	return nil
}

// discordFind is the component of rows that a person means: by its custom id, else by
// what stands on it.
func discordFind(rows []*discordComponent, fits func(*discordComponent) bool) *discordComponent {
	for _, row := range rows {
		all := row.Components
		if row.Component != nil {
			all = []*discordComponent{row.Component}
		}
		if i := slices.IndexFunc(all, fits); i >= 0 {
			return all[i]
		}
	}
	return nil
}

func discordFindNamed(rows []*discordComponent, name string) *discordComponent {
	if c := discordFind(rows, func(c *discordComponent) bool { return c.CustomID == name && name != "" }); c != nil {
		return c
	}
	return discordFind(rows, func(c *discordComponent) bool { return c.Label == name && name != "" })
}
