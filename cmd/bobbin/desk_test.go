package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"bobbin/agent"
	"bobbin/agent/badgerstore"
)

// office is a data directory, its configuration, and perhaps a daemon's control socket.
type office struct {
	*testing.T
	config, dir string
	out, err    bytes.Buffer // of the last command

	mu    sync.Mutex
	woken []string
}

func newOffice(t *testing.T) *office {
	t.Helper()
	// Not t.TempDir, whose name has the test's: a socket's path must be short.
	root, err := os.MkdirTemp("", "bobbin") //nolint:usetesting // as said
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(root); err != nil {
			t.Error(err)
		}
	})
	o := &office{T: t, dir: filepath.Join(root, "data"), config: filepath.Join(root, "config.yaml")}
	if err := os.WriteFile(o.config, []byte("data_dir: "+o.dir+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return o
}

// bobbin runs a command, which has to exit with that code.
func (o *office) bobbin(code int, args ...string) {
	o.Helper()
	o.out.Reset()
	o.err.Reset()
	if got := run(console{o.Context(), &o.out, &o.err}, append(args, "--config", o.config)); got != code {
		o.Fatalf("bobbin %s exits with %d, want %d:\n%s%s", args, got, code, &o.out, &o.err)
	}
}

func (o *office) says(want ...string) {
	o.Helper()
	for _, w := range want {
		if !strings.Contains(o.out.String()+o.err.String(), w) {
			o.Errorf("bobbin does not say %q:\n%s%s", w, &o.out, &o.err)
		}
	}
}

// with opens the store for a moment.
func (o *office) with(f func(s *badgerstore.Store)) {
	o.Helper()
	s, err := badgerstore.Open(o.dir, badgerstore.Options{})
	if err != nil {
		o.Fatal(err)
	}
	f(s)
	if err := s.Close(); err != nil {
		o.Error(err)
	}
}

// open serves the control socket as a running daemon does, until what it returns is called.
func (o *office) open() (stop func()) {
	o.Helper()
	s, err := badgerstore.Open(o.dir, badgerstore.Options{})
	if err != nil {
		o.Fatal(err)
	}
	c, err := listenControl(o.Context(), o.dir, storeDesk{s, func(id agent.SessionID, n int) {
		o.mu.Lock()
		defer o.mu.Unlock()
		o.woken = append(o.woken, fmt.Sprintf("%s %d", id, n))
	}}, slog.New(slog.DiscardHandler))
	if err != nil {
		o.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- c.run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := errors.Join(<-ended, s.Close()); err != nil {
			o.Error(err)
		}
	})
	o.Cleanup(stop)
	return stop
}

var office1 = agent.Address{Platform: "slack", Workspace: "T1", Channel: "C1", Thread: "1.1"}

// fillOffice has a message that waits, a turn under way, and one that was given up.
func fillOffice(t *testing.T, s *badgerstore.Store) (dead agent.TurnID) {
	t.Helper()
	for _, channel := range []string{"C1", "C2", "C3"} {
		at := office1
		at.Channel = channel
		in := agent.Inbound{
			MessageID: agent.MessageID("M" + channel), Target: agent.Target{Address: at, Hook: "hook-secret"},
			Author: agent.Author{ID: "U1"}, Text: "please\n\x1b[31m look \u202e at " + channel + strings.Repeat(" é", 500), Sent: time.Now(),
		}
		if _, err := s.Accept(t.Context(), in, nil); err != nil {
			t.Fatal(err)
		}
		if channel == "C3" {
			continue
		}
		turn, err := s.Begin(t.Context(), at.Session())
		if err != nil {
			t.Fatal(err)
		}
		if channel == "C1" {
			dead = turn.ID
			turn.Outcome = &agent.Outcome{Kind: agent.Failed, Text: "I have half"}
			if err := s.Abandon(t.Context(), turn, "failed 4 times"); err != nil {
				t.Fatal(err)
			}
		}
	}
	return dead
}

