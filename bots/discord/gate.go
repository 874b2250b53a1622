package discord

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/gorilla/websocket"
)

const (
	// maxFrame bounds a message of the gateway. A large guild is some megabytes.
	maxFrame = 32 << 20
	// greeting is how long the gateway may be silent before Hello and before READY.
	greeting = 20 * time.Second
	// writeWait bounds a write to either side.
	writeWait = 10 * time.Second
	// busyWait is how long discordgo may be kept from reading by a full queue.
	busyWait = 90 * time.Second
)

// Close codes for Discord: away ends the gateway session, pause keeps it resumable.
const (
	away  = websocket.CloseNormalClosure
	pause = 4000
)

// gate is one connection to the gateway: Discord on its far side, discordgo, through
// a pipe, on its near side. It passes on what discordgo can take, and ends for what
// discordgo cannot: see the package comment.
type gate struct {
	far  *websocket.Conn
	near net.Conn // our end of the pipe
	lib  net.Conn // discordgo's end of the pipe

	passing   *passing       // events that discordgo is told of
	onFrame   func()         // each message from Discord
	onBad     func()         // a malformed one
	onReady   func(identity) // READY
	onResumed func()         // RESUMED

	end  sync.Once
	done chan struct{} // closed at the end
	why  error         // set before done closes
	wg   sync.WaitGroup
}

func newGate(far *websocket.Conn) *gate {
	g := &gate{far: far, done: make(chan struct{})}
	g.near, g.lib = net.Pipe()
	return g
}

// run starts passing messages. close ends it, and so does either side.
func (g *gate) run() {
	g.wg.Go(func() {
		near, err := upgrade(g.near)
		if err != nil {
			g.close(pause, fmt.Errorf("gateway library: %w", err))
			return
		}
		g.wg.Go(func() { g.outward(near) })
		g.inward(near)
	})
}

// close ends the connection: Discord sees the close code, and discordgo an end of
// its stream. The first call decides.
func (g *gate) close(code int, why error) {
	g.end.Do(func() {
		g.why = why
		_ = g.far.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(code, ""), time.Now().Add(time.Second))
		_ = g.far.Close()
		_ = g.near.Close()
		_ = g.lib.Close()
		close(g.done)
	})
}

// inward passes Discord's messages to discordgo.
func (g *gate) inward(near *websocket.Conn) {
	g.far.SetReadLimit(maxFrame)
	var seq int64
	silence := greeting
	for {
		_ = g.far.SetReadDeadline(time.Now().Add(silence))
		kind, msg, err := g.far.ReadMessage()
		if err != nil {
			g.close(pause, err)
			return
		}
		g.onFrame()
		if kind != websocket.TextMessage {
			g.onBad() // we ask for no compression
			continue
		}
		in := inspect(msg, &seq)
		switch {
		case in.malformed:
			g.onBad()
		case in.end != nil:
			g.close(pause, in.end)
			return
		case in.heartbeat > 0:
			// Discord answers each heartbeat, so two without a word are a dead line.
			silence = max(greeting, 2*in.heartbeat+5*time.Second)
		case in.ready != nil:
			g.onReady(*in.ready)
		case in.resumed:
			g.onResumed()
		case in.event != nil:
			in.forward = fmt.Appendf(nil, `{"op":%d,"s":%d,"t":"%s%d","d":null}`, opDispatch, seq, passed, g.passing.put(*in.event))
		}
		if in.forward == nil {
			continue
		}
		_ = near.SetWriteDeadline(time.Now().Add(busyWait))
		if err := near.WriteMessage(websocket.TextMessage, in.forward); err != nil {
			g.close(pause, fmt.Errorf("gateway library: %w", err))
			return
		}
	}
}

// outward passes discordgo's messages to Discord. Its close frame is not passed on:
// which code Discord gets to see decides whether the session can be resumed.
func (g *gate) outward(near *websocket.Conn) {
	for {
		kind, msg, err := near.ReadMessage()
		if err != nil {
			g.close(pause, errors.New("the gateway library closed the connection"))
			return
		}
		_ = g.far.SetWriteDeadline(time.Now().Add(writeWait))
		if err := g.far.WriteMessage(kind, msg); err != nil {
			g.close(pause, err)
			return
		}
	}
}

// upgrade is the server's side of a WebSocket handshake on conn.
func upgrade(conn net.Conn) (*websocket.Conn, error) {
	_ = conn.SetDeadline(time.Now().Add(writeWait))
	br := bufio.NewReader(conn)
	req, err := http.ReadRequest(br)
	if err != nil {
		return nil, err
	}
	u := websocket.Upgrader{ReadBufferSize: 4096, WriteBufferSize: 4096}
	ws, err := u.Upgrade(&piped{conn: conn, br: br, header: make(http.Header)}, req, nil)
	if err != nil {
		return nil, err
	}
	// The library's close frame needs no echo, and nobody may be reading one.
	ws.SetCloseHandler(func(int, string) error { return nil })
	return ws, conn.SetDeadline(time.Time{})
}

// piped lets a connection be upgraded without a server around it.
type piped struct {
	conn   net.Conn
	br     *bufio.Reader
	header http.Header
}

func (p *piped) Header() http.Header       { return p.header }
func (*piped) Write(b []byte) (int, error) { return len(b), nil }
func (*piped) WriteHeader(int)             {}
func (p *piped) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	return p.conn, bufio.NewReadWriter(p.br, bufio.NewWriter(p.conn)), nil
}

// dialer connects to Discord's gateway.
func (d *Discord) dialer() *websocket.Dialer {
	w := &websocket.Dialer{HandshakeTimeout: greeting, Proxy: http.ProxyFromEnvironment}
	if d.opts.Dial != nil {
		w.Proxy, w.NetDialContext = nil, d.opts.Dial
	}
	return w
}

// gatewayURL asks where the gateway is.
func (d *Discord) gatewayURL(ctx context.Context) (string, error) {
	var out struct {
		URL string `json:"url"`
	}
	c := call{what: "find the gateway", method: http.MethodGet, path: []string{"gateway"}, route: "GET gateway", out: &out}
	if err := d.rest.do(ctx, c); err != nil {
		return "", err
	}
	if out.URL == "" {
		return "", errors.New("find the gateway: the answer has no url")
	}
	return out.URL, nil
}
