package discord

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"
)

// The gateway's opcodes that the gate looks at.
const (
	opDispatch       = 0
	opReconnect      = 7
	opInvalidSession = 9
	opHello          = 10
)

// passed begins the name of a dispatch on its way through discordgo; its number follows.
// The library decodes payloads that it knows in its own goroutines, where a null in the
// wrong place panics and takes the program down. Under another name it only counts their
// sequence number and tells of them, so it is spared what they say.
const passed = "bobbin:"

// frame is a message of the gateway.
type frame struct {
	Op  int             `json:"op"`
	Seq *int64          `json:"s,omitempty"`
	T   string          `json:"t,omitempty"`
	D   json.RawMessage `json:"d"`
}

// What a frame asks of the supervisor, as the cause of a gate's end.
var (
	errReconnect = errors.New("the gateway asked to reconnect")
	errResumable = errors.New("the gateway could not resume the session and asks to try again")
	errInvalid   = errors.New("the gateway has dropped the session")
)

// identity is what READY says.
type identity struct {
	user, app string
	session   string
	resume    string // the gateway's address for resuming, may be empty
	guilds    []string
}

// inspected is the outcome of inspect.
type inspected struct {
	forward   []byte        // for discordgo; nil for nothing
	event     *event        // that goes by discordgo's side
	heartbeat time.Duration // of Hello
	ready     *identity     // of READY
	resumed   bool
	end       error // the link has to end
	malformed bool
}

// inspect judges one message from the gateway and rewrites it to what discordgo can
// take. last is the newest sequence number.
func inspect(msg []byte, last *int64) inspected {
	var f *frame
	if json.Unmarshal(msg, &f) != nil || f == nil {
		return inspected{malformed: true}
	}
	switch f.Op {
	case opDispatch:
		return dispatched(f, last)
	case opReconnect:
		return inspected{end: errReconnect}
	case opInvalidSession:
		if string(f.D) == "true" {
			return inspected{end: errResumable}
		}
		return inspected{end: errInvalid}
	case opHello:
		var h struct {
			Interval int64 `json:"heartbeat_interval"`
		}
		if json.Unmarshal(f.D, &h) != nil || h.Interval <= 0 || h.Interval > time.Hour.Milliseconds() {
			return inspected{malformed: true}
		}
		return inspected{
			forward:   fmt.Appendf(nil, `{"op":10,"d":{"heartbeat_interval":%d}}`, h.Interval),
			heartbeat: time.Duration(h.Interval) * time.Millisecond,
		}
	case 1, 11:
		return inspected{forward: fmt.Appendf(nil, `{"op":%d}`, f.Op)}
	}
	return inspected{} // unknown opcodes are not for us
}

func dispatched(f *frame, last *int64) inspected {
	if f.Seq != nil {
		*last = *f.Seq
	}
	out := frame{Op: opDispatch, Seq: last, T: f.T}
	var in inspected
	switch f.T {
	case "READY":
		id, ok := readReady(f.D)
		if !ok {
			return inspected{malformed: true}
		}
		// Only what discordgo needs to resume: it walks the list of guilds.
		out.D, _ = json.Marshal(map[string]any{"v": 9, "session_id": id.session, "user": map[string]string{"id": id.user}})
		in.ready = &id
	case "RESUMED":
		out.D = json.RawMessage("{}")
		in.resumed = true
	default:
		if len(f.D) == 0 {
			f.D = json.RawMessage("null")
		}
		in.event = &event{name: f.T, data: f.D}
		return in
	}
	var err error
	if in.forward, err = json.Marshal(out); err != nil {
		return inspected{malformed: true}
	}
	return in
}

func readReady(d json.RawMessage) (identity, bool) {
	var r struct {
		SessionID string `json:"session_id"`
		ResumeURL string `json:"resume_gateway_url"`
		User      struct {
			ID string `json:"id"`
		} `json:"user"`
		Application struct {
			ID string `json:"id"`
		} `json:"application"`
		Guilds []struct {
			ID string `json:"id"`
		} `json:"guilds"`
	}
	if json.Unmarshal(d, &r) != nil || r.SessionID == "" || !validID(r.User.ID) {
		return identity{}, false
	}
	id := identity{user: r.User.ID, app: r.Application.ID, session: r.SessionID, resume: r.ResumeURL}
	if !validID(id.app) {
		id.app = id.user // the same for all but the oldest bots
	}
	for _, g := range r.Guilds {
		if validID(g.ID) {
			id.guilds = append(id.guilds, g.ID)
		}
	}
	return id, true
}

// sameService reports whether the address that READY gives for resuming belongs to
// the service that gateway does. The bot token is sent there.
func sameService(resume, gateway string) bool {
	r, err := url.Parse(resume)
	if err != nil || r.Host == "" {
		return false
	}
	g, err := url.Parse(gateway)
	if err != nil || r.Scheme != g.Scheme {
		return false
	}
	const discord = ".discord.gg"
	return r.Host == g.Host || strings.HasSuffix(r.Hostname(), discord) && strings.HasSuffix(g.Hostname(), discord)
}
