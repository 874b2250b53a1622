package sandbox

import (
	"fmt"
	"slices"
	"strings"
)

const (
	slackMaxURL         = 3_000
	slackMaxButton      = 75
	slackMaxValue       = 2_000
	slackMaxOptions     = 100
	slackMaxPlaceholder = 150
)

// slackPlacing is where an element stands in its block.
type slackPlacing int

const (
	slackInSection slackPlacing = iota
	slackInActions
	slackInInput
	slackInContext
)

// slackActionIDs are those of the elements of one block so far: 25 at most.
type slackActionIDs []string

// slackTyped are the elements that a person types into.
var slackTyped = []string{"plain_text_input", "number_input", "email_text_input", "url_text_input", "rich_text_input"}

// element checks one thing to press, choose from or type into. Its action_id must not
// stand in the block already.
func (b *slackBlocks) element(at string, v any, in slackPlacing, actions *slackActionIDs) {
	e, ok := v.(map[string]any)
	if !ok {
		b.fail("%s is no element", at)
		return
	}
	kind, _ := e["type"].(string)
	at = b.kind(at, kind)
	if kind == "image" && in == slackInSection {
		b.image(at, e)
		return
	}
	if id, has := e["action_id"]; has {
		name := b.string(at+".action_id", id, 1, slackMaxID)
		if slices.Contains(*actions, name) {
			b.fail("%s: the action_id %q stands there twice", at, name)
		}
		*actions = append(*actions, name)
	}
	if !slackPlaced(kind, in) {
		b.fail("%s: no such element here", at)
		return
	}
	if e["placeholder"] != nil {
		b.text(at+".placeholder", e["placeholder"], "plain_text", slackMaxPlaceholder)
	}
	switch kind {
	case "button", "workflow_button":
		b.text(at+".text", e["text"], "plain_text", slackMaxButton)
		if e["value"] != nil {
			b.string(at+".value", e["value"], 0, slackMaxValue)
		}
		if e["url"] != nil {
			b.string(at+".url", e["url"], 1, slackMaxURL)
		}
		if s := e["style"]; s != nil && s != "primary" && s != "danger" {
			b.fail("%s: the style is %v", at, s)
		}
	case "icon_button":
		b.string(at+".icon", e["icon"], 1, 0)
		b.text(at+".text", e["text"], "plain_text", slackMaxButton)
	case "feedback_buttons":
		for _, side := range []string{"positive_button", "negative_button"} {
			m, _ := e[side].(map[string]any)
			b.text(at+"."+side+".text", m["text"], "plain_text", slackMaxButton)
			b.string(at+"."+side+".value", m["value"], 1, slackMaxValue)
		}
	case "overflow":
		b.options(at, e["options"], 5)
	case "checkboxes", "radio_buttons":
		b.options(at, e["options"], 10)
	case "static_select", "multi_static_select":
		if (e["options"] == nil) == (e["option_groups"] == nil) {
			b.fail("%s: either options or option_groups", at)
			return
		}
		if e["options"] != nil {
			b.options(at, e["options"], slackMaxOptions)
			return
		}
		for i, g := range b.array(at+".option_groups", e["option_groups"], 1, slackMaxOptions) {
			m, _ := g.(map[string]any)
			place := b.nth(at+".option_groups", i)
			b.text(place+".label", m["label"], "plain_text", slackMaxButton)
			b.options(place, m["options"], slackMaxOptions)
		}
	}
}

func (b *slackBlocks) options(at string, v any, most int) {
	for i, o := range b.array(at+".options", v, 1, most) {
		m, _ := o.(map[string]any)
		place := b.nth(at+".options", i)
		b.text(place+".text", m["text"], "", slackMaxButton)
		b.string(place+".value", m["value"], 0, 150)
		if m["description"] != nil {
			b.text(place+".description", m["description"], "", slackMaxButton)
		}
	}
}

// slackPlaced reports whether an element of that type may stand there.
func slackPlaced(kind string, in slackPlacing) bool {
	choice := strings.HasSuffix(kind, "_select") || slices.Contains([]string{"checkboxes", "radio_buttons", "datepicker", "timepicker"}, kind)
	switch in {
	case slackInContext:
		return kind == "feedback_buttons" || kind == "icon_button"
	case slackInInput:
		return choice || slices.Contains(slackTyped, kind) || kind == "datetimepicker" || kind == "file_input"
	case slackInActions:
		return choice && !strings.HasPrefix(kind, "multi_") || slices.Contains([]string{"button", "overflow", "workflow_button", "datetimepicker"}, kind)
	default:
		return choice || slices.Contains([]string{"button", "overflow", "workflow_button"}, kind)
	}
}

