package discord

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"mime/multipart"
	"net/http"
	"net/textproto"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"bobbin/bots"
)

const (
	// apiPath is the version that the gateway client speaks too.
	apiPath = "/api/v9"
	// maxBody bounds what is read of an answer. A page of 100 messages with all
	// their embeds stays well below it.
	maxBody = 8 << 20
	// blindWait is how long to wait after a 429 that does not say.
	blindWait = 5 * time.Second
)

// rest is a small client of Discord's REST API. Unlike the gateway library's own it
// never sleeps, never repeats a request, and ends with its context.
type rest struct {
	base   *url.URL
	token  string
	client *http.Client
	limits limits
	stile  *turnstile
	report atomic.Pointer[func(bots.Usage)] // nil until somebody wants it
}

// call is one request.
type call struct {
	what   string // what is being done, for errors: never with a secret in it
	method string
	path   []string // escaped when the URL is made
	query  url.Values
	body   any           // nil for none
	files  []bots.Upload // sent along with the body
	out    any           // nil to ignore the answer
	route  string
	// hook marks a call that an interaction's token in the path authorises. It is
	// exempt from the account's global limit and carries no bot token.
	hook bool
	// spare marks a call that is left out when there are many.
	spare bool
}

// apiError is an answer that is not a success.
type apiError struct {
	what    string
	status  int
	code    int // Discord's own, 0 if the body had none
	message string
}

func (e *apiError) Error() string {
	s := e.what + ": HTTP " + strconv.Itoa(e.status)
	if e.code != 0 {
		s += ", code " + strconv.Itoa(e.code)
	}
	if e.message != "" {
		s += ": " + e.message
	}
	if advice := advice(e); advice != "" {
		s += " (" + advice + ")"
	}
	return s
}

// do sends c. A 429 gives a *bots.RetryAfterError around an *apiError, any other
// answer but a success an *apiError, everything else an error that leaves open
// whether the request was carried out.
func (r *rest) do(ctx context.Context, c call) error {
	if wait, all := r.limits.wait(c.route, c.hook); wait > 0 {
		return late(wait, all, true, fmt.Errorf("%s: waiting for the rate limit", c.what))
	}
	body, contentType, err := c.encode()
	if err != nil {
		return fmt.Errorf("%s: encode: %w", c.what, err)
	}
	u := r.base.JoinPath(escape(c.path)...)
	u.RawQuery = c.query.Encode()
	req, err := http.NewRequestWithContext(ctx, c.method, u.String(), body)
	if err != nil {
		return fmt.Errorf("%s: %w", c.what, withoutURL(err))
	}
	req.Header.Set("User-Agent", "DiscordBot (bobbin, 1)")
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	if !c.hook {
		req.Header.Set("Authorization", "Bot "+r.token)
	}
	if err := r.stile.pass(ctx, c); err != nil {
		return err
	}
	r.spent(c)
	resp, err := r.client.Do(req)
	if err != nil {
		return fmt.Errorf("%s: %w", c.what, withoutURL(err))
	}
	defer func() { _ = resp.Body.Close() }()
	b, err := io.ReadAll(io.LimitReader(resp.Body, maxBody+1))
	if err != nil {
		return fmt.Errorf("%s: read the answer: %w", c.what, withoutURL(err))
	}
	r.metered(c.route, resp.Header)
	if resp.StatusCode < 200 || resp.StatusCode > 299 {
		return r.failed(c, resp, b)
	}
	r.limits.spent(c.route, resp.Header)
	if c.out == nil || resp.StatusCode == http.StatusNoContent {
		return nil
	}
	if len(b) > maxBody {
		return fmt.Errorf("%s: the answer is larger than %d bytes", c.what, maxBody)
	}
	if err := json.Unmarshal(b, c.out); err != nil {
		return fmt.Errorf("%s: decode the answer: %w", c.what, err)
	}
	return nil
}

// encode returns what is sent, and its type; neither if there is nothing to send.
func (c call) encode() (body io.Reader, contentType string, err error) {
	if c.body == nil {
		return nil, "", nil
	}
	b, err := json.Marshal(c.body)
	if err != nil {
		return nil, "", err
	}
	if len(c.files) == 0 {
		return bytes.NewReader(b), "application/json", nil
	}
	var form bytes.Buffer
	w := multipart.NewWriter(&form)
	head := textproto.MIMEHeader{"Content-Disposition": {`form-data; name="payload_json"`}, "Content-Type": {"application/json"}}
	part, err := w.CreatePart(head)
	if err == nil {
		_, err = part.Write(b)
	}
	for i, f := range c.files {
		if err == nil {
			part, err = w.CreateFormFile(fmt.Sprintf("files[%d]", i), fileName(f.Name))
		}
		if err == nil {
			_, err = part.Write(f.Content)
		}
	}
	if err == nil {
		err = w.Close()
	}
	return &form, w.FormDataContentType(), err
}

func (r *rest) failed(c call, resp *http.Response, body []byte) error {
	var said struct {
		Code       int     `json:"code"`
		Message    string  `json:"message"`
		RetryAfter float64 `json:"retry_after"`
		Global     bool    `json:"global"`
	}
	// What is no JSON comes from a proxy on the way; the status has to do then.
	_ = json.Unmarshal(body, &said)
	e := &apiError{what: c.what, status: resp.StatusCode, code: said.Code, message: firstLine(said.Message)}
	if resp.StatusCode != http.StatusTooManyRequests {
		return e
	}
	after := seconds(said.RetryAfter)
	if after <= 0 {
		s, _ := strconv.ParseFloat(resp.Header.Get("Retry-After"), 64)
		after = seconds(s)
	}
	if after <= 0 {
		after = blindWait
	}
	all := said.Global || resp.Header.Get("X-RateLimit-Global") != ""
	r.limits.block(c.route, after, all)
	return late(after, all, false, e)
}

// late returns the error of a call that has to wait: for its own route, or for all that
// the account does.
func late(after time.Duration, all, unsent bool, err error) error {
	e := &bots.RetryAfterError{After: after, Err: err, Unsent: unsent}
	if all {
		e.Scope = account
	}
	return e
}

// code returns Discord's error code in err, or 0.
func code(err error) int {
	if e, ok := errors.AsType[*apiError](err); ok {
		return e.code
	}
	return 0
}

// refused reports whether Discord has said no for good: repeating the request as it
// is cannot help.
func refused(err error) bool {
	e, ok := errors.AsType[*apiError](err)
	if !ok || e.status < 400 || e.status > 499 {
		return false
	}
	switch e.status {
	case http.StatusUnauthorized, http.StatusRequestTimeout, http.StatusTooEarly, http.StatusTooManyRequests:
		return false
	}
	return true
}

// withoutURL strips what net/http puts around an error: the URL may hold an
// interaction's token.
func withoutURL(err error) error {
	if e, ok := errors.AsType[*url.Error](err); ok {
		return e.Err
	}
	return err
}

// seconds turns what Discord writes into a duration, capped so that a nonsense value
// cannot stop a route for ever.
func seconds(s float64) time.Duration {
	const most = 24 * time.Hour
	switch {
	case s <= 0 || math.IsNaN(s):
		return 0
	case s > most.Seconds():
		return most
	}
	return time.Duration(s * float64(time.Second))
}

func escape(path []string) []string {
	out := make([]string, len(path))
	for i, p := range path {
		out[i] = url.PathEscape(p)
	}
	return out
}

func firstLine(s string) string {
	s, _, _ = strings.Cut(s, "\n")
	return short(s, 200)
}
