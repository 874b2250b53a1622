package sandbox_test

import (
	"bytes"
	"encoding/base64"
	"strings"
	"testing"

	"github.com/slack-go/slack"
	"github.com/slack-go/slack/slackevents"

	"bobbin/bots/sandbox"
)

// slackDot is a picture of one pixel.
func slackDot(t *testing.T) []byte {
	t.Helper()
	dot, err := base64.StdEncoding.DecodeString("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==")
	if err != nil {
		t.Fatal(err)
	}
	return dot
}

func TestSlackFilesOfPeopleReachTheApp(t *testing.T) {
	a := newSlackListener(t, sandbox.SlackOptions{})
	ctx := t.Context()
	ts, err := a.Upload("U0ADA", "C0GENERAL", "", "@bobbin look",
		sandbox.SlackFile{Name: "notes.txt", Data: []byte("one\ntwo"), Snippet: true},
		sandbox.SlackFile{Name: "dot.png", Data: slackDot(t)},
		sandbox.SlackFile{Name: "clip.webm", Type: "audio/webm", Data: []byte("sound"), Voice: true},
		sandbox.SlackFile{Name: "paper.pdf", Data: []byte("%PDF-1.7")},
		sandbox.SlackFile{Name: "Plan.doc", External: "https://drive.example/1"},
		sandbox.SlackFile{Name: "old.txt", Gone: "hidden_by_limit"})
	if err != nil {
		t.Fatal(err)
	}
	mention := slackEvent[*slackevents.AppMentionEvent](a)
	e := slackEvent[*slackevents.MessageEvent](a)
	if e.SubType != "file_share" || e.TimeStamp != ts || e.Text != "<@U0BOBBIN> look" || len(e.Message.Files) != 6 || len(mention.Files) != 6 {
		t.Fatalf("the app got %+v and %+v", e, mention)
	}
	files := e.Message.Files
	for i, want := range []struct{ mimetype, filetype, pretty, mode string }{
		{"text/plain", "text", "Plain Text", "snippet"}, {"image/png", "png", "PNG", "hosted"}, {"audio/webm", "webm", "WebM", "hosted"},
		{"application/pdf", "pdf", "PDF", "hosted"}, {"application/msword", "doc", "Word Document", "external"}, {"", "", "", "hidden_by_limit"},
	} {
		if f := files[i]; f.Mimetype != want.mimetype || f.Filetype != want.filetype || f.PrettyType != want.pretty || f.Mode != want.mode {
			t.Errorf("file %d is %s %s %s %s, want %+v", i, f.Mimetype, f.Filetype, f.PrettyType, f.Mode, want)
		}
	}
	if f := files[0]; f.Size != 7 || f.Preview != "one\ntwo" || f.Lines != 2 || f.User != "U0ADA" {
		t.Errorf("the snippet is %+v", f)
	}
	if f := files[1]; f.OriginalW != 1 || f.OriginalH != 1 {
		t.Errorf("the picture is %d by %d", f.OriginalW, f.OriginalH)
	}
	if f := files[2]; f.MediaDisplayType != "audio" || f.Transcription == nil {
		t.Errorf("the clip is %+v", f)
	}
	if f := files[4]; !f.IsExternal || f.URLPrivate != "https://drive.example/1" {
		t.Errorf("the external file is %+v", f)
	}
	var got bytes.Buffer
	if err := a.api.GetFileContext(ctx, files[0].URLPrivateDownload, &got); err != nil || got.String() != "one\ntwo" {
		t.Errorf("downloaded %q, %v", got.String(), err)
	}
	got.Reset()
	if err := a.as("xoxb-other").GetFileContext(ctx, files[0].URLPrivate, &got); err == nil || !strings.Contains(err.Error(), "sign-in") {
		t.Errorf("with another token came %q, %v", got.String(), err)
	}
	info, _, _, err := a.api.GetFileInfoContext(ctx, files[1].ID, 0, 0)
	if err != nil || info.Name != "dot.png" || info.Shares.Public["C0GENERAL"][0].Ts != ts {
		t.Errorf("info is %+v, %v", info, err)
	}
	if _, _, _, err := a.api.GetFileInfoContext(ctx, "F9", 0, 0); slackCode(err) != "file_not_found" {
		t.Errorf("info of nothing gave %v", err)
	}
}

