package slack

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"time"

	slackgo "github.com/slack-go/slack"
)

const (
	// maxBody bounds a request; Slack's own stay far below.
	maxBody = 1 << 20
	// drain is how long requests at work may take when Run ends.
	drain = 5 * time.Second
)

// runHTTP serves the request URLs of HTTP mode.
func (s *Slack) runHTTP(ctx context.Context, in *intake) error {
	ctx, stop := context.WithCancel(ctx)
	defer in.wait()
	defer stop()
	in.start(ctx)
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", s.opts.Listen)
	if err != nil {
		if ctx.Err() != nil {
			return nil
		}
		return fmt.Errorf("slack: listening on %s (slack.listen): %w", s.opts.Listen, err)
	}
	addr := listener.Addr().String()
	s.addr.Store(&addr)
	defer s.addr.Store(nil)

	server := &http.Server{
		Handler:           s.handler(ctx, in),
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       15 * time.Second,
		WriteTimeout:      30 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    64 << 10,
		ErrorLog:          slog.NewLogLogger(s.log.Handler(), slog.LevelDebug),
	}
	served := make(chan error, 1)
	in.wg.Go(func() { served <- server.Serve(listener) })
	s.health.set(nil)
	s.isUp(nil)
	defer s.hear.lost()
	s.log.Info("slack: listening", "address", addr)

	select {
	case <-ctx.Done():
		err = nil
	case err = <-served:
		err = fmt.Errorf("slack: serving on %s: %w", addr, err)
	}
	s.health.set(errors.New("slack: stopped"))
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), drain)
	defer cancel()
	if server.Shutdown(last) != nil {
		_ = server.Close() // what is left had its time
	}
	return err
}

// handler answers Slack's requests. What it starts ends with ctx.
func (s *Slack) handler(ctx context.Context, in *intake) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /slack/events", func(w http.ResponseWriter, r *http.Request) {
		if body, ok := s.verified(w, r); ok {
			s.serveEvent(ctx, in, w, body)
		}
	})
	mux.HandleFunc("POST /slack/commands", func(w http.ResponseWriter, r *http.Request) {
		if body, ok := s.verified(w, r); ok {
			s.serveCommand(ctx, in, w, body)
		}
	})
	mux.HandleFunc("POST /slack/interactions", func(w http.ResponseWriter, r *http.Request) {
		body, ok := s.verified(w, r)
		if !ok {
			return
		}
		s.serveInteraction(ctx, in, w, body)
	})
	return mux
}

// verified reads the body of a request and answers the request if it is not Slack's.
func (s *Slack) verified(w http.ResponseWriter, r *http.Request) ([]byte, bool) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if _, tooLong := errors.AsType[*http.MaxBytesError](err); tooLong {
		s.refuse(w, "oversized", http.StatusRequestEntityTooLarge)
		return nil, false
	}
	if err != nil {
		s.refuse(w, "unreadable body", http.StatusBadRequest)
		return nil, false
	}
	verifier, err := slackgo.NewSecretsVerifier(r.Header, s.opts.SigningSecret)
	if err == nil {
		if _, err = verifier.Write(body); err == nil {
			err = verifier.Ensure()
		}
	}
	if err != nil {
		s.log.Debug("slack: a request was refused", "error", err)
		s.refuse(w, "bad signature", http.StatusUnauthorized)
		return nil, false
	}
	return body, true
}

func (s *Slack) refuse(w http.ResponseWriter, why string, status int) {
	s.ignored.add(why)
	http.Error(w, http.StatusText(status), status)
}

func (s *Slack) serveEvent(ctx context.Context, in *intake, w http.ResponseWriter, body []byte) {
	var cb callback
	misread, ok := decode(body, &cb)
	if !ok {
		s.refuse(w, "malformed", http.StatusBadRequest)
		return
	}
	if cb.Type == "url_verification" { // Slack asks whether the URL is ours
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		w.Header().Set("X-Content-Type-Options", "nosniff")
		_, _ = io.WriteString(w, cb.Challenge) // Slack asks again if this is lost
		return
	}
	h, ignored := s.event(&cb, misread)
	s.arrives(&cb, h.Event, ignored)
	if ignored != "" {
		s.ignored.add(ignored)
		return
	}
	done := make(chan error, 1)
	err := errNotTaken
	switch {
	case h.do != nil:
		if in.apart(h.EventID, h.do) {
			err = nil
		}
	case in.offer(delivery{event: h.Event, fill: h.fill, done: func(_ context.Context, err error) { done <- err }}):
		select {
		case err = <-done:
		case <-ctx.Done():
		}
	}
	if err != nil {
		http.Error(w, "not accepted", http.StatusServiceUnavailable)
		return
	}
	s.settled(settling(h.Event))
}

var errNotTaken = errors.New("not taken")

func (s *Slack) serveCommand(ctx context.Context, in *intake, w http.ResponseWriter, body []byte) {
	form, err := url.ParseQuery(string(body))
	if err != nil || form.Get("command") == "" {
		s.refuse(w, "malformed", http.StatusBadRequest)
		return
	}
	c := in.command(slackgo.SlashCommand{
		TeamID: form.Get("team_id"), ChannelID: form.Get("channel_id"), UserID: form.Get("user_id"),
		UserName: form.Get("user_name"), Command: form.Get("command"), Text: form.Get("text"),
		ResponseURL: form.Get("response_url"), TriggerID: form.Get("trigger_id"),
		IsEnterpriseInstall: form.Get("is_enterprise_install") == "true",
	}, true)
	s.stirs()
	text := c.run(ctx)
	if text == "" {
		return
	}
	w.Header().Set("Content-Type", "application/json")
	if err := json.NewEncoder(w).Encode(ephemeral(text)); err != nil {
		c.tell(ctx, text)
	}
}

func (s *Slack) serveInteraction(ctx context.Context, in *intake, w http.ResponseWriter, body []byte) {
	form, err := url.ParseQuery(string(body))
	if err != nil || !json.Valid([]byte(form.Get("payload"))) {
		s.refuse(w, "malformed", http.StatusBadRequest)
		return
	}
	s.stirs()
	g, ignored := in.interaction([]byte(form.Get("payload")))
	switch {
	case ignored != "":
		s.ignored.add(ignored)
	case !g.run(ctx):
		http.Error(w, "too much to do", http.StatusServiceUnavailable)
	}
}
