package main

import (
	"encoding/json"
	"fmt"
	"html"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf16"
	"unicode/utf8"

	"bobbin/bots/sandbox"
)

// sight is what a person saw of one message of bobbin's from a moment on.
type sight struct {
	at    time.Duration // since the recording began
	id    string
	where string // the thread, or the channel
	gone  bool
	open  bool // a stream of Slack's that may still grow

	head, text, foot string
	tasks            []string // the cards of Slack's streams: their status and title
	buttons          []string // what stands on them
	files            []string
	press            map[string]string // what a button is pressed by
}

// sign is what the platform showed beside the messages: Slack's words, Discord's typing.
type sign struct {
	at           time.Duration
	where, words string
}

// recording is everything that a watcher saw of bobbin's, in order.
type recording struct {
	sights []sight
	signs  []sign
}

// theatre is a platform as the tests of what people see use it.
type theatre struct {
	name     string
	setup    setup
	world    func(*rig) *sandbox.World
	ask      func(*rig, string) string // returns where the answer stands
	press    func(r *rig, s sight, button string) error
	refusals func(*rig) int
	most     int           // characters of a message
	every    time.Duration // between two edits, as the limits have it
	native   bool

	// With a crowd of answers at once: by when the last of them has a first text, and how
	// long after its last token each is complete.
	first, complete time.Duration
}

// theatres are the ways in which an answer grows, each with the platform's limits on.
func theatres() []theatre {
	onSlack := theatre{
		name: "slack", most: 12_000, every: 1200 * time.Millisecond,
		first: crowd * 220 * time.Millisecond, complete: crowd * 1200 * time.Millisecond,
		world: func(r *rig) *sandbox.World { return r.slack.World() },
		ask:   func(r *rig, text string) string { return r.say(ada, general, "", "@bobbin "+text) },
		press: func(r *rig, s sight, button string) error {
			return r.slack.Press(ada, general, s.id, s.press[button])
		},
		refusals: (*rig).refusedBySlack,
	}
	native := onSlack
	native.name, native.native, native.every = "slack native", true, 1200*time.Millisecond
	native.setup.config = func(c *Config) { c.Slack.Stream = "native" }
	return []theatre{onSlack, native, {
		name: "discord", most: 2_000, every: time.Second,
		first: 2*crowd*time.Second/40 + 2*time.Second, complete: 2 * crowd * time.Second / 50,
		world: func(r *rig) *sandbox.World { return r.discord.World() },
		ask:   func(r *rig, text string) string { return r.mention("ada", text) },
		press: func(r *rig, s sight, button string) error {
			return r.discord.Press("ada", s.where, s.id, s.press[button])
		},
		refusals: (*rig).refusedByDiscord,
	}}
}

// configured returns the theatre with settings of its own.
func (h theatre) configured(set func(*Config)) setup {
	s := h.setup
	before := s.config
	s.config = func(c *Config) {
		if before != nil {
			before(c)
		}
		set(c)
	}
	return s
}

// refusedBySlack counts the calls that were answered with 429.
func (r *rig) refusedBySlack() (n int) {
	for _, method := range []string{
		"agents.sessions.rename", "agents.sessions.setStatus", "assistant.threads.setStatus", "assistant.threads.setSuggestedPrompts",
		"assistant.threads.setTitle", "chat.appendStream", "chat.delete", "chat.postEphemeral", "chat.postMessage", "chat.startStream",
		"chat.stopStream", "chat.update", "conversations.history", "conversations.info", "conversations.replies",
		"files.completeUploadExternal", "files.getUploadURLExternal", "files.info", "reactions.add", "reactions.remove", "users.info",
	} {
		if k := r.slack.Limited(method); k > 0 {
			r.Logf("%s was refused %d times in %d calls", method, k, r.slack.Calls(method))
			n += k
		}
	}
	return n
}

func (r *rig) refusedByDiscord() (n int) {
	for _, route := range []string{
		"POST /channels/{channel}/messages", "PATCH /channels/{channel}/messages/{message}", "DELETE /channels/{channel}/messages/{message}",
		"POST /channels/{channel}/typing", "POST /channels/{channel}/messages/{message}/threads", "GET /channels/{channel}",
		"GET /channels/{channel}/messages", "PUT /channels/{channel}/messages/{message}/reactions/{emoji}/@me",
	} {
		if k := r.discord.Limited(route); k > 0 {
			r.Logf("%s was refused %d times in %d calls", route, k, r.discord.Calls(route))
			n += k
		}
	}
	return n
}

