package sandbox

import (
	"bytes"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"image"
	_ "image/gif"  // sizes of pictures
	_ "image/jpeg" // sizes of pictures
	_ "image/png"  // sizes of pictures
	"io"
	"mime"
	"net/http"
	"net/url"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// Bounds of files, as documented.
const (
	discordFileLimit = 10 << 20 // bytes of one file
	discordFiles     = 10       // of a message
	discordVoice     = 1 << 13  // the flag of a voice message
	// discordLinkLife is how long the link to a file is good.
	discordLinkLife = 24 * time.Hour
)

// DiscordUpload is a file that a person sends.
type DiscordUpload struct {
	Name string
	Type string // MIME; found by the name when empty
	Data []byte // at most 10 MiB
}

type discordAttachment struct {
	id          string
	name        string // as it is stored; title is what the sender called it
	title       string
	kind        string // MIME
	description string
	data        []byte
	width       int
	height      int
	seconds     float64 // of a voice message
	waveform    string
	field       string // the form's field that it came in
}

var discordUnsafeName = regexp.MustCompile(`[^\p{L}\p{N}._-]+`)

// newAttachment stores a file under a name that is fit for a path, as Discord does.
func newAttachment(name, kind string, data []byte) discordAttachment {
	name = strings.TrimSpace(path.Base(strings.ReplaceAll(name, `\`, "/")))
	a := discordAttachment{name: strings.Trim(discordUnsafeName.ReplaceAllString(name, "_"), "."), kind: kind, data: data}
	if a.name == "" || a.name == "_" {
		a.name = "unknown"
	}
	if a.name != name {
		a.title = strings.TrimSuffix(name, path.Ext(name))
	}
	// A sender's own word for the type counts less than the name.
	if byName := mime.TypeByExtension(path.Ext(a.name)); byName != "" {
		a.kind = byName
	}
	if a.kind == "application/octet-stream" {
		a.kind = ""
	}
	if c, _, err := image.DecodeConfig(bytes.NewReader(data)); err == nil {
		a.width, a.height = c.Width, c.Height
	}
	return a
}

// wireAttachment is a file as the API gives it, with a link that is good from now on.
func (d *Discord) wireAttachment(m *discordMessage, a *discordAttachment) discordWire {
	link := d.fileURL(m.channel, a)
	w := discordWire{
		"id": a.id, "filename": a.name, "size": len(a.data), "url": link, "proxy_url": strings.Replace(link, "/attachments/", "/proxy/attachments/", 1),
		"content_scan_version": 0,
	}
	for field, v := range map[string]string{
		"content_type": a.kind, "title": a.title, "description": a.description, "waveform": a.waveform,
	} {
		if v != "" {
			w[field] = v
		}
	}
	if a.width > 0 {
		w["width"], w["height"] = a.width, a.height
	}
	if a.waveform != "" {
		w["duration_secs"] = a.seconds
	}
	if m.flags&discordEphemeral != 0 {
		w["ephemeral"] = true
	}
	return w
}

// filePath is where a file is found, on the stand-in and on the page.
func filePath(channel string, a *discordAttachment) string {
	return "/attachments/" + channel + "/" + a.id + "/" + url.PathEscape(a.name)
}

// fileURL is a signed link to a file. The caller holds mu.
func (d *Discord) fileURL(channel string, a *discordAttachment) string {
	base := d.o.CDN
	if base == "" {
		base = "http://" + d.host
	}
	now := time.Now()
	q := url.Values{
		"ex": {strconv.FormatInt(now.Add(discordLinkLife).Unix(), 16)},
		"is": {strconv.FormatInt(now.Unix(), 16)},
	}
	q.Set("hm", d.signFile(a.id, q))
	return base + filePath(channel, a) + "?" + q.Encode()
}

func (d *Discord) signFile(id string, q url.Values) string {
	h := hmac.New(sha256.New, []byte(d.o.Token))
	_, _ = fmt.Fprintf(h, "file %s %s %s", id, q.Get("ex"), q.Get("is")) // a hash takes all
	return hex.EncodeToString(h.Sum(nil))
}

// serveFile gives the bytes of a file to whoever has a link that is still good.
func (d *Discord) serveFile(w http.ResponseWriter, r *http.Request) {
	if !d.enter() {
		http.Error(w, "closed", http.StatusServiceUnavailable)
		return
	}
	defer d.wg.Done()
	q := r.URL.Query()
	id := r.PathValue("attachment")
	until, err := strconv.ParseInt(q.Get("ex"), 16, 64)
	d.mu.Lock()
	d.calls[discordFileRoute]++
	fault := d.strike(discordFileRoute, r)
	d.mu.Unlock()
	if fault != nil {
		d.wait(r, fault.Delay)
		if fault.Drop {
			panic(http.ErrAbortHandler) // the server ends the connection
		}
		if fault.Status != 0 {
			discordWrite(w, &discordAnswer{status: fault.Status, header: fault.Header, raw: []byte(fault.Body)})
			return
		}
	}
	if err != nil || time.Now().Unix() > until || !hmac.Equal([]byte(q.Get("hm")), []byte(d.signFile(id, q))) {
		http.Error(w, "This content is no longer available.", http.StatusNotFound)
		return
	}
	data, kind, ok := d.file(r.PathValue("channel"), id, r.PathValue("name"))
	if !ok {
		http.Error(w, "This content is no longer available.", http.StatusNotFound)
		return
	}
	if kind != "" {
		w.Header().Set("Content-Type", kind)
	}
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(data))
}

// discordFileRoute names downloads among the routes of Calls and Inject.
const discordFileRoute = "GET /attachments/{channel}/{attachment}/{name}"

// file finds a file of a message that is still there.
func (d *Discord) file(channel, id, name string) (data []byte, kind string, ok bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, m := range d.messages {
		if m.channel != channel {
			continue
		}
		for i := range m.attachments {
			if a := &m.attachments[i]; a.id == id && a.name == name {
				return a.data, a.kind, true
			}
		}
	}
	if a := d.given[id]; a != nil && a.name == name {
		return a.data, a.kind, true
	}
	return nil, "", false
}

// File is a file of a message, as people download it.
func (d *Discord) File(channel, id string) (name string, data []byte, ok bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	c, err := d.channel(channel)
	if err != nil {
		return "", nil, false
	}
	for _, m := range d.messages {
		if i := slices.IndexFunc(m.attachments, func(a discordAttachment) bool { return a.id == id }); i >= 0 && m.channel == c.id {
			return m.attachments[i].name, m.attachments[i].data, true
		}
	}
	return "", nil, false
}

// discordFileNote is what a request's JSON says of a file, old or new.
type discordFileNote struct {
	ID          json.RawMessage `json:"id"`
	Filename    *string         `json:"filename"`
	Title       *string         `json:"title"`
	Description *string         `json:"description"`
}

// attach works out the files of a message after a send or an edit: those of the list
// that it gives, or without one the old ones and all new ones. Version 10 keeps old
// ones only if the list names them.
func (d *Discord) attach(call *discordCall, old []discordAttachment, raw json.RawMessage) ([]discordAttachment, *discordAnswer) {
	fresh := call.files
	for i := range fresh {
		if len(fresh[i].data) > discordFileLimit {
			return nil, discordFail(http.StatusRequestEntityTooLarge, 40005, "Request entity too large")
		}
	}
	var kept []discordAttachment
	if discordNull(raw) {
		if raw == nil && (call.version != 10 || len(fresh) == 0) {
			kept = slices.Clone(old)
		}
		kept = append(kept, fresh...)
	} else {
		var notes []discordFileNote
		if json.Unmarshal(raw, &notes) != nil {
			return nil, discordInvalid("attachments", "LIST_TYPE_CONVERT", "Only iterables may be used in a ListType")
		}
		used := make([]bool, len(fresh))
		for i, n := range notes {
			a, fail := pickFile(n, old, fresh, used, fmt.Sprintf("attachments.%d", i))
			if fail != nil {
				return nil, fail
			}
			kept = append(kept, a)
		}
		for i, u := range used {
			if !u { // a file that the list does not name is sent all the same
				kept = append(kept, fresh[i])
			}
		}
	}
	if len(kept) > discordFiles {
		return nil, discordFail(http.StatusBadRequest, 30015, "Maximum number of attachments in a message reached (10)")
	}
	for i := range kept {
		if kept[i].id == "" {
			kept[i].id = d.newID()
		}
	}
	return kept, nil
}

func pickFile(n discordFileNote, old, fresh []discordAttachment, used []bool, at string) (discordAttachment, *discordAnswer) {
	id := strings.Trim(string(n.ID), `"`)
	if discordNull(n.ID) || id == "" {
		return discordAttachment{}, discordInvalid(at+".id", "BASE_TYPE_REQUIRED", "This field is required")
	}
	var a discordAttachment
	if i := slices.IndexFunc(old, func(o discordAttachment) bool { return o.id == id }); i >= 0 {
		a = old[i]
	} else if i := slices.IndexFunc(fresh, func(o discordAttachment) bool { return o.field == "files["+id+"]" }); i >= 0 && !used[i] {
		a, used[i] = fresh[i], true
		if n.Filename != nil && *n.Filename != "" {
			field := a.field
			a = newAttachment(*n.Filename, a.kind, a.data)
			a.field = field
		}
	} else {
		return a, discordFail(http.StatusBadRequest, 50146, "Uploaded file not found.")
	}
	if n.Description != nil {
		if utf8.RuneCountInString(*n.Description) > 1024 {
			return a, discordInvalid(at+".description", "BASE_TYPE_MAX_LENGTH", "Must be 1024 or fewer in length.")
		}
		a.description = *n.Description
	}
	if n.Title != nil && *n.Title != "" {
		a.title = *n.Title
	}
	return a, nil
}

// uploads checks what a person sends and stores it. The caller holds mu.
func (d *Discord) uploads(files []DiscordUpload) ([]discordAttachment, error) {
	if len(files) > discordFiles {
		return nil, fmt.Errorf("discord sandbox: %d files are more than the %d of a message", len(files), discordFiles)
	}
	var list []discordAttachment
	for _, f := range files {
		if len(f.Data) > discordFileLimit {
			return nil, fmt.Errorf("discord sandbox: the file %.100q is larger than 10 MiB", f.Name)
		}
		if f.Name == "" {
			return nil, errors.New("discord sandbox: a file needs a name")
		}
		a := newAttachment(f.Name, f.Type, f.Data)
		a.id = d.newID()
		list = append(list, a)
	}
	return list, nil
}

// voice makes the one file of a message a recorded one, of that length.
func (a *discordAttachment) voice(long time.Duration) {
	a.seconds = long.Seconds()
	wave := make([]byte, max(1, min(256, int(a.seconds*10)))) // ten values a second, as clients send
	_, _ = rand.Read(wave)                                    // never fails
	a.waveform = base64.StdEncoding.EncodeToString(wave)
	if a.kind == "" || strings.HasPrefix(a.kind, "video/") || strings.HasPrefix(a.kind, "application/") {
		a.kind = "audio/ogg"
	}
}

// readFile takes in one file of a form.
func (c *discordCall) readFile(field, name, kind string, r io.Reader) error {
	data, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	a := newAttachment(name, kind, data)
	a.field = field
	c.files = append(c.files, a)
	return nil
}
