package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"
)

const (
	stuckAfter = 45 * time.Second // without any progress, what waits is printed
	lostAfter  = 90 * time.Second // and then all goroutines, if turns wait
	missAfter  = 5 * time.Minute  // or if none waits: catching up with many threads takes its time
	lookEvery  = 5 * time.Second  // people look whether there is an answer
	stopWithin = 30 * time.Second // the daemon ends when it is told to
)

// healer watches the last daemon, which lives without faults until it has answered all.
type healer struct {
	*torture
	daemon *tortured
	desk   *remoteDesk

	state string // changes with each progress
	since time.Time
	shown time.Time

	looked time.Time
}

// heal runs one last daemon until it has answered everything, has what was given up
// answered too, and stops it politely.
func (t *torture) heal(ctx context.Context, writing chan error) (err error) {
	fmt.Fprintln(t.log, "torture: the last life")
	daemon, err := t.start(ctx)
	if err != nil {
		return err
	}
	h := &healer{torture: t, daemon: daemon}
	defer func() {
		if err != nil {
			_ = daemon.process.Kill() // it may be dead, which is what is wanted
			<-daemon.gone
		}
	}()
	// What is written last still meets faults.
	if err := <-writing; err != nil {
		return err
	}
	writing <- nil
	t.world.calm()
	if h.desk, err = h.dial(ctx); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, h.desk.Close()) }()

	var dead []turnLine
	err = h.until(ctx, "waiting for all answers", func(answered, waiting int) (done bool, err error) {
		if dead, err = h.desk.turns(ctx, true); err != nil {
			return false, err
		}
		given := 0
		for _, d := range dead {
			given += d.Messages
		}
		return waiting == 0 && answered+given >= t.Messages, nil
	})
	if err != nil {
		return err
	}
	t.world.judgeDead(&t.report, dead)
	for _, d := range dead {
		if err := h.desk.retry(ctx, d.ID); err != nil {
			return fmt.Errorf("retry turn %s: %w", d.ID, err)
		}
	}
	err = h.until(ctx, "retrying what was given up", func(answered, waiting int) (bool, error) {
		return waiting == 0 && answered >= t.Messages, nil
	})
	if err != nil {
		return err
	}
	again, err := h.desk.turns(ctx, true)
	if err != nil {
		return err
	}
	for _, d := range again {
		h.report.broken("turn %s was given up although nothing failed any more: %s", d.ID, d.State)
	}
	if err := h.balance(ctx); err != nil {
		return err
	}
	return h.end()
}

// dial waits for the daemon's control socket.
func (h *healer) dial(ctx context.Context) (*remoteDesk, error) {
	ctx, cancel := context.WithTimeout(ctx, stopWithin)
	defer cancel()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		desk, err := dialControl(ctx, h.data())
		if err == nil {
			return desk, nil
		}
		select {
		case <-tick.C:
		case <-h.daemon.gone:
			return nil, errors.Join(fmt.Errorf("the daemon ended by itself: %w", h.daemon.err), h.tail())
		case <-ctx.Done():
			return nil, fmt.Errorf("the daemon cannot be reached: %w", err)
		}
	}
}

// until waits until done says so, which is told how many messages are answered and how many
// turns wait. Messages that never arrived, and turns that stand still, end the wait.
func (h *healer) until(ctx context.Context, what string, done func(answered, waiting int) (bool, error)) error {
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	h.since = time.Now()
	for {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return ctx.Err()
		case <-h.daemon.gone:
			return errors.Join(fmt.Errorf("the daemon ended by itself: %w", h.daemon.err), h.tail())
		}
		turns, err := h.desk.turns(ctx, false)
		if err != nil {
			return err
		}
		answers := h.world.answers()
		ok, err := done(len(answers), len(turns))
		if ok || err != nil {
			return err
		}
		h.progress(10*time.Second, "%s", what)
		if time.Since(h.looked) > lookEvery {
			h.looked = time.Now()
			if err := h.world.lookIn(); err != nil {
				return err
			}
		}
		var state strings.Builder
		fmt.Fprintln(&state, len(answers))
		if err := printTurns(&state, turns, false); err != nil {
			return err
		}
		now := time.Now()
		if state.String() != h.state {
			h.state, h.since, h.shown = state.String(), now, now
		}
		if now.Sub(h.shown) > stuckAfter {
			h.shown = now
			h.tellStuck(answers, turns)
		}
		most := lostAfter
		if len(turns) == 0 {
			most = missAfter
		}
		if now.Sub(h.since) > most {
			h.tellStuck(answers, turns)
			return h.dump(fmt.Errorf("%s: nothing has changed for %s", what, most))
		}
	}
}

