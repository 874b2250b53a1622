package slack

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"bobbin/bots"

	slackgo "github.com/slack-go/slack"
	"golang.org/x/time/rate"
)

const (
	// A method of tier 3 may be called about fifty times a minute. Reading what was
	// missed takes at most twenty of them and leaves the rest to live traffic.
	readEvery = 3750 * time.Millisecond
	readBurst = 4

	readTries = 4
	// longestLimit is how long Slack may ask to wait before a call is given up.
	longestLimit = 10 * time.Minute
)

// The methods that history is read with.
const (
	listMethod    = "users.conversations"
	historyMethod = "conversations.history"
	repliesMethod = "conversations.replies"
)

// The paces of calls that are made beside posts and edits, within what Slack allows: about
// 600 signs a minute for a workspace, which it does not publish; fifty reactions put up and
// twenty taken away, so that what is put up can also be taken away.
const (
	signPace   = "a sign is shown"
	clearPace  = "a sign is taken away"
	markPace   = "reactions.add"
	unmarkPace = "reactions.remove"
)

func newPaces() map[string]*rate.Limiter {
	paces := map[string]*rate.Limiter{
		signPace:   rate.NewLimiter(rate.Every(150*time.Millisecond), 30),
		clearPace:  rate.NewLimiter(rate.Every(400*time.Millisecond), 20),
		markPace:   rate.NewLimiter(rate.Every(time.Minute/18), 4),
		unmarkPace: rate.NewLimiter(rate.Every(time.Minute/18), 4),
	}
	for _, method := range []string{listMethod, historyMethod, repliesMethod} {
		paces[method] = rate.NewLimiter(rate.Every(readEvery), readBurst)
	}
	return paces
}

// spare returns an error if a call that can be spared should not be made now.
func (s *Slack) spare(pace string) error {
	if s.paces[pace].Allow() {
		return nil
	}
	return &bots.RetryAfterError{After: time.Second, Err: fmt.Errorf("slack: %s too often", pace), Unsent: true}
}

// call makes one call of the Web API, at its method's pace, and decodes the answer into
// out. History is not read through slack-go, which loses a whole page to one message
// of a form that it does not know.
func (s *Slack) call(ctx context.Context, method string, form url.Values, out any) error {
	if err := s.paces[method].Wait(ctx); err != nil {
		return err
	}
	return s.ask(ctx, method, form, out)
}

// ask is call for what somebody waits for.
func (s *Slack) ask(ctx context.Context, method string, form url.Values, out any) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.opts.APIURL+method, strings.NewReader(form.Encode()))
	if err != nil {
		return wrap(method, err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Authorization", "Bearer "+s.opts.BotToken)
	resp, err := s.http.Do(req)
	if err != nil {
		return wrap(method, err)
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if errClose := resp.Body.Close(); err == nil {
		err = errClose
	}
	switch {
	case resp.StatusCode == http.StatusTooManyRequests:
		wait, err := time.ParseDuration(resp.Header.Get("Retry-After") + "s")
		if err != nil {
			wait = limitWait
		}
		return fault(method, &slackgo.RateLimitedError{RetryAfter: wait})
	case resp.StatusCode != http.StatusOK:
		return fault(method, slackgo.StatusCodeError{Code: resp.StatusCode, Status: resp.Status})
	case err != nil:
		return wrap(method, err)
	}
	var head struct {
		OK     bool   `json:"ok"`
		Error  string `json:"error"`
		Needed string `json:"needed"`
	}
	if err := json.Unmarshal(body, &head); err != nil {
		return fmt.Errorf("slack: %s: the answer is not JSON as it is known: %w", method, err)
	}
	if !head.OK {
		return fault(method, slackgo.SlackErrorResponse{Err: cmp.Or(head.Error, "unknown_error"), Needed: head.Needed})
	}
	if err := json.Unmarshal(body, out); err != nil {
		return fmt.Errorf("slack: %s: the answer is not JSON as it is known: %w", method, err)
	}
	return nil
}

// read is call for what is not urgent: it waits out limits and failures that may pass.
func (s *Slack) read(ctx context.Context, method string, form url.Values, out any) error {
	for try := 1; ; try++ {
		err := s.call(ctx, method, form, out)
		if err == nil || try == readTries || closedToUs(err) || fatalCodes[code(err)] {
			return err
		}
		pause := time.Duration(try) * 2 * time.Second
		if limited, ok := errors.AsType[*bots.RetryAfterError](err); ok {
			if limited.After > longestLimit {
				return err
			}
			pause = limited.After
		}
		if err := sleep(ctx, pause); err != nil {
			return err
		}
	}
}

// closedToUs reports whether an error says that there is nothing for this bot to read.
func closedToUs(err error) bool {
	c := code(err)
	return (closedCodes[c] || unreadableCodes[c]) && !fatalCodes[c]
}

// unreadableCodes say that the app may not read a place, which is the admin's choice.
var unreadableCodes = set("missing_scope", "no_permission", "not_allowed", "channel_type_not_supported",
	"method_not_supported_for_channel_type", "invalid_types", "ekm_access_denied")

// sleep waits for d or until ctx ends.
func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}
