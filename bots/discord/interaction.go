package discord

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"bobbin/agent"
	"bobbin/bots"
)

// Kinds of interactions, of responses to them, and of where they happen.
const (
	interactionCommand = 2
	respondMessage     = 4
	respondDeferred    = 5
	contextPrivate     = 2 // a DM or group that the bot is not in
)

const (
	// answerBy is how long Discord waits for the first response.
	answerBy = 3 * time.Second
	// deferAfter is when a command that still runs is acknowledged meanwhile.
	deferAfter = 2 * time.Second
)

// interaction is somebody's use of a command.
type interaction struct {
	ID        string   `json:"id"`
	AppID     string   `json:"application_id"`
	Type      int      `json:"type"`
	Token     string   `json:"token"` // a secret: who has it may write as bobbin
	GuildID   string   `json:"guild_id"`
	ChannelID string   `json:"channel_id"`
	Channel   *channel `json:"channel"`
	Context   *int     `json:"context"`
	Member    *member  `json:"member"`
	User      *user    `json:"user"`
	Data      struct {
		Name    string `json:"name"`
		Options []struct {
			Name  string          `json:"name"`
			Value json.RawMessage `json:"value"`
		} `json:"options"`
	} `json:"data"`

	arrived time.Time
}

// author is who used the command, nil if Discord did not say.
func (i *interaction) author() *user {
	if i.Member != nil && i.Member.User != nil {
		return i.Member.User
	}
	return i.User
}

// option returns a string option of the command.
func (i *interaction) option(name string) string {
	for _, o := range i.Data.Options {
		var s string
		if o.Name == name && json.Unmarshal(o.Value, &s) == nil {
			return strings.TrimSpace(s)
		}
	}
	return ""
}

// interaction handles one slash command.
func (in *intake) interaction(ctx context.Context, i interaction) {
	who := i.author()
	if !validID(i.ID) || !validID(i.AppID) || i.Token == "" || !validID(i.ChannelID) || i.GuildID != "" && !validID(i.GuildID) || who == nil || !validID(who.ID) {
		in.d.counts.add(ignoredMalformed)
		return
	}
	if i.Type != interactionCommand {
		in.d.counts.add(ignoredUnknown)
		return
	}
	if who.Bot {
		in.d.counts.add(ignoredBot)
		return
	}
	var err error
	switch {
	case i.Context != nil && *i.Context == contextPrivate:
		err = in.d.tell(ctx, &i, "I cannot take part here. Ask me in a server that I am in, or in a direct message to me.")
	case i.Data.Name == "ask" && i.option("text") == "":
		err = in.d.tell(ctx, &i, "Please say what you want to know: `/ask text`")
	case i.Data.Name == "ask":
		err = in.ask(ctx, &i)
	case i.Data.Name == "reset" || i.Data.Name == "help":
		err = in.command(ctx, &i)
	default:
		err = in.d.tell(ctx, &i, "I do not know this command. Try `/help`.")
	}
	if err != nil {
		in.d.log.ErrorContext(ctx, "slash command", "command", short(i.Data.Name, 40), "interaction", i.ID, "err", err)
	}
}

