package main

import (
	"context"
	"fmt"
	"net/http"
	"net/url"

	"bobbin/agent"
	"bobbin/tools"
)

// tortureChildCmd is the daemon that torture kills: the real one, with one more tool, whose
// side effect can be counted.
type tortureChildCmd struct {
	Config  string `help:"The configuration." required:""`
	Effects string `help:"Where effects are counted." required:""`
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
		return "recorded", cmd.post(ctx, args.What)
	})
	if err != nil {
		return fmt.Errorf("define the tool: %w", err)
	}
	d, err := newDaemon(cfg, newLog(cfg.Log, c.stderr), extras{tools: []agent.Tool{record}})
	if err != nil {
		return err
	}
	return d.Run(c.ctx)
}

func (cmd tortureChildCmd) post(ctx context.Context, what string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, cmd.Effects+"?what="+url.QueryEscape(what), nil)
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	return resp.Body.Close()
}
