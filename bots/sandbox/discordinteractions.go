package sandbox

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

// ErrDiscordNoAnswer is wrapped by the error of a Command that the bot did not
// acknowledge in time. A person sees "The application did not respond".
var ErrDiscordNoAnswer = errors.New("the application did not respond")

// discordInteractions bounds how many interactions are remembered.
const discordInteractions = 1000

type discordInteraction struct {
	id, token string
	name      string
	user      string
	channel   string
	began     time.Time
	acked     chan struct{} // closed by the callback
	done      bool          // acknowledged, or too late for it
	late      bool
	response  string // id of @original; empty once deleted
	followups []string
}

// Command lets a user use a slash command that the bot has registered. It returns
// when the bot has acknowledged it, or an error that wraps ErrDiscordNoAnswer when the
// time for that is over.
func (d *Discord) Command(user, channel, name string, options map[string]string) error {
	if !d.enter() {
		return errors.New("discord sandbox: closed")
	}
	defer d.wg.Done()
	u, err := d.user(user)
	if err != nil {
		return err
	}
	d.mu.Lock()
	i, err := d.interact(u, channel, name, options)
	d.mu.Unlock()
	if err != nil {
		return err
	}
	late := time.NewTimer(d.o.AckWithin)
	defer late.Stop()
	select {
	case <-i.acked:
		return nil
	case <-late.C:
	case <-d.done:
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if i.done {
		return nil
	}
	i.done, i.late = true, true
	return fmt.Errorf("discord sandbox: /%s by %s: %w", name, u.Name, ErrDiscordNoAnswer)
}

// interact makes the interaction and tells the bot. The caller holds mu.
func (d *Discord) interact(u User, channel, name string, options map[string]string) (*discordInteraction, error) {
	c, err := d.channelFor(u, channel)
	if err != nil {
		return nil, err
	}
	name = strings.TrimPrefix(name, "/")
	all := slices.Concat(d.commands[d.o.GuildID], d.commands[""])
	if c.kind == discordDM {
		all = d.commands[""]
	}
	k := slices.IndexFunc(all, func(o *discordCommand) bool { return o.Name == name && o.kind == 1 })
	if k < 0 {
		return nil, fmt.Errorf("discord sandbox: no command /%s is registered", name)
	}
	args, err := all[k].arguments(options)
	if err != nil {
		return nil, err
	}
	d.forgetInteractions()
	i := &discordInteraction{
		id: d.newID(), token: rand.Text() + rand.Text(), name: name, user: u.ID, channel: c.id, began: time.Now(),
		acked: make(chan struct{}),
	}
	d.interactions[i.token] = i
	w := discordWire{
		"id": i.id, "application_id": d.o.ApplicationID, "type": 2, "token": i.token, "version": 1,
		"channel_id": c.id, "channel": d.wireChannel(c), "locale": "en-US", "app_permissions": discordPermissions,
		"entitlements": []any{}, "authorizing_integration_owners": discordWire{"0": d.guildOf(c)},
		"context": 0,
		"data":    discordWire{"id": all[k].id, "name": name, "type": 1, "options": args},
	}
	if g := d.guildOf(c); g != "" {
		member := d.wireMember()
		member["user"], member["permissions"] = d.wireUser(u.ID), discordPermissions
		w["guild_id"], w["guild_locale"], w["member"] = g, "en-US", member
	} else {
		w["context"], w["user"] = 1, d.wireUser(u.ID)
	}
	d.emit("INTERACTION_CREATE", 0, d.guildOf(c), w)
	return i, nil
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

type discordCallbackBody struct {
	Type int             `json:"type"`
	Data json.RawMessage `json:"data"`
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
	if body.Type != 4 && body.Type != 5 {
		return discordInvalid("type", "BASE_TYPE_CHOICES", "Value must be one of {4, 5} for a slash command.")
	}
	var f discordDraft
	if !discordNull(body.Data) {
		if json.Unmarshal(body.Data, &f) != nil {
			return discordInvalid("data", "MODEL_TYPE_CONVERT", "Only dictionaries may be used in a ModelType")
		}
	}
	if fail := f.check(); fail != nil {
		return fail
	}
	m := d.responseTo(i, &f)
	if body.Type == 5 {
		m.flags |= discordLoading
	} else {
		d.apply(m, &f)
		if m.empty() {
			return discordEmpty()
		}
	}
	m.id = d.newID()
	i.response = m.id
	i.done = true
	close(i.acked)
	d.add(m)
	if call.URL.Query().Get("with_response") == "true" {
		return discordOK(discordWire{
			"interaction": discordWire{"id": i.id, "type": 2, "response_message_id": m.id},
			"resource":    discordWire{"type": body.Type, "message": d.wireMessage(m, true)},
		})
	}
	return discordNothing()
}

func (d *Discord) responseTo(i *discordInteraction, f *discordDraft) *discordMessage {
	m := &discordMessage{
		channel: i.channel, kind: discordCommandAnswer, author: d.o.BotID, at: time.Now(), interaction: i,
	}
	if f.Flags != nil {
		m.flags = *f.Flags & (discordSuppressEmbeds | discordEphemeral)
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
	return d.edit(m, &f)
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
		return d.edit(m, &f)
	}
	if fail := f.check(); fail != nil {
		return fail
	}
	m := d.responseTo(i, &f)
	d.apply(m, &f)
	if m.empty() {
		return discordEmpty()
	}
	m.id = d.newID()
	i.followups = append(i.followups, m.id)
	d.add(m)
	return discordOK(d.wireMessage(m, true))
}
