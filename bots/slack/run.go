package slack

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"bobbin/bots"

	"github.com/cenkalti/backoff/v5"
)

// identity is who the bot is.
type identity struct {
	team string
	user string
	bot  string
	name string // as one types it after @
}

// Run implements [bots.Platform]. It may be called once. It fails when Slack refuses a
// token for good, or when HTTP mode cannot listen.
func (s *Slack) Run(ctx context.Context, accept func(context.Context, bots.Event) error) error {
	defer s.http.CloseIdleConnections()
	defer s.health.set(errors.New("slack: stopped"))

	if err := s.authenticate(ctx); err != nil {
		if ctx.Err() != nil {
			return nil
		}
		return err
	}
	if err := s.recall(ctx); err != nil {
		if ctx.Err() != nil {
			return nil
		}
		return err
	}
	defer s.storeHeard(ctx)
	defer s.leaveStreams(ctx)
	ctx, stop := context.WithCancel(ctx)
	var wg sync.WaitGroup
	defer wg.Wait()
	defer stop()
	wg.Go(func() { s.names.run(ctx) })

	in := newIntake(s, accept)
	s.intake.Store(in)
	defer s.intake.Store(nil)
	if s.opts.Memory != nil {
		wg.Go(func() { s.keepHeard(ctx) })
		wg.Go(func() { s.listen(ctx, in) })
	}
	if s.opts.AppToken != "" {
		return s.runSocket(ctx, in)
	}
	return s.runHTTP(ctx, in)
}

// authenticate learns who the bot is, trying until Slack answers.
func (s *Slack) authenticate(ctx context.Context) error {
	wait := backoff.NewExponentialBackOff()
	wait.MaxInterval = 30 * time.Second
	for {
		err := s.whoAmI(ctx)
		if err == nil {
			return nil
		}
		s.health.set(err)
		if fatalCodes[code(err)] {
			return err
		}
		pause := wait.NextBackOff()
		if limited, ok := errors.AsType[*bots.RetryAfterError](err); ok {
			pause = max(pause, limited.After)
		}
		s.log.Warn("slack: not connected", "error", err, "retry", pause)
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(pause):
		}
	}
}

func (s *Slack) whoAmI(ctx context.Context) error {
	who, err := s.api.AuthTestContext(ctx)
	if c := code(err); fatalCodes[c] {
		return explain("auth.test with bot_token", err)
	}
	if err != nil {
		return fault("auth.test with bot_token", err)
	}
	if !isID(who.TeamID) || !isID(who.UserID) {
		return fmt.Errorf("slack: auth.test named no team or user; check that api_url (%s) is Slack's", s.opts.APIURL)
	}
	if who.BotID == "" {
		s.log.Warn("slack: bot_token is no bot's token; bobbin speaks as a person", "user", who.UserID)
	}
	s.me.Store(&identity{team: who.TeamID, user: who.UserID, bot: who.BotID, name: who.User})
	s.log.Info("slack: authenticated", "team", who.TeamID, "user", who.UserID, "name", who.User)
	return nil
}
