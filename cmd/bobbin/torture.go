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
	"slices"
	"strings"
	"time"
)

// tortureCmd proves that nothing is lost and nothing comes twice: it kills the daemon again
// and again while people write to it through services that fail.
type tortureCmd struct {
	Kills    int    `help:"How often the daemon is killed with SIGKILL." default:"50"`
	Messages int    `help:"How many messages are written to it." default:"300"`
	Seed     uint64 `help:"Replays the decisions of an earlier run; 0 chooses one." default:"0"`
}

// Validate implements kong's check.
func (cmd tortureCmd) Validate() error {
	if cmd.Kills < 0 || cmd.Messages < 1 {
		return errors.New("--kills must be 0 or more and --messages 1 or more")
	}
	return nil
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

	world  *tortureWorld
	rand   *rand.Rand
	dir    string // of the daemon
	log    *os.File
	begun  time.Time
	told   time.Time // when a line of progress was last printed
	report tortureReport
}

func (t *torture) run(ctx context.Context) (err error) {
	if t.Seed == 0 {
		t.Seed = rand.Uint64() //nolint:gosec // not a secret
	}
	t.begun = time.Now()
	t.report = tortureReport{tortureCmd: t.tortureCmd}
	fmt.Fprintf(t.out, "torture: %d messages, %d kills, seed %d\n", t.Messages, t.Kills, t.Seed)
	t.rand = rand.New(rand.NewPCG(t.Seed, 1)) //nolint:gosec // replayable
	if t.dir, err = os.MkdirTemp("", "bobbin-torture-"); err != nil {
		return fmt.Errorf("make a directory for the torture: %w", err)
	}
	defer func() {
		if err != nil && ctx.Err() == nil {
			fmt.Fprintf(t.out, "torture: the daemon's log and data are kept in %s\n", t.dir)
			return
		}
		err = errors.Join(err, os.RemoveAll(t.dir))
	}()
	if t.log, err = os.Create(filepath.Join(t.dir, "log")); err != nil {
		return fmt.Errorf("make a log: %w", err)
	}
	defer func() { err = errors.Join(err, t.log.Close()) }()
	if t.world, err = newTortureWorld(ctx, t.tortureCmd, t.log); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, t.world.close()) }()
	if err := os.WriteFile(t.configPath(), []byte(t.world.config(t.data())), 0o600); err != nil {
		return fmt.Errorf("write the configuration: %w", err)
	}

	if err := t.introduce(ctx); err != nil {
		return err
	}
	if err := t.world.writeEarly(t.Messages); err != nil {
		return err
	}
	if err := t.hurt(ctx); err != nil {
		return err
	}
	t.world.check(&t.report)
	t.report.took = time.Since(t.begun)
	fmt.Fprint(t.out, &t.report)
	if n := len(t.report.wrong); n > 0 {
		return fmt.Errorf("%d promises were broken", n)
	}
	return nil
}

func (t *torture) configPath() string { return filepath.Join(t.dir, "config.yaml") }
func (t *torture) data() string       { return filepath.Join(t.dir, "data") }

// introduce has the daemon listen for the first time: what was said before that is not
// for it to answer.
func (t *torture) introduce(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, stopWithin)
	defer cancel()
	d, err := t.start(ctx)
	if err != nil {
		return err
	}
	h := &healer{torture: t, daemon: d}
	if err := t.world.greet(ctx, d.gone); err != nil {
		return errors.Join(err, d.process.Kill(), t.tail())
	}
	return h.end()
}

// hurt has people write all messages while it kills the daemon, then lets it live until
// every message is answered.
func (t *torture) hurt(ctx context.Context) error {
	ctx, stop := context.WithCancel(ctx)
	writing := make(chan error, 1)
	go func() { writing <- t.world.write(ctx, t.Messages) }()
	err := t.kill(ctx)
	if err == nil {
		t.world.release(t.Messages)
		err = t.heal(ctx, writing)
	}
	stop()
	if wrote := <-writing; err == nil {
		err = wrote
	}
	return err
}

