package sandbox

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// What Slack tells the person whose command did not reach the app.
var (
	ErrSlackDispatch = errors.New("dispatch_failed")   // the app is not there, or answered with an error
	ErrSlackTimeout  = errors.New("operation_timeout") // no ack in time
)

// A response_url may be used five times within half an hour.
const (
	slackResponseUses = 5
	slackResponseLife = 30 * time.Minute
)

// slackResponse is a response_url that was given out.
type slackResponse struct {
	channel, user string
	uses          int
	expires       time.Time
	original      string // ts of the message that it has put up
}

// slackAnswer is what an app sends as an ack's payload or to a response_url.
type slackAnswer struct {
	ResponseType    string          `json:"response_type"`
	Text            string          `json:"text"`
	Blocks          json.RawMessage `json:"blocks"`
	ThreadTS        string          `json:"thread_ts"`
	ReplaceOriginal slackBool       `json:"replace_original"`
	DeleteOriginal  slackBool       `json:"delete_original"`
}

// slackBool is a boolean that may also come as a text.
type slackBool bool

// UnmarshalJSON implements [json.Unmarshaler].
func (b *slackBool) UnmarshalJSON(raw []byte) error {
	v, err := strconv.ParseBool(strings.Trim(string(raw), `"`))
	*b = slackBool(v)
	return err
}

// Command lets a person type a slash command, such as "/bobbin", with text after it.
// It returns once the app has acked, and shows what the ack says. An error wraps
// ErrSlackDispatch or ErrSlackTimeout, and the person sees it too.
func (s *Slack) Command(user, channel, command, text string) error {
	u, ok := s.world.User(user)
	if !ok {
		return fmt.Errorf("%s: no user %q", command, user)
	}
	c, ok := s.world.Channel(channel)
	if !ok {
		return fmt.Errorf("%s: no channel %q", command, channel)
	}
	s.mu.Lock()
	responseURL, trigger, response := s.newResponse(c, u, "")
	name := c.Name
	if c.Direct {
		name = "directmessage"
	}
	fields := map[string]string{
		"token": "verification token", "team_id": s.o.TeamID, "team_domain": "sandbox",
		"channel_id": c.ID, "channel_name": name, "user_id": u.ID, "user_name": strings.ToLower(u.Name),
		"command": command, "text": text, "api_app_id": s.o.AppID, "is_enterprise_install": "false",
		"response_url": responseURL, "trigger_id": trigger,
	}
	url := s.o.CommandsURL
	s.mu.Unlock()

	var answer json.RawMessage
	var err error
	if url != "" {
		answer, err = s.askOverHTTP(url, fields)
	} else {
		answer, err = s.askOverSocket("slash_commands", c.ID, slackJSON(fields))
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if err != nil {
		s.whisper(c.ID, "", user, "USLACKBOT", slackContent{text: command + " failed with the error \"" + err.Error() + "\""})
		return fmt.Errorf("%s: %w", command, err)
	}
	if code := s.respond(response, answer); code != "" {
		return fmt.Errorf("%s: the ack's payload: %s", command, code)
	}
	return nil
}

// newResponse makes a response_url and a trigger_id. The original is the message that
// was acted on, if any. The caller holds mu.
func (s *Slack) newResponse(c Channel, u User, original string) (url, trigger string, r *slackResponse) {
	s.expireResponses()
	id := rand.Text()
	r = &slackResponse{channel: c.ID, user: u.ID, expires: time.Now().Add(slackResponseLife), original: original}
	s.responses[id] = r
	return s.base + "/response/" + id, s.newTrigger(u, nil), r
}

// askOverSocket sends what a person waits for, once, and waits for its ack.
func (s *Slack) askOverSocket(kind, channel string, payload json.RawMessage) (json.RawMessage, error) {
	d := (&slackDelivery{kind: kind, channel: channel, payload: payload}).again()
	s.mu.Lock()
	sent := s.sendEnvelope(d)
	s.mu.Unlock()
	if !sent {
		return nil, ErrSlackDispatch
	}
	defer func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		for _, id := range d.ids {
			delete(s.waiting, id)
		}
	}()
	t := time.NewTimer(s.o.AckTimeout)
	defer t.Stop()
	select {
	case answer := <-d.acked:
		return answer, nil
	case <-t.C:
		return nil, ErrSlackTimeout
	case <-s.ctx.Done():
		return nil, ErrSlackDispatch
	}
}

