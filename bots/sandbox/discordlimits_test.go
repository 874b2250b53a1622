package sandbox

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/bwmarrin/discordgo"
)

func TestDiscordLimitsSendsAndEditsOfAChannel(t *testing.T) {
	discordBubble(t, DiscordOptions{}, func(t *testing.T, d *Discord, b *discordBot) {
		c, other := d.World().Channels()[0].ID, d.World().Channels()[1].ID
		send := func(channel string) (int, http.Header, string) {
			return b.call(t, "POST", "/channels/"+channel+"/messages", `{"content":"x"}`)
		}
		var id string
		for i := range 5 {
			status, h, body := send(c)
			if status != 200 || h.Get("X-RateLimit-Remaining") != strconv.Itoa(4-i) || h.Get("X-RateLimit-Limit") != "5" ||
				h.Get("X-RateLimit-Bucket") == "" || h.Get("X-RateLimit-Reset") == "" {
				t.Fatalf("send %d: %d %v", i, status, h)
			}
			var m discordgo.Message
			if err := json.Unmarshal([]byte(body), &m); err != nil {
				t.Fatal(err)
			}
			id = m.ID
		}
		time.Sleep(2 * time.Second)
		status, h, body := send(c)
		var said struct {
			RetryAfter float64 `json:"retry_after"`
			Global     bool    `json:"global"`
		}
		if err := json.Unmarshal([]byte(body), &said); err != nil {
			t.Fatal(err)
		}
		if status != 429 || said.Global || said.RetryAfter < 3 || said.RetryAfter > 3.01 || h.Get("Retry-After") != "4" {
			t.Errorf("sixth send: %d %v %s", status, h, body)
		}
		if status, _, _ := send(other); status != 200 {
			t.Errorf("a send in another channel: %d", status)
		}
		edit := "/channels/" + c + "/messages/" + id
		for i := range 6 {
			status, _, _ := b.call(t, "PATCH", edit, `{"content":"y"}`)
			if want := map[bool]int{true: 200, false: 429}[i < 5]; status != want {
				t.Errorf("edit %d: %d, want %d", i, status, want)
			}
		}
		time.Sleep(time.Duration(said.RetryAfter * float64(time.Second)))
		if status, _, _ := send(c); status != 200 {
			t.Errorf("a send after the wait it was told: %d", status)
		}
		const route = "POST /channels/{channel}/messages"
		if d.Calls(route) != 8 || d.Limited(route) != 1 || d.Limited("PATCH /channels/{channel}/messages/{message}") != 1 {
			t.Errorf("Calls = %d, Limited = %d", d.Calls(route), d.Limited(route))
		}
	})
}

func TestDiscordLimitsAllCallsTogether(t *testing.T) {
	discordBubble(t, DiscordOptions{}, func(t *testing.T, d *Discord, b *discordBot) {
		refused := 0
		for range 60 {
			status, h, body := b.call(t, "GET", "/users/@me", "")
			if status == 429 {
				refused++
				if h.Get("X-RateLimit-Global") != "true" || !strings.Contains(body, `"global":true`) {
					t.Errorf("%v %s", h, body)
				}
			}
		}
		if refused != 10 {
			t.Errorf("%d of 60 calls were refused, want 10", refused)
		}
		if status, _, _ := b.call(t, "POST", "/interactions/1/t/callback", "{}"); status != 404 {
			t.Errorf("interactions are limited too: %d", status)
		}
		time.Sleep(time.Second)
		if status, _, _ := b.call(t, "GET", "/users/@me", ""); status != 200 {
			t.Errorf("after a second: %d", status)
		}
	})
}

func TestDiscordLimitsAreUnderstoodByTheRealClient(t *testing.T) {
	discordBubble(t, DiscordOptions{}, func(t *testing.T, d *Discord, b *discordBot) {
		c := d.World().Channels()[0].ID
		began := time.Now()
		for i := range 12 {
			if _, err := b.ChannelMessageSend(c, strconv.Itoa(i)); err != nil {
				t.Fatal(err)
			}
		}
		if n := d.Limited("POST /channels/{channel}/messages"); n != 0 {
			t.Errorf("the client heeds the headers, and was refused %d times", n)
		}
		if took := time.Since(began); took < 10*time.Second {
			t.Errorf("12 sends took %v, want two windows", took)
		}
		d.SetLimits(DiscordLimits{Off: true})
		if _, h, _ := b.call(t, "POST", "/channels/"+c+"/messages", `{"content":"x"}`); h.Get("X-RateLimit-Limit") != "" {
			t.Errorf("without limits: %v", h)
		}
	})
}

