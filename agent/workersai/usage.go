package workersai

import (
	"math"

	"bobbin/agent"
)

// meter finds the usage of a step among what its events say. Events carry deltas,
// running totals, or one total at the end, and nothing tells which but the numbers.
type meter struct {
	sum, last wireUsage
	deltas    bool // an event repeats no prompt: it counts only what is new
	total     bool // last is the closing event without choices: the total
}

func (m *meter) add(u wireUsage, choices bool) {
	u.PromptTokens = count(u.PromptTokens) + count(u.InputTokens)
	u.CompletionTokens = count(u.CompletionTokens) + count(u.OutputTokens)
	u.Neurons = count(u.Neurons)
	u.PromptDetails.Cached = count(u.PromptDetails.Cached)

	m.deltas = m.deltas || u.PromptTokens == 0
	m.total = !choices && u.PromptTokens > 0
	m.last = u
	m.sum.PromptTokens += u.PromptTokens
	m.sum.CompletionTokens += u.CompletionTokens
	m.sum.Neurons += u.Neurons
	m.sum.PromptDetails.Cached += u.PromptDetails.Cached
}

func (m *meter) usage() agent.Usage {
	u := m.last
	if m.deltas && !m.total {
		u = m.sum
	}
	return agent.Usage{
		Input:   int(min(u.PromptTokens, maxCount)),
		Cached:  int(min(u.PromptDetails.Cached, u.PromptTokens, maxCount)),
		Output:  int(min(u.CompletionTokens, maxCount)),
		Neurons: u.Neurons,
	}
}

// maxCount keeps absurd numbers from overflowing the sums that are built on them.
const maxCount = 1e9

func count(f float64) float64 {
	if math.IsNaN(f) || f < 0 {
		return 0
	}
	return min(f, maxCount)
}
