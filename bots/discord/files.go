package discord

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"path"
	"strings"

	"bobbin/agent"
	"bobbin/bots"
)

var (
	_ bots.Uploader   = (*Discord)(nil)
	_ bots.Downloader = (*Discord)(nil)
)

// attachment is a file of a message.
type attachment struct {
	ID       string   `json:"id"`
	Name     string   `json:"filename"`
	Type     string   `json:"content_type"`
	Size     int64    `json:"size"`
	URL      string   `json:"url"`
	Seconds  *float64 `json:"duration_secs"` // of a voice message
	Waveform string   `json:"waveform"`
}

// maxFiles is how many files Discord lets a message have.
const maxFiles = 10

// flagVoice is set on a message that was spoken.
const flagVoice = 1 << 13

// files are those of m. A file's id names its message too, so that its address can be
// asked for again: it is signed, and good for a day.
func (m *message) files() (files []agent.File) {
	for _, a := range m.Attachments[:min(len(m.Attachments), maxFiles)] {
		if !validID(a.ID) {
			continue
		}
		files = append(files, agent.File{
			ID: string(place{m.ChannelID, m.ID}.id()) + "/" + a.ID, Name: oneLine(a.Name), Type: a.Type, Size: max(0, a.Size), URL: a.URL,
			Voice: m.Flags&flagVoice != 0 || a.Seconds != nil && a.Waveform != "",
		})
	}
	return files
}

// errForeign is returned for a file that is not kept by Discord.
var errForeign = errors.New("the file is not one of Discord's")

// Download implements bots.Downloader. A file whose address has run out is looked up in
// its message again.
func (d *Discord) Download(ctx context.Context, _ agent.Target, f agent.File, limit int64) ([]byte, error) {
	if f.Size > limit {
		return nil, fmt.Errorf("read a file: it has %d bytes, more than %d", f.Size, limit)
	}
	b, err := d.fetch(ctx, f.URL, limit)
	if e, ok := errors.AsType[*apiError](err); !ok || e.status != http.StatusNotFound && e.status != http.StatusForbidden {
		return b, err
	}
	fresh, lookup := d.fresh(ctx, f.ID)
	if lookup != nil {
		return nil, errors.Join(err, lookup)
	}
	return d.fetch(ctx, fresh, limit)
}

// fetch reads a file from Discord's own hosts. Its address is a secret.
func (d *Discord) fetch(ctx context.Context, address string, limit int64) ([]byte, error) {
	const what = "read a file"
	u, err := url.Parse(address)
	if err != nil || !d.keepsFiles(u) {
		return nil, fmt.Errorf("%s: %w", what, errForeign)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", what, withoutURL(err))
	}
	resp, err := d.rest.client.Do(req)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", what, withoutURL(err))
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusOK {
		return nil, &apiError{what: what, status: resp.StatusCode}
	}
	b, err := io.ReadAll(io.LimitReader(resp.Body, limit+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("%s: %w", what, withoutURL(err))
	case int64(len(b)) > limit:
		return nil, fmt.Errorf("%s: it has more than %d bytes", what, limit)
	}
	return b, nil
}

// keepsFiles reports whether u is on a host where Discord keeps files, or, for another
// service than Discord's, on that service's own.
func (d *Discord) keepsFiles(u *url.URL) bool {
	if u.User != nil {
		return false
	}
	switch u.Host {
	case "cdn.discordapp.com", "media.discordapp.net":
		return u.Scheme == "https"
	}
	base := d.rest.base
	return u.Scheme == base.Scheme && u.Host == base.Host && !strings.HasSuffix("."+base.Hostname(), ".discord.com")
}

// fresh asks for the address of a file.
func (d *Discord) fresh(ctx context.Context, id string) (string, error) {
	at := strings.LastIndexByte(id, '/')
	p, err := parsePlace(agent.MessageID(id[:max(at, 0)]))
	if err != nil {
		return "", fmt.Errorf("look up a file: %w", err)
	}
	m, err := d.message(ctx, p.channel, p.message)
	if err != nil {
		return "", err
	}
	if m != nil {
		for _, a := range m.Attachments {
			if a.ID == id[at+1:] {
				return a.URL, nil
			}
		}
	}
	return "", errors.New("look up a file: it was deleted, or bobbin may not read messages there")
}

// Upload implements bots.Uploader. As with Post, key is the message's nonce.
func (d *Discord) Upload(ctx context.Context, to agent.Target, key string, f bots.Upload) (agent.MessageID, error) {
	return d.publish(ctx, to, key, post{Mentions: quiet()}, f)
}

// fileName makes a name that is one wherever the file ends up.
func fileName(name string) string {
	name = strings.Map(func(r rune) rune {
		if strings.ContainsRune(`/\:*?"<>|`, r) {
			return '-'
		}
		return r
	}, oneLine(strings.ToValidUTF8(name, "-")))
	name = strings.Trim(name, " .")
	if ext := path.Ext(name); len([]rune(name)) > 100 && len(ext) < 20 {
		name = short(strings.TrimSuffix(name, ext), 80) + ext
	}
	if name == "" {
		return "file"
	}
	return short(name, 100)
}
