package discord

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/gorilla/websocket"

	"bobbin/agent"
)

func bare(t testing.TB) *Discord {
	t.Helper()
	d, err := New(Options{BotToken: "Bot secret"})
	if err != nil {
		t.Fatal(err)
	}
	d.me.Store(&identity{user: "7", app: "8"})
	d.roles.put("5", "42")
	name := "looms"
	d.remember(channel{ID: "66", Name: &name})
	return d
}

func TestTextMakesSenseOutsideDiscord(t *testing.T) {
	d := bare(t)
	for in, want := range map[string]string{
		"<@7> hi":                          "hi",
		"<@!7>   hi ":                      "hi",
		"hi <@7>":                          "hi",
		"well, <@7> what?":                 "well, what?",
		"well, <@7>, what?":                "well, , what?",
		"<@7><@7>":                         "",
		"<@&42> hi <@&43>":                 "hi <@&43>",
		"ask <@9> or <@!10> or <@11>":      "ask @Nine or @Ten or <@11>",
		"in <#66> or <#67>":                "in #looms or <#67>",
		"<:yes:12> <a:no:13>":              ":yes: :no:",
		"</ask:14> now":                    "/ask now",
		"at <t:0> or <t:1700000000:R>":     "at 1970-01-01T00:00:00Z or 2023-11-14T22:13:20Z",
		"a < b > c <b> <https://x.y> <@>":  "a < b > c <b> <https://x.y> <@>",
		"<t:9999999999999>":                "<t:9999999999999>",
		"line\n<@7>\n  indented":           "line\n\n  indented",
		"```go\nif a<b {}\n```\n<@7> why?": "```go\nif a<b {}\n```\nwhy?",
	} {
		nine, ten := "Nine", "T\nen"
		m := &message{GuildID: "5", Content: in, Mentions: []*user{
			nil, {ID: "9", Username: "n", GlobalName: &nine}, {ID: "10", Username: "Ten", Member: &member{}}, {ID: "7", Username: ten},
		}}
		if in == "<t:9999999999999>" {
			want = time.Unix(9999999999999, 0).UTC().Format(time.RFC3339)
		}
		if got := d.text(m); got != want {
			t.Errorf("%q became %q, want %q", in, got, want)
		}
	}
}

func TestTitleIsTheFirstLineThatSaysSomething(t *testing.T) {
	for in, want := range map[string]string{
		"hello":                      "hello",
		"\n\n## **Big** question\nx": "Big** question",
		"  \t\n":                     "Conversation with ada",
		strings.Repeat("ß", 200):     strings.Repeat("ß", maxTitle-1) + "…",
	} {
		if got := title(in, "ada"); got != want {
			t.Errorf("title of %q is %q, want %q", in, got, want)
		}
	}
}

func TestMessageIDsGoRoundTrip(t *testing.T) {
	p := place{"220000000000000001", "300000000000000007"}
	if got, err := parsePlace(p.id()); err != nil || got != p {
		t.Errorf("%v became %v, %v", p, got, err)
	}
	for _, bad := range []agent.MessageID{"", "1", "/", "1/", "/1", "1/2/3", "1/..", "1/a b", agent.MessageID("1/" + strings.Repeat("9", 65))} {
		if p, err := parsePlace(bad); err == nil {
			t.Errorf("%q was read as %v", bad, p)
		}
	}
}

func TestSentIsReadFromTheID(t *testing.T) {
	// The example of Discord's documentation.
	if got, want := sent("175928847299117063"), time.Date(2016, 4, 30, 11, 18, 25, 796e6, time.UTC); !got.Equal(want) {
		t.Errorf("sent is %v, want %v", got, want)
	}
	if time.Since(sent("x")) > time.Minute {
		t.Error("an id that is no number is not from now")
	}
}

func TestShortKeepsRunesWhole(t *testing.T) {
	for in, want := range map[string]string{"": "", "abc": "abc", "abcd": "ab…", "äöüß": "äö…"} {
		if got := short(in, 3); got != want {
			t.Errorf("short(%q) is %q, want %q", in, got, want)
		}
	}
}

func TestOptionsAreChecked(t *testing.T) {
	for name, o := range map[string]Options{
		"no token":     {},
		"bad threads":  {BotToken: "secret", Threads: "sometimes"},
		"bad scheme":   {BotToken: "secret", APIURL: "ftp://x/"},
		"not absolute": {BotToken: "secret", APIURL: "discord.com"},
	} {
		if _, err := New(o); err == nil || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: error is %v", name, err)
		}
	}
}

