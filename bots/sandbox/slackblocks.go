package sandbox

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"strings"
	"unicode/utf8"
)

const (
	slackMaxMarkdown = 12_000 // characters of all markdown blocks of a message
	slackMaxRendered = 13_200 // the same, as Slack renders them: found by trial, documented nowhere
	slackMaxBlocks   = 50     // of a message
	slackMaxSection  = 3_000
	slackMaxID       = 255 // characters of a block_id or action_id
)

// slackBlocks is a list of blocks that was read, and what is wrong with it.
type slackBlocks struct {
	raw  string
	list []map[string]any
	view bool // of a modal or home, not of a message
	// code is Slack's error, with what it is about after a colon; empty if all is well.
	code string
	// nameless checks build no names of places. Most blocks are right and need none.
	nameless bool

	markdown, rendered, shown, tables int
	ids                               map[string]bool
}

// slackReadBlocks reads the blocks of a message, or of a view.
func slackReadBlocks(raw string, view bool) *slackBlocks {
	b := &slackBlocks{raw: raw, view: view, nameless: true}
	if json.Unmarshal([]byte(raw), &b.list) != nil {
		b.code = "invalid_blocks_format"
		return b
	}
	if b.check(); b.code != "" {
		b = &slackBlocks{raw: raw, list: b.list, view: view}
		b.check()
	}
	return b
}

// check goes through the list once.
func (b *slackBlocks) check() {
	most := slackMaxBlocks
	if b.view {
		most = slackMaxViewBlocks
	}
	if len(b.list) > most {
		b.fail("there are %d blocks of at most %d", len(b.list), most)
	}
	for i, block := range b.list {
		b.shown++
		b.block(b.nth("", i), block)
	}
	if b.code == "" && (b.markdown > slackMaxMarkdown || b.rendered > slackMaxRendered || b.shown > slackMaxBlocks && !b.view) {
		b.code = "msg_blocks_too_long"
	}
}

// nth names the place of an entry of a list.
func (b *slackBlocks) nth(list string, i int) string {
	if b.nameless {
		return ""
	}
	return fmt.Sprintf("%s[%d]", list, i)
}

// kind adds to the name of a place what stands there.
func (b *slackBlocks) kind(at, kind string) string {
	if b.nameless {
		return ""
	}
	return at + " " + kind
}

// name gives a block_id to each block that people can act on and that has none, as Slack
// does, and returns which these are.
func (b *slackBlocks) name() (which []int) {
	for i, block := range b.list {
		if _, has := block["block_id"].(string); has {
			continue
		}
		if block["elements"] == nil && block["accessory"] == nil && block["element"] == nil || block["type"] == "rich_text" || block["type"] == "context" {
			continue
		}
		block["block_id"] = rand.Text()[:5]
		which = append(which, i)
	}
	return which
}

// named returns the JSON of the blocks with the names that name gives. They must be right.
func (b *slackBlocks) named() string {
	which := b.name()
	if len(which) == 0 {
		return b.raw
	}
	ends := slackEnds(b.raw)
	named := make([]byte, 0, len(b.raw)+len(which)*len(`,"block_id":"12345"`))
	done := 0
	for _, i := range which {
		named = append(named, b.raw[done:ends[i]]...)
		named = append(named, `,"block_id":"`+slackString(b.list[i], "block_id")+`"`...)
		done = ends[i]
	}
	return string(append(named, b.raw[done:]...))
}

// slackEnds returns where the objects in a JSON array of objects have their last brace.
func slackEnds(raw string) (ends []int) {
	depth, quoted := 0, false
	for i := 0; i < len(raw); i++ {
		switch c := raw[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '{' || c == '[':
			depth++
		case c == '}' || c == ']':
			if depth--; depth == 1 {
				ends = append(ends, i)
			}
		}
	}
	return ends
}

// fail notes the first fault.
func (b *slackBlocks) fail(format string, args ...any) {
	if b.code == "" {
		b.code = "invalid_blocks: " + fmt.Sprintf(format, args...)
	}
}

