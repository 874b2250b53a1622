package slack

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"runtime/debug"
	"strings"
	"time"

	"bobbin/agent"
	"bobbin/bots"
)

// interaction is the part of an interaction's payload that bobbin reads.
type interaction struct {
	Type        string `json:"type"`
	CallbackID  string `json:"callback_id"`
	TriggerID   string `json:"trigger_id"`
	ResponseURL string `json:"response_url"`
	IsOrg       bool   `json:"is_enterprise_install"`
	Team        struct {
		ID string `json:"id"`
	} `json:"team"`
	User struct {
		ID       string `json:"id"`
		Name     string `json:"name"`
		Username string `json:"username"`
	} `json:"user"`
	Channel struct {
		ID string `json:"id"`
	} `json:"channel"`
	Container struct {
		Channel string `json:"channel_id"`
		Message string `json:"message_ts"`
		Thread  string `json:"thread_ts"`
	} `json:"container"`
	Message json.RawMessage `json:"message"`
	Actions json.RawMessage `json:"actions"`
	View    json.RawMessage `json:"view"`
}

// pressed is a button that was pressed.
type pressed struct {
	ID    string `json:"action_id"`
	Value string `json:"value"`
	TS    string `json:"action_ts"`
}

// gesture is what a person did to a message or view, and now waits for.
type gesture struct {
	in    *intake
	event bots.Event
	hook  hook
	// check says in a sentence why there is no use in the event; nothing if there is.
	// May be nil.
	check func(context.Context) string
	// fill completes the event as far as possible. May be nil.
	fill func(context.Context, *bots.Event) error
	// open asks the person for more, in which case there is no event yet. If it cannot,
	// there is one without. May be nil.
	open func(context.Context) error
	// repeat is what is said in the person's name before the event is taken.
	repeat string
}

// strangeButton is what is said about a button that bobbin cannot read.
const strangeButton = "I do not know that button any more. Please ask me again."

// interaction converts the payload of an interaction, or says why it leads to nothing.
func (in *intake) interaction(payload []byte) (g gesture, ignored string) {
	defer in.s.recovered(&g.event, &ignored)
	var i interaction
	if err := json.Unmarshal(payload, &i); err != nil {
		return g, "malformed"
	}
	i.Channel.ID = cmp.Or(i.Channel.ID, i.Container.Channel)
	switch {
	case i.Type == "view_submission" && isID(i.User.ID):
		return in.submitted(i)
	case i.Type != "block_actions" && i.Type != "message_action":
		return g, "interaction " + cmp.Or(i.Type, "without type")
	case !isID(i.User.ID):
		return g, "malformed"
	case !isID(i.Channel.ID):
		return g, "interaction without channel" // as in the App Home
	}
	var on past // the message below which a button stands, or a menu was opened
	if len(i.Message) > 0 && json.Unmarshal(i.Message, &on) != nil {
		return g, "malformed"
	}
	on.Channel = i.Channel.ID
	on.TS = cmp.Or(on.TS, i.Container.Message)
	on.ThreadTS = cmp.Or(on.ThreadTS, i.Container.Thread)
	if !isTS(on.TS) || (on.ThreadTS != "" && !isTS(on.ThreadTS)) {
		return g, "malformed"
	}
	g = in.gesture(i, on)
	if i.Type == "message_action" {
		return g, g.use(i, on)
	}
	return g, g.press(i)
}

// gesture fills in what a press and a use of a message's menu have in common.
func (in *intake) gesture(i interaction, on past) gesture {
	s := in.s
	direct := isDM(i.Channel.ID)
	team := s.identity().team
	if i.IsOrg && isID(i.Team.ID) {
		team = i.Team.ID
	}
	at := s.place(team, on.post, i.User.ID)
	g := gesture{in: in, hook: hook{s: s, channel: i.Channel.ID, user: i.User.ID, thread: on.ThreadTS, url: i.ResponseURL}}
	key := keyOf(i.TriggerID)
	g.event = bots.Event{
		EventID:   i.Type + "/" + key,
		MessageID: agent.MessageID(i.Channel.ID + "/" + i.Type + "." + key),
		Target:    agent.Target{Address: at, ReplyTo: messageID(i.Channel.ID, on.TS), Recipient: i.User.ID},
		Author:    agent.Author{ID: i.User.ID, Name: cmp.Or(s.names.of(i.User.ID), i.User.Name, i.User.Username, i.User.ID)},
		Direct:    direct,
		Addressed: true,
		Sent:      time.Now(),
		Respond:   g.hook.respond,
		SendFile:  s.fileSender(at, i.User.ID, g.hook),
	}
	return g
}

// press reads which button was pressed.
func (g *gesture) press(i interaction) (ignored string) {
	var actions []pressed
	if json.Unmarshal(i.Actions, &actions) != nil || len(actions) == 0 {
		return "malformed"
	}
	button, ok := buttonOf(actions[0].ID, actions[0].Value)
	if !ok {
		g.check = func(context.Context) string { return strangeButton }
		return ""
	}
	g.event.Press = &button
	if isTS(actions[0].TS) {
		g.event.Sent = sentAt(actions[0].TS)
	}
	return ""
}

// isDM reports whether a channel is a conversation of one person with bobbin.
func isDM(channel string) bool { return strings.HasPrefix(channel, "D") }

// run works on the gesture, and returns when that is done or Slack will wait no longer.
// It reports false if there is no room: a person sees at the button that nothing came of
// it. Neither waits for the events in front of it, since it may be what stops them.
func (g gesture) run(ctx context.Context) bool {
	return g.in.soon(ctx, g.in.gestures, g.work)
}

func (g gesture) work(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, commandTimeout)
	defer cancel()
	defer func() {
		if r := recover(); r != nil {
			g.in.s.log.Error("slack: a button or menu failed", "error", fmt.Sprintf("panic: %v\n%s", r, debug.Stack()))
			g.hook.tell(ctx, agent.Explain(errors.New("panic")))
		}
	}()
	if g.check != nil {
		if why := g.check(ctx); why != "" {
			g.hook.tell(ctx, why)
			return
		}
	}
	if g.open != nil {
		err := g.open(ctx)
		if err == nil {
			return
		}
		g.in.s.log.Info("slack: a form could not be shown, so its question is taken as empty", "error", err)
	}
	if g.fill != nil {
		if err := g.fill(ctx, &g.event); err != nil {
			g.in.s.log.Warn("slack: what a menu was used on could not be read", "error", err)
		}
		if q := g.event.Subject; q != nil && q.Text == "" && len(q.Files) == 0 {
			g.hook.tell(ctx, noSubject)
			return
		}
	}
	if g.repeat != "" && !g.say(ctx) {
		return
	}
	refused, err := g.in.ask(ctx, g.event)
	last, cancelLast := context.WithTimeout(context.WithoutCancel(ctx), lastWords)
	defer cancelLast()
	if refused && g.repeat != "" {
		g.in.s.withdraw(last, g.event.MessageID)
	}
	if err != nil {
		g.hook.tell(last, notTaken)
	}
}

// noSubject is said of a message without text or files.
const noSubject = "I cannot read anything in that message."

// notTaken is said when an event that is not delivered again was not accepted.
const notTaken = "I could not take that. Please try again in a minute."
