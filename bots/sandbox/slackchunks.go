package sandbox

import (
	"encoding/json"
	"slices"
	"unicode/utf8"
)

// slackPart is a run of text, a task card, or a block.
type slackPart struct {
	text  string
	task  *slackTask
	block map[string]any
}

// slackTask is a step that the app shows: of the fields of later chunks with the same
// id, details and output are added to those that stand, the others replace them.
type slackTask struct {
	ID      string            `json:"id"`
	Title   string            `json:"title"`
	Status  string            `json:"status"`
	Details string            `json:"details"`
	Output  string            `json:"output"`
	Sources []json.RawMessage `json:"sources"`
}

// slackChunks are what a call adds to a stream.
type slackChunks struct {
	mode  string
	chars int
	list  []slackChunk
}

type slackChunk struct {
	Type   string           `json:"type"`
	Text   string           `json:"text"`
	Blocks []map[string]any `json:"blocks"`
	slackTask
}

// streamed reads what a call wants to add, or returns Slack's error.
func (s *Slack) streamed(f slackForm) (c slackChunks, code string) {
	text, raw := f.Get("markdown_text"), f.Get("chunks")
	switch {
	case text != "" && raw != "" && raw != "[]":
		return c, "cannot_provide_both_markdown_text_and_chunks"
	case text != "":
		c = slackChunks{mode: "markdown_text", list: []slackChunk{{Type: "markdown_text", Text: text}}}
	case raw != "":
		if json.Unmarshal([]byte(raw), &c.list) != nil {
			return c, "invalid_chunks"
		}
		if len(c.list) > 0 {
			c.mode = "chunks"
		}
	}
	blocks := 0
	for i, k := range c.list {
		switch k.Type {
		case "markdown_text":
			if k.Text == "" {
				return c, "invalid_chunks: a markdown_text chunk without text"
			}
			c.chars += utf8.RuneCountInString(k.Text)
		case "task_update":
			if k.ID == "" || k.Title == "" || !slices.Contains([]string{"", "pending", "in_progress", "complete", "error"}, k.Status) {
				return c, "invalid_chunks: a task_update chunk needs an id, a title and a known status"
			}
		case "plan_update":
			if k.Title == "" {
				return c, "invalid_chunks: a plan_update chunk without title"
			}
		case "blocks":
			b := slackReadBlocks(string(slackJSON(k.Blocks)), false)
			if blocks += len(b.list); b.code != "" || blocks > slackMaxBlocks {
				return c, "invalid_chunks: " + b.code
			}
			b.name()
			c.list[i].Blocks = b.list
		default:
			return c, "invalid_chunks: there is no chunk of type " + k.Type
		}
	}
	if c.chars > slackMaxStreamCall {
		return c, "msg_too_long"
	}
	return c, ""
}

// takes returns the error for chunks that a stream cannot take.
func (st *slackStream) takes(c slackChunks) string {
	switch {
	case st.mode != "" && c.mode != "" && st.mode != c.mode:
		return "streaming_mode_mismatch"
	case st.chars+c.chars > slackMaxStream:
		return "msg_too_long"
	}
	return ""
}

// add lets the stream grow.
func (st *slackStream) add(c slackChunks) {
	if c.mode != "" {
		st.mode = c.mode
	}
	st.chars += c.chars
	for _, k := range c.list {
		switch k.Type {
		case "markdown_text":
			if n := len(st.parts); n > 0 && st.parts[n-1].task == nil && st.parts[n-1].block == nil {
				st.parts[n-1].text += k.Text
			} else {
				st.parts = append(st.parts, &slackPart{text: k.Text})
			}
		case "plan_update":
			st.title = k.Title
		case "blocks":
			for _, b := range k.Blocks {
				st.parts = append(st.parts, &slackPart{block: b})
			}
		case "task_update":
			st.update(k.slackTask)
		}
	}
}

func (st *slackStream) update(t slackTask) {
	i := slices.IndexFunc(st.parts, func(p *slackPart) bool { return p.task != nil && p.task.ID == t.ID })
	if i < 0 {
		if t.Status == "" {
			t.Status = "pending"
		}
		st.parts = append(st.parts, &slackPart{task: &t})
		return
	}
	old := st.parts[i].task
	old.Title = t.Title
	if t.Status != "" {
		old.Status = t.Status
	}
	if t.Sources != nil {
		old.Sources = t.Sources
	}
	old.Details += t.Details
	old.Output += t.Output
}

// blocks returns what the message shows, with blocks at its end, and its text.
func (st *slackStream) blocks(last []map[string]any) (blocks, text string) {
	list := []map[string]any{}
	var tasks []any
	for _, p := range st.parts {
		switch {
		case p.task != nil && st.plan:
			tasks = append(tasks, p.task.card())
		case p.task != nil:
			list = append(list, p.task.card())
		case p.block != nil:
			list = append(list, p.block)
		default:
			text += p.text
			list = append(list, map[string]any{"type": "markdown", "text": p.text})
		}
	}
	if st.plan && (tasks != nil || st.title != "") {
		if st.title == "" {
			st.title = "Thinking…"
		}
		list = slices.Insert(list, 0, map[string]any{"type": "plan", "title": st.title, "tasks": tasks})
	}
	list = append(list, last...)
	if len(list) == 0 {
		return "", ""
	}
	return string(slackJSON(list)), text
}

// card returns the task_card block.
func (t *slackTask) card() map[string]any {
	card := map[string]any{"type": "task_card", "task_id": t.ID, "title": t.Title, "status": t.Status}
	for name, text := range map[string]string{"details": t.Details, "output": t.Output} {
		if text != "" {
			card[name] = map[string]any{"type": "rich_text", "elements": []any{
				map[string]any{"type": "rich_text_section", "elements": []any{map[string]any{"type": "text", "text": text}}},
			}}
		}
	}
	if t.Sources != nil {
		card["sources"] = t.Sources
	}
	return card
}
