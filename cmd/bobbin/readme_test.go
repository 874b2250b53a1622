package main

import (
	"encoding/json"
	"fmt"
	"log/slog"
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

func TestReadmeManifestAsksForWhatSlackNeeds(t *testing.T) {
	var manifest struct {
		Features struct {
			AppHome struct {
				Tab      bool `yaml:"messages_tab_enabled"`
				ReadOnly bool `yaml:"messages_tab_read_only_enabled"`
			} `yaml:"app_home"`
			Commands []struct {
				Command string `yaml:"command"`
			} `yaml:"slash_commands"`
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
			Socket bool `yaml:"socket_mode_enabled"`
		} `yaml:"settings"`
	}
	if err := yaml.Unmarshal([]byte(readReadme(t).blocks("yaml")[0]), &manifest); err != nil {
		t.Fatal(err)
	}
	if !manifest.Features.AppHome.Tab || manifest.Features.AppHome.ReadOnly {
		t.Error("people could write no direct messages")
	}
	if !manifest.Settings.Socket {
		t.Error("the manifest is not for Socket Mode, which the steps after it need")
	}
	if c := manifest.Features.Commands; len(c) != 1 || c[0].Command != "/bobbin" {
		t.Errorf("commands: %v", c)
	}
	// Each event is only delivered with its scope.
	for event, scope := range map[string]string{
		"app_mention": "app_mentions:read", "message.im": "im:history", "message.channels": "channels:history",
		"message.groups": "groups:history", "message.mpim": "mpim:history",
	} {
		if !slices.Contains(manifest.Settings.Events.Bot, event) || !slices.Contains(manifest.OAuth.Scopes.Bot, scope) {
			t.Errorf("%s or its scope %s is missing", event, scope)
		}
	}
	for _, scope := range []string{"chat:write", "commands", "users:read", "channels:read", "groups:read", "im:read", "mpim:read"} {
		if !slices.Contains(manifest.OAuth.Scopes.Bot, scope) {
			t.Errorf("the scope %s is missing", scope)
		}
	}
}

func TestReadmeInvitesWithThePermissionsItNames(t *testing.T) {
	const view, send, history, threads, inThreads = 1 << 10, 1 << 11, 1 << 16, 1 << 35, 1 << 38
	link := regexp.MustCompile(`https://discord\.com/oauth2/authorize\S+`).FindString(string(readReadme(t)))
	u, err := url.Parse(link)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := u.Query().Get("permissions"), fmt.Sprint(view|send|history|threads|inThreads); got != want {
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
	named := append(r.names(`(?:workers_ai|agent|tools|slack|discord|admin|log)\.[a-z_.]+`), regexp.MustCompile("(?m)^\\| `([a-z_.]+)`").FindAllString(string(table), -1)...)
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
