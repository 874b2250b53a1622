package slack

import (
	"context"
	"encoding/json"
	"strings"
	"sync"
	"time"

	"bobbin/agent"
	"bobbin/bots"

	slackgo "github.com/slack-go/slack"
)

// Prompt is something that Slack's pane for agents suggests to ask.
type Prompt struct {
	Title   string // what stands on the button
	Message string // what is asked; empty means Title
}

const (
	// maxPrompts is how many are shown.
	maxPrompts = 4
	// maxTitle keeps the title of a conversation to what the list of them shows.
	maxTitle    = 60
	paneTimeout = 20 * time.Second
)

// noPaneCodes say that the app is no agent.
var noPaneCodes = set("not_agent_app", "feature_disabled", "feature_not_enabled", "missing_scope", "unknown_method", "method_deprecated",
	"not_allowed_token_type", "no_permission", "access_denied")

// paneOpened is a new conversation in the pane of the older kind: a thread of its own.
func (s *Slack) paneOpened(cb *callback, _ string) (h happening, ignored string) {
	var thread struct {
		Channel string `json:"channel_id"`
		TS      string `json:"thread_ts"`
	}
	if json.Unmarshal(cb.Event.Thread, &thread) != nil || !isID(thread.Channel) || !isTS(thread.TS) {
		return h, "malformed"
	}
	h.do = func(ctx context.Context) {
		s.panes.open.add(messageID(thread.Channel, thread.TS))
		s.suggest(ctx, thread.Channel, thread.TS)
	}
	return h, ""
}

// known remembers the last ids that it was given. It is safe for concurrent use.
type known struct {
	mu  sync.Mutex
	ids recent
}

func (m *known) add(id agent.MessageID) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.ids.add(id)
}

func (m *known) has(id agent.MessageID) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.ids.has(id)
}

// panes are conversations of the pane.
type panes struct{ open, asked known }

// first reports whether a thread is of the pane, and nothing was asked in it yet.
func (p *panes) first(root agent.MessageID) bool {
	if !p.open.has(root) || p.asked.has(root) {
		return false
	}
	p.asked.add(root)
	return true
}

// asked gives a conversation of the pane its title.
func (s *Slack) asked(ev bots.Event) {
	in := s.intake.Load()
	if in != nil && ev.Direct && ev.Target.Thread != "" && s.panes.first(messageID(ev.Target.Channel, ev.Target.Thread)) {
		at, text := ev.Target.Address, ev.Text // or each event would be kept on the heap
		in.apart("title", func(ctx context.Context) { s.entitle(ctx, at, text) })
	}
}

// idle tells Slack that the agent is no longer at work in a thread, which Slack leaves to
// the app when a person has pressed its Stop button.
func (s *Slack) idle(at agent.Address) {
	in := s.intake.Load()
	if in == nil || s.noPane.Load() {
		return
	}
	in.apart("session", func(ctx context.Context) {
		ctx, cancel := context.WithTimeout(ctx, paneTimeout)
		defer cancel()
		_, err := s.api.SetAgentSessionStatusContext(ctx, slackgo.AgentSessionSetStatusParameters{
			Status: "active", ChannelID: at.Channel, ThreadTS: at.Thread,
		})
		s.paneDone("agents.sessions.setStatus", err)
	})
}

// suggest shows the prompts in a DM, or a thread of it.
func (s *Slack) suggest(ctx context.Context, channel, thread string) {
	if len(s.opts.Prompts) == 0 || s.noPane.Load() {
		return
	}
	p := slackgo.AssistantThreadsSetSuggestedPromptsParameters{ChannelID: channel, ThreadTS: thread}
	for _, prompt := range s.opts.Prompts[:min(len(s.opts.Prompts), maxPrompts)] {
		message := prompt.Message
		if message == "" {
			message = prompt.Title
		}
		p.AddPrompt(prompt.Title, message)
	}
	ctx, cancel := context.WithTimeout(ctx, paneTimeout)
	defer cancel()
	s.paneDone("assistant.threads.setSuggestedPrompts", s.api.SetAssistantThreadsSuggestedPromptsContext(ctx, p))
}

// entitle names a conversation of the pane after its first question.
func (s *Slack) entitle(ctx context.Context, at agent.Address, question string) {
	title := []rune(strings.Join(strings.Fields(question), " "))
	if len(title) == 0 || s.noPane.Load() {
		return
	}
	if len(title) > maxTitle {
		title = append(title[:maxTitle-1], '…')
	}
	ctx, cancel := context.WithTimeout(ctx, paneTimeout)
	defer cancel()
	s.paneDone("assistant.threads.setTitle", s.api.SetAssistantThreadsTitleContext(ctx, slackgo.AssistantThreadsSetTitleParameters{
		ChannelID: at.Channel, ThreadTS: at.Thread, Title: string(title),
	}))
}

// paneDone notes what came of a call that only serves the pane: nobody waits for it.
func (s *Slack) paneDone(doing string, err error) {
	if err == nil {
		return
	}
	if noPaneCodes[code(err)] && !s.noPane.Swap(true) {
		s.log.Info("slack: nothing is shown in the pane for agents", "error", explain(doing, err))
		return
	}
	s.log.Debug("slack: something in the pane for agents was not shown", "error", explain(doing, err))
}
