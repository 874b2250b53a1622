package sandbox

import (
	"encoding/json"
	"fmt"
	"strings"
	"unicode/utf8"
)

const (
	slackMaxPrompts     = 4 // that are shown
	slackMaxLoading     = 10
	slackMaxLoadingText = 50 // characters
)

// OpenAssistant lets a person open a new conversation with the agent beside the channel
// that they look at, if any. In the older assistant view that is a thread of the DM of
// its own, which begins with a message that the app did not write; in the agent view it
// is the DM, and thread is empty.
func (s *Slack) OpenAssistant(user, viewing string) (channel, thread string, err error) {
	u, ok := s.world.User(user)
	if !ok || u.Bot || u.Deleted {
		return "", "", fmt.Errorf("open the assistant: no person %q", user)
	}
	if s.o.Agent == SlackNoAgent {
		return "", "", fmt.Errorf("open the assistant: the app is no agent")
	}
	s.mu.Lock()
	s.viewing[user] = viewing
	s.mu.Unlock()
	if s.o.Agent == SlackAgentView {
		channel, err = s.OpenMessages(user)
		return channel, "", err
	}
	channel = s.OpenDM(user)
	s.mu.Lock()
	defer s.mu.Unlock()
	c, _ := s.world.Channel(channel)
	m := Message{ID: s.newTS(), Channel: channel, User: s.o.Bot.ID, Text: "New Assistant Thread"}
	m.Thread = m.ID
	s.extra(channel, m.ID).subtype = "assistant_app_thread"
	s.world.Put(m)
	s.announce(c, m)
	ref := slackRef{channel, m.ID}
	s.assistants[ref] = user
	s.deliverIf("assistant_thread_started", channel, s.assistantEvent("assistant_thread_started", ref))
	return channel, m.ID, nil
}

