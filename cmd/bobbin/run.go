package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"time"

	"bobbin/agent"
	"bobbin/bots"
)

type runCmd struct {
	Config string `help:"The configuration." default:"config.yaml" placeholder:"FILE"`
}

// Run is the daemon. It ends when the first signal has been seen to.
func (cmd runCmd) Run(c console) error {
	cfg, err := LoadConfig(cmd.Config)
	if err != nil {
		return err
	}
	if err := cfg.Runnable(); err != nil {
		return err
	}
	paceCollector()
	log := newLog(cfg.Log, c.stderr)
	for _, w := range cfg.Warnings() {
		log.Warn(w.String())
	}
	d, err := newDaemon(cfg, log, extras{})
	if err != nil {
		return fmt.Errorf("start: %w", err)
	}
	if d.control, err = listenControl(c.ctx, cfg.DataDir, storeDesk{d.store, d.retried}, log); err != nil {
		log.Warn("the command line cannot reach this daemon: bobbin backup and bobbin turns need it to be stopped", "error", err)
	}
	return d.Run(c.ctx)
}

// extras are what a daemon of a test has beside its configuration: the HTTP clients of the
// platforms and the model, what dials Discord's gateway, further tools, how often replies
// may change, how long it has to live before a turn on trial runs. Zero takes the default.
type extras struct {
	slack, discord, model *http.Client
	dial                  func(ctx context.Context, network, address string) (net.Conn, error)
	tools                 []agent.Tool
	budget                func(agent.Target) bots.Budget
	settle                time.Duration
}
