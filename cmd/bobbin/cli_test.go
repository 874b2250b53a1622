package main

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/dgraph-io/badger/v4"
	"github.com/rogpeppe/go-internal/testscript"

	"bobbin/bots/sandbox"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"bobbin": main})
}

// TestCommandLine runs the scripts in testdata/script with the program itself. Beside
// testscript's own commands they have those of scriptCommands.
func TestCommandLine(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		Cmds:                scriptCommands(),
		RequireExplicitExec: true,
		Setup: func(e *testscript.Env) error {
			e.Values["services"] = &scriptServices{}
			return nil
		},
	})
}

// scriptWait is when a script gives up waiting.
const scriptWait = time.Minute

// scriptServices is what a script's daemon talks to.
type scriptServices struct {
	slack *sandbox.Slack
	root  string // the last message said
}

func scriptCommands() map[string]func(*testscript.TestScript, bool, []string) {
	services := func(ts *testscript.TestScript) *scriptServices {
		s, ok := ts.Value("services").(*scriptServices)
		if !ok || s.slack == nil {
			ts.Fatalf("there are no services: write “services” first")
		}
		return s
	}
	return map[string]func(*testscript.TestScript, bool, []string){
		// exits CODE ARGUMENT… runs bobbin, which has to exit with that code.
		"exits": func(ts *testscript.TestScript, _ bool, args []string) {
			want, err := strconv.Atoi(args[0])
			ts.Check(err)
			code := 0
			if err := ts.Exec("bobbin", args[1:]...); err != nil {
				exit, ok := errors.AsType[*exec.ExitError](err)
				if !ok {
					ts.Fatalf("bobbin: %v", err)
				}
				code = exit.ExitCode()
			}
			if code != want {
				ts.Fatalf("bobbin exits with %d, want %d", code, want)
			}
		},
		// services serves Slack and Workers AI, and sets what ${…} in a configuration needs.
		"services": func(ts *testscript.TestScript, _ bool, _ []string) {
			slack := sandbox.NewSlack(sandbox.SlackOptions{})
			ai := sandbox.NewWorkersAI(sandbox.WorkersAIOptions{Pace: 2 * time.Millisecond})
			discord := sandbox.NewDiscord(sandbox.DiscordOptions{})
			server := httptest.NewServer(standIns(slack, discord, ai))
			ts.Defer(func() {
				slack.Close()
				discord.Close()
				server.CloseClientConnections()
				server.Close()
			})
			ts.Setenv("SERVICES", server.URL)
			ts.Setenv("SLACK_BOT_TOKEN", slack.Options().BotToken)
			ts.Setenv("SLACK_APP_TOKEN", slack.Options().AppToken)
			ts.Setenv("TAKEN", server.Listener.Addr().String())
			ts.Value("services").(*scriptServices).slack = slack
		},
		// connected waits for the daemon.
		"connected": func(ts *testscript.TestScript, _ bool, _ []string) {
			s := services(ts)
			scriptUntil(ts, "the daemon is connected", func() bool { return s.slack.Sockets() > 0 })
		},
		// say TEXT has Ada write in #general.
		"say": func(ts *testscript.TestScript, _ bool, args []string) {
			s := services(ts)
			var err error
			s.root, err = s.slack.Say(ada, general, "", args[0])
			ts.Check(err)
		},
		// answered TEXT waits until an answer to her has the text.
		"answered": func(ts *testscript.TestScript, _ bool, args []string) {
			s := services(ts)
			scriptUntil(ts, "an answer has "+args[0], func() bool {
				for _, m := range s.slack.World().Messages(general) {
					if m.Thread == s.root && m.ID != s.root && strings.Contains(shown(m), args[0]) {
						return true
					}
				}
				return false
			})
		},
		// terminate sends SIGTERM to what runs in the background.
		"terminate": func(ts *testscript.TestScript, _ bool, _ []string) {
			for _, cmd := range ts.BackgroundCmds() {
				ts.Check(cmd.Process.Signal(syscall.SIGTERM))
			}
		},
		// schema DIRECTORY NUMBER makes a data directory of that schema.
		"schema": func(ts *testscript.TestScript, _ bool, args []string) {
			n, err := strconv.ParseUint(args[1], 10, 64)
			ts.Check(err)
			db, err := badger.Open(badger.DefaultOptions(ts.MkAbs(args[0])).WithLogger(nil))
			ts.Check(err)
			ts.Check(db.Update(func(txn *badger.Txn) error {
				return txn.Set([]byte("v"), binary.BigEndian.AppendUint64(nil, n))
			}))
			ts.Check(db.Close())
		},
	}
}

func scriptUntil(ts *testscript.TestScript, what string, ok func() bool) {
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(scriptWait); !ok(); <-tick.C {
		if time.Now().After(deadline) {
			ts.Fatalf("it never came to pass that %s", what)
		}
	}
}

func TestDemoPrintsItsAddressAndLeavesNothingBehind(t *testing.T) {
	for name, sig := range map[string]os.Signal{"SIGINT": os.Interrupt, "SIGTERM": syscall.SIGTERM} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			temp := t.TempDir()
			ctx, stop := context.WithTimeout(t.Context(), scriptWait)
			defer stop()
			cmd := exec.CommandContext(ctx, "bobbin", "demo", "--listen", "127.0.0.1:0")
			cmd.Env = append(os.Environ(), "TMPDIR="+temp, "CLOUDFLARE_ACCOUNT_ID=", "OPENAI_URL=")
			var stderr strings.Builder
			cmd.Stderr = &stderr
			stdout, err := cmd.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			lines := bufio.NewReader(stdout)
			first, err := lines.ReadString('\n')
			if err != nil {
				t.Fatalf("the demo says nothing: %v; %s", err, &stderr)
			}
			url := regexp.MustCompile(`http://127\.0\.0\.1:\d+`).FindString(first)
			if url == "" || !strings.Contains(first, "stand-in") {
				t.Fatalf("the demo says %q, want its address and what answers", first)
			}
			if page := get(t, url+"/", http.StatusOK); !strings.Contains(page, "<html") {
				t.Errorf("%s is no page: %q", url, page)
			}
			if dirs, _ := filepath.Glob(filepath.Join(temp, "bobbin-demo-*")); len(dirs) != 1 {
				t.Errorf("the demo keeps its data in %q, want one temporary directory", dirs)
			}
			if err := cmd.Process.Signal(sig); err != nil {
				t.Fatal(err)
			}
			if _, err := io.Copy(io.Discard, lines); err != nil {
				t.Error(err)
			}
			if err := cmd.Wait(); err != nil {
				t.Errorf("the demo ended with: %v; %s", err, &stderr)
			}
			if left, _ := filepath.Glob(filepath.Join(temp, "*")); len(left) > 0 {
				t.Errorf("the demo left behind %q", left)
			}
		})
	}
}

// get returns what is served at url, which has to have that status.
func get(t *testing.T, url string, status int) string {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(resp.Body)
	if err := errors.Join(err, resp.Body.Close()); err != nil {
		t.Fatal(err)
	}
	if resp.StatusCode != status {
		t.Errorf("%s is answered with %s, want %d: %s", url, resp.Status, status, body)
	}
	return string(body)
}
