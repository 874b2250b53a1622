package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"sync"
	"sync/atomic"

	"bobbin/agent"
	"bobbin/agent/badgerstore"
	"bobbin/agent/workersai"
	"bobbin/bots"
	"bobbin/bots/attach"
	"bobbin/bots/discord"
	"bobbin/bots/reply"
	"bobbin/bots/slack"
	"bobbin/tools"
	"bobbin/tools/web"
)

// daemon is everything that runs, wired together.
type daemon struct {
	cfg       Config
	log       *slog.Logger
	store     *badgerstore.Store
	model     *workersai.Client
	platforms []bots.Platform
	replies   *reply.Replies
	agent     *agent.Agent
	intake    *bots.Intake
	metrics   *metrics
	admin     *admin
	control   *control // nil: the command line cannot reach it
	stopping  atomic.Bool
}

// newDaemon opens and connects nothing but the store and the admin's address. On an
// error nothing stays open.
func newDaemon(cfg Config, log *slog.Logger, x extras) (d *daemon, err error) {
	d = &daemon{cfg: cfg, log: log, metrics: newMetrics()}
	defer func() {
		if err != nil {
			err = errors.Join(err, d.close())
		}
	}()
	d.model, err = workersai.New(workersai.Options{
		AccountID: cfg.WorkersAI.AccountID, APIToken: cfg.WorkersAI.APIToken.Reveal(),
		BaseURL: cfg.WorkersAI.BaseURL, OpenAIURL: cfg.WorkersAI.OpenAIURL, Gateway: cfg.WorkersAI.Gateway,
		Models: cfg.WorkersAI.Models, VisionModels: cfg.WorkersAI.VisionModels, SpeechModel: cfg.WorkersAI.SpeechModel,
		MaxTokens: cfg.WorkersAI.MaxTokens, IdleTimeout: cfg.WorkersAI.IdleTimeout,
		HTTPClient: x.model, Log: log,
	})
	if err != nil {
		return d, usageError{fmt.Errorf("workers_ai: %w", err)}
	}
	toolbox, err := newTools(cfg.Tools, d.model, log, x.tools)
	if err != nil {
		return d, err
	}
	if d.store, err = badgerstore.Open(cfg.DataDir, storeOptions(cfg, log)); err != nil {
		return d, err
	}
	home := func(ctx context.Context, user string) (string, error) { return d.intake.Home(ctx, "slack", user) }
	if d.platforms, err = newPlatforms(cfg, d.store, home, log, x); err != nil {
		return d, err
	}
	d.replies = reply.New(replyOptions(cfg, log, x), d.platforms...)
	d.agent, err = agent.New(agent.Options{
		Store: d.store, Model: d.model, Replies: d.replies, Tools: toolbox,
		Instructions: cfg.Agent.Instructions, MaxSteps: cfg.Agent.MaxSteps, MaxTurns: cfg.Agent.MaxTurns, MaxTokens: cfg.WorkersAI.MaxTokens,
		Window: cfg.Agent.Window, TurnTimeout: cfg.Agent.TurnTimeout, Drain: cfg.Agent.Drain, Settle: x.settle,
		WhileBusy: agent.Busy(cfg.Agent.WhileBusy), Files: newFiles(cfg, d.model, d.platforms, log),
		Log: log, Observer: d.metrics,
	})
	if err != nil {
		return d, err
	}
	d.intake = &bots.Intake{
		Agent: d.agent, Archive: d.store, Platforms: d.platforms,
		Models: cfg.WorkersAI.Models, Window: cfg.Agent.Window, MaxFiles: cfg.People.MaxFiles,
		AdminCommands: cfg.People.AdminCommands,
		Admins:        map[string][]string{"slack": cfg.Slack.Admins, "discord": cfg.Discord.Admins},
		IgnoreEdits:   cfg.People.OnEdit == "ignore", KeepDeleted: cfg.People.OnDelete == "keep", Welcome: cfg.People.Welcome,
		Log: log, Ignored: d.metrics.ignore, Refused: d.metrics.refuse, Rated: d.metrics.rate,
		Channels: map[string]bots.Channels{"slack": cfg.Slack.Rules(), "discord": cfg.Discord.Rules()},
	}
	if err = d.metrics.watch(d); err != nil {
		return d, err
	}
	if cfg.Admin.Listen != "" {
		if d.admin, err = newAdmin(cfg.Admin.Listen, d); err != nil {
			return d, usageError{err}
		}
	}
	return d, nil
}

