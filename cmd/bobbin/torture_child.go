package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"

	"bobbin/agent"
	"bobbin/tools"
)

// tortureChildCmd is the daemon that torture kills: the real one, with one more tool, whose
// side effect can be counted.
type tortureChildCmd struct {
	Config string `help:"The configuration." required:""`
	World  string `help:"Where the stand-ins are, and effects are counted." required:""`
}

// Run is the daemon.
func (cmd tortureChildCmd) Run(c console) error {
	cfg, err := LoadConfig(cmd.Config)
	if err != nil {
		return err
	}
	record, err := tools.Define(agent.ToolSpec{
		Name: "record", Description: "Records something outside, once.", Effects: true, Doing: "recording",
	}, func(ctx context.Context, args struct {
		What string `json:"what" jsonschema:"what to record"`
	}) (string, error) {
		return "recorded", cmd.tell(ctx, "effect", args.What)
	})
	if err != nil {
		return fmt.Errorf("define the tool: %w", err)
	}
	log := newLog(cfg.Log, c.stderr)
	d, err := newDaemon(cfg, log, extras{tools: []agent.Tool{record}, settle: tortureSettle})
	if err != nil {
		return err
	}
	if d.control, err = listenControl(c.ctx, cfg.DataDir, storeDesk{d.store, d.retried}, log); err != nil {
		return errors.Join(err, d.close())
	}
	if err := cmd.tell(c.ctx, "admin", d.admin.listener.Addr().String()); err != nil {
		return errors.Join(err, d.close())
	}
	return d.Run(c.ctx)
}

// tell tells the world of something.
func (cmd tortureChildCmd) tell(ctx context.Context, what, which string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, cmd.World+"/torture/"+what+"?is="+url.QueryEscape(which), nil)
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	return resp.Body.Close()
}
