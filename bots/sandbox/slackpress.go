package sandbox

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// slackSpot is a message, or a view before one person, in which they act.
type slackSpot struct {
	user    User
	channel Channel // of a message
	message *Message
	view    *slackView
	blocks  []map[string]any
	state   slackState
	offered map[string][]map[string]any // options that external menus were given, by action_id
}

// slackState is what a person has put in: by block_id and action_id.
type slackState map[string]map[string]map[string]any

func (st slackState) set(e slackElement, values map[string]any) {
	block := e.blockID()
	if st[block] == nil {
		st[block] = make(map[string]map[string]any)
	}
	held := map[string]any{"type": e.kind()}
	for name, v := range values {
		held[name] = v
	}
	st[block][e.id()] = held
}

// Press lets a person press the button with that action_id on a message; of a view, the
// channel is empty and ts its id. It returns once the app has acked; an error wraps
// ErrSlackDispatch or ErrSlackTimeout.
func (s *Slack) Press(user, channel, ts, action string) error {
	return s.act("press", user, channel, ts, action, func(e slackElement, _ *slackSpot) (map[string]any, error) {
		switch e.kind() {
		case "button", "icon_button", "workflow_button":
			return nil, nil
		}
		return nil, fmt.Errorf("%q is no button but a %s", action, e.kind())
	})
}

// Choose lets a person choose in the menu, list of boxes, calendar or pair of feedback
// buttons with that action_id, as Press does: of options by their value, of feedback
// "positive" or "negative". In a modal, what an input block holds is only put in, and
// goes to the app with Submit, unless it says otherwise.
func (s *Slack) Choose(user, channel, ts, action string, values ...string) error {
	return s.act("choose in", user, channel, ts, action, func(e slackElement, at *slackSpot) (map[string]any, error) {
		return slackChoice(e, values, at.offered[e.id()])
	})
}

// act does something to an element and tells the app.
func (s *Slack) act(what, user, channel, ts, action string, values func(slackElement, *slackSpot) (map[string]any, error)) error {
	s.mu.Lock()
	payload, err := s.acted(user, channel, ts, action, values)
	s.mu.Unlock()
	if err == nil && payload != nil {
		_, err = s.interact(channel, payload)
	}
	if err != nil {
		return fmt.Errorf("%s %s: %w", what, action, err)
	}
	return nil
}

// acted returns the block_actions payload, or none for an element that the app is not
// told of. The caller holds mu.
func (s *Slack) acted(user, channel, ts, action string, values func(slackElement, *slackSpot) (map[string]any, error)) (json.RawMessage, error) {
	at, err := s.spot(user, channel, ts)
	if err != nil {
		return nil, err
	}
	e, ok := slackFind(at.blocks, action)
	if !ok {
		return nil, fmt.Errorf("there is no such element")
	}
	if seen, ok := e.values["visible_to_user_ids"].([]any); ok && !slices.Contains(seen, any(user)) {
		return nil, fmt.Errorf("%s does not see it", user)
	}
	chosen, err := values(e, at)
	if err != nil {
		return nil, err
	}
	doer := map[string]any{"type": e.kind(), "action_id": e.id(), "block_id": e.blockID(), "action_ts": s.newTS()}
	for _, field := range []string{"text", "value", "style", "placeholder"} {
		if v, has := e.values[field]; has {
			doer[field] = v
		}
	}
	for name, v := range chosen {
		doer[name] = v
	}
	if chosen != nil && e.kind() != "overflow" && e.kind() != "feedback_buttons" {
		at.state.set(e, chosen)
		if at.view != nil {
			s.showView(at.view)
		}
	}
	if e.block["type"] == "input" && e.block["dispatch_action"] != true {
		return nil, nil
	}
	return slackJSON(s.actions(at, doer)), nil
}

// spot finds where user acts. The caller holds mu.
func (s *Slack) spot(user, channel, ts string) (*slackSpot, error) {
	u, ok := s.world.User(user)
	if !ok || u.Bot || u.Deleted {
		return nil, fmt.Errorf("no person %q", user)
	}
	if channel == "" {
		v := s.views[ts]
		if v == nil || v.user != user {
			return nil, fmt.Errorf("%s has no view %q", user, ts)
		}
		return &slackSpot{user: u, view: v, blocks: v.blocks, state: v.state, offered: v.offered}, nil
	}
	m, ok := s.world.Message(channel, ts)
	if !ok || m.OnlyFor != "" && m.OnlyFor != user {
		return nil, fmt.Errorf("no message %s in %q", ts, channel)
	}
	at := &slackSpot{user: u, message: &m}
	at.channel, _ = s.world.Channel(channel)
	if m.Blocks != "" {
		if err := json.Unmarshal([]byte(m.Blocks), &at.blocks); err != nil {
			return nil, fmt.Errorf("read the blocks of %s: %w", ts, err)
		}
	}
	x := s.extra(channel, ts)
	if x.states == nil {
		x.states, x.offered = make(map[string]slackState), make(map[string][]map[string]any)
	}
	if x.states[user] == nil {
		x.states[user] = make(slackState)
	}
	at.state, at.offered = x.states[user], x.offered
	return at, nil
}

