package slack

import (
	"cmp"
	"context"
	"errors"
	"strings"
	"time"

	"bobbin/agent"
	"bobbin/bots"

	slackgo "github.com/slack-go/slack"
)

// grow brings a stream up to m. Where that is not possible, or not certain, the stream is
// ended and its message edited, which shows the whole text whatever stood before.
func (s *Slack) grow(ctx context.Context, id agent.MessageID, st *stream, m bots.Message) error {
	st.mu.Lock()
	defer st.mu.Unlock()
	if !st.continues(m) {
		return s.rescue(ctx, id, st, m)
	}
	doing, err := appendMethod, error(nil)
	if !m.Final || !s.streams.stops.Allow() {
		err = s.append(ctx, st, m)
		if err == nil && m.Final { // all the text stands, and the rest can wait
			if err := s.streams.stops.Wait(ctx); err != nil {
				return wrap(stopMethod, err)
			}
		}
	}
	if err == nil && m.Final {
		sent, chunks := st.next(m)
		doing, err = stopMethod, s.stopStream(ctx, st, chunks, ending(m))
		if err == nil {
			st.sent = sent
			s.streams.closed(id)
		}
	}
	if err == nil {
		return nil
	}
	if limited, ok := errors.AsType[*bots.RetryAfterError](fault(doing, err)); ok {
		limited.Unsent = doing == stopMethod // appending has limits of its own
		return limited
	}
	st.doubt = true
	st.ended = endedCodes[code(err)]
	s.log.Info("slack: a stream goes on as edits", "channel", st.channel, "error", explain(doing, err))
	if code(err) == "stopped_by_user" {
		s.stoppedBy(st, st.to.Recipient)
	}
	if ctx.Err() != nil {
		return fault(doing, err)
	}
	return s.rescue(ctx, id, st, m)
}

// append sends what is new in m, if anything. The caller holds st.mu.
func (s *Slack) append(ctx context.Context, st *stream, m bots.Message) error {
	sent, chunks := st.next(m)
	if len(chunks) == 0 {
		return nil
	}
	_, _, err := s.api.AppendStreamContext(ctx, st.channel, st.ts, slackgo.MsgOptionChunks(chunks...))
	if err == nil {
		st.sent, st.task = sent, head(m)
	}
	return err
}

// rescue ends a stream and edits its message. The caller holds st.mu.
func (s *Slack) rescue(ctx context.Context, id agent.MessageID, st *stream, m bots.Message) error {
	st.doubt = true
	if !st.ended {
		if err := s.streams.stops.Wait(ctx); err != nil {
			return wrap(stopMethod, err)
		}
		if err := s.stopStream(ctx, st, nil, nil); err != nil && !endedCodes[code(err)] {
			return stopFault(err)
		}
		st.ended = true
	}
	s.streams.closed(id)
	if s.meter != nil {
		s.meter(bots.Usage{Scope: updateScope(st.to), Spent: 1})
	}
	return s.edit(ctx, st.channel, st.ts, m, st.key) // a stream that ended by itself bears none
}

// stopStream ends a stream. From then on its message bears its key.
func (s *Slack) stopStream(ctx context.Context, st *stream, chunks []slackgo.StreamChunk, blocks []slackgo.Block) error {
	var opts []slackgo.MsgOption
	if len(chunks) > 0 {
		opts = append(opts, slackgo.MsgOptionChunks(chunks...))
	}
	if len(blocks) > 0 {
		opts = append(opts, slackgo.MsgOptionBlocks(blocks...))
	}
	if st.key != "" {
		opts = append(opts, slackgo.MsgOptionMetadata(keptAs(replyType, st.key)))
	}
	_, _, err := s.api.StopStreamContext(ctx, st.channel, st.ts, opts...)
	return err
}

// leaveStreams ends the streams that are open when Run ends, so that they do not look as
// if more was coming. What their answers have yet to say is edited in.
func (s *Slack) leaveStreams(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastWords)
	defer cancel()
	for id, st := range s.streams.all() {
		if !st.mu.TryLock() {
			continue // a call is being made, perhaps the last
		}
		if !st.ended {
			st.doubt = true
			err := s.stopStream(ctx, st, nil, nil)
			st.ended = err == nil || endedCodes[code(err)]
			if !st.ended {
				s.log.Info("slack: a stream was left open", "message", id, "error", explain(stopMethod, err))
			}
		}
		st.mu.Unlock()
	}
}

// halt ends whatever stream a message is that this run knows nothing of.
func (s *Slack) halt(ctx context.Context, channel, ts string) error {
	err := s.stopStream(ctx, &stream{channel: channel, ts: ts}, nil, nil)
	if endedCodes[code(err)] {
		return nil
	}
	return err
}

// stopFault is editFault for ending a stream, which has limits of its own. What Slack
// refuses there is no fault of the message: the stream ends in any case, after a while.
func stopFault(err error) error {
	fault := editFault(stopMethod, err)
	if limited, ok := errors.AsType[*bots.RetryAfterError](fault); ok {
		limited.Unsent = true
		return limited
	}
	if errors.Is(fault, bots.ErrRejected) {
		return explain(stopMethod, err)
	}
	return fault
}

// stoppedBy tells that a person has pressed Slack's own Stop button under a stream.
func (s *Slack) stoppedBy(st *stream, user string) {
	if in := s.intake.Load(); in != nil && isID(user) {
		ev := s.stopEvent(st.to.Address, st.ts, user, turnOf(st.key))
		g := gesture{in: in, event: ev, hook: hook{s: s, channel: st.channel, user: user, thread: st.to.Thread}}
		in.apart(ev.EventID, g.work)
		s.idle(st.to.Address)
	}
}

// stopEvent is a person's wish that an answer stop; ts tells one such wish from others.
// If the turn is not known, it is empty.
func (s *Slack) stopEvent(at agent.Address, ts, user string, turn agent.TurnID) bots.Event {
	h := hook{s: s, channel: at.Channel, user: user, thread: at.Thread}
	return bots.Event{
		EventID:   "stopped/" + at.Channel + "/" + ts,
		MessageID: agent.MessageID(at.Channel + "/stopped." + ts),
		Target:    agent.Target{Address: at, Recipient: user},
		Author:    agent.Author{ID: user, Name: cmp.Or(s.names.of(user), user)},
		Direct:    isDM(at.Channel),
		Addressed: true,
		Press:     &bots.Button{Action: bots.Stop, Turn: turn},
		Sent:      time.Now(),
		Respond:   h.respond,
	}
}

// turnOf is the turn of a message's key.
func turnOf(key string) agent.TurnID {
	turn, _, _ := strings.Cut(key, "-")
	return agent.TurnID(turn)
}
