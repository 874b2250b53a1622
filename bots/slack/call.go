package slack

import (
	"bytes"
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
func (s *Slack) call(ctx context.Context, method string, form url.Values, out answered) error {
	if err := s.paces[method].Wait(ctx); err != nil {
		return err
	}
	return s.ask(ctx, method, form, out)
}

// ask is call for what somebody waits for.
func (s *Slack) ask(ctx context.Context, method string, form url.Values, out answered) error {
	return fault(method, s.exchange(ctx, method, "application/x-www-form-urlencoded", strings.NewReader(form.Encode()), func(body []byte) error {
		return out.verdict(json.Unmarshal(body, out))
	}))
}

// send makes a call that is answered with a message, with a JSON object for its arguments.
// slack-go would encode them as JSON in a form, and decode all of the message.
func (s *Slack) send(ctx context.Context, method string, arguments any) (m standing, err error) {
	body, err := json.Marshal(arguments)
	if err != nil {
		return m, err
	}
	err = s.exchange(ctx, method, "application/json; charset=utf-8", bytes.NewReader(body), func(body []byte) error {
		if misread, ok := decode(body, &m); misread || !ok {
			return m.verdict(errors.New("no message is named"))
		}
		return m.verdict(nil)
	})
	return m, err
}

// exchange makes a call; read gets its answer. The errors are those that slack-go has.
func (s *Slack) exchange(ctx context.Context, method, kind string, arguments io.Reader, read func([]byte) error) error {
	ctx, cancel := context.WithTimeout(ctx, s.calls.timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.opts.APIURL+method, arguments)
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", kind)
	req.Header.Set("Authorization", "Bearer "+s.opts.BotToken)
	return s.calls.exchange(req, func(resp *http.Response, body []byte) error {
		switch resp.StatusCode {
		case http.StatusOK:
			return read(body)
		case http.StatusTooManyRequests:
			return &slackgo.RateLimitedError{RetryAfter: retryAfter(resp.Header)}
		}
		return slackgo.StatusCodeError{Code: resp.StatusCode, Status: resp.Status}
	})
}

// answered is what an answer is decoded into: a struct with a result.
type answered interface{ verdict(error) error }

// result is what all answers tell.
type result struct {
	OK       bool                     `json:"ok"`
	Error    string                   `json:"error"`
	Needed   string                   `json:"needed"` // a scope
	Metadata slackgo.ResponseMetadata `json:"response_metadata"`
}

// verdict is what an answer says went wrong, if anything; err is that of decoding it.
func (r *result) verdict(err error) error {
	switch {
	case !r.OK && r.Error != "", !r.OK && err == nil:
		return slackgo.SlackErrorResponse{Err: cmp.Or(r.Error, "unknown_error"), Needed: r.Needed, ResponseMetadata: r.Metadata}
	case err != nil:
		return fmt.Errorf("the answer is not JSON as it is known: %w", err)
	}
	return nil
}

// read is call for what is not urgent: it waits out limits and failures that may pass.
func (s *Slack) read(ctx context.Context, method string, form url.Values, out answered) error {
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
