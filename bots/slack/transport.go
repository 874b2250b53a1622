package slack

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"mime"
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

// httpClient returns a copy of base that is safe to give to slack-go.
func httpClient(base *http.Client) *http.Client {
	c := http.Client{Timeout: callTimeout}
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
		t.MaxIdleConnsPerHost = 32
		c.Transport = t
	}
	if c.Timeout == 0 {
		c.Timeout = callTimeout
	}
	// The token is in the body: a redirect that keeps the body would hand it on.
	c.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	c.Transport = strict{c.Transport}
	return &c
}

// fileClient returns a copy of a client of httpClient's for files, which may be long.
func fileClient(api *http.Client) *http.Client {
	c := *api
	c.Timeout = 0
	if s, ok := api.Transport.(strict); ok {
		c.Transport = s.base
	}
	return &c
}

// shownAnswer is what is of interest in the answer to a call that shows a message.
type shownAnswer struct {
	OK      *bool  `json:"ok"`
	Error   string `json:"error,omitempty"`
	Channel string `json:"channel,omitempty"`
	TS      string `json:"ts,omitempty"`
}

// answers are buffers to read answers into. Most of what Slack sends is not handed on.
var answers = sync.Pool{New: func() any { return new(bytes.Buffer) }}

// maxPooled is how large a buffer may be, in bytes, and still be used again.
const maxPooled = 64 << 10

// strict makes the answers safe for slack-go, which reads without limit, takes an
// answer "not ok" that has no error for success, and takes a limit whose Retry-After
// it cannot read for an unknown failure.
type strict struct{ base http.RoundTripper }

// RoundTrip implements http.RoundTripper.
func (t strict) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := t.base.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode == http.StatusTooManyRequests {
		if _, err := strconv.ParseUint(resp.Header.Get("Retry-After"), 10, 16); err != nil {
			resp.Header.Set("Retry-After", strconv.Itoa(int(limitWait/time.Second)))
		}
		return resp, nil
	}
	if resp.StatusCode != http.StatusOK {
		return resp, nil
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
	if err != nil {
		return nil, err
	}
	if answer.Len() > maxAnswer {
		return nil, fmt.Errorf("the answer is longer than %d bytes", maxAnswer)
	}
	body := answer.Bytes()
	kept := true // in the pool's buffer
	if kind, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type")); kind == "application/json" {
		var head shownAnswer
		switch {
		case json.Unmarshal(body, &head) != nil || head.OK == nil:
		case !*head.OK && head.Error == "":
			body, kept = []byte(`{"ok":false,"error":"unknown_error"}`), false
		case *head.OK && (strings.HasSuffix(req.URL.Path, "/chat.postMessage") || strings.HasSuffix(req.URL.Path, "/chat.update")):
			// All that was sent comes back, for slack-go to decode block by block.
			if body, err = json.Marshal(head); err != nil {
				return nil, err
			}
			kept = false
		}
	}
	if kept {
		body = bytes.Clone(body)
	}
	resp.Body = io.NopCloser(bytes.NewReader(body))
	resp.ContentLength = int64(len(body))
	return resp, nil
}

// CloseIdleConnections lets http.Client reach the transport underneath.
func (t strict) CloseIdleConnections() {
	if c, ok := t.base.(interface{ CloseIdleConnections() }); ok {
		c.CloseIdleConnections()
	}
}
