package workersai

import (
	"errors"
	"io"
	"net/http"
	"sync"
)

// upload is the body of a request that is not kept longer than it is needed: an answer may
// stream for minutes, and the whole conversation is in what was asked.
type upload struct {
	mu  sync.Mutex
	all []byte // for when the transport has to send it anew; nil once there is an answer
}

// of makes it the body of a request.
func (u *upload) of(req *http.Request, body []byte) {
	u.all = body
	req.Body = &uploading{rest: body}
	req.ContentLength = int64(len(body))
	req.GetBody = func() (io.ReadCloser, error) {
		u.mu.Lock()
		defer u.mu.Unlock()
		if u.all == nil {
			return nil, errAnswered
		}
		return &uploading{rest: u.all}, nil
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

// uploading is a body that is being sent.
type uploading struct{ rest []byte }

// Read implements io.Reader. It lets go of what it has read.
func (u *uploading) Read(p []byte) (int, error) {
	n := copy(p, u.rest)
	if u.rest = u.rest[n:]; len(u.rest) == 0 {
		u.rest = nil
		return n, io.EOF
	}
	return n, nil
}

// Close implements io.Closer.
func (u *uploading) Close() error { return nil }