func TestSlackFilesOfASharedChannelMustBeAskedFor(t *testing.T) {
	a := newSlackListener(t, sandbox.SlackOptions{})
	if _, err := a.Upload("U0ADA", "C0GENERAL", "", "", sandbox.SlackFile{Name: "a.txt", Data: []byte("a"), CheckInfo: true}); err != nil {
		t.Fatal(err)
	}
	f := slackEvent[*slackevents.MessageEvent](a).Message.Files[0]
	if f.FileAccess != "check_file_info" || f.Name != "" || f.URLPrivate != "" {
		t.Errorf("the event tells %+v", f)
	}
	if info, _, _, err := a.api.GetFileInfoContext(t.Context(), f.ID, 0, 0); err != nil || info.Name != "a.txt" || info.URLPrivate == "" {
		t.Errorf("info tells %+v, %v", info, err)
	}
}

func TestSlackFilesOfTheAppReachPeople(t *testing.T) {
	a := newSlackListener(t, sandbox.SlackOptions{})
	ctx := t.Context()
	root := a.say("hello")
	f, err := a.api.UploadFileContext(ctx, slack.UploadFileParameters{
		Reader: strings.NewReader("# Answer"), FileSize: 8, Filename: "answer.md", Title: "The answer", InitialComment: "It is long.", Channel: "C0GENERAL", ThreadTimestamp: root,
	})
	if err != nil || f.Title != "The answer" {
		t.Fatal(f, err)
	}
	e := slackEvent[*slackevents.MessageEvent](a)
	if e.SubType != "file_share" || e.BotID == "" || e.ThreadTimeStamp != root || e.Text != "It is long." || e.Message.Files[0].Title != "The answer" {
		t.Errorf("the app hears %+v", e)
	}
	m := a.World().Replies("C0GENERAL", root)[0]
	if len(m.Files) != 1 || m.Files[0].Name != "answer.md" || m.Files[0].Type != "text/markdown" || m.Files[0].Size != 8 {
		t.Errorf("people see %+v", m)
	}
	if got, ok := a.File(f.ID); !ok || string(got.Data) != "# Answer" {
		t.Errorf("it holds %q", got.Data)
	}
	if err := a.api.DeleteFileContext(ctx, f.ID); err != nil {
		t.Fatal(err)
	}
	if _, _, _, err := a.api.GetFileInfoContext(ctx, f.ID, 0, 0); slackCode(err) != "file_deleted" {
		t.Errorf("info of what was deleted gave %v", err)
	}
	for name, p := range map[string]slack.UploadFileParameters{
		"another length":     {Content: "abc", FileSize: 4, Filename: "a.txt", Channel: "C0GENERAL"},
		"an unknown channel": {Content: "abc", FileSize: 3, Filename: "a.txt", Channel: "C9"},
		"an unknown thread":  {Content: "abc", FileSize: 3, Filename: "a.txt", Channel: "C0GENERAL", ThreadTimestamp: "1.000001"},
		"a giant":            {Content: "abc", FileSize: 1 << 30, Filename: "a.txt", Channel: "C0GENERAL"},
	} {
		if _, err := a.api.UploadFileContext(ctx, p); err == nil {
			t.Errorf("%s was taken", name)
		}
	}
	if _, err := a.api.CompleteUploadExternalContext(ctx, slack.CompleteUploadExternalParameters{Files: []slack.FileSummary{{ID: "F9"}}}); slackCode(err) != "file_not_found" {
		t.Errorf("a file that was never sent gave %v", err)
	}
}
