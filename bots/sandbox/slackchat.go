package sandbox

import (
	"encoding/json"
	"strings"
	"time"
	"unicode/utf8"
)

const (
	slackMaxText     = 40_000 // characters that chat.postMessage keeps
	slackMaxUpdate   = 4_000  // characters of text in chat.update
	slackMaxMarkdown = 12_000 // characters of all markdown blocks of a message
	slackMaxRendered = 13_200 // the same, as Slack renders them: found by trial, documented nowhere
	slackMaxBlocks   = 50
	slackMaxSection  = 3_000
	slackStatusLife  = 2 * time.Minute
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
		if code := slackCheckBlocks(c.blocks); code != "" {
			return c, code
		}
		if strings.TrimSpace(c.blocks) == "[]" {
			c.blocks = ""
		}
	}
	if raw := f.Get("metadata"); raw != "" {
		var m struct {
			EventType    string         `json:"event_type"`
			EventPayload map[string]any `json:"event_payload"`
		}
		if json.Unmarshal([]byte(raw), &m) != nil || (m.EventType == "") != (len(m.EventPayload) == 0) {
			return c, "invalid_metadata_format"
		}
		if c.metadata = raw; m.EventType == "" {
			c.metadata = "{}"
		}
	}
	return c, ""
}

// slackCheckBlocks returns the error of blocks that Slack would refuse.
func slackCheckBlocks(raw string) string {
	var blocks []struct {
		Type string          `json:"type"`
		Text json.RawMessage `json:"text"`
	}
	if json.Unmarshal([]byte(raw), &blocks) != nil {
		return "invalid_blocks_format"
	}
	if len(blocks) > slackMaxBlocks {
		return "invalid_blocks"
	}
	markdown, rendered, shown := 0, 0, 0
	for _, b := range blocks {
		shown++
		switch b.Type {
		case "":
			return "invalid_blocks"
		case "markdown":
			var text string
			if json.Unmarshal(b.Text, &text) != nil || text == "" {
				return "invalid_blocks"
			}
			markdown += utf8.RuneCountInString(text)
			chars, parts := slackRendered(text)
			rendered += chars
			shown += parts - 1
		case "section":
			var text struct {
				Text string `json:"text"`
			}
			if len(b.Text) > 0 && (json.Unmarshal(b.Text, &text) != nil || utf8.RuneCountInString(text.Text) > slackMaxSection) {
				return "invalid_blocks"
			}
		}
	}
	if markdown > slackMaxMarkdown || rendered > slackMaxRendered || shown > slackMaxBlocks {
		return "msg_blocks_too_long"
	}
	return ""
}

// slackRendered estimates what Slack makes of Markdown: characters, with & < > escaped
// and about 100 for each heading, and blocks, where headings, rules and the text
// between them are one each.
func slackRendered(markdown string) (chars, blocks int) {
	chars = utf8.RuneCountInString(slackEscaper.Replace(markdown))
	fenced, text := false, false
	for line := range strings.Lines(markdown) {
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, "```") {
			fenced = !fenced
		}
		heading := strings.HasPrefix(strings.TrimLeft(line, "#"), " ") && strings.HasPrefix(line, "#")
		switch {
		case !fenced && heading:
			chars += 100
			blocks, text = blocks+1, false
		case !fenced && (line == "---" || line == "***"):
			blocks, text = blocks+1, false
		case line != "" && !text:
			blocks, text = blocks+1, true
		}
	}
	return chars, max(1, blocks)
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

// setStatus is assistant.threads.setStatus.
func (s *Slack) setStatus(f slackForm) slackReply {
	c, ok := s.world.Channel(f.Get("channel_id"))
	if !ok {
		return slackFail("channel_not_found")
	}
	if code := s.forbidden[c.ID]; code != "" {
		return slackFail(code)
	}
	if !f.Has("status") || f.Get("thread_ts") == "" {
		return slackFail("invalid_arguments")
	}
	root, ok := s.world.Message(c.ID, f.Get("thread_ts"))
	if !ok {
		return slackFail("invalid_thread_ts")
	}
	ref := slackRef{c.ID, root.ID}
	if root.Thread != "" {
		ref.ts = root.Thread
	}
	if f.Get("status") == "" {
		s.clearStatus(ref)
		return slackOK()
	}
	s.statusSeq++
	now := s.statusSeq
	s.statuses[ref] = now
	s.world.ShowTyping(ref.channel, ref.ts, f.Get("status"))
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

// clearStatus takes a thread's status away. The caller holds mu.
func (s *Slack) clearStatus(ref slackRef) {
	if _, shown := s.statuses[ref]; shown {
		delete(s.statuses, ref)
		s.world.ShowTyping(ref.channel, ref.ts, "")
	}
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
