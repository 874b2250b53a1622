package discord

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"bobbin/agent"
	"bobbin/bots"
)

// Flags of messages.
const (
	flagSuppressEmbeds = 1 << 2 // a preview would fetch what the model wrote
	flagEphemeral      = 1 << 6
)

// post is the body of a new message.
type post struct {
	Content    string      `json:"content"`
	Nonce      string      `json:"nonce,omitempty"`
	Enforce    bool        `json:"enforce_nonce,omitempty"`
	Flags      int         `json:"flags,omitempty"`
	Mentions   mentions    `json:"allowed_mentions"`
	Reference  *reference  `json:"message_reference,omitempty"`
	Components []component `json:"components,omitempty"`
}

// change is the body of an edit: all of what a message shows, so that nothing of it
// stays that is no longer wanted.
type change struct {
	Content    string      `json:"content"`
	Mentions   mentions    `json:"allowed_mentions"`
	Components []component `json:"components"`
}

// mentions says whom a message may ping: nobody, but the author of the message that
// it is a reply to. Left out, Discord would ping everyone it names.
type mentions struct {
	Parse       []string `json:"parse"`
	RepliedUser bool     `json:"replied_user"`
}

type reference struct {
	MessageID string `json:"message_id"`
	// Fail is false: an answer to a message that was deleted is still an answer.
	Fail bool `json:"fail_if_not_exists"`
}

func quiet() mentions { return mentions{Parse: []string{}, RepliedUser: true} }

func newPost(m bots.Message) post {
	return post{Content: content(m), Flags: flagSuppressEmbeds, Mentions: quiet(), Components: row(m.Buttons)}
}

// maxNonce is Discord's limit on a nonce.
const maxNonce = 25

// noteKey is the nonce of the nth page of a note about the message with that id.
func noteKey(id string, n int) string {
	key := "n" + strconv.Itoa(n) + "-" + id
	return key[:min(len(key), maxNonce)]
}

// send posts p. With a nonce that is enforced, Discord returns the message that was
// posted with it within the last minutes instead of a second one. That one shows what it
// showed then, perhaps the beginning of an answer that has grown, so it is edited.
func (d *Discord) send(ctx context.Context, channel string, p post, files ...bots.Upload) (place, error) {
	var out struct {
		ID         string      `json:"id"`
		Content    string      `json:"content"`
		Components []component `json:"components"`
	}
	err := d.rest.do(ctx, call{
		what: "post a message", method: http.MethodPost, path: []string{"channels", channel, "messages"},
		route: postRoute(channel), body: p, files: files, out: &out,
	})
	if err != nil {
		return place{}, err
	}
	if !validID(out.ID) {
		return place{}, errors.New("post a message: the answer has no message id")
	}
	at := place{channel, out.ID}
	if p.Nonce == "" {
		return at, nil
	}
	d.own(at, p.Nonce)
	// Discord trims what it is given.
	same := strings.TrimSpace(out.Content) == strings.TrimSpace(p.Content) && slices.Equal(customIDs(out.Components), customIDs(p.Components))
	if out.Content != "" && !same {
		if err := d.edit(ctx, at, change{p.Content, p.Mentions, append([]component{}, p.Components...)}); err != nil {
			return place{}, fmt.Errorf("a message posted before is brought up to date: %w", err)
		}
	}
	return at, nil
}

// own remembers what one of our messages was posted with.
func (d *Discord) own(at place, key string) {
	d.ours.put(key, string(at.id()))
	d.keys.put(string(at.id()), key)
}

// Post implements bots.Platform. key is the message's nonce. The answer to a mention
// opens its thread, and the answer to a slash command shows the question first.
func (d *Discord) Post(ctx context.Context, to agent.Target, key string, m bots.Message) (agent.MessageID, error) {
	return d.publish(ctx, to, key, newPost(m))
}

