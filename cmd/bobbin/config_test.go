package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"go.yaml.in/yaml/v4"

	"bobbin/bots"
)

var updateConfig = flag.Bool("update-config", false, "rewrite testdata/config/*.want")

const canary = "canary-verysecret"

// testEnv holds nothing but a canary and a number.
func testEnv(name string) (string, bool) {
	switch name {
	case "SECRET_CANARY":
		return canary, true
	case "TWO":
		return "2", true
	case "EMPTY":
		return "", true
	}
	return "", false
}

func noEnv(string) (string, bool) { return "", false }

var sameConfig = cmp.Options{cmpopts.IgnoreUnexported(Config{}), cmp.Comparer(func(a, b Secret) bool { return a == b })}

func writeConfig(t testing.TB, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "config.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestEachBadConfigHasItsMessages(t *testing.T) {
	t.Chdir("testdata/config")
	files, err := filepath.Glob("*.yaml")
	if err != nil || len(files) < 20 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	for _, file := range files {
		_, err := loadConfig(file, testEnv)
		if err == nil {
			t.Errorf("%s: no error", file)
			continue
		}
		if _, ok := errors.AsType[*ConfigError](err); !ok {
			t.Errorf("%s: error is a %T", file, err)
		}
		got := err.Error() + "\n"
		if strings.Contains(got, "verysecret") || strings.Contains(got, "hunter2") {
			t.Errorf("%s: a secret is in the message:\n%s", file, got)
		}
		want := strings.TrimSuffix(file, ".yaml") + ".want"
		if *updateConfig {
			if err := os.WriteFile(want, []byte(got), 0o600); err != nil {
				t.Fatal(err)
			}
			continue
		}
		text, err := os.ReadFile(want)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(text), got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", file, diff)
		}
	}
}

func TestRootConfigIsTheDefaults(t *testing.T) {
	c, err := loadConfig("../../config.yaml", noEnv)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(DefaultConfig(), c, sameConfig, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("config.yaml differs from the defaults (-default +file):\n%s", diff)
	}
	if w := c.Warnings(); len(w) > 0 {
		t.Errorf("warnings: %v", w)
	}
}

