package main

import (
	"context"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"bobbin/bots/sandbox"
)

// ends fails the test unless nothing is left of an answer's making: no line above the
// text, no open task, no open stream, no sign, and these buttons alone.
func (r *rig) ends(rec recording, buttons ...string) {
	r.Helper()
	last := rec.last()
	if len(last) == 0 {
		r.Fatal("nothing stands")
	}
	var stand []string
	for _, s := range last {
		stand = append(stand, s.buttons...)
		open := slices.ContainsFunc(s.tasks, func(task string) bool { return !strings.HasPrefix(task, "complete: ") })
		if s.head != "" || s.open || open {
			r.Errorf("something is left of the making: %v", s)
		}
	}
	if !slices.Equal(stand, buttons) {
		r.Errorf("the buttons are %q, want %q", stand, buttons)
	}
	if n := len(rec.signs) - 1; n >= 0 && rec.signs[n].words != "" && last[0].at < rec.signs[n].at {
		r.Errorf("the sign %q stays", rec.signs[n].words)
	}
}

// watch has bobbin asked, and records what is seen until it has nothing to do any more.
func (h theatre) watch(r *rig, text string, meanwhile func(place string)) recording {
	r.Helper()
	from := h.world(r).Next()
	place := h.ask(r, text)
	if meanwhile != nil {
		meanwhile(place)
	}
	r.settle()
	return r.record(h.world(r), from).at(place)
}

// seen waits until so many characters of an answer are seen, and returns its last message.
func (h theatre) seen(r *rig, place string, least int) (last sight) {
	r.Helper()
	r.eventually("the answer grows", func() bool {
		n := 0
		for _, s := range r.record(h.world(r), 0).at(place).last() {
			last = s
			n += len(s.text)
		}
		return n >= least
	})
	return last
}

const restarting = "\n\n⏳ I am being restarted and go on here as soon as I am back."

func TestWatcherSeesAnAnswerOnlyGrowAcrossRestarts(t *testing.T) {
	for _, h := range theatres() {
		t.Run(h.name, func(t *testing.T) {
			s := h.configured(func(c *Config) { c.Agent.Drain, c.Reply.MaxParts = time.Millisecond, 0 })
			bubble(t, s, func(r *rig) {
				text := longAnswer(6_000)
				r.script(sandbox.AIReply{Text: text, Delay: time.Second, Pace: time.Second / 30})
				rec := h.watch(r, "how does it work?", func(place string) {
					h.seen(r, place, 3_000)
					r.restart()
					asked := r.ai.Count()
					r.eventually("the model is asked again", func() bool { return r.ai.Count() > asked-1 })
					pass(10 * time.Second) // less than it takes to get as far again
					r.restart()
				})
				if n := r.ai.Count(); n < 2 {
					t.Errorf("the model was asked %d times", n)
				}
				notices := 0
				for i, s := range rec.sights {
					if bare, paused := strings.CutSuffix(s.text, restarting); paused {
						rec.sights[i].text = bare
						notices++
					}
				}
				if notices == 0 {
					t.Error("nobody was told of the restarts")
				}
				r.grows(rec, h.most)
				var stand []string
				for _, s := range rec.last() {
					stand = append(stand, s.text)
				}
				if want := h.pages(text); !slices.Equal(stand, want) {
					t.Errorf("in the end there stands %q, want %q", stand, want)
				}
				r.ends(rec, "Try again", "👍", "👎")
			})
		})
	}
}

func TestWatcherReadsWhatIsDoneAndNothingOfItIsLeft(t *testing.T) {
	for _, h := range theatres() {
		t.Run(h.name, func(t *testing.T) {
			s := h.configured(func(c *Config) { c.Reply.Footer = []string{"model", "time", "tokens"} })
			bubble(t, s, func(r *rig) {
				r.script(
					sandbox.AIReply{Text: "Let me work that out first.", Calls: []sandbox.AICall{{Name: "calculate", Args: `{"expression":"6*7"}`}}},
					sandbox.AIReply{Text: longAnswer(800), Delay: 10 * time.Second, Pace: time.Second / 30},
				)
				rec := h.watch(r, "what is 6*7?", nil)
				r.grows(rec, h.most)
				r.ends(rec, "Try again", "👍", "👎")
				told := ""
				for _, s := range rec.sights {
					told += s.head + strings.Join(s.tasks, " ")
				}
				if !strings.Contains(told, "calculating") {
					t.Errorf("nobody was told what was done: %v", rec.sights)
				}
				if len(rec.signs) == 0 {
					t.Error("there was no sign that bobbin is at work")
				}
				if foot := rec.last()[0].foot; !strings.Contains(foot, "glm-4.7-flash · ") || !strings.Contains(foot, "s · ") || !strings.HasSuffix(foot, " tokens") {
					t.Errorf("the footer is %q", foot)
				}
			})
		})
	}
}

