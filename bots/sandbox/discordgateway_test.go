package sandbox

import (
	"encoding/json"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bwmarrin/discordgo"
	"github.com/gorilla/websocket"
)

func TestDiscordResumesWithWhatWasMissed(t *testing.T) {
	for name, code := range map[string]int{"broken network": 0, "unknown error": 4000} {
		t.Run(name, func(t *testing.T) {
			discordBubble(t, DiscordOptions{}, func(t *testing.T, d *Discord, b *discordBot) {
				b.open(t)
				discordNext[*discordgo.GuildCreate](t, b, nil)
				d.DropGateway(code)
				discordNext[*discordgo.Disconnect](t, b, nil)
				if n := d.Connected(); n != 0 {
					t.Errorf("Connected = %d after the drop", n)
				}
				var want []string
				for range 3 {
					id, err := d.Say("ada", "general", "", "while you were out")
					if err != nil {
						t.Fatal(err)
					}
					want = append(want, id)
				}
				b.open(t)
				for _, id := range want {
					if m := discordNext[*discordgo.MessageCreate](t, b, nil); m.ID != id {
						t.Errorf("replayed %s, want %s", m.ID, id)
					}
				}
				discordNext[*discordgo.Resumed](t, b, nil)
				if n := d.Identifies(); n != 1 {
					t.Errorf("Identifies = %d, want 1", n)
				}
			})
		})
	}
}

func TestDiscordSessionEndsForGood(t *testing.T) {
	for name, end := range map[string]func(d *Discord, b *discordBot){
		"by the client":      func(_ *Discord, b *discordBot) { _ = b.Close() },
		"by a time-out code": func(d *Discord, _ *discordBot) { d.DropGateway(4009) },
		"by its age": func(d *Discord, _ *discordBot) {
			d.DropGateway(0)
			time.Sleep(10 * time.Minute)
		},
		"by too many events": func(d *Discord, _ *discordBot) {
			d.DropGateway(0)
			synctest.Wait()
			for range discordReplay + 1 {
				_ = d.Dispatch("SPAM", json.RawMessage(`{}`))
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			discordBubble(t, DiscordOptions{}, func(t *testing.T, d *Discord, b *discordBot) {
				b.open(t)
				discordNext[*discordgo.Ready](t, b, nil)
				end(d, b)
				discordNext[*discordgo.Disconnect](t, b, nil)
				b.open(t)
				discordNext[*discordgo.Ready](t, b, nil)
				if n := d.Identifies(); n != 2 {
					t.Errorf("Identifies = %d, want 2", n)
				}
			})
		})
	}
}

func TestDiscordTurnsAwayAtTheGateway(t *testing.T) {
	for name, test := range map[string]struct {
		spoil func(b *discordBot)
		code  int
	}{
		"wrong token":       {func(b *discordBot) { b.Identify.Token = "Bot wrong" }, 4004},
		"forbidden intents": {func(*discordBot) {}, 4014},
		"unknown intents":   {func(b *discordBot) { b.Identify.Intents = 1 << 30 }, 4013},
		"impossible shard":  {func(b *discordBot) { b.Identify.Intents = 1; b.Identify.Shard = &[2]int{3, 2} }, 4010},
	} {
		t.Run(name, func(t *testing.T) {
			o := DiscordOptions{ForbiddenIntents: discordIntentContent}
			discordBubble(t, o, func(t *testing.T, _ *Discord, b *discordBot) {
				test.spoil(b)
				e, ok := errors.AsType[*websocket.CloseError](b.Open())
				if !ok || e.Code != test.code {
					t.Errorf("Open = %v, want close code %d", e, test.code)
				}
			})
		})
	}
}

func TestDiscordHeartbeatsKeepTheConnection(t *testing.T) {
	discordBubble(t, DiscordOptions{}, func(t *testing.T, d *Discord, b *discordBot) {
		b.open(t)
		time.Sleep(time.Hour)
		if n := d.Connected(); n != 1 {
			t.Errorf("Connected = %d after an hour", n)
		}
		d.SilenceGateway(true)
		discordNext[*discordgo.Ready](t, b, nil)
		time.Sleep(10 * time.Minute)
		discordNext[*discordgo.Disconnect](t, b, nil)
	})
}

func TestDiscordDropsAClientWithoutHeartbeats(t *testing.T) {
	discordBubble(t, DiscordOptions{}, func(t *testing.T, d *Discord, b *discordBot) {
		ws := discordDial(t, b)
		discordRead(t, ws)
		discordIdentify(t, d, ws)
		time.Sleep(2*41250*time.Millisecond + time.Second)
		synctest.Wait()
		if n := d.Connected(); n != 0 {
			t.Errorf("Connected = %d", n)
		}
	})
}

