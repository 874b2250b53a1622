package main

import (
	"fmt"
	"net"
	"net/url"
	"slices"
	"strings"
)

// Runnable returns a *[ConfigError] that names what a daemon lacks to run with c: a
// platform, or the credentials of the models.
func (c *Config) Runnable() error {
	v := &validator{source: c.source}
	if c.WorkersAI.OpenAIURL == "" {
		v.check("workers_ai.account_id", c.WorkersAI.AccountID != "", "is missing: set it to the id of the Cloudflare account%s", v.unset("workers_ai.account_id", "CLOUDFLARE_ACCOUNT_ID"))
		v.check("workers_ai.api_token", c.WorkersAI.APIToken.Set(), "is missing: set it to an API token with the permissions Workers AI Read and Edit%s", v.unset("workers_ai.api_token", "CLOUDFLARE_API_TOKEN"))
	}
	if !c.Slack.On() && !c.Discord.On() {
		v.add("", "no platform is on: set slack.bot_token%s or discord.bot_token%s", v.unset("slack.bot_token", "SLACK_BOT_TOKEN"), v.unset("discord.bot_token", "DISCORD_BOT_TOKEN"))
	}
	return asError(v.faults)
}

// unset names the variable that a missing value would come from. A file that does not
// mention the key takes nothing from the environment, where usual may well be set.
func (v *validator) unset(key, usual string) string {
	switch {
	case v.source == nil:
		return ""
	case v.vars[key] == "":
		return " (to ${" + usual + "} if the environment has it)"
	}
	return " (the environment variable " + v.vars[key] + " is not set)"
}

// retired are models that Workers AI no longer serves: it answers 410 with code 5028.
var retired = []string{
	"@cf/meta/llama-2-7b-chat-fp16",
	"@cf/meta/llama-2-7b-chat-int8",
	"@cf/meta/llama-3-8b-instruct",
	"@cf/meta/llama-3-8b-instruct-awq",
	"@cf/meta/llama-3.1-8b-instruct",
	"@cf/meta/llama-3.1-8b-instruct-awq",
	"@cf/meta/llama-3.1-70b-instruct",
	"@cf/mistral/mistral-7b-instruct-v0.1",
	"@cf/mistral/mistral-7b-instruct-v0.2",
	"@hf/mistral/mistral-7b-instruct-v0.2",
	"@hf/google/gemma-7b-it",
	"@cf/google/gemma-7b-it",
	"@cf/google/gemma-3-12b-it",
	"@hf/nousresearch/hermes-2-pro-mistral-7b",
	"@cf/microsoft/phi-2",
	"@cf/defog/sqlcoder-7b-2",
}

// Warnings returns what is valid and yet probably a mistake.
func (c *Config) Warnings() []Fault {
	v := &validator{source: c.source}
	w := c.WorkersAI
	for i, m := range w.Models {
		key := fmt.Sprintf("workers_ai.models[%d]", i)
		switch {
		case w.OpenAIURL != "" && strings.HasPrefix(m, "@cf/"):
			v.add(key, "is a model of Workers AI; with workers_ai.openai_url, name models of that server")
		case w.OpenAIURL == "" && (slices.Contains(retired, m) || strings.HasPrefix(m, "@hf/thebloke/")):
			v.add(key, "was retired by Workers AI and is passed over; choose another")
		}
	}
	for key, raw := range map[string]string{"workers_ai.base_url": w.BaseURL, "workers_ai.openai_url": w.OpenAIURL, "slack.api_url": c.Slack.APIURL, "discord.api_url": c.Discord.APIURL} {
		if u, err := url.Parse(raw); err == nil && u.Scheme == "http" && !local(u.Hostname()) {
			v.add(key, "sends tokens and messages unencrypted; use https")
		}
	}
	if host, _, err := net.SplitHostPort(c.Admin.Listen); err == nil && !local(host) {
		v.add("admin.listen", "can be reached from other machines; it asks for no password")
	}
	return byLine(v.faults)
}

// local reports whether host is this machine by its usual names.
func local(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}
