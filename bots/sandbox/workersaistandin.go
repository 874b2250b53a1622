package sandbox

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// aiNotice is how the stand-in owns up, at the start of each conversation.
const aiNotice = "*I am a stand-in without a real model behind me, so my answers are canned.* "

// AIStandIn answers like a very small model: it knows what was said in the request's
// conversation, calls the tools for time, arithmetic and pages when they are offered,
// words their results, and writes long Markdown when asked to. It says that it is no
// real model. Its answer follows from r alone.
func AIStandIn(r AIRequest) AIReply {
	talk := aiTalkOf(r)
	var parts []string
	var calls []AICall
	results := talk.results
	files := slices.ContainsFunc(talk.asked, func(at int) bool { return talk.said[at].file != "" })
	for _, at := range talk.asked {
		topic := aiTopicOf(talk, at)
		if topic.idle && files {
			continue // the file is what there is to talk about
		}
		var wanted []AICall
		for _, c := range topic.calls {
			switch {
			case len(results) > 0:
				parts = append(parts, aiWordResult(c, results[0]))
				results = results[1:]
			case r.Offers(c.Name):
				c.Args = aiArguments(r, c)
				wanted = append(wanted, c)
			default:
				parts = append(parts, fmt.Sprintf("I would ask the tool `%s` for that, but I may not call it here.", c.Name))
			}
		}
		calls = append(calls, wanted...)
		if topic.text != "" {
			parts = append(parts, topic.text)
		}
	}
	if len(calls) > 0 {
		return AIReply{Think: "The user wants something that a tool knows. Let me call it.", Calls: calls}
	}
	text := strings.Join(parts, "\n\n")
	if !talk.answered && !strings.Contains(text, "stand-in") {
		text = aiNotice + "\n\n" + text
	}
	return AIReply{Think: "The user wrote something. I look up what I have for it.", Text: text}
}

// aiSaid is what a person said.
type aiSaid struct {
	who  string // empty when nobody else speaks
	text string

	file    string    // the name of what was sent along; text is what it holds
	missing bool      // it was left out
	images  []AIImage // that were sent with it
}

// aiTalk is a request's conversation as the stand-in sees it.
type aiTalk struct {
	said     []aiSaid // all of it, oldest first
	asked    []int    // which of said have no answer yet
	results  []string // of the tools called for them, in order
	answered bool     // there was an answer before
}

func aiTalkOf(r AIRequest) aiTalk {
	var t aiTalk
	for _, m := range r.Messages {
		switch m.Role {
		case "user":
			s := aiSaidOf(m.Text())
			s.images = m.Images
			t.asked = append(t.asked, len(t.said))
			t.said = append(t.said, s)
		case "assistant":
			if len(m.ToolCalls) == 0 && m.Text() != "" {
				t.answered, t.asked, t.results = true, nil, nil
			}
		case "tool":
			t.results = append(t.results, aiWithoutNote(m.Text()))
		}
	}
	return t
}

// aiSaidOf takes the speaker off a message that begins with one in brackets.
func aiSaidOf(text string) aiSaid {
	if s, ok := aiFileOf(text); ok {
		return s
	}
	text = aiWithoutNote(text)
	if inner, ok := strings.CutPrefix(text, "["); ok {
		if who, rest, ok := strings.Cut(inner, "] "); ok && len(who) <= 200 && !strings.Contains(who, "\n") {
			return aiSaid{who: who, text: aiAbout(strings.TrimSpace(rest))}
		}
	}
	return aiSaid{text: aiAbout(strings.TrimSpace(text))}
}

// aiWithoutNote takes off a last paragraph in brackets: a note to the model, which
// nobody said.
func aiWithoutNote(text string) string {
	if at := strings.LastIndex(text, "\n\n["); at >= 0 && strings.HasSuffix(text, "]") {
		return text[:at]
	}
	return text
}

// aiArguments writes a call's arguments under the names that the offered tool has for
// them. c.Args is the value; a call without one has none.
func aiArguments(r AIRequest, c AICall) string {
	if c.Args == "" {
		return "{}"
	}
	var schema struct {
		Properties map[string]json.RawMessage `json:"properties"`
		Required   []string                   `json:"required"`
	}
	tool, _ := r.tool(c.Name)
	_ = json.Unmarshal(tool.Function.Parameters, &schema) // without it the usual name has to do
	usual := map[string]string{"current_time": "zone", "calculate": "expression", "fetch_url": "url", "make_image": "description"}[c.Name]
	name := usual
	if _, ok := schema.Properties[usual]; !ok {
		for p := range schema.Properties {
			if strings.Contains(strings.ToLower(p), usual) || len(schema.Properties) == 1 {
				name = p
			}
		}
		if name == usual && len(schema.Required) > 0 {
			name = schema.Required[0]
		}
	}
	return fmt.Sprintf("{%s: %s}", aiJSON(name), aiJSON(c.Args))
}

// aiWordResult makes a sentence of what a tool answered.
func aiWordResult(c AICall, result string) string {
	result = strings.TrimSpace(result)
	if why, failed := strings.CutPrefix(result, "The tool failed: "); failed {
		return fmt.Sprintf("I asked `%s`, but it could not help: %s", c.Name, why)
	}
	first, _, _ := strings.Cut(result, "\n")
	switch c.Name {
	case "current_time":
		return first
	case "calculate":
		if strings.ContainsAny(first, "=≈") {
			return "`" + strings.ReplaceAll(first, "`", "'") + "`"
		}
		return fmt.Sprintf("`%s` = **%s**", c.Args, first)
	case "make_image":
		return fmt.Sprintf("Here is a picture of %s. What makes pictures here is a stand-in as well: it can only weave.", c.Args)
	}
	const most = 900
	quote := result
	if runes := []rune(result); len(runes) > most {
		quote = string(runes[:most]) + "…"
	}
	quote = strings.ReplaceAll(quote, "\n", "\n> ")
	return fmt.Sprintf("I read <%s>. It begins like this:\n\n> %s", c.Args, cmp.Or(quote, "(nothing)"))
}
