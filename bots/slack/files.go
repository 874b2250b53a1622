package slack

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"bobbin/agent"
	"bobbin/bots"
)

const (
	// maxFiles is how many files a message of Slack's may have.
	maxFiles        = 20
	downloadTimeout = 2 * time.Minute
	infoMethod      = "files.info"
	// checkInfo is what a file of a shared channel says instead of what it is.
	checkInfo = "check_file_info"
)

// slackFile is what bobbin reads of a file.
type slackFile struct {
	ID       string `json:"id"`
	Name     string `json:"name"`
	Title    string `json:"title"`
	Type     string `json:"mimetype"`
	Mode     string `json:"mode"`
	SubType  string `json:"subtype"`
	Access   string `json:"file_access"`
	Size     int64  `json:"size"`
	External bool   `json:"is_external"`
	URL      string `json:"url_private"`
	Download string `json:"url_private_download"`
}

// filesOf returns the files of a message. Those that are not there any more are left out;
// one that lies elsewhere than at Slack has no URL.
func filesOf(raw json.RawMessage) (files []agent.File) {
	var each []json.RawMessage
	if json.Unmarshal(raw, &each) != nil {
		return nil
	}
	for _, raw := range each[:min(len(each), maxFiles)] {
		var f slackFile
		if json.Unmarshal(raw, &f) != nil || !isID(f.ID) || f.Mode == "tombstone" || f.Mode == "hidden_by_limit" {
			continue
		}
		files = append(files, f.file())
	}
	return files
}

func (f slackFile) file() agent.File {
	out := agent.File{
		ID: f.ID, Name: cmp.Or(f.Name, f.Title), Type: f.Type, Size: max(f.Size, 0), Voice: f.SubType == "slack_audio",
	}
	if !f.External && f.Mode != "external" && f.Access != checkInfo {
		out.URL = cmp.Or(f.Download, f.URL)
	}
	return out
}

func sameFiles(a, b post) bool {
	x, y := filesOf(a.Files), filesOf(b.Files)
	if len(x) != len(y) {
		return false
	}
	for i := range x {
		if x[i].ID != y[i].ID {
			return false
		}
	}
	return true
}

// fileFiller completes the files of which an event tells no more than the id, as is so in
// channels that are shared with others.
func (s *Slack) fileFiller(ev bots.Event) func(context.Context, *bots.Event) (bool, error) {
	unknown := false
	for _, f := range ev.Files {
		unknown = unknown || f.Name == ""
	}
	if !unknown {
		return nil
	}
	return func(ctx context.Context, ev *bots.Event) (bool, error) {
		for i, f := range ev.Files {
			if f.Name != "" {
				continue
			}
			known, err := s.fileInfo(ctx, f.ID)
			if err != nil {
				s.log.Info("slack: what a file is could not be found out", "file", f.ID, "error", err)
				continue
			}
			ev.Files[i] = known
		}
		return true, nil
	}
}

func (s *Slack) fileInfo(ctx context.Context, id string) (agent.File, error) {
	var info struct {
		result
		File slackFile `json:"file"`
	}
	if err := s.ask(ctx, infoMethod, url.Values{"file": {id}}, &info); err != nil {
		return agent.File{}, err
	}
	info.File.Access = ""
	return info.File.file(), nil
}

// Download implements bots.Downloader. The token goes to Slack's own hosts only, or to
// that of APIURL, and no redirect is followed: Slack sends those who may not have a file
// to where people sign in.
func (s *Slack) Download(ctx context.Context, _ agent.Target, f agent.File, limit int64) ([]byte, error) {
	if f.URL == "" && isID(f.ID) {
		known, err := s.fileInfo(ctx, f.ID)
		if err != nil {
			return nil, err
		}
		f.URL, f.Type = known.URL, cmp.Or(f.Type, known.Type)
	}
	u, err := url.Parse(f.URL)
	if err != nil || !s.ownHost(u) {
		return nil, fmt.Errorf("slack: file %s does not lie at Slack", f.ID)
	}
	ctx, cancel := context.WithTimeout(ctx, downloadTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return nil, wrap("downloading a file", err)
	}
	req.Header.Set("Authorization", "Bearer "+s.opts.BotToken)
	resp, err := s.files.Do(req)
	if err != nil {
		return nil, wrap("downloading a file", err)
	}
	data, err := readFile(resp, f, limit)
	if errClose := resp.Body.Close(); err == nil && errClose != nil {
		err = wrap("downloading a file", errClose)
	}
	return data, err
}

// errTooLarge is the error of a Download of more than was asked for.
var errTooLarge = errors.New("the file is too large")

func readFile(resp *http.Response, f agent.File, limit int64) ([]byte, error) {
	kind := resp.Header.Get("Content-Type")
	switch {
	case resp.StatusCode == http.StatusTooManyRequests:
		return nil, &bots.RetryAfterError{After: limitWait, Err: errors.New("slack: downloading a file: too many at once")}
	case resp.StatusCode/100 == 3, resp.StatusCode == http.StatusOK && strings.HasPrefix(kind, "text/html") && !strings.HasPrefix(f.Type, "text/html"):
		return nil, fmt.Errorf("slack: file %s: Slack asks to sign in; add the scope files:read to the app and install it again", f.ID)
	case resp.StatusCode != http.StatusOK:
		return nil, fmt.Errorf("slack: file %s: %s", f.ID, resp.Status)
	case resp.ContentLength > limit:
		return nil, fmt.Errorf("slack: file %s: %w: %d bytes of at most %d", f.ID, errTooLarge, resp.ContentLength, limit)
	}
	data, err := io.ReadAll(io.LimitReader(resp.Body, limit+1))
	switch {
	case err != nil:
		return nil, wrap("downloading a file", err)
	case int64(len(data)) > limit:
		return nil, fmt.Errorf("slack: file %s: %w: more than %d bytes", f.ID, errTooLarge, limit)
	}
	return data, nil
}

// ownHost reports whether a URL may be given the token.
func (s *Slack) ownHost(u *url.URL) bool {
	api, err := url.Parse(s.opts.APIURL)
	if err != nil || u.User != nil || u.Host == "" {
		return false
	}
	if u.Scheme == api.Scheme && strings.EqualFold(u.Host, api.Host) {
		return true
	}
	for _, domain := range []string{"slack.com", "slack-gov.com"} {
		if isHostIn(api.Host, domain) {
			return u.Scheme == "https" && (u.Port() == "" || u.Port() == "443") && isHostIn(u.Hostname(), domain)
		}
	}
	return false
}

func isHostIn(host, domain string) bool {
	host = strings.ToLower(host)
	return host == domain || strings.HasSuffix(host, "."+domain)
}
