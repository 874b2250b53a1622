package sandbox

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"time"
)

// The kinds of first response to an interaction.
const (
	discordRespond      = 4
	discordRespondLater = 5
	discordUpdateLater  = 6
	discordUpdate       = 7
	discordSuggest      = 8
	discordRespondModal = 9
)

type discordCallbackBody struct {
	Type int             `json:"type"`
	Data json.RawMessage `json:"data"`
}

// responses lists the kinds of response that an interaction takes.
func (i *discordInteraction) responses() []int {
	switch {
	case i.kind == discordTypesOption:
		return []int{discordSuggest}
	case i.kind == discordUsedCommand:
		return []int{discordRespond, discordRespondLater, discordRespondModal}
	case i.kind == discordUsedComponent:
		return []int{discordRespond, discordRespondLater, discordUpdateLater, discordUpdate, discordRespondModal}
	case i.source != "":
		return []int{discordRespond, discordRespondLater, discordUpdateLater, discordUpdate}
	}
	return []int{discordRespond, discordRespondLater}
}

func (d *Discord) postCallback(call *discordCall) *discordAnswer {
	var body discordCallbackBody
	if fail := call.into(&body); fail != nil {
		return fail
	}
	i := d.interactions[call.PathValue("token")]
	if i == nil || i.id != call.PathValue("interaction") || i.late || !i.done && time.Since(i.began) > d.o.AckWithin {
		return discordFail(http.StatusNotFound, 10062, "Unknown interaction")
	}
	if i.done {
		return discordFail(http.StatusBadRequest, 40060, "Interaction has already been acknowledged.")
	}
	if fits := i.responses(); !slices.Contains(fits, body.Type) {
		return discordInvalid("type", "BASE_TYPE_CHOICES", fmt.Sprintf("Value must be one of %v for this interaction.", fits))
	}
	var f discordDraft
	if !discordNull(body.Data) && json.Unmarshal(body.Data, &f) != nil {
		return discordInvalid("data", "MODEL_TYPE_CONVERT", "Only dictionaries may be used in a ModelType")
	}
	if body.Type != discordRespondModal {
		if fail := f.check(); fail != nil {
			return discordBelow("data", fail)
		}
	}
	shown, fail := d.respond(call, i, &body, &f)
	if fail != nil {
		return fail
	}
	i.done = true
	close(i.acked)
	if call.URL.Query().Get("with_response") != "true" {
		return discordNothing()
	}
	cause := discordWire{"id": i.id, "type": i.kind}
	resource := discordWire{"type": body.Type}
	if shown != nil {
		cause["response_message_id"] = shown.id
		cause["response_message_loading"] = shown.flags&discordLoading != 0
		cause["response_message_ephemeral"] = shown.flags&discordEphemeral != 0
		resource["message"] = d.wireMessage(shown, true)
	}
	return discordOK(discordWire{"interaction": cause, "resource": resource})
}

// respond carries out a first response and returns the message that it made or changed.
func (d *Discord) respond(call *discordCall, i *discordInteraction, body *discordCallbackBody, f *discordDraft) (*discordMessage, *discordAnswer) {
	source := d.messages[i.source]
	switch body.Type {
	case discordSuggest:
		var fail *discordAnswer
		i.choices, fail = readChoices(body.Data, i.focused)
		return nil, fail
	case discordRespondModal:
		m, fail := readModal(body.Data)
		if fail != nil {
			return nil, fail
		}
		m.channel, m.source = i.channel, i.source
		d.modals[i.user] = m
		return nil, nil
	case discordUpdateLater, discordUpdate:
		if source == nil {
			return nil, discordUnknownMessage()
		}
		i.response = source.id
		if body.Type == discordUpdateLater {
			return source, nil
		}
		if answer := d.edit(call, source, f); answer.status != http.StatusOK {
			return nil, discordBelow("data", answer)
		}
		return source, nil
	}
	m := d.responseTo(i, f)
	if body.Type == discordRespondLater {
		m.flags |= discordLoading
	} else {
		var fail *discordAnswer
		if m.attachments, fail = d.attach(call, nil, f.Attachments); fail != nil {
			return nil, discordBelow("data", fail)
		}
		d.apply(m, f)
		if m.empty() {
			return nil, discordEmpty()
		}
	}
	m.id = d.newID()
	i.response = m.id
	d.add(m)
	return m, nil
}

// discordBelow moves what is wrong with a form below a field.
func discordBelow(field string, fail *discordAnswer) *discordAnswer {
	if w, ok := fail.body.(discordWire); ok && w["errors"] != nil {
		w["errors"] = discordWire{field: w["errors"]}
	}
	return fail
}

