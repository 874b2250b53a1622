package workersai

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"

	"bobbin/agent"
)

// maxText bounds the visible text of one answer.
const maxText = 4 << 20

var (
	errTooMuch    = errors.New("the model's answer does not end")
	errNotJSON    = errors.New("not JSON")
	errIncomplete = errors.New("the model's answer broke off")
	errEmpty      = errors.New("the model's answer is empty")
	errSpent      = errors.New("the model spent its whole answer on reasoning")
)

// faultError is an error event within an answer.
type faultError struct{ fault fault }

func (e *faultError) Error() string { return "the answer holds an error: " + string(e.fault.Message) }

// decoder reads one answer, event by event, in whatever shape. Whether the answer is
// a stream or one JSON document makes no difference to it.
type decoder struct {
	tools   []agent.ToolSpec // that a call in text may name
	noCalls bool
	think   thinkFilter
	hold    withhold
	calls   callSet
	meter   meter
	finish  string // the last that was said; empty: none yet
	quick   quick
	size    int  // of the text so far
	events  int  // that could be read
	skipped int  // that could not
	shown   bool // some text went out

	single bool // it is one JSON document, no stream
}

func newDecoder(r *agent.Request) *decoder {
	return &decoder{noCalls: r.NoCalls, think: newThinkFilter(), tools: r.Tools, hold: withhold{through: len(r.Tools) == 0}}
}

// offered reports whether there is a tool of that name.
func (d *decoder) offered(name string) bool {
	return slices.ContainsFunc(d.tools, func(t agent.ToolSpec) bool { return t.Name == name })
}

// piece is what an event adds to what a watcher sees.
type piece struct {
	text     string
	thinking bool
}

// event reads one event. errNotJSON says that it was skipped; any other error ends
// the answer.
func (d *decoder) event(data []byte) (piece, error) {
	if ev := d.quick.read(data); ev != nil {
		d.events++
		return d.take(ev)
	}
	ev := new(event)
	if err := unmarshal(data, ev); err != nil {
		d.skipped++
		return piece{}, errNotJSON
	}
	d.events++
	if f := firstFault(ev.Errors, ev.Error); f != (fault{}) {
		return piece{}, &faultError{f}
	}
	if len(ev.Result) > 0 && ev.Result[0] == '{' {
		var inner event
		if unmarshal(ev.Result, &inner) == nil {
			inner.Success = ev.Success
			ev = &inner
		}
	}
	if ev.Success != nil && !*ev.Success {
		return piece{}, &faultError{fault{Message: "the request did not succeed"}}
	}
	return d.take(ev)
}

func (d *decoder) take(ev *event) (piece, error) {
	var p piece
	text := string(ev.Response)
	if ev.Usage != nil {
		d.meter.add(*ev.Usage, ev.Choices != nil)
	}
	if err := d.calls.add(ev.ToolCalls, false); err != nil {
		return p, err
	}
	d.finish = cmp.Or(string(ev.Finish), d.finish)
	if ev.Choices != nil && len(*ev.Choices) > 0 {
		c := &(*ev.Choices)[0]
		text += string(c.Text)
		d.finish = cmp.Or(string(c.Finish), d.finish)
		for _, m := range []*wireMessage{c.Delta, c.Message} {
			if m == nil {
				continue
			}
			text += string(m.Content)
			p.thinking = p.thinking || bool(m.ReasoningContent) || bool(m.Reasoning)
			if err := d.calls.add(m.ToolCalls, m == c.Message); err != nil {
				return p, err
			}
		}
	}
	for _, item := range ev.Output {
		switch item.Type {
		case "message":
			text += string(item.Content)
		case "function_call":
			if err := d.calls.add([]wireCall{{Name: item.Name, Arguments: item.Arguments}}, true); err != nil {
				return p, err
			}
		}
		d.finish = cmp.Or(d.finish, string(ev.Status))
	}
	if text == "" {
		return p, nil
	}
	if d.size += len(text); d.size > maxText {
		return p, errTooMuch
	}
	text, thinking := d.think.write(text)
	p.text = d.hold.write(text)
	p.thinking = p.thinking || thinking
	d.shown = d.shown || p.text != ""
	return p, nil
}

// close ends the answer with its last chunk, which begins with text. done says that the
// other side marked the end.
func (d *decoder) close(text string, done bool, yield func(agent.Chunk, error) bool) error {
	last, err := d.end(done)
	if err == nil {
		last.Text = text + last.Text
		yield(last, nil)
	}
	return err
}

// end returns the last chunk.
func (d *decoder) end(done bool) (agent.Chunk, error) {
	var last agent.Chunk
	finish, err := d.ending(done)
	if err != nil {
		return last, err
	}
	last.Usage = d.meter.usage()
	last.Finish = finish
	cut := finish == agent.FinishLength
	last.Text = d.hold.write(d.think.close())

	calls, whole := d.calls.finished(cut)
	if len(d.hold.held) > 0 {
		found := textCalls(d.hold.held, d.offered)
		switch {
		case found != nil && len(calls) == 0 && whole:
			for _, c := range found {
				args, _ := arguments(string(c.args))
				calls = append(calls, agent.ToolCall{ID: newCallID(), Name: c.name, Args: args})
			}
		case found != nil: // the same calls once more, as text
		case cut && d.beginsCall(): // nobody wants to read half a call
		default:
			last.Text += d.hold.release()
		}
	}
	d.shown = d.shown || strings.TrimSpace(last.Text) != ""
	if len(calls) > 0 {
		if last.Finish = agent.FinishCalls; !d.noCalls {
			last.Calls = calls
		}
		return last, nil
	}
	switch {
	case d.shown || finish == agent.FinishFilter:
		return last, nil
	case cut && whole:
		return last, errSpent
	case cut:
		return last, nil // the caller learns that there was no room for the call
	case d.events == 0 && d.skipped > 0:
		return last, fmt.Errorf("%w: %d events, none of them readable", errIncomplete, d.skipped)
	}
	return last, errEmpty
}

// ending makes sense of how the answer ended.
func (d *decoder) ending(done bool) (agent.Finish, error) {
	switch d.finish {
	case "":
		if !done {
			return "", errIncomplete
		}
		return agent.FinishStop, nil
	case "length", "max_tokens", "model_length", "incomplete":
		return agent.FinishLength, nil
	case "content_filter":
		return agent.FinishFilter, nil
	case "error":
		return "", fmt.Errorf("%w: the model says that it failed", errIncomplete)
	}
	return agent.FinishStop, nil
}

var callName = regexp.MustCompile(`"(?:name|function|tool)"\s*:\s*"([^"]*)"`)

// beginsCall reports whether what is held names a known tool.
func (d *decoder) beginsCall() bool {
	m := callName.FindSubmatch(d.hold.held)
	return m != nil && d.offered(string(m[1]))
}

// document reads an answer that came as one JSON document.
func (d *decoder) document(body io.Reader, yield func(agent.Chunk, error) bool) error {
	data, err := io.ReadAll(io.LimitReader(body, maxDocument+1))
	switch {
	case err != nil:
		return err
	case len(data) > maxDocument:
		return errTooMuch
	case !json.Valid(data):
		return fmt.Errorf("%w: the document is cut off", errIncomplete)
	}
	d.single = true
	p, err := d.event(data)
	if err != nil {
		return err
	}
	return d.close(p.text, true, yield)
}