func TestRecentForgetsTheOldest(t *testing.T) {
	r := newRecent[int](2)
	for i, k := range []string{"a", "b", "c"} {
		r.put(k, i)
	}
	if _, ok := r.get("a"); !ok {
		t.Error("forgot too early")
	}
	r.put("d", 3) // a was asked for, so b goes first
	r.put("e", 4)
	if _, ok := r.get("b"); ok {
		t.Error("b is still there")
	}
	if v, ok := r.get("d"); !ok || v != 3 {
		t.Error("d is gone")
	}
	r.drop("d")
	if _, ok := r.get("d"); ok {
		t.Error("d was not dropped")
	}
}

func TestResumeAddressIsUsedOnlyWithinTheService(t *testing.T) {
	for _, c := range []struct {
		resume, gateway string
		want            bool
	}{
		{"wss://gateway-us-east1-b.discord.gg", "wss://gateway.discord.gg", true},
		{"wss://gateway.discord.gg.evil.example", "wss://gateway.discord.gg", false},
		{"wss://gateway.discord.gg", "ws://127.0.0.1:1", false},
		{"ws://127.0.0.1:1/x", "ws://127.0.0.1:1", true},
		{"ws://gateway.discord.gg", "wss://gateway.discord.gg", false},
		{"", "wss://gateway.discord.gg", false},
		{"%zz", "wss://gateway.discord.gg", false},
	} {
		if got := sameService(c.resume, c.gateway); got != c.want {
			t.Errorf("%q for %q: %v", c.resume, c.gateway, got)
		}
	}
}

// What leaves inspect must be what discordgo can take: an object, a known opcode,
// a Hello with an interval, no dispatch that it would decode.
func FuzzInspect(f *testing.F) {
	for _, s := range []string{
		`null`, `[]`, `{}`, `7`, `"`, `{"op":0,"s":null,"t":"GUILD_CREATE","d":null}`, `{"op":0,"s":5,"t":"READY","d":{"session_id":"s","user":{"id":"1"}}}`,
		`{"op":0,"s":"x","t":7}`, `{"op":10,"d":{"heartbeat_interval":0}}`, `{"op":10,"d":{"heartbeat_interval":41250}}`, `{"op":10,"d":{"heartbeat_interval":-1}}`,
		`{"op":10,"d":{"heartbeat_interval":1e300}}`, `{"op":7,"d":null}`, `{"op":9,"d":true}`, `{"op":9,"d":"x"}`, `{"op":1}`, `{"op":11}`, `{"op":99}`,
		`{"op":0,"s":6,"t":"RESUMED","d":{}}`, `{"op":0,"s":6,"t":"VOICE_STATE_UPDATE"}`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var seq int64
		in := inspect(b, &seq)
		if in.event != nil && !json.Valid(in.event.data) {
			t.Fatalf("%q brings %q", b, in.event.data)
		}
		if in.forward == nil {
			return
		}
		var out *frame
		if err := json.Unmarshal(in.forward, &out); err != nil || out == nil {
			t.Fatalf("%q became %q", b, in.forward)
		}
		switch {
		case out.Op == opHello && in.heartbeat > 0, out.Op == 1, out.Op == 11:
		case out.Op == opDispatch && out.Seq != nil && (out.T == "READY" || out.T == "RESUMED"):
		default:
			t.Fatalf("%q became %q", b, in.forward)
		}
	})
}

func FuzzText(f *testing.F) {
	d := bare(f)
	for _, s := range []string{"<@7> hi", "<:a:1>", "<t:99999:R>", "</x:1>", "<#66>", "\xff<@7>", "<@7> <@7>"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got := d.text(&message{GuildID: "5", Content: s})
		if strings.Contains(got, "<@7>") && !strings.Contains(strings.ReplaceAll(s, "<@7>", ""), "<@") {
			t.Errorf("%q became %q", s, got)
		}
		if n := utf8.RuneCountInString(title(got, "ada")); n < 1 || n > maxTitle {
			t.Errorf("title has %d runes", n)
		}
	})
}

func TestCloseCodesDecideWhatIsDone(t *testing.T) {
	for code, want := range map[int]string{4000: "", 4001: "", 4003: "over", 4004: "fatal", 4007: "over", 4008: "", 4009: "over",
		4010: "fatal", 4011: "fatal", 4012: "fatal", 4013: "fatal", 4014: "fatal", 1000: "", 1006: ""} {
		err := fmt.Errorf("read: %w", error(&websocket.CloseError{Code: code}))
		got := ""
		switch {
		case fatal(err) != nil:
			got = "fatal"
		case lost(err):
			got = "over"
		}
		if got != want {
			t.Errorf("%d: %q, want %q", code, got, want)
		}
	}
}
