package main

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"bobbin/agent"
	"bobbin/bots/sandbox"
)

// tortureSentence is in what is shown for a turn that is given up.
const tortureSentence = "so I gave up"

// tortureReport is what a run found.
type tortureReport struct {
	tortureCmd
	took         time.Duration
	kills        map[killKind]int
	faults       map[string]int
	answered     int
	effects      int
	dead         int // turns that were given up, and
	deadMessages int // what they should have answered
	balance      string
	wrong        []string
}

// broken notes a promise that was not kept.
func (r *tortureReport) broken(format string, args ...any) {
	r.wrong = append(r.wrong, fmt.Sprintf(format, args...))
}

// String is a table, the broken promises, and how to run the same once more.
func (r *tortureReport) String() string {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	row := func(first string, n any, rest string) { fmt.Fprintf(w, "  %s\t%v\t%s\n", first, n, rest) }
	row("messages", r.Messages, fmt.Sprintf("%d answered exactly once", r.answered))
	total := 0
	for _, n := range r.kills {
		total += n
	}
	row("kills", total, "")
	for _, kind := range killKinds {
		row("", r.kills[kind], string(kind))
	}
	total = 0
	for _, n := range r.faults {
		total += n
	}
	row("faults", total, "")
	for _, name := range slices.Sorted(maps.Keys(r.faults)) {
		row("", r.faults[name], name)
	}
	row("turns given up", r.dead, fmt.Sprintf("with %d messages, all retried", r.deadMessages))
	row("side effects", r.effects, "")
	row("last daemon's balance", "", r.balance)
	row("broken promises", len(r.wrong), "")
	_ = w.Flush() // to a string
	for _, s := range r.wrong {
		fmt.Fprintln(&b, "    "+s)
	}
	fmt.Fprintf(&b, "torture: took %s; the same again: bobbin torture --messages %d --kills %d --seed %d\n",
		r.took.Round(time.Second), r.Messages, r.Kills, r.Seed)
	return b.String()
}

// said is a message of bobbin, with the text that people see and where they see it.
type said struct {
	text, place, id string
	at              time.Time
}

// said returns all messages of bobbin.
func (w *tortureWorld) said() (all []said) {
	for _, in := range []struct {
		world *sandbox.World
		bot   string
	}{{w.slack.World(), "U0BOBBIN"}, {w.discord.World(), w.discord.BotID()}} {
		for _, c := range in.world.Channels() {
			for _, m := range in.world.Messages(c.ID) {
				if m.User != in.bot || m.OnlyFor != "" {
					continue
				}
				s := said{text: m.Text, place: c.ID, id: m.ID, at: m.At}
				if m.Blocks != "" {
					s.text = m.Blocks // the text is a fallback that says the same again
				}
				switch {
				case c.Parent != "":
					s.place = c.Parent
				case m.Thread != "":
					s.place += " " + m.Thread
				}
				all = append(all, s)
			}
		}
	}
	return all
}

// answers counts, for each message, the whole answers to it.
func (w *tortureWorld) answers() map[string]int {
	found := make(map[string]int)
	for _, m := range w.said() {
		for _, id := range tortureAnswered.FindAllStringSubmatch(m.text, -1) {
			if id[1] == id[2] {
				found[id[1]]++
			}
		}
	}
	return found
}

// where lists the messages that answer one.
func (w *tortureWorld) where(id string) string {
	var b strings.Builder
	for _, m := range w.said() {
		for _, found := range tortureAnswered.FindAllStringSubmatch(m.text, -1) {
			if found[1] == id {
				fmt.Fprintf(&b, ", in %s by %s of %s", m.place, m.id, m.at.UTC().Format("15:04:05.000"))
			}
		}
	}
	return b.String()
}

// greetings counts the messages that answer nothing but a greeting.
func (w *tortureWorld) greetings() (n int) {
	for _, m := range w.said() {
		if strings.Contains(m.text, tortureHello) {
			n++
		}
	}
	return n
}

// place is where a message was written.
func (w *tortureWorld) place(id string) string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.places[id]
}

func (w *tortureWorld) adminAddress() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.admin
}

