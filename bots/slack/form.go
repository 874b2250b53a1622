package slack

import (
	"cmp"
	"context"
	"encoding/json"
	"strings"
	"sync/atomic"
	"time"

	"bobbin/agent"
	"bobbin/bots"

	slackgo "github.com/slack-go/slack"
)

// The form in which people ask about a message, and its only field.
const (
	aboutForm   = "bobbin_about"
	questionID  = "bobbin_question"
	maxQuestion = 3_000 // characters that Slack lets people write in a field
)

// about is where the message is that a form is about. It goes through Slack with the form.
type about struct {
	Channel string `json:"channel"`
	TS      string `json:"ts"`
	Thread  string `json:"thread,omitempty"`
}

// askAbout opens the form.
func (s *Slack) askAbout(ctx context.Context, trigger string, on post) error {
	where, err := json.Marshal(about{Channel: on.Channel, TS: on.TS, Thread: on.ThreadTS})
	if err != nil {
		return wrap("views.open", err)
	}
	plain := func(text string) *slackgo.TextBlockObject {
		return slackgo.NewTextBlockObject(slackgo.PlainTextType, text, false, false)
	}
	field := slackgo.NewPlainTextInputBlockElement(plain("Left empty, I answer the message itself."), questionID)
	field.Multiline, field.MaxLength = true, maxQuestion
	input := slackgo.NewInputBlock(questionID, plain("Your question"), nil, field)
	input.Optional = true
	_, err = s.api.OpenViewContext(ctx, trigger, slackgo.ModalViewRequest{
		Type: slackgo.VTModal, CallbackID: aboutForm, PrivateMetadata: string(where),
		Title: plain("Ask about a message"), Submit: plain("Ask"), Close: plain("Cancel"),
		Blocks: slackgo.Blocks{BlockSet: []slackgo.Block{input}},
	})
	return explainIf("views.open", err)
}

func explainIf(doing string, err error) error {
	if err == nil {
		return nil
	}
	return explain(doing, err)
}

// submitted converts a form that was sent in.
func (in *intake) submitted(i interaction) (g gesture, ignored string) {
	var view struct {
		ID         string `json:"id"`
		CallbackID string `json:"callback_id"`
		Private    string `json:"private_metadata"`
		State      struct {
			Values map[string]map[string]struct {
				Value string `json:"value"`
			} `json:"values"`
		} `json:"state"`
	}
	var where about
	switch {
	case json.Unmarshal(i.View, &view) != nil:
		return g, "malformed"
	case view.CallbackID != aboutForm:
		return g, "form"
	case json.Unmarshal([]byte(view.Private), &where) != nil, !isID(where.Channel), !isTS(where.TS), where.Thread != "" && !isTS(where.Thread):
		return g, "malformed"
	}
	on := past{post: post{Channel: where.Channel, TS: where.TS, ThreadTS: where.Thread}}
	i.Channel.ID, i.TriggerID = where.Channel, view.ID // a form is sent in once
	g = in.gesture(i, on)
	g.event.Command = shortcutCommands[askShortcut]
	g.event.Text = strings.TrimSpace(view.State.Values[questionID][questionID].Value)
	g.event.Subject = &bots.Quote{ID: messageID(where.Channel, where.TS)}
	g.fill = func(ctx context.Context, ev *bots.Event) error {
		m, ok, err := in.s.one(ctx, where.Channel, where.TS)
		if err != nil || !ok {
			return cmp.Or(err, errNoSubject)
		}
		in.s.learnNames(ctx, []written{m})
		*ev.Subject = in.s.quote(m)
		return nil
	}
	if g.event.Text != "" {
		g.repeat = g.event.Text
	}
	return g, ""
}

// say repeats the question in the thread, since nobody else has seen it. It reports false,
// and tells the person, if that cannot be.
func (g *gesture) say(ctx context.Context) bool {
	s, to := g.in.s, g.event.Target
	key := keyOf(string(g.event.MessageID))
	id, err := s.postText(ctx, to, key, asks(to.Recipient, g.repeat))
	if err != nil && !certain(err) {
		if found, errFind := s.Find(ctx, to, key); errFind == nil {
			id, err = found, nil
		}
	}
	if err != nil {
		s.log.Warn("slack: a question about a message was not posted", "channel", to.Channel, "error", err)
		g.hook.tell(ctx, s.refusal(err, g.event.Direct))
		return false
	}
	g.event.MessageID, g.event.Target.ReplyTo = id, id
	if _, ts, err := splitID(id); err == nil {
		g.event.Sent = sentAt(ts)
	}
	return true
}

// asks is the message that repeats what a person has asked where others did not see it.
func asks(user, question string) string {
	if runes := []rune(question); len(runes) > maxQuoted {
		question = string(runes[:maxQuoted]) + "…"
	}
	return "> <@" + user + "> asked:\n> " + strings.ReplaceAll(mrkdwn(question), "\n", "\n> ")
}

// ask takes an event. It reports whether a question will have no answer: it was not taken,
// or the person was told why there is none.
func (in *intake) ask(ctx context.Context, ev bots.Event) (refused bool, err error) {
	var told atomic.Bool
	respond := ev.Respond
	ev.Respond = func(ctx context.Context, markdown string) error {
		told.Store(true)
		return respond(ctx, markdown)
	}
	err = in.take(ctx, ev)
	return err != nil || told.Load(), err
}

// withdraw removes a question that will have no answer.
func (s *Slack) withdraw(ctx context.Context, question agent.MessageID) {
	channel, ts, err := splitID(question)
	if err == nil {
		_, _, err = s.api.DeleteMessageContext(ctx, channel, ts)
	}
	if err != nil {
		s.log.Warn("slack: a question without an answer was not removed", "message", question, "error", scrub(err))
	}
}

// formTimeout is shorter than the three seconds for which a trigger may open a form.
const formTimeout = 2500 * time.Millisecond
