package slack

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

const (
	callTimeout = 30 * time.Second
	// maxAnswer bounds an answer of the Web API; a full page of history stays far below.
	maxAnswer = 16 << 20
	// limitWait is how long to wait after a refusal that does not say how long.
	limitWait = 10 * time.Second
)

// httpClient returns a copy of base that is safe to give to slack-go, and its transport.
func httpClient(base *http.Client) (*http.Client, strict) {
	var c http.Client
	if base != nil {
		c = *base
	}
	if c.Transport == nil {
		t := &http.Transport{Proxy: http.ProxyFromEnvironment, ForceAttemptHTTP2: true}
		if standard, ok := http.DefaultTransport.(*http.Transport); ok {
			t = standard.Clone()
		}
		t.DialContext = (&net.Dialer{Timeout: 10 * time.Second, KeepAlive: 30 * time.Second}).DialContext
		t.ResponseHeaderTimeout = callTimeout
		// Through a proxy that knows no HTTP/2, each call would dial beyond the usual two.
		t.MaxIdleConns, t.MaxIdleConnsPerHost = 256, 256
		c.Transport = t
	}
	// The token is in the body: a redirect that keeps the body would hand it on.
	c.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	calls := strict{base: c.Transport, timeout: cmp.Or(c.Timeout, callTimeout)}
	c.Transport, c.Timeout = calls, 0
	return &c, calls
}

// fileClient returns a copy of a client of httpClient's for files, which may be long.
func fileClient(api *http.Client, calls strict) *http.Client {
	c := *api
	c.Transport = calls.base
	return &c
}

// answers are buffers to read answers into. Most of what Slack sends is not handed on.
var answers = sync.Pool{New: func() any { return new(bytes.Buffer) }}

// maxPooled is how large a buffer may be, in bytes, and still be used again.
const maxPooled = 64 << 10

// strict makes the answers safe for slack-go, which reads without limit, takes an
// answer "not ok" that has no error for success, and takes a limit whose Retry-After
// it cannot read for an unknown failure. Calls end within timeout: http.Client, whose own
// it stands for, needs a goroutine for each call that another's RoundTripper makes.
type strict struct {
	base    http.RoundTripper
	timeout time.Duration
}

// exchange makes a call; use gets the answer, all of it unless its status says enough. The
// body is good until use returns. Having been read to its end, it leaves the connection free.
func (t strict) exchange(req *http.Request, use func(resp *http.Response, body []byte) error) error {
	resp, err := t.base.RoundTrip(req)
	if err != nil {
		return err
	}
	answer := answers.Get().(*bytes.Buffer) //nolint:errcheck // the pool holds nothing else
	defer func() {
		if answer.Cap() <= maxPooled {
			answer.Reset()
			answers.Put(answer)
		}
	}()
	_, err = answer.ReadFrom(io.LimitReader(resp.Body, maxAnswer+1))
	if errClose := resp.Body.Close(); err == nil {
		err = errClose
	}
	switch {
	case resp.StatusCode != http.StatusOK:
	case err != nil:
		return err
	case answer.Len() > maxAnswer:
		return fmt.Errorf("the answer is longer than %d bytes", maxAnswer)
	}
	return use(resp, answer.Bytes())
}

// RoundTrip implements http.RoundTripper.
func (t strict) RoundTrip(req *http.Request) (answer *http.Response, err error) {
	ctx, cancel := context.WithTimeout(req.Context(), t.timeout)
	defer cancel()
	err = t.exchange(req.WithContext(ctx), func(resp *http.Response, body []byte) error {
		switch {
		case resp.StatusCode == http.StatusTooManyRequests:
			resp.Header.Set("Retry-After", strconv.Itoa(int(retryAfter(resp.Header)/time.Second)))
		case resp.StatusCode != http.StatusOK: // which says it all
		case strings.HasPrefix(resp.Header.Get("Content-Type"), "application/json"):
			var head struct {
				OK    *bool  `json:"ok"`
				Error string `json:"error"`
			}
			if json.Unmarshal(body, &head) == nil && head.OK != nil && !*head.OK && head.Error == "" {
				body = []byte(`{"ok":false,"error":"unknown_error"}`)
			}
		}
		body = bytes.Clone(body)
		resp.Body = io.NopCloser(bytes.NewReader(body))
		resp.ContentLength = int64(len(body))
		answer = resp
		return nil
	})
	return answer, err
}

// retryAfter is how long a refusal asks to wait.
func retryAfter(h http.Header) time.Duration {
	seconds, err := strconv.ParseUint(h.Get("Retry-After"), 10, 16)
	if err != nil {
		return limitWait
	}
	return time.Duration(seconds) * time.Second
}

// CloseIdleConnections lets http.Client reach the transport underneath.
func (t strict) CloseIdleConnections() {
	if c, ok := t.base.(interface{ CloseIdleConnections() }); ok {
		c.CloseIdleConnections()
	}
}
