package workersai

import (
	"slices"
	"strings"
)

// family is what the requests of a family of models need. Knobs that a model does not
// know are ignored by it without a word, so each has to be the right one.
type family struct {
	match []string // parts of the model's id; the first family with one that is in it applies

	effort   string          // reasoning_effort
	template map[string]bool // chat_template_kwargs
	// reasons: it reasons whatever it is told, at the expense of the answer.
	reasons bool
	// noToolChoice: tool_choice is ignored, or leads to time-outs.
	noToolChoice bool
	// callInContent: it loses the thread unless its own calls stand in the text of
	// its messages too.
	callInContent bool
	// alternate: two messages of one role in a row are refused.
	alternate bool
}

// families: a chat wants its answer now, so reasoning is off, or as low as it goes.
// Whether a family reasons by default has changed before, so the knob is always set.
var families = []family{
	{match: []string{"glm-5"}, effort: "low", reasons: true},
	{match: []string{"glm-4"}, template: map[string]bool{"enable_thinking": false}, noToolChoice: true},
	{match: []string{"gemma-4", "nemotron", "qwen3"}, template: map[string]bool{"enable_thinking": false}},
	{match: []string{"kimi"}, template: map[string]bool{"thinking": false}},
	{match: []string{"deepseek-v4"}, effort: "none"},
	{match: []string{"gpt-oss"}, effort: "low", reasons: true},
	{match: []string{"qwq", "deepseek-r1"}, reasons: true},
	{match: []string{"llama-3", "llama-4"}, callInContent: true},
	{match: []string{"mistral"}, noToolChoice: true, alternate: true},
}

// reasoningFloor is the least room in which a model that always reasons gets to its
// answer.
const reasoningFloor = 4096

func familyOf(model string) family {
	model = strings.ToLower(model)
	for _, f := range families {
		for _, part := range f.match {
			if strings.Contains(model, part) {
				return f
			}
		}
	}
	return family{}
}

// seers are parts of the ids of models that take pictures.
var seers = []string{
	"glm-5.3-flash", "gemma-4", "qwen3.8", "kimi-k2.6", "kimi-k2.7", "deepseek-v4-pro", "llama-4", "mistral-small-3.1", "vision",
	// Other servers'.
	"gemma3", "gemma-3", "llava", "pixtral", "-vl", "2.5vl", "minicpm-v", "moondream", "gpt-4o", "gpt-4.1", "gpt-5", "claude-", "gemini-",
}

// sees reports whether a model takes pictures.
func (c *Client) sees(model string) bool {
	if slices.Contains(c.opts.VisionModels, model) {
		return true
	}
	model = strings.ToLower(model)
	return slices.ContainsFunc(seers, func(part string) bool { return strings.Contains(model, part) })
}

// Sees reports whether a model of the chain takes pictures.
func (c *Client) Sees() bool { return slices.ContainsFunc(c.opts.Models, c.sees) }
