package workersai

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"

	"bobbin/agent"
)

// serving returns a client of a server that answers as h does.
func serving(t *testing.T, o Options, h http.HandlerFunc) *Client {
	t.Helper()
	srv := httptest.NewServer(h)
	t.Cleanup(srv.Close)
	o.BaseURL = srv.URL + "/client/v4"
	return newClient(t, o)
}

func TestDocumentsAreSentAsAForm(t *testing.T) {
	c := serving(t, Options{Gateway: "g"}, func(w http.ResponseWriter, r *http.Request) {
		if want := "/client/v4/accounts/" + testAccount + "/ai/tomarkdown"; r.URL.Path != want || r.Method != http.MethodPost {
			t.Errorf("%s %s, want %s", r.Method, r.URL.Path, want)
		}
		if got := r.Header.Get("Authorization"); got != "Bearer "+testToken {
			t.Errorf("authorization %q", got)
		}
		f, head, err := r.FormFile("files")
		if err != nil {
			t.Error(err)
			return
		}
		data, err := io.ReadAll(f)
		if err != nil || string(data) != "%PDF-1.7" || head.Filename != `a "b" ü.pdf` || head.Header.Get("Content-Type") != "application/pdf" {
			t.Errorf("got %q, %+v, %v", data, head, err)
		}
		_, _ = io.WriteString(w, `{"success":true,"errors":[],"result":[{"id":"1","name":"a.pdf","mimeType":"application/pdf","format":"markdown","tokens":3,"data":"# Title\n"}]}`)
	})
	if got, err := c.Markdown(t.Context(), `a "b" ü.pdf`, "application/pdf", []byte("%PDF-1.7")); err != nil || got != "# Title\n" {
		t.Errorf("got %q, %v", got, err)
	}
	if _, err := c.Markdown(t.Context(), "a\nb", "text/html", nil); err == nil {
		t.Error("a name of two lines was sent")
	}
}

func TestWhatIsSaidIsWrittenDown(t *testing.T) {
	for body, want := range map[string]string{
		`{"result":{"text":" Hello there. ","word_count":2,"segments":[]},"success":true,"errors":[],"messages":[]}`: "Hello there.",
		`{"text":"bare"}`: "bare",
		`{"result":{"text":"","word_count":0},"success":true}`: "",
	} {
		c := serving(t, Options{Gateway: "g"}, func(w http.ResponseWriter, r *http.Request) {
			if want := "/client/v4/accounts/" + testAccount + "/ai/run/" + DefaultSpeechModel; r.URL.Path != want || r.Header.Get("Cf-Aig-Gateway-Id") != "g" {
				t.Errorf("asked at %s, want %s", r.URL.Path, want)
			}
			var in struct {
				Audio []byte
				Task  string
			}
			if err := json.NewDecoder(r.Body).Decode(&in); err != nil || string(in.Audio) != "OggS" || in.Task != "transcribe" {
				t.Errorf("got %+v, %v", in, err)
			}
			_, _ = io.WriteString(w, body)
		})
		if got, err := c.Transcribe(t.Context(), []byte("OggS")); err != nil || got != want {
			t.Errorf("got %q, %v, want %q", got, err, want)
		}
	}
	if _, err := newClient(t, Options{}).Transcribe(t.Context(), make([]byte, MaxAudio+1)); err == nil || !strings.Contains(agent.Explain(err), "25 MiB") {
		t.Errorf("got %v", err)
	}
}

func TestServicesThatFailSayWhy(t *testing.T) {
	for name, tc := range map[string]struct {
		status int
		body   string
		public string
	}{
		"damaged":          {200, `{"success":true,"result":[{"name":"a.pdf","format":"error","error":"bad xref"}]}`, "damaged"},
		"no file":          {200, `{"success":true,"result":[]}`, "damaged"},
		"the day is over":  {429, envelope(4006, "daily free allocation"), "used up"},
		"no permission":    {403, envelope(10000, "Authentication error"), "refused"},
		"too large":        {413, envelope(3006, "too large"), "larger than the service"},
		"failure in a 200": {200, `{"success":false,"errors":[{"code":8001,"message":"no"}],"result":null}`, "refused"},
		"no such service":  {404, `{"errors":[{"code":7000,"message":"No route for that URI"}]}`, "refused"},
	} {
		c := serving(t, Options{}, func(w http.ResponseWriter, _ *http.Request) { fail(w, tc.status, tc.body) })
		_, err := c.Markdown(t.Context(), "a.pdf", "application/pdf", nil)
		e, ok := errors.AsType[*Error](err)
		if !ok || !strings.Contains(e.Public(), tc.public) || strings.Contains(e.Error(), testToken) || strings.Contains(e.Error(), testAccount) {
			t.Errorf("%s: got %v, %q", name, err, agent.Explain(err))
		}
	}
	c := newClient(t, Options{OpenAIURL: "http://127.0.0.1:1/v1"})
	if _, err := c.Transcribe(t.Context(), []byte("x")); !errors.Is(err, errNoService) || !strings.Contains(agent.Explain(err), "cannot read") {
		t.Errorf("got %v", err)
	}
}

func TestBusyServicesAreAskedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		busy := 1
		o := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			if busy > 0 {
				busy--
				fail(w, 429, envelope(3040, "Capacity temporarily exceeded, please try again."))
				return
			}
			_, _ = io.WriteString(w, `{"result":{"text":"hi"},"success":true}`)
		})
		c := inMemory(t, o, Options{})
		if got, err := c.Transcribe(t.Context(), []byte("x")); err != nil || got != "hi" {
			t.Fatalf("got %q, %v", got, err)
		}
		busy = 100
		_, err := c.Transcribe(t.Context(), []byte("x"))
		if e, ok := errors.AsType[*Error](err); !ok || e.Class != Retry || busy != 97 || !strings.Contains(e.Public(), "too busy") {
			t.Errorf("got %v after %d requests", err, 100-busy)
		}
	})
}

func TestAServiceThatIsGivenUpIsAskedNoMore(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	why := errors.New("enough")
	c := serving(t, Options{}, func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // the server sees that the client goes only after it
		cancel(why)
		<-r.Context().Done()
	})
	if _, err := c.Markdown(ctx, "a.pdf", "application/pdf", nil); !errors.Is(err, why) || !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}
