package main

import (
	"bytes"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"
)

var (
	tortureSlackWrite   = regexp.MustCompile(`^/api/chat\.(postMessage|update)$`)
	tortureDiscordWrite = regexp.MustCompile(`^/api/v9/channels/[0-9]+/messages(/[0-9]+)?$`)
)

// tortureLastWords is in the last edit of some answers and in no edit before: the daemon
// has journaled the answer when it says so.
const tortureLastWords = "My answer was cut off because it reached its length limit."

// tortureMoment says at which moments the daemon can be killed during a call.
func tortureMoment(r *http.Request, body []byte) (before, after killKind) {
	post := false
	switch path := r.URL.Path; {
	case tortureSlackWrite.MatchString(path):
		post = strings.HasSuffix(path, "postMessage")
	case tortureDiscordWrite.MatchString(path) && (r.Method == http.MethodPost || r.Method == http.MethodPatch):
		post = r.Method == http.MethodPost
	default:
		return "", ""
	}
	text := string(body)
	if plain, err := url.QueryUnescape(text); err == nil && r.Header.Get("Content-Type") != "application/json" {
		text = plain
	}
	switch {
	case strings.Contains(text, tortureLastWords):
		return "", killAtLast
	case post:
		return killBeforePost, killAfterPost
	}
	return "", ""
}

// deadly serves what next serves, unless the daemon is to be killed while it waits for the
// answer: before the call is carried out, or afterwards.
func (e *executioner) deadly(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		began := time.Now()
		if r.Method == http.MethodGet {
			defer e.trace(r, nil, began)
			next.ServeHTTP(w, r)
			return
		}
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 32<<20))
		if err != nil {
			panic(http.ErrAbortHandler) // the daemon died while it spoke
		}
		defer e.trace(r, body, began)
		r.Body = io.NopCloser(bytes.NewReader(body))
		before, after := tortureMoment(r, body)
		if before != "" && e.strike(before) {
			panic(http.ErrAbortHandler)
		}
		if after == "" || !e.awaits(after) {
			next.ServeHTTP(w, r)
			return
		}
		kept := &keptAnswer{header: make(http.Header), status: http.StatusOK}
		next.ServeHTTP(kept, r)
		if kept.good() && e.strike(after) {
			panic(http.ErrAbortHandler)
		}
		maps.Copy(w.Header(), kept.header)
		w.WriteHeader(kept.status)
		_, _ = w.Write(kept.body.Bytes()) // a lost write is told to nobody
	})
}

var tortureKey = regexp.MustCompile(`"(?:key|nonce)":"([^"]*)"`)

// trace notes a call that reads or writes messages in the log, beside the daemon's lines.
func (e *executioner) trace(r *http.Request, body []byte, began time.Time) {
	text := string(body)
	form, err := url.ParseQuery(text)
	if r.Header.Get("Content-Type") == "application/json" || err != nil {
		form = r.URL.Query()
	} else {
		text = form.Get("metadata")
	}
	slack := strings.HasPrefix(r.URL.Path, "/api/chat.") || strings.HasPrefix(r.URL.Path, "/api/conversations.")
	if !slack && !tortureDiscordWrite.MatchString(r.URL.Path) {
		return
	}
	key := ""
	if m := tortureKey.FindStringSubmatch(text); m != nil {
		key = m[1]
	}
	fmt.Fprintf(e.log, "torture: %s %s channel=%s thread=%s%s ts=%s key=%s from %s to %s\n", r.Method, r.URL.Path,
		form.Get("channel"), form.Get("thread_ts"), form.Get("after"), form.Get("ts"), key,
		began.UTC().Format("15:04:05.000"), time.Now().UTC().Format("15:04:05.000"))
}

// keptAnswer is an answer that is held back.
type keptAnswer struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (k *keptAnswer) Header() http.Header         { return k.header }
func (k *keptAnswer) WriteHeader(status int)      { k.status = status }
func (k *keptAnswer) Write(b []byte) (int, error) { return k.body.Write(b) }

// good reports whether the call was carried out.
func (k *keptAnswer) good() bool {
	return k.status == http.StatusOK && !bytes.Contains(k.body.Bytes(), []byte(`"ok":false`))
}
