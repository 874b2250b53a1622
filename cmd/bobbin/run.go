package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
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
	log := newLog(cfg.Log, c.stderr)
	for _, w := range cfg.Warnings() {
		log.Warn(w.String())
	}
	d, err := newDaemon(cfg, log, clients{})
	if err != nil {
		return fmt.Errorf("start: %w", err)
	}
	return d.Run(c.ctx)
}

// clients are the HTTP clients of the platforms and the model, and what dials Discord's
// gateway; nil takes the default.
type clients struct {
	slack, discord, model *http.Client
	dial                  func(ctx context.Context, network, address string) (net.Conn, error)
}
