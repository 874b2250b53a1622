package workersai

import "bytes"

// quick reads the common events of a stream as json.Unmarshal would, at a fraction of its
// cost: answers have thousands of them. What it does not know, whatever that is, it leaves
// alone.
//
// Events of one stream hardly differ. So it remembers the last one, and of an event that is
// the same but for values that are read from it anyway, it reads only those.
type quick struct {
	jsonScan // bad: it is none that is known

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
	q.b = b
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
	q.i, q.bad = 0, false
	done := 0 // of last
	for _, v := range q.values {
		same := q.last[done:v.from]
		if !bytes.HasPrefix(q.b[q.i:], same) {
			return false
		}
		q.i += len(same)
		if q.fill(v.slot); q.bad {
			return false
		}
		done = v.to
	}
	return bytes.Equal(q.b[q.i:], q.last[done:])
}

// anew reads an event from its first byte to its last, and remembers it.
func (q *quick) anew() bool {
	q.i, q.bad, q.values = 0, false, q.room[:0]
	q.event, q.choices[0], q.delta, q.usage = event{}, choice{}, wireMessage{}, wireUsage{}
	if q.readEvent(); q.bad || q.i < len(q.b) {
		return false
	}
	q.last = append(q.last[:0], q.b...)
	return true
}

func (q *quick) readEvent() {
	var seen keys
	for key := q.open(); key != nil; key = q.next() {
		switch string(key) {
		case "choices":
			q.once(&seen, 0)
			q.readChoices()
		case "response":
			q.once(&seen, 1)
			q.value(toResponse)
		case "usage":
			q.once(&seen, 2)
			if !q.null() {
				q.event.Usage = &q.usage
				q.readUsage()
			}
		case "p": // padding of random length
			q.value(toNothing)
		case "created", "id", "model", "object", "system_fingerprint", "service_tier":
			q.skip()
		default:
			q.bad = true
		}
	}
}

// readChoices reads one choice or none.
func (q *quick) readChoices() {
	q.list = q.choices[:0]
	q.event.Choices = &q.list
	if q.expect('['); q.at() != ']' {
		q.list = q.choices[:]
		q.readChoice()
	}
	q.expect(']')
}

func (q *quick) readChoice() {
	var seen keys
	for key := q.open(); key != nil; key = q.next() {
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
			q.isNull()
		default:
			q.bad = true
		}
	}
}

func (q *quick) readDelta() {
	var seen keys
	for key := q.open(); key != nil; key = q.next() {
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
			if !q.null() {
				q.readCall()
			}
		case "role":
			q.skip()
		case "refusal", "function_call":
			q.isNull()
		default:
			q.bad = true
		}
	}
}

// readCall reads a piece of one call.
func (q *quick) readCall() {
	q.calls[0], q.function = wireCall{}, wireFunction{}
	q.delta.ToolCalls = q.calls[:]
	q.expect('[')
	var seen keys
	for key := q.open(); key != nil; key = q.next() {
		switch string(key) {
		case "function":
			q.once(&seen, 0)
			if !q.null() {
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
			q.bad = true
		}
	}
	q.expect(']')
}

func (q *quick) readFunction() {
	var seen keys
	for key := q.open(); key != nil; key = q.next() {
		switch string(key) {
		case "name":
			q.once(&seen, 0)
			q.value(toName)
		case "arguments":
			q.once(&seen, 1)
			q.value(toArguments)
		default:
			q.bad = true
		}
	}
}

func (q *quick) readUsage() {
	var seen keys
	for key := q.open(); key != nil; key = q.next() {
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
			if !q.null() {
				q.readDetails()
			}
		case "total_tokens":
			q.value(toNothing)
		case "completion_tokens_details":
			q.isNull()
		default:
			q.bad = true
		}
	}
}

func (q *quick) readDetails() {
	var seen keys
	for key := q.open(); key != nil; key = q.next() {
		if string(key) != "cached_tokens" {
			q.bad = true
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
	q.bad = q.bad || *k&(1<<n) != 0
	*k |= 1 << n
}

// value reads a value, or null, which is not remembered as one.
func (q *quick) value(to slot) {
	if q.null() {
		return
	}
	v := value{slot: to, from: q.i}
	q.fill(to)
	v.to = q.i
	q.values = append(q.values, v)
}

// skip reads a value that says nothing and is the same in all events of a stream.
func (q *quick) skip() {
	if !q.null() {
		q.fill(toNothing)
	}
}

// fill reads a string or a number.
func (q *quick) fill(to slot) {
	switch to {
	case toNothing:
		if q.at() == '"' {
			q.plain()
		} else {
			q.number()
		}
	case toResponse:
		q.event.Response = looseText(q.text())
	case toContent:
		q.delta.Content = looseText(q.text())
	case toReasoningContent:
		q.delta.ReasoningContent = q.present()
	case toReasoning:
		q.delta.Reasoning = q.present()
	case toFinish:
		q.choices[0].Finish = looseText(q.text())
	case toIndex:
		q.index = q.integer()
		q.calls[0].Index = &q.index
	case toID:
		q.calls[0].ID = looseText(q.text())
	case toName:
		q.function.Name = looseText(q.text())
	case toArguments:
		q.function.Arguments = looseText(q.text())
	case toPrompt:
		q.usage.PromptTokens = q.number()
	case toCompletion:
		q.usage.CompletionTokens = q.number()
	case toNeurons:
		q.usage.Neurons = q.number()
	case toCached:
		q.usage.PromptDetails.Cached = q.number()
	}
}

// present notes whether there is a text.
func (q *quick) present() presence { return q.text() != "" }
