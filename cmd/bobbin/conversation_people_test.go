package main

import (
	"net/url"
	"regexp"
	"strings"

	"bobbin/bots"
	"bobbin/bots/sandbox"
)

// does has a person do something other than writing. It reports false for what nobody
// can do.
func (c *conversation) does(name, what, text string) bool {
	c.Helper()
	var err error
	switch what {
	case "presses":
		err = c.presses(name, text)
	case "edits":
		m := c.newest(func(m sandbox.Message) bool { return m.User == c.id(name) })
		if c.platform == "slack" {
			err = c.slack.Edit(m.User, m.Channel, m.ID, strings.ReplaceAll(text, "@bobbin", "<@"+c.slack.Options().Bot.ID+">"))
		} else {
			err = c.discord.Edit(m.User, m.Channel, m.ID, strings.ReplaceAll(text, "@bobbin", "<@"+c.discord.BotID()+">"))
		}
	case "deletes":
		m := c.newest(func(m sandbox.Message) bool { return m.User == c.id(name) })
		if c.platform == "slack" {
			err = c.slack.Delete(m.User, m.Channel, m.ID)
		} else {
			err = c.discord.Delete(m.User, m.Channel, m.ID)
		}
	case "asks about":
		m := c.newest(func(m sandbox.Message) bool { return strings.Contains(m.Text, text) })
		if c.platform == "slack" {
			err = c.slack.MessageShortcut(c.id(name), m.Channel, m.ID, "ask_about")
		} else {
			err = c.discord.UseOnMessage(name, m.Channel, "Ask bobbin about this", m.ID)
		}
	case "reacts with":
		m := c.newest(func(m sandbox.Message) bool { return m.User != c.id(name) })
		if c.platform == "slack" {
			err = c.slack.React(c.id(name), m.Channel, m.ID, text)
		} else {
			err = c.discord.React(name, m.Channel, m.ID, text)
		}
	default:
		var known bool
		if known, err = c.uses(name, what, text); !known {
			return false
		}
	}
	if err != nil {
		c.Fatalf("%s %s %q: %v", name, what, text, err)
	}
	return true
}

// replies has a person write an answer to a message of bobbin's.
func (c *conversation) replies(name, to, text string) {
	c.Helper()
	m := c.newest(func(m sandbox.Message) bool { return c.isBot(m.User) && strings.Contains(shown(m), to) })
	if c.platform == "slack" {
		c.say(c.id(name), m.Channel, m.ID, text)
		return
	}
	c.sayD(name, m.Channel, m.ID, text)
}

func (c *conversation) presses(name, label string) error {
	m := c.newest(func(m sandbox.Message) bool { return c.isBot(m.User) && strings.Contains(look(m), "["+label+"]") })
	for _, a := range []bots.Action{bots.Stop, bots.Retry, bots.Up, bots.Down} {
		if a.Label() != label {
			continue
		}
		if c.platform == "discord" {
			return c.discord.Press(name, m.Channel, m.ID, regexp.MustCompile("bobbin:"+string(a)+":[A-Z2-7]+").FindString(m.Components))
		}
		return c.slack.Press(c.id(name), m.Channel, m.ID, "bobbin_"+string(a))
	}
	c.Fatalf("no such button: %q", label)
	return nil
}

// id is how the platform knows somebody.
func (c *conversation) id(name string) string {
	if c.platform == "slack" {
		return "U0" + strings.ToUpper(name)
	}
	for _, u := range c.world().Users() {
		if strings.EqualFold(u.Name, name) {
			return u.ID
		}
	}
	c.Fatalf("nobody is called %q", name)
	return ""
}

// newest is the newest message that is meant.
func (c *conversation) newest(is func(sandbox.Message) bool) (found sandbox.Message) {
	for _, ch := range c.world().Channels() {
		for _, m := range c.world().Messages(ch.ID) {
			if is(m) && m.OnlyFor == "" && !m.At.Before(found.At) {
				found = m
			}
		}
	}
	if found.ID == "" {
		c.Fatal("there is no such message")
	}
	return found
}

// losesFiles takes the right to post files from bobbin: on Slack everywhere, for want of a scope.
func (c *conversation) losesFiles(channel string) {
	c.Helper()
	if c.platform == "discord" {
		if err := c.discord.Deny(channel, sandbox.DiscordAttachFiles); err != nil {
			c.Fatal(err)
		}
		return
	}
	c.slack.Fault(func(method string, _ url.Values) *sandbox.SlackFault {
		if method != "files.getUploadURLExternal" {
			return nil
		}
		return &sandbox.SlackFault{Status: 200, Body: `{"ok":false,"error":"missing_scope","needed":"files:write"}`}
	})
}
