package reply

import (
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"bobbin/agent"
	"bobbin/bots"
)

// Fact is something that the line below an answer may tell.
type Fact string

// The facts.
const (
	Model  Fact = "model"  // which model answered
	Time   Fact = "time"   // from the question's turn to the end of the answer
	Tokens Fact = "tokens" // read and written by the model
	Cost   Fact = "cost"   // in US dollars, where the provider tells
)

// Facts returns all facts.
func Facts() []Fact { return []Fact{Model, Time, Tokens, Cost} }

// foot tells the facts of an outcome, as far as they are known.
func foot(facts []Fact, o agent.Outcome) string {
	var line string
	for _, f := range facts {
		var fact string
		switch f {
		case Model:
			fact = o.Model[strings.LastIndexByte(o.Model, '/')+1:]
		case Time:
			if o.Took > 0 {
				fact = o.Took.Round(max(time.Second, o.Took.Round(time.Second)/100)).String()
				if o.Took < 10*time.Second {
					fact = strconv.FormatFloat(o.Took.Seconds(), 'f', 1, 64) + "s"
				}
			}
		case Tokens:
			if o.Usage.Input+o.Usage.Output > 0 {
				fact = fmt.Sprintf("%s → %s tokens", thousands(o.Usage.Input), thousands(o.Usage.Output))
			}
		case Cost:
			if o.Usage.Neurons > 0 {
				fact = "$" + strconv.FormatFloat(o.Usage.Dollars(), 'g', 2, 64)
			}
		}
		line = join(line, fact)
	}
	return clip(line)
}

// thousands writes a count the short way: 812, 1.2k, 34k.
func thousands(n int) string {
	switch {
	case n < 1000:
		return strconv.Itoa(n)
	case n < 10_000:
		return strconv.FormatFloat(float64(n)/1000, 'f', 1, 64) + "k"
	}
	return strconv.Itoa(n/1000) + "k"
}

// join puts two pieces of a line beside each other.
func join(a, b string) string {
	if a == "" || b == "" {
		return a + b
	}
	return a + " · " + b
}

// shownSteps is how many of a turn's steps the line above its text names.
const shownSteps = 3

// head is the line above a growing answer: the newest steps, earlier ones as their count.
// While nothing is done yet it says why, where the platform's own sign has no words.
func (l *live) head(u agent.Update) string {
	steps, line := u.Steps, ""
	if len(steps) > shownSteps {
		line = fmt.Sprintf("%d more", len(steps)-shownSteps)
		steps = steps[len(steps)-shownSteps:]
	}
	for _, s := range steps {
		line = join(line, s)
	}
	switch {
	case line != "" && u.Working:
		return clip("⏳ "+line) + "…"
	case line != "":
		return clip("✓ " + line)
	case u.Status != "" && u.Status != agent.Thinking && !l.words:
		return clip("⏳ "+u.Status) + "…"
	}
	return ""
}

// clip shortens a line to what a frame may hold.
func clip(line string) string {
	if utf8.RuneCountInString(line) < bots.MaxFrame {
		return line
	}
	return string([]rune(line)[:bots.MaxFrame-2]) + "…"
}

// buttons returns the buttons that ask for actions.
func (l *live) buttons(actions ...bots.Action) (bs []bots.Button) {
	if !l.Buttons {
		return nil
	}
	for _, a := range actions {
		bs = append(bs, bots.Button{Action: a, Turn: l.turn})
	}
	return bs
}

// last is what frames the last message of a complete answer.
func (l *live) last(o *agent.Outcome) bots.Message {
	switch {
	case o.Kind == agent.Paused:
		return bots.Message{}
	case o.Summary:
		return bots.Message{Foot: foot(l.Footer, *o), Final: true}
	case o.Kind == agent.Answered:
		return bots.Message{Foot: foot(l.Footer, *o), Buttons: l.buttons(bots.Retry, bots.Up, bots.Down), Final: true}
	}
	return bots.Message{Foot: foot(l.Footer, *o), Buttons: l.buttons(bots.Retry), Final: true}
}

// framed puts the frame of last around the last of the pages. Those before it do not
// change any more.
func (l *live) framed(pages []bots.Message, last bots.Message) []bots.Message {
	for i := range pages {
		pages[i].Final = l.streams
	}
	if n := len(pages) - 1; n >= 0 {
		p := &pages[n]
		p.Head, p.Foot, p.Buttons, p.Final = last.Head, last.Foot, last.Buttons, last.Final && l.streams
	}
	return pages
}

func words(p bots.Platform, to agent.Target) bool {
	w, ok := p.(bots.Worder)
	return ok && w.Words(to)
}

func streams(p bots.Platform, to agent.Target) bool {
	s, ok := p.(bots.Streamer)
	return ok && s.Streams(to)
}
