package sandbox

import (
	"crypto/rand"
	"encoding/json"
	"io"
	"mime"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

const slackMaxAlt = 1_000

// getUploadURL is files.getUploadURLExternal.
func (s *Slack) getUploadURL(f slackForm) slackReply {
	name := f.Get("filename")
	length, err := strconv.Atoi(f.Get("length"))
	switch {
	case name == "":
		return slackFail("invalid_arguments: filename is missing")
	case err != nil || length < 1:
		return slackFail("invalid_arguments: length is no number of bytes")
	case length > slackMaxFile:
		return slackFail("file_upload_size_restricted")
	case utf8.RuneCountInString(f.Get("alt_txt")) > slackMaxAlt:
		return slackFail("alt_txt_too_large")
	}
	file := s.keep(&slackFile{SlackFile: SlackFile{Name: name, Snippet: f.Get("snippet_type") != ""}, user: s.o.Bot.ID, length: length})
	secret := rand.Text()
	s.uploads[secret] = file
	return slackOK("upload_url", s.base+"/upload/"+secret, "file_id", file.id)
}

// serveUpload takes what an app sends to an upload URL: the bytes, or a form with them.
func (s *Slack) serveUpload(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	f := s.uploads[r.PathValue("secret")]
	delete(s.uploads, r.PathValue("secret"))
	s.mu.Unlock()
	if f == nil {
		http.Error(w, "no such upload", http.StatusNotFound)
		return
	}
	r.Body = http.MaxBytesReader(w, r.Body, slackMaxFile+slackMaxBody)
	var body io.Reader = r.Body
	if kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); kind == "multipart/form-data" {
		parts, err := r.MultipartReader()
		if err != nil {
			http.Error(w, "the form cannot be read", http.StatusBadRequest)
			return
		}
		for {
			part, err := parts.NextPart()
			if err != nil {
				http.Error(w, "the form has no file", http.StatusBadRequest)
				return
			}
			if part.FileName() != "" || part.FormName() == "file" {
				body = part
				break
			}
		}
	}
	data, err := io.ReadAll(body)
	if err != nil || len(data) != f.length {
		http.Error(w, "the file is not as long as was said", http.StatusBadRequest)
		return
	}
	s.mu.Lock()
	f.Data, f.sent, f.Type = data, true, ""
	f.Type = slackMIME(f.SlackFile)
	s.heldBytes += len(data)
	s.mu.Unlock()
	_, _ = io.WriteString(w, "OK - "+strconv.Itoa(len(data))) // slack-go reads no more of it than its status
}

// completeUpload is files.completeUploadExternal.
func (s *Slack) completeUpload(f slackForm) slackReply {
	var asked []struct{ ID, Title string }
	if json.Unmarshal([]byte(f.Get("files")), &asked) != nil || len(asked) == 0 || len(asked) > slackMaxFiles {
		return slackFail("invalid_arguments: files is no list of files")
	}
	channels := strings.FieldsFunc(f.Get("channels"), func(r rune) bool { return r == ',' })
	if id := f.Get("channel_id"); id != "" {
		channels = append(channels, id)
	}
	ids, shown := []string{}, []map[string]any{}
	for _, a := range asked {
		file := s.files[a.ID]
		if file == nil || !file.sent || !s.isBot(file.user) || slices.Contains(ids, a.ID) {
			return slackFail("file_not_found: " + a.ID)
		}
		if a.Title != "" {
			file.title = a.Title
		}
		ids = append(ids, a.ID)
		shown = append(shown, map[string]any{"id": file.id, "title": file.title})
	}
	content, code := s.content(slackForm{"text": {f.Get("initial_comment")}, "blocks": {f.Get("blocks")}})
	if code != "" {
		return slackFail(code)
	}
	var places []Channel
	for _, id := range channels {
		c, code := s.place(id)
		if code == "" {
			code = s.forbidden[c.ID]
		}
		if code != "" {
			return slackFail(code)
		}
		places = append(places, c)
	}
	thread := f.Get("thread_ts")
	if thread != "" {
		if len(places) != 1 {
			return slackFail("invalid_arguments: a thread is in one channel")
		}
		root, ok := s.world.Message(places[0].ID, thread)
		if !ok {
			return slackFail("invalid_thread_ts")
		}
		if root.Thread != "" {
			thread = root.Thread
		}
	}
	for _, c := range places {
		m := s.post(c, Message{Thread: thread, Text: slackFirst(content.text, slackMaxText), Blocks: content.blocks, Files: s.attached(ids)})
		for _, id := range ids {
			s.files[id].shares = append(s.files[id].shares, slackRef{c.ID, m.ID})
		}
	}
	return slackOK("files", shown)
}

// filesInfo is files.info.
func (s *Slack) filesInfo(f slackForm) slackReply {
	file := s.files[f.Get("file")]
	switch {
	case file == nil || !file.sent:
		return slackFail("file_not_found")
	case file.Gone == "tombstone":
		return slackFail("file_deleted")
	}
	shown := s.showFile(file, false)
	shares := make(map[string][]map[string]any)
	channels := []string{}
	for _, at := range file.shares {
		m, _ := s.world.Message(at.channel, at.ts)
		share := map[string]any{"ts": at.ts}
		if m.Thread != "" {
			share["thread_ts"] = m.Thread
		}
		shares[at.channel] = append(shares[at.channel], share)
		channels = append(channels, at.channel)
	}
	shown["shares"], shown["channels"] = map[string]any{"public": shares}, channels
	return slackOK("file", shown, "comments", []any{}, "response_metadata", map[string]string{"next_cursor": ""})
}

// filesDelete is files.delete: the messages stay, and show that it is gone.
func (s *Slack) filesDelete(f slackForm) slackReply {
	file := s.files[f.Get("file")]
	switch {
	case file == nil || !file.sent:
		return slackFail("file_not_found")
	case file.Gone != "":
		return slackFail("file_deleted")
	case !s.isBot(file.user):
		return slackFail("cant_delete_file")
	}
	s.heldBytes -= len(file.Data)
	file.Data, file.Gone = nil, "tombstone"
	return slackOK()
}