func TestDiscordDeafConnectionIsReplayedOnResume(t *testing.T) {
	discordBubble(t, DiscordOptions{}, func(t *testing.T, d *Discord, b *discordBot) {
		b.open(t)
		discordNext[*discordgo.GuildCreate](t, b, nil)
		d.DeafenGateway(true)
		id, err := d.Say("ada", "general", "", "anybody?")
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(20 * time.Minute) // heartbeats are acknowledged: the client sees nothing wrong
		if len(b.events) != 0 {
			t.Fatalf("%d events came through a deaf connection", len(b.events))
		}
		if err := b.CloseWithCode(4000); err != nil {
			t.Fatal(err)
		}
		b.open(t)
		if m := discordNext[*discordgo.MessageCreate](t, b, nil); m.ID != id {
			t.Errorf("replayed %s, want %s", m.ID, id)
		}
	})
}

func TestDiscordGatewayMisbehavesWhenAsked(t *testing.T) {
	for _, test := range []struct {
		fault DiscordGatewayFault
		want  int // op; 0 for silence
	}{{DiscordSilentAfterHello, 0}, {DiscordReconnectFirst, 7}, {DiscordInvalidFirst, 9}} {
		discordBubble(t, DiscordOptions{}, func(t *testing.T, d *Discord, b *discordBot) {
			d.SpoilNext(0, test.fault)
			discordRead(t, discordDial(t, b)) // behaves
			ws := discordDial(t, b)
			if p := discordRead(t, ws); p.Op != 10 {
				t.Fatalf("first packet has op %d", p.Op)
			}
			discordIdentify(t, d, ws)
			_ = ws.SetReadDeadline(time.Now().Add(time.Hour))
			var p discordPacket
			err := ws.ReadJSON(&p)
			if test.want == 0 && err == nil || test.want != 0 && (err != nil || p.Op != test.want) {
				t.Errorf("fault %d: got op %d and %v", test.fault, p.Op, err)
			}
		})
	}
}

func TestDiscordClosesOnBadPackets(t *testing.T) {
	for name, test := range map[string]struct {
		packets []string
		code    int
	}{
		"no JSON":            {[]string{`{`}, 4002},
		"no op":              {[]string{`{"d":1}`}, 4002},
		"unknown op":         {[]string{`{"op":99}`}, 4001},
		"presence too early": {[]string{`{"op":3}`}, 4003},
		"null identify":      {[]string{`{"op":2,"d":null}`}, 4004},
		"identify of text":   {[]string{`{"op":2,"d":"x"}`}, 4002},
		"resume of text":     {[]string{`{"op":6,"d":"x"}`}, 4002},
		"future sequence":    {[]string{`{"op":6,"d":{"token":"TOKEN","session_id":"SESSION","seq":99}}`}, 4007},
	} {
		t.Run(name, func(t *testing.T) {
			discordBubble(t, DiscordOptions{Token: "TOKEN"}, func(t *testing.T, d *Discord, b *discordBot) {
				d.mu.Lock()
				d.sessions["SESSION"] = &discordSession{id: "SESSION", shard: [2]int{0, 1}}
				d.mu.Unlock()
				ws := discordDial(t, b)
				discordRead(t, ws)
				for _, p := range test.packets {
					if err := ws.WriteMessage(websocket.TextMessage, []byte(p)); err != nil {
						t.Fatal(err)
					}
				}
				_, _, err := ws.ReadMessage()
				if !websocket.IsCloseError(err, test.code) {
					t.Errorf("got %v, want close code %d", err, test.code)
				}
			})
		})
	}
}

func TestDiscordFloodOfPacketsIsCutOff(t *testing.T) {
	discordBubble(t, DiscordOptions{}, func(t *testing.T, d *Discord, b *discordBot) {
		ws := discordDial(t, b)
		discordRead(t, ws)
		go func() { // its end is the write that fails
			for ws.WriteMessage(websocket.TextMessage, []byte(`{"op":1,"d":null}`)) == nil {
			}
		}()
		for {
			if _, _, err := ws.ReadMessage(); err != nil {
				if !websocket.IsCloseError(err, 4008) {
					t.Errorf("got %v, want close code 4008", err)
				}
				break
			}
		}
		_ = ws.Close()
	})
}

