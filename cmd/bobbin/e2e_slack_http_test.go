package main

import (
	"net/http"
	"strings"
	"testing"

	"bobbin/bots/sandbox"
	"bobbin/bots/slack"
)

func TestSlackOverHTTP(t *testing.T) {
	config := func(c *Config) {
		c.Slack.AppToken, c.Slack.SigningSecret = Secret{}, NewSecret(sandbox.NewSlack(sandbox.SlackOptions{}).Options().SigningSecret)
		c.Slack.Listen = "127.0.0.1:0"
		c.Discord.BotToken = Secret{}
	}
	loopback(t, setup{config: config}, func(r *rig) {
		base := "http://" + r.daemon.platforms[0].(*slack.Slack).Addr()
		r.slack.SetHTTP(base)
		if err := r.slack.VerifyURL(t.Context()); err != nil {
			t.Error(err)
		}
		r.script(sandbox.AIReply{Text: "It works over HTTP as well.", Pace: -1})
		root := r.say(ada, general, "", "@bobbin does it work?")
		r.eventually("the answer stands", func() bool {
			ms := r.thread(general, root)
			return len(ms) == 1 && shown(ms[0]) == "It works over HTTP as well."
		})
		r.settle()
		if err := r.slack.Command(ada, general, "/bobbin", "help"); err != nil {
			t.Error(err)
		}
		if w := r.whispers(general, ada); len(w) != 1 || !strings.Contains(w[0], "reset") {
			t.Errorf("/bobbin help is answered with %q", w)
		}

		for path, body := range map[string]string{
			"/slack/events":   `{"type":"event_callback","event_id":"Ev1","event":{"type":"app_mention","user":"U0ADA","channel":"C0GENERAL","ts":"1.000001","text":"<@U0BOBBIN> forged"}}`,
			"/slack/commands": "command=/bobbin&text=ask+forged&user_id=U0ADA&channel_id=C0GENERAL",
		} {
			req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, base+path, strings.NewReader(body))
			if err != nil {
				t.Fatal(err)
			}
			resp, err := http.DefaultClient.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			if err := resp.Body.Close(); err != nil {
				t.Error(err)
			}
			if resp.StatusCode < 400 || resp.StatusCode > 499 {
				t.Errorf("an unsigned request to %s is answered with %s", path, resp.Status)
			}
		}
		r.settle()
		if n := r.ai.Count(); n != 1 {
			t.Errorf("the model was asked %d times, want 1", n)
		}
	})
}