// record returns what was seen of bobbin's messages since the change numbered from.
func (r *rig) record(w *sandbox.World, from int) (rec recording) {
	var began time.Time
	for c := range changes(w, from) {
		if began.IsZero() {
			began = c.At
		}
		switch {
		case c.Kind == sandbox.Typing:
			where := c.In
			if c.Thread != "" {
				where = c.Thread
			}
			rec.signs = append(rec.signs, sign{c.At.Sub(began), where, c.Status})
		case c.Message != nil && len(r.answers([]sandbox.Message{*c.Message})) == 1 && c.Message.OnlyFor == "":
			s := sightOf(*c.Message)
			s.at, s.gone = c.At.Sub(began), c.Kind == sandbox.Deleted
			rec.sights = append(rec.sights, s)
		}
	}
	return rec
}

// sightOf reads a message as people see it.
func sightOf(m sandbox.Message) sight {
	s := sight{id: m.ID, where: m.Channel, open: m.Streaming, press: make(map[string]string)}
	if m.Thread != "" {
		s.where = m.Thread
	}
	for _, f := range m.Files {
		s.files = append(s.files, f.Name)
	}
	switch {
	case m.Blocks != "":
		s.blocks(m.Blocks)
		if m.Streaming && s.text == "" {
			s.text = m.Text
		}
	default:
		lines := strings.Split(m.Text, "\n")
		if head, ok := strings.CutPrefix(lines[0], "-# "); ok {
			s.head, lines = head, lines[1:]
		}
		if n := len(lines) - 1; n >= 0 {
			if foot, ok := strings.CutPrefix(lines[n], "-# "); ok {
				s.foot, lines = foot, lines[:n]
			}
		}
		s.text = strings.Join(lines, "\n")
	}
	if m.Components != "" {
		var rows []struct {
			Components []struct {
				Label string `json:"label"`
				Emoji struct {
					Name string `json:"name"`
				} `json:"emoji"`
				ID string `json:"custom_id"`
			} `json:"components"`
		}
		if err := json.Unmarshal([]byte(m.Components), &rows); err != nil {
			panic(err)
		}
		for _, row := range rows {
			for _, b := range row.Components {
				s.buttons = append(s.buttons, b.Label+b.Emoji.Name)
				s.press[b.Label+b.Emoji.Name] = b.ID
			}
		}
	}
	return s
}

// blocks reads Slack's.
func (s *sight) blocks(raw string) {
	type text struct {
		Text string `json:"text"`
	}
	var blocks []struct {
		Type     string          `json:"type"`
		Text     json.RawMessage `json:"text"`
		Title    string          `json:"title"`
		Status   string          `json:"status"`
		Elements []struct {
			Text   json.RawMessage `json:"text"`
			Action string          `json:"action_id"`
		} `json:"elements"`
	}
	if err := json.Unmarshal([]byte(raw), &blocks); err != nil {
		panic(err)
	}
	read := func(raw json.RawMessage) (words string) {
		var t text
		if json.Unmarshal(raw, &words) != nil && json.Unmarshal(raw, &t) == nil {
			words = t.Text
		}
		return words
	}
	below := false
	for _, b := range blocks {
		switch b.Type {
		case "markdown", "section":
			s.text += read(b.Text)
			below = true
		case "task_card":
			s.tasks = append(s.tasks, b.Status+": "+b.Title)
		case "context":
			for _, e := range b.Elements {
				if below {
					s.foot += read(e.Text)
				} else {
					s.head += read(e.Text)
				}
			}
		case "actions":
			for _, e := range b.Elements {
				s.buttons = append(s.buttons, read(e.Text))
				s.press[read(e.Text)] = e.Action
			}
		}
	}
}

// at returns what was seen at a place.
func (rec recording) at(where string) (there recording) {
	for _, s := range rec.sights {
		if s.where == where {
			there.sights = append(there.sights, s)
		}
	}
	for _, s := range rec.signs {
		if s.where == where {
			there.signs = append(there.signs, s)
		}
	}
	return there
}

// scenes returns the messages that stood together after each sight, in the order in which
// they were posted.
func (rec recording) scenes() (scenes [][]sight) {
	var now []sight
	for _, s := range rec.sights {
		now = slices.Clone(now)
		i := slices.IndexFunc(now, func(o sight) bool { return o.id == s.id })
		switch {
		case s.gone && i >= 0:
			now = slices.Delete(now, i, i+1)
		case i >= 0:
			now[i] = s
		case !s.gone:
			now = append(now, s)
		}
		scenes = append(scenes, now)
	}
	return scenes
}

