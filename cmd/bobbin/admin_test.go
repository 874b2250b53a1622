package main

import (
	"net/http"
	"strings"
	"testing"

	"bobbin/bots/sandbox"
)

func TestAdminTellsHealthReadinessAndMetrics(t *testing.T) {
	config := func(c *Config) { c.Admin.Listen = "127.0.0.1:0" }
	loopback(t, setup{config: config, unready: true, discord: sandbox.DiscordOptions{Token: "secret-discord-token"}}, func(r *rig) {
		refused := r.discord.Inject(sandbox.DiscordFault{Route: "GET /gateway", Times: -1, Status: http.StatusBadGateway})
		r.start()
		base := "http://" + r.daemon.admin.listener.Addr().String()
		get(t, base+"/healthz", http.StatusOK)
		if why := get(t, base+"/readyz", http.StatusServiceUnavailable); !strings.Contains(why, `"discord"`) {
			t.Errorf("/readyz says %s, want it to name discord", why)
		}
		refused()
		r.eventually("all is connected", func() bool { return len(r.daemon.ready()) == 0 })
		get(t, base+"/readyz", http.StatusOK)

		r.script(
			sandbox.AIReply{Calls: []sandbox.AICall{{Name: "calculate", Args: `{"expression":"1+1"}`}}, Pace: -1},
			sandbox.AIReply{Text: "It is 2.", Pace: -1},
		)
		r.say(ada, general, "", "@bobbin what is 1+1?")
		r.say(ada, general, "", "to whom it may concern")
		r.eventually("the turn is counted", func() bool {
			return strings.Contains(get(t, base+"/metrics", http.StatusOK), `bobbin_turns_total{outcome="answered",platform="slack"} 1`)
		})
		r.settle()
		text := get(t, base+"/metrics", http.StatusOK)
		for _, want := range []string{
			`bobbin_messages_accepted_total{duplicate="false",platform="slack"} 1`, `bobbin_events_ignored_total{platform="slack",why=`,
			`bobbin_turn_seconds_count 1`, `bobbin_turns_running 0`, `bobbin_sessions_live 0`,
			`bobbin_steps_total{model="@cf/zai-org/glm-4.7-flash",result="ok"} 2`, `bobbin_step_seconds_bucket`,
			`bobbin_tokens_total{kind="output"`, `bobbin_neurons_total`, `bobbin_tool_calls_total{result="ok",tool="calculate"} 1`,
			`bobbin_tool_call_seconds_sum`, `bobbin_platform_ready{platform="discord"} 1`, `bobbin_platform_ready{platform="slack"} 1`,
			`go_goroutines`,
		} {
			if !strings.Contains(text, want) {
				t.Errorf("/metrics lacks %s", want)
			}
		}
		all := text + get(t, base+"/readyz", http.StatusOK) + r.logs.String()
		for _, secret := range []string{"secret-discord-token", "model-token", r.slack.Options().BotToken, r.slack.Options().AppToken} {
			if strings.Contains(all, secret) {
				t.Errorf("a page or the log shows %q", secret)
			}
		}
		get(t, base+"/", http.StatusNotFound)
		if t.Failed() {
			t.Log(text)
		}
	})
}
