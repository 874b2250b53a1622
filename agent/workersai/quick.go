package workersai

import (
	"bytes"

	"bobbin/agent/quickjson"
)

// quick reads the common events of a stream as json.Unmarshal would, at a fraction of its
// cost: answers have thousands of them. What it does not know, whatever that is, it leaves
// alone.
//
// Events of one stream hardly differ. So it remembers the last one, and of an event that is
// the same but for values that are read from it anyway, it reads only those.
type quick struct {
	quickjson.Reader // Bad: it is none that is known

	last   []byte  // the last event that was known; empty: none
	values []value // of last

	// What is read into, to be allocated once.
	event    event
	choices  [1]choice
	list     []choice
	delta    wireMessage
	calls    [1]wireCall
	function wireFunction
	index    int
	usage    wireUsage
	room     [12]value
}

// value is one that is often another in the next event. It is a string or a number.
type value struct {
	slot     slot
	from, to int // where it stands
}

// slot says what becomes of a value.
type slot uint8

const (
	toNothing slot = iota
	toResponse
	toContent
	toReasoningContent
	toReasoning
	toFinish
	toIndex
	toID
	toName
	toArguments
	toPrompt
	toCompletion
	toNeurons
	toCached
)

// read returns the event that b holds, until the next call; nil: it does not know it.
func (q *quick) read(b []byte) *event {
	q.B = b
	if !q.again() && !q.anew() {
		q.last = q.last[:0]
		return nil
	}
	return &q.event
}

// again reads an event that is the last one with other values.
func (q *quick) again() bool {
	if len(q.last) == 0 {
		return false
	}
	q.I, q.Bad = 0, false
	done := 0 // of last
	for _, v := range q.values {
		same := q.last[done:v.from]
		if !bytes.HasPrefix(q.B[q.I:], same) {
			return false
		}
		q.I += len(same)
		if q.fill(v.slot); q.Bad {
			return false
		}
		done = v.to
	}
	return bytes.Equal(q.B[q.I:], q.last[done:])
}

// anew reads an event from its first byte to its last, and remembers it.
func (q *quick) anew() bool {
	q.I, q.Bad, q.values = 0, false, q.room[:0]
	q.event, q.choices[0], q.delta, q.usage = event{}, choice{}, wireMessage{}, wireUsage{}
	if q.readEvent(); q.Bad || q.I < len(q.B) {
		return false
	}
	q.last = append(q.last[:0], q.B...)
	return true
}

func (q *quick) readEvent() {
	var seen keys
	for key := q.Open(); key != nil; key = q.Next() {
		switch string(key) {
		case "choices":
			q.once(&seen, 0)
			q.readChoices()
		case "response":
			q.once(&seen, 1)
			q.value(toResponse)
		case "usage":
			q.once(&seen, 2)
			if !q.Null() {
				q.event.Usage = &q.usage
				q.readUsage()
			}
		case "p": // padding of random length
			q.value(toNothing)
		case "created", "id", "model", "object", "system_fingerprint", "service_tier":
			q.skip()
		default:
			q.Bad = true
		}
	}
}

// readChoices reads one choice or none.
func (q *quick) readChoices() {
	q.list = q.choices[:0]
	q.event.Choices = &q.list
	if q.Expect('['); q.At() != ']' {
		q.list = q.choices[:]
		q.readChoice()
	}
	q.Expect(']')
}

func (q *quick) readChoice() {
	var seen keys
	for key := q.Open(); key != nil; key = q.Next() {
		switch string(key) {
		case "delta":
			q.once(&seen, 0)
			q.choices[0].Delta = &q.delta
			q.readDelta()
		case "finish_reason":
			q.once(&seen, 1)
			q.value(toFinish)
		case "index":
			q.skip()
		case "logprobs", "matched_stop", "stop_reason", "token_ids":
			q.IsNull()
		default:
			q.Bad = true
		}
	}
}