func (d *Discord) publish(ctx context.Context, to agent.Target, key string, p post, files ...bots.Upload) (agent.MessageID, error) {
	if key == "" || len(key) > maxNonce {
		return "", fmt.Errorf("post a message: a key has 1 to %d characters", maxNonce)
	}
	at, err := d.open(ctx, to)
	if err != nil {
		return "", err
	}
	p.Nonce, p.Enforce = key, true
	p.Reference = d.refer(to, at, key)
	posted, err := d.send(ctx, at, p, files...)
	switch {
	case code(err) == codeThreadArchived:
		if d.unarchive(ctx, at) == nil {
			posted, err = d.send(ctx, at, p, files...)
		}
	case code(err) == codeMissingPermissions && len(files) == 0 && at != to.Channel && d.opts.Threads != Always && opens(to):
		// It may open threads, but not write in them.
		d.threads.put(to.Thread, to.Channel)
		at = to.Channel
		p.Reference = d.refer(to, at, key)
		posted, err = d.send(ctx, at, p, files...)
	}
	if len(files) > 0 {
		err = fileError(err)
	}
	if err = postError(err); err != nil {
		if errors.Is(err, agent.ErrUndeliverable) {
			d.apologise(ctx, to, err)
		}
		return "", err
	}
	return posted.id(), nil
}

// opens reports whether the thread of to is one that its answer has to open.
func opens(to agent.Target) bool {
	reply, err := parsePlace(to.ReplyTo)
	return to.Thread != "" && (err != nil || reply.channel != to.Thread)
}

// refer returns the reference that a post in a guild's channel carries, and one that
// answers an old message elsewhere. Only the first message of an answer has one.
func (d *Discord) refer(to agent.Target, at, key string) *reference {
	question := d.referred(to, at)
	if question == "" {
		return nil
	}
	if first, ok := d.firsts.get(question); ok && first != key {
		return nil
	}
	d.firsts.put(question, key)
	return &reference{MessageID: question}
}

// referred is the message that an answer at a channel or thread refers to, if it does.
func (d *Discord) referred(to agent.Target, at string) string {
	reply, err := parsePlace(to.ReplyTo)
	if err != nil || reply.channel != at {
		return ""
	}
	if (to.Workspace == "" || at != to.Channel) && !parseHook(to.Hook).Late {
		return ""
	}
	return reply.message
}

// unarchive opens a thread that has gone to rest. That fails if it is locked.
func (d *Discord) unarchive(ctx context.Context, thread string) error {
	return d.rest.do(ctx, call{
		what: "reopen a thread", method: http.MethodPatch, path: []string{"channels", thread},
		route: "PATCH channels/" + thread, body: map[string]bool{"archived": false},
	})
}

// Edit implements bots.Platform.
func (d *Discord) Edit(ctx context.Context, _ agent.Target, id agent.MessageID, m bots.Message) error {
	at, err := parsePlace(id)
	if err != nil {
		return fmt.Errorf("edit a message: %w: %w", bots.ErrGone, err)
	}
	c := newChange(m)
	err = d.edit(ctx, at, c)
	if code(err) == codeThreadArchived && d.unarchive(ctx, at.channel) == nil {
		err = d.edit(ctx, at, c)
	}
	return editError(err)
}

func newChange(m bots.Message) change {
	return change{Content: content(m), Mentions: quiet(), Components: row(m.Buttons)}
}

func (d *Discord) edit(ctx context.Context, at place, c change) error {
	var out struct {
		ID string `json:"id"`
	}
	err := d.rest.do(ctx, call{
		what: "edit a message", method: http.MethodPatch, path: []string{"channels", at.channel, "messages", at.message},
		route: editRoute(at.channel), body: c, out: &out,
	})
	if err == nil && out.ID != at.message {
		return errors.New("edit a message: the answer is not the message")
	}
	return err
}

// Delete implements bots.Platform.
func (d *Discord) Delete(ctx context.Context, _ agent.Target, id agent.MessageID) error {
	at, err := parsePlace(id)
	if err != nil {
		return fmt.Errorf("delete a message: %w", err)
	}
	err = editError(d.rest.do(ctx, call{
		what: "delete a message", method: http.MethodDelete, path: []string{"channels", at.channel, "messages", at.message},
		route: "DELETE channels/" + at.channel + "/messages",
	}))
	if errors.Is(err, bots.ErrGone) {
		return nil
	}
	return err
}

// typingLasts is less than the ten seconds that Discord shows the sign.
const typingLasts = 8 * time.Second

// Typing implements bots.Typist. Discord has no words for what is being done.
func (d *Discord) Typing(ctx context.Context, to agent.Target, doing string) (time.Duration, error) {
	if doing == "" {
		return 0, nil
	}
	at, err := d.open(ctx, to)
	if err != nil {
		return 0, err
	}
	err = d.rest.do(ctx, call{
		what: "show typing", method: http.MethodPost, path: []string{"channels", at, "typing"},
		route: "POST channels/" + at + "/typing", spare: true,
	})
	return typingLasts, postError(err)
}
