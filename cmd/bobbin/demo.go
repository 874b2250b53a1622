package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"time"

	"bobbin/bots"
	"bobbin/bots/sandbox"
	"bobbin/bots/slack"
)

type demoCmd struct {
	Listen string `help:"Where the page is served." default:"127.0.0.1:8080" placeholder:"ADDRESS"`
	Data   string `help:"Keep the demo's data in this directory; by default it goes with the demo." placeholder:"DIR"`
}

// Run serves a page on which a person is a user of Slack and Discord. The daemon behind it
// is the real one; only the services it talks to are stand-ins.
func (cmd demoCmd) Run(c console) error {
	d, err := newDemo(cmd, c)
	if err != nil {
		return err
	}
	fmt.Fprintf(c.stdout, "bobbin's demo: open http://%s in a browser. The answers come from %s.\nCtrl-C ends it.\n", d.pages.listener.Addr(), d.model)
	return d.run(c.ctx)
}

// demo is a daemon and the world it lives in.
type demo struct {
	slack    *sandbox.Slack
	discord  *sandbox.Discord
	page     *sandbox.Page
	services site // Slack, Discord and Workers AI
	pages    site // what the person opens
	daemon   *daemon
	model    string
	temp     string // the data directory to remove at the end
}

// demoToken is what the stand-in of Workers AI is asked with.
const demoToken = "demo"

func newDemo(cmd demoCmd, c console) (d *demo, err error) {
	d = &demo{}
	defer func() {
		if err != nil {
			err = errors.Join(err, d.close())
		}
	}()
	if d.pages.listener, err = listen(c.ctx, cmd.Listen); err != nil {
		return d, usageError{fmt.Errorf("--listen: %w: choose another address, such as --listen 127.0.0.1:0 for any free one", err)}
	}
	if d.services.listener, err = listen(c.ctx, "127.0.0.1:0"); err != nil {
		return d, fmt.Errorf("listen for the stand-ins: %w", err)
	}
	base := "http://" + d.services.listener.Addr().String()
	cfg, real := demoConfig(base)
	d.slack = sandbox.NewSlack(sandbox.SlackOptions{
		Redeliver: []time.Duration{time.Second, 5 * time.Second, 30 * time.Second},
		Commands:  slackCommands(cfg), Shortcuts: slackShortcuts(),
	})
	d.discord = sandbox.NewDiscord(sandbox.DiscordOptions{})
	ai := sandbox.NewWorkersAI(sandbox.WorkersAIOptions{APIToken: demoToken, Pace: sandbox.AIPace})

	o := d.slack.Options()
	cfg.Slack.BotToken, cfg.Slack.AppToken = NewSecret(o.BotToken), NewSecret(o.AppToken)
	cfg.Discord.BotToken = NewSecret(d.discord.Token())
	d.model = "a stand-in, which says so"
	if real {
		d.model = cfg.WorkersAI.Models[0]
	}
	d.page = sandbox.NewPage(sandbox.PageOptions{Slack: d.slack, Discord: d.discord, Model: d.model, Real: real, Hosts: []string{cmd.Listen}})

	if cfg.DataDir = cmd.Data; cfg.DataDir == "" {
		if d.temp, err = os.MkdirTemp("", "bobbin-demo-"); err != nil {
			return d, fmt.Errorf("make a directory for the demo's data: %w", err)
		}
		cfg.DataDir = filepath.Join(d.temp, "data")
	}
	if d.daemon, err = newDaemon(cfg, newLog(cfg.Log, c.stderr), extras{}); err != nil {
		return d, err
	}
	d.services.server = &http.Server{Handler: standIns(d.slack, d.discord, ai), ReadHeaderTimeout: 5 * time.Second}
	d.pages.server = &http.Server{Handler: d.page.Handler(), ReadHeaderTimeout: 5 * time.Second}
	d.pages.server.RegisterOnShutdown(d.page.Close)
	return d, nil
}

// slackCommands are what may be written after /bobbin, as the page offers it.
func slackCommands(cfg Config) (cs []sandbox.SlackCommand) {
	for _, c := range bots.Commands(cfg.WorkersAI.Models, cfg.People.AdminCommands...) {
		cs = append(cs, sandbox.SlackCommand{Name: c.Name, Summary: c.Summary, Argument: c.Argument != ""})
	}
	return cs
}