func TestDiscordMalformedEventsReachTheClientAsTheyAre(t *testing.T) {
	d, b := discordOpen(t, DiscordOptions{})
	discordNext[*discordgo.GuildCreate](t, b, nil)
	for _, e := range []struct{ event, data string }{
		{"MESSAGE_CREATE", `null`},
		{"MESSAGE_CREATE", `{"id":"1","channel_id":"2","content":"no author"}`},
		{"MESSAGE_CREATE", `{"id":"1","author":{"id":"3"},"components":[{"type":99}]}`},
		{"INTERACTION_CREATE", `null`},
		{"INTERACTION_CREATE", `{"id":"1","type":2,"data":{}}`},
		{"NEVER_HEARD_OF", `{"a":[1]}`},
		{"THREAD_CREATE", `{}`},
	} {
		if err := d.Dispatch(e.event, json.RawMessage(e.data)); err != nil {
			t.Fatal(err)
		}
		for {
			got, ok := (<-b.events).(*discordgo.Event)
			if ok && got.Type == e.event {
				if string(got.RawData) != e.data && !(e.data == "null" && got.RawData == nil) {
					t.Errorf("%s came as %s", e.event, got.RawData)
				}
				break
			}
		}
	}
	if err := d.Dispatch("X", json.RawMessage(`{`)); err == nil {
		t.Error("data that is no JSON was sent")
	}
	id, err := d.Say("ada", "general", "", "still there?")
	if err != nil {
		t.Fatal(err)
	}
	discordNext(t, b, func(m *discordgo.MessageCreate) bool { return m.Message != nil && m.ID == id })
}

func TestDiscordDeliversTwiceWhenAsked(t *testing.T) {
	d, b := discordOpen(t, DiscordOptions{})
	d.DispatchTwice(true)
	id, err := d.Say("ada", "general", "", "twice")
	if err != nil {
		t.Fatal(err)
	}
	d.DispatchTwice(false)
	if err := d.Redeliver(id); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if m := discordNext[*discordgo.MessageCreate](t, b, nil); m.ID != id {
			t.Errorf("got %s, want %s", m.ID, id)
		}
	}
	if n := len(d.World().Messages(d.World().Channels()[0].ID)); n != 1 {
		t.Errorf("people see %d messages", n)
	}
}

func TestDiscordInvalidSessionLeadsToANewOne(t *testing.T) {
	d, b := discordOpen(t, DiscordOptions{})
	first := discordNext[*discordgo.Ready](t, b, nil)
	d.InvalidateGateway()
	second := discordNext[*discordgo.Ready](t, b, nil)
	if first.SessionID == second.SessionID || d.Identifies() != 2 {
		t.Errorf("sessions %s and %s after %d identifies", first.SessionID, second.SessionID, d.Identifies())
	}
}

func TestDiscordServesSeveralSessionsByShard(t *testing.T) {
	discordBubble(t, DiscordOptions{}, func(t *testing.T, d *Discord, b *discordBot) {
		guild, other := b, discordClient(t, d, "discord.test", b.Client.Transport.(discordRewrite).next)
		other.Dialer.NetDialContext = b.Dialer.NetDialContext
		// The shard of a guild is (id >> 22) % count; DMs go to shard 0.
		guild.Identify.Shard, other.Identify.Shard = &[2]int{1, 2}, &[2]int{0, 2}
		if 200000000000000003>>22%2 == 0 {
			guild, other = other, guild
		}
		b.open(t)
		second := guild
		if second == b {
			second = other
		}
		second.settle = b.settle
		second.open(t)
		defer func() { _ = second.Close() }()
		id, err := d.Say("ada", "general", "", "x")
		if err != nil {
			t.Fatal(err)
		}
		if m := discordNext[*discordgo.MessageCreate](t, guild, nil); m.ID != id {
			t.Errorf("got %s", m.ID)
		}
		synctest.Wait()
		for len(other.events) > 0 {
			if e, ok := (<-other.events).(*discordgo.Event); ok && e.Type == "MESSAGE_CREATE" {
				t.Error("the message came to the wrong shard")
			}
		}
	})
}

type discordPacket struct {
	Op int             `json:"op"`
	D  json.RawMessage `json:"d"`
	S  int64           `json:"s"`
	T  string          `json:"t"`
}

func discordDial(t *testing.T, b *discordBot) *websocket.Conn {
	t.Helper()
	ws, resp, err := b.Dialer.DialContext(t.Context(), "ws://discord.test/gateway/?v=9&encoding=json", nil)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	t.Cleanup(func() { _ = ws.Close() })
	return ws
}

func discordRead(t *testing.T, ws *websocket.Conn) (p discordPacket) {
	t.Helper()
	if err := ws.ReadJSON(&p); err != nil {
		t.Fatal(err)
	}
	return p
}

func discordIdentify(t *testing.T, d *Discord, ws *websocket.Conn) {
	t.Helper()
	if err := ws.WriteJSON(discordWire{"op": 2, "d": discordWire{"token": d.Token(), "intents": 1}}); err != nil {
		t.Fatal(err)
	}
}
