package sandbox

import (
	"errors"
	"fmt"
	"iter"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// discordArguments is what a person gave with a command.
type discordArguments struct {
	options  map[string]string
	files    map[string]DiscordUpload
	focused  string // the option that suggestions are wanted for
	resolved discordWire
}

// arguments turns what a person typed into the options of an interaction. While they
// still type, nothing is required and nothing is checked.
func (d *Discord) arguments(label string, wanted []DiscordCommandOption, a *discordArguments) ([]any, error) {
	typing := a.focused != ""
	for _, names := range []iter.Seq[string]{maps.Keys(a.options), maps.Keys(a.files)} {
		for name := range names {
			if !slices.ContainsFunc(wanted, func(o DiscordCommandOption) bool { return o.Name == name }) {
				return nil, fmt.Errorf("discord sandbox: %s has no option %q", label, name)
			}
		}
	}
	args := []any{}
	for i := range wanted {
		o := &wanted[i]
		text, given := a.options[o.Name]
		_, file := a.files[o.Name]
		if typing && o.Name == a.focused {
			args = append(args, discordWire{"type": o.Type, "name": o.Name, "value": text, "focused": true})
			continue
		}
		if (!given || text == "") && !file {
			if o.Required && !typing {
				return nil, fmt.Errorf("discord sandbox: %s needs the option %q", label, o.Name)
			}
			continue
		}
		v, err := d.argument(o, text, a)
		if err != nil && typing {
			v, err = text, nil
		}
		if err != nil {
			return nil, fmt.Errorf("discord sandbox: option %q of %s: %w", o.Name, label, err)
		}
		args = append(args, discordWire{"type": o.Type, "name": o.Name, "value": v})
	}
	return args, nil
}

// argument is one option's value.
func (d *Discord) argument(o *DiscordCommandOption, text string, a *discordArguments) (any, error) {
	if len(o.Choices) > 0 {
		i := slices.IndexFunc(o.Choices, func(c DiscordChoice) bool { return c.Text() == text || c.Name == text })
		if i < 0 {
			return nil, fmt.Errorf("%q is none of its choices", text)
		}
		return o.Choices[i].Value, nil
	}
	switch o.Type {
	case 3:
		n := utf8.RuneCountInString(text)
		if n > 6000 || o.MinLength != nil && n < *o.MinLength || o.MaxLength != nil && n > *o.MaxLength {
			return nil, fmt.Errorf("its length is %d characters", n)
		}
		return text, nil
	case 4:
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return nil, err
		}
		if n > 1<<53 || n < -1<<53 {
			return nil, fmt.Errorf("%d is too large", n)
		}
		return n, inRange(o, float64(n))
	case 5:
		return strconv.ParseBool(text)
	case 6:
		u, err := d.user(strings.Trim(text, "<@!>"))
		if err != nil {
			return nil, err
		}
		d.resolveUser(a, u.ID)
		return u.ID, nil
	case 7:
		c, err := d.channel(strings.Trim(text, "<#>"))
		if err != nil {
			return nil, err
		}
		a.resolve("channels", c.id, d.wireChannel(c))
		return c.id, nil
	case 10:
		n, err := strconv.ParseFloat(text, 64)
		if err == nil && (math.IsNaN(n) || math.IsInf(n, 0)) {
			err = fmt.Errorf("%q is no number", text)
		}
		if err != nil {
			return nil, err
		}
		return n, inRange(o, n)
	case 11:
		return d.give(o, a)
	}
	return nil, fmt.Errorf("options of type %d cannot be given here", o.Type)
}

// give takes a file among the options.
func (d *Discord) give(o *DiscordCommandOption, a *discordArguments) (any, error) {
	f, ok := a.files[o.Name]
	if !ok {
		return nil, errors.New("it takes a file")
	}
	files, err := d.uploads([]DiscordUpload{f})
	if err != nil {
		return nil, err
	}
	file := &files[0]
	d.given[file.id] = file
	d.givenOrder = append(d.givenOrder, file.id)
	if len(d.givenOrder) > discordFiles {
		delete(d.given, d.givenOrder[0])
		d.givenOrder = d.givenOrder[1:]
	}
	w := d.wireAttachment(&discordMessage{channel: "ephemeral", flags: discordEphemeral}, file)
	a.resolve("attachments", file.id, w)
	return file.id, nil
}

func inRange(o *DiscordCommandOption, n float64) error {
	if o.MinValue != nil && n < *o.MinValue || o.MaxValue != nil && n > *o.MaxValue {
		return fmt.Errorf("%v is out of range", n)
	}
	return nil
}

// resolve adds what an id among the arguments stands for.
func (a *discordArguments) resolve(kind, id string, w any) {
	if a.resolved == nil {
		a.resolved = discordWire{}
	}
	of, _ := a.resolved[kind].(discordWire)
	if of == nil {
		of = discordWire{}
		a.resolved[kind] = of
	}
	of[id] = w
}

func (d *Discord) resolveUser(a *discordArguments, id string) {
	member := d.wireMember()
	member["permissions"] = d.mayUser(id).wire()
	a.resolve("users", id, d.wireUser(id))
	a.resolve("members", id, member)
}
