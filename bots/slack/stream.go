package slack

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"
	"sync"
	"time"

	"bobbin/agent"
	"bobbin/bots"

	slackgo "github.com/slack-go/slack"
	"golang.org/x/time/rate"
)

// Stream says how answers grow.
type Stream string

// The ways in which answers grow.
const (
	StreamEdits  Stream = "edits"  // messages are edited; the default
	StreamNative Stream = "native" // Slack's own streams, as far as its limits and abilities go
	StreamAuto   Stream = "auto"   // Slack's own streams while few answers begin, edits beyond that
)

// Streams returns all ways.
func Streams() []Stream { return []Stream{StreamEdits, StreamNative, StreamAuto} }

const (
	// streamLife is when a stream is left in favour of edits. Slack ends it, whatever is
	// appended, a little more than five minutes after its start.
	streamLife = 4 * time.Minute
	// streamMemory is how long a stream is remembered that nobody has ended.
	streamMemory = 15 * time.Minute

	startMethod  = "chat.startStream"
	appendMethod = "chat.appendStream"
	stopMethod   = "chat.stopStream"
)

var (
	// noStreamCodes say that this app or workspace will never have streams.
	noStreamCodes = set("unknown_method", "method_deprecated", "feature_not_enabled", "feature_disabled", "missing_scope",
		"not_allowed_token_type", "not_agent_app")
	// endedCodes say that a stream takes nothing more.
	endedCodes = set("message_not_in_streaming_state", "stopped_by_user")
)

const conflictCode = "streaming_state_conflict" // a stream cannot be edited until it has ended

// stream is a message that Slack lets grow.
type stream struct {
	channel, ts string
	to          agent.Target
	key         string
	began       time.Time

	mu    sync.Mutex // held while a call is made, so that they follow each other
	sent  string     // the Markdown that stands
	task  string     // the title of the task that stands
	doubt bool       // what stands is not known
	ended bool       // Slack takes nothing more
}

// streams are those that are open.
type streams struct {
	starts *rate.Limiter // half of Slack's limit on starts, or nearly all of it
	stops  *rate.Limiter // nearly all of the one on ends

	mu    sync.Mutex
	off   error // why there are none any more
	rests time.Time
	open  map[agent.MessageID]*stream
	lost  map[string]time.Time // starts whose answers were lost, by their keys
	// turns are whose messages were posted last; those of long ago are forgotten now and then.
	turns map[agent.Address]lastTurn
	swept time.Time
}

// lastTurn is whose message was posted at a place, and when.
type lastTurn struct {
	turn agent.TurnID
	at   time.Time
}

func newStreams(how Stream) *streams {
	const most, burst = time.Minute / 18, 5
	starts := rate.NewLimiter(rate.Every(most), burst)
	if how == StreamAuto {
		starts = rate.NewLimiter(rate.Every(time.Minute/10), 3)
	}
	return &streams{
		starts: starts, stops: rate.NewLimiter(rate.Every(most), burst), open: make(map[agent.MessageID]*stream),
		lost:  make(map[string]time.Time),
		turns: make(map[agent.Address]lastTurn),
	}
}

// Streams implements bots.Streamer: a stream of Slack's own needs a thread and somebody
// whom it answers.
func (s *Slack) Streams(to agent.Target) bool {
	if s.opts.Stream == StreamEdits || !isTS(to.Thread) || !isID(to.Recipient) || !isID(to.Workspace) {
		return false
	}
	s.streams.mu.Lock()
	defer s.streams.mu.Unlock()
	return s.streams.off == nil
}

// appends reports whether an answer at a place grows by appending now.
func (s *Slack) appends(to agent.Target) bool {
	s.streams.mu.Lock()
	defer s.streams.mu.Unlock()
	for _, st := range s.streams.open {
		if st.to.Address == to.Address {
			return true
		}
	}
	return false
}

// mayStart reports whether a stream may be started now. Only the first message of an
// answer is one: that of a lost start can be told from all others.
func (s *Slack) mayStart(to agent.Target, key string, m bots.Message) bool {
	if m.Final || key == "" || bots.PartNumber(key) > 1 || !s.Streams(to) {
		return false
	}
	s.streams.mu.Lock()
	rests := s.streams.rests
	s.streams.mu.Unlock()
	return time.Now().After(rests) && s.streams.starts.Allow()
}

