package sandbox

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

const (
	pageTestSlackChannel   = "C0GENERAL"
	pageTestDiscordChannel = "220000000000000001"
	pageTestAda            = "210000000000000001"
	pageTestDiscordBot     = "200000000000000002"
)

// pageTestRig is a page before stand-ins that no bot is connected to: what a bot
// would post is put into their worlds.
type pageTestRig struct {
	slack   *Slack
	discord *Discord
	page    *Page
	url     string
}

func newPageTestRig(t *testing.T) *pageTestRig {
	t.Helper()
	r := &pageTestRig{
		slack:   NewSlack(SlackOptions{Redeliver: []time.Duration{}}),
		discord: NewDiscord(DiscordOptions{}),
	}
	t.Cleanup(r.slack.Close)
	t.Cleanup(r.discord.Close)
	r.page = NewPage(PageOptions{Slack: r.slack, Discord: r.discord, Model: "a test"})
	s := httptest.NewServer(r.page.Handler())
	t.Cleanup(s.Close)
	t.Cleanup(r.page.Close)
	r.url = s.URL
	return r
}

// do sends a request to the page, with header as pairs.
func (r *pageTestRig) do(t *testing.T, method, path, body string, header ...string) (status int, answer string, h http.Header) {
	t.Helper()
	q, err := http.NewRequestWithContext(t.Context(), method, r.url+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if method == http.MethodPost {
		q.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i < len(header); i += 2 {
		if header[i] == "Host" {
			q.Host = header[i+1]
			continue
		}
		q.Header.Set(header[i], header[i+1])
	}
	a, err := http.DefaultClient.Do(q)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = a.Body.Close() }()
	data, err := io.ReadAll(a.Body)
	if err != nil {
		t.Fatal(err)
	}
	return a.StatusCode, string(data), a.Header
}

func TestPageRefusesWhatIsNoCallOfItsOwn(t *testing.T) {
	r := newPageTestRig(t)
	others := r.slack.OpenDM("U0GRACE")
	good := `{"user":"U0ADA","channel":"C0GENERAL","text":"hello"}`
	discord := func(fields string) string {
		return `{"user":"` + pageTestAda + `","channel":"` + pageTestDiscordChannel + `",` + fields + `}`
	}
	for _, c := range []struct {
		name, method, path, body string
		header                   []string
		status                   int
		words                    string
	}{
		{"no JSON", "POST", "/api/slack/say", "hello", nil, 400, "JSON"},
		{"half an object", "POST", "/api/slack/say", `{"user":`, nil, 400, "JSON"},
		{"a list", "POST", "/api/slack/say", `[]`, nil, 400, "JSON"},
		{"two objects", "POST", "/api/slack/say", good + good, nil, 400, "more"},
		{"an unknown field", "POST", "/api/slack/say", `{"usr":"U0ADA"}`, nil, 400, "usr"},
		{"no body", "POST", "/api/slack/say", "", nil, 400, "JSON"},
		{"a form's type", "POST", "/api/slack/say", good, []string{"Content-Type", "text/plain"}, 415, "application/json"},
		{"no type", "POST", "/api/slack/say", good, []string{"Content-Type", ""}, 415, "application/json"},
		{"an oversized body", "POST", "/api/slack/dm", `{"text":"` + strings.Repeat("x", pageBody) + `"}`, nil, 413, "larger"},
		{"a foreign origin", "POST", "/api/slack/say", good, []string{"Origin", "https://evil.example"}, 403, "page itself"},
		{"an opaque origin", "POST", "/api/slack/say", good, []string{"Origin", "null"}, 403, "page itself"},
		{"another port's origin", "POST", "/api/slack/say", good, []string{"Origin", "http://127.0.0.1:1"}, 403, "page itself"},
		{"a foreign site", "POST", "/api/slack/say", good, []string{"Sec-Fetch-Site", "cross-site"}, 403, "page itself"},
		{"a foreign origin that reads", "GET", "/api/state", "", []string{"Origin", "https://evil.example"}, 403, "page itself"},
		{"a name that points here", "POST", "/api/slack/say", good, []string{"Host", "evil.example"}, 421, "host name"},
		{"a page under such a name", "GET", "/", "", []string{"Host", "evil.example:8080"}, 421, "host name"},
		{"a read of a call", "GET", "/api/slack/say", "", nil, 404, ""},
		{"an unknown call", "POST", "/api/slack/shout", good, nil, 405, ""},
		{"an unknown file", "GET", "/secrets.txt", "", nil, 404, ""},
		{"an unknown channel", "POST", "/api/slack/say", `{"user":"U0ADA","channel":"C9","text":"x"}`, nil, 404, "no channel"},
		{"an unknown user", "POST", "/api/slack/say", `{"user":"U9","channel":"C0GENERAL","text":"x"}`, nil, 404, "no person"},
		{"the bot itself", "POST", "/api/slack/say", `{"user":"U0BOBBIN","channel":"C0GENERAL","text":"x"}`, nil, 404, "no person"},
		{"another's DM", "POST", "/api/slack/say", `{"user":"U0ADA","channel":"` + others + `","text":"x"}`, nil, 404, "no channel"},
		{"an unknown thread", "POST", "/api/slack/say", `{"user":"U0ADA","channel":"C0GENERAL","thread":"1.2","text":"x"}`, nil, 404, "no thread"},
		{"blank text", "POST", "/api/slack/say", `{"user":"U0ADA","channel":"C0GENERAL","text":" \n"}`, nil, 422, "no text"},
		{"Slack text too long", "POST", "/api/slack/say", `{"user":"U0ADA","channel":"C0GENERAL","text":"` + strings.Repeat("x", 12_001) + `"}`, nil, 422, "12001"},
		{"a command without name", "POST", "/api/slack/command", `{"user":"U0ADA","channel":"C0GENERAL"}`, nil, 422, "name"},
		{"a DM of nobody", "POST", "/api/slack/dm", `{"user":"U9"}`, nil, 404, "no person"},
		{"Discord text too long", "POST", "/api/discord/say", discord(`"text":"` + strings.Repeat("\U0001f600", 1001) + `"`), nil, 422, "2002"},
		{"a reply to nothing", "POST", "/api/discord/say", discord(`"text":"x","reply_to":"7"`), nil, 404, "reply to"},
		{"an unregistered command", "POST", "/api/discord/command", discord(`"name":"ask"`), nil, 422, "/ask"},
		{"an option too long", "POST", "/api/discord/command", discord(`"name":"ask","options":{"text":"` + strings.Repeat("x", 6001) + `"}`), nil, 422, "6001"},
		{"a thread of no message", "POST", "/api/discord/thread", discord(`"message":"7","name":"x"`), nil, 404, "no message"},
		{"a Discord DM of nobody", "POST", "/api/discord/dm", `{"user":"7"}`, nil, 404, "no person"},
		{"a feed from nowhere", "GET", "/api/feed", "", nil, 400, "place"},
		{"a feed from before the start", "GET", "/api/feed?from=x.-1.0", "", nil, 400, "place"},
		{"a feed from a word", "GET", "/api/feed?from=x.1.y", "", nil, 400, "place"},
	} {
		t.Run(c.name, func(t *testing.T) {
			status, answer, h := r.do(t, c.method, c.path, c.body, c.header...)
			if status != c.status || !strings.Contains(answer, c.words) {
				t.Errorf("answered %d %s, want %d with %q", status, answer, c.status, c.words)
			}
			if !strings.Contains(h.Get("Content-Security-Policy"), "script-src 'self'") {
				t.Error("an answer without content policy")
			}
		})
	}
	if n := len(r.slack.World().Messages(pageTestSlackChannel)) + len(r.discord.World().Messages(pageTestDiscordChannel)); n != 0 {
		t.Errorf("%d messages were posted by refused calls", n)
	}
}

func TestPageAnswersUnderItsOwnNames(t *testing.T) {
	r := newPageTestRig(t)
	r.page.o.Hosts = []string{"demo.example"}
	for _, host := range []string{"localhost:8080", "LOCALHOST", "127.0.0.1", "[::1]:8080", "127.9.9.9:1", "demo.example:80"} {
		if status, answer, _ := r.do(t, "GET", "/", "", "Host", host); status != 200 {
			t.Errorf("under %s: %d %s", host, status, answer)
		}
	}
	origin := r.url
	if status, answer, _ := r.do(t, "POST", "/api/slack/dm", `{"user":"U0ADA"}`, "Origin", origin, "Sec-Fetch-Site", "same-origin"); status != 200 {
		t.Errorf("from its own origin: %d %s", status, answer)
	}
}

func TestPageDoesWhatAPersonDoes(t *testing.T) {
	r := newPageTestRig(t)
	post := func(path, body string) (reply pageReply) {
		t.Helper()
		status, answer, _ := r.do(t, "POST", path, body)
		if err := json.Unmarshal([]byte(answer), &reply); err != nil || status != 200 {
			t.Fatalf("%s: %d %s", path, status, answer)
		}
		return reply
	}
	root := post("/api/slack/say", `{"user":"U0ADA","channel":"C0GENERAL","text":"1 < 2"}`).ID
	post("/api/slack/say", `{"user":"U0GRACE","channel":"C0GENERAL","thread":"`+root+`","text":"true"}`)
	dm := post("/api/slack/dm", `{"user":"U0ADA"}`).Channel
	post("/api/slack/say", `{"user":"U0ADA","channel":"`+dm+`","text":"psst"}`)
	post("/api/slack/command", `{"user":"U0ADA","channel":"C0GENERAL","name":"bobbin","text":"help"}`)
	list := r.slack.World().Messages(pageTestSlackChannel)
	if len(list) != 3 || list[0].Text != "1 &lt; 2" || list[1].Thread != root || list[2].OnlyFor != "U0ADA" {
		t.Errorf("Slack holds %+v", list)
	}
	if list := r.slack.World().Messages(dm); len(list) != 1 || list[0].Text != "psst" {
		t.Errorf("Slack's DM holds %+v", list)
	}

	at := `{"user":"` + pageTestAda + `","channel":"` + pageTestDiscordChannel + `",`
	first := post("/api/discord/say", at+`"text":"hello"}`).ID
	second := post("/api/discord/say", at+`"reply_to":"`+first+`","text":"again"}`).ID
	if m, _ := r.discord.World().Message(pageTestDiscordChannel, second); m.ReplyTo != first {
		t.Errorf("the reply is %+v", m)
	}
	thread := post("/api/discord/thread", at+`"message":"`+first+`","name":"About hello"}`).Channel
	if c, ok := r.discord.World().Channel(thread); !ok || c.Parent != pageTestDiscordChannel || c.Name != "About hello" {
		t.Errorf("the thread is %+v", c)
	}
	if dm := post("/api/discord/dm", `{"user":"`+pageTestAda+`"}`).Channel; dm == "" {
		t.Error("no DM was opened")
	}
}

// pageTestFeed reads events of a feed. After the last, it reads on until the end.
type pageTestFeed struct {
	*bufio.Scanner
	close func()
}

func (r *pageTestRig) feed(t *testing.T, from string) *pageTestFeed {
	t.Helper()
	ctx, stop := context.WithTimeout(t.Context(), 20*time.Second)
	q, err := http.NewRequestWithContext(ctx, http.MethodGet, r.url+"/api/feed?from="+from, nil)
	if err != nil {
		t.Fatal(err)
	}
	a, err := http.DefaultClient.Do(q) //nolint:bodyclose // close does it
	if err != nil {
		stop()
		t.Fatal(err)
	}
	f := &pageTestFeed{bufio.NewScanner(a.Body), func() { stop(); _ = a.Body.Close() }}
	t.Cleanup(f.close)
	return f
}

func (f *pageTestFeed) next() (event, id string, e pageEvent) {
	for f.Scan() {
		switch name, value, _ := strings.Cut(f.Text(), ": "); name {
		case "event":
			event = value
		case "id":
			id = value
		case "data":
			_ = json.Unmarshal([]byte(value), &e)
		case "":
			return event, id, e
		}
	}
	return "", "", e
}

func (r *pageTestRig) state(t *testing.T) (s pageState) {
	t.Helper()
	status, answer, _ := r.do(t, "GET", "/api/state", "")
	if err := json.Unmarshal([]byte(answer), &s); err != nil || status != 200 {
		t.Fatalf("state: %d %s", status, answer)
	}
	return s
}

func TestPageFeedGoesOnWhereItWas(t *testing.T) {
	r := newPageTestRig(t)
	s := r.state(t)
	if s.Model != "a test" || len(s.Slack.Users) != 4 || len(s.Discord.Channels) != 2 || s.Slack.Name == "" || s.Discord.Name == "" {
		t.Fatalf("the state is %+v", s)
	}
	f := r.feed(t, s.From)
	if event, _, _ := f.next(); event != "hello" {
		t.Fatalf("the feed began with %q", event)
	}
	r.slack.World().Put(Message{Channel: pageTestSlackChannel, ID: "1", User: "U0ADA", Text: "one"})
	event, id, e := f.next()
	if event != "change" || e.Service != "slack" || e.Kind != Posted || e.Message.Text != "one" {
		t.Fatalf("the feed told of %s %+v", event, e)
	}
	f.close()
	r.discord.World().Put(Message{Channel: pageTestDiscordChannel, ID: "2", User: pageTestAda, Text: "two"})
	f = r.feed(t, id)
	f.next()
	if event, _, e = f.next(); event != "change" || e.Service != "discord" || e.Message.Text != "two" {
		t.Fatalf("taken up again, the feed told of %s %+v", event, e)
	}
}

func TestPageFeedAsksToReadAllAgain(t *testing.T) {
	r := newPageTestRig(t)
	s := r.state(t)
	for name, from := range map[string]string{
		"of another run":  "OTHER.0.0",
		"from the future": fmt.Sprintf("%s.%d.0", r.page.run, 1<<30),
	} {
		if event, _, _ := r.feed(t, from).next(); event != "resync" {
			t.Errorf("a feed %s begins with %q", name, event)
		}
	}
	w := r.slack.World()
	for range keptChanges + keptChanges/10 + 10 {
		w.ShowTyping(pageTestSlackChannel, "", "at work")
	}
	f := r.feed(t, s.From)
	f.next()
	if event, _, _ := f.next(); event != "resync" {
		t.Errorf("a feed from what is forgotten tells of %q", event)
	}
}

func TestPageFeedEndsWithThePage(t *testing.T) {
	r := newPageTestRig(t)
	f := r.feed(t, r.state(t).From)
	if event, _, _ := f.next(); event != "hello" {
		t.Fatalf("the feed began with %q", event)
	}
	r.page.Close()
	if event, _, _ := f.next(); event != "" {
		t.Errorf("after Close came %q", event)
	}
	if err := f.Err(); err != nil {
		t.Errorf("the feed broke off: %v", err)
	}
}

func FuzzPageParseCursor(f *testing.F) {
	for _, s := range []string{"", "run.1.2", "run.-1.2", "a.b.c", "....", "run.99999999999999999999.1", "run.1.2.3"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		c, err := pageParseCursor(s)
		if err != nil {
			return
		}
		if c.slack < 0 || c.discord < 0 {
			t.Errorf("%q gave %+v", s, c)
		}
		if again, err := pageParseCursor(c.String()); err != nil || again != c {
			t.Errorf("%q reads as %+v, and that as %+v, %v", s, c, again, err)
		}
	})
}
