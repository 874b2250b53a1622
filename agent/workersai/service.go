package workersai

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"

	"bobbin/agent"
)

// maxServed bounds the answer of a service, in bytes.
const maxServed = 32 << 20

// errNoService is wrapped by the error of what only Workers AI has.
var errNoService = errors.New("workers ai: another server is in its place (openai_url), which has no such service")

// noServiceError is errNoService with the sentence that fits what was wanted.
type noServiceError struct{ public string }

func (noServiceError) Error() string    { return errNoService.Error() }
func (noServiceError) Unwrap() error    { return errNoService }
func (e noServiceError) Public() string { return e.public }

var _ agent.Public = noServiceError{}

// service is a request to what is not the chat.
type service struct {
	name        string // for errors: a model, or what the service is called
	path        string // below the account
	contentType string
	body        []byte
	gateway     bool // it may go through one
	picture     bool // the answer may be one, instead of JSON
	// says is what people read of an error: of one of a class, or with nil of errNoService.
	// Nil: what fits a file.
	says func(*Error) string
}

// serve asks a service, again where that may help, and returns what is in the envelope of
// its answer, or a picture.
func (c *Client) serve(ctx context.Context, sv service) (json.RawMessage, error) {
	if !c.cloudflare() {
		return nil, sv.explained(nil)
	}
	if err := c.quota(); err != nil {
		return nil, sv.explained(err)
	}
	if v := c.verdict(sv.name); v != nil {
		return nil, sv.explained(v)
	}
	for retries, wait := 0, firstWait; ; {
		result, err := c.serveOnce(ctx, sv)
		if err == nil {
			return result, nil
		}
		if ctx.Err() != nil {
			return nil, canceled(ctx)
		}
		e := c.wrap(ctx, sv.name, err)
		if e.Class != Retry || retries >= min(e.retries, 2) || e.RetryAfter > maxWait {
			c.judge(e)
			return nil, sv.explained(e)
		}
		if err := pause(ctx, max(e.RetryAfter, jitter(wait))); err != nil {
			return nil, canceled(ctx)
		}
		retries++
		wait *= 2
	}
}

func (c *Client) serveOnce(ctx context.Context, sv service) (_ json.RawMessage, err error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	w := newWatch(2*c.opts.IdleTimeout, cancel) // nothing arrives before all of it does
	defer w.pause()
	defer func() {
		if err != nil {
			err = c.wrap(ctx, sv.name, err)
		}
	}()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.account+sv.path, bytes.NewReader(sv.body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", sv.contentType)
	req.Header.Set("Accept", "application/json")
	if sv.picture {
		req.Header.Set("Accept", "application/json, image/*")
	}
	req.Header.Set("User-Agent", "bobbin")
	req.Header.Set("Authorization", "Bearer "+c.opts.APIToken)
	if c.opts.Gateway != "" && sv.gateway {
		req.Header.Set("Cf-Aig-Gateway-Id", c.opts.Gateway)
		req.Header.Set("Cf-Aig-Skip-Cache", "true")
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, err
	}
	defer func() { _ = resp.Body.Close() }() // read to its end or given up; nothing to learn
	body, err := io.ReadAll(io.LimitReader(&watched{resp.Body, w}, maxServed+1))
	if resp.StatusCode < 200 || resp.StatusCode > 299 {
		return nil, c.errorOf(sv.name, resp.StatusCode, resp.Header, body[:min(len(body), maxErrorBody)])
	}
	if err != nil {
		return nil, err
	}
	if len(body) > maxServed {
		return nil, &Error{Model: sv.name, Message: "the answer does not end"}
	}
	if sv.picture && pictureType(body) != "" {
		return body, nil
	}
	result, err := c.unwrap(sv.name, body)
	if _, told := errors.AsType[*Error](err); err != nil && !told && sv.picture {
		return nil, noPicture(sv.name) // to ask again would cost again
	}
	return result, err
}

// unwrap takes Cloudflare's envelope off an answer, if it has one.
func (c *Client) unwrap(name string, body []byte) (json.RawMessage, error) {
	var in struct {
		Result  json.RawMessage `json:"result"`
		Success *bool           `json:"success"`
		Errors  json.RawMessage `json:"errors"`
		Error   json.RawMessage `json:"error"`
	}
	if err := json.Unmarshal(body, &in); err != nil {
		return nil, errors.New("the service's answer is no JSON object")
	}
	if f := firstFault(in.Errors, in.Error); f != (fault{}) || in.Success != nil && !*in.Success {
		e := &Error{Model: name}
		c.fill(e, f)
		return nil, e
	}
	if len(in.Result) == 0 {
		return body, nil
	}
	return in.Result, nil
}

// explained gives an error the sentence that fits the service; nil stands for errNoService.
func (sv service) explained(err error) error {
	says := sv.says
	if says == nil {
		says = ofFile
	}
	if err == nil {
		return noServiceError{says(nil)}
	}
	e, ok := errors.AsType[*Error](err)
	if !ok || e.public != "" {
		return err
	}
	e.public = says(e)
	return e
}

// ofFile is what people read after the name of a file that could not be read.
func ofFile(e *Error) string {
	switch {
	case e == nil:
		return "the language model server that I am set up with cannot read such files."
	case e.Class == Retry:
		return "the service that reads such files is too busy or not reachable right now."
	case e.Class == Quota:
		return "today's allowance of the service that reads such files is used up."
	case e.Class == TooLong:
		return "it is larger than the service that reads such files takes."
	}
	return "the service that reads such files refused it."
}
