package main

import (
	"fmt"
	"maps"
	"net"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"bobbin/agent"
	"bobbin/agent/workersai"
	"bobbin/bots"
)

var (
	accountID     = regexp.MustCompile(`^[0-9a-f]{32}$`)
	slackPerson   = regexp.MustCompile(`^[UW][A-Z0-9]{1,30}$`)
	discordPerson = regexp.MustCompile(`^[0-9]{15,20}$`)
	slackChannel  = regexp.MustCompile(`^[CG][A-Z0-9]{1,30}$`)
	gatewayID     = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)
)

// maxInstructions bounds agent.instructions, in bytes: they are paid for on every step.
const maxInstructions = 64 << 10

// maxCatchUp is a day less than the store remembers what it has accepted.
const maxCatchUp = 6 * 24 * time.Hour

// Validate returns every fault of the values, each with its line if c was loaded from a
// file. It asks for nothing that only running needs; see [Config.Runnable].
func (c *Config) Validate() []Fault {
	v := &validator{source: c.source}
	v.check("data_dir", strings.TrimSpace(c.DataDir) != "", "must name a directory, is empty")
	v.between("min_free_mib", c.MinFreeMiB, 0, 1<<20)
	// Beyond it the store no longer knows which messages were answered.
	v.check("catch_up", c.CatchUp >= 0 && c.CatchUp <= maxCatchUp, "must be between 0s (read nothing) and %v%s", maxCatchUp, v.is("catch_up", c.CatchUp))
	c.validateWorkersAI(v)

	a := c.Agent
	v.check("agent.instructions", len(a.Instructions) <= maxInstructions, "must be at most %d bytes long", maxInstructions)
	v.between("agent.max_steps", a.MaxSteps, 1, 100)
	v.positive("agent.turn_timeout", a.TurnTimeout)
	v.between("agent.window", a.Window, 1000, 1_000_000)
	v.between("agent.max_turns", a.MaxTurns, 1, 10_000)
	v.check("agent.retention", a.Retention == 0 || a.Retention >= time.Hour, "must be 0s (keep for ever) or at least 1h%s", v.is("agent.retention", a.Retention))
	v.check("agent.drain", a.Drain >= 0, "must not be negative%s", v.is("agent.drain", a.Drain))

	for i, f := range c.Reply.Footer {
		key := fmt.Sprintf("reply.footer[%d]", i)
		v.oneOf(key, f, factNames()...)
		v.check(key, slices.Index(c.Reply.Footer, f) == i, "is there twice%s", v.is(key, show(f)))
	}
	v.oneOf("agent.while_busy", a.WhileBusy, string(agent.Queue), string(agent.Interrupt), string(agent.Steer))
	v.oneOf("people.on_edit", c.People.OnEdit, "rerun", "ignore")
	v.oneOf("people.on_delete", c.People.OnDelete, "remove", "keep")
	v.between("people.max_files", c.People.MaxFiles, 0, 20)
	for i, name := range c.People.AdminCommands {
		v.oneOf(fmt.Sprintf("people.admin_commands[%d]", i), name, commandNames()...)
	}
	v.between("files.max_bytes", c.Files.MaxBytes, 1<<10, workersai.MaxAudio)
	v.between("files.max_chars", c.Files.MaxChars, 1000, 1_000_000)
	v.positive("files.timeout", c.Files.Timeout)
	v.between("reply.max_parts", c.Reply.MaxParts, 0, 100)
	v.oneOf("reply.final", c.Reply.Final, "edit", "repost")

	t := c.Tools
	if _, err := time.LoadLocation(t.CurrentTime.Zone); err != nil || t.CurrentTime.Zone == "" {
		v.add("tools.current_time.zone", "must be an IANA time zone such as Europe/Berlin%s", v.is("tools.current_time.zone", show(t.CurrentTime.Zone)))
	}
	v.positive("tools.fetch_url.timeout", t.FetchURL.Timeout)
	v.between("tools.fetch_url.max_bytes", t.FetchURL.MaxBytes, 1<<10, 16<<20)
	for i, p := range t.FetchURL.Allow {
		key := fmt.Sprintf("tools.fetch_url.allow[%d]", i)
		_, err := netip.ParsePrefix(p)
		v.check(key, err == nil, "must be a network such as 10.1.0.0/16%s", v.is(key, show(p)))
	}

	v.model("tools.make_image.model", t.MakeImage.Model)
	v.positive("tools.make_image.timeout", t.MakeImage.Timeout)
	v.check("tools.make_image.enabled", !t.MakeImage.Enabled || c.WorkersAI.OpenAIURL == "", "needs Workers AI: workers_ai.openai_url names another server, which makes no pictures")

	c.validateSlack(v)
	if s := c.Discord.BotToken; strings.HasPrefix(s.Reveal(), "Bot ") {
		v.add("discord.bot_token", `must not begin with the word "Bot", only the token itself belongs here`)
	} else {
		v.secret("discord.bot_token", s)
	}
	v.url("discord.api_url", c.Discord.APIURL)
	v.people("discord.admins", c.Discord.Admins, discordPerson, "80351110224678912")
	v.oneOf("discord.threads", c.Discord.Threads, "auto", "always", "never")
	v.session("discord.session", c.Discord.Session)
	v.channels("discord.channels", c.Discord.Channels, discordPerson, "80351110224678912")

	if c.Admin.Listen != "" {
		v.listen("admin.listen", c.Admin.Listen)
	}
	v.oneOf("log.level", c.Log.Level, "debug", "info", "warn", "error")
	v.oneOf("log.format", c.Log.Format, "text", "json")
	return v.faults
}