// newFiles reads what people send along, as far as it is wanted and there are services for
// it.
func newFiles(cfg Config, model *workersai.Client, platforms []bots.Platform, log *slog.Logger) agent.FileReader {
	f := cfg.Files
	o := attach.Options{
		Platforms: platforms, Pictures: f.Images && model.Sees(),
		MaxBytes: int64(f.MaxBytes), MaxChars: f.MaxChars, Timeout: f.Timeout, Log: log,
	}
	if f.Documents && cfg.WorkersAI.OpenAIURL == "" {
		o.Converter = model
	}
	if f.Audio && cfg.WorkersAI.OpenAIURL == "" {
		o.Transcriber = model
	}
	return attach.New(o)
}

func replyOptions(cfg Config, log *slog.Logger, x extras) reply.Options {
	o := reply.Options{Buttons: cfg.Reply.Buttons, MaxParts: cfg.Reply.MaxParts, Repost: cfg.Reply.Final == "repost", Budget: x.budget, Log: log}
	for _, f := range cfg.Reply.Footer {
		o.Footer = append(o.Footer, reply.Fact(f))
	}
	return o
}

// factNames are the values that reply.footer may have.
func factNames() (names []string) {
	for _, f := range reply.Facts() {
		names = append(names, string(f))
	}
	return names
}

func storeOptions(cfg Config, log *slog.Logger) badgerstore.Options {
	return badgerstore.Options{Log: log, MinFree: uint64(cfg.MinFreeMiB) << 20} //nolint:gosec // never below 0, see Validate
}

func newPlatforms(cfg Config, memory bots.Memory, home func(context.Context, string) (string, error), log *slog.Logger, x extras) (ps []bots.Platform, err error) {
	if cfg.Slack.On() {
		p, err := slack.New(slack.Options{
			BotToken: cfg.Slack.BotToken.Reveal(), AppToken: cfg.Slack.AppToken.Reveal(),
			SigningSecret: cfg.Slack.SigningSecret.Reveal(), Listen: cfg.Slack.Listen, APIURL: cfg.Slack.APIURL,
			Stream: slack.Stream(cfg.Slack.Stream), Reaction: cfg.Slack.Reaction, Prompts: prompts(cfg.Slack.Prompts), Home: home, Greet: cfg.People.Welcome,
			Channels: cfg.Slack.Rules(), Memory: memory, CatchUp: cfg.CatchUp, HTTPClient: x.slack, Log: log,
		})
		if err != nil {
			return nil, usageError{err}
		}
		ps = append(ps, p)
	}
	if cfg.Discord.On() {
		channels := cfg.Discord.Rules()
		p, err := discord.New(discord.Options{
			BotToken: cfg.Discord.BotToken.Reveal(), APIURL: cfg.Discord.APIURL,
			Threads: discord.Threads(cfg.Discord.Threads), Channels: channels, MessageContent: channels.Follows(),
			Commands: commands(cfg), Reaction: cfg.Discord.Reaction, Greet: cfg.People.Welcome,
			Memory: memory, CatchUp: cfg.CatchUp, HTTPClient: x.discord, Dial: x.dial, Log: log,
		})
		if err != nil {
			return nil, usageError{err}
		}
		ps = append(ps, p)
	}
	return ps, nil
}

// commands are what Discord is to offer.
func commands(cfg Config) (cs []discord.Command) {
	for _, c := range bots.Commands(cfg.WorkersAI.Models, cfg.People.AdminCommands...) {
		cs = append(cs, discord.Command(c))
	}
	return cs
}

// commandNames are the values that people.admin_commands may have.
func commandNames() (names []string) {
	for _, c := range bots.Commands([]string{"one", "another"}) { // with one there is nothing to choose
		if c.Name != "ask" && c.Name != "help" {
			names = append(names, c.Name)
		}
	}
	return names
}

func prompts(texts []string) (ps []slack.Prompt) {
	for _, t := range texts {
		ps = append(ps, slack.Prompt{Title: t, Message: t})
	}
	return ps
}

// streamNames are the values that slack.stream may have.
func streamNames() (names []string) {
	for _, s := range slack.Streams() {
		names = append(names, string(s))
	}
	return names
}

