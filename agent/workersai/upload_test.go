package workersai

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"testing"
	"testing/iotest"
)

func TestARequestIsKeptUntilItIsAnsweredAndNoLonger(t *testing.T) {
	body := bytes.Repeat([]byte("what was said "), 1000)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://127.0.0.1/", nil)
	if err != nil {
		t.Fatal(err)
	}
	var u upload
	u.of(req, body)
	if req.ContentLength != int64(len(body)) {
		t.Errorf("its length is %d", req.ContentLength)
	}
	if err := iotest.TestReader(req.Body, body); err != nil {
		t.Error(err)
	}
	again, err := req.GetBody()
	if err != nil {
		t.Fatal(err)
	}
	u.answered()
	if got, err := io.ReadAll(again); err != nil || !bytes.Equal(got, body) { // which was on its way
		t.Errorf("%d of %d bytes, error %v", len(got), len(body), err)
	}
	if u.all != nil || req.Body.(*uploading).rest != nil || again.(*uploading).rest != nil {
		t.Error("what has been sent is kept")
	}
	if _, err := req.GetBody(); !errors.Is(err, errAnswered) {
		t.Errorf("sent anew after its answer: %v", err)
	}
}
