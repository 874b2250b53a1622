package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gorilla/websocket"
)

// benchBareCmd is a bare program: it makes the calls that bobbin makes in a turn, over the
// same libraries, and does nothing else. It looks into no answer, decides nothing, keeps
// nothing and waits for no disk: what it costs is what any program would that is in
// bobbin's place.
type benchBareCmd struct {
	Calls string `help:"The file that holds the calls." required:""`
}

// benchCalls are the calls of one turn as bobbin has made them, and where they go.
type benchCalls struct {
	Turn     string     `json:"turn"`  // its number, which stands in the calls behind marks
	Model    string     `json:"model"` // URL of its requests
	Request  string     `json:"request"`
	API      string     `json:"api"` // URL of Slack's, with a slash in the end
	BotToken string     `json:"bot_token"`
	AppToken string     `json:"app_token"`
	Post     url.Values `json:"post"` // to chat.postMessage, without the token
}

// posting is the JSON object that bobbin has sent, but for where it went.
func (c benchCalls) posting() string {
	arguments := make(map[string]json.RawMessage)
	for name := range c.Post {
		arguments[name] = json.RawMessage(c.Post.Get(name))
	}
	delete(arguments, "channel")
	delete(arguments, "thread_ts")
	arguments["text"], _ = json.Marshal(c.Post.Get("text")) // a string always can
	object, err := json.Marshal(arguments)
	if err != nil {
		return "{}" // the call will fail, and say why
	}
	return string(object)
}

// Run answers what people say until the first signal.
func (cmd benchBareCmd) Run(c console) error {
	b, err := os.ReadFile(cmd.Calls)
	if err != nil {
		return fmt.Errorf("read the calls: %w", err)
	}
	var calls benchCalls
	if err := json.Unmarshal(b, &calls); err != nil {
		return fmt.Errorf("read the calls in %s: %w", cmd.Calls, err)
	}
	paceCollector()
	p := newBenchBare(calls)
	teller, err := newBenchTeller(c.ctx, func() benchUse {
		u := processUse()
		u.Live = int(p.live.Load())
		return u
	})
	if err != nil {
		return err
	}
	fmt.Fprintln(c.stdout, teller.site.listener.Addr())
	err = p.run(c.ctx, func() { fmt.Fprintln(c.stdout, "ready") })
	return errors.Join(err, teller.close())
}

// benchBare is the bare program at work.
type benchBare struct {
	benchCalls
	request, post []string // cut where the number of a turn belongs
	http          *http.Client
	live          atomic.Int64 // turns under way

	writing sync.Mutex
	socket  *websocket.Conn
}

func newBenchBare(calls benchCalls) *benchBare {
	cut := func(s string) []string { return strings.Split(s, "#"+calls.Turn) }
	return &benchBare{
		benchCalls: calls, request: cut(calls.Request), post: cut(calls.posting()),
		http: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 1024, DisableCompression: true}, Timeout: 30 * time.Second},
	}
}

// run opens a socket, tells when it is there, and has a turn for each event that comes,
// until ctx ends or a turn fails.
func (p *benchBare) run(ctx context.Context, ready func()) error {
	if err := p.open(ctx); err != nil {
		return err
	}
	working, fail := context.WithCancelCause(ctx)
	defer fail(nil)
	var turns sync.WaitGroup
	defer turns.Wait()
	defer context.AfterFunc(working, func() { _ = p.socket.Close() })() // which ends the reading
	for {
		_, frame, err := p.socket.ReadMessage()
		switch {
		case ctx.Err() != nil:
			return nil
		case working.Err() != nil:
			return context.Cause(working)
		case err != nil:
			return fmt.Errorf("read from the socket: %w", err)
		}
		var e benchBareEvent
		if err := json.Unmarshal(frame, &e); err != nil {
			return fmt.Errorf("read an envelope: %w", err)
		}
		switch e.Type {
		case "hello":
			ready()
		case "events_api":
			p.live.Add(1)
			turns.Go(func() {
				defer p.live.Add(-1)
				// The last turns may end: each call has a time-out.
				if err := p.turn(context.WithoutCancel(ctx), e); err != nil {
					fail(err)
				}
			})
		}
	}
}

// benchBareEvent is what is needed of an envelope.
type benchBareEvent struct {
	Type     string `json:"type"`
	Envelope string `json:"envelope_id"`
	Payload  struct {
		Event struct {
			Channel string `json:"channel"`
			TS      string `json:"ts"`
			Thread  string `json:"thread_ts"`
			Text    string `json:"text"`
		} `json:"event"`
	} `json:"payload"`
}

// open calls apps.connections.open and dials.
func (p *benchBare) open(ctx context.Context) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, p.API+"apps.connections.open", nil)
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+p.AppToken)
	resp, err := p.http.Do(req)
	if err != nil {
		return err
	}
	var opened struct {
		URL string `json:"url"`
	}
	err = json.NewDecoder(resp.Body).Decode(&opened)
	if err = errors.Join(err, resp.Body.Close()); err != nil {
		return fmt.Errorf("apps.connections.open: %w", err)
	}
	socket, answer, err := websocket.DefaultDialer.DialContext(ctx, opened.URL, nil)
	if err != nil {
		return fmt.Errorf("dial the socket: %w", err)
	}
	p.socket = socket
	return answer.Body.Close()
}

// turn acknowledges an event, asks the model and posts an answer.
func (p *benchBare) turn(ctx context.Context, e benchBareEvent) error {
	if err := p.acknowledge(e.Envelope); err != nil {
		return fmt.Errorf("acknowledge an event: %w", err)
	}
	said := e.Payload.Event
	number := "#" + strconv.Itoa(benchNumber(said.Text, benchAsks))
	if err := p.call(ctx, p.Model, "application/json", strings.Join(p.request, number)); err != nil {
		return err
	}
	thread := cmp.Or(said.Thread, said.TS)
	post := `{"channel":"` + said.Channel + `","thread_ts":"` + thread + `",` + strings.Join(p.post, number)[1:]
	return p.call(ctx, p.API+"chat.postMessage", "application/json; charset=utf-8", post)
}

func (p *benchBare) acknowledge(envelope string) error {
	p.writing.Lock()
	defer p.writing.Unlock()
	return p.socket.WriteJSON(map[string]string{"envelope_id": envelope})
}

// call posts a body and reads the answer to its end.
func (p *benchBare) call(ctx context.Context, to, kind, body string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, to, strings.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", kind)
	req.Header.Set("Authorization", "Bearer "+p.BotToken) // which the model does not look at
	resp, err := p.http.Do(req)
	if err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, resp.Body)
	if err = errors.Join(err, resp.Body.Close()); err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s answers with status %d", to, resp.StatusCode)
	}
	return err
}