// Look lets a person look at another channel while the agent is open beside it. The app
// is told as its view of agents wants it.
func (s *Slack) Look(user, channel string) error {
	if _, ok := s.world.Channel(channel); !ok && channel != "" {
		return fmt.Errorf("look at %q: there is no such channel", channel)
	}
	dm := s.OpenDM(user)
	if dm == "" {
		return fmt.Errorf("look at %q: no person %q", channel, user)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.viewing[user] = channel
	if s.o.Agent == SlackAgentView {
		s.deliverIf("app_context_changed", dm, map[string]any{
			"type": "app_context_changed", "user": user, "channel": dm, "context": s.appContext(user), "event_ts": s.newTS(),
		})
		return nil
	}
	newest := slackRef{}
	for ref, who := range s.assistants {
		if who == user && ref.ts > newest.ts {
			newest = ref
		}
	}
	if newest.ts != "" {
		s.deliverIf("assistant_thread_context_changed", dm, s.assistantEvent("assistant_thread_context_changed", newest))
	}
	return nil
}

// assistantEvent is about an assistant's thread. The caller holds mu.
func (s *Slack) assistantEvent(kind string, ref slackRef) map[string]any {
	user := s.assistants[ref]
	context := map[string]any{}
	if v := s.viewing[user]; v != "" {
		context = map[string]any{"channel_id": v, "team_id": s.o.TeamID, "enterprise_id": nil}
	}
	return map[string]any{
		"type": kind, "event_ts": s.newTS(),
		"assistant_thread": map[string]any{"user_id": user, "context": context, "channel_id": ref.channel, "thread_ts": ref.ts},
	}
}

// appContext is what a person has open. The caller holds mu.
func (s *Slack) appContext(user string) map[string]any {
	entities := []any{}
	if v := s.viewing[user]; v != "" {
		entities = append(entities, map[string]any{"type": "slack#/types/channel_id", "value": v, "team_id": s.o.TeamID})
	}
	return map[string]any{"entities": entities}
}

// setTitle is assistant.threads.setTitle.
func (s *Slack) setTitle(f slackForm) slackReply {
	if s.o.Agent == SlackNoAgent {
		return slackFail("not_agent_app")
	}
	title := f.Get("title")
	if title == "" {
		return slackFail("invalid_arguments: title is missing")
	}
	ref, code := s.threadOf(f)
	if c, _ := s.world.Channel(ref.channel); code == "" && !c.Direct {
		code = "invalid_arguments: it is no thread of a DM"
	}
	if code != "" {
		return slackFail(code)
	}
	s.session(ref).title = slackFirst(title, slackMaxTitle)
	s.showTitle(ref, s.sessions[ref].title)
	return slackOK()
}

// SlackPrompt is something that the agent suggests to ask.
type SlackPrompt struct {
	Title   string `json:"title"`
	Message string `json:"message"`
}

// slackPrompts are those of a place.
type slackPrompts struct {
	Title   string        `json:"title,omitempty"`
	Prompts []SlackPrompt `json:"prompts"`
}

// setSuggestedPrompts is assistant.threads.setSuggestedPrompts. Without a thread, which
// only the agent view allows, they stand in the DM itself.
func (s *Slack) setSuggestedPrompts(f slackForm) slackReply {
	if s.o.Agent == SlackNoAgent {
		return slackFail("not_agent_app")
	}
	c, ok := s.world.Channel(f.Get("channel_id"))
	if !ok || !c.Direct {
		return slackFail("channel_not_found")
	}
	ref := slackRef{channel: c.ID}
	if f.Get("thread_ts") != "" || s.o.Agent == SlackAssistantView {
		var code string
		if ref, code = s.threadOf(f); code != "" {
			return slackFail(code)
		}
	}
	p := slackPrompts{Title: f.Get("title")}
	if json.Unmarshal([]byte(f.Get("prompts")), &p.Prompts) != nil || len(p.Prompts) == 0 {
		return slackFail("invalid_arguments: prompts is no list")
	}
	for _, one := range p.Prompts {
		if one.Title == "" || one.Message == "" {
			return slackFail("invalid_arguments: a prompt needs a title and a message")
		}
	}
	p.Prompts = p.Prompts[:min(len(p.Prompts), slackMaxPrompts)]
	s.world.Show(Surface{Kind: "prompts", In: ref.channel, Thread: ref.ts, Data: slackJSON(p)})
	return slackOK()
}

// Prompts returns what the agent suggests to ask in a thread, or in a DM itself.
func (s *Slack) Prompts(channel, thread string) (title string, prompts []SlackPrompt) {
	at, ok := s.world.Surface(Surface{Kind: "prompts", In: channel, Thread: thread})
	var p slackPrompts
	if !ok || json.Unmarshal(at.Data, &p) != nil {
		return "", nil
	}
	return p.Title, p.Prompts
}

// setStatus is assistant.threads.setStatus.
func (s *Slack) setStatus(f slackForm) slackReply {
	if !f.Has("status") {
		return slackFail("invalid_arguments: status is missing")
	}
	ref, code := s.threadOf(f)
	if code != "" {
		return slackFail(code)
	}
	loading, ok := slackLoading(f.Get("loading_messages"))
	if !ok {
		return slackFail("invalid_arguments: loading_messages are up to 10 of up to 50 characters")
	}
	if f.Get("status") == "" {
		s.clearStatus(ref)
		return slackOK()
	}
	s.statusSeq++
	now := s.statusSeq
	s.statuses[ref] = now
	s.world.ShowTyping(ref.channel, ref.ts, f.Get("status"), loading...)
	s.run(func() {
		if !pause(s.ctx, slackStatusLife) {
			return
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.statuses[ref] == now {
			s.clearStatus(ref)
		}
	})
	return slackOK()
}

// slackLoading reads loading_messages: a JSON list, or words between commas.
func slackLoading(raw string) (list []string, ok bool) {
	if raw == "" {
		return nil, true
	}
	if json.Unmarshal([]byte(raw), &list) != nil {
		list = strings.Split(raw, ",")
	}
	for _, text := range list {
		if utf8.RuneCountInString(text) > slackMaxLoadingText {
			return nil, false
		}
	}
	return list, len(list) <= slackMaxLoading
}

// clearStatus takes a thread's status away. The caller holds mu.
func (s *Slack) clearStatus(ref slackRef) {
	if _, shown := s.statuses[ref]; shown {
		delete(s.statuses, ref)
		s.world.ShowTyping(ref.channel, ref.ts, "")
	}
}