// newTools makes the built-in tools that are enabled, after those given.
func newTools(cfg ToolsConfig, images tools.ImageMaker, log *slog.Logger, ts []agent.Tool) ([]agent.Tool, error) {
	add := func(t agent.Tool, err error) error {
		if err == nil {
			ts = append(ts, t)
		}
		return err
	}
	var errs []error
	if cfg.CurrentTime.Enabled {
		errs = append(errs, add(tools.CurrentTime(cfg.CurrentTime.Zone)))
	}
	if cfg.Calculate.Enabled {
		errs = append(errs, add(tools.Calculate()))
	}
	if cfg.FetchURL.Enabled {
		o := web.Options{Timeout: cfg.FetchURL.Timeout, MaxBytes: int64(cfg.FetchURL.MaxBytes)}
		for _, n := range cfg.FetchURL.Allow {
			prefix, err := netip.ParsePrefix(n)
			errs = append(errs, err)
			o.Allow = append(o.Allow, prefix)
		}
		errs = append(errs, add(web.FetchURL(o)))
	}
	if cfg.MakeImage.Enabled {
		errs = append(errs, add(tools.MakeImage(images, cfg.MakeImage.Model, cfg.MakeImage.Timeout)))
	}
	if err := errors.Join(errs...); err != nil {
		return nil, usageError{fmt.Errorf("tools: %w", err)}
	}
	return tools.Guard(log, ts...)
}

// Run connects the platforms and works until ctx ends; then it drains. It closes what
// newDaemon opened. If a platform cannot go on, the others are stopped too: an admin has
// to act, and a daemon that is half deaf hides that.
func (d *daemon) Run(ctx context.Context) error {
	ctx, fail := context.WithCancelCause(ctx)
	defer fail(nil)
	var errs [4]error
	var parts sync.WaitGroup

	// Intake and replies have to outlive the agent's drain on one side, and new events
	// must stop before it on the other.
	listening, deafen := context.WithCancel(ctx)
	defer deafen()
	var connected sync.WaitGroup
	var mu sync.Mutex
	for _, p := range d.platforms {
		connected.Go(func() {
			if err := p.Run(listening, d.intake.Accept); err != nil {
				mu.Lock()
				defer mu.Unlock()
				errs[0] = errors.Join(errs[0], fmt.Errorf("%s: %w", p.Name(), err))
				fail(err)
			}
		})
	}
	parts.Go(func() {
		if err := d.agent.Run(ctx); err != nil {
			errs[1] = err
			fail(err)
		}
	})
	// Whoever looks after the daemon can look on until the last turn has ended.
	watched, unwatch := context.WithCancel(context.WithoutCancel(ctx))
	defer unwatch()
	var watching sync.WaitGroup
	if d.admin != nil {
		watching.Go(func() { errs[2] = d.admin.run(watched) })
	}
	if d.control != nil {
		watching.Go(func() { errs[3] = d.control.run(watched) })
	}
	parts.Go(func() { d.audit(ctx) })
	if d.cfg.Agent.Retention > 0 {
		parts.Go(func() { d.forget(ctx) })
	}
	d.log.Info("bobbin is running", "version", versionText(), "platforms", len(d.platforms), "models", d.cfg.WorkersAI.Models, "admin", d.admin.address())
	<-ctx.Done()
	d.stopping.Store(true)
	d.log.Info("stopping: running turns may end", "for", d.cfg.Agent.Drain)
	connected.Wait()
	parts.Wait()
	unwatch()
	watching.Wait()
	return errors.Join(errors.Join(errs[:]...), d.close())
}

// close lets go of what newDaemon opened.
func (d *daemon) close() error {
	var errs []error
	if d.admin != nil {
		errs = append(errs, d.admin.close())
	}
	if d.control != nil {
		errs = append(errs, d.control.close())
	}
	if d.replies != nil {
		d.replies.Close()
	}
	if d.model != nil {
		d.model.Close()
	}
	if d.store != nil {
		errs = append(errs, d.store.Close())
	}
	return errors.Join(errs...)
}

// retried goes on with messages that were set aside.
func (d *daemon) retried(s agent.SessionID, messages int) {
	d.metrics.balance.retried.Add(int64(messages))
	d.agent.Wake(s)
}

// ready says what is not yet as it should be, by part.
func (d *daemon) ready() map[string]string {
	wrong := make(map[string]string)
	if d.stopping.Load() {
		wrong["bobbin"] = "it is stopping: nothing new is taken"
	}
	for _, p := range d.platforms {
		if err := p.Ready(); err != nil {
			wrong[p.Name()] = err.Error()
		}
	}
	if err := d.store.Full(); err != nil {
		wrong["disk"] = err.Error()
	}
	return wrong
}
