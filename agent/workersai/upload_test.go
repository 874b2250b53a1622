package workersai

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
)

func TestARequestIsKeptUntilItIsAnsweredAndNoLonger(t *testing.T) {
	body := bytes.Repeat([]byte("what was said "), 1000)
	var u upload
	req, err := u.request(t.Context(), "http://127.0.0.1/", body)
	if err != nil {
		t.Fatal(err)
	}
	first := u.first
	var wire bytes.Buffer
	if err := req.Write(&wire); err != nil || !bytes.HasSuffix(wire.Bytes(), body) || req.ContentLength != int64(len(body)) {
		t.Errorf("%d bytes for a body of %d, error %v", wire.Len(), req.ContentLength, err)
	}
	if first.Size() != 0 {
		t.Error("what has been written is kept")
	}
	again, err := req.GetBody()
	if err != nil {
		t.Fatal(err)
	}
	u.answered()
	if got, err := io.ReadAll(again); err != nil || !bytes.Equal(got, body) { // which was on its way
		t.Errorf("%d of %d bytes, error %v", len(got), len(body), err)
	}
	if _, err := req.GetBody(); !errors.Is(err, errAnswered) || u.all != nil {
		t.Errorf("sent anew after its answer: %v", err)
	}
}

// TestARequestThatIsSentAnewIsLeftAlone: an attempt that was given up may still be at it.
func TestARequestThatIsSentAnewIsLeftAlone(t *testing.T) {
	var u upload
	req, err := u.request(t.Context(), "http://127.0.0.1/", []byte("what was said"))
	if err != nil {
		t.Fatal(err)
	}
	first := u.first
	if _, err := req.GetBody(); err != nil {
		t.Fatal(err)
	}
	u.sent()
	if got, err := io.ReadAll(first); err != nil || string(got) != "what was said" {
		t.Errorf("the first attempt sends %q, error %v", got, err)
	}
}

func TestARequestGoesOutInOnePiece(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { _, _ = io.Copy(io.Discard, r.Body) }))
	defer server.Close()
	client := newHTTPClient()
	defer client.CloseIdleConnections()
	var writes atomic.Int32
	transport, _ := client.Transport.(*http.Transport)
	transport.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := (&net.Dialer{}).DialContext(ctx, network, address)
		return countedConn{conn, &writes}, err
	}
	var u upload
	req, err := u.request(t.Context(), server.URL, []byte(strings.Repeat("x", 5000)))
	if err != nil {
		t.Fatal(err)
	}
	resp, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	if err := resp.Body.Close(); err != nil {
		t.Error(err)
	}
	if n := writes.Load(); n != 1 {
		t.Errorf("it took %d writes", n)
	}
}

type countedConn struct {
	net.Conn
	writes *atomic.Int32
}

func (c countedConn) Write(p []byte) (int, error) {
	c.writes.Add(1)
	return c.Conn.Write(p)
}
