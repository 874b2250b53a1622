package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

// tortureCmd proves that nothing is lost and nothing comes twice: it kills the daemon again
// and again while people write to it through services that fail.
type tortureCmd struct {
	Kills    int    `help:"How often the daemon is killed with SIGKILL." default:"50"`
	Messages int    `help:"How many messages are written to it." default:"300"`
	Seed     uint64 `help:"Replays the decisions of an earlier run; 0 chooses one." default:"0"`
}

// Run prints what was done and fails if any message has no answer, or more than one, or if
// a side effect happened twice.
func (cmd tortureCmd) Run(c console) error {
	self, err := os.Executable()
	if err != nil {
		return fmt.Errorf("find this program: %w", err)
	}
	t := torture{tortureCmd: cmd, out: c.stdout, command: func(ctx context.Context, args ...string) *exec.Cmd {
		return exec.CommandContext(ctx, self, args...) //nolint:gosec // this very program
	}}
	return t.run(c.ctx)
}

// torture is one run of it.
type torture struct {
	tortureCmd
	out     io.Writer
	command func(ctx context.Context, args ...string) *exec.Cmd // starts this program

	world *tortureWorld
	rand  *rand.Rand
}

func (t *torture) run(ctx context.Context) (err error) {
	if t.Seed == 0 {
		t.Seed = rand.Uint64() //nolint:gosec // not a secret
	}
	fmt.Fprintf(t.out, "torture: %d messages, %d kills, seed %d\n", t.Messages, t.Kills, t.Seed)
	t.rand = rand.New(rand.NewPCG(t.Seed, 1)) //nolint:gosec // replayable
	dir, err := os.MkdirTemp("", "bobbin-torture-")
	if err != nil {
		return fmt.Errorf("make a directory for the torture: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	if t.world, err = newTortureWorld(ctx, t.Seed); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, t.world.close()) }()
	config := filepath.Join(dir, "config.yaml")
	if err := os.WriteFile(config, []byte(t.world.config(filepath.Join(dir, "data"))), 0o600); err != nil {
		return fmt.Errorf("write the configuration: %w", err)
	}
	logs, err := os.Create(filepath.Join(dir, "log")) //nolint:gosec // in a directory of our own
	if err != nil {
		return fmt.Errorf("make a log: %w", err)
	}
	defer func() { err = errors.Join(err, logs.Close()) }()

	begun := time.Now()
	if err := t.hurt(ctx, config, logs); err != nil {
		return errors.Join(err, t.tail(logs))
	}
	report := t.world.check(t.Messages)
	fmt.Fprintf(t.out, "torture: took %s\n%s", time.Since(begun).Round(time.Second), report)
	if len(report.wrong) > 0 {
		return errors.Join(fmt.Errorf("%d promises were broken; replay with --seed %d", len(report.wrong), t.Seed), t.tail(logs))
	}
	return nil
}

// hurt writes all messages while it kills the daemon, then lets it live until every
// message is answered.
func (t *torture) hurt(ctx context.Context, config string, logs io.Writer) error {
	writing := make(chan error, 1)
	go func() { writing <- t.world.write(ctx, t.Messages) }()
	written := false
	for kill := 0; kill < t.Kills || !written; kill++ {
		if kill >= t.Kills {
			t.world.calm()
		}
		daemon := t.command(ctx, "torture-child", "--config", config, "--effects", t.world.effectsURL())
		daemon.Stdout, daemon.Stderr = logs, logs
		if err := daemon.Start(); err != nil {
			return errors.Join(fmt.Errorf("start the daemon: %w", err), ctx.Err())
		}
		died := make(chan error, 1)
		go func() { died <- daemon.Wait() }()
		// Long enough that hardly any turn is cut off so often that it is given up.
		life := 2*time.Second + time.Duration(t.rand.Int64N(int64(4*time.Second)))
		alive := true
		for end := time.After(life); alive && (kill < t.Kills || !written); {
			select {
			case <-end:
				if alive = kill >= t.Kills; !alive {
					_ = daemon.Process.Kill() // it may have died by itself, which Wait tells
				}
			case err := <-writing:
				if written = true; err != nil {
					return errors.Join(err, daemon.Process.Kill(), <-died)
				}
			case err := <-died:
				return fmt.Errorf("the daemon ended by itself: %w", err)
			}
		}
		if alive {
			_ = daemon.Process.Kill()
		}
		<-died //nolint:errcheck // killed: its error says so
	}
	return t.heal(ctx, config, logs)
}

// heal runs one last daemon, without faults, until it has answered everything, and stops it
// politely.
func (t *torture) heal(ctx context.Context, config string, logs io.Writer) error {
	t.world.calm()
	daemon := t.command(ctx, "torture-child", "--config", config, "--effects", t.world.effectsURL())
	daemon.Stdout, daemon.Stderr = logs, logs
	if err := daemon.Start(); err != nil {
		return fmt.Errorf("start the daemon: %w", err)
	}
	settled := t.world.settle(ctx, t.Messages)
	err := daemon.Process.Signal(os.Interrupt)
	return errors.Join(settled, err, daemon.Wait())
}

// tail shows the end of the daemon's log.
func (t *torture) tail(logs *os.File) error {
	const most = 8 << 10
	info, err := logs.Stat()
	if err != nil {
		return err
	}
	b := make([]byte, min(most, info.Size()))
	if _, err := logs.ReadAt(b, info.Size()-int64(len(b))); err != nil {
		return err
	}
	_, err = fmt.Fprintf(t.out, "…\n%s\n", b)
	return err
}
