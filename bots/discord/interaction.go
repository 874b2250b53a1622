package discord

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"time"

	"bobbin/agent"
	"bobbin/bots"
)

// Kinds of interactions, of commands, of responses to them, and of where they happen.
const (
	interactionCommand = 2
	interactionPress   = 3
	interactionTyping  = 4 // an argument that has choices
	interactionForm    = 5
	commandMessage     = 3 // on a message, from its menu
	respondMessage     = 4
	respondDeferred    = 5
	respondNothing     = 6 // what was pressed stays as it is
	respondChoices     = 8
	respondForm        = 9
	contextDirect      = 1 // a DM with the bot
	contextPrivate     = 2 // a DM or group that the bot is not in
)

const (
	// answerBy is how long Discord waits for the first response.
	answerBy = 3 * time.Second
	// deferAfter is when a command that still runs is acknowledged meanwhile.
	deferAfter = 2 * time.Second
)

// interaction is somebody's use of a command or a button, or a form that they filled in.
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
	Message   *message `json:"message"` // the one with the button
	Data      struct {
		Name    string `json:"name"`
		Type    int    `json:"type"`
		Options []struct {
			Name  string          `json:"name"`
			Value json.RawMessage `json:"value"`
		} `json:"options"`
		TargetID string `json:"target_id"` // of a command on a message
		Resolved struct {
			Messages map[string]json.RawMessage `json:"messages"`
		} `json:"resolved"`
		CustomID   string  `json:"custom_id"`  // of a button or form
		Components []field `json:"components"` // of a form
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

// direct reports whether this happens in a DM with bobbin.
func (i *interaction) direct() bool {
	return i.GuildID == "" && (i.Context == nil || *i.Context == contextDirect) && (i.Channel == nil || i.Channel.Type == channelDM)
}

// text returns the argument of a command; none of bobbin's has more than one.
func (i *interaction) text() string {
	for _, o := range i.Data.Options {
		var s string
		if json.Unmarshal(o.Value, &s) == nil {
			return strings.TrimSpace(s)
		}
	}
	return ""
}

// interaction handles one interaction.
func (in *intake) interaction(ctx context.Context, i interaction) {
	who := i.author()
	if !validID(i.ID) || !validID(i.AppID) || i.Token == "" || !validID(i.ChannelID) || i.GuildID != "" && !validID(i.GuildID) || who == nil || !validID(who.ID) {
		in.d.counts.add(ignoredMalformed)
		return
	}
	if who.Bot {
		in.d.counts.add(ignoredBot)
		return
	}
	var err error
	switch {
	case i.Type == interactionTyping:
		err = in.complete(ctx, &i)
	case i.Context != nil && *i.Context == contextPrivate:
		err = in.d.tell(ctx, &i, "I cannot take part here. Ask me in a server that I am in, or in a direct message to me.")
	case i.Type == interactionPress:
		err = in.press(ctx, &i)
	case i.Type == interactionForm:
		err = in.form(ctx, &i)
	case i.Type != interactionCommand:
		in.d.counts.add(ignoredUnknown)
	case i.Data.Type == commandMessage:
		err = in.menu(ctx, &i)
	case i.Data.Name == "ask" && i.text() == "":
		err = in.d.tell(ctx, &i, "Please say what you want to know: `/ask text`")
	case i.Data.Name == "ask":
		err = in.ask(ctx, &i, asking{Command: "ask", Text: i.text()})
	case i.Data.Name == commandSummarise && in.d.offered(i.Data.Name):
		err = in.ask(ctx, &i, asking{Command: i.Data.Name, Text: i.text(), Shown: "Sum up what was said here."})
	case in.d.offered(i.Data.Name):
		err = in.command(ctx, &i)
	default:
		err = in.d.tell(ctx, &i, "I do not know this command. Try `/help`.")
	}
	if err != nil {
		in.d.log.ErrorContext(ctx, "interaction", "type", i.Type, "name", short(i.Data.Name, 40), "interaction", i.ID, "err", err)
	}
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
	if err != nil || !c.isThread() {
		e.Target.Address = d.inChannel(e.Target.Address, c, "", who.ID)
	}
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
