package sandbox

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/bwmarrin/discordgo"
	"github.com/gorilla/websocket"
)

// discordRewrite sends every request to host, whatever it was meant for.
type discordRewrite struct {
	host string
	next http.RoundTripper
}

func (t discordRewrite) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.URL.Scheme, r.URL.Host, r.Host = "http", t.host, t.host
	return t.next.RoundTrip(r)
}

const discordAllIntents = discordgo.IntentsGuilds | discordgo.IntentsGuildMessages | discordgo.IntentsDirectMessages |
	discordgo.IntentsMessageContent

// discordBot is the real client, connected to a stand-in.
type discordBot struct {
	*discordgo.Session
	events chan any // messages, interactions and raw events as they come
}

// discordServe puts a stand-in on loopback, or on in-memory pipes where l is given.
func discordServe(t *testing.T, o DiscordOptions) (d *Discord, host string) {
	t.Helper()
	d = NewDiscord(o)
	srv := httptest.NewServer(d.Handler())
	t.Cleanup(func() {
		d.Close()
		srv.Close()
	})
	return d, srv.Listener.Addr().String()
}

func discordClient(t *testing.T, d *Discord, host string, next http.RoundTripper) *discordBot {
	t.Helper()
	s, err := discordgo.New("Bot " + d.Token())
	if err != nil {
		t.Fatal(err)
	}
	s.Client = &http.Client{Transport: discordRewrite{host, next}}
	s.Dialer = &websocket.Dialer{}
	s.SyncEvents = true
	s.StateEnabled = false
	s.ShouldReconnectOnError = false
	s.ShouldRetryOnRateLimit = false
	s.Identify.Intents = discordAllIntents
	b := &discordBot{Session: s, events: make(chan any, 1000)}
	s.AddHandler(func(_ *discordgo.Session, e *discordgo.Event) { b.events <- e })
	s.AddHandler(func(_ *discordgo.Session, e *discordgo.Disconnect) { b.events <- e })
	return b
}

func discordOpen(t *testing.T, o DiscordOptions) (*Discord, *discordBot) {
	t.Helper()
	d, host := discordServe(t, o)
	b := discordClient(t, d, host, http.DefaultTransport)
	if err := b.Open(); err != nil {
		t.Fatal(err)
	}
	return d, b
}

// next waits for the next event of type T that fits.
func discordNext[T any](t *testing.T, b *discordBot, fits func(T) bool) T {
	t.Helper()
	timeout := time.After(10 * time.Second)
	for {
		select {
		case e := <-b.events:
			raw, ok := e.(*discordgo.Event)
			if ok {
				e = raw.Struct
			}
			if v, ok := e.(T); ok && (fits == nil || fits(v)) {
				return v
			}
		case <-timeout:
			t.Fatalf("no %T came", *new(T))
		}
	}
}

func discordCode(err error) int {
	if e, ok := errors.AsType[*discordgo.RESTError](err); ok && e.Message != nil {
		return e.Message.Code
	}
	return -1
}

func TestDiscordGreetsTheRealClient(t *testing.T) {
	d, b := discordOpen(t, DiscordOptions{})
	ready := discordNext[*discordgo.Ready](t, b, nil)
	if ready.User.ID != d.BotID() || !ready.User.Bot || ready.SessionID == "" || ready.Application.ID != d.ApplicationID() {
		t.Errorf("READY = %+v", ready)
	}
	if len(ready.Guilds) != 1 || !ready.Guilds[0].Unavailable {
		t.Errorf("guilds of READY = %+v", ready.Guilds)
	}
	g := discordNext[*discordgo.GuildCreate](t, b, nil)
	if g.ID != d.GuildID() || len(g.Channels) != 2 || g.Channels[0].Name != "general" || len(g.Members) != 1 {
		t.Errorf("GUILD_CREATE = %+v", g.Guild)
	}
	if n := d.Connected(); n != 1 {
		t.Errorf("Connected = %d", n)
	}
	me, err := b.User("@me")
	if err != nil || me.ID != d.BotID() {
		t.Errorf("@me = %+v, %v", me, err)
	}
	app, err := b.Application("@me")
	if err != nil || app.ID != d.ApplicationID() {
		t.Errorf("application = %+v, %v", app, err)
	}
}

func TestDiscordMessageGoesRoundTrip(t *testing.T) {
	d, b := discordOpen(t, DiscordOptions{})
	id, err := d.Say("ada", "#general", "", "hello <@"+d.BotID()+">")
	if err != nil {
		t.Fatal(err)
	}
	m := discordNext[*discordgo.MessageCreate](t, b, nil)
	if m.ID != id || m.Author.Username != "ada" || m.Member == nil || m.GuildID != d.GuildID() || m.Timestamp.IsZero() {
		t.Fatalf("MESSAGE_CREATE = %+v", m.Message)
	}
	if len(m.Mentions) != 1 || m.Mentions[0].ID != d.BotID() {
		t.Errorf("mentions = %+v", m.Mentions)
	}
	sent, err := b.ChannelMessageSendComplex(m.ChannelID, &discordgo.MessageSend{
		Content: "hi @everyone <@" + m.Author.ID + ">", Reference: m.SoftReference(),
		AllowedMentions: &discordgo.MessageAllowedMentions{Parse: []discordgo.AllowedMentionType{}},
	})
	if err != nil {
		t.Fatal(err)
	}
	if sent.ReferencedMessage == nil || sent.ReferencedMessage.ID != id || sent.Type != discordgo.MessageTypeReply {
		t.Errorf("answer = %+v", sent)
	}
	if p := d.Pinged(sent.ID); len(p) != 0 {
		t.Errorf("it pinged %v in spite of allowed_mentions", p)
	}
	if a := string(d.AllowedMentions(sent.ID)); !strings.Contains(a, `"parse":[]`) {
		t.Errorf("AllowedMentions = %s", a)
	}
	if own := discordNext[*discordgo.MessageCreate](t, b, nil); own.ID != sent.ID || own.Content == "" {
		t.Errorf("own message came as %+v", own.Message)
	}
	text := "better"
	edit := &discordgo.MessageEdit{ID: sent.ID, Channel: sent.ChannelID, Content: &text}
	if _, err := b.ChannelMessageEditComplex(edit); err != nil {
		t.Fatal(err)
	}
	if u := discordNext[*discordgo.MessageUpdate](t, b, nil); u.Content != text || u.EditedTimestamp == nil {
		t.Errorf("MESSAGE_UPDATE = %+v", u.Message)
	}
	seen, ok := d.World().Message(sent.ChannelID, sent.ID)
	if !ok || seen.Text != text || seen.Edits != 1 || seen.ReplyTo != id || seen.User != d.BotID() {
		t.Errorf("people see %+v", seen)
	}
	if err := b.ChannelMessageDelete(sent.ChannelID, sent.ID); err != nil {
		t.Fatal(err)
	}
	if _, err := b.ChannelMessage(sent.ChannelID, sent.ID); discordCode(err) != 10008 {
		t.Errorf("a deleted message gives %v", err)
	}
	if _, ok := d.World().Message(sent.ChannelID, sent.ID); ok {
		t.Error("people still see the deleted message")
	}
}

// discordPipes is a listener on in-memory pipes: what a synctest bubble can wait for.
type discordPipes struct {
	conns chan net.Conn
	done  chan struct{}
}

func (l *discordPipes) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.done:
		return nil, net.ErrClosed
	}
}
func (l *discordPipes) Close() error   { close(l.done); return nil }
func (l *discordPipes) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 80} }
func (l *discordPipes) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	client, server := net.Pipe()
	select {
	case l.conns <- server:
		return client, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}