// last returns the messages that stood in the end.
func (rec recording) last() []sight {
	scenes := rec.scenes()
	if len(scenes) == 0 {
		return nil
	}
	return scenes[len(scenes)-1]
}

func (s sight) String() string {
	return fmt.Sprintf("%v %s head=%q text=%q foot=%q tasks=%q buttons=%q files=%q open=%t gone=%t",
		s.at, s.id, s.head, clipped(s.text), s.foot, s.tasks, s.buttons, s.files, s.open, s.gone)
}

func clipped(text string) string {
	if len(text) <= 400 {
		return text
	}
	return text[:200] + " […] " + text[len(text)-200:]
}

// size is what counts against a platform's limit: UTF-16 units are the stricter measure.
func size(text string) int { return len(utf16.Encode([]rune(text))) }

var (
	markLink   = regexp.MustCompile(`!?\[((?:\\.|[^\[\]\\])*)\]\(<?[^()\s]*>?\)`)
	markPair   = regexp.MustCompile("\\*\\*\\*(.+?)\\*\\*\\*|\\*\\*(.+?)\\*\\*|\\*([^*]+)\\*|~~(.+?)~~|`([^`]+)`")
	markLine   = regexp.MustCompile(`^\s*(?:> ?|#+ |[-*•] (?:\[[ x]\] )?)*`)
	markRule   = regexp.MustCompile(`^[\s|:─┼│-]+$`)
	markEscape = regexp.MustCompile(`\\([[:punct:]])`)
	markFence  = regexp.MustCompile("^[> ]*(`{3,}|~{3,})")
	markFrame  = strings.NewReplacer("|", "", "│", "", "─", "", "┼", "", "\u200b", "", "\u00a0", "", " ", "", "\n", "", "\t", "")
)

// bare takes the mark-up off: what is left are the words that people read, without spaces.
// Of mark-up that is not complete it returns the line, since people would see it.
func bare(text string) (words, raw string) {
	var b strings.Builder
	fence := ""
	for line := range strings.SplitSeq(text, "\n") {
		mark := markFence.FindStringSubmatch(line)
		switch {
		case fence == "" && mark != nil:
			fence = mark[1]
			continue
		case fence != "" && mark != nil && strings.HasPrefix(mark[1], fence) && strings.Trim(line, "> `~") == "":
			fence = ""
			continue
		case fence != "":
			b.WriteString(line)
			continue
		case markRule.MatchString(line):
			continue
		}
		line = markLine.ReplaceAllString(line, "")
		line = markLink.ReplaceAllString(line, "$1")
		line = markEscape.ReplaceAllString(line, "$1")
		for range 3 { // one within the other
			line = markPair.ReplaceAllString(line, "$1$2$3$4$5")
		}
		if strings.ContainsAny(line, "*`~") || strings.Contains(line, "](") {
			raw = line
		}
		b.WriteString(line)
	}
	if fence != "" {
		raw = fence
	}
	return html.UnescapeString(markFrame.Replace(b.String())), raw
}

// maxTakenBack is how many characters at the end may be taken back when an answer goes on:
// "1" may become a list, and "!" an image.
const maxTakenBack = 3

// grows fails the test unless all that was seen only ever grew, was within the limit, and
// never was mark-up that is not complete. What moves to a new message is out of sight until
// that is posted, and no longer. A stream of Slack's that is open may end in an open block
// of code, which Slack closes.
func (r *rig) grows(rec recording, most int) {
	r.Helper()
	before := ""
	scenes := rec.scenes()
	for i, scene := range scenes {
		now := ""
		for _, s := range scene {
			if n := size(s.text); n > most {
				r.Errorf("at %v a message has %d characters, more than %d", s.at, n, most)
			}
			words, raw := bare(s.text)
			if raw != "" && (!s.open || strings.Trim(raw, "`") != "") {
				r.Errorf("at %v mark-up is seen: %q", rec.sights[i].at, clipped(raw))
			}
			now += strings.TrimSuffix(words, "…")
		}
		stays := before
		for range maxTakenBack {
			_, n := utf8.DecodeLastRuneInString(stays)
			stays = stays[:len(stays)-n]
		}
		if moves := i+1 < len(scenes) && len(scenes[i+1]) > len(scene); moves && strings.HasPrefix(before, now) {
			continue
		}
		if !strings.HasPrefix(now, stays) {
			k := 0
			for k < min(len(now), len(stays)) && now[k] == stays[k] {
				k++
			}
			k = max(0, k-40)
			r.Errorf("at %v what was seen is taken back: it was\n%q and is\n%q", rec.sights[i].at, clipped(before[k:]), clipped(now[k:]))
		}
		before = now
	}
}
