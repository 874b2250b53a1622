package sandbox

import (
	"bytes"
	"image"
	"image/png"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/bwmarrin/discordgo"
)

// discordFetch downloads a file as a bot does; "" if that fails.
func discordFetch(t *testing.T, b *discordBot, url string) string {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := b.Client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	if resp.StatusCode != http.StatusOK {
		return ""
	}
	return string(data)
}

func TestDiscordPersonSendsFiles(t *testing.T) {
	discordBubble(t, DiscordOptions{}, func(t *testing.T, d *Discord, b *discordBot) {
		b.open(t)
		var picture bytes.Buffer
		if err := png.Encode(&picture, image.NewGray(image.Rect(0, 0, 3, 2))); err != nil {
			t.Fatal(err)
		}
		id, err := d.Send(DiscordSend{User: "ada", Channel: "general", Files: []DiscordUpload{
			{Name: "my notes.txt", Data: []byte("hello")}, {Name: "../x.png", Data: picture.Bytes()}, {Name: "data", Data: []byte{0}},
		}})
		if err != nil {
			t.Fatal(err)
		}
		m := discordNext[*discordgo.MessageCreate](t, b, nil)
		if m.Content != "" || len(m.Attachments) != 3 {
			t.Fatalf("%+v", m.Message)
		}
		text, photo, data := m.Attachments[0], m.Attachments[1], m.Attachments[2]
		if text.Filename != "my_notes.txt" || text.Size != 5 || !strings.HasPrefix(text.ContentType, "text/plain") || discordFetch(t, b, text.URL) != "hello" || discordFetch(t, b, text.ProxyURL) != "hello" {
			t.Errorf("text: %+v", text)
		}
		if photo.Filename != "x.png" || photo.ContentType != "image/png" || photo.Width != 3 || photo.Height != 2 || discordFetch(t, b, photo.URL) != picture.String() {
			t.Errorf("picture: %+v", photo)
		}
		if data.ContentType != "" {
			t.Errorf("data: %+v", data)
		}
		if seen, _ := d.World().Message(m.ChannelID, id); len(seen.Files) != 3 || seen.Files[0].Name != "my_notes.txt" || seen.Files[1].Size != picture.Len() {
			t.Errorf("people see %+v", seen.Files)
		}
		for what, url := range map[string]string{
			"without a signature": strings.Split(text.URL, "?")[0],
			"of another file":     strings.Replace(text.URL, text.ID, photo.ID, 1),
			"for longer":          strings.Replace(text.URL, "ex=", "ex=f", 1),
		} {
			if discordFetch(t, b, url) != "" {
				t.Errorf("a link %s works", what)
			}
		}
		time.Sleep(25 * time.Hour)
		if discordFetch(t, b, text.URL) != "" {
			t.Error("a link works after a day")
		}
		again, err := b.ChannelMessage(m.ChannelID, id)
		if err != nil || discordFetch(t, b, again.Attachments[0].URL) != "hello" {
			t.Errorf("a new link does not work: %v", err)
		}
		if err := d.Delete("ada", "general", id); err != nil || discordFetch(t, b, again.Attachments[0].URL) != "" {
			t.Errorf("a deleted message's file is there: %v", err)
		}

		if _, err = d.Send(DiscordSend{User: "ada", Channel: "general", Voice: true, Length: 2 * time.Second, Files: []DiscordUpload{{Name: "voice-message.ogg", Data: []byte("OggS")}}}); err != nil {
			t.Fatal(err)
		}
		m = discordNext[*discordgo.MessageCreate](t, b, nil)
		if v := m.Attachments[0]; m.Flags != 1<<13 || v.DurationSecs != 2 || v.Waveform == "" || v.ContentType != "audio/ogg" {
			t.Errorf("voice: %+v, %+v", m.Message, v)
		}

		for name, s := range map[string]DiscordSend{
			"nothing":       {},
			"eleven files":  {Files: make([]DiscordUpload, 11)},
			"a large file":  {Files: []DiscordUpload{{Name: "x", Data: make([]byte, discordFileLimit+1)}}},
			"no name":       {Files: []DiscordUpload{{Data: []byte("x")}}},
			"silent voice":  {Voice: true},
			"voice and hi!": {Voice: true, Text: "hi", Files: []DiscordUpload{{Name: "x", Data: []byte("x")}}},
		} {
			s.User, s.Channel = "ada", "general"
			if _, err := d.Send(s); err == nil {
				t.Errorf("%s can be sent", name)
			}
		}
	})
}