// readChoices reads the suggestions for an option of a type.
func readChoices(raw json.RawMessage, kind int) ([]DiscordChoice, *discordAnswer) {
	var data struct {
		Choices *[]DiscordChoice `json:"choices"`
	}
	if discordNull(raw) || json.Unmarshal(raw, &data) != nil {
		return nil, discordInvalid("data", "MODEL_TYPE_CONVERT", "Only dictionaries may be used in a ModelType")
	}
	if data.Choices == nil {
		return nil, discordInvalid("data.choices", "BASE_TYPE_REQUIRED", "This field is required")
	}
	size := 0
	return *data.Choices, checkChoices(*data.Choices, kind, "data.choices", &size)
}

// responseTo begins a message that answers an interaction: to a component it is a
// reply to the component's message.
func (d *Discord) responseTo(i *discordInteraction, f *discordDraft) *discordMessage {
	m := &discordMessage{channel: i.channel, kind: discordCommandAnswer, author: d.o.BotID, at: time.Now(), interaction: i}
	if i.menu == discordUserMenu || i.menu == discordMessageMenu {
		m.kind = discordMenuAnswer
	}
	if source := d.messages[i.source]; source != nil {
		m.kind = discordReply
		m.reference = &discordReference{MessageID: source.id, ChannelID: source.channel}
		if c := d.channels[i.channel]; c != nil {
			m.reference.GuildID = d.guildOf(c)
		}
	}
	if f.Flags != nil {
		m.flags = *f.Flags & (discordSuppressEmbeds | discordEphemeral | discordSilent)
	}
	return m
}

// answered is the acknowledged interaction of a call by token.
func (d *Discord) answered(call *discordCall) (*discordInteraction, *discordAnswer) {
	i := d.interactions[call.PathValue("token")]
	if i == nil || call.PathValue("application") != d.o.ApplicationID || !i.done || i.late {
		return nil, discordUnknownWebhook()
	}
	if time.Since(i.began) > d.o.TokenLife {
		return nil, discordFail(http.StatusUnauthorized, 50027, "Invalid Webhook Token")
	}
	if d.channels[i.channel] == nil {
		return nil, discordUnknownChannel()
	}
	return i, nil
}

// responseOf is a message that was posted with the token of a call.
func (d *Discord) responseOf(call *discordCall) (*discordMessage, *discordAnswer) {
	i, fail := d.answered(call)
	if fail != nil {
		return nil, fail
	}
	id := call.PathValue("message")
	if id == "@original" {
		id = i.response
	} else if id != i.response && !slices.Contains(i.followups, id) {
		return nil, discordUnknownMessage()
	}
	m := d.messages[id]
	if m == nil {
		return nil, discordUnknownMessage()
	}
	return m, nil
}

func (d *Discord) getResponse(call *discordCall) *discordAnswer {
	m, fail := d.responseOf(call)
	if fail != nil {
		return fail
	}
	return discordOK(d.wireMessage(m, true))
}

func (d *Discord) patchResponse(call *discordCall) *discordAnswer {
	m, fail := d.responseOf(call)
	if fail != nil {
		return fail
	}
	var f discordDraft
	if fail := call.into(&f); fail != nil {
		return fail
	}
	return d.edit(call, m, &f)
}

func (d *Discord) deleteResponse(call *discordCall) *discordAnswer {
	m, fail := d.responseOf(call)
	if fail != nil {
		return fail
	}
	d.remove(m)
	return discordNothing()
}

// postFollowup posts one more message to an interaction. As documented, the first
// one after a deferred response takes that response's place.
func (d *Discord) postFollowup(call *discordCall) *discordAnswer {
	i, fail := d.answered(call)
	if fail != nil {
		return fail
	}
	var f discordDraft
	if fail := call.into(&f); fail != nil {
		return fail
	}
	if m := d.messages[i.response]; m != nil && m.flags&discordLoading != 0 {
		return d.edit(call, m, &f)
	}
	if fail := f.check(); fail != nil {
		return fail
	}
	m := d.responseTo(i, &f)
	if m.attachments, fail = d.attach(call, nil, f.Attachments); fail != nil {
		return fail
	}
	d.apply(m, &f)
	if m.empty() {
		return discordEmpty()
	}
	m.id = d.newID()
	i.followups = append(i.followups, m.id)
	d.add(m)
	return discordOK(d.wireMessage(m, true))
}
