// Command bobbin is an AI agent that lives in Slack and Discord threads and runs on
// Cloudflare Workers AI.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kong"

	"bobbin/agent/badgerstore"
)

// Exit codes.
const (
	exitFine   = 0
	exitFailed = 1
	exitUsage  = 2 // wrong usage or configuration: starting again will not help
)

// cli is the command line: one command per field, each in a file of its own.
type cli struct {
	Run     runCmd     `cmd:"" help:"Run the daemon."`
	Demo    demoCmd    `cmd:"" help:"Try bobbin in a browser, without any account."`
	Check   checkCmd   `cmd:"" help:"Validate the configuration."`
	Turns   turnsCmd   `cmd:"" help:"List turns, or retry those that were given up."`
	Backup  backupCmd  `cmd:"" help:"Write a backup, also while bobbin runs."`
	Restore restoreCmd `cmd:"" help:"Restore a backup into an empty data_dir."`
	Version versionCmd `cmd:"" help:"Show the version."`
	Bench   benchCmd   `cmd:"" help:"Measure what bobbin costs on this machine."`
	Torture tortureCmd `cmd:"" help:"Kill a daemon again and again, and check that nothing is lost."`

	TortureChild tortureChildCmd `cmd:"" hidden:""`
	BenchChild   benchChildCmd   `cmd:"" hidden:""`
	BenchBare    benchBareCmd    `cmd:"" hidden:""`
}

// console is where a command reads and writes, so that tests can have their own.
type console struct {
	ctx    context.Context // ends at the first signal
	stdout io.Writer
	stderr io.Writer
}

// usageError is a mistake of whoever started bobbin.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	// The first signal drains. With the handler gone, a second one ends the process.
	context.AfterFunc(ctx, stop)
	os.Exit(run(console{ctx, os.Stdout, os.Stderr}, os.Args[1:]))
}

// run runs one command and returns the exit code.
func run(c console, args []string) int {
	var commands cli
	code := -1
	parser, err := kong.New(&commands,
		kong.Name("bobbin"),
		kong.Description("An AI agent that lives in Slack and Discord threads and runs on Cloudflare Workers AI."),
		kong.Writers(c.stdout, c.stderr),
		kong.Exit(func(n int) { code = n }), // --help; Parse goes on all the same
		kong.UsageOnError(),
	)
	if err != nil {
		fmt.Fprintln(c.stderr, "bobbin:", err)
		return exitFailed
	}
	chosen, err := parser.Parse(args)
	switch {
	case code >= 0:
		return code
	case err != nil:
		fmt.Fprintln(c.stderr, "bobbin:", err)
		fmt.Fprintln(c.stderr, "Run “bobbin --help” for the commands.")
		return exitUsage
	}
	if err := chosen.Run(c); err != nil {
		return report(c.stderr, err)
	}
	return exitFine
}

// report prints err and returns the exit code for it.
func report(w io.Writer, err error) int {
	if faults, ok := errors.AsType[*ConfigError](err); ok {
		fmt.Fprintln(w, faults)
		return exitUsage
	}
	fmt.Fprintln(w, "bobbin:", err)
	if _, ok := errors.AsType[usageError](err); ok {
		return exitUsage
	}
	for _, wrong := range []error{badgerstore.ErrLocked, badgerstore.ErrNewerSchema, badgerstore.ErrUnreadable, badgerstore.ErrNotEmpty} {
		if errors.Is(err, wrong) {
			return exitUsage
		}
	}
	return exitFailed
}

// newLog makes the daemon's log.
func newLog(c LogConfig, w io.Writer) *slog.Logger {
	o := &slog.HandlerOptions{Level: c.SlogLevel()}
	if c.Format == "json" {
		return slog.New(slog.NewJSONHandler(w, o))
	}
	return slog.New(slog.NewTextHandler(w, o))
}
