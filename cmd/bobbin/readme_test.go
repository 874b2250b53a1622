package main

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
	"github.com/prometheus/client_golang/prometheus"
	"go.yaml.in/yaml/v4"

	"bobbin/bots"
	"bobbin/bots/slack"
)

// readme is the file, and its fenced code blocks in a language.
type readme string

func readReadme(t *testing.T) readme {
	t.Helper()
	b, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	return readme(b)
}

var fenced = regexp.MustCompile("(?ms)^( *)```([a-z]+)\n(.*?)^ *```$")

// blocks returns the code in a language, without the indent of a list it may stand in.
func (r readme) blocks(language string) (all []string) {
	for _, m := range fenced.FindAllStringSubmatch(string(r), -1) {
		if m[2] == language {
			all = append(all, regexp.MustCompile("(?m)^"+m[1]).ReplaceAllString(m[3], ""))
		}
	}
	return all
}

// names returns what stands in backquotes and matches, perhaps with words after it.
func (r readme) names(pattern string) (all []string) {
	for _, m := range regexp.MustCompile("`(?:\\./)?("+pattern+")(?: [^`\n]+)?`").FindAllStringSubmatch(string(r), -1) {
		all = append(all, m[1])
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// slackManifest is what the README has people paste into Slack.
type slackManifest struct {
	Features struct {
		AppHome struct {
			Home     bool `yaml:"home_tab_enabled"`
			Messages bool `yaml:"messages_tab_enabled"`
			ReadOnly bool `yaml:"messages_tab_read_only_enabled"`
		} `yaml:"app_home"`
		Agent    map[string]any `yaml:"agent_view"`
		Commands []struct {
			Command string `yaml:"command"`
			Hint    string `yaml:"usage_hint"`
		} `yaml:"slash_commands"`
		Shortcuts []struct {
			Name       string `yaml:"name"`
			Type       string `yaml:"type"`
			CallbackID string `yaml:"callback_id"`
		} `yaml:"shortcuts"`
	} `yaml:"features"`
	OAuth struct {
		Scopes struct {
			Bot []string `yaml:"bot"`
		} `yaml:"scopes"`
	} `yaml:"oauth_config"`
	Settings struct {
		Events struct {
			Bot []string `yaml:"bot_events"`
		} `yaml:"event_subscriptions"`
		Interactivity struct {
			Enabled bool `yaml:"is_enabled"`
		} `yaml:"interactivity"`
		Socket bool `yaml:"socket_mode_enabled"`
	} `yaml:"settings"`
}

func TestReadmeManifestIsForWhatBobbinDoesInSlack(t *testing.T) {
	var m slackManifest
	if err := yaml.Unmarshal([]byte(readReadme(t).blocks("yaml")[0]), &m); err != nil {
		t.Fatal(err)
	}
	if home := m.Features.AppHome; !home.Messages || home.ReadOnly {
		t.Error("people could write no direct messages")
	} else if !home.Home || len(m.Features.Agent) == 0 {
		t.Error("the home or the pane for agents is missing")
	}
	if !m.Settings.Socket || !m.Settings.Interactivity.Enabled {
		t.Error("the manifest is not for Socket Mode, which the steps after it need, or buttons do nothing")
	}
	if c := m.Features.Commands; len(c) != 1 || c[0].Command != "/bobbin" {
		t.Fatalf("commands: %v", c)
	}
	known := bots.Commands([]string{"one", "another"})
	for _, hint := range strings.Split(m.Features.Commands[0].Hint, "|") {
		name, _, _ := strings.Cut(strings.TrimSpace(hint), " ")
		if !slices.ContainsFunc(known, func(c bots.Command) bool { return c.Name == name }) {
			t.Errorf("the hint names %q, which is no command", name)
		}
	}
	var menu []slack.Shortcut
	for _, s := range m.Features.Shortcuts {
		if s.Type != "message" {
			t.Errorf("%s is in the menu of no message", s.Name)
		}
		menu = append(menu, slack.Shortcut{CallbackID: s.CallbackID, Name: s.Name})
	}
	if !slices.Equal(menu, slack.Shortcuts()) {
		t.Errorf("the menu of a message holds %v, want %v", menu, slack.Shortcuts())
	}
}

// slackScopes are the scopes that each event and method needs.
var slackScopes = map[string][]string{
	"app_mention": {"app_mentions:read"}, "message.channels": {"channels:history"}, "message.groups": {"groups:history"},
	"message.im": {"im:history"}, "message.mpim": {"mpim:history"}, "reaction_added": {"reactions:read"},
	"member_joined_channel": {"channels:read", "groups:read"}, "app_home_opened": {}, "agent_session_stopped": {"assistant:write"},

	"agents.sessions.setStatus": {"assistant:write"}, "assistant.threads.setSuggestedPrompts": {"assistant:write"},
	"assistant.threads.setTitle": {"assistant:write"}, "assistant.threads.setStatus": {"chat:write"},
	"chat.appendStream": {"chat:write"}, "chat.delete": {"chat:write"}, "chat.postEphemeral": {"chat:write"}, "chat.postMessage": {"chat:write"},
	"chat.startStream": {"chat:write"}, "chat.stopStream": {"chat:write"}, "chat.update": {"chat:write"},
	"conversations.history": {"channels:history", "groups:history", "im:history", "mpim:history"},
	"conversations.replies": {"channels:history", "groups:history", "im:history", "mpim:history"},
	"conversations.open":    {"im:write"}, "users.conversations": {"channels:read", "groups:read", "im:read", "mpim:read"},
	"files.completeUploadExternal": {"files:write"}, "files.getUploadURLExternal": {"files:write"}, "files.info": {"files:read"},
	"reactions.add": {"reactions:write"}, "reactions.remove": {"reactions:write"}, "users.info": {"users:read"},
	"auth.test": {}, "chat.getPermalink": {}, "apps.connections.open": {}, "views.open": {}, "views.publish": {},
}

func TestReadmeManifestAsksForTheScopesOfWhatIsCalledAndHeard(t *testing.T) {
	var m slackManifest
	if err := yaml.Unmarshal([]byte(readReadme(t).blocks("yaml")[0]), &m); err != nil {
		t.Fatal(err)
	}
	sources, err := filepath.Glob("../../bots/slack/*.go")
	if err != nil || len(sources) == 0 {
		t.Fatal(sources, err)
	}
	var code strings.Builder
	for _, file := range sources {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		code.Write(b)
	}
	needed := map[string]bool{"commands": true}
	need := func(what string) {
		scopes, known := slackScopes[what]
		if !known {
			t.Errorf("which scopes %s needs is not known here", what)
		}
		for _, s := range scopes {
			needed[s] = true
		}
	}
	methods := regexp.MustCompile(`"((?:agents|apps|assistant|auth|chat|conversations|files|reactions|users|views)(?:\.[a-z]+)*\.[a-zA-Z]+)"`).FindAllStringSubmatch(code.String(), -1)
	if len(methods) < 15 {
		t.Fatalf("only %d methods are found in the code", len(methods))
	}
	for _, m := range methods {
		need(m[1])
	}
	if strings.Contains(code.String(), "GetUserInfoContext(") { // which nothing calls by its name
		need("users.info")
	}
	var heard []string
	kinds := regexp.MustCompile(`(?s)\nvar converters = .*?\{\n(.*?)\n\}`).FindStringSubmatch(code.String())
	if kinds == nil {
		t.Fatal("where events are told apart does not look as it did")
	}
	for _, e := range regexp.MustCompile(`(?m)^\t"([a-z_]+)":`).FindAllStringSubmatch(kinds[1], -1) {
		switch e[1] {
		case "message":
			heard = append(heard, "message.channels", "message.groups", "message.im", "message.mpim")
		case "assistant_thread_started": // of the older kind of agent, which the text tells of
		default:
			heard = append(heard, e[1])
		}
	}
	slices.Sort(heard)
	if got := slices.Sorted(slices.Values(m.Settings.Events.Bot)); !slices.Equal(got, heard) {
		t.Errorf("the manifest subscribes to %q, and heard are %q", got, heard)
	}
	for _, e := range heard {
		need(e)
	}
	if got, want := slices.Sorted(slices.Values(m.OAuth.Scopes.Bot)), slices.Sorted(maps.Keys(needed)); !slices.Equal(got, want) {
		t.Errorf("the manifest asks for the scopes\n%q, needed are\n%q", got, want)
	}
}

func TestReadmeShowsEachFeatureByTestsThatExist(t *testing.T) {
	r := string(readReadme(t))
	table := r[strings.Index(r, "## Talk to it"):strings.Index(r, "## What it keeps")]
	tests := map[string]bool{}
	err := filepath.WalkDir("../..", func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil || d.IsDir():
			return err
		case strings.HasSuffix(path, ".txtar"):
			tests[filepath.Base(path)] = true
		case strings.HasSuffix(path, "_test.go"):
			b, err := os.ReadFile(path)
			for _, m := range regexp.MustCompile(`(?m)^func (Test\w+)\(`).FindAllSubmatch(b, -1) {
				tests[string(m[1])] = true
			}
			return err
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	rows := 0
	for line := range strings.Lines(table) {
		cells := strings.Split(strings.TrimSpace(line), " | ")
		if !strings.HasPrefix(line, "| ") || len(cells) != 4 || strings.HasPrefix(line, "| | Slack") {
			if strings.HasPrefix(line, "| ") && len(cells) != 4 {
				t.Errorf("a row with %d cells: %s", len(cells), line)
			}
			continue
		}
		rows++
		named := regexp.MustCompile("`([^`]+)`").FindAllStringSubmatch(cells[3], -1)
		if len(named) == 0 {
			t.Errorf("no test shows %s", cells[0])
		}
		for _, n := range named {
			if !tests[n[1]] {
				t.Errorf("%s: there is no %s", cells[0], n[1])
			}
		}
	}
	if rows < 20 {
		t.Errorf("the table has %d rows", rows)
	}
}

func TestReadmeInvitesWithThePermissionsItNames(t *testing.T) {
	const react, view, send, attach, history, threads, inThreads = 1 << 6, 1 << 10, 1 << 11, 1 << 15, 1 << 16, 1 << 35, 1 << 38
	link := regexp.MustCompile(`https://discord\.com/oauth2/authorize\S+`).FindString(string(readReadme(t)))
	u, err := url.Parse(link)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := u.Query().Get("permissions"), fmt.Sprint(react|view|send|attach|history|threads|inThreads); got != want {
		t.Errorf("permissions=%s, want %s", got, want)
	}
	if got := u.Query().Get("scope"); got != "bot applications.commands" {
		t.Errorf("scope=%s", got)
	}
}

func TestReadmeNamesSettingsThatExist(t *testing.T) {
	keys := map[string]bool{}
	var walk func(reflect.Type, string)
	walk = func(typ reflect.Type, prefix string) {
		for f := range typ.Fields() {
			key, _, _ := strings.Cut(f.Tag.Get("yaml"), ",")
			if key == "" {
				continue
			}
			keys[prefix+key] = true
			if f.Type.Kind() == reflect.Struct {
				walk(f.Type, prefix+key+".")
			}
		}
	}
	walk(reflect.TypeFor[Config](), "")
	r := readReadme(t)
	table := r[strings.Index(string(r), "## Configure it"):strings.Index(string(r), "## Talk to it")]
	named := append(r.names(`(?:workers_ai|agent|reply|people|files|tools|slack|discord|admin|log)\.[a-z_.]+`), regexp.MustCompile("(?m)^\\| `([a-z_.]+)`").FindAllString(string(table), -1)...)
	if len(named) < 20 {
		t.Fatalf("only %d settings are named: %v", len(named), named)
	}
	for _, key := range named {
		if key = strings.Trim(key, "|` "); !keys[key] {
			t.Errorf("%s is no setting", key)
		}
	}
	for _, text := range r.blocks("yaml")[2:] {
		if _, err := loadConfig(writeConfig(t, text), noEnv); err != nil {
			t.Errorf("%s\n%v", text, err)
		}
	}
}

func TestReadmeNamesEveryCommandAndMetric(t *testing.T) {
	r := readReadme(t)
	parser, err := kong.New(&cli{})
	if err != nil {
		t.Fatal(err)
	}
	var commands []string
	for _, c := range parser.Model.Children {
		if !c.Hidden {
			commands = append(commands, "bobbin "+c.Name)
		}
	}
	for _, c := range commands {
		if !strings.Contains(string(r), c) {
			t.Errorf("%s is not mentioned", c)
		}
	}
	for _, c := range r.names(`bobbin [a-z]+`) {
		if !slices.Contains(commands, c) {
			t.Errorf("there is no command %s", c)
		}
	}

	cfg := DefaultConfig()
	cfg.DataDir, cfg.Admin.Listen = filepath.Join(t.TempDir(), "data"), ""
	cfg.WorkersAI.AccountID, cfg.WorkersAI.APIToken = strings.Repeat("a", 32), NewSecret("t")
	cfg.Slack.BotToken, cfg.Slack.AppToken, cfg.Discord.BotToken = NewSecret("xoxb-t"), NewSecret("xapp-t"), NewSecret("t")
	d, err := newDaemon(cfg, slog.New(slog.DiscardHandler), extras{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := d.close(); err != nil {
			t.Error(err)
		}
	}()
	described := make(chan *prometheus.Desc)
	go func() {
		d.metrics.registry.Describe(described)
		close(described)
	}()
	var metrics []string
	for desc := range described {
		if m := regexp.MustCompile(`fqName: "(bobbin_[a-z_]+)"`).FindStringSubmatch(desc.String()); m != nil {
			metrics = append(metrics, m[1])
		}
	}
	slices.Sort(metrics)
	if got, want := r.names(`bobbin_[a-z_]+`), slices.Compact(metrics); !slices.Equal(got, want) {
		t.Errorf("metrics named:\n%s\nmetrics there are:\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestReadmeToolCompiles(t *testing.T) {
	dir := t.TempDir()
	replace := map[string]string{}
	put := func(at, source string) {
		t.Helper()
		path := filepath.Join(dir, filepath.Base(at))
		if err := os.WriteFile(path, []byte(source), 0o600); err != nil {
			t.Fatal(err)
		}
		to, err := filepath.Abs(at)
		if err != nil {
			t.Fatal(err)
		}
		replace[to] = path
	}
	code := readReadme(t).blocks("go")
	put("../../tools/dice.go", code[0])
	daemon, err := os.ReadFile("daemon.go")
	if err != nil {
		t.Fatal(err)
	}
	const after = "var errs []error\n\tif cfg.CurrentTime.Enabled {"
	if !strings.Contains(string(daemon), after) {
		t.Fatal("newTools does not look as it did")
	}
	put("daemon.go", strings.Replace(string(daemon), after, strings.Replace(after, "\n", "\n"+code[1], 1), 1))
	overlay, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		t.Fatal(err)
	}
	list := filepath.Join(dir, "overlay.json")
	if err := os.WriteFile(list, overlay, 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.CommandContext(t.Context(), "go", "vet", "-overlay", list, "../../tools", ".").CombinedOutput(); err != nil {
		t.Errorf("go vet: %v\n%s", err, out)
	}
}

func TestReadmeLinksLead(t *testing.T) {
	r := readReadme(t)
	anchors := map[string]bool{}
	for _, m := range regexp.MustCompile(`(?m)^#+ (.+)$`).FindAllStringSubmatch(string(r), -1) {
		anchors[strings.ReplaceAll(strings.ToLower(m[1]), " ", "-")] = true
	}
	for _, m := range regexp.MustCompile(`\]\(([^)]+)\)`).FindAllStringSubmatch(string(r), -1) {
		switch to, anchor := strings.CutPrefix(m[1], "#"); {
		case anchor && !anchors[to]:
			t.Errorf("there is no heading for #%s", to)
		case !anchor && !strings.Contains(to, "://"):
			if _, err := os.Stat(filepath.Join("../..", to)); err != nil {
				t.Error(err)
			}
		}
	}
}
