package sandbox

import (
	"encoding/json"
	"strings"
	"time"
	"unicode/utf8"
)

const (
	slackMaxText    = 40_000 // characters that chat.postMessage keeps
	slackMaxUpdate  = 4_000  // characters of text in chat.update
	slackStatusLife = 2 * time.Minute
)

// slackContent is what a call wants a message to show.
type slackContent struct {
	text, blocks, metadata string
	hasText, hasBlocks     bool
}

// content reads the text, blocks, markdown_text and metadata of a call, or returns
// Slack's error.
func (s *Slack) content(f slackForm) (c slackContent, code string) {
	c.text, c.hasText = f.Get("text"), f.Has("text")
	if md := f.Get("markdown_text"); md != "" {
		if c.text != "" || f.Get("blocks") != "" {
			return c, "markdown_text_conflict"
		}
		c.text, c.hasText, c.hasBlocks = md, true, true
		c.blocks = string(slackJSON([]map[string]string{{"type": "markdown", "text": md}}))
	} else if raw := f.Get("blocks"); raw != "" {
		c.blocks, c.hasBlocks = raw, true
	}
	if c.hasBlocks {
		blocks := slackReadBlocks(c.blocks, false)
		if blocks.code != "" {
			return c, blocks.code
		}
		c.blocks = blocks.named()
		if strings.TrimSpace(c.blocks) == "[]" {
			c.blocks = ""
		}
	}
	c.metadata, code = slackMetadata(f.Get("metadata"))
	return c, code
}

// slackMetadata reads a message's metadata; what takes it away is "{}".
func slackMetadata(raw string) (metadata, code string) {
	if raw == "" {
		return "", ""
	}
	var m struct {
		EventType    string                     `json:"event_type"`
		EventPayload map[string]json.RawMessage `json:"event_payload"`
	}
	if json.Unmarshal([]byte(raw), &m) != nil || (m.EventType == "") != (len(m.EventPayload) == 0) {
		return "", "invalid_metadata_format"
	}
	if m.EventType == "" {
		return "{}", ""
	}
	return raw, ""
}

// place finds the channel of a call; a user's id stands for the DM with them.
func (s *Slack) place(id string) (Channel, string) {
	if c, ok := s.world.Channel(id); ok {
		return c, ""
	}
	if u, ok := s.world.User(id); ok && !u.Bot {
		c, _ := s.world.Channel(s.OpenDM(id))
		return c, ""
	}
	return Channel{}, "channel_not_found"
}

func (s *Slack) chatPostMessage(f slackForm) slackReply {
	c, code := s.place(f.Get("channel"))
	if code != "" {
		return slackFail(code)
	}
	content, code := s.content(f)
	if code != "" {
		return slackFail(code)
	}
	if content.text == "" && content.blocks == "" {
		return slackFail("no_text")
	}
	thread := f.Get("thread_ts")
	if thread != "" {
		if _, ok := slackMicros(thread); !ok {
			return slackFail("invalid_thread_ts")
		}
		root, ok := s.world.Message(c.ID, thread)
		switch {
		case !ok:
			// The root was deleted: Slack posts to the channel instead.
			thread = ""
		case root.OnlyFor != "":
			return slackFail("cannot_reply_to_message")
		case root.Thread != "":
			thread = root.Thread
		}
	}
	m := s.post(c, Message{
		Thread: thread, Text: slackFirst(content.text, slackMaxText),
		Blocks: content.blocks, Key: content.metadata,
	})
	return slackOK("channel", c.ID, "ts", m.ID, "message", s.show(m))
}

// post puts up a message of the bot's. The caller holds mu.
func (s *Slack) post(c Channel, m Message) Message {
	m.ID, m.Channel, m.User = s.newTS(), c.ID, s.o.Bot.ID
	s.world.Put(m)
	s.clearStatus(slackRef{c.ID, m.Thread})
	s.announce(c, m)
	return m
}

func (s *Slack) chatUpdate(f slackForm) slackReply {
	c, code := s.place(f.Get("channel"))
	if code != "" {
		return slackFail(code)
	}
	m, code := s.mine(c, f.Get("ts"), "cant_update_message")
	if code != "" {
		return slackFail(code)
	}
	if st := s.streams[slackRef{c.ID, m.ID}]; st != nil && st.live {
		return slackFail("streaming_state_conflict")
	}
	content, code := s.content(f)
	if code != "" {
		return slackFail(code)
	}
	if f.Get("markdown_text") == "" && utf8.RuneCountInString(content.text) > slackMaxUpdate {
		return slackFail("msg_too_long")
	}
	if content.text == "" && content.blocks == "" {
		return slackFail("no_text")
	}
	before := s.show(m)
	switch {
	case content.hasBlocks:
		m.Blocks = content.blocks
	case content.hasText:
		m.Blocks = ""
	}
	if content.hasText || content.hasBlocks {
		m.Text = content.text
	}
	if content.metadata != "" {
		m.Key = content.metadata
	}
	if m.Blocks == "" {
		// Only edits of plain text are marked as edited.
		s.extra(c.ID, m.ID).edited = s.newTS()
	}
	s.world.Put(m)
	s.announceChange(c, m, before)
	return slackOK("channel", c.ID, "ts", m.ID, "text", m.Text, "message", s.show(m))
}

func (s *Slack) chatDelete(f slackForm) slackReply {
	c, code := s.place(f.Get("channel"))
	if code != "" {
		return slackFail(code)
	}
	m, code := s.mine(c, f.Get("ts"), "cant_delete_message")
	if code != "" {
		return slackFail(code)
	}
	s.remove(c, m)
	return slackOK("channel", c.ID, "ts", m.ID)
}

// mine finds a message of the bot's own.
func (s *Slack) mine(c Channel, ts, otherwise string) (Message, string) {
	m, ok := s.world.Message(c.ID, ts)
	switch {
	case !ok || m.OnlyFor != "":
		return m, "message_not_found"
	case !s.isBot(m.User):
		return m, otherwise
	}
	return m, ""
}

func (s *Slack) chatPostEphemeral(f slackForm) slackReply {
	c, code := s.place(f.Get("channel"))
	if code != "" {
		return slackFail(code)
	}
	user := f.Get("user")
	if _, ok := s.world.User(user); !ok {
		return slackFail("user_not_in_channel")
	}
	content, code := s.content(f)
	if code != "" {
		return slackFail(code)
	}
	if content.text == "" && content.blocks == "" {
		return slackFail("no_text")
	}
	m := s.whisper(c.ID, f.Get("thread_ts"), user, s.o.Bot.ID, content)
	return slackOK("message_ts", m.ID)
}

// whisper puts up a message that only user sees. The caller holds mu.
func (s *Slack) whisper(channel, thread, user, from string, content slackContent) Message {
	m := Message{
		ID: s.newTS(), Channel: channel, Thread: thread, User: from, OnlyFor: user,
		Text: slackFirst(content.text, slackMaxText), Blocks: content.blocks,
	}
	s.world.Put(m)
	return m
}

// slackFirst cuts text to its first n characters.
func slackFirst(text string, n int) string {
	for i := range text {
		if n == 0 {
			return text[:i]
		}
		n--
	}
	return text
}
