package main

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"bobbin/bots/sandbox"
)

// exports asks for a file of the newest conversation, and returns what is in it.
func (c *conversation) exports(format string) string {
	c.Helper()
	c.says("Ada", "the thread", "!export "+format)
	c.settle()
	m := c.newestFile()
	if c.platform == "slack" {
		f, ok := c.slack.File(m.Files[0].ID)
		if !ok {
			c.Fatalf("Slack has no file %s", m.Files[0].ID)
		}
		return string(f.Data)
	}
	_, data, ok := c.discord.File(m.Channel, m.Files[0].ID)
	if !ok {
		c.Fatalf("Discord has no file %s", m.Files[0].ID)
	}
	return string(data)
}

func (c *conversation) newestFile() (found sandbox.Message) {
	c.Helper()
	for _, ch := range c.world().Channels() {
		for _, m := range c.world().Messages(ch.ID) {
			if len(m.Files) > 0 && !m.At.Before(found.At) {
				found = m
			}
		}
	}
	if len(found.Files) == 0 {
		c.Fatal("there is no file")
	}
	return found
}

func TestAnExportHoldsWhatWasSaidAndWhatPeopleThinkOfIt(t *testing.T) {
	for _, platform := range []string{"slack", "discord"} {
		t.Run(platform, func(t *testing.T) {
			bubble(t, setup{}, func(r *rig) {
				c := &conversation{rig: r, said: make(map[string]string), platform: platform}
				r.script(sandbox.AISays("It is a small spool."))
				c.says("Ada", "general", "@bobbin what is a bobbin?")
				r.settle()
				for name, label := range map[string]string{"Ada": "👍", "Grace": "👎"} {
					if !c.does(name, "presses", label) {
						t.Fatal("nobody can press buttons")
					}
				}
				r.settle()
				var lines []struct {
					Role, Text string
					Author     *struct{ Name string }
					Rating     *struct{ Good, Bad int }
				}
				data := c.exports("json")
				if err := json.Unmarshal([]byte(data), &lines); err != nil {
					t.Fatalf("%v\n%s", err, data)
				}
				if len(lines) != 2 || lines[0].Text != "what is a bobbin?" || lines[0].Rating != nil || !strings.EqualFold(lines[0].Author.Name, "ada") ||
					lines[1].Text != "It is a small spool." || lines[1].Rating == nil || lines[1].Rating.Good != 1 || lines[1].Rating.Bad != 1 {
					t.Errorf("the export is %s", data)
				}
				if md := c.exports("markdown"); !strings.Contains(md, "\n\nwhat is a bobbin?\n\n## bobbin, ") || !strings.Contains(md, "It is a small spool.\n\n👍 1 👎 1\n") {
					t.Errorf("the export is %s", md)
				}
			})
		})
	}
}

func TestStopEndsAnAnswerWithinASecondAndKeepsItsText(t *testing.T) {
	for _, platform := range []string{"slack", "discord"} {
		t.Run(platform, func(t *testing.T) {
			bubble(t, setup{}, func(r *rig) {
				c := &conversation{rig: r, said: make(map[string]string), platform: platform}
				r.script(sandbox.AIReply{Pieces: slices.Repeat([]string{"and on it goes, "}, 1000), Pace: 50 * time.Millisecond})
				c.says("Ada", "general", "@bobbin tell me a story")
				time.Sleep(10 * time.Second) // virtual
				// Others write meanwhile, and are in nobody's way.
				for range 5 {
					c.says("Grace", "the thread", "@bobbin hurry up")
				}
				if err := c.presses("Ada", "Stop"); err != nil {
					t.Fatal(err)
				}
				time.Sleep(time.Second)
				synctest.Wait()
				var stopped []string
				said := 0 // in all the messages of the answer
				for _, ch := range c.world().Channels() {
					for _, m := range r.answers(c.world().Messages(ch.ID)) {
						said += strings.Count(look(m), "and on it goes")
						if strings.Contains(look(m), "Stopped.") {
							stopped = append(stopped, look(m))
						}
					}
				}
				if len(stopped) != 1 || said < 100 || strings.Contains(stopped[0], "[Stop]") {
					t.Errorf("a second later these are stopped, and %d times it went on: %q", said, stopped)
				}
			})
		})
	}
}
