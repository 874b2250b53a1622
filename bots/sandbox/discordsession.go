package sandbox

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// The intents that decide which events a session is told.
const (
	discordIntentGuilds         = 1 << 0
	discordIntentMembers        = 1 << 1
	discordIntentGuildMessages  = 1 << 9
	discordIntentGuildReactions = 1 << 10
	discordIntentDMs            = 1 << 12
	discordIntentDMReactions    = 1 << 13
	discordIntentContent        = 1 << 15
)

// Bounds of what is kept for a resume.
const (
	discordReplay       = 1000            // events of a session
	discordSessions     = 32              // sessions
	discordResumeWindow = 5 * time.Minute // without a connection
)

// discordSession is what the gateway remembers between an identify and its resumes.
type discordSession struct {
	id      string
	intents int
	shard   [2]int
	seq     int64
	replay  [][]byte // the last packets; the newest has the number seq
	conn    *discordConn
	started time.Time
	left    time.Time // when it lost its connection
}

// newSession adds a session and forgets those that can no longer be resumed, so that
// at most discordSessions stay. The caller holds mu.
func (d *Discord) newSession(intents int, shard []int) *discordSession {
	for id, s := range d.sessions {
		if s.expired() {
			delete(d.sessions, id)
		}
	}
	for len(d.sessions) >= discordSessions {
		var oldest *discordSession
		for _, s := range d.sessions {
			if oldest == nil || s.started.Before(oldest.started) {
				oldest = s
			}
		}
		if oldest.conn != nil {
			oldest.conn.close(4009)
			oldest.conn.session = nil
		}
		delete(d.sessions, oldest.id)
	}
	s := &discordSession{id: strings.ToLower(rand.Text()), intents: intents, shard: [2]int{0, 1}, started: time.Now()}
	if shard != nil {
		s.shard = [2]int(shard)
	}
	d.sessions[s.id] = s
	return s
}

func (s *discordSession) expired() bool {
	return s.conn == nil && !s.left.IsZero() && time.Since(s.left) > discordResumeWindow
}

// serves says whether events of a guild, or with "" those of DMs, are for its shard.
func (s *discordSession) serves(guild string) bool {
	if guild == "" {
		return s.shard[0] == 0
	}
	id, err := strconv.ParseUint(guild, 10, 64)
	return err != nil || int((id>>22)%uint64(s.shard[1])) == s.shard[0] //nolint:gosec // both are small
}

// dispatch numbers an event, keeps it for a resume and sends it if there is a
// connection. The caller holds mu.
func (s *discordSession) dispatch(event string, data any) {
	s.seq++
	packet := discordJSON(discordWire{"op": 0, "s": s.seq, "t": event, "d": data})
	s.replay = append(s.replay, packet)
	if drop := len(s.replay) - discordReplay; drop > 0 {
		s.replay = append([][]byte(nil), s.replay[drop:]...)
	}
	if s.conn != nil && !s.conn.deaf {
		s.conn.send(packet)
	}
}

// after returns the packets that follow the one numbered seq, if they are all kept.
func (s *discordSession) after(seq int64) (packets [][]byte, ok bool) {
	missed := s.seq - seq
	if missed < 0 || missed > int64(len(s.replay)) {
		return nil, false
	}
	return s.replay[int64(len(s.replay))-missed:], true
}

// emit tells every session whose intents and shard ask for it. data is a JSON value,
// or a func that makes one for a session. The caller holds mu.
func (d *Discord) emit(event string, intent int, guild string, data any) {
	for _, s := range d.sessions {
		if intent != 0 && s.intents&intent == 0 || !s.serves(guild) {
			continue
		}
		v := data
		if f, ok := data.(func(*discordSession) any); ok {
			v = f(s)
		}
		s.dispatch(event, v)
		if d.twice {
			s.dispatch(event, v)
		}
	}
}

func (d *Discord) tokenFits(token string) bool {
	return strings.TrimPrefix(token, "Bot ") == d.o.Token
}

// discordJSON encodes what the stand-in itself made. Raw JSON that a test handed in
// was checked when it came.
func discordJSON(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic(fmt.Sprintf("discord sandbox: encoding %T: %v", v, err))
	}
	return b
}
