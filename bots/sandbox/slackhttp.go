package sandbox

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// slackMaxAnswer bounds what is read of an app's answer.
const slackMaxAnswer = 1 << 20

// SetHTTP delivers to an app at base from now on, at /slack/events, /slack/commands
// and /slack/interactions; an empty base goes back to Socket Mode.
func (s *Slack) SetHTTP(base string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.o.EventsURL, s.o.CommandsURL, s.o.InteractionsURL = "", "", ""
	if base = strings.TrimSuffix(base, "/"); base != "" {
		s.o.EventsURL = base + "/slack/events"
		s.o.CommandsURL = base + "/slack/commands"
		s.o.InteractionsURL = base + "/slack/interactions"
	}
}

// VerifyURL sends the url_verification challenge to EventsURL, as Slack does when the
// URL is entered, and fails unless the app echoes it.
func (s *Slack) VerifyURL(ctx context.Context) error {
	challenge := rand.Text()
	status, _, body, err := s.signed(ctx, s.httpURL(), "application/json",
		slackJSON(map[string]string{"type": "url_verification", "token": "verification token", "challenge": challenge}), nil)
	if err != nil {
		return fmt.Errorf("verify the events URL: %w", err)
	}
	var answer struct {
		Challenge string `json:"challenge"`
	}
	if text := strings.TrimSpace(string(body)); json.Unmarshal(body, &answer) != nil {
		answer.Challenge = text
	}
	if status != http.StatusOK || answer.Challenge != challenge {
		return fmt.Errorf("verify the events URL: status %d without the challenge", status)
	}
	return nil
}

// postEvent makes one attempt over HTTP and reports whether the app took the event.
func (s *Slack) postEvent(url string, d *slackDelivery) bool {
	extra := http.Header{}
	if d.attempt > 0 {
		extra.Set("X-Slack-Retry-Num", strconv.Itoa(d.attempt))
		extra.Set("X-Slack-Retry-Reason", d.reason)
	}
	status, header, _, err := s.signed(s.ctx, url, "application/json", d.payload, extra)
	switch {
	case err != nil && errors.Is(err, context.DeadlineExceeded):
		d.reason = "http_timeout"
	case err != nil:
		d.reason = "connection_failed"
	case status < 200 || status > 299:
		d.reason = "http_error"
		d.once = d.once || header.Get("X-Slack-No-Retry") == "1"
	default:
		return true
	}
	return false
}

// signed posts body with Slack's v0 signature and reads the answer.
func (s *Slack) signed(ctx context.Context, to, kind string, body []byte, extra http.Header) (int, http.Header, []byte, error) {
	ctx, cancel := context.WithTimeout(ctx, s.o.AckTimeout)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, to, strings.NewReader(string(body)))
	if err != nil {
		return 0, nil, nil, err
	}
	if extra != nil {
		r.Header = extra
	}
	r.Header.Set("Content-Type", kind)
	r.Header.Set("User-Agent", "Slackbot 1.0 (+https://api.slack.com/robots)")
	now := strconv.FormatInt(time.Now().Unix(), 10)
	r.Header.Set("X-Slack-Request-Timestamp", now)
	r.Header.Set("X-Slack-Signature", SlackSignature(s.o.SigningSecret, now, body))
	resp, err := s.o.HTTPClient.Do(r)
	if err != nil {
		return 0, nil, nil, err
	}
	answer, err := io.ReadAll(io.LimitReader(resp.Body, slackMaxAnswer))
	if err := errors.Join(err, resp.Body.Close()); err != nil {
		return 0, nil, nil, err
	}
	return resp.StatusCode, resp.Header, answer, nil
}

// SlackSignature is the X-Slack-Signature of a request with that timestamp and body.
func SlackSignature(secret, timestamp string, body []byte) string {
	mac := hmac.New(sha256.New, []byte(secret))
	_, _ = fmt.Fprintf(mac, "v0:%s:%s", timestamp, body) // a hash takes everything
	return "v0=" + hex.EncodeToString(mac.Sum(nil))
}

// slackFormOf encodes the fields of a payload as a form.
func slackFormOf(fields map[string]string) []byte {
	form := url.Values{}
	for k, v := range fields {
		form.Set(k, v)
	}
	return []byte(form.Encode())
}