func (q *quick) readDelta() {
	var seen keys
	for key := q.Open(); key != nil; key = q.Next() {
		switch string(key) {
		case "content":
			q.once(&seen, 0)
			q.value(toContent)
		case "reasoning_content":
			q.once(&seen, 1)
			q.value(toReasoningContent)
		case "reasoning":
			q.once(&seen, 2)
			q.value(toReasoning)
		case "tool_calls":
			q.once(&seen, 3)
			if !q.Null() {
				q.readCall()
			}
		case "role":
			q.skip()
		case "refusal", "function_call":
			q.IsNull()
		default:
			q.Bad = true
		}
	}
}

// readCall reads a piece of one call.
func (q *quick) readCall() {
	q.calls[0], q.function = wireCall{}, wireFunction{}
	q.delta.ToolCalls = q.calls[:]
	q.Expect('[')
	var seen keys
	for key := q.Open(); key != nil; key = q.Next() {
		switch string(key) {
		case "function":
			q.once(&seen, 0)
			if !q.Null() {
				q.calls[0].Function = &q.function
				q.readFunction()
			}
		case "id":
			q.once(&seen, 1)
			q.value(toID)
		case "index":
			q.once(&seen, 2)
			q.value(toIndex)
		case "type":
			q.skip()
		default:
			q.Bad = true
		}
	}
	q.Expect(']')
}

func (q *quick) readFunction() {
	var seen keys
	for key := q.Open(); key != nil; key = q.Next() {
		switch string(key) {
		case "name":
			q.once(&seen, 0)
			q.value(toName)
		case "arguments":
			q.once(&seen, 1)
			q.value(toArguments)
		default:
			q.Bad = true
		}
	}
}

func (q *quick) readUsage() {
	var seen keys
	for key := q.Open(); key != nil; key = q.Next() {
		switch string(key) {
		case "prompt_tokens":
			q.once(&seen, 0)
			q.value(toPrompt)
		case "completion_tokens":
			q.once(&seen, 1)
			q.value(toCompletion)
		case "neurons":
			q.once(&seen, 2)
			q.value(toNeurons)
		case "prompt_tokens_details":
			q.once(&seen, 3)
			if !q.Null() {
				q.readDetails()
			}
		case "total_tokens":
			q.value(toNothing)
		case "completion_tokens_details":
			q.IsNull()
		default:
			q.Bad = true
		}
	}
}

func (q *quick) readDetails() {
	var seen keys
	for key := q.Open(); key != nil; key = q.Next() {
		if string(key) != "cached_tokens" {
			q.Bad = true
			return
		}
		q.once(&seen, 0)
		q.value(toCached)
	}
}

// keys notes which keys an object has had.
type keys uint8

// once: what a second key of a name means is not known here.
func (q *quick) once(k *keys, n int) {
	q.Bad = q.Bad || *k&(1<<n) != 0
	*k |= 1 << n
}

// value reads a value, or null, which is not remembered as one.
func (q *quick) value(to slot) {
	if q.Null() {
		return
	}
	v := value{slot: to, from: q.I}
	q.fill(to)
	v.to = q.I
	q.values = append(q.values, v)
}

// skip reads a value that says nothing and is the same in all events of a stream.
func (q *quick) skip() {
	if !q.Null() {
		q.fill(toNothing)
	}
}

// fill reads a string or a number.
func (q *quick) fill(to slot) {
	switch to {
	case toNothing:
		if q.At() == '"' {
			q.Plain()
		} else {
			q.Number()
		}
	case toResponse:
		q.event.Response = looseText(q.Text())
	case toContent:
		q.delta.Content = looseText(q.Text())
	case toReasoningContent:
		q.delta.ReasoningContent = q.present()
	case toReasoning:
		q.delta.Reasoning = q.present()
	case toFinish:
		q.choices[0].Finish = looseText(q.Text())
	case toIndex:
		q.index = q.Integer()
		q.calls[0].Index = &q.index
	case toID:
		q.calls[0].ID = looseText(q.Text())
	case toName:
		q.function.Name = looseText(q.Text())
	case toArguments:
		q.function.Arguments = looseText(q.Text())
	case toPrompt:
		q.usage.PromptTokens = q.Number()
	case toCompletion:
		q.usage.CompletionTokens = q.Number()
	case toNeurons:
		q.usage.Neurons = q.Number()
	case toCached:
		q.usage.PromptDetails.Cached = q.Number()
	}
}

// present notes whether there is a text.
func (q *quick) present() presence { return q.Text() != "" }
