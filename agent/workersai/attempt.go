package workersai

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"time"
)

const (
	firstWait = 500 * time.Millisecond
	// maxWait bounds a pause within a step: somebody is waiting for the answer.
	maxWait = 20 * time.Second
	// longestRest bounds how long a model rests because it asked for it.
	longestRest = 10 * time.Minute
)

// ask asks one model, again where that may help. last says that no other model is
// left.
func (s *step) ask(ctx context.Context, try attempting, last bool) error {
	c := s.client
	a := asking{
		model:     try.model,
		pictures:  try.pictures,
		maxTokens: c.maxTokens(&s.request, s.model),
		stream:    true,
		failFast:  !last,
	}
	for retries, wait, shortened := 0, firstWait, false; ; {
		body, err := c.body(&s.request, a)
		if err != nil {
			return err
		}
		err = s.attempt(ctx, a, body)
		e, ok := errors.AsType[*Error](err)
		if err == nil || !ok || s.shown || s.broken || ctx.Err() != nil {
			return err
		}
		if e.empty && a.stream {
			// Some models answer the request for a stream with an empty document.
			a.stream = false
			continue
		}
		if e.Class == TooLong && !shortened {
			if fits := roomFor(e.Message, a.maxTokens); fits > 0 {
				a.maxTokens, shortened = fits, true
				continue
			}
		}
		most := e.retries
		if !last {
			most = min(most, 1) // another model answers sooner
		}
		if e.Class != Retry || retries >= most || e.RetryAfter > maxWait {
			return err
		}
		c.log.LogAttrs(ctx, slog.LevelDebug, "asking the model again", attrs(e)...)
		if err := pause(ctx, max(e.RetryAfter, jitter(wait))); err != nil {
			return err
		}
		retries++
		wait *= 2
	}
}

// attempt sends one request and passes its answer on. Its errors are of type *Error.
func (s *step) attempt(ctx context.Context, a asking, body []byte) (err error) {
	c := s.client
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	idle := c.opts.IdleTimeout
	if !a.stream {
		idle *= 2 // nothing arrives before all of it does
	}
	w := newWatch(idle, cancel)
	defer w.pause()
	defer func() {
		if err != nil {
			err = c.wrap(ctx, a.model, err)
		}
	}()

	resp, err := s.send(ctx, a, body)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }() // read to its end or given up; nothing to learn
	w.pause()
	w.resume(false)
	if resp.StatusCode < 200 || resp.StatusCode > 299 {
		text, _ := io.ReadAll(io.LimitReader(resp.Body, maxErrorBody)) // part of it is better than none
		return c.errorOf(a.model, resp.StatusCode, resp.Header, text)
	}
	return s.pass(ctx, a, resp, w)
}

// send returns what is answered to a request.
func (s *step) send(ctx context.Context, a asking, body []byte) (*http.Response, error) {
	var sent upload
	req, err := sent.request(ctx, s.client.endpoint, body)
	if err != nil {
		return nil, err
	}
	s.client.headers(req.Header, s, a)
	resp, err := s.client.http.Do(req)
	if err != nil {
		return nil, err
	}
	sent.answered()
	return resp, nil
}

// pass passes an answer on to the consumer.
func (s *step) pass(ctx context.Context, a asking, resp *http.Response, w *watch) error {
	d := newDecoder(&s.request)
	for chunk, err := range d.decode(resp.Body, w) {
		if err != nil {
			e := s.client.wrap(ctx, a.model, err)
			e.empty = d.single && errors.Is(err, errEmpty)
			if d.events == 0 {
				e.Message += " (content type " + clip(resp.Header.Get("Content-Type"), 80) + ")"
			}
			return e
		}
		ended := chunk.Finish != ""
		if !s.named || ended {
			chunk.Model, s.named = a.model, true
		}
		if chunk.Text != "" && !s.shown {
			s.shown, s.request.Messages = true, nil // which no model will be asked again
		}
		w.pause()
		s.broken = !s.yield(chunk, nil)
		if ended {
			w.limit(drainTime)
			_, _ = io.CopyN(io.Discard, resp.Body, 4096) // to its end, so that the connection can serve again
		}
		if ended || s.broken {
			return nil
		}
	}
	return nil
}