// kill kills the daemon as often as was asked for. Each of its lives sees its share of the
// messages, some of them written while it is down.
func (t *torture) kill(ctx context.Context) error {
	deck := killDeck{rand: t.rand}
	for n := range t.Kills {
		t.world.release(t.Messages * (n + 1) / t.Kills)
		by, err := t.live(ctx, n+1, deck.top())
		if err != nil {
			return err
		}
		deck.played(by)
		t.progress(5*time.Second, "%d of %d kills", n+1, t.Kills)
	}
	return nil
}

const (
	startTime   = 150 * time.Millisecond
	usualLife   = 3 * time.Second // of one that ends at any moment, on average
	longestLife = 8 * time.Second // of such a one
	longestWait = 6 * time.Second // for a moment of some kind
	// tortureSettle is how long the daemon has to live before a turn on trial runs. No life
	// lasts so long but those that wait for the poisoned message to kill, so no other turn
	// may be given up.
	tortureSettle = longestLife + 2*time.Second
	poisonedLife  = 30 * time.Second
)

// live starts the daemon and kills it at a moment of that kind, or some other time if there
// is none. It returns what it was.
func (t *torture) live(ctx context.Context, number int, due killKind) (killKind, error) {
	life, otherwise := longestWait, killAnyTime
	switch due {
	case killAtStart:
		life, otherwise = time.Duration(t.rand.Int64N(int64(startTime))), due
	case killAnyTime:
		// Most lives end amid the first answers, a few after what was missed is caught up.
		life = min(time.Duration(t.rand.ExpFloat64()*float64(usualLife)), longestLife)
	case killBeforePost, killAfterPost, killInCall, killAtLast, killByPoison:
	}
	skip := t.rand.IntN(2)
	if t.world.executioner.poisoned() {
		life, due = poisonedLife, killByPoison
	}
	fmt.Fprintf(t.log, "torture: life %d, to be killed %s\n", number, due)
	d, err := t.start(ctx)
	if err != nil {
		return "", err
	}
	t.world.executioner.arm(d, due, skip)
	end := time.NewTimer(life)
	defer end.Stop()
	select {
	case <-end.C:
		t.world.executioner.strike(otherwise)
	case <-d.gone:
	case <-ctx.Done(): // which kills it
	}
	<-d.gone
	by := t.world.executioner.disarm()
	fmt.Fprintf(t.log, "torture: life %d was ended %s\n", number, by)
	switch {
	case ctx.Err() != nil:
		return "", ctx.Err()
	case by == "":
		return "", errors.Join(fmt.Errorf("the daemon ended by itself: %w", d.err), t.tail())
	}
	return by, nil
}

// progress prints a line, unless one was printed a moment ago.
func (t *torture) progress(pause time.Duration, format string, args ...any) {
	if time.Since(t.told) < pause {
		return
	}
	t.told = time.Now()
	fmt.Fprintf(t.out, "torture: %4s: %s, %d of %d messages written, %d answered\n", time.Since(t.begun).Round(time.Second),
		fmt.Sprintf(format, args...), t.world.written.Load(), t.Messages, len(t.world.answers()))
}

// tail shows the end of the daemon's log.
func (t *torture) tail() error {
	const most = 64 << 10
	info, err := t.log.Stat()
	if err != nil {
		return err
	}
	b := make([]byte, min(most, info.Size()))
	if _, err := t.log.ReadAt(b, info.Size()-int64(len(b))); err != nil {
		return err
	}
	lines := slices.DeleteFunc(strings.Split(strings.TrimSpace(string(b)), "\n"), func(line string) bool {
		return strings.Contains(line, " level=DEBUG ")
	})
	_, err = fmt.Fprintf(t.out, "…\n%s\n", strings.Join(lines[max(0, len(lines)-30):], "\n"))
	return err
}
