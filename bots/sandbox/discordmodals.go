package sandbox

import (
	"encoding/json"
	"fmt"
	"slices"
	"unicode/utf8"
)

// DiscordModal is a form that the bot has opened before a user.
type DiscordModal struct {
	CustomID string         `json:"custom_id"`
	Title    string         `json:"title"`
	Fields   []DiscordField `json:"fields"`
}

// DiscordField is one line of a modal: text, or with Choices a menu.
type DiscordField struct {
	CustomID    string          `json:"custom_id"`
	Label       string          `json:"label"`
	Description string          `json:"description,omitempty"`
	Hint        string          `json:"hint,omitempty"` // shown while it is empty
	Long        bool            `json:"long,omitempty"` // takes several lines
	Required    bool            `json:"required,omitempty"`
	Least       int             `json:"least,omitempty"` // characters
	Most        int             `json:"most,omitempty"`  // characters
	Value       string          `json:"value,omitempty"` // filled in already
	Choices     []DiscordChoice `json:"choices,omitempty"`
}

type discordModal struct {
	DiscordModal
	rows    []*discordComponent
	channel string
	source  string // the message whose component opened it
}

// readModal reads and checks the data of a response that opens a modal.
func readModal(raw json.RawMessage) (*discordModal, *discordAnswer) {
	var data struct {
		CustomID   string          `json:"custom_id"`
		Title      string          `json:"title"`
		Components json.RawMessage `json:"components"`
	}
	if discordNull(raw) || json.Unmarshal(raw, &data) != nil {
		return nil, discordInvalid("data", "MODEL_TYPE_CONVERT", "Only dictionaries may be used in a ModelType")
	}
	switch {
	case !discordFits(data.CustomID, 1, 100):
		return nil, discordInvalid("data.custom_id", "BASE_TYPE_BAD_LENGTH", "Must be between 1 and 100 in length.")
	case !discordFits(data.Title, 1, 45):
		return nil, discordInvalid("data.title", "BASE_TYPE_BAD_LENGTH", "Must be between 1 and 45 in length.")
	}
	rows, fail := discordComponentsOf(data.Components, "data.components", true)
	if fail != nil {
		return nil, fail
	}
	if len(rows) == 0 {
		return nil, discordInvalid("data.components", "BASE_TYPE_REQUIRED", "This field is required")
	}
	m := &discordModal{DiscordModal: DiscordModal{CustomID: data.CustomID, Title: data.Title}, rows: rows}
	for _, row := range rows {
		f := row.Component
		label, text := row.Label, row.Text
		if f == nil {
			f, label = row.Components[0], row.Components[0].Label
		}
		field := DiscordField{
			CustomID: f.CustomID, Label: label, Description: text, Hint: f.Hint, Long: f.Style == 2,
			Required: f.Required == nil || *f.Required, Least: f.MinLength, Most: f.MaxLength, Value: f.Value,
		}
		for _, o := range f.Options {
			field.Choices = append(field.Choices, DiscordChoice{Name: o.Label, Value: o.Value})
		}
		m.Fields = append(m.Fields, field)
	}
	return m, nil
}

// Modal is the form that is open before a user.
func (d *Discord) Modal(user string) (m DiscordModal, open bool) {
	u, err := d.user(user)
	if err != nil {
		return m, false
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if o := d.modals[u.ID]; o != nil {
		return o.DiscordModal, true
	}
	return m, false
}

// DismissModal lets a user close the form that is open before them. The bot is not told.
func (d *Discord) DismissModal(user string) {
	u, err := d.user(user)
	if err != nil {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.modals, u.ID)
}

// SubmitModal lets a user fill in the form that is open before them, by the custom ids
// of its fields, and send it off. A field that is not given keeps the text that it
// came with. The form stays open when the bot does not acknowledge it.
func (d *Discord) SubmitModal(user string, fields map[string]string) error {
	var sent *discordModal
	i, err := d.act(user, func(u User) (*discordInteraction, error) {
		m := d.modals[u.ID]
		if m == nil {
			return nil, fmt.Errorf("discord sandbox: no form is open before %s", u.Name)
		}
		c := d.channels[m.channel]
		if c == nil {
			return nil, fmt.Errorf("discord sandbox: the channel of the form %q is gone", m.CustomID)
		}
		filled, err := m.fill(fields)
		if err != nil {
			return nil, err
		}
		sent = m
		i := &discordInteraction{kind: discordSubmitsModal, source: m.source}
		d.interact(i, u, c, discordWire{"custom_id": m.CustomID, "components": filled})
		return i, nil
	})
	if err != nil {
		return err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.modals[i.user] == sent {
		delete(d.modals, i.user)
	}
	return nil
}

// fill makes the components of a submission.
func (m *discordModal) fill(fields map[string]string) ([]any, error) {
	for id := range fields {
		if !slices.ContainsFunc(m.Fields, func(f DiscordField) bool { return f.CustomID == id }) {
			return nil, fmt.Errorf("discord sandbox: the form %q has no field %q", m.CustomID, id)
		}
	}
	filled := []any{}
	for k, f := range m.Fields {
		text, ok := fields[f.CustomID]
		if !ok {
			text = f.Value
		}
		n := utf8.RuneCountInString(text)
		most := f.Most
		if most == 0 {
			most = 4000
		}
		switch {
		case n == 0 && f.Required:
			return nil, fmt.Errorf("discord sandbox: the field %q must be filled in", f.Label)
		case n > 0 && n < f.Least, n > most:
			return nil, fmt.Errorf("discord sandbox: the field %q takes %d to %d characters, not %d", f.Label, f.Least, most, n)
		}
		row := m.rows[k]
		inner := row.Component
		if inner == nil {
			inner = row.Components[0]
		}
		w := discordWire{"type": inner.Type, "id": inner.ID, "custom_id": f.CustomID}
		if inner.Type == discordTextInput {
			w["value"] = text
		} else {
			i := slices.IndexFunc(f.Choices, func(c DiscordChoice) bool { return c.Text() == text || c.Name == text })
			if i < 0 && text != "" {
				return nil, fmt.Errorf("discord sandbox: the field %q has no %q", f.Label, text)
			}
			values := []any{}
			if i >= 0 {
				values = append(values, f.Choices[i].Value)
			}
			w["values"] = values
		}
		if row.Component != nil {
			filled = append(filled, discordWire{"type": row.Type, "id": row.ID, "component": w})
		} else {
			filled = append(filled, discordWire{"type": row.Type, "id": row.ID, "components": []any{w}})
		}
	}
	return filled, nil
}
