package slack

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/url"
	"path"
	"strings"
	"time"

	"bobbin/agent"
	"bobbin/bots"

	slackgo "github.com/slack-go/slack"
)

const (
	completeMethod = "files.completeUploadExternal"
	// keyBlock begins the block_id in which a file's message keeps its key: files have no
	// metadata.
	keyBlock = "bobbin_key_"
	// A file stands a while after Slack has said that it will.
	fileTries = 6
	filePause = 500 * time.Millisecond
)

// Upload implements bots.Uploader. It needs the scope files:write. A line with the file's
// name stands above the file; its block bears the key.
func (s *Slack) Upload(ctx context.Context, to agent.Target, key string, f bots.Upload) (agent.MessageID, error) {
	s.streams.posted(to, key)
	file, err := s.upload(ctx, to.Channel, to.Thread, key, f)
	if err != nil {
		return "", err
	}
	for try := range fileTries {
		ts, err := s.shared(ctx, file, to.Channel)
		if ts != "" {
			return messageID(to.Channel, ts), nil
		}
		if closedToUs(err) { // without files:read, history tells as well
			break
		}
		if err := sleep(ctx, filePause<<try); err != nil {
			return "", err
		}
	}
	id, err := s.Find(ctx, to, key)
	if errors.Is(err, bots.ErrNotFound) {
		return "", fmt.Errorf("slack: a file was uploaded, but does not stand in %s yet", to.Channel)
	}
	return id, err
}

// shared returns which message of a channel shows a file, or nothing if none does yet.
func (s *Slack) shared(ctx context.Context, file, channel string) (ts string, err error) {
	type shares map[string][]struct {
		TS string `json:"ts"`
	}
	var info struct {
		result
		File struct {
			Shares struct {
				Public  shares `json:"public"`
				Private shares `json:"private"`
			} `json:"shares"`
		} `json:"file"`
	}
	if err := s.ask(ctx, infoMethod, url.Values{"file": {file}}, &info); err != nil {
		return "", err
	}
	for _, at := range []shares{info.File.Shares.Public, info.File.Shares.Private} {
		for _, share := range at[channel] {
			if isTS(share.TS) {
				return share.TS, nil
			}
		}
	}
	return "", nil
}

// upload puts a file into a channel or thread and returns its id. Its errors have the
// meaning of those of Post: before the last call nobody sees anything.
func (s *Slack) upload(ctx context.Context, channel, thread, key string, f bots.Upload) (file string, err error) {
	name := fileName(f.Name)
	if len(f.Content) == 0 {
		return "", fmt.Errorf("%w: slack: file %s is empty", bots.ErrRejected, name)
	}
	at, err := s.api.GetUploadURLExternalContext(ctx, slackgo.GetUploadURLExternalParameters{FileName: name, FileSize: len(f.Content)})
	if err != nil {
		return "", fileFault("files.getUploadURLExternal", err)
	}
	err = s.api.UploadToURL(ctx, slackgo.UploadToURLParameters{UploadURL: at.UploadURL, Filename: name, Reader: bytes.NewReader(f.Content)})
	if err != nil {
		return "", unseen(wrap("sending a file to its upload URL", err))
	}
	p := slackgo.CompleteUploadExternalParameters{
		Files: []slackgo.FileSummary{{ID: at.FileID, Title: name}}, Channel: channel, ThreadTimestamp: thread,
	}
	if key != "" {
		line := slackgo.NewContextBlock(keyBlock+key, slackgo.NewTextBlockObject(slackgo.PlainTextType, "📎 "+name, true, false))
		p.Blocks = slackgo.Blocks{BlockSet: []slackgo.Block{line}}
	}
	_, err = s.api.CompleteUploadExternalContext(ctx, p)
	return at.FileID, fault(completeMethod, err)
}

// fileFault is fault for a call after which no file can stand.
func fileFault(doing string, err error) error {
	switch c := code(err); {
	case c == "file_upload_size_restricted":
		return fmt.Errorf("%w: %w", bots.ErrTooLarge, explain(doing, err))
	case noFileCodes[c]:
		return fmt.Errorf("%w: %w", bots.ErrNoFiles, explain(doing, err))
	}
	return unseen(fault(doing, err))
}

// unseen makes the error of a call after which nothing can stand one that says so.
func unseen(err error) error {
	if err == nil || certain(err) || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return fmt.Errorf("%w: %w", bots.ErrRejected, err)
}

// fileName is a name that is one, and no path.
func fileName(name string) string {
	name = path.Base(strings.Map(func(r rune) rune {
		if r < ' ' || r == '\\' || r == 0x7f {
			return '_'
		}
		return r
	}, name))
	return cmp.Or(strings.Trim(name, "./ "), "file")
}

// fileSender returns SendFile for a person at a place: where nobody else reads it goes
// there, otherwise into the DM with the person, who is told so by h.
func (s *Slack) fileSender(at agent.Address, user string, h hook) func(context.Context, bots.Upload) error {
	return func(ctx context.Context, f bots.Upload) error {
		if isDM(at.Channel) {
			_, err := s.upload(ctx, at.Channel, at.Thread, "", f)
			return err
		}
		dm, _, _, err := s.api.OpenConversationContext(ctx, &slackgo.OpenConversationParameters{Users: []string{user}})
		if err != nil {
			return fault("conversations.open", err)
		}
		if _, err := s.upload(ctx, dm.ID, "", "", f); err != nil {
			return err
		}
		h.tell(ctx, "I have sent you the file "+escape(fileName(f.Name))+" in a direct message.")
		return nil
	}
}
