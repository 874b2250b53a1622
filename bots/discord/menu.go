package discord

import (
	"cmp"
	"context"
	"encoding/json"
	"strings"
	"unicode/utf8"

	"bobbin/agent"
	"bobbin/bots"
)

// What stands in the menu of a message.
const (
	menuAsk       = "Ask bobbin about this"
	menuSummarise = "Summarise this thread"
)

// commandSummarise is the command that menuSummarise gives.
const commandSummarise = "summarise"

// aboutID begins the custom id of the form in which people ask about a message, which
// ends with the message's [place].
const aboutID = ownID + "about:"

// rememberSubjects bounds the messages that a form is open for.
const rememberSubjects = 500

// menu takes a command that was used on a message.
func (in *intake) menu(ctx context.Context, i *interaction) error {
	d := in.d
	var m message
	raw, ok := i.Data.Resolved.Messages[i.Data.TargetID]
	if !ok || json.Unmarshal(raw, &m) != nil || !validID(i.Data.TargetID) {
		d.counts.add(ignoredMalformed)
		return d.tell(ctx, i, "I cannot see that message.")
	}
	m.ID, m.ChannelID, m.GuildID = i.Data.TargetID, i.ChannelID, i.GuildID
	switch i.Data.Name {
	case menuAsk:
		// Without the message content intent its text is to be had now and never again.
		id := place{m.ChannelID, m.ID}.id()
		d.subjects.put(string(id), d.quoted(&m))
		return d.callback(ctx, i, map[string]any{"type": respondForm, "data": askAbout(string(id))}, nil)
	case menuSummarise:
		subject := d.quoted(&m)
		return in.ask(ctx, i, asking{Command: commandSummarise, Shown: menuSummarise, Subject: &subject})
	}
	return d.tell(ctx, i, "I do not know this command. Try `/help`.")
}

// The form's only field, and how much Discord lets people write in it.
const (
	fieldText = "text"
	maxField  = 4000
)

// Types and styles of what a form is made of.
const (
	componentInput = 4
	componentLabel = 18
	styleParagraph = 2
)

// askAbout is the form in which people ask about a message.
func askAbout(id string) map[string]any {
	input := map[string]any{
		"type": componentInput, "custom_id": fieldText, "style": styleParagraph, "required": false, "max_length": maxField,
		"placeholder": "Left empty, I answer the message itself.",
	}
	return map[string]any{
		"custom_id": aboutID + id, "title": menuAsk,
		"components": []any{map[string]any{"type": componentLabel, "label": "Your question", "component": input}},
	}
}

// field is a part of a form as it was sent in: a field, or what holds some.
type field struct {
	CustomID   string  `json:"custom_id"`
	Value      string  `json:"value"`
	Component  *field  `json:"component"`
	Components []field `json:"components"`
}

// find returns what was written in the field with that id. Forms nest no deeper than
// two levels.
func find(fields []field, id string) string {
	for _, f := range fields {
		for _, inner := range append(f.Components, f) {
			if inner.Component != nil {
				inner = *inner.Component
			}
			if inner.CustomID == id {
				return strings.TrimSpace(inner.Value)
			}
		}
	}
	return ""
}

// form takes a question about a message.
func (in *intake) form(ctx context.Context, i *interaction) error {
	d := in.d
	id, ok := strings.CutPrefix(i.Data.CustomID, aboutID)
	at, err := parsePlace(agent.MessageID(id))
	text := find(i.Data.Components, fieldText)
	if !ok || err != nil || at.channel != i.ChannelID || utf8.RuneCountInString(text) > maxField {
		return d.tell(ctx, i, "I do not know this form any more. Please ask again.")
	}
	return in.ask(ctx, i, asking{Command: "ask", Text: text, About: &at})
}

// about returns the message at a place, of which a form may have kept the text.
func (d *Discord) about(ctx context.Context, at place, guild string) (*bots.Quote, error) {
	if q, ok := d.subjects.get(string(at.id())); ok {
		return &q, nil
	}
	m, err := d.message(ctx, at.channel, at.message)
	if m == nil || err != nil {
		return nil, err
	}
	m.ChannelID, m.GuildID = at.channel, guild
	q := d.quoted(m)
	return &q, nil
}

// quoted is m as data.
func (d *Discord) quoted(m *message) bots.Quote {
	q := bots.Quote{
		ID: place{m.ChannelID, m.ID}.id(), Bot: d.isOurs(m), Text: d.text(m), Sent: sent(m.ID), Files: m.files(),
	}
	if m.Author != nil {
		q.Author = agent.Author{ID: m.Author.ID, Name: name(m.Author, m.Member)}
	}
	return q
}

// pointsAt is the message that m is about, if m says so: one that it forwards, or somebody
// else's that it is a reply to. A forwarded message has no author.
func (d *Discord) pointsAt(m *message) *bots.Quote {
	if len(m.Snapshots) > 0 {
		if s := m.Snapshots[0].Message; s != nil {
			s.ID, s.ChannelID, s.GuildID, s.Author = m.ID, m.ChannelID, "", nil
			if q := d.quoted(s); q.Text != "" || len(q.Files) > 0 {
				return &q
			}
		}
		return nil
	}
	r := m.Referenced
	if r == nil || m.Type != messageReply || !validID(r.ID) || d.isOurs(r) || !d.addressed(m) || m.GuildID == "" {
		return nil
	}
	r.ChannelID, r.GuildID = m.ChannelID, m.GuildID
	if q := d.quoted(r); q.Text != "" || len(q.Files) > 0 {
		return &q
	}
	return nil
}

// shown is what people see of a question about a message.
func (a asking) shown() string { return cmp.Or(a.Shown, a.Text, "What do you say to this?") }
