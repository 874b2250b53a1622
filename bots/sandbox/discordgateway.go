package sandbox

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"slices"
	"time"

	"github.com/gorilla/websocket"
)

// Bounds of the gateway.
const (
	discordQueue      = 4096 // packets that wait for a client; one more ends the connection
	discordReadLimit  = 4096 // bytes of a packet from the client, as documented
	discordSends      = 120  // packets from a client in discordSendWindow, as documented
	discordSendWindow = time.Minute
	discordLinger     = 2 * time.Second
	discordWriteLimit = 30 * time.Second
)

// discordConn is one WebSocket. Its fields after wake are guarded by Discord.mu.
type discordConn struct {
	ws   *websocket.Conn
	url  string
	wake chan struct{} // there is something to write
	gone chan struct{} // closed when nothing more can be read

	queue   [][]byte
	closing bool
	code    int // of the close frame; 0 for none
	ended   bool
	silent  bool // sends nothing at all
	deaf    bool // sends no events
	fault   DiscordGatewayFault
	session *discordSession
	sends   int
	since   time.Time
}

func (c *discordConn) nudge() {
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

// send queues a packet. The caller holds mu.
func (c *discordConn) send(packet []byte) {
	if c.silent || c.closing || c.ended {
		return
	}
	if len(c.queue) >= discordQueue {
		c.close(0)
		return
	}
	c.queue = append(c.queue, packet)
	c.nudge()
}

func (c *discordConn) sendOp(op int, data any) {
	c.send(discordJSON(discordWire{"op": op, "d": data, "s": nil, "t": nil}))
}

// close ends the connection after what is queued: with a close frame, or for code 0
// without. The caller holds mu.
func (c *discordConn) close(code int) {
	if c.closing {
		return
	}
	c.closing = true
	c.code = code
	c.nudge()
}

func (d *Discord) serveGateway(w http.ResponseWriter, r *http.Request) {
	if !d.enter() {
		http.Error(w, "closed", http.StatusServiceUnavailable)
		return
	}
	defer d.wg.Done()
	ws, err := d.upgrader.Upgrade(w, r, nil)
	if err != nil {
		return // Upgrade has answered
	}
	ws.SetReadLimit(discordReadLimit)
	// A close frame is not answered: discordgo sleeps a second after it with its lock
	// held, and whatever its reader is given meanwhile waits for that lock.
	ws.SetCloseHandler(func(int, string) error { return nil })
	c := &discordConn{
		ws: ws, url: d.gatewayURL(r), wake: make(chan struct{}, 1), gone: make(chan struct{}), since: time.Now(),
	}
	d.mu.Lock()
	d.conns[c] = struct{}{}
	if len(d.nextConns) > 0 {
		c.fault = d.nextConns[0]
		d.nextConns = d.nextConns[1:]
	}
	c.sendOp(10, discordWire{"heartbeat_interval": d.o.Heartbeat.Milliseconds(), "_trace": []string{}})
	if c.fault == DiscordSilentAfterHello {
		c.silent = true
	}
	if d.closed {
		c.close(websocket.CloseGoingAway)
	}
	d.mu.Unlock()

	var writer = make(chan struct{})
	d.wg.Go(func() {
		defer close(writer)
		d.writeGateway(c)
	})
	err = d.readGateway(c)

	d.mu.Lock()
	c.ended = true
	d.detach(c, err)
	ended := d.closed
	d.mu.Unlock()
	close(c.gone)
	<-writer
	if _, ok := errors.AsType[*websocket.CloseError](err); ok && !ended {
		_ = ws.NetConn().SetReadDeadline(time.Now().Add(discordLinger))
		_, _ = io.Copy(io.Discard, ws.NetConn())
	}
	_ = ws.Close()
	d.mu.Lock()
	delete(d.conns, c)
	d.mu.Unlock()
}

// writeGateway is the only writer of c's socket.
func (d *Discord) writeGateway(c *discordConn) {
	for {
		d.mu.Lock()
		queue, closing, code := c.queue, c.closing, c.code
		c.queue = nil
		d.mu.Unlock()
		for _, packet := range queue {
			_ = c.ws.SetWriteDeadline(time.Now().Add(discordWriteLimit))
			if err := c.ws.WriteMessage(websocket.TextMessage, packet); err != nil {
				_ = c.ws.Close()
				return
			}
		}
		if closing {
			if code != 0 {
				text := websocket.FormatCloseMessage(code, discordCloseText[code])
				_ = c.ws.WriteControl(websocket.CloseMessage, text, time.Now().Add(time.Second))
				linger := time.NewTimer(discordLinger)
				select {
				case <-linger.C:
				case <-c.gone:
				case <-d.done:
				}
				linger.Stop()
			}
			_ = c.ws.Close()
			return
		}
		select {
		case <-c.wake:
		case <-c.gone:
			return
		}
	}
}

var discordCloseText = map[int]string{
	4000: "Unknown error.", 4001: "Unknown opcode.", 4002: "Error while decoding payload.", 4003: "Not authenticated.",
	4004: "Authentication failed.", 4005: "Already authenticated.", 4007: "Invalid seq.", 4008: "Rate limited.",
	4009: "Session timed out.", 4010: "Invalid shard.", 4013: "Invalid intent(s).", 4014: "Disallowed intent(s).",
}

func (d *Discord) readGateway(c *discordConn) error {
	for {
		d.mu.Lock()
		var deadline time.Time
		if !c.silent {
			deadline = time.Now().Add(2 * d.o.Heartbeat)
		}
		d.mu.Unlock()
		_ = c.ws.SetReadDeadline(deadline)
		_, packet, err := c.ws.ReadMessage()
		if err != nil {
			return err
		}
		d.mu.Lock()
		if !c.closing {
			if code := d.receive(c, packet); code != 0 {
				c.close(code)
			}
		}
		d.mu.Unlock()
	}
}

// receive acts on a packet from the client and returns the code to close with, or 0.
// The caller holds mu.
func (d *Discord) receive(c *discordConn, packet []byte) (code int) {
	if time.Since(c.since) >= discordSendWindow {
		c.since, c.sends = time.Now(), 0
	}
	if c.sends++; c.sends > discordSends {
		return 4008
	}
	var p struct {
		Op *int            `json:"op"`
		D  json.RawMessage `json:"d"`
	}
	if json.Unmarshal(packet, &p) != nil || p.Op == nil {
		return 4002
	}
	switch *p.Op {
	case 1:
		c.sendOp(11, nil)
		return 0
	case 2:
		return d.identify(c, p.D)
	case 6:
		return d.resume(c, p.D)
	case 3, 4, 8:
		if c.session == nil {
			return 4003
		}
		return 0
	}
	return 4001
}

// spoiled acts out a fault that strikes at the first identify or resume.
func (d *Discord) spoiled(c *discordConn) bool {
	fault := c.fault
	c.fault = 0
	switch fault {
	case DiscordReconnectFirst:
		c.sendOp(7, nil)
		return true
	case DiscordInvalidFirst:
		c.sendOp(9, false)
		return true
	default:
		return false
	}
}

func (d *Discord) identify(c *discordConn, data json.RawMessage) (code int) {
	var i struct {
		Token   string `json:"token"`
		Intents *int   `json:"intents"`
		Shard   []int  `json:"shard"`
	}
	if json.Unmarshal(data, &i) != nil {
		return 4002
	}
	if c.session != nil {
		return 4005
	}
	d.identifies++
	switch {
	case !d.tokenFits(i.Token):
		return 4004
	case i.Intents == nil || *i.Intents < 0 || *i.Intents >= 1<<26:
		return 4013
	case *i.Intents&d.o.ForbiddenIntents != 0:
		return 4014
	case i.Shard != nil && (len(i.Shard) != 2 || i.Shard[0] < 0 || i.Shard[0] >= i.Shard[1]):
		return 4010
	}
	if d.spoiled(c) {
		return 0
	}
	s := d.newSession(*i.Intents, i.Shard)
	guilds := []any{}
	if !d.away {
		guilds = append(guilds, discordWire{"id": d.o.GuildID, "unavailable": true})
	}
	s.conn, c.session = c, s
	s.dispatch("READY", discordWire{
		"v": 9, "user": d.wireUser(d.o.BotID), "session_id": s.id, "session_type": "normal",
		"resume_gateway_url": c.url, "shard": s.shard[:],
		"guilds":           guilds,
		"private_channels": []any{}, "relationships": []any{}, "presences": []any{}, "_trace": []string{},
		"application": discordWire{"id": d.o.ApplicationID, "flags": 1 << 19},
	})
	if !d.away && s.intents&discordIntentGuilds != 0 && s.serves(d.o.GuildID) {
		s.dispatch("GUILD_CREATE", d.wireGuild())
	}
	return 0
}

func (d *Discord) resume(c *discordConn, data json.RawMessage) (code int) {
	var r struct {
		Token     string `json:"token"`
		SessionID string `json:"session_id"`
		Seq       int64  `json:"seq"`
	}
	if json.Unmarshal(data, &r) != nil {
		return 4002
	}
	if c.session != nil {
		return 4005
	}
	if !d.tokenFits(r.Token) {
		return 4004
	}
	if d.spoiled(c) {
		return 0
	}
	s := d.sessions[r.SessionID]
	if s == nil || s.expired() {
		delete(d.sessions, r.SessionID)
		c.sendOp(9, false)
		return 0
	}
	if r.Seq > s.seq {
		delete(d.sessions, s.id)
		return 4007
	}
	missed, ok := s.after(r.Seq)
	if !ok {
		delete(d.sessions, s.id)
		c.sendOp(9, false)
		return 0
	}
	if old := s.conn; old != nil {
		old.session = nil
		old.close(4000)
	}
	s.conn, c.session = c, s
	for _, p := range missed {
		c.send(p)
	}
	s.dispatch("RESUMED", discordWire{"_trace": []string{}})
	return 0
}

// detach parts c from its session, which can be resumed unless the way the
// connection ended forbids it. The caller holds mu.
func (d *Discord) detach(c *discordConn, err error) {
	s := c.session
	if s == nil {
		return
	}
	c.session, s.conn, s.left = nil, nil, time.Now()
	closed, ok := errors.AsType[*websocket.CloseError](err)
	byClient := ok && (closed.Code == websocket.CloseNormalClosure || closed.Code == websocket.CloseGoingAway)
	final := []int{4004, 4007, 4009, 4010, 4011, 4012, 4013, 4014}
	if byClient && !c.closing || c.closing && slices.Contains(final, c.code) {
		delete(d.sessions, s.id)
	}
}

func (d *Discord) gatewayURL(r *http.Request) string {
	if d.o.GatewayURL != "" {
		return d.o.GatewayURL
	}
	if r.TLS != nil {
		return "wss://" + r.Host + "/gateway"
	}
	return "ws://" + r.Host + "/gateway"
}
