package discord

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"

	"github.com/bwmarrin/discordgo"
	"github.com/gorilla/websocket"
)

// session is a session of discordgo, which knows how to identify, resume and keep
// the heart beating. Only one goroutine drives it.
type session struct {
	in   *intake
	dg   *discordgo.Session
	pipe chan net.Conn // discordgo's end of the next gate
	gone chan struct{} // discordgo has let go of a connection
	turn chan struct{} // held while an event is being dispatched
	// passing are the events that discordgo is told of.
	passing passing

	// established says that there is something to resume; resume is where.
	// Both are set by a gate's goroutine and read when that has ended.
	established bool
	resume      string
}

func (d *Discord) newSession(in *intake) (*session, error) {
	dg, err := discordgo.New("Bot " + d.opts.BotToken)
	if err != nil {
		return nil, fmt.Errorf("discord: %w", err)
	}
	s := &session{in: in, dg: dg, pipe: make(chan net.Conn, 1), gone: make(chan struct{}, 1), turn: make(chan struct{}, 1)}
	dg.StateEnabled = false
	dg.SyncEvents = true // else each event has its own goroutine, and order is lost
	dg.ShouldReconnectOnError = false
	dg.ShouldReconnectVoiceOnSessionError = false
	dg.ShouldRetryOnRateLimit = false
	dg.MaxRestRetries = 0
	dg.Compress, dg.Identify.Compress = false, false
	dg.LogLevel = discordgo.LogError - 1 // its log is global, and holds what people wrote
	dg.Identify.Intents = discordgo.IntentsGuilds | discordgo.IntentsGuildMessages | discordgo.IntentsDirectMessages
	if d.opts.MessageContent {
		dg.Identify.Intents |= discordgo.IntentMessageContent
	}
	if d.catchesUp() {
		// Who writes in a DM shows where it is, before there is a message.
		dg.Identify.Intents |= discordgo.IntentDirectMessageTyping
	}
	if d.opts.Reaction != "" {
		dg.Identify.Intents |= discordgo.IntentsGuildMessageReactions | discordgo.IntentsDirectMessageReactions
	}
	dg.Client = &http.Client{Transport: gateAddress{}}
	dg.Dialer = &websocket.Dialer{
		HandshakeTimeout: writeWait,
		NetDialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			select {
			case c := <-s.pipe:
				return c, nil
			case <-ctx.Done():
				return nil, ctx.Err()
			}
		},
	}
	dg.AddHandler(func(_ *discordgo.Session, e *discordgo.Event) {
		if number, ok := strings.CutPrefix(e.Type, passed); ok {
			s.turn <- struct{}{}
			defer func() { <-s.turn }()
			if e, ok := s.passing.take(number); ok {
				in.dispatch(e.name, e.data)
			}
		}
	})
	dg.AddHandler(func(*discordgo.Session, *discordgo.Disconnect) {
		select {
		case s.gone <- struct{}{}:
		default:
		}
	})
	return s, nil
}

// open lets discordgo connect through g and returns the outcome. It is buffered: a
// discordgo that never comes back costs a goroutine and no more.
func (s *session) open(g *gate) <-chan error {
	select {
	case <-s.gone: // a late word about the last connection
	default:
	}
	select {
	case c := <-s.pipe: // never fetched
		_ = c.Close()
	default:
	}
	g.passing = &s.passing
	s.pipe <- g.lib
	g.run()
	opened := make(chan error, 1)
	go func() { opened <- s.dg.Open() }()
	return opened
}

// gateAddress answers the one REST request that discordgo makes, for the gateway's
// address. The name is never looked up: the Dialer leads to the gate.
type gateAddress struct{}

func (gateAddress) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body != nil {
		_ = r.Body.Close()
	}
	if r.Method != http.MethodGet || !strings.HasSuffix(r.URL.Path, "/gateway") {
		return nil, fmt.Errorf("%s %s is not for the gateway library", r.Method, r.URL.Path)
	}
	return &http.Response{
		Status: "200 OK", StatusCode: http.StatusOK, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header:  http.Header{"Content-Type": {"application/json"}},
		Body:    io.NopCloser(strings.NewReader(`{"url":"ws://gate.invalid/"}`)),
		Request: r,
	}, nil
}