func TestTurnsAreListedAndRetried(t *testing.T) {
	for _, running := range []bool{true, false} {
		t.Run(fmt.Sprintf("a daemon runs: %v", running), func(t *testing.T) {
			o := newOffice(t)
			var dead agent.TurnID
			o.with(func(s *badgerstore.Store) { dead = fillOffice(t, s) })
			stop := func() {}
			if running {
				stop = o.open()
			}
			o.bobbin(exitFine, "turns")
			o.says("TURN", "STATE", "slack/T1/C2/1.1", "under way", "please [31m look at C2 é", "slack/T1/C3/1.1", "waiting")
			if text := o.out.String(); strings.Contains(text, "T1/C1") || strings.ContainsAny(text, "\x1b\u202e") || strings.Contains(text, "hook-secret") {
				t.Errorf("the list is\n%q", text)
			}
			o.bobbin(exitFine, "turns", "--failed")
			o.says(string(dead), "WHY", "failed 4 times", "slack/T1/C1/1.1", "look at C1", "…")
			if strings.Count(o.out.String(), "\n") != 2 {
				t.Errorf("the list is\n%s", &o.out)
			}
			o.bobbin(exitFine, "turns", "show", string(dead))
			o.says("failed 4 times", "U1 wrote at", "\n  please\n  [31m look  at C1 é é", "as far as it came:\n  I have half")
			if text := o.out.String(); strings.Count(text, "é") != 500 || strings.ContainsAny(text, "\x1b\u202e") || strings.Contains(text, "hook-secret") {
				t.Errorf("the turn is\n%q", text)
			}
			o.bobbin(exitFailed, "turns", "show", "NOSUCHTURN")
			o.says("there is no abandoned turn of this id")
			o.bobbin(exitFailed, "turns", "retry", "NOSUCHTURN")
			o.says("there is no abandoned turn of this id")
			o.bobbin(exitFailed, "turns", "retry", "../../turns?x=")
			o.bobbin(exitFine, "turns", "retry", string(dead))
			o.says(string(dead), map[bool]string{true: "now", false: "when bobbin runs again"}[running])
			o.bobbin(exitFailed, "turns", "retry", string(dead))
			o.bobbin(exitFine, "turns", "--failed")
			o.says("no turn was given up")
			if want := map[bool]string{true: "[slack/T1/C1/1.1 1]", false: "[]"}[running]; fmt.Sprint(o.woken) != want {
				t.Errorf("woken: %v, want %s", o.woken, want)
			}
			stop()
			o.with(func(s *badgerstore.Store) {
				turn, err := s.Begin(t.Context(), office1.Session())
				if err != nil || turn == nil || len(turn.Inbound) != 1 || turn.Inbound[0].MessageID != "MC1" {
					t.Errorf("the turn is %+v, %v", turn, err)
				}
			})
		})
	}
}

func TestABackupIsWrittenAndRestored(t *testing.T) {
	for _, running := range []bool{true, false} {
		t.Run(fmt.Sprintf("a daemon runs: %v", running), func(t *testing.T) {
			o := newOffice(t)
			o.with(func(s *badgerstore.Store) { fillOffice(t, s) })
			stop := func() {}
			if running {
				stop = o.open()
			}
			file := filepath.Join(t.TempDir(), "backup")
			if err := os.WriteFile(file+".tmp", []byte("of one that was killed"), 0o600); err != nil {
				t.Fatal(err)
			}
			o.bobbin(exitFine, "backup", file)
			o.says(file, "records", "complete")
			info, err := os.Stat(file)
			if err != nil || info.Mode() != 0o600 {
				t.Fatalf("the file is %v, %v", info, err)
			}
			if _, err := os.Stat(file + ".tmp"); !errors.Is(err, os.ErrNotExist) {
				t.Errorf("the temporary file is still there: %v", err)
			}
			o.bobbin(exitUsage, "backup", file)
			o.says("--force")
			o.bobbin(exitUsage, "backup", filepath.Dir(file), "--force")
			o.bobbin(exitFine, "backup", "--force", file)
			o.bobbin(exitFailed, "backup", filepath.Join(filepath.Dir(file), "none", "backup"))

			o.bobbin(exitUsage, "restore", file)
			if running {
				o.says("a daemon runs")
			} else {
				o.says("is not empty")
			}
			stop()
			restored := newOffice(t)
			restored.bobbin(exitFine, "restore", file)
			restored.says("read back and complete")
			restored.bobbin(exitFine, "turns", "--failed")
			restored.says("failed 4 times")
			restored.bobbin(exitFine, "turns")
			restored.says("under way", "waiting")
		})
	}
}