// ask acknowledges first: where the answer stands depends on the id of the message
// that Discord makes of the acknowledgement.
func (in *intake) ask(ctx context.Context, i *interaction) error {
	d := in.d
	original, err := d.acknowledge(ctx, i)
	if err != nil {
		d.counts.add(ignoredLate)
		return err
	}
	e, err := d.asked(ctx, i, original)
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
func (d *Discord) asked(ctx context.Context, i *interaction, original string) (bots.Event, error) {
	e, c, err := d.used(ctx, i)
	if err != nil {
		return e, err
	}
	e.Command, e.Text = "ask", i.option("text")
	e.Target.ReplyTo = place{i.ChannelID, original}.id()
	e.Target.Hook = hook{App: i.AppID, Token: i.Token, Question: e.Text, Title: title(e.Text, e.Author.Name)}.encode()
	if e.Target.Thread == "" && c.canThread() && d.opts.Threads != Never && original != "" {
		e.Target.Thread = original
	}
	e.Respond = func(ctx context.Context, markdown string) error {
		var text string
		if pages := d.Render(markdown); len(pages) > 0 {
			text = pages[0].Text
		}
		return d.editOriginal(ctx, i.AppID, i.Token, text)
	}
	return e, nil
}

// used is the event of a command, without what differs between commands, and the
// channel that it was used in.
func (d *Discord) used(ctx context.Context, i *interaction) (bots.Event, channel, error) {
	who := i.author()
	e := bots.Event{
		EventID:   i.ID,
		MessageID: place{i.ChannelID, i.ID}.id(),
		Target: agent.Target{
			Address:   agent.Address{Platform: Name, Workspace: i.GuildID, Channel: i.ChannelID},
			Recipient: who.ID,
		},
		Author:    agent.Author{ID: who.ID, Name: name(who, i.Member)},
		Direct:    i.GuildID == "",
		Addressed: true,
		Sent:      sent(i.ID),
	}
	if e.Direct {
		return e, channel{ID: i.ChannelID, Type: channelDM}, nil
	}
	if i.Channel != nil {
		i.Channel.ID = i.ChannelID
		d.remember(*i.Channel)
	}
	c, err := d.channel(ctx, i.ChannelID)
	switch {
	case refused(err): // bobbin cannot see it; slash commands work there all the same
		return e, channel{ID: i.ChannelID, Type: -1}, nil
	case err != nil:
		return e, c, err
	case c.isThread():
		e.Target.Channel, e.Target.Thread = c.parent(), i.ChannelID
	}
	return e, c, nil
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

// callback makes the first response to an interaction.
func (d *Discord) callback(ctx context.Context, i *interaction, body, out any) error {
	return d.rest.do(ctx, call{
		what: "respond to a command", method: http.MethodPost, path: []string{"interactions", i.ID, i.Token, "callback"},
		query: url.Values{"with_response": {"true"}}, route: "interaction " + i.ID, hook: true, body: body, out: out,
	})
}

// original is the path of an interaction's first response.
func original(app, token string) []string {
	return []string{"webhooks", app, token, "messages", "@original"}
}

// editOriginal replaces the first response to an interaction.
func (d *Discord) editOriginal(ctx context.Context, app, token, content string) error {
	return d.patiently(ctx, func(ctx context.Context) error {
		return d.rest.do(ctx, call{
			what: "edit the response to a command", method: http.MethodPatch, path: original(app, token), hook: true,
			route: "webhook " + token, // exempt from shared limits, so each has its own
			body:  post{Content: content, Mentions: quiet()},
		})
	})
}

// tell answers a command with a word for its user only.
func (d *Discord) tell(ctx context.Context, i *interaction, text string) error {
	return d.callback(ctx, i, map[string]any{"type": respondMessage, "data": private(text)}, nil)
}

func private(text string) post { return post{Content: text, Flags: flagEphemeral, Mentions: quiet()} }

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
	if err := d.setOriginal(ctx, to, h, quote(h.Question)); err != nil {
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
	return d.edit(ctx, at, content)
}

// apologise says why there is no answer to an /ask, where nothing else can be said.
func (d *Discord) apologise(ctx context.Context, to agent.Target, why error) {
	h := parseHook(to.Hook)
	if h.Token == "" || !errors.Is(why, agent.ErrUndeliverable) {
		return
	}
	if err := d.setOriginal(ctx, to, h, quote(h.Question)+"\n\n"+agent.Explain(why)); err != nil {
		d.log.WarnContext(ctx, "the apology for a command could not be shown", "err", err)
	}
}

// command runs /reset and /help, whose answer is for their user only.
func (in *intake) command(ctx context.Context, i *interaction) error {
	a := &answer{d: in.d, i: i}
	finished := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		late := time.NewTimer(time.Until(i.arrived.Add(deferAfter)))
		defer late.Stop()
		select {
		case <-late.C:
			if err := a.hold(ctx); err != nil {
				in.d.log.WarnContext(ctx, "acknowledge a command", "interaction", i.ID, "err", err)
			}
		case <-finished:
		}
	})
	err := in.commanded(ctx, i, a)
	close(finished)
	wg.Wait()
	switch {
	case err != nil:
		in.d.counts.add(ignoredUnaccepted)
		return errors.Join(err, a.give(ctx, agent.Explain(err)))
	case !a.given:
		return a.give(ctx, "Done.")
	}
	return nil
}

func (in *intake) commanded(ctx context.Context, i *interaction, a *answer) error {
	e, _, err := in.d.used(ctx, i)
	if err != nil {
		return err
	}
	e.Command, e.Respond = i.Data.Name, a.give
	return in.submit(ctx, e)
}

// answer is the private answer to a command.
type answer struct {
	d *Discord
	i *interaction

	mu          sync.Mutex
	held, given bool
}

// hold acknowledges the command, unless it is answered.
func (a *answer) hold(ctx context.Context) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.given || a.held {
		return nil
	}
	err := a.d.callback(ctx, a.i, map[string]any{"type": respondDeferred, "data": map[string]int{"flags": flagEphemeral}}, nil)
	a.held = err == nil || code(err) == codeAlreadyAnswered
	return err
}

// give answers the command, once.
func (a *answer) give(ctx context.Context, markdown string) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.given {
		return nil
	}
	pages := a.d.Render(markdown)
	if len(pages) == 0 {
		return nil
	}
	first := func() error { return a.d.tell(ctx, a.i, pages[0].Text) }
	if a.held {
		first = func() error { return a.d.editOriginal(ctx, a.i.AppID, a.i.Token, pages[0].Text) }
	}
	if err := first(); err != nil {
		return err
	}
	a.given = true
	for _, p := range pages[1:] {
		err := a.d.rest.do(ctx, call{
			what: "go on answering a command", method: http.MethodPost, path: []string{"webhooks", a.i.AppID, a.i.Token},
			route: "webhook " + a.i.Token, hook: true, body: private(p.Text),
		})
		if err != nil {
			return err
		}
	}
	return nil
}
