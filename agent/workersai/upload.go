package workersai

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptrace"
	"sync"
)

// upload is what a request sends. It is not kept longer than it is needed: an answer may
// stream for minutes, and the whole conversation is in what was asked.
type upload struct {
	mu    sync.Mutex
	all   []byte        // for when the transport has to send it anew; nil once there is an answer
	first *bytes.Reader // what it is sent from; nil once it has been
}

// request makes the request that sends body. net/http writes a request's header by itself,
// before the body, unless it knows that reading the body cannot block, as of a bytes.Reader.
// Such a one holds what has been read of it until it is told otherwise, which only who
// reads it may do.
func (u *upload) request(ctx context.Context, url string, body []byte) (*http.Request, error) {
	u.all, u.first = body, bytes.NewReader(body)
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{WroteRequest: func(httptrace.WroteRequestInfo) { u.sent() }})
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, u.first)
	if err != nil {
		return nil, err
	}
	req.GetBody = func() (io.ReadCloser, error) {
		u.mu.Lock()
		defer u.mu.Unlock()
		if u.all == nil {
			return nil, errAnswered
		}
		u.first = nil // somebody may still write it
		return io.NopCloser(bytes.NewReader(u.all)), nil
	}
	return req, nil
}

// sent lets go of what has been written, or will not be any more.
func (u *upload) sent() {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.first != nil {
		u.first.Reset(nil)
		u.first = nil
	}
}

// answered says that nothing has to be sent anew.
func (u *upload) answered() {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.all = nil
}

// errAnswered is why a request that has an answer is not sent anew.
var errAnswered = errors.New("the request has been answered")
