package sandbox

import (
	"context"
	"slices"
	"time"
)

const (
	slackMaxStreamCall = 12_000 // characters of Markdown in one call
	// slackMaxStream is how many characters of Markdown one streamed message holds:
	// documented nowhere, found by those who reached it.
	slackMaxStream = 12_000
	// slackStreamLife is how long a stream takes more, however busy it is.
	slackStreamLife = 306 * time.Second
)

// slackStream is a message that grows.
type slackStream struct {
	mode    string // "markdown_text" or "chunks"; empty until there is something
	plan    bool   // task cards stand together in a plan, not in the order of their coming
	title   string // of the plan
	parts   []*slackPart
	chars   int
	live    bool
	stopped bool // by a person
	end     context.CancelFunc
}

func (s *Slack) startStream(f slackForm) slackReply {
	c, code := s.place(f.Get("channel"))
	if code != "" {
		return slackFail(code)
	}
	thread := f.Get("thread_ts")
	if thread == "" {
		return slackFail("invalid_arguments: thread_ts is missing")
	}
	if _, ok := slackMicros(thread); !ok {
		return slackFail("invalid_thread_ts")
	}
	root, ok := s.world.Message(c.ID, thread)
	if !ok {
		return slackFail("invalid_thread_ts")
	}
	if root.Thread != "" {
		thread = root.Thread
	}
	team, user := f.Get("recipient_team_id"), f.Get("recipient_user_id")
	switch _, known := s.world.User(user); {
	case team == "" && (!c.Direct || user != ""):
		return slackFail("missing_recipient_team_id")
	case user == "" && (!c.Direct || team != ""):
		return slackFail("missing_recipient_user_id")
	case team != "" && team != s.o.TeamID:
		return slackFail("team_not_found")
	case user != "" && !known:
		return slackFail("user_not_found")
	}
	mode := f.Get("task_display_mode")
	if mode != "" && mode != "timeline" && mode != "plan" {
		return slackFail("invalid_arguments: task_display_mode is neither timeline nor plan")
	}
	chunks, code := s.streamed(f)
	if code != "" {
		return slackFail(code)
	}
	ctx, end := context.WithCancel(s.ctx)
	st := &slackStream{plan: mode == "plan", live: true, end: end}
	st.add(chunks)
	blocks, text := st.blocks(nil)
	m := s.post(c, Message{Thread: thread, Text: text, Blocks: blocks, Streaming: true})
	ref := slackRef{c.ID, m.ID}
	s.streams[ref] = st
	s.run(func() {
		if pause(ctx, slackStreamLife) {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.endStream(ref)
		}
		end()
	})
	if s.o.Agent != SlackNoAgent {
		s.session(slackRef{c.ID, thread}).set("processing")
		s.showSession(slackRef{c.ID, thread})
	}
	return slackOK("channel", c.ID, "ts", m.ID)
}

// growing finds a live stream of the bot's, or returns Slack's error.
func (s *Slack) growing(f slackForm) (Channel, Message, *slackStream, string) {
	c, code := s.place(f.Get("channel"))
	if code != "" {
		return c, Message{}, nil, code
	}
	m, code := s.mine(c, f.Get("ts"), "message_not_owned_by_app")
	if code != "" {
		return c, m, nil, code
	}
	st := s.streams[slackRef{c.ID, m.ID}]
	if st == nil || !st.live {
		if st != nil && st.stopped {
			return c, m, nil, "stopped_by_user"
		}
		return c, m, nil, "message_not_in_streaming_state"
	}
	return c, m, st, ""
}

func (s *Slack) appendStream(f slackForm) slackReply {
	c, m, st, code := s.growing(f)
	if code != "" {
		return slackFail(code)
	}
	chunks, code := s.streamed(f)
	if code == "" && chunks.mode == "" {
		code = "no_text"
	}
	if code == "" {
		code = st.takes(chunks)
	}
	if code != "" {
		return slackFail(code)
	}
	st.add(chunks)
	m.Blocks, m.Text = st.blocks(nil)
	s.world.Put(m)
	return slackOK("channel", c.ID, "ts", m.ID)
}

func (s *Slack) stopStream(f slackForm) slackReply {
	c, m, st, code := s.growing(f)
	if code == "stopped_by_user" { // then it is over, as far as this call goes
		code = "message_not_in_streaming_state"
	}
	if code != "" {
		return slackFail(code)
	}
	chunks, code := s.streamed(f)
	if code == "" {
		code = st.takes(chunks)
	}
	if code != "" {
		return slackFail(code)
	}
	var last []map[string]any
	if raw := f.Get("blocks"); raw != "" {
		b := slackReadBlocks(raw, false)
		if b.code != "" {
			return slackFail(b.code)
		}
		b.name()
		last = b.list
	}
	metadata, code := slackMetadata(f.Get("metadata"))
	if code != "" {
		return slackFail(code)
	}
	status := f.Get("session_status")
	if status == "" {
		status = "active"
	}
	if !slices.Contains(slackSessionStatuses, status) {
		return slackFail("invalid_arguments: session_status is " + status)
	}
	before := s.show(m)
	st.add(chunks)
	m.Blocks, m.Text = st.blocks(last)
	if metadata != "" {
		m.Key = metadata
	}
	s.world.Put(m)
	s.endStream(slackRef{c.ID, m.ID})
	m, _ = s.world.Message(c.ID, m.ID)
	s.announceChange(c, m, before)
	if s.o.Agent != SlackNoAgent {
		ref := slackRef{c.ID, m.Thread}
		s.session(ref).set(status)
		s.showSession(ref)
	}
	return slackOK("channel", c.ID, "ts", m.ID, "message", s.show(m))
}

// endStream lets a stream grow no more. The caller holds mu.
func (s *Slack) endStream(ref slackRef) {
	st := s.streams[ref]
	if st == nil || !st.live {
		return
	}
	st.live = false
	st.end()
	if m, ok := s.world.Message(ref.channel, ref.ts); ok {
		m.Streaming = false
		s.world.Put(m)
	}
}
