package slack

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"strings"
	"sync"
	"time"
	"unicode"

	"bobbin/agent"
	"bobbin/bots"
	"bobbin/bots/markup"

	slackgo "github.com/slack-go/slack"
)

const (
	// commandGrace leaves half a second of Slack's three for the way back.
	commandGrace = 2500 * time.Millisecond
	// commandTimeout bounds the work behind a command.
	commandTimeout = 30 * time.Second
	// lastWords bounds what is said after commandTimeout.
	lastWords = 5 * time.Second
	maxQuoted = 2000 // characters of a question that its root message repeats
	// maxAckText is how much an acknowledgement may say, in bytes. Socket Mode loses one of
	// 20,480 bytes, escapes included.
	maxAckText = 8_000
)

// command is one slash command at work.
type command struct {
	hook
	in  *intake
	cmd slackgo.SlashCommand
	key string

	mu     sync.Mutex
	sealed bool   // the acknowledgement is on its way
	text   string // what it says
}

// command prepares the work on cmd; answers says whether the acknowledgement can carry
// a text.
func (in *intake) command(cmd slackgo.SlashCommand, answers bool) *command {
	return &command{
		in: in, cmd: cmd, key: keyOf(cmd.TriggerID), sealed: !answers,
		hook: hook{s: in.s, channel: cmd.ChannelID, user: cmd.UserID, url: cmd.ResponseURL},
	}
}

// run works on the command and returns, when that is done or Slack will wait no
// longer, what the acknowledgement is to say. What there is to say later goes to the
// response URL.
func (c *command) run(ctx context.Context) string {
	if !c.in.soon(ctx, c.in.commands, c.work) {
		return "I have too much to do at the moment. Please try again in a minute."
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.sealed = true
	if text := c.text; len(text) > maxAckText {
		c.in.wg.Go(func() { c.tell(ctx, text) })
		return ""
	}
	return c.text
}

func (c *command) work(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, commandTimeout)
	defer cancel()
	defer func() {
		if r := recover(); r != nil {
			c.s.log.Error("slack: a command failed", "error", fmt.Sprintf("panic: %v\n%s", r, debug.Stack()))
			c.tell(ctx, agent.Explain(errors.New("panic")))
		}
	}()
	if !isID(c.cmd.ChannelID) || !isID(c.cmd.UserID) {
		c.s.ignored.add("malformed")
		return
	}
	ev := c.event()
	if c.public(ev) && !c.openRoot(ctx, &ev) {
		return
	}
	refused, err := c.in.ask(ctx, ev)
	// These last words are due even when bobbin is stopping.
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastWords)
	defer cancel()
	if refused && c.public(ev) {
		c.s.withdraw(last, ev.MessageID)
	}
	if err != nil {
		c.tell(last, notTaken)
	}
}

// summarise is the command whose answer, as that of ask, is for all to see.
const summarise = "summarise"

// public reports whether all see the answer, so that they have to see what was asked.
func (c *command) public(ev bots.Event) bool {
	return ev.Command == "ask" && ev.Text != "" || ev.Command == summarise
}

// event converts the command. Slack knows no command inside a thread, so its place is
// a channel or DM.
func (c *command) event() bots.Event {
	id := c.cmd.UserID
	name, rest := strings.TrimSpace(c.cmd.Text), ""
	if space := strings.IndexFunc(name, unicode.IsSpace); space >= 0 {
		name, rest = name[:space], name[space:]
	}
	name = strings.ToLower(strings.TrimPrefix(name, "!")) // as it is written in threads
	rest = strings.TrimSpace(markup.FromSlack(rest, c.s.nameOf))
	if name == "" {
		name = "help"
	}
	at := agent.Address{Platform: c.s.Name(), Workspace: c.workspace(), Channel: c.cmd.ChannelID}
	if !c.direct() {
		at = c.s.inChannel(at, "", id)
	}
	return bots.Event{
		EventID:   "command/" + c.key,
		MessageID: agent.MessageID(c.cmd.ChannelID + "/command." + c.key),
		Target:    agent.Target{Address: at, Recipient: id},
		Author:    agent.Author{ID: id, Name: cmp.Or(c.s.names.of(id), c.cmd.UserName, id)},
		Direct:    c.direct(),
		Addressed: true,
		Command:   name,
		Text:      rest,
		Sent:      time.Now(),
		Respond:   c.respond,
		SendFile:  c.s.fileSender(at, id, c.hook),
	}
}

func (c *command) direct() bool { return isDM(c.cmd.ChannelID) }

func (c *command) workspace() string {
	if c.cmd.IsEnterpriseInstall && isID(c.cmd.TeamID) {
		return c.cmd.TeamID
	}
	return c.s.identity().team
}

// openRoot posts the message that repeats the question, since nobody else has seen it,
// and makes it the root of the answer's thread; in a DM the answer just follows it. It
// reports whether there is a root.
func (c *command) openRoot(ctx context.Context, ev *bots.Event) bool {
	to := ev.Target
	question := ev.Text
	if ev.Command == summarise {
		question = strings.TrimSpace("Sum up what was said here. " + ev.Text)
	}
	id, err := c.s.postText(ctx, to, c.key, asks(c.cmd.UserID, question))
	if err != nil && !certain(err) {
		// It may stand all the same.
		if found, errFind := c.s.Find(ctx, to, c.key); errFind == nil {
			id, err = found, nil
		}
	}
	if err != nil {
		c.s.log.Warn("slack: a question's root message was not posted", "channel", c.cmd.ChannelID, "error", err)
		c.tell(ctx, c.s.refusal(err, c.direct()))
		return false
	}
	ev.MessageID, ev.Target.ReplyTo = id, id
	if ev.Command == summarise {
		ev.Subject = &bots.Quote{ID: id} // what stands around it, not in its thread
	}
	if _, ts, err := splitID(id); err == nil {
		if !ev.Direct {
			ev.Target.Address = c.s.inChannel(ev.Target.Address, ts, c.cmd.UserID)
		}
		ev.Sent = sentAt(ts)
	}
	return true
}

// refusal says in plain words why a question cannot be put where it belongs.
func (s *Slack) refusal(err error, direct bool) string {
	switch {
	case absentCodes[code(err)] && direct:
		return "I cannot write in this conversation. Write to me directly, or ask in a channel that I am in."
	case absentCodes[code(err)]:
		return s.invitation()
	case errors.Is(err, agent.ErrUndeliverable):
		return "I may not write in this channel."
	}
	return "I could not write in this channel just now. Please try again in a minute."
}

// respond is Respond for a command: in the acknowledgement as long as there is one to
// come, then through the response URL.
func (c *command) respond(ctx context.Context, markdown string) error {
	text := mrkdwn(markdown)
	c.mu.Lock()
	if !c.sealed {
		c.text = strings.TrimSpace(c.text + "\n" + text)
		c.mu.Unlock()
		return nil
	}
	c.mu.Unlock()
	return c.say(ctx, text)
}

// tell is respond for the adapter's own sentences, whose failure nobody waits for.
func (c *command) tell(ctx context.Context, text string) {
	if err := c.respond(ctx, text); err != nil {
		c.s.log.Warn("slack: a person was not told what became of a command", "user", c.cmd.UserID, "error", err)
	}
}

// ephemeral is the payload of an acknowledgement that only the author sees.
func ephemeral(text string) map[string]string {
	return map[string]string{"response_type": slackgo.ResponseTypeEphemeral, "text": text}
}