func TestDiscordBotSendsFiles(t *testing.T) {
	discordBubble(t, DiscordOptions{}, func(t *testing.T, d *Discord, b *discordBot) {
		discordRegister(t, d, b)
		const general = "220000000000000001"
		file := func(name, text string) *discordgo.File {
			return &discordgo.File{Name: name, ContentType: "text/plain", Reader: strings.NewReader(text)}
		}
		names := func(id string) string {
			var list []string
			m, _ := d.World().Message(general, id)
			for _, f := range m.Files {
				_, data, _ := d.File(general, f.ID)
				list = append(list, f.Name+"="+string(data))
			}
			return strings.Join(list, " ")
		}
		m, err := b.ChannelMessageSendComplex(general, &discordgo.MessageSend{Content: "here", Files: []*discordgo.File{file("a.txt", "A"), file("b.txt", "B")}})
		if err != nil || names(m.ID) != "a.txt=A b.txt=B" {
			t.Fatalf("sent %q, %v", names(m.ID), err)
		}
		edit := discordgo.NewMessageEdit(general, m.ID)
		edit.Files = []*discordgo.File{file("c.txt", "C")}
		if _, err := b.ChannelMessageEditComplex(edit); err != nil || names(m.ID) != "a.txt=A b.txt=B c.txt=C" {
			t.Errorf("added: %q, %v", names(m.ID), err)
		}
		edit = discordgo.NewMessageEdit(general, m.ID)
		edit.Attachments = &[]*discordgo.MessageAttachment{m.Attachments[1]}
		edit.Files = []*discordgo.File{file("d.txt", "D")}
		if _, err := b.ChannelMessageEditComplex(edit); err != nil || names(m.ID) != "b.txt=B d.txt=D" {
			t.Errorf("kept one: %q, %v", names(m.ID), err)
		}
		edit = discordgo.NewMessageEdit(general, m.ID).SetContent("bare")
		edit.Attachments = &[]*discordgo.MessageAttachment{}
		if _, err := b.ChannelMessageEditComplex(edit); err != nil || names(m.ID) != "" {
			t.Errorf("kept none: %q, %v", names(m.ID), err)
		}

		i, done := discordUse(t, d, b, "general", map[string]string{"question": "why?"})
		err = b.InteractionRespond(i.Interaction, &discordgo.InteractionResponse{
			Type: discordgo.InteractionResponseChannelMessageWithSource, Data: &discordgo.InteractionResponseData{Files: []*discordgo.File{file("r.txt", "R")}},
		})
		if err != nil || <-done != nil {
			t.Fatal(err)
		}
		answer, err := b.InteractionResponse(i.Interaction)
		if err != nil || names(answer.ID) != "r.txt=R" {
			t.Errorf("answered %q, %v", names(answer.ID), err)
		}
		if _, err := b.InteractionResponseEdit(i.Interaction, &discordgo.WebhookEdit{Files: []*discordgo.File{file("s.txt", "S")}}); err != nil || names(answer.ID) != "r.txt=R s.txt=S" {
			t.Errorf("edited: %q, %v", names(answer.ID), err)
		}
		more, err := b.FollowupMessageCreate(i.Interaction, true, &discordgo.WebhookParams{Files: []*discordgo.File{file("f.txt", "F")}})
		if err != nil || names(more.ID) != "f.txt=F" {
			t.Errorf("followed up with %v", err)
		}

		var eleven []*discordgo.File
		for range 11 {
			eleven = append(eleven, file("x.txt", "x"))
		}
		time.Sleep(5 * time.Second)
		for code, files := range map[int][]*discordgo.File{30015: eleven, 40005: {file("x.txt", strings.Repeat("x", discordFileLimit+1))}} {
			if _, err := b.ChannelMessageSendComplex(general, &discordgo.MessageSend{Files: files}); discordCode(err) != code {
				t.Errorf("%d files: %v, want %d", len(files), err, code)
			}
		}
		if status, _, body := b.call(t, "POST", "/channels/"+general+"/messages", `{"content":"x","attachments":[{"id":0,"filename":"x"}]}`); status != 400 || !strings.Contains(body, "50146") {
			t.Errorf("a file that was not sent: %d %s", status, body)
		}
	})
}