// start starts a stream with what is certain of m. It reports false if m is to be posted
// instead.
func (s *Slack) start(ctx context.Context, to agent.Target, key string, m bots.Message) (id agent.MessageID, ok bool, err error) {
	if !s.mayStart(to, key, m) {
		return "", false, nil
	}
	st := &stream{to: to, key: key, began: time.Now()}
	sent, chunks := st.next(m)
	opts := []slackgo.MsgOption{
		slackgo.MsgOptionTS(to.Thread), slackgo.MsgOptionRecipientTeamID(to.Workspace), slackgo.MsgOptionRecipientUserID(to.Recipient),
		slackgo.MsgOptionDisableLinkUnfurl(), slackgo.MsgOptionDisableMediaUnfurl(),
	}
	if len(chunks) > 0 {
		opts = append(opts, slackgo.MsgOptionChunks(chunks...))
	}
	st.channel, st.ts, err = s.api.StartStreamContext(ctx, to.Channel, opts...)
	if err == nil && (!isID(st.channel) || !isTS(st.ts)) {
		err = fmt.Errorf("slack: %s: the answer names no message", startMethod)
	}
	err = fault(startMethod, err)
	switch {
	case err == nil:
		st.sent, st.task = sent, head(m)
		id = messageID(st.channel, st.ts)
		s.streams.opened(id, st)
		return id, true, nil
	case !certain(err) && (code(err) == "" || passingCodes[code(err)]):
		s.streams.lose(key, st.began)
		return "", true, err
	}
	s.noStream(err)
	return "", false, nil
}

// noStream notes why no stream was started.
func (s *Slack) noStream(err error) {
	s.streams.mu.Lock()
	defer s.streams.mu.Unlock()
	if limited, ok := errors.AsType[*bots.RetryAfterError](err); ok {
		s.streams.rests = time.Now().Add(limited.After)
		return
	}
	if noStreamCodes[code(err)] {
		s.streams.off = err
	}
	s.log.Info("slack: an answer is edited, not streamed", "error", err)
}

// next returns what of m can be sent, and the chunks that bring the stream there. All is
// sent in chunks, since Slack forbids to mix them with plain text.
func (st *stream) next(m bots.Message) (sent string, chunks []slackgo.StreamChunk) {
	line := head(m)
	switch {
	case line != "" && line != st.task:
		chunks = append(chunks, st.taskChunk(line, slackgo.TaskCardStatusInProgress))
	case line == "" && st.task != "":
		chunks = append(chunks, st.taskChunk(st.task, slackgo.TaskCardStatusComplete))
	}
	sent = m.Text
	if !m.Final {
		sent = certainText(m)
	}
	if len(sent) <= len(st.sent) {
		return st.sent, chunks
	}
	return sent, append(chunks, slackgo.NewMarkdownTextChunk(sent[len(st.sent):]))
}

// taskChunk shows what is being done. Its id is the key of the message, which can be
// found by it as long as it has no metadata.
func (st *stream) taskChunk(title string, status slackgo.TaskCardStatus) slackgo.TaskUpdateChunk {
	c := slackgo.NewTaskUpdateChunk(st.key, title)
	c.Status = status
	return c
}

// continues reports whether m goes on where the stream has got to.
func (st *stream) continues(m bots.Message) bool {
	return !st.doubt && !st.ended && time.Since(st.began) < streamLife && strings.HasPrefix(m.Text, st.sent)
}

func (ss *streams) opened(id agent.MessageID, st *stream) {
	ss.mu.Lock()
	defer ss.mu.Unlock()
	for old, o := range ss.open {
		if time.Since(o.began) > streamMemory {
			delete(ss.open, old)
		}
	}
	ss.open[id] = st
}

// of returns the stream that a message is, or nil.
func (ss *streams) of(id agent.MessageID) *stream {
	ss.mu.Lock()
	defer ss.mu.Unlock()
	return ss.open[id]
}

// all returns the streams that are open.
func (ss *streams) all() map[agent.MessageID]*stream {
	ss.mu.Lock()
	defer ss.mu.Unlock()
	return maps.Clone(ss.open)
}

// closed forgets a stream.
func (ss *streams) closed(id agent.MessageID) {
	ss.mu.Lock()
	defer ss.mu.Unlock()
	delete(ss.open, id)
}

// lose notes that the answer to a start was lost.
func (ss *streams) lose(key string, at time.Time) {
	ss.mu.Lock()
	defer ss.mu.Unlock()
	for key, at := range ss.lost {
		if time.Since(at) > streamMemory {
			delete(ss.lost, key)
		}
	}
	ss.lost[key] = at
}

// posted notes whose messages stand at a place: Slack's own Stop names only the place.
func (ss *streams) posted(to agent.Target, key string) {
	turn := turnOf(key)
	if turn == "" || to.Thread == "" {
		return
	}
	ss.mu.Lock()
	defer ss.mu.Unlock()
	now := time.Now()
	if now.Sub(ss.swept) > streamMemory/4 {
		ss.swept = now
		maps.DeleteFunc(ss.turns, func(_ agent.Address, last lastTurn) bool { return now.Sub(last.at) > streamMemory })
	}
	ss.turns[to.Address] = lastTurn{turn: turn, at: now}
}

// turnAt is the turn whose message was posted last at a place, if one was not long ago.
func (ss *streams) turnAt(at agent.Address) agent.TurnID {
	ss.mu.Lock()
	defer ss.mu.Unlock()
	last := ss.turns[at]
	if time.Since(last.at) > streamMemory {
		return ""
	}
	return last.turn
}