func TestADamagedBackupIsNotRestored(t *testing.T) {
	o := newOffice(t)
	o.with(func(s *badgerstore.Store) { fillOffice(t, s) })
	file := filepath.Join(t.TempDir(), "backup")
	o.bobbin(exitFine, "backup", file)
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	data[len(data)/2] ^= 0x40
	for name, bad := range map[string]struct {
		data []byte
		want string
	}{"changed": {data, "damaged"}, "cut short": {data[:len(data)/3], "cut short"}, "another file": {[]byte("data_dir: x\n"), "no backup"}} {
		if err := os.WriteFile(file, bad.data, 0o600); err != nil {
			t.Fatal(err)
		}
		empty := newOffice(t)
		empty.bobbin(exitFailed, "restore", file)
		empty.says(bad.want)
		if _, err := os.Stat(empty.dir); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s: the directory was made: %v", name, err)
		}
	}
	newOffice(t).bobbin(exitUsage, "restore", file+".none")
}

// brokenDesk writes part of a backup and fails.
type brokenDesk struct{ storeDesk }

func TestABackupThatIsCutOffLeavesNoFile(t *testing.T) {
	o := newOffice(t)
	o.with(func(s *badgerstore.Store) { fillOffice(t, s) })
	s, err := badgerstore.Open(o.dir, badgerstore.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}()
	c, err := listenControl(t.Context(), o.dir, brokenDesk{storeDesk{s, nil}}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- c.run(ctx) }()
	defer func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}()
	file := filepath.Join(t.TempDir(), "backup")
	o.bobbin(exitFailed, "backup", file)
	if left, _ := filepath.Glob(file + "*"); len(left) > 0 {
		t.Errorf("it left %q", left)
	}
}

func TestCommandsWithoutDataSaySo(t *testing.T) {
	o := newOffice(t)
	for _, args := range [][]string{{"turns"}, {"turns", "--failed"}, {"turns", "retry", "X"}, {"backup", filepath.Join(t.TempDir(), "b")}} {
		o.bobbin(exitUsage, args...)
		o.says("there is no data in data_dir " + o.dir)
	}
	if _, err := os.Stat(o.dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("asking made a data directory: %v", err)
	}
	o.with(func(*badgerstore.Store) {
		o.bobbin(exitUsage, "turns")
		o.says("in use by another bobbin", "no control socket")
	})
}

func TestTheSocketOfAKilledDaemonIsInNobodysWay(t *testing.T) {
	o := newOffice(t)
	o.with(func(*badgerstore.Store) {})
	stale := func() {
		l, err := net.Listen("unix", filepath.Join(o.dir, socketName)) //nolint:noctx // closed at once
		if err != nil {
			t.Fatal(err)
		}
		l.(*net.UnixListener).SetUnlinkOnClose(false)
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
	}
	stale()
	o.bobbin(exitFine, "turns")
	file := filepath.Join(t.TempDir(), "backup")
	o.bobbin(exitFine, "backup", file)
	stop := o.open()
	if info, err := os.Stat(filepath.Join(o.dir, socketName)); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the socket is %v, %v", info, err)
	}
	o.bobbin(exitFine, "turns")
	stop()
	if _, err := os.Stat(filepath.Join(o.dir, socketName)); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the socket is still there: %v", err)
	}
	if err := os.RemoveAll(o.dir); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(o.dir, 0o700); err != nil {
		t.Fatal(err)
	}
	stale()
	o.bobbin(exitFine, "restore", file)
}

func TestAPathTooLongForASocketIsSaid(t *testing.T) {
	_, err := listenControl(t.Context(), "/"+strings.Repeat("x", 100), nil, nil)
	if !errors.Is(err, errLongPath) {
		t.Errorf("error %v", err)
	}
}

func (brokenDesk) backup(_ context.Context, w io.Writer) error {
	_, err := w.Write(bytes.Repeat([]byte("x"), 100_000))
	return errors.Join(errors.New("the disk cannot be read"), err)
}
