package sandbox

import (
	"bytes"
	"cmp"
	"image"
	_ "image/gif"  // to tell the size of a picture
	_ "image/jpeg" // to tell the size of a picture
	_ "image/png"  // to tell the size of a picture
	"mime"
	"net/http"
	"path"
	"strings"
	"unicode/utf8"
)

// slackPreviewChars is how much of a text Slack shows of its file.
const slackPreviewChars = 200

// slackMIME returns the type of a file's content.
func slackMIME(f SlackFile) string {
	kind := f.Type
	if kind == "" {
		kind = slackKinds[strings.TrimPrefix(strings.ToLower(path.Ext(f.Name)), ".")].mime
	}
	if kind == "" {
		kind = mime.TypeByExtension(path.Ext(f.Name))
	}
	if kind == "" {
		kind = http.DetectContentType(f.Data)
	}
	kind, _, _ = mime.ParseMediaType(kind)
	return cmp.Or(kind, "application/octet-stream")
}

// slackKind is what Slack calls a type of file.
type slackKind struct{ mime, filetype, pretty string }

// slackKinds are by extension.
var slackKinds = map[string]slackKind{
	"txt": {"text/plain", "text", "Plain Text"}, "md": {"text/markdown", "markdown", "Markdown"}, "csv": {"text/csv", "csv", "CSV"},
	"json": {"application/json", "json", "JSON"}, "go": {"text/plain", "go", "Go"}, "py": {"text/x-python", "python", "Python"},
	"js": {"text/javascript", "javascript", "JavaScript"}, "html": {"text/html", "html", "HTML"}, "log": {"text/plain", "text", "Plain Text"},
	"png": {"image/png", "png", "PNG"}, "jpg": {"image/jpeg", "jpg", "JPEG"}, "jpeg": {"image/jpeg", "jpg", "JPEG"},
	"gif": {"image/gif", "gif", "GIF"}, "webp": {"image/webp", "webp", "WebP"}, "pdf": {"application/pdf", "pdf", "PDF"},
	"mp3": {"audio/mpeg", "mp3", "MP3"}, "m4a": {"audio/mp4", "m4a", "M4A"}, "ogg": {"audio/ogg", "ogg", "OGG"}, "wav": {"audio/wav", "wav", "WAV"},
	"webm": {"video/webm", "webm", "WebM"}, "mp4": {"video/mp4", "mp4", "MPEG 4 Video"}, "zip": {"application/zip", "zip", "Zip"},
	"doc": {"application/msword", "doc", "Word Document"}, "docx": {"application/vnd.openxmlformats-officedocument.wordprocessingml.document", "docx", "Word Document"},
	"xlsx": {"application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "xlsx", "Excel Spreadsheet"},
}

// slackFileName is a name that fits into a path as it is.
func slackFileName(name string) string {
	name = strings.Map(func(r rune) rune {
		if r < 0x80 && (r == '.' || r == '-' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z') {
			return r
		}
		return '_'
	}, name)
	return cmp.Or(strings.TrimLeft(name, "."), "file")
}

// showFile returns a file as Slack shows it. In an event it may be but a hint.
// The caller holds mu.
func (s *Slack) showFile(f *slackFile, event bool) map[string]any {
	switch {
	case f.Gone != "":
		return map[string]any{"id": f.id, "mode": f.Gone}
	case event && f.CheckInfo:
		return map[string]any{"id": f.id, "mode": "file_access", "file_access": "check_file_info", "created": 0, "timestamp": 0, "user": ""}
	}
	ext := strings.TrimPrefix(strings.ToLower(path.Ext(f.Name)), ".")
	kind, known := slackKinds[ext]
	if !known {
		kind = slackKind{filetype: cmp.Or(ext, "binary"), pretty: strings.ToUpper(cmp.Or(ext, "binary"))}
		if strings.HasPrefix(f.Type, "text/") {
			kind = slackKind{filetype: "text", pretty: "Plain Text"}
		}
	}
	mode := "hosted"
	switch {
	case f.External != "":
		mode = "external"
	case f.Snippet:
		mode = "snippet"
	}
	out := map[string]any{
		"id": f.id, "created": f.created.Unix(), "timestamp": f.created.Unix(), "name": f.Name, "title": f.title,
		"mimetype": f.Type, "filetype": kind.filetype, "pretty_type": kind.pretty, "user": f.user, "user_team": s.o.TeamID,
		"mode": mode, "editable": f.Snippet, "size": len(f.Data), "is_external": f.External != "", "external_type": "",
		"is_public": true, "public_url_shared": false, "display_as_bot": false, "username": "", "file_access": "visible",
		"url_private": cmp.Or(f.External, s.fileURL(f, false)), "url_private_download": cmp.Or(f.External, s.fileURL(f, true)),
		"permalink":          "https://sandbox.slack.com/files/" + f.user + "/" + f.id + "/" + slackFileName(f.Name),
		"media_display_type": "unknown",
	}
	if f.Voice {
		out["subtype"], out["media_display_type"], out["duration_ms"] = "slack_audio", "audio", 1_000
		out["transcription"] = map[string]any{"status": "processing"}
	}
	if size, _, err := image.DecodeConfig(bytes.NewReader(f.Data)); err == nil && strings.HasPrefix(f.Type, "image/") {
		out["original_w"], out["original_h"] = size.Width, size.Height
	}
	if f.Snippet || strings.HasPrefix(f.Type, "text/") && utf8.Valid(f.Data) {
		lines := bytes.Count(f.Data, []byte("\n")) + 1
		out["preview"], out["lines"], out["lines_more"] = slackFirst(string(f.Data), slackPreviewChars), lines, max(0, lines-5)
	}
	return out
}
