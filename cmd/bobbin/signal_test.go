package main

import (
	"context"
	"errors"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"bobbin/bots/sandbox"
)

// The first signal drains, for as long as agent.drain; the second does not wait. What was
// under way then goes on after the restart.
func TestASecondSignalEndsTheDaemonAtOnceAndLosesNothing(t *testing.T) {
	asked, release := make(chan struct{}, 8), make(chan struct{})
	discord := sandbox.NewDiscord(sandbox.DiscordOptions{Limits: sandbox.DiscordLimits{Off: true}})
	slack := sandbox.NewSlack(sandbox.SlackOptions{})
	ai := sandbox.NewWorkersAI(sandbox.WorkersAIOptions{APIToken: demoToken, Script: func(ctx context.Context, _ sandbox.AIRequest) sandbox.AIReply {
		asked <- struct{}{}
		select {
		case <-release:
		case <-ctx.Done():
		}
		return sandbox.AISays("Here is the answer.")
	}})
	l, err := listen(t.Context(), "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	stands := site{listener: l, server: &http.Server{Handler: standIns(slack, discord, ai), ReadHeaderTimeout: 5 * time.Second}}
	serving, stop := context.WithCancel(t.Context())
	served := make(chan error, 1)
	go func() { served <- stands.serve(serving) }()
	defer func() {
		slack.Close()
		discord.Close()
		stop()
		if err := errors.Join(<-served, stands.close()); err != nil {
			t.Error(err)
		}
	}()

	dir := t.TempDir()
	config := filepath.Join(dir, "config.yaml")
	yaml := strings.NewReplacer("BASE", "http://"+l.Addr().String(), "DATA", filepath.Join(dir, "data"), "AITOKEN", demoToken, "DISCORDBOT", discord.Token()).Replace(`
data_dir: DATA
workers_ai: {account_id: test, api_token: AITOKEN, base_url: BASE/client/v4}
discord: {bot_token: DISCORDBOT, api_url: BASE/}
agent: {drain: 30m}
people: {welcome: false}
admin: {listen: "127.0.0.1:0"}
`)
	if err := os.WriteFile(config, []byte(yaml), 0o600); err != nil {
		t.Fatal(err)
	}
	log, err := os.Create(filepath.Join(dir, "log"))
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	start := func() *tortured {
		cmd := exec.CommandContext(t.Context(), "bobbin", "run", "--config", config) // TestMain puts it into PATH
		cmd.Stdout, cmd.Stderr = log, log
		d, err := startTortured(cmd)
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	d := start()
	// wait waits for something that the daemon has to do.
	wait := func(what string, done func() bool) {
		t.Helper()
		tick := time.NewTicker(20 * time.Millisecond)
		defer tick.Stop()
		for !done() {
			select {
			case <-tick.C:
			case <-d.gone:
				said, _ := os.ReadFile(log.Name()) // for the one who reads the failure
				t.Fatalf("the daemon ended before: %s: %v\n%s", what, d.err, said)
			case <-t.Context().Done():
				t.Fatal(what)
			}
		}
	}
	logged := func(text string) func() bool {
		return func() bool {
			said, err := os.ReadFile(log.Name())
			return err == nil && strings.Contains(string(said), text)
		}
	}

	wait("it connects", func() bool { return discord.Connected() > 0 })
	channels := discord.World().Channels()
	general := channels[slices.IndexFunc(channels, func(c sandbox.Channel) bool { return c.Name == "general" })].ID
	if _, err := discord.Say("ada", general, "", "<@"+discord.BotID()+"> are you there?"); err != nil {
		t.Fatal(err)
	}
	wait("the model is asked", func() bool { return len(asked) > 0 })
	terminate := func() {
		if err := d.process.Signal(syscall.SIGTERM); err != nil {
			t.Fatal(err)
		}
	}
	terminate()
	wait("it drains", logged("stopping: running turns may end"))
	said, err := os.ReadFile(log.Name())
	if err != nil {
		t.Fatal(err)
	}
	_, address, _ := strings.Cut(string(said), "admin=")
	address, _, _ = strings.Cut(address, "\n")
	ready := get(t, "http://"+address+"/readyz", http.StatusServiceUnavailable)
	if !strings.Contains(ready, "it is stopping") {
		t.Errorf("/readyz says %s while it drains", ready)
	}
	turns, err := exec.CommandContext(t.Context(), "bobbin", "turns", "--config", config).CombinedOutput()
	if err != nil || !strings.Contains(string(turns), "under way") {
		t.Errorf("bobbin turns says %q, %v while it drains", turns, err)
	}
	// The drain would take half an hour. Which signal is the second one is not known: the
	// handler of the first may still be there.
	for again := time.Tick(100 * time.Millisecond); ; <-again {
		_ = d.process.Signal(syscall.SIGTERM) // it may have ended
		select {
		case <-d.gone:
		case <-again:
			continue
		}
		break
	}
	if exit, ok := errors.AsType[*exec.ExitError](d.err); !ok || exit.Sys().(syscall.WaitStatus).Signal() != syscall.SIGTERM {
		t.Errorf("it ended with %v", d.err)
	}

	d = start()
	wait("the model is asked again", func() bool { return len(asked) > 1 })
	close(release)
	answers := func() (n int) {
		for _, c := range discord.World().Channels() {
			for _, m := range discord.World().Messages(c.ID) {
				if m.User == discord.BotID() && strings.Contains(m.Text, "Here is the answer.") {
					n++
				}
			}
		}
		return n
	}
	wait("the answer stands", func() bool { return answers() > 0 })
	terminate()
	<-d.gone
	if n := answers(); d.err != nil || n != 1 {
		t.Errorf("%d answers stand; the daemon ended with %v", n, d.err)
	}
}
