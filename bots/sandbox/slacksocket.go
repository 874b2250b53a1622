package sandbox

import (
	"crypto/rand"
	"encoding/json"
	"net/http"
	"slices"
	"time"

	"github.com/gorilla/websocket"
)

const (
	slackMaxSockets   = 10     // per app, as at Slack
	slackMaxAck       = 20_480 // bytes; Slack drops larger ones without a word
	slackSocketQueue  = 1024   // frames; a socket that falls further behind is closed
	slackTicketLife   = time.Minute
	slackWriteTimeout = 10 * time.Second
)

// slackSocket is one Socket Mode connection.
type slackSocket struct {
	conn *websocket.Conn
	out  chan []byte   // frames; nil closes the socket
	done chan struct{} // closed when reading has ended
	deaf bool
}

// openSocket is apps.connections.open: it gives out the URL of a socket.
func (s *Slack) openSocket(slackForm) slackReply {
	now := time.Now()
	for ticket, expiry := range s.tickets {
		if now.After(expiry) {
			delete(s.tickets, ticket)
		}
	}
	ticket := rand.Text()
	s.tickets[ticket] = now.Add(slackTicketLife)
	return slackOK("url", "ws"+s.base[len("http"):]+"/socket?ticket="+ticket+"&app_id="+s.o.AppID)
}

// serveSocket turns a request into a socket, which then lives on its own.
func (s *Slack) serveSocket(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	ticket := r.FormValue("ticket")
	expiry, ok := s.tickets[ticket]
	delete(s.tickets, ticket)
	closed := s.closed
	s.mu.Unlock()
	if !ok || time.Now().After(expiry) || closed {
		http.Error(w, "no such connection", http.StatusForbidden)
		return
	}
	// slack-go sends Slack's own origin, which is never that of the stand-in.
	up := websocket.Upgrader{CheckOrigin: func(*http.Request) bool { return true }}
	conn, err := up.Upgrade(w, r, nil)
	if err != nil {
		return // Upgrade has answered
	}
	conn.SetReadLimit(1 << 20)
	so := &slackSocket{conn: conn, out: make(chan []byte, slackSocketQueue), done: make(chan struct{})}
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.run(func() { s.read(so) }) {
		_ = conn.Close()
		return
	}
	s.run(func() { s.write(so) })
	if len(s.sockets) >= slackMaxSockets {
		so.out <- slackDisconnect("too_many_websockets")
		so.out <- nil
		return
	}
	s.sockets = append(s.sockets, so)
	so.out <- slackJSON(map[string]any{
		"type":            "hello",
		"num_connections": len(s.sockets),
		"connection_info": map[string]any{"app_id": s.o.AppID},
		"debug_info":      map[string]any{"host": "applink-sandbox", "build_number": 1, "approximate_connection_time": 18060},
	})
}

// read takes acks until the socket ends.
func (s *Slack) read(so *slackSocket) {
	defer func() {
		close(so.done)
		_ = so.conn.Close()
		s.mu.Lock()
		defer s.mu.Unlock()
		s.sockets = slices.DeleteFunc(s.sockets, func(o *slackSocket) bool { return o == so })
	}()
	alive := func(string) error {
		if s.o.PingInterval < 0 {
			return nil
		}
		return so.conn.SetReadDeadline(time.Now().Add(3 * s.o.PingInterval))
	}
	so.conn.SetPongHandler(alive)
	if alive("") != nil {
		return
	}
	for {
		_, frame, err := so.conn.ReadMessage()
		if err != nil {
			return
		}
		if len(frame) >= slackMaxAck {
			continue
		}
		var ack struct {
			EnvelopeID string          `json:"envelope_id"`
			Payload    json.RawMessage `json:"payload"`
		}
		if json.Unmarshal(frame, &ack) != nil {
			continue
		}
		s.ack(ack.EnvelopeID, ack.Payload)
	}
}

// write is the one writer of a socket.
func (s *Slack) write(so *slackSocket) {
	defer func() { _ = so.conn.Close() }()
	var ping <-chan time.Time
	if s.o.PingInterval > 0 {
		t := time.NewTicker(s.o.PingInterval)
		defer t.Stop()
		ping = t.C
	}
	pinged := false
	for {
		kind, frame := websocket.TextMessage, []byte(nil)
		select {
		case frame = <-so.out:
			switch {
			case frame == nil:
				kind, frame = websocket.CloseMessage, websocket.FormatCloseMessage(websocket.CloseNormalClosure, "")
			case s.o.Sending != nil:
				s.o.Sending(frame)
			}
		case <-ping:
			kind, frame = websocket.PingMessage, slackPing
		case <-so.done:
			return
		case <-s.ctx.Done():
			return
		}
		if !so.send(kind, frame) || kind == websocket.CloseMessage {
			return
		}
		// A client may count its time-out from the hello on.
		if !pinged && ping != nil && !so.send(websocket.PingMessage, slackPing) {
			return
		}
		pinged = true
	}
}

var slackPing = []byte("Ping from applink-sandbox")

// send writes one frame and reports whether the socket still works.
func (so *slackSocket) send(kind int, frame []byte) bool {
	return so.conn.SetWriteDeadline(time.Now().Add(slackWriteTimeout)) == nil && so.conn.WriteMessage(kind, frame) == nil
}

// sendEnvelope sends d on the next socket in turn and reports whether there was one.
// The caller holds mu.
func (s *Slack) sendEnvelope(d *slackDelivery) bool {
	if len(s.sockets) == 0 {
		return false
	}
	so := s.sockets[s.nextSocket%len(s.sockets)]
	s.nextSocket++
	id := rand.Text()
	d.ids = append(d.ids, id)
	s.waiting[id] = d
	s.sendFrame(so, d.frame(id))
	return true
}

// sendFrame queues a frame. The caller holds mu.
func (s *Slack) sendFrame(so *slackSocket, frame []byte) {
	if so.deaf {
		return
	}
	select {
	case so.out <- frame:
	default:
		_ = so.conn.NetConn().Close()
	}
}

// Sockets returns how many sockets are open.
func (s *Slack) Sockets() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.sockets)
}

// DropSockets breaks all sockets without a close frame.
func (s *Slack) DropSockets() {
	s.mu.Lock()
	sockets := slices.Clone(s.sockets)
	s.mu.Unlock()
	for _, so := range sockets {
		_ = so.conn.Close()
	}
}

// SilenceSockets makes the sockets that are open now deaf, or lets them hear again: a
// deaf one stays open and is pinged, but what is sent on it does not arrive. Sockets
// opened later hear.
func (s *Slack) SilenceSockets(silent bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, so := range s.sockets {
		so.deaf = silent
	}
}

// Disconnect tells all sockets that they are going to end, as Slack does every few
// hours: "warning" announces it about 10 s ahead, after any other reason
// (refresh_requested, link_disabled) the sockets are closed.
func (s *Slack) Disconnect(reason string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, so := range s.sockets {
		s.sendFrame(so, slackDisconnect(reason))
		if reason != "warning" {
			s.sendFrame(so, nil)
		}
	}
}

// Deliver sends a frame as it is on every socket, to try out what an app does with
// frames that Slack does not send yet.
func (s *Slack) Deliver(frame string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, so := range s.sockets {
		s.sendFrame(so, []byte(frame))
	}
}

func slackDisconnect(reason string) []byte {
	return slackJSON(map[string]any{
		"type": "disconnect", "reason": reason, "debug_info": map[string]any{"host": "applink-sandbox"},
	})
}
