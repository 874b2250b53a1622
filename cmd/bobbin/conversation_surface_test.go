package main

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"bobbin/bots/sandbox"
)

// uses has a person use what the platform shows beside messages. It reports false for what
// nobody can do.
func (c *conversation) uses(name, what, text string) (known bool, err error) {
	c.Helper()
	slack := c.platform == "slack"
	verb, rest, _ := strings.Cut(what, " ")
	switch verb {
	case "summarises":
		m := c.newest(func(m sandbox.Message) bool { return strings.Contains(m.Text, text) })
		if slack {
			return true, c.slack.MessageShortcut(c.id(name), m.Channel, m.ID, "summarise")
		}
		return true, c.discord.UseOnMessage(name, m.Channel, "Summarise this thread", m.ID)
	case "submits":
		if slack {
			return true, c.slack.Submit(c.id(name), map[string]string{"bobbin_question": text})
		}
		return true, c.discord.SubmitModal(name, map[string]string{"text": text})
	case "sends":
		file, where, _ := strings.Cut(rest, " in ")
		text, content, _ := strings.Cut(text, "\n\n")
		content = strings.ReplaceAll(content, `\0`, "\x00")
		if slack {
			user, channel, thread := c.onSlack(name, where)
			_, err = c.slack.Upload(user, channel, thread, strings.ReplaceAll(text, "@bobbin", "<@"+c.slack.Options().Bot.ID+">"), sandbox.SlackFile{Name: file, Data: []byte(content)})
			return true, err
		}
		_, err = c.discord.Send(sandbox.DiscordSend{
			User: name, Channel: c.onDiscord(name, where), Text: strings.ReplaceAll(text, "@bobbin", "<@"+c.discord.BotID()+">"),
			Files: []sandbox.DiscordUpload{{Name: file, Data: []byte(content)}},
		})
		return true, err
	case "invites":
		if slack {
			bot, channel := c.slack.Options().Bot.ID, "C0"+strings.ToUpper(text)
			if err := c.slack.Remove(bot, channel); err != nil { // it is in all of them
				return true, err
			}
			return true, c.slack.Invite(bot, channel)
		}
		return true, c.discord.Invite()
	case "opens": // Slack's page of the app
		if text == "home" {
			_, _, err = c.slack.OpenHome(c.id(name))
		} else {
			_, err = c.slack.OpenMessages(c.id(name))
		}
		return true, err
	case "stops": // with Slack's own button
		_, channel, thread := c.onSlack(name, "the thread")
		return true, c.slack.StopStreaming(c.id(name), channel, thread)
	}
	return false, nil
}

// surface words what is shown beside messages.
func (c *conversation) surface(s sandbox.Surface) string {
	if slices.Contains([]string{"session", "title"}, s.Kind) {
		return ""
	}
	at := "[" + s.Kind
	if u, ok := c.world().User(s.User); ok {
		at += " before " + u.Name
	}
	at += "] "
	if len(s.Data) == 0 {
		return at + "closes"
	}
	var texts []string
	var walk func(v any)
	walk = func(v any) {
		switch v := v.(type) {
		case map[string]any:
			for _, k := range []string{"title", "text", "label", "placeholder", "component", "fields", "element", "elements", "blocks", "prompts"} {
				if s, ok := v[k].(string); ok {
					texts = append(texts, s)
				} else if v[k] != nil {
					walk(v[k])
				}
			}
		case []any:
			for _, e := range v {
				walk(e)
			}
		}
	}
	var data any
	if err := json.Unmarshal(s.Data, &data); err != nil {
		return at + fmt.Sprint(err)
	}
	walk(data)
	return at + strings.ReplaceAll(strings.Join(texts, "\n"), "\n", "\n    ")
}