func (b *slackBlocks) block(at string, block map[string]any) {
	kind, _ := block["type"].(string)
	at = b.kind(at, kind)
	if id, has := block["block_id"]; has {
		name, ok := id.(string)
		if !ok || utf8.RuneCountInString(name) > slackMaxID {
			b.fail("%s: the block_id is no text of at most %d characters", at, slackMaxID)
		}
		if b.ids[name] && name != "" {
			b.fail("%s: the block_id %q stands there twice", at, name)
		}
		if b.ids == nil {
			b.ids = make(map[string]bool)
		}
		b.ids[name] = true
	}
	var actions slackActionIDs
	switch kind {
	case "section":
		if block["text"] == nil && block["fields"] == nil {
			b.fail("%s: neither text nor fields", at)
		}
		if block["text"] != nil {
			b.text(at+".text", block["text"], "", slackMaxSection)
		}
		if block["fields"] != nil {
			for i, f := range b.array(at+".fields", block["fields"], 1, 10) {
				b.text(b.nth(at+".fields", i), f, "", 2_000)
			}
		}
		if block["accessory"] != nil {
			b.element(at+".accessory", block["accessory"], slackInSection, &actions)
		}
	case "header":
		b.text(at+".text", block["text"], "plain_text", 150)
	case "context":
		for i, e := range b.array(at+".elements", block["elements"], 1, 10) {
			place := b.nth(at+".elements", i)
			if m, _ := e.(map[string]any); m["type"] == "image" {
				b.image(place, m)
			} else {
				b.text(place, e, "", slackMaxSection)
			}
		}
	case "actions":
		for i, e := range b.array(at+".elements", block["elements"], 1, 25) {
			b.element(b.nth(at+".elements", i), e, slackInActions, &actions)
		}
	case "image":
		b.image(at, block)
	case "divider":
	case "rich_text":
		b.array(at+".elements", block["elements"], 0, 1_000)
	case "input":
		if !b.view {
			b.fail("%s: an input block belongs into a view", at)
		}
		b.text(at+".label", block["label"], "plain_text", 2_000)
		if block["hint"] != nil {
			b.text(at+".hint", block["hint"], "plain_text", 2_000)
		}
		b.element(at+".element", block["element"], slackInInput, &actions)
	default:
		b.inMessage(at, kind, block, &actions)
	}
}

// inMessage checks the blocks that only a message may have.
func (b *slackBlocks) inMessage(at, kind string, block map[string]any, actions *slackActionIDs) {
	if b.view && kind != "video" {
		b.fail("%s: a view has no such block", at)
		return
	}
	switch kind {
	case "markdown":
		text, _ := block["text"].(string)
		if text == "" {
			b.fail("%s: no text", at)
		}
		b.markdown += utf8.RuneCountInString(text)
		chars, parts := slackRendered(text)
		b.rendered += chars
		b.shown += parts - 1
	case "context_actions":
		for i, e := range b.array(at+".elements", block["elements"], 1, 5) {
			b.element(b.nth(at+".elements", i), e, slackInContext, actions)
		}
	case "task_card":
		b.task(at, block)
	case "plan":
		b.string(at+".title", block["title"], 1, 0)
		if block["tasks"] != nil {
			for i, e := range b.array(at+".tasks", block["tasks"], 0, slackMaxBlocks) {
				m, _ := e.(map[string]any)
				b.task(b.nth(at+".tasks", i), m)
			}
		}
	case "table":
		if b.tables++; b.tables > 1 && b.code == "" {
			b.code = "invalid_attachments: only_one_table_allowed"
		}
		for i, row := range b.array(at+".rows", block["rows"], 1, 100) {
			b.array(b.nth(at+".rows", i), row, 1, 20)
		}
	case "file", "video", "call", "alert", "card", "carousel", "container", "data_table", "data_visualization", "share_shortcut":
	default:
		b.fail("%s: unsupported block type", at)
	}
}

func (b *slackBlocks) task(at string, block map[string]any) {
	b.string(at+".task_id", block["task_id"], 1, 0)
	b.string(at+".title", block["title"], 1, 0)
	switch block["status"] {
	case nil, "pending", "in_progress", "complete", "error":
	default:
		b.fail("%s: the status is %v", at, block["status"])
	}
	for _, field := range []string{"details", "output"} {
		if m, ok := block[field].(map[string]any); block[field] != nil && (!ok || m["type"] != "rich_text") {
			b.fail("%s.%s is no rich_text", at, field)
		}
	}
}

func (b *slackBlocks) image(at string, m map[string]any) {
	b.string(at+".alt_text", m["alt_text"], 1, 2_000)
	url, _ := m["image_url"].(string)
	if m["slack_file"] == nil && (url == "" || utf8.RuneCountInString(url) > slackMaxURL) {
		b.fail("%s: no image_url of at most %d characters", at, slackMaxURL)
	}
}

// text checks a text object of that type, or of any.
func (b *slackBlocks) text(at string, v any, kind string, most int) {
	m, ok := v.(map[string]any)
	if !ok {
		b.fail("%s is no text object", at)
		return
	}
	if t := m["type"]; t != "plain_text" && t != "mrkdwn" || kind != "" && t != kind {
		b.fail("%s has the type %v", at, t)
	}
	b.string(at, m["text"], 1, most)
}

// string checks a text of so many characters; most 0 sets no limit.
func (b *slackBlocks) string(at string, v any, least, most int) string {
	s, ok := v.(string)
	n := utf8.RuneCountInString(s)
	if !ok || n < least {
		b.fail("%s is missing", at)
	}
	if most > 0 && n > most {
		b.fail("%s has %d characters of at most %d", at, n, most)
	}
	return s
}

func (b *slackBlocks) array(at string, v any, least, most int) []any {
	list, ok := v.([]any)
	if !ok || len(list) < least || len(list) > most {
		b.fail("%s: %d entries, not %d to %d", at, len(list), least, most)
	}
	return list
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