func TestDiscordFaultStrikes(t *testing.T) {
	const route = "POST /channels/{channel}/messages"
	for name, test := range map[string]struct {
		fault  DiscordFault
		failed bool
		posted int // of two sends
	}{
		"lost response":              {DiscordFault{Route: route, Drop: true, Execute: true}, true, 2},
		"dropped before":             {DiscordFault{Route: route, Drop: true}, true, 1},
		"error after execution":      {DiscordFault{Route: route, Status: 503, Body: "oops", Execute: true}, true, 2},
		"error before":               {DiscordFault{Route: route, Status: 500, Body: "{}"}, true, 1},
		"other route":                {DiscordFault{Route: "GET /gateway", Status: 500}, false, 2},
		"other request":              {DiscordFault{Match: func(*http.Request) bool { return false }, Status: 500}, false, 2},
		"the client repeats on 502":  {DiscordFault{Route: route, Status: 502, Execute: true}, false, 3},
		"slow":                       {DiscordFault{Delay: time.Minute}, false, 2},
		"every call, done, unheard":  {DiscordFault{Status: 500, Execute: true, Times: -1}, true, 2},
		"a later one than those two": {DiscordFault{Status: 500, Skip: 2}, false, 2},
	} {
		t.Run(name, func(t *testing.T) {
			discordBubble(t, DiscordOptions{}, func(t *testing.T, d *Discord, b *discordBot) {
				c := d.World().Channels()[0].ID
				remove := d.Inject(test.fault)
				began := time.Now()
				_, err := b.ChannelMessageSend(c, "first")
				if (err != nil) != test.failed {
					t.Errorf("the struck send gives %v", err)
				}
				if took := time.Since(began); took != test.fault.Delay {
					t.Errorf("it took %v", took)
				}
				remove()
				if _, err := b.ChannelMessageSend(c, "second"); err != nil {
					t.Errorf("the send after it gives %v", err)
				}
				if n := len(d.World().Messages(c)); n != test.posted {
					t.Errorf("people see %d messages, want %d", n, test.posted)
				}
			})
		})
	}
}

func TestDiscordRefusesCallsOnceClosed(t *testing.T) {
	d := NewDiscord(DiscordOptions{})
	d.Close()
	d.Close()
	w := httptest.NewRecorder()
	d.Handler().ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/api/v9/gateway", nil))
	if w.Code != http.StatusServiceUnavailable {
		t.Errorf("a call after Close: %d", w.Code)
	}
	if err := d.Command("ada", "general", "ask", nil); err == nil {
		t.Error("a command after Close works")
	}
}

func FuzzDiscordREST(f *testing.F) {
	f.Add("POST", "/channels/CHANNEL/messages", "application/json", `{"content":"a","nonce":1,"enforce_nonce":true}`)
	f.Add("POST", "/channels/CHANNEL/messages", "application/json", `{"embeds":[{}],"components":null,"message_reference":{"message_id":"MESSAGE"}}`)
	f.Add("POST", "/channels/CHANNEL/messages", "multipart/form-data; boundary=b", "--b\r\n\r\nx\r\n--b--")
	f.Add("PATCH", "/channels/CHANNEL/messages/MESSAGE", "application/json", `{"content":"b","allowed_mentions":[]}`)
	f.Add("POST", "/channels/CHANNEL/messages/MESSAGE/threads", "application/json", `{"name":"t","auto_archive_duration":60}`)
	f.Add("GET", "/channels/CHANNEL/messages?before=0&after=-1&limit=1", "", "")
	f.Add("PUT", "/applications/200000000000000001/commands", "application/json", `[null,{"name":"a","description":"b","options":[{}]}]`)
	f.Add("POST", "/interactions/1/2/callback", "application/json", `{"type":4,"data":[]}`)
	f.Fuzz(func(t *testing.T, method, path, kind, body string) {
		d := NewDiscord(DiscordOptions{})
		channel := d.World().Channels()[0].ID
		reply := d.answerAs(t, http.MethodPost, "/channels/"+channel+"/messages", "application/json", `{"content":"x"}`)
		var m discordgo.Message
		if err := json.Unmarshal(reply.Body.Bytes(), &m); err != nil {
			t.Fatal(err)
		}
		names := strings.NewReplacer("CHANNEL", channel, "MESSAGE", m.ID)
		w := d.answerAs(t, method, names.Replace(path), kind, names.Replace(body))
		if w.Code >= 500 || w.Code == http.StatusOK && !json.Valid(w.Body.Bytes()) {
			t.Errorf("%s %s gives %d %s", method, path, w.Code, w.Body)
		}
	})
}

// answerAs is the answer to a call of the bot.
func (d *Discord) answerAs(t *testing.T, method, path, kind, body string) *httptest.ResponseRecorder {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, "http://discord.test/", strings.NewReader(body))
	if err != nil {
		t.Skip("no request")
	}
	r.URL.Path, r.URL.RawQuery, _ = strings.Cut("/api/v9"+path, "?")
	r.Header.Set("Authorization", "Bot "+d.Token())
	r.Header.Set("Content-Type", kind)
	w := httptest.NewRecorder()
	d.Handler().ServeHTTP(w, r)
	return w
}
