package sandbox

import (
	"cmp"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

const (
	slackMaxFile     = 32 << 20 // bytes; Slack takes 1 GB
	slackMaxFiles    = 10       // of a message
	slackMaxAllFiles = 256 << 20
)

// SlackFile is a file that a person uploads.
type SlackFile struct {
	Name string
	Type string // MIME; by default what its name and content say
	Data []byte
	// Snippet says that it was written in Slack.
	Snippet bool
	// Voice says that it is a clip recorded in Slack.
	Voice bool
	// External is where a file lies that Slack only links to; it has no Data.
	External string
	// Gone is how Slack shows a file that is not there any more: "tombstone" where it
	// was deleted, "hidden_by_limit" where the plan keeps no older ones.
	Gone string
	// CheckInfo says that events tell nothing but its id, as they do of files of a
	// shared channel: files.info has the rest.
	CheckInfo bool
}

// slackFile is a file that Slack has.
type slackFile struct {
	SlackFile
	id, user, title string
	created         time.Time
	shares          []slackRef
	length          int  // that was announced
	sent            bool // what was announced has come
}

// Upload lets a person post files, with text or without, in a channel or DM, in the
// thread with that root if one is named. It returns the ts of the message, of which the
// app hears as of any, with the subtype file_share.
func (s *Slack) Upload(user, channel, thread, text string, files ...SlackFile) (ts string, err error) {
	ids := make([]string, 0, len(files))
	for _, f := range files {
		id, err := s.hold(user, f)
		if err != nil {
			return "", fmt.Errorf("upload: %w", err)
		}
		ids = append(ids, id)
	}
	if len(files) == 0 {
		return "", errors.New("upload: there is no file")
	}
	return s.say(user, channel, thread, text, ids)
}

// hold takes a person's file in, which nobody sees until it is posted.
func (s *Slack) hold(user string, f SlackFile) (id string, err error) {
	switch {
	case f.Name == "":
		return "", errors.New("the file has no name")
	case len(f.Data) > slackMaxFile:
		return "", fmt.Errorf("%s has %d bytes of at most %d", f.Name, len(f.Data), slackMaxFile)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ok := s.world.User(user); !ok {
		return "", fmt.Errorf("no user %q", user)
	}
	return s.keep(&slackFile{SlackFile: f, user: user, sent: true}).id, nil
}

// keep gives a file its id, and forgets the content of the oldest if there is too much.
// The caller holds mu.
func (s *Slack) keep(f *slackFile) *slackFile {
	f.id, f.created, f.title = "F"+rand.Text()[:10], time.Now(), cmp.Or(f.title, f.Name)
	f.Type = slackMIME(f.SlackFile)
	s.files[f.id] = f
	s.held = append(s.held, f.id)
	s.heldBytes += len(f.Data)
	for s.heldBytes > slackMaxAllFiles && len(s.held) > 1 {
		old := s.files[s.held[0]]
		s.held = s.held[1:]
		s.heldBytes -= len(old.Data)
		old.Data, old.Gone = nil, cmp.Or(old.Gone, "hidden_by_limit")
	}
	return f
}

// attached are the files as the world shows them.
func (s *Slack) attached(ids []string) []File {
	var list []File
	for _, id := range ids {
		f := s.files[id]
		list = append(list, File{ID: id, Name: f.Name, Type: f.Type, Size: len(f.Data), URL: cmp.Or(f.External, s.fileURL(f, false))})
	}
	return list
}

// fileURL is where the app gets a file from. The caller holds mu.
func (s *Slack) fileURL(f *slackFile, download bool) string {
	dir := ""
	if download {
		dir = "download/"
	}
	return s.base + "/files/" + f.id + "/" + dir + slackFileName(f.Name)
}

// showFiles returns the files of a message. The caller holds mu.
func (s *Slack) showFiles(m Message, event bool) []map[string]any {
	var list []map[string]any
	for _, file := range m.Files {
		if f := s.files[file.ID]; f != nil {
			list = append(list, s.showFile(f, event))
		}
	}
	return list
}

// serveFile serves a file to those who bring the bot's token; it leads others to where
// people sign in, as Slack does.
func (s *Slack) serveFile(w http.ResponseWriter, r *http.Request) {
	token, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	s.mu.Lock()
	f := s.files[r.PathValue("id")]
	allowed, base := token == s.o.BotToken, s.base
	var data []byte
	kind := ""
	if f != nil && f.Gone == "" && f.External == "" && f.sent {
		data, kind = f.Data, f.Type
	}
	fault := s.fault
	s.mu.Unlock()
	if fault != nil {
		if f := fault("files", slackForm{"id": {r.PathValue("id")}}); f != nil {
			if !s.sleep(r.Context(), f.Delay) {
				panic(http.ErrAbortHandler)
			}
			if f.fails() {
				f.answer(w)
				return
			}
		}
	}
	switch {
	case !allowed:
		path, _, _ := strings.Cut(r.RequestURI, "?")
		http.Redirect(w, r, base+"/signin?redir="+url.QueryEscape(path), http.StatusFound)
	case kind == "":
		http.Error(w, "no such file", http.StatusNotFound)
	default:
		w.Header().Set("Content-Type", kind)
		w.Header().Set("X-Content-Type-Options", "nosniff")
		_, _ = w.Write(data)
	}
}

// serveSignIn is the page that an app gets in place of a file it may not have.
func serveSignIn(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_, _ = w.Write([]byte("<!doctype html><title>Sign in</title><p>Sign in to the sandbox.</p>"))
}

// File returns what Slack has of a file: to show it to people.
func (s *Slack) File(id string) (SlackFile, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f := s.files[id]
	if f == nil || !f.sent {
		return SlackFile{}, false
	}
	out := f.SlackFile
	out.Data = slices.Clone(out.Data)
	return out, true
}