// actions returns the payload of block_actions. The caller holds mu.
func (s *Slack) actions(at *slackSpot, actions ...any) map[string]any {
	p := s.interaction("block_actions", at.user)
	p["actions"] = actions
	s.describeSpot(p, at)
	if v := at.view; v != nil {
		p["trigger_id"] = s.newTrigger(at.user, v)
		return p
	}
	p["state"] = map[string]any{"values": at.state}
	p["response_url"], p["trigger_id"], _ = s.newResponse(at.channel, at.user, at.message.ID)
	return p
}

// describeSpot puts in where somebody acts. The caller holds mu.
func (s *Slack) describeSpot(p map[string]any, at *slackSpot) {
	if v := at.view; v != nil {
		p["container"] = map[string]any{"type": "view", "view_id": v.id}
		p["view"] = s.viewShown(v)
		return
	}
	container := map[string]any{
		"type": "message", "message_ts": at.message.ID, "channel_id": at.channel.ID, "is_ephemeral": at.message.OnlyFor != "",
	}
	if at.message.Thread != "" {
		container["thread_ts"] = at.message.Thread
	}
	p["container"] = container
	p["channel"] = slackPlaceOf(at.channel)
	if at.message.OnlyFor == "" { // Slack itself does not have the others any more
		p["message"] = s.show(*at.message)
	}
}

// interaction begins the payload of what a person did.
func (s *Slack) interaction(kind string, u User) map[string]any {
	name := strings.ToLower(u.Name)
	return map[string]any{
		"type": kind, "token": "verification token", "api_app_id": s.o.AppID, "enterprise": nil, "is_enterprise_install": false,
		"team": map[string]any{"id": s.o.TeamID, "domain": "sandbox"},
		"user": map[string]any{"id": u.ID, "username": name, "name": name, "team_id": s.o.TeamID},
	}
}

// slackPlaceOf names a channel as payloads do.
func slackPlaceOf(c Channel) map[string]any {
	name := c.Name
	switch slackChannelType(c) {
	case "im":
		name = "directmessage"
	case "group":
		name = "privategroup"
	}
	return map[string]any{"id": c.ID, "name": name}
}

// interact sends what a person did and returns what the ack says.
func (s *Slack) interact(channel string, payload json.RawMessage) (json.RawMessage, error) {
	s.mu.Lock()
	url := s.o.InteractionsURL
	s.mu.Unlock()
	if url != "" {
		return s.askOverHTTP(url, map[string]string{"payload": string(payload)})
	}
	return s.askOverSocket("interactive", channel, payload)
}

// SlackOption is one entry of a menu.
type SlackOption struct {
	Text  string `json:"text"`
	Value string `json:"value"`
}

// Suggest lets a person type into the menu with that action_id whose options the app
// gives, and returns those; Choose takes them afterwards.
func (s *Slack) Suggest(user, channel, ts, action, typed string) ([]SlackOption, error) {
	s.mu.Lock()
	at, err := s.spot(user, channel, ts)
	var payload json.RawMessage
	var e slackElement
	if err == nil {
		e, _ = slackFind(at.blocks, action)
		if k := e.kind(); k != "external_select" && k != "multi_external_select" {
			err = fmt.Errorf("there is no such menu")
		} else {
			p := s.interaction("block_suggestion", at.user)
			p["action_id"], p["block_id"], p["value"] = e.id(), e.blockID(), typed
			s.describeSpot(p, at)
			payload = slackJSON(p)
		}
	}
	s.mu.Unlock()
	var raw json.RawMessage
	if err == nil {
		raw, err = s.interact(channel, payload)
	}
	if err != nil {
		return nil, fmt.Errorf("type into %s: %w", action, err)
	}
	var answer map[string]any
	if json.Unmarshal(raw, &answer) != nil {
		return nil, fmt.Errorf("type into %s: the app's options cannot be read", action)
	}
	options := slackOptionsOf(answer)
	if len(options) > slackMaxOptions {
		return nil, fmt.Errorf("type into %s: the app gave %d options of at most %d", action, len(options), slackMaxOptions)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	at.offered[e.id()] = options
	list := []SlackOption{}
	for _, o := range options {
		text, _ := o["text"].(map[string]any)
		list = append(list, SlackOption{slackString(text, "text"), slackString(o, "value")})
	}
	return list, nil
}