func (c *Config) validateWorkersAI(v *validator) {
	w := c.WorkersAI
	v.url("workers_ai.base_url", w.BaseURL)
	if w.OpenAIURL != "" {
		v.url("workers_ai.openai_url", w.OpenAIURL)
		v.check("workers_ai.gateway", w.Gateway == "", "has no use with workers_ai.openai_url: AI Gateway is Cloudflare's")
	}
	// A token in place of the account id is the most frequent mistake, so it is not shown.
	if u, err := url.Parse(w.BaseURL); w.AccountID != "" && err == nil && u.Host == "api.cloudflare.com" && !accountID.MatchString(w.AccountID) {
		v.add("workers_ai.account_id", "must be 32 characters of 0-9 and a-f, has %d characters; the API token belongs into workers_ai.api_token", len(w.AccountID))
	} else {
		v.check("workers_ai.account_id", !strings.ContainsAny(w.AccountID, "/?#%") && !strings.ContainsFunc(w.AccountID, unfit), "must not contain white space, or any of / ? # %%")
	}
	v.secret("workers_ai.api_token", w.APIToken)
	v.check("workers_ai.gateway", w.Gateway == "" || gatewayID.MatchString(w.Gateway), "must be the id of an AI Gateway: up to 64 letters, digits, - and _")
	v.check("workers_ai.models", len(w.Models) > 0, "must name at least one model")
	for i, m := range w.Models {
		key := fmt.Sprintf("workers_ai.models[%d]", i)
		switch {
		case m == "" || strings.ContainsFunc(m, unfit):
			v.add(key, "must be the id of a model, without white space%s", v.is(key, show(m)))
		case slices.Index(w.Models, m) < i:
			v.add(key, "is the same model as workers_ai.models[%d]", slices.Index(w.Models, m))
		}
	}
	for i, m := range w.VisionModels {
		key := fmt.Sprintf("workers_ai.vision_models[%d]", i)
		v.check(key, slices.Contains(w.Models, m), "must be one of workers_ai.models%s", v.is(key, show(m)))
	}
	v.model("workers_ai.speech_model", w.SpeechModel)
	v.between("workers_ai.max_tokens", w.MaxTokens, 1, 1_000_000)
	v.positive("workers_ai.idle_timeout", w.IdleTimeout)
}

func (c *Config) validateSlack(v *validator) {
	s := c.Slack
	v.prefix("slack.bot_token", s.BotToken, "xoxb-", "a bot token")
	v.prefix("slack.app_token", s.AppToken, "xapp-", "an app-level token")
	v.secret("slack.signing_secret", s.SigningSecret)
	switch {
	case s.On() && !s.AppToken.Set() && !s.SigningSecret.Set():
		v.add("slack.bot_token", "needs slack.app_token beside it (Socket Mode) or slack.signing_secret (HTTP mode)")
	case !s.On() && s.AppToken.Set():
		v.add("slack.bot_token", "is missing, although slack.app_token is set")
	case !s.On() && s.SigningSecret.Set():
		v.add("slack.bot_token", "is missing, although slack.signing_secret is set")
	}
	v.url("slack.api_url", s.APIURL)
	v.oneOf("slack.stream", s.Stream, streamNames()...)
	v.check("slack.reaction", !strings.ContainsAny(s.Reaction, ": \t\n"), "must be the name of an emoji without colons, such as robot_face%s", v.is("slack.reaction", show(s.Reaction)))
	v.check("slack.prompts", len(s.Prompts) <= 4, "must be at most 4, has %d", len(s.Prompts))
	v.people("slack.admins", s.Admins, slackPerson, "U012AB3CD")
	v.session("slack.session", s.Session)
	v.channels("slack.channels", s.Channels, slackChannel, "C012AB3CD")
	v.listen("slack.listen", s.Listen)
	if s.On() && !s.SocketMode() {
		_, port, err := net.SplitHostPort(s.Listen)
		v.check("slack.listen", err != nil || port == "0" || s.Listen != c.Admin.Listen, "must not be the address of admin.listen")
	}
}

// unfit are the characters that no id or URL has.
func unfit(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }

