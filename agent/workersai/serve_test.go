package workersai

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"bobbin/agent"
)

const (
	testAccount = "0123456789abcdef0123456789abcdef"
	testToken   = "token-that-nobody-may-see"
)

// received is a request as the other side sees it.
type received struct {
	wireRequest
	path   string
	header http.Header
	raw    string
}

// UnmarshalJSON reads what MarshalJSON writes.
func (m *outMessage) UnmarshalJSON(b []byte) error {
	type plain outMessage
	in := struct {
		*plain
		Content json.RawMessage `json:"content"`
	}{plain: (*plain)(m)}
	if err := json.Unmarshal(b, &in); err != nil {
		return err
	}
	if json.Unmarshal(in.Content, &m.Content) == nil {
		return nil
	}
	var parts []outPart
	if err := json.Unmarshal(in.Content, &parts); err != nil {
		return err
	}
	for _, p := range parts {
		if p.Image == nil {
			m.Content += p.Text
			continue
		}
		kind, data, _ := strings.Cut(strings.TrimPrefix(p.Image.URL, "data:"), ";base64,")
		raw, err := base64.StdEncoding.DecodeString(data)
		if err != nil {
			return err
		}
		m.images = append(m.images, &agent.Image{Type: kind, Data: raw})
	}
	return nil
}

// otherSide is a server whose answers a test writes.
type otherSide struct {
	mu     sync.Mutex
	seen   []received
	answer func(w http.ResponseWriter, r *http.Request, got received, n int)
}

func (o *otherSide) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	got := received{path: r.URL.Path, header: r.Header, raw: string(body)}
	if err := json.Unmarshal(body, &got.wireRequest); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	o.mu.Lock()
	o.seen = append(o.seen, got)
	n := len(o.seen)
	o.mu.Unlock()
	o.answer(w, r, got, n)
}

// models lists which models were asked, in order.
func (o *otherSide) models() []string {
	o.mu.Lock()
	defer o.mu.Unlock()
	var out []string
	for _, s := range o.seen {
		out = append(out, s.Model)
	}
	return out
}

func (o *otherSide) request(t *testing.T, i int) received {
	t.Helper()
	o.mu.Lock()
	defer o.mu.Unlock()
	if i >= len(o.seen) {
		t.Fatalf("only %d requests arrived", len(o.seen))
	}
	return o.seen[i]
}

// onLoopback serves o on a real socket and returns a client of it.
func onLoopback(t *testing.T, o *otherSide, opts Options) *Client {
	t.Helper()
	srv := httptest.NewServer(o)
	t.Cleanup(srv.Close)
	if opts.OpenAIURL != "" {
		opts.OpenAIURL = srv.URL + "/v1"
	}
	opts.BaseURL = srv.URL + "/client/v4"
	return newClient(t, opts)
}

func newClient(t *testing.T, opts Options) *Client {
	t.Helper()
	opts.AccountID, opts.APIToken = testAccount, testToken
	if opts.Models == nil {
		opts.Models = []string{"@cf/first", "@cf/second", "@cf/third"}
	}
	c, err := New(opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// inMemory serves o on pipes, so that its time can be virtual.
func inMemory(t *testing.T, o http.Handler, opts Options) *Client {
	t.Helper()
	l := &pipeListener{conns: make(chan net.Conn), done: make(chan struct{})}
	srv := &http.Server{Handler: o}
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := srv.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			t.Error(err)
		}
	})
	t.Cleanup(func() {
		_ = srv.Close()
		wg.Wait()
	})
	opts.BaseURL = "http://model.test"
	opts.HTTPClient = &http.Client{Transport: &http.Transport{DialContext: l.dial}}
	return newClient(t, opts)
}

type pipeListener struct {
	conns chan net.Conn
	done  chan struct{}
	once  sync.Once
}

func (l *pipeListener) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	here, there := net.Pipe()
	select {
	case l.conns <- there:
		return here, nil
	case <-l.done:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (l *pipeListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.done:
		return nil, net.ErrClosed
	}
}

func (l *pipeListener) Close() error {
	l.once.Do(func() { close(l.done) })
	return nil
}

func (l *pipeListener) Addr() net.Addr { return &net.UnixAddr{Name: "pipe"} }

// stream consumes a whole step.
func stream(ctx context.Context, c *Client, r agent.Request) answer {
	var a answer
	for chunk, err := range c.Stream(ctx, r) {
		if err != nil {
			a.err = err
			continue
		}
		a.text += chunk.Text
		a.pieces++
		if chunk.Reasoning {
			a.thinking++
		}
		a.last = chunk
	}
	return a
}

func say(w http.ResponseWriter, text string) {
	w.Header().Set("Content-Type", "text/event-stream")
	_, _ = io.WriteString(w, sseOf(delta(text), stop, "[DONE]"))
}

func fail(w http.ResponseWriter, status int, body string) {
	w.WriteHeader(status)
	_, _ = io.WriteString(w, body)
}

var hello = agent.Request{
	Session:  "slack/T1/C1/1.2",
	System:   "You are bobbin.",
	Messages: []agent.Entry{{Role: agent.RoleUser, Text: "hi"}},
}