// drainTime is what keeping a connection is worth.
const drainTime = 50 * time.Millisecond

func (c *Client) headers(h http.Header, s *step, a asking) {
	h.Set("Content-Type", "application/json")
	h.Set("Accept", "application/json")
	if a.stream {
		h.Set("Accept", "text/event-stream")
	}
	h.Set("User-Agent", "bobbin")
	if c.opts.APIToken != "" {
		h.Set("Authorization", "Bearer "+c.opts.APIToken)
	}
	if !c.cloudflare() {
		return
	}
	h.Set("X-Session-Affinity", affinity(s.request.Session))
	if c.opts.Gateway != "" {
		h.Set("Cf-Aig-Gateway-Id", c.opts.Gateway)
		// Gateways have been seen to serve one user's answer to another from their
		// cache although it was switched off.
		h.Set("Cf-Aig-Skip-Cache", "true")
	}
}

// wrap makes an *Error of what went wrong with a request or its answer.
func (c *Client) wrap(ctx context.Context, model string, err error) *Error {
	if e, ok := errors.AsType[*Error](err); ok {
		return e
	}
	e := &Error{Model: model, Class: Retry, retries: 2}
	if f, ok := errors.AsType[*faultError](err); ok {
		c.fill(e, f.fault)
		return e
	}
	if u, ok := errors.AsType[*url.Error](err); ok {
		err = u.Err // the URL holds the account id
	}
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF):
		err = fmt.Errorf("%w: the connection ended", errIncomplete)
	case errors.Is(context.Cause(ctx), errIdle):
		err, e.retries = errIdle, 1
	case errors.Is(err, errSpent):
		e.Class = Next
		e.public = "The language model thought for so long that it had no room left for an answer. Please ask for something smaller."
	case errors.Is(err, errEmpty), errors.Is(err, errTooMuch), errors.Is(err, errTooManyCalls):
		e.retries = 1
		e.public = "The language model gave no usable answer. Please try again."
	}
	e.cause = err
	e.Message = clip(c.secrets.Replace(err.Error()), maxErrorWords)
	return e
}

func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// jitter keeps many sessions from coming back all at once.
func jitter(d time.Duration) time.Duration {
	return d/2 + rand.N(d) //nolint:gosec // no secret depends on it
}

// The numbers in the words of a request that is too long, as Workers AI, SGLang, vLLM
// and llama.cpp write them.
var (
	tokensAsked = regexp.MustCompile(`\((\d+)\) exceeded|requested (?:a total of )?(\d+) tokens`)
	tokensLimit = regexp.MustCompile(`context window limit \((\d+)\)|maximum context length (?:is|of) (\d+)`)
)

// leastAnswer is how short an answer may be made for the window to fit; spareTokens
// covers the difference between the provider's estimates.
const (
	leastAnswer = 256
	spareTokens = 64
)

// roomFor returns the max_tokens with which a request fits that was refused with
// maxTokens, or 0.
func roomFor(message string, maxTokens int) int {
	asked, limit := number(tokensAsked, message), number(tokensLimit, message)
	if asked == 0 || limit == 0 || asked < maxTokens {
		return 0
	}
	if fits := limit - (asked - maxTokens) - spareTokens; fits >= leastAnswer && fits < maxTokens {
		return fits
	}
	return 0
}

func number(re *regexp.Regexp, s string) int {
	for _, group := range re.FindStringSubmatch(s) {
		if n, err := strconv.Atoi(group); err == nil {
			return n
		}
	}
	return 0
}

// levelAdmin is for what somebody has to act on.
const levelAdmin = slog.LevelWarn

// levelOf: what the admin was told already is no news.
func levelOf(e *Error) slog.Level {
	if e.Hint != "" {
		return slog.LevelDebug
	}
	return slog.LevelInfo
}

func attrs(e *Error) []slog.Attr {
	return []slog.Attr{
		slog.String("model", e.Model),
		slog.String("class", e.Class.String()),
		slog.Int("status", e.Status),
		slog.Int("code", e.Code),
		slog.String("message", e.Message),
		slog.String("hint", e.Hint),
	}
}
