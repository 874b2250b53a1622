package sandbox

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"time"
)

// DiscordFault is what goes wrong with a REST call, for tests. With Delay alone a
// call is slow; with Drop the connection ends without an answer; with Status the
// answer is not Discord's.
type DiscordFault struct {
	Route  string                   // as in Calls; every route when empty
	Match  func(*http.Request) bool // narrows it further, unless nil; the body is read already
	Skip   int                      // so many matching calls pass before the first is struck
	Times  int                      // how many are struck; 0 is one, below 0 is all
	Delay  time.Duration
	Drop   bool
	Status int
	Header http.Header
	Body   string
	// Execute has the call done before the fault strikes: only the answer is lost.
	Execute bool
}

type discordArmedFault struct{ DiscordFault }

// Inject arms a fault and returns what disarms it. Of several that match the one
// that was armed first strikes.
func (d *Discord) Inject(f DiscordFault) (remove func()) {
	if f.Times == 0 {
		f.Times = 1
	}
	armed := &discordArmedFault{f}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.faults = append(d.faults, armed)
	return func() {
		d.mu.Lock()
		defer d.mu.Unlock()
		d.faults = slices.DeleteFunc(d.faults, func(o *discordArmedFault) bool { return o == armed })
	}
}

// strike finds the fault for a call, if there is one. The caller holds mu.
func (d *Discord) strike(route string, r *http.Request) *DiscordFault {
	for i, f := range d.faults {
		if f.Route != "" && f.Route != route || f.Match != nil && !f.Match(r) {
			continue
		}
		if f.Skip > 0 {
			f.Skip--
			continue
		}
		struck := f.DiscordFault
		if f.Times > 0 {
			if f.Times--; f.Times == 0 {
				d.faults = slices.Delete(d.faults, i, i+1)
			}
		}
		return &struck
	}
	return nil
}

// DiscordGatewayFault is how a gateway connection misbehaves.
type DiscordGatewayFault int

// The ways in which a gateway connection misbehaves.
const (
	// DiscordSilentAfterHello sends Hello and never anything more.
	DiscordSilentAfterHello DiscordGatewayFault = iota + 1
	// DiscordReconnectFirst answers the first identify or resume with op 7.
	DiscordReconnectFirst
	// DiscordInvalidFirst answers the first identify or resume with op 9.
	DiscordInvalidFirst
)

// SpoilNext has the next connections misbehave, one for each fault given. A zero
// among them is a connection that behaves.
func (d *Discord) SpoilNext(faults ...DiscordGatewayFault) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.nextConns = append(d.nextConns, faults...)
}

// DropGateway ends all gateway connections: with a close frame of that code, or for
// code 0 without one, as a broken network does.
func (d *Discord) DropGateway(code int) {
	d.eachConn(func(c *discordConn) { c.close(code) })
}

// SilenceGateway makes the connections that are open now say nothing, not even
// acknowledge heartbeats, or speak again. What they miss is only to be had by
// resuming the session. New connections are not concerned.
func (d *Discord) SilenceGateway(silent bool) {
	d.eachConn(func(c *discordConn) { c.silent = silent })
}

// DeafenGateway is SilenceGateway for events only: heartbeats are acknowledged.
func (d *Discord) DeafenGateway(deaf bool) {
	d.eachConn(func(c *discordConn) { c.deaf = deaf })
}

// ReconnectGateway asks all clients to reconnect (op 7); their sessions stay.
func (d *Discord) ReconnectGateway() {
	d.eachConn(func(c *discordConn) { c.sendOp(7, nil) })
}

// InvalidateGateway ends all sessions (op 9); their connections stay.
func (d *Discord) InvalidateGateway() {
	d.eachConn(func(c *discordConn) {
		c.session = nil
		c.sendOp(9, false)
	})
	d.mu.Lock()
	defer d.mu.Unlock()
	clear(d.sessions)
}

func (d *Discord) eachConn(do func(*discordConn)) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for c := range d.conns {
		do(c)
	}
}

// Connected says how many gateway connections have a session.
func (d *Discord) Connected() int {
	n := 0
	d.eachConn(func(c *discordConn) {
		if c.session != nil && !c.closing && !c.ended {
			n++
		}
	})
	return n
}

// Identifies says how often a client has identified itself. Discord takes a bot's
// token away after 1000 in a day.
func (d *Discord) Identifies() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.identifies
}

// Dispatch sends an event as it is to every session, whatever its intents: unknown,
// malformed or hostile ones too, as long as they are JSON.
func (d *Discord) Dispatch(event string, data json.RawMessage) error {
	if !json.Valid(data) {
		return fmt.Errorf("discord sandbox: the data of %s is no JSON", event)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, s := range d.sessions {
		s.dispatch(event, data)
	}
	return nil
}

// DispatchTwice has every event of a person delivered twice, or once again.
func (d *Discord) DispatchTwice(twice bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.twice = twice
}

// Redeliver tells the bot of a message again, as if it were new.
func (d *Discord) Redeliver(id string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	m := d.messages[id]
	if m == nil {
		return fmt.Errorf("discord sandbox: no message %q", id)
	}
	d.emitMessage("MESSAGE_CREATE", m)
	return nil
}