func TestAnswerThatEndsEarlyKeepsItsTextAndSaysWhyInOneSentence(t *testing.T) {
	for _, h := range theatres() {
		for name, c := range map[string]struct {
			reply    sandbox.AIReply
			stop     bool
			sentence string
		}{
			"stopped by a person":    {reply: sandbox.AIReply{Pace: time.Second / 10}, stop: true, sentence: "\n\n⏹️ Stopped."},
			"cut off by the model":   {reply: sandbox.AIReply{Pace: time.Second / 60, End: sandbox.AICut}, sentence: "\n\n⚠️ "},
			"at the model's maximum": {reply: sandbox.AIReply{Pace: time.Second / 60, Finish: "length"}, sentence: "\n\n⚠️ My answer was cut off"},
		} {
			if h.native && c.stop {
				continue // a stream has a Stop of Slack's own; see bots/slack
			}
			t.Run(h.name+"/"+name, func(t *testing.T) {
				bubble(t, h.setup, func(r *rig) {
					c.reply.Text = longAnswer(1_500)
					var asked atomic.Int32
					r.ai.SetScript(func(context.Context, sandbox.AIRequest) sandbox.AIReply {
						asked.Add(1)
						return c.reply
					})
					rec := h.watch(r, "how does it work?", func(place string) {
						before := h.seen(r, place, 300)
						if c.stop {
							if err := h.press(r, before, "Stop"); err != nil {
								t.Error(err)
							}
						}
					})
					r.grows(rec, h.most)
					buttons := []string{"Try again"}
					if c.reply.Finish != "" {
						buttons = append(buttons, "👍", "👎")
					}
					r.ends(rec, buttons...)
					last := rec.last()
					end := last[len(last)-1].text
					if _, sentence, found := strings.Cut(end, c.sentence); !found || strings.Contains(sentence, "\n") || strings.Contains(sentence, "`") {
						t.Errorf("it ends with %q", clipped(end))
					}
				})
			})
		}
	}
}

func TestAnswerOfTooManyMessagesIsGivenAsAFile(t *testing.T) {
	for _, h := range theatres() {
		t.Run(h.name, func(t *testing.T) {
			bubble(t, h.configured(func(c *Config) { c.Reply.MaxParts = 2 }), func(r *rig) {
				text := longAnswer(3 * h.most)
				r.script(sandbox.AIReply{Text: text, Pace: time.Second / 100})
				rec := h.watch(r, "how does it work?", nil)
				last := rec.last()
				if len(last) != 3 || last[2].text != "" || !slices.Equal(last[2].files, []string{"answer.md"}) {
					t.Fatalf("there stand %v", last)
				}
				if pages := h.pages(text); last[0].text != pages[0] || last[1].text != pages[1] || !strings.Contains(last[1].foot, "whole answer") {
					t.Errorf("before the file there stand %v", last[:2])
				}
				for _, s := range rec.sights {
					if s.id == last[2].id && s.at < last[1].at {
						t.Error("the file stood before the text above it was complete")
					}
				}
				r.grows(rec, h.most)
			})
		})
	}
}

func TestCompleteAnswerIsPostedAnewWhereThatIsWanted(t *testing.T) {
	for _, h := range theatres() {
		t.Run(h.name, func(t *testing.T) {
			bubble(t, h.configured(func(c *Config) { c.Reply.Final = "repost" }), func(r *rig) {
				text := longAnswer(1_500)
				r.script(sandbox.AIReply{Text: text, Pace: time.Second / 60})
				rec := h.watch(r, "how does it work?", nil)
				r.ends(rec, "Try again", "👍", "👎")
				last := rec.last()
				var stand []string
				for _, s := range last {
					stand = append(stand, s.text)
					if n := len(slices.DeleteFunc(slices.Clone(rec.sights), func(o sight) bool { return o.id != s.id })); n != 1 {
						t.Errorf("a message that notifies was seen in %d states", n)
					}
				}
				if want := h.pages(text); !slices.Equal(stand, want) {
					t.Errorf("there stands %q, want %q", stand, want)
				}
			})
		})
	}
}