// tellStuck prints what is still waited for.
func (h *healer) tellStuck(answers map[string]int, turns []turnLine) {
	var missing []string
	for i := range h.Messages {
		if id := strconv.Itoa(i + 1); answers[id] == 0 {
			missing = append(missing, "msg-"+id+" in "+h.world.place(id))
		}
	}
	fmt.Fprintf(h.out, "torture: nothing has changed for %s; no answer yet: %s\n", time.Since(h.since).Round(time.Second), strings.Join(missing, ", "))
	if err := printTurns(h.out, turns, false); err != nil {
		fmt.Fprintln(h.out, err)
	}
}

// dump has the daemon write the stacks of all its goroutines to the log, which ends it.
func (h *healer) dump(why error) error {
	if err := h.daemon.process.Signal(syscall.SIGQUIT); err != nil {
		return errors.Join(why, err)
	}
	select {
	case <-h.daemon.gone:
	case <-time.After(stopWithin):
	}
	return fmt.Errorf("%w; the log ends with all goroutines", why)
}

// balance asks the daemon for its own account. A count may lag behind the store for a
// moment.
func (h *healer) balance(ctx context.Context) error {
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	var got map[string]float64
	for try := 0; try == 0 || try < 50 && got["bobbin_messages_unaccounted"] != 0; try++ {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return ctx.Err()
		}
		var err error
		if got, err = h.metrics(ctx); err != nil {
			return fmt.Errorf("read the metrics: %w", err)
		}
	}
	for _, name := range []string{"bobbin_messages_pending", "bobbin_messages_unaccounted"} {
		if n, there := got[name]; !there || n != 0 {
			h.report.broken("%s is %v in the end (there: %t)", name, n, there)
		}
	}
	if n := got["bobbin_messages_retried_total"]; int(n) != h.report.deadMessages {
		h.report.broken("bobbin_messages_retried_total is %v, but %d messages were retried", n, h.report.deadMessages)
	}
	if said, err := os.ReadFile(h.log.Name()); err != nil {
		return err
	} else if n := strings.Count(string(said), "messages are unaccounted for"); n > 0 {
		h.report.broken("%d times a daemon found at its start that messages are unaccounted for", n)
	}
	h.report.balance = fmt.Sprintf("%.0f delivered, %.0f retried, %.0f dead, %.0f pending, %.0f unaccounted for",
		got["bobbin_messages_delivered_total"], got["bobbin_messages_retried_total"], got["bobbin_messages_dead_total"],
		got["bobbin_messages_pending"], got["bobbin_messages_unaccounted"])
	return nil
}

func (h *healer) metrics(ctx context.Context) (found map[string]float64, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+h.world.adminAddress()+"/metrics", nil)
	if err != nil {
		return nil, err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, res.Body.Close()) }()
	return readMetrics(res.Body)
}

// readMetrics reads those without labels.
func readMetrics(r io.Reader) (map[string]float64, error) {
	found := make(map[string]float64)
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		name, value, ok := strings.Cut(lines.Text(), " ")
		if n, err := strconv.ParseFloat(value, 64); ok && err == nil {
			found[name] = n
		}
	}
	return found, lines.Err()
}

// end stops the daemon as an admin does.
func (h *healer) end() error {
	if err := h.daemon.process.Signal(os.Interrupt); err != nil {
		return fmt.Errorf("stop the daemon: %w", err)
	}
	late := time.NewTimer(stopWithin)
	defer late.Stop()
	select {
	case <-h.daemon.gone:
	case <-late.C:
		return h.dump(fmt.Errorf("the daemon did not stop within %s", stopWithin))
	}
	if h.daemon.err != nil {
		return fmt.Errorf("the daemon did not stop in good order: %w", h.daemon.err)
	}
	return nil
}