// slackShortcuts are the entries that the app's manifest puts into the menu of a message.
func slackShortcuts() (all []sandbox.SlackShortcut) {
	for _, s := range slack.Shortcuts() {
		all = append(all, sandbox.SlackShortcut{CallbackID: s.CallbackID, Name: s.Name, Message: true})
	}
	return all
}

// standIns serves Slack, Discord and Workers AI under one address.
func standIns(slack *sandbox.Slack, discord *sandbox.Discord, ai *sandbox.WorkersAI) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/api/v9/", discord.Handler())
	mux.Handle("/attachments/", discord.Handler())
	mux.Handle("/gateway", discord.Handler())
	mux.Handle("/gateway/", discord.Handler())
	mux.Handle("/client/v4/", ai.Handler())
	mux.Handle("/", slack.Handler())
	return mux
}

// site is an HTTP server and its address.
type site struct {
	listener net.Listener
	server   *http.Server
}

func listen(ctx context.Context, address string) (net.Listener, error) {
	return (&net.ListenConfig{}).Listen(ctx, "tcp", address)
}

// serve serves until ctx ends, and gives open requests a moment.
func (s site) serve(ctx context.Context) error {
	served := make(chan error, 1)
	go func() { served <- s.server.Serve(s.listener) }()
	select {
	case err := <-served:
		return err
	case <-ctx.Done():
	}
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
	defer cancel()
	err := s.server.Shutdown(last)
	if err != nil {
		err = s.server.Close()
	}
	if stopped := <-served; !errors.Is(stopped, http.ErrServerClosed) {
		err = errors.Join(err, stopped)
	}
	return err
}

func (s site) close() error {
	if s.listener == nil {
		return nil
	}
	if err := s.listener.Close(); !errors.Is(err, net.ErrClosed) {
		return err
	}
	return nil
}

// demoConfig is the default configuration, pointed at the stand-ins at base. The model is
// real if the environment has credentials for one.
func demoConfig(base string) (cfg Config, real bool) {
	cfg = DefaultConfig()
	cfg.Slack.APIURL = base + "/api/"
	cfg.Discord.APIURL = base + "/"
	cfg.Admin.Listen = ""
	cfg.Log.Level = "warn"
	cfg.Agent.Drain = 3 * time.Second

	account, token := os.Getenv("CLOUDFLARE_ACCOUNT_ID"), os.Getenv("CLOUDFLARE_API_TOKEN")
	openai := os.Getenv("OPENAI_URL")
	switch {
	case openai != "":
		cfg.WorkersAI.OpenAIURL, cfg.WorkersAI.APIToken = openai, NewSecret(os.Getenv("OPENAI_API_KEY"))
		if m := os.Getenv("OPENAI_MODEL"); m != "" {
			cfg.WorkersAI.Models = []string{m}
		}
		return cfg, true
	case account != "" && token != "":
		cfg.WorkersAI.AccountID, cfg.WorkersAI.APIToken = account, NewSecret(token)
		return cfg, true
	}
	cfg.WorkersAI.BaseURL = base + "/client/v4"
	cfg.WorkersAI.AccountID, cfg.WorkersAI.APIToken = "demo", NewSecret(demoToken)
	cfg.Tools.MakeImage.Enabled = true // which costs nothing here
	return cfg, false
}

// run serves and works until ctx ends. The services end last: the daemon says its last
// words to them.
func (d *demo) run(ctx context.Context) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	outlive, end := context.WithCancel(context.WithoutCancel(ctx))
	var errs [3]error
	var parts sync.WaitGroup
	parts.Go(func() {
		defer stop()
		errs[0] = d.pages.serve(ctx)
	})
	parts.Go(func() {
		defer stop()
		errs[1] = d.services.serve(outlive)
	})
	errs[2] = d.daemon.Run(ctx)
	d.daemon = nil // it has closed itself
	stop()
	d.slack.Close()
	d.discord.Close()
	end()
	parts.Wait()
	return errors.Join(errors.Join(errs[:]...), d.close())
}

func (d *demo) close() error {
	var errs []error
	if d.daemon != nil {
		errs = append(errs, d.daemon.close())
	}
	if d.slack != nil {
		d.slack.Close()
	}
	if d.discord != nil {
		d.discord.Close()
	}
	errs = append(errs, d.pages.close(), d.services.close())
	if d.temp != "" {
		errs = append(errs, os.RemoveAll(d.temp))
	}
	return errors.Join(errs...)
}