// judgeDead compares the turns that were given up with what people were told: one sentence
// for each, where it was asked, and no other outcome for its messages.
func (w *tortureWorld) judgeDead(r *tortureReport, dead []turnLine) {
	sentences := make(map[string]int)
	for _, m := range w.said() {
		sentences[m.place] += strings.Count(m.text, tortureSentence)
	}
	answers := w.answers()
	missing := r.Messages - len(answers)
	for _, d := range dead {
		r.dead++
		r.deadMessages += d.Messages
		sentences[placeOf(d.Session)]--
		if !strings.Contains(d.State, "it failed or was cut off") {
			r.broken("turn %s was set aside because %s", d.ID, d.State)
		}
		if placeOf(d.Session) != w.place(strconv.Itoa(w.poison)) {
			r.broken("turn %s was given up for what another did: %q", d.ID, d.Said)
		}
		if first := tortureAsked.FindStringSubmatch(d.Said); first == nil || answers[first[1]] > 0 {
			r.broken("turn %s was set aside, but %q is answered", d.ID, d.Said)
		}
	}
	if w.poison > 0 && w.executioner.counts()[killByPoison] == poisonKills && len(dead) != 1 {
		r.broken("%d turns were given up, not the poisoned one alone", len(dead))
	}
	if missing != r.deadMessages {
		r.broken("%d messages were not answered, but %d were set aside", missing, r.deadMessages)
	}
	for _, place := range slices.Sorted(maps.Keys(sentences)) {
		switch n := sentences[place]; {
		case n > 0:
			r.broken("%d times people were told in %s that bobbin gave up, and it did not", n, place)
		case n < 0:
			r.broken("%d times bobbin gave up in %s, and people were not told", -n, place)
		}
	}
}

// placeOf is where people see what is said in a session.
func placeOf(s agent.SessionID) string {
	at, _ := s.Address()
	if at.Platform == "slack" && at.Thread != "" {
		return at.Channel + " " + at.Thread
	}
	return at.Channel
}

// check compares what stands in the end with what was promised.
func (w *tortureWorld) check(r *tortureReport) {
	found := w.answers()
	for i := range r.Messages {
		switch times := found[strconv.Itoa(i+1)]; times {
		case 1:
			r.answered++
		default:
			r.broken("msg-%d is answered %d times%s", i+1, times, w.where(strconv.Itoa(i+1)))
		}
	}
	if n := w.greetings(); n != w.greeted {
		r.broken("%d greetings are answered %d times", w.greeted, n)
	}
	sentences := 0
	for _, m := range w.said() {
		if strings.Contains(m.text, tortureHello) {
			continue
		}
		sentences += strings.Count(m.text, tortureSentence)
		whole := tortureAnswered.FindAllStringSubmatch(m.text, -1)
		if n := strings.Count(m.text, "Answer to"); n != len(whole) {
			r.broken("message %s in %s is left half done: %s", m.id, m.place, firstWords(m.text))
		}
		// The last words of a long answer may stand alone on its last page.
		if len(whole) == 0 && !strings.Contains(m.text, tortureSentence) && !strings.Contains(m.text, tortureLastWords) {
			r.broken("message %s in %s is no answer: %s", m.id, m.place, firstWords(m.text))
		}
		for _, id := range whole {
			if at := w.place(id[1]); m.place != at {
				r.broken("msg-%s was written in %s and answered in %s", id[1], at, m.place)
			}
		}
		for _, sign := range []string{"being restarted", "Something went wrong"} {
			if strings.Contains(m.text, sign) {
				r.broken("a message in %s ends with: %s", m.place, sign)
			}
		}
	}
	if sentences != r.dead {
		r.broken("in the end bobbin says %d times that it gave up, which it did %d times", sentences, r.dead)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	r.kills, r.faults = w.executioner.counts(), maps.Clone(w.faults)
	for _, what := range slices.Sorted(maps.Keys(w.effects)) {
		times := w.effects[what]
		r.effects += times
		if times > 1 {
			r.broken("the side effect of %s happened %d times", what, times)
		}
	}
}