// slackElement is an element that was found, and the block it stands in.
type slackElement struct {
	block  map[string]any
	values map[string]any
}

func (e slackElement) kind() string    { return slackString(e.values, "type") }
func (e slackElement) id() string      { return slackString(e.values, "action_id") }
func (e slackElement) blockID() string { return slackString(e.block, "block_id") }

// slackElements returns everything in blocks that a person can act on.
func slackElements(blocks []map[string]any) []slackElement {
	var found []slackElement
	for _, block := range blocks {
		switch slackString(block, "type") {
		case "actions", "context_actions":
			list, _ := block["elements"].([]any)
			for _, e := range list {
				if m, ok := e.(map[string]any); ok {
					found = append(found, slackElement{block, m})
				}
			}
		case "section", "input":
			for _, name := range []string{"accessory", "element"} {
				if m, ok := block[name].(map[string]any); ok && m["type"] != "image" {
					found = append(found, slackElement{block, m})
				}
			}
		}
	}
	return found
}

// slackFind returns the element with that action_id, or with that block_id/action_id.
func slackFind(blocks []map[string]any, action string) (slackElement, bool) {
	for _, e := range slackElements(blocks) {
		if id := e.id(); id != "" && (id == action || e.blockID()+"/"+id == action) {
			return e, true
		}
	}
	return slackElement{}, false
}

func slackString(m map[string]any, field string) string {
	s, _ := m[field].(string)
	return s
}

// slackChoice returns the fields that choosing those values in an element gives: of an
// option its value, of other choices what Slack writes for it. Offered are the options
// that an external menu was last given.
func slackChoice(e slackElement, values []string, offered []map[string]any) (map[string]any, error) {
	kind := e.kind()
	one := func() (string, error) {
		if len(values) != 1 {
			return "", fmt.Errorf("a %s takes one value, not %d", kind, len(values))
		}
		return values[0], nil
	}
	switch kind {
	case "overflow", "static_select", "external_select", "radio_buttons":
		value, err := one()
		if err != nil {
			return nil, err
		}
		picked, err := slackPick(e, []string{value}, offered)
		if err != nil {
			return nil, err
		}
		return map[string]any{"selected_option": picked[0]}, nil
	case "checkboxes", "multi_static_select", "multi_external_select":
		picked, err := slackPick(e, values, offered)
		if err != nil {
			return nil, err
		}
		return map[string]any{"selected_options": picked}, nil
	case "feedback_buttons":
		value, err := one()
		if err != nil {
			return nil, err
		}
		for _, side := range []string{"positive", "negative"} {
			m, _ := e.values[side+"_button"].(map[string]any)
			if v := slackString(m, "value"); value == side || value == v {
				return map[string]any{"value": v, "text": m["text"]}, nil
			}
		}
		return nil, fmt.Errorf("no such feedback %q", value)
	}
	if slices.Contains(slackTyped, kind) {
		value, err := one()
		return map[string]any{"value": value}, err
	}
	field, plural := map[string]string{
		"users_select": "selected_user", "channels_select": "selected_channel", "conversations_select": "selected_conversation",
		"multi_users_select": "selected_users", "multi_channels_select": "selected_channels", "multi_conversations_select": "selected_conversations",
		"datepicker": "selected_date", "timepicker": "selected_time",
	}[kind], strings.HasPrefix(kind, "multi_")
	switch {
	case field == "":
		return nil, fmt.Errorf("nothing can be chosen in a %s", kind)
	case plural:
		return map[string]any{field: append([]string{}, values...)}, nil
	}
	value, err := one()
	return map[string]any{field: value}, err
}

// slackPick returns the options with those values.
func slackPick(e slackElement, values []string, offered []map[string]any) ([]map[string]any, error) {
	options := append(slackOptionsOf(e.values), offered...)
	picked := []map[string]any{}
	for _, value := range values {
		i := slices.IndexFunc(options, func(o map[string]any) bool { return o["value"] == value })
		if i < 0 {
			return nil, fmt.Errorf("there is no option %q", value)
		}
		picked = append(picked, options[i])
	}
	return picked, nil
}

// slackOptionsOf returns the options of m, and of its groups.
func slackOptionsOf(m map[string]any) []map[string]any {
	var options []map[string]any
	list, _ := m["options"].([]any)
	for _, o := range list {
		if o, ok := o.(map[string]any); ok {
			options = append(options, o)
		}
	}
	groups, _ := m["option_groups"].([]any)
	for _, g := range groups {
		if g, ok := g.(map[string]any); ok {
			options = append(options, slackOptionsOf(g)...)
		}
	}
	return options
}
