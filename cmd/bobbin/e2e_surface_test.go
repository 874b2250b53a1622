package main

import (
	"encoding/json"
	"strings"
	"testing"

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