func TestRootConfigExplainsEveryKey(t *testing.T) {
	data, err := os.ReadFile("../../config.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var doc yaml.Node
	if err := yaml.Load(data, &doc); err != nil {
		t.Fatal(err)
	}
	comments := map[string]string{}
	var walk func(n *yaml.Node, parent string)
	walk = func(n *yaml.Node, parent string) {
		for i := 0; i+1 < len(n.Content) && n.Kind == yaml.MappingNode; i += 2 {
			key := join(parent, n.Content[i].Value)
			comments[key] = n.Content[i].HeadComment
			walk(n.Content[i+1], key)
		}
	}
	walk(doc.Content[0], "")
	var need func(ty reflect.Type, parent string)
	need = func(ty reflect.Type, parent string) {
		for sf := range ty.Fields() {
			if !sf.IsExported() {
				continue
			}
			key := join(parent, sf.Tag.Get("yaml"))
			if sf.Tag.Get("yaml") == "" {
				t.Errorf("field %s of %s has no key", sf.Name, ty)
			}
			comment, ok := comments[key]
			// What "enabled" means, the comment of its tool says.
			if !ok || comment == "" && sf.Tag.Get("yaml") != "enabled" {
				t.Errorf("%s: in config.yaml %v, comment %q", key, ok, comment)
			}
			if sf.Type.Kind() == reflect.Struct && sf.Type != reflect.TypeFor[Secret]() {
				need(sf.Type, key)
			}
		}
	}
	need(reflect.TypeFor[Config](), "")
}

func TestAnEmptyFileIsTheDefaults(t *testing.T) {
	for _, text := range []string{"", "\n\n", "# nothing\n", "---\n", "\uFEFF", "slack:\nagent:\n  max_steps:\nworkers_ai: ~\n"} {
		c, err := loadConfig(writeConfig(t, text), noEnv)
		if err != nil {
			t.Errorf("%q: %v", text, err)
			continue
		}
		if diff := cmp.Diff(DefaultConfig(), c, sameConfig); diff != "" {
			t.Errorf("%q: %s", text, diff)
		}
	}
}

func TestValuesAreRead(t *testing.T) {
	t.Chdir("testdata/config")
	path := "values.yml" // not one of the bad ones
	c, err := loadConfig(path, func(name string) (string, bool) {
		v, ok := map[string]string{
			"INJECT": "x\nlog:\n  level: debug", "STEPS": "12", "ACCOUNT": "0123456789abcdef0123456789abcdef",
			"DISCORD": "file:bot.secret", "NESTED": "${STEPS}", "EMPTY": "",
		}[name]
		return v, ok
	})
	if err != nil {
		t.Fatal(err)
	}
	want := DefaultConfig()
	want.DataDir = "x\nlog:\n  level: debug"
	want.WorkersAI.AccountID = "0123456789abcdef0123456789abcdef"
	want.WorkersAI.APIToken = NewSecret("cf-token")
	want.WorkersAI.Models = []string{"@cf/a/b", "@cf/c/d"}
	want.Agent.Instructions = "Costs $5, $$6 and ${LITERAL}. ${STEPS}"
	want.Agent.MaxSteps = 12
	want.Agent.TurnTimeout = 90 * time.Second
	want.Agent.Window = 2000
	want.Tools.Calculate.Enabled = false
	want.Tools.FetchURL.Allow = []string{"10.0.0.0/8", "fd00::/8"}
	want.Slack.BotToken = NewSecret("xoxb-from-a-file")
	want.Slack.AppToken = NewSecret("xapp-1")
	want.Discord.BotToken = NewSecret("xoxb-from-a-file")
	want.Discord.Threads = "never"
	channel, user, yes, no := "channel", "user", true, false
	want.Slack.Session = "user"
	want.Slack.Channels = map[string]ChannelConfig{"C012AB3CD": {Session: &channel}, "C2": {Follow: &no}, "C3": {}}
	want.Discord.Follow = false
	want.Discord.Channels = map[string]ChannelConfig{"80351110224678912": {Session: &user, Follow: &yes}}
	want.Admin.Listen = ""
	if diff := cmp.Diff(want, c, sameConfig); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestChannelsDifferInWhatIsSetForThem(t *testing.T) {
	c, err := loadConfig(writeConfig(t, "slack: {follow: false, session: user, channels: {C1: {session: thread}, C2: {follow: true}}}\ndiscord: {follow: false}"), noEnv)
	if err != nil {
		t.Fatal(err)
	}
	r := c.Slack.Rules()
	for id, want := range map[string]bots.Rules{
		"C1": {Session: bots.PerThread}, "C2": {Session: bots.PerUser, Follow: true}, "C3": {Session: bots.PerUser},
	} {
		if got := r.In(id); got != want {
			t.Errorf("%s: %+v, want %+v", id, got, want)
		}
	}
	if !r.Follows() || c.Discord.Rules().Follows() {
		t.Error("which platform follows anywhere is not known")
	}
}

func TestFilesThatCannotBeReadSaySo(t *testing.T) {
	dir := t.TempDir()
	huge := writeConfig(t, strings.Repeat("# x\n", maxConfig/4+1))
	for path, want := range map[string]string{
		filepath.Join(dir, "none.yaml"): "there is no such file; copy the commented config.yaml",
		dir:                             "is not a regular file",
		huge:                            "is larger than 1024 KiB",
	} {
		_, err := loadConfig(path, noEnv)
		if err == nil || !strings.Contains(err.Error(), want) || !strings.HasPrefix(err.Error(), path+": ") {
			t.Errorf("%s: %v, want %q", path, err, want)
		}
	}
}

func TestASecretFileIsBounded(t *testing.T) {
	path := writeConfig(t, "slack: {bot_token: 'file:big'}")
	if err := os.WriteFile(filepath.Join(filepath.Dir(path), "big"), bytes.Repeat([]byte("x"), maxSecret+1), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := loadConfig(path, noEnv); err == nil || !strings.Contains(err.Error(), "is larger than 64 KiB") {
		t.Errorf("error %v", err)
	}
}

func TestABombOfAliasesIsHarmless(t *testing.T) {
	var b strings.Builder
	b.WriteString("x0: &x0 [lol, lol]\n")
	for i := 1; i < 60; i++ {
		fmt.Fprintf(&b, "x%d: &x%d [*x%d, *x%d]\n", i, i, i-1, i-1)
	}
	b.WriteString("workers_ai: {models: *x59}\nagent: &loop {max_steps: *loop}\n")
	if _, err := loadConfig(writeConfig(t, b.String()), noEnv); err == nil {
		t.Error("no error")
	}
	deep := strings.Repeat("[", 20_000)
	if _, err := loadConfig(writeConfig(t, "data_dir: "+deep), noEnv); err == nil {
		t.Error("deep nesting: no error")
	}
	long := "workers_ai: {models: [" + strings.Repeat("a, ", maxItems+1) + "]}"
	if _, err := loadConfig(writeConfig(t, long), noEnv); err == nil || !strings.Contains(err.Error(), "at most 100") {
		t.Errorf("long list: %v", err)
	}
}

func TestSecretsAreMaskedHoweverTheyArePrinted(t *testing.T) {
	c := DefaultConfig()
	c.Slack.BotToken = NewSecret(canary)
	var out bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%t"} {
		fmt.Fprintf(&out, verb+verb+verb, c.Slack.BotToken, &c.Slack, c)
	}
	text, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	out.Write(text)
	text, err = yaml.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	out.Write(text)
	slog.New(slog.NewTextHandler(&out, nil)).Info("x", "token", c.Slack.BotToken, "config", c)
	slog.New(slog.NewJSONHandler(&out, nil)).Info("x", "token", c.Slack.BotToken, "config", c)
	hexed := fmt.Sprintf("%x", canary)
	if s := out.String(); strings.Contains(s, canary) || strings.Contains(strings.ToLower(s), hexed) {
		t.Errorf("the secret is in the output:\n%s", s)
	}
	if c.Slack.BotToken.Reveal() != canary || !c.Slack.BotToken.Set() || (Secret{}).String() != "" {
		t.Error("the secret cannot be had")
	}
}

func TestRunnableNamesWhatIsMissing(t *testing.T) {
	c, err := loadConfig("../../config.yaml", noEnv)
	if err != nil {
		t.Fatal(err)
	}
	err = c.Runnable()
	if err == nil {
		t.Fatal("no error")
	}
	for _, want := range []string{
		"workers_ai.account_id: is missing", "CLOUDFLARE_ACCOUNT_ID is not set",
		"workers_ai.api_token: is missing", "CLOUDFLARE_API_TOKEN is not set",
		"no platform is on", "SLACK_BOT_TOKEN is not set", "DISCORD_BOT_TOKEN is not set",
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("error lacks %q:\n%v", want, err)
		}
	}
	own := filepath.Join(t.TempDir(), "own.yaml")
	if err := os.WriteFile(own, []byte("log: {level: debug}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if c, err = loadConfig(own, noEnv); err != nil {
		t.Fatal(err)
	}
	if err := c.Runnable(); err == nil || !strings.Contains(err.Error(), "set slack.bot_token (to ${SLACK_BOT_TOKEN} if the environment has it)") {
		t.Errorf("of a file that does not mention the tokens: %v", err)
	}
	c = DefaultConfig()
	c.WorkersAI.OpenAIURL = "http://127.0.0.1:11434/v1"
	c.Discord.BotToken = NewSecret("x")
	if err := c.Runnable(); err != nil {
		t.Errorf("a complete configuration: %v", err)
	}
	if f := c.Validate(); len(f) > 0 {
		t.Errorf("faults: %v", f)
	}
}

func TestWarningsNameWhatIsProbablyAMistake(t *testing.T) {
	c, err := loadConfig(writeConfig(t, `
workers_ai:
  models:
    - "@cf/meta/llama-3.1-8b-instruct"
    - "@cf/zai-org/glm-4.7-flash"
    - "@hf/thebloke/zephyr-7b-beta-awq"
  base_url: http://models.example/v4
admin: {listen: ":8080"}
`), noEnv)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, w := range c.Warnings() {
		got = append(got, fmt.Sprintf("%d %s", w.Line, w.Key))
	}
	want := []string{"4 workers_ai.models[0]", "6 workers_ai.models[2]", "7 workers_ai.base_url", "8 admin.listen"}
	if !slices.Equal(got, want) {
		t.Errorf("warnings %q, want %q", got, want)
	}
	c = DefaultConfig()
	c.WorkersAI.OpenAIURL = "http://localhost:11434/v1"
	if w := c.Warnings(); len(w) != len(c.WorkersAI.Models) {
		t.Errorf("Workers AI's models on another server: %v", w)
	}
}

func FuzzLoadConfig(f *testing.F) {
	for _, dir := range []string{"testdata/config/*.y*ml", "../../config.yaml"} {
		files, err := filepath.Glob(dir)
		if err != nil {
			f.Fatal(err)
		}
		for _, file := range files {
			data, err := os.ReadFile(file)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(data, "xoxb-1")
		}
	}
	f.Add([]byte("agent: {max_steps: ${SECRET_CANARY:-3}}"), "file:x\ny: ${")
	f.Add([]byte("a: &a [*a]\n"), "Bot x")
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, text []byte, token string) {
		// The token stands as a quoted value of a secret key, behind whatever else there is.
		quoted, err := json.Marshal(token + canary)
		if err != nil {
			t.Fatal(err)
		}
		for i, doc := range [][]byte{text, append(append(slices.Clone(text), "\nslack:\n  bot_token: "...), quoted...)} {
			path := filepath.Join(dir, fmt.Sprintf("config%d.yaml", i))
			if err := os.WriteFile(path, doc, 0o600); err != nil {
				t.Fatal(err)
			}
			c, err := loadConfig(path, testEnv)
			if err == nil {
				err = c.Runnable()
			}
			if err != nil && !bytes.Contains(text, []byte("canary")) && strings.Contains(err.Error(), canary) {
				t.Fatalf("the secret is in the error:\n%v", err)
			}
			for _, w := range c.Warnings() {
				if !bytes.Contains(text, []byte("canary")) && strings.Contains(w.String(), canary) {
					t.Fatalf("the secret is in a warning: %v", w)
				}
			}
		}
	})
}
