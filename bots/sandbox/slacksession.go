package sandbox

import (
	"fmt"
	"slices"
	"time"
	"unicode/utf8"
)

// How the app is declared to Slack as an agent.
const (
	SlackAgentView     = "agent_view"     // the DM is the agent's messages tab
	SlackAssistantView = "assistant_view" // the older way: a pane of threads
	SlackNoAgent       = "none"
)

const (
	slackMaxTitle = 200
	// slackSessionLife is when Slack itself takes a session that nobody ends for idle.
	slackSessionLife = time.Hour
)

// slackSessionStatuses are the states of an agent's session.
var slackSessionStatuses = []string{"active", "processing", "suspended", "closed"}

// slackSession is an agent's session in a thread.
type slackSession struct {
	status, title string
	since         time.Time
}

// session returns the session of a thread, made if need be. The caller holds mu.
func (s *Slack) session(ref slackRef) *slackSession {
	if s.sessions[ref] == nil {
		s.sessions[ref] = &slackSession{}
	}
	return s.sessions[ref]
}

func (x *slackSession) set(status string) { x.status, x.since = status, time.Now() }

// processing reports whether people see the session at work.
func (x *slackSession) processing() bool {
	return x != nil && x.status == "processing" && time.Since(x.since) < slackSessionLife
}

// showSession lets people see a session's state and its Stop button. The caller holds mu.
func (s *Slack) showSession(ref slackRef) {
	x := s.sessions[ref]
	s.world.Show(Surface{Kind: "session", In: ref.channel, Thread: ref.ts, Data: slackJSON(map[string]any{
		"status": x.status, "stop": x.processing() && s.events["agent_session_stopped"],
	})})
	s.showTitle(ref, x.title)
}

func (s *Slack) showTitle(ref slackRef, title string) {
	if title != "" {
		s.world.Show(Surface{Kind: "title", In: ref.channel, Thread: ref.ts, Data: slackJSON(title)})
	}
}

// threadOf finds the thread that a call names, or returns Slack's error.
func (s *Slack) threadOf(f slackForm) (slackRef, string) {
	c, ok := s.world.Channel(f.Get("channel_id"))
	if !ok {
		return slackRef{}, "channel_not_found"
	}
	if code := s.forbidden[c.ID]; code != "" {
		return slackRef{}, code
	}
	if f.Get("thread_ts") == "" {
		return slackRef{}, "invalid_arguments: thread_ts is missing"
	}
	root, ok := s.world.Message(c.ID, f.Get("thread_ts"))
	if !ok {
		return slackRef{}, "invalid_thread_ts"
	}
	if root.Thread != "" {
		return slackRef{c.ID, root.Thread}, ""
	}
	return slackRef{c.ID, root.ID}, ""
}

// setSession is agents.sessions.setStatus.
func (s *Slack) setSession(f slackForm) slackReply {
	if s.o.Agent == SlackNoAgent {
		return slackFail("feature_disabled")
	}
	status := f.Get("status")
	if !slices.Contains(slackSessionStatuses, status) {
		return slackFail("invalid_arguments: must be a valid enum value [json-pointer:/status]")
	}
	title := f.Get("title")
	if utf8.RuneCountInString(title) > slackMaxTitle {
		return slackFail("invalid_arguments: the title is too long")
	}
	ref, code := s.threadOf(f)
	if code != "" {
		return slackFail(code)
	}
	x := s.sessions[ref]
	if x == nil {
		x = s.session(ref)
		x.title = title
	}
	x.set(status)
	s.showSession(ref)
	reply := slackOK("status", x.status, "agent_status", x.status)
	if x.title != "" {
		reply["title"] = x.title
	}
	if !s.events["agent_session_stopped"] {
		warning := "missing_agent_session_stopped_event_subscription"
		reply["warning"] = warning
		reply["response_metadata"] = map[string]any{"warnings": []string{warning}}
	}
	return reply
}

// renameSession is agents.sessions.rename.
func (s *Slack) renameSession(f slackForm) slackReply {
	title := f.Get("title")
	if title == "" || utf8.RuneCountInString(title) > slackMaxTitle {
		return slackFail("invalid_arguments: a title of 1 to 200 characters is needed")
	}
	ref, code := s.threadOf(f)
	switch {
	case s.o.Agent == SlackNoAgent:
		code = "feature_disabled"
	case code == "" && s.sessions[ref] == nil:
		code = "session_not_found"
	}
	if code != "" {
		return slackFail(code)
	}
	s.sessions[ref].title = title
	s.showTitle(ref, title)
	return slackOK("title", title)
}

// Session returns the state of the agent's session in a thread, or nothing.
func (s *Slack) Session(channel, thread string) (status, title string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	x := s.sessions[slackRef{channel, thread}]
	if x == nil {
		return "", ""
	}
	return x.status, x.title
}

// StopStreaming lets a person press Slack's own Stop button, which stands in a thread
// while the agent's session there is processing. Slack ends the streams in it and tells
// the app; the session stays as it is until the app says otherwise.
func (s *Slack) StopStreaming(user, channel, thread string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	ref := slackRef{channel, thread}
	if !s.sessions[ref].processing() || !s.events["agent_session_stopped"] {
		return fmt.Errorf("stop: there is no Stop button in thread %s of %q", thread, channel)
	}
	halted := []string{}
	for _, m := range s.world.Replies(channel, thread) {
		at := slackRef{channel, m.ID}
		if st := s.streams[at]; st != nil && st.live {
			st.stopped = true
			s.endStream(at)
			halted = append(halted, m.ID)
		}
	}
	event := map[string]any{
		"type": "agent_session_stopped", "channel": channel, "thread_ts": thread, "user": user, "event_ts": s.newTS(),
	}
	if len(halted) > 0 {
		event["streaming_message_ts"] = halted
	}
	s.deliverIf("agent_session_stopped", channel, event)
	return nil
}

// RenameSession lets a person change the title of an agent's session.
func (s *Slack) RenameSession(user, channel, thread, title string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	ref := slackRef{channel, thread}
	x := s.sessions[ref]
	if x == nil || title == "" {
		return fmt.Errorf("rename: no session in thread %s of %q, or no title", thread, channel)
	}
	event := map[string]any{
		"type": "agent_session_title_changed", "channel": channel, "thread_ts": thread, "user": user,
		"team_id": s.o.TeamID, "title": title, "event_ts": s.newTS(),
	}
	if x.title != "" {
		event["previous_title"] = x.title
	}
	x.title = title
	s.showTitle(ref, title)
	s.deliverIf("agent_session_title_changed", channel, event)
	return nil
}
