package workersai

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"bobbin/agent"
)

// streamed is an answer of so many tokens as Workers AI streams it: with padding of
// random length, and with usage in each event.
func streamed(tokens int) (events []string) {
	words := []string{" word", " an", "other", " something", ",\\n", " naïve", "."}
	for i := range tokens {
		events = append(events, fmt.Sprintf(`data: {"choices":[{"delta":{"content":"%s","reasoning_content":null,"role":null,"tool_calls":null},"finish_reason":null,"index":0,"logprobs":null,"matched_stop":null}],`+
			`"created":1790996567,"id":"id-1790996567","model":"@cf/zai-org/glm-4.7-flash","object":"chat.completion.chunk","p":"%s","usage":{"prompt_tokens":0,"completion_tokens":1,"total_tokens":1,"neurons":0.0%d}}`+"\n\n",
			words[i%len(words)], "m6yrlv8lur9abcdefghijkl"[i%20:], 364+i))
	}
	return append(events,
		`data: {"choices":[{"delta":{"reasoning_content":null},"finish_reason":"stop","index":0}],"usage":{"prompt_tokens":0,"completion_tokens":0,"total_tokens":0}}`+"\n\n",
		`data: {"response":"","usage":{"prompt_tokens":900,"completion_tokens":40,"total_tokens":940}}`+"\n\n",
		"data: [DONE]\n\n")
}

// BenchmarkDecode reads an answer that is there at once, and one that comes token by token.
func BenchmarkDecode(b *testing.B) {
	const tokens = 400
	events := streamed(tokens)
	body := strings.Join(events, "")
	w := newWatch(time.Hour, func(error) {})
	defer w.pause()
	for _, bench := range []struct {
		name string
		body func() io.Reader
	}{
		{"burst", func() io.Reader { return strings.NewReader(body) }},
		{"paced", func() io.Reader { return &paced{slices.Clone(events)} }},
	} {
		b.Run(bench.name, func(b *testing.B) {
			b.SetBytes(int64(len(body)))
			b.ReportAllocs()
			for b.Loop() {
				for _, err := range newDecoder(&hello).decode(bench.body(), w) {
					if err != nil {
						b.Fatal(err)
					}
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*tokens), "ns/token")
		})
	}
}

// paced gives one event at a time.
type paced struct {
	events []string
}

func (p *paced) Read(to []byte) (int, error) {
	if len(p.events) == 0 {
		return 0, io.EOF
	}
	n := copy(to, p.events[0])
	if p.events[0] = p.events[0][n:]; p.events[0] == "" {
		p.events = p.events[1:]
	}
	return n, nil
}

// benchRequest is the request of a session that has said so many things, with tools.
func benchRequest(entries int) agent.Request {
	r := agent.Request{Session: "slack/T1/C1/1.2", System: "Be brief."}
	for i := range 10 {
		r.Tools = append(r.Tools, agent.ToolSpec{Name: fmt.Sprint("tool_", i), Description: "Tells the time of a zone, or something else of that kind.",
			Schema: []byte(`{"type":"object","properties":{"zone":{"type":"string","description":"the name of the zone"}},"required":["zone"]}`)})
	}
	for i := range entries {
		role := agent.RoleUser
		if i%2 == 1 {
			role = agent.RoleAssistant
		}
		r.Messages = append(r.Messages, agent.Entry{Role: role, Text: strings.Repeat(fmt.Sprintf("An ordinary answer names file %d, adds \"a remark\", and ends.\n", i), 6)})
	}
	return r
}

// BenchmarkBody builds the request of a short session, and of a full window of 24,000 tokens.
func BenchmarkBody(b *testing.B) {
	c, err := New(Options{AccountID: "a", APIToken: "token", BaseURL: "https://example.test", Models: []string{"@cf/zai-org/glm-4.7-flash"}})
	if err != nil {
		b.Fatal(err)
	}
	for _, entries := range []int{10, 250} {
		r := benchRequest(entries)
		b.Run(fmt.Sprintf("%d entries", entries), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := c.body(&r, asking{model: "@cf/zai-org/glm-4.7-flash", maxTokens: 4096, stream: true}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkStep asks for an answer of 40 tokens over loopback, of a server that does next
// to nothing.
func BenchmarkStep(b *testing.B) {
	l, err := (&net.ListenConfig{}).Listen(b.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	var serving sync.WaitGroup
	defer serving.Wait()
	defer func() { _ = l.Close() }()
	serving.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			serving.Go(func() { answerAll(conn, strings.Join(streamed(40), "")) })
		}
	})
	c, err := New(Options{AccountID: "a", APIToken: "token", BaseURL: "http://" + l.Addr().String(), Models: []string{"@cf/zai-org/glm-4.7-flash"}})
	if err != nil {
		b.Fatal(err)
	}
	defer c.Close()
	r := benchRequest(10)
	b.ReportAllocs()
	for b.Loop() {
		for _, err := range c.Stream(b.Context(), r) {
			if err != nil {
				b.Fatal(err)
			}
		}
	}
}

// answerAll answers each request of a connection with the same events.
func answerAll(conn net.Conn, events string) {
	defer func() { _ = conn.Close() }()
	answer := fmt.Appendf(nil, "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n", len(events), events)
	r := bufio.NewReaderSize(conn, 64<<10)
	for {
		size := 0
		for {
			line, err := r.ReadSlice('\n')
			if err != nil {
				return
			}
			if n, ok := bytes.CutPrefix(line, []byte("Content-Length: ")); ok {
				size, _ = strconv.Atoi(string(bytes.TrimSpace(n)))
			}
			if len(bytes.TrimSpace(line)) == 0 {
				break
			}
		}
		if _, err := r.Discard(size); err != nil {
			return
		}
		if _, err := conn.Write(answer); err != nil {
			return
		}
	}
}