// askOverHTTP posts it; the ack is the answer's body, JSON or plain text.
func (s *Slack) askOverHTTP(url string, fields map[string]string) (json.RawMessage, error) {
	status, header, body, err := s.signed(s.ctx, url, "application/x-www-form-urlencoded", slackFormOf(fields), nil)
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return nil, ErrSlackTimeout
	case err != nil || status != http.StatusOK:
		return nil, ErrSlackDispatch
	}
	kind, _, _ := mime.ParseMediaType(header.Get("Content-Type"))
	if text := strings.TrimSpace(string(body)); kind != "application/json" && text != "" {
		return slackJSON(map[string]string{"text": text}), nil
	}
	return body, nil
}

// serveResponse takes what an app sends to a response_url.
func (s *Slack) serveResponse(w http.ResponseWriter, r *http.Request) {
	var raw json.RawMessage
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, slackMaxBody)).Decode(&raw); err != nil {
		slackWriteJSON(w, http.StatusBadRequest, slackFail("invalid_payload"))
		return
	}
	status, reply := s.useResponse(r.PathValue("id"), raw)
	slackWriteJSON(w, status, reply)
}

func (s *Slack) useResponse(id string, raw json.RawMessage) (int, slackReply) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.expireResponses()
	to := s.responses[id]
	switch {
	case to == nil:
		return http.StatusNotFound, slackFail("expired_url")
	case to.uses >= slackResponseUses:
		return http.StatusNotFound, slackFail("used_url")
	}
	to.uses++
	if code := s.respond(to, raw); code != "" {
		return http.StatusBadRequest, slackFail(code)
	}
	return http.StatusOK, slackOK()
}

// respond shows an answer to a command: to its author, or to all if it says so. An
// empty one shows nothing. The caller holds mu.
func (s *Slack) respond(to *slackResponse, raw json.RawMessage) string {
	if len(strings.TrimSpace(string(raw))) == 0 {
		return ""
	}
	var a slackAnswer
	if json.Unmarshal(raw, &a) != nil {
		return "invalid_payload"
	}
	if string(a.Blocks) == "null" || string(a.Blocks) == "[]" {
		a.Blocks = nil
	}
	if len(a.Blocks) > 0 {
		b := slackReadBlocks(string(a.Blocks), false)
		if b.code != "" {
			return b.code
		}
		a.Blocks = json.RawMessage(b.named())
	}
	old, standing := s.world.Message(to.channel, to.original)
	if a.DeleteOriginal {
		if c, _ := s.world.Channel(to.channel); standing && old.OnlyFor == "" {
			s.remove(c, old)
		} else if standing {
			s.world.Delete(to.channel, to.original)
		}
		return ""
	}
	content := slackContent{text: a.Text, blocks: string(a.Blocks)}
	switch {
	case a.Text == "" && len(a.Blocks) == 0:
		if a.ResponseType == "" {
			return "" // {} is an ack without words
		}
		return "no_text"
	case bool(a.ReplaceOriginal) && standing:
		before := s.show(old)
		old.Text, old.Blocks = content.text, content.blocks
		s.world.Put(old)
		if c, _ := s.world.Channel(to.channel); old.OnlyFor == "" {
			s.announceChange(c, old, before)
		}
	case a.ResponseType == "in_channel":
		c, _ := s.world.Channel(to.channel)
		to.original = s.post(c, Message{Thread: a.ThreadTS, Text: slackFirst(a.Text, slackMaxText), Blocks: content.blocks}).ID
	default:
		to.original = s.whisper(to.channel, a.ThreadTS, to.user, s.o.Bot.ID, content).ID
	}
	return ""
}

// expireResponses forgets the response URLs that are too old. The caller holds mu.
func (s *Slack) expireResponses() {
	now := time.Now()
	for id, r := range s.responses {
		if now.After(r.expires) {
			delete(s.responses, id)
		}
	}
}
