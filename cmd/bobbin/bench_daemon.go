package main

import (
	"bufio"
	"context"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// benched is a running daemon, or what stands in for it, and the world around it.
type benched struct {
	*benchWorld
	*tortured
	client  *http.Client
	address string        // where it tells what it uses
	took    time.Duration // from its start until it was ready
	profile string        // the path of its profiles, without their endings; empty: none
	log     *os.File
}

// benchSetup says how a daemon is run.
type benchSetup struct {
	name   string // of its profiles; empty: none are wanted
	data   string
	window int           // tokens of history; 0: the default
	edits  time.Duration // between two of a session
	tls    bool          // between it and the model, with HTTP/2, as on the Internet
	events bool          // all that Slack has, not only those that are for bobbin
}

// daemon starts one in a world of its own, waits until it is ready, calls f and stops it.
func (b *bench) daemon(ctx context.Context, s benchSetup, f func(*benched) error) (err error) {
	w, err := newBenchWorld(ctx, s)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, w.close()) }()
	d := &benched{benchWorld: w}
	if b.Profile != "" && s.name != "" {
		if d.profile, err = filepath.Abs(filepath.Join(b.Profile, s.name)); err != nil {
			return err
		}
	}
	config := b.data(fmt.Sprintf("config-%d.yaml", b.lives))
	if err := os.WriteFile(config, []byte(d.config(s)), 0o600); err != nil {
		return fmt.Errorf("write the configuration: %w", err)
	}
	var trust []string
	if s.tls {
		issuer := b.data("issuer.pem")
		block := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: d.models.Certificate().Raw})
		if err := os.WriteFile(issuer, block, 0o600); err != nil {
			return fmt.Errorf("write the certificate of the model: %w", err)
		}
		trust = []string{"SSL_CERT_FILE=" + issuer}
	}
	return b.live(ctx, d, f, trust, "bench-child", "--config", config, "--edits", s.edits.String())
}

// live runs this program with args as d, waits until it is ready, calls f and stops it.
func (b *bench) live(ctx context.Context, d *benched, f func(*benched) error, env []string, args ...string) (err error) {
	d.client = &http.Client{}
	if d.log, err = os.Create(b.data(fmt.Sprintf("log-%d", b.lives))); err != nil {
		return fmt.Errorf("make a log: %w", err)
	}
	b.lives++
	defer func() { err = errors.Join(err, d.log.Close()) }()
	if err := d.start(ctx, b, env, args...); err != nil {
		return errors.Join(err, d.tail())
	}
	stopped := false
	defer func() {
		if !stopped {
			_ = d.process.Kill() // it may have died by itself
			<-d.gone
		}
	}()
	if err := f(d); err != nil {
		return errors.Join(err, d.tail())
	}
	if err := d.process.Signal(syscall.SIGTERM); err != nil {
		return fmt.Errorf("stop the daemon: %w", err)
	}
	select {
	case <-d.gone:
		stopped = true
		return d.err
	case <-time.After(stopWithin):
		return errors.New("the daemon does not stop")
	}
}

// start starts it and waits until it is ready.
func (d *benched) start(ctx context.Context, b *bench, env []string, args ...string) error {
	cmd := b.command(ctx, args...)
	cmd.Env = append(os.Environ(), env...)
	cmd.Stderr = d.log
	lines, w, err := os.Pipe()
	if err != nil {
		return err
	}
	defer func() { _ = lines.Close() }() // nothing more is read
	cmd.Stdout = w
	began := time.Now()
	d.tortured, err = startTortured(cmd)
	if err = errors.Join(err, w.Close()); err != nil {
		return err
	}
	said := bufio.NewScanner(lines)
	for _, to := range []*string{&d.address, new(string)} {
		if !said.Scan() {
			<-d.gone
			return fmt.Errorf("the daemon did not start: %w", errors.Join(d.err, said.Err()))
		}
		*to = said.Text()
	}
	d.took = time.Since(began)
	return nil
}

// use asks the daemon what it uses; with collect after it has collected its garbage.
func (d *benched) use(ctx context.Context, collect bool) (u benchUse, err error) {
	path := "/use"
	if collect {
		path += "?collect=1"
	}
	body, err := d.ask(ctx, http.MethodGet, path)
	if err != nil {
		return u, err
	}
	return u, json.Unmarshal(body, &u)
}

// take has the daemon begin or end a profile, or write one, if profiles are wanted.
func (d *benched) take(ctx context.Context, what, ending string) error {
	if d.profile == "" {
		return nil
	}
	_, err := d.ask(ctx, http.MethodPost, "/profile?"+url.Values{"what": {what}, "to": {d.profile + ending}}.Encode())
	return err
}

// ask returns what the daemon tells.
func (d *benched) ask(ctx context.Context, method, path string) (body []byte, err error) {
	req, err := http.NewRequestWithContext(ctx, method, "http://"+d.address+path, nil)
	if err != nil {
		return nil, err
	}
	resp, err := d.client.Do(req)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, resp.Body.Close()) }()
	if body, err = io.ReadAll(resp.Body); err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("the daemon answers with status %d: %s", resp.StatusCode, body)
	}
	return body, err
}

// rest waits until no session is at work.
func (d *benched) rest(ctx context.Context) error {
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for {
		switch u, err := d.use(ctx, false); {
		case err != nil:
			return err
		case u.Live == 0:
			return nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// tail is the end of the daemon's log, as an error.
func (d *benched) tail() error {
	b, err := os.ReadFile(d.log.Name())
	if err != nil || len(b) == 0 {
		return err
	}
	return fmt.Errorf("the daemon's log ends:\n%s", b[max(0, len(b)-4000):])
}