// validator collects faults, and knows which values must not be shown.
type validator struct {
	*source
	faults []Fault
}

func (v *validator) add(key, format string, args ...any) {
	f := Fault{Key: key, Message: fmt.Sprintf(format, args...)}
	if v.source != nil {
		f.File, f.Line = v.file, v.line(key)
	}
	v.faults = append(v.faults, f)
}

func (v *validator) check(key string, ok bool, format string, args ...any) {
	if !ok {
		v.add(key, format, args...)
	}
}

// is continues a sentence with the value, or with the variable that it came from.
func (v *validator) is(key string, value any) string {
	if v.source != nil && v.vars[key] != "" {
		return ", the value of ${" + v.vars[key] + "} is not"
	}
	return fmt.Sprintf(", is %v", value)
}

func (v *validator) between(key string, n, lo, hi int) {
	v.check(key, n >= lo, "must be at least %d%s", lo, v.is(key, n))
	v.check(key, n <= hi, "must be at most %d%s", hi, v.is(key, n))
}

func (v *validator) positive(key string, d time.Duration) {
	v.check(key, d > 0, "must be longer than 0s%s", v.is(key, d))
}

// model is for a model that is asked at an address of its own.
func (v *validator) model(key, id string) {
	v.check(key, id != "" && !strings.ContainsFunc(id, unfit) && !strings.ContainsAny(id, "?#%"), "must be the id of a model, without white space%s", v.is(key, show(id)))
}

func (v *validator) oneOf(key, value string, allowed ...string) {
	v.check(key, slices.Contains(allowed, value), "must be one of %s%s", strings.Join(allowed, ", "), v.is(key, show(value)))
}

// people wants ids of people, as a platform writes them.
func (v *validator) people(key string, ids []string, form *regexp.Regexp, example string) {
	for i, id := range ids {
		at := fmt.Sprintf("%s[%d]", key, i)
		v.check(at, form.MatchString(id), "must be the id of a person, such as %s%s", example, v.is(at, show(id)))
	}
}

func (v *validator) session(key, value string) {
	var scopes []string
	for _, s := range bots.Scopes() {
		scopes = append(scopes, string(s))
	}
	v.oneOf(key, value, scopes...)
}

// channels wants ids of channels, as a platform writes them.
func (v *validator) channels(key string, cs map[string]ChannelConfig, form *regexp.Regexp, example string) {
	for _, id := range slices.Sorted(maps.Keys(cs)) {
		at := key + "." + id
		v.check(at, form.MatchString(id), "must be the id of a channel, such as %s; names are not understood, and direct messages do not differ", example)
		if s := cs[id].Session; s != nil {
			v.session(at+".session", *s)
		}
	}
}

// url wants the root of an HTTP API. A URL with credentials is not shown.
func (v *validator) url(key, value string) {
	u, err := url.Parse(value)
	switch {
	case err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "":
		v.add(key, "must be a URL that begins with https:// or http:// and names a host")
	case u.User != nil || u.RawQuery != "" || u.ForceQuery || u.Fragment != "":
		v.add(key, "must be a URL without user name, query and fragment")
	}
}

func (v *validator) listen(key, value string) {
	host, port, err := net.SplitHostPort(value)
	if err == nil {
		_, err = strconv.ParseUint(port, 10, 16)
	}
	v.check(key, err == nil && !strings.ContainsFunc(host, unfit), "must be an address to listen on such as 127.0.0.1:8080%s", v.is(key, show(value)))
}

func (v *validator) secret(key string, s Secret) {
	if fault := s.fault(); fault != "" {
		v.add(key, "%s", fault)
	}
}

// prefix knows Slack's kinds of tokens by how they begin.
func (v *validator) prefix(key string, s Secret, prefix, what string) {
	switch {
	case !s.Set():
	case s.fault() != "":
		v.secret(key, s)
	case !strings.HasPrefix(s.Reveal(), prefix):
		v.add(key, "must be %s, which begins with %s; %s", what, prefix, otherToken(s.Reveal()))
	case len(s.Reveal()) == len(prefix):
		v.add(key, "must be %s, is only its beginning %s", what, prefix)
	}
}

// otherToken says what a Slack token is, without showing it.
func otherToken(token string) string {
	for prefix, what := range map[string]string{"xoxb-": "this is a bot token", "xapp-": "this is an app-level token", "xoxp-": "this is a user token", "xoxe": "this is a token for rotation"} {
		if strings.HasPrefix(token, prefix) {
			return what
		}
	}
	return "this is another kind of secret"
}

// line is that of key, or of the nearest key around it.
func (s *source) line(key string) int {
	for key != "" {
		if n, ok := s.lines[key]; ok {
			return n
		}
		i := strings.LastIndexAny(key, ".[")
		if i < 0 {
			break
		}
		key = key[:i]
	}
	return 0
}
