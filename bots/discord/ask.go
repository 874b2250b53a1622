package discord

import (
	"context"
	"errors"
	"net/http"

	"bobbin/agent"
	"bobbin/bots"
)

// asking is what somebody wants to be answered.
type asking struct {
	Command string
	Text    string
	Shown   string      // in place of Text, if people are to see something else
	Subject *bots.Quote // the message that it is about
	About   *place      // where to find that message, if it has yet to be read
}

// ask acknowledges first: where the answer stands depends on the id of the message
// that Discord makes of the acknowledgement.
func (in *intake) ask(ctx context.Context, i *interaction, what asking) error {
	d := in.d
	original, err := d.acknowledge(ctx, i)
	if err != nil {
		d.counts.add(ignoredLate)
		return err
	}
	e, err := d.asked(ctx, i, original, what)
	if err == nil {
		err = in.submit(ctx, e)
	}
	if err != nil {
		d.counts.add(ignoredUnaccepted)
		return errors.Join(err, d.editOriginal(ctx, i.AppID, i.Token, agent.Explain(err)))
	}
	return nil
}

// asked is the event of an /ask whose acknowledgement is the message original.
func (d *Discord) asked(ctx context.Context, i *interaction, original string, what asking) (bots.Event, error) {
	e, c, err := d.used(ctx, i)
	if err != nil {
		return e, err
	}
	e.Command, e.Text, e.Subject = what.Command, what.Text, what.Subject
	e.Permitted = d.permitted(i, e.Command)
	if what.About != nil {
		if e.Subject, err = d.about(ctx, *what.About, i.GuildID); err != nil {
			return e, err
		}
	}
	e.Target.ReplyTo = place{i.ChannelID, original}.id()
	h := hook{App: i.AppID, Token: i.Token, Question: what.shown()}
	h.Title = title(h.Question, e.Author.Name)
	if s := e.Subject; s != nil {
		h.About = link(i.GuildID, s.ID)
	}
	e.Target.Hook = h.encode()
	if !e.Direct && !c.isThread() {
		e.Target.Address = d.inChannel(e.Target.Address, c, original, e.Author.ID)
	}
	e.Respond = func(ctx context.Context, markdown string) error {
		var text string
		if pages := d.Render(markdown); len(pages) > 0 {
			text = pages[0].Text
		}
		return d.editOriginal(ctx, i.AppID, i.Token, text)
	}
	e.SendFile = (&answer{d: d, i: i, stage: answered}).file
	return e, nil
}

// acknowledge tells Discord that an answer will come, and returns the id of the
// message that stands for it until then; it is empty if Discord does not say.
func (d *Discord) acknowledge(ctx context.Context, i *interaction) (string, error) {
	ctx, cancel := context.WithDeadline(ctx, i.arrived.Add(answerBy))
	defer cancel()
	var out struct {
		Interaction struct {
			MessageID string `json:"response_message_id"`
		} `json:"interaction"`
		Resource struct {
			Message struct {
				ID string `json:"id"`
			} `json:"message"`
		} `json:"resource"`
	}
	err := d.patiently(ctx, func(ctx context.Context) error {
		ctx, cancel := context.WithTimeout(ctx, answerBy/2)
		defer cancel()
		return d.callback(ctx, i, map[string]any{"type": respondDeferred}, &out)
	})
	if err != nil && code(err) != codeAlreadyAnswered {
		return "", err
	}
	for _, id := range []string{out.Resource.Message.ID, out.Interaction.MessageID} {
		if validID(id) {
			return id, nil
		}
	}
	var m struct {
		ID string `json:"id"`
	}
	fetch := call{what: "read the response to a command", method: http.MethodGet, path: original(i.AppID, i.Token), route: "interaction " + i.ID, hook: true, out: &m}
	err = d.patiently(context.WithoutCancel(ctx), func(ctx context.Context) error { return d.rest.do(ctx, fetch) })
	if err != nil || !validID(m.ID) {
		d.log.WarnContext(ctx, "the response to a command has no id; answering in the channel", "interaction", i.ID, "err", err)
		return "", nil
	}
	return m.ID, nil
}

// show makes an /ask's acknowledgement show the question. It does so once, as far as
// is remembered; doing it again changes nothing. That it fails is no reason to keep
// the answer back.
func (d *Discord) show(ctx context.Context, to agent.Target, h hook) {
	if h.Token == "" || h.Question == "" {
		return
	}
	if _, ok := d.shown.get(h.Token); ok {
		return
	}
	d.shown.put(h.Token, true)
	if err := d.setOriginal(ctx, to, h, h.quote()); err != nil {
		d.log.WarnContext(ctx, "the question of a command could not be shown", "err", err)
		if !refused(err) {
			d.shown.drop(h.Token)
		}
	}
}

// setOriginal replaces an /ask's acknowledgement: with the interaction's token, and
// when that has run out after 15 minutes, as the message of ours that it is.
func (d *Discord) setOriginal(ctx context.Context, to agent.Target, h hook, content string) error {
	err := d.rest.do(ctx, call{
		what: "edit the response to a command", method: http.MethodPatch, path: original(h.App, h.Token), hook: true,
		route: "webhook " + h.Token, body: post{Content: content, Mentions: quiet()},
	})
	if e, ok := errors.AsType[*apiError](err); !ok || e.status < 400 || e.status > 499 || e.status == http.StatusTooManyRequests {
		return err
	}
	at, perr := parsePlace(to.ReplyTo)
	if perr != nil {
		return err
	}
	return d.edit(ctx, at, newChange(bots.Message{Text: content}))
}

// apologise says why there is no answer to an /ask, where nothing else can be said.
func (d *Discord) apologise(ctx context.Context, to agent.Target, why error) {
	h := parseHook(to.Hook)
	if h.Token == "" || !errors.Is(why, agent.ErrUndeliverable) {
		return
	}
	if err := d.setOriginal(ctx, to, h, h.quote()+"\n\n"+agent.Explain(why)); err != nil {
		d.log.WarnContext(ctx, "the apology for a command could not be shown", "err", err)
	}
}
