package discord

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"bobbin/agent"
	"bobbin/bots"
	"bobbin/bots/sandbox"
)

func (r *rig) send(s sandbox.DiscordSend) string {
	r.Helper()
	id, err := r.fake.Send(s)
	if err != nil {
		r.Fatal(err)
	}
	return id
}

func upload(name, data string) sandbox.DiscordUpload {
	return sandbox.DiscordUpload{Name: name, Data: []byte(data)}
}

func TestFilesComeWithTheirMessage(t *testing.T) {
	bubble(t, setup{}, func(r *rig) {
		r.send(sandbox.DiscordSend{User: "ada", Channel: "general", Text: r.mention("what is this?"), Files: []sandbox.DiscordUpload{upload("a.txt", "hello"), upload("b.csv", "1,2")}})
		e := r.one()
		if e.Text != "what is this?" || len(e.Files) != 2 || e.Files[0].Name != "a.txt" || e.Files[0].Size != 5 || e.Files[0].Voice {
			t.Fatalf("event is %+v", e)
		}
		for i, want := range []string{"hello", "1,2"} {
			b, err := r.bot.Download(r.ctx, e.Target, e.Files[i], 5)
			if err != nil || string(b) != want {
				t.Errorf("read %q, %v", b, err)
			}
		}
		lying := e.Files[0]
		lying.Size = 0
		for _, f := range []agent.File{e.Files[0], lying} {
			if b, err := r.bot.Download(r.ctx, e.Target, f, 4); err == nil {
				t.Errorf("read %q over the limit", b)
			}
		}
	})
}

func TestFileAloneIsAMessageWhereBobbinListens(t *testing.T) {
	bubble(t, setup{opts: Options{MessageContent: true}}, func(r *rig) {
		to := r.asked("hi")
		r.post(to, "K-1", "hello")
		for _, channel := range []string{to.Thread, r.fake.OpenDM("ada")} {
			r.send(sandbox.DiscordSend{User: "ada", Channel: channel, Voice: true, Length: time.Second, Files: []sandbox.DiscordUpload{upload("voice-message.ogg", "la la")}})
			if e := r.one(); e.Text != "" || len(e.Files) != 1 || !e.Files[0].Voice {
				t.Errorf("event is %+v", e)
			}
		}
	})
}

func TestFileWhoseAddressHasRunOutIsLookedUp(t *testing.T) {
	bubble(t, setup{opts: Options{MessageContent: true}}, func(r *rig) {
		id := r.send(sandbox.DiscordSend{User: "ada", Channel: "general", Text: r.mention("x"), Files: []sandbox.DiscordUpload{upload("a.txt", "hello")}})
		e := r.one()
		time.Sleep(25 * time.Hour)
		b, err := r.bot.Download(r.ctx, e.Target, e.Files[0], 100)
		if err != nil || string(b) != "hello" {
			t.Errorf("read %q, %v", b, err)
		}
		if err := r.fake.Delete("ada", "general", id); err != nil {
			t.Fatal(err)
		}
		b, err = r.bot.Download(r.ctx, e.Target, e.Files[0], 100)
		if err == nil || strings.Contains(err.Error(), "attachments/") || strings.Contains(err.Error(), "ex=") {
			t.Errorf("read %q, %v", b, err)
		}
		if strings.Contains(r.logged(), "ex=") {
			t.Error("the log holds a signed address")
		}
	})
}

func TestFilesAreReadFromDiscordsHostsOnly(t *testing.T) {
	strange := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("a strange host was asked") }))
	defer strange.Close()
	d, err := New(Options{BotToken: "x"})
	if err != nil {
		t.Fatal(err)
	}
	for _, address := range []string{
		"", ":", strange.URL + "/a", "http://cdn.discordapp.com/a", "https://cdn.discordapp.com.example.org/a", "https://cdn.discordapp.com:444/a",
		"https://x@cdn.discordapp.com/a", "https://discord.com/api/v9/users/@me", "file:///etc/passwd", "//cdn.discordapp.com/a",
	} {
		b, err := d.Download(t.Context(), agent.Target{}, agent.File{ID: "1/2/3", URL: address}, 10)
		if !errors.Is(err, errForeign) {
			t.Errorf("%s: read %q, %v", address, b, err)
		}
	}
}

func TestFilesAreReadWithoutTokenAndRedirects(t *testing.T) {
	var asked []string
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.URL.Path)
		if r.Header.Get("Authorization") != "" {
			t.Error("the token was sent along")
		}
		if r.URL.Path == "/moved" {
			http.Redirect(w, r, "/there", http.StatusFound)
		}
	}))
	defer srv.Close()
	d, err := New(Options{BotToken: "x", APIURL: srv.URL})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := d.Download(t.Context(), agent.Target{}, agent.File{URL: srv.URL + "/moved"}, 10); err == nil || len(asked) != 1 {
		t.Errorf("asked for %q: %v", asked, err)
	}
	if b, err := d.Download(t.Context(), agent.Target{}, agent.File{URL: srv.URL + "/empty"}, 10); err != nil || len(b) != 0 {
		t.Errorf("read %q, %v", b, err)
	}
}

// given returns the files that stand in a channel.
func (r *rig) given(channel string) (names []string) {
	r.Helper()
	for _, m := range r.fake.World().Messages(channel) {
		for _, f := range m.Files {
			name, data, _ := r.fake.File(channel, f.ID)
			names = append(names, name+": "+string(data))
		}
	}
	return names
}

func TestUploadIsOneMessageHoweverOftenItIsTried(t *testing.T) {
	bubble(t, setup{}, func(r *rig) {
		to := r.asked("hi")
		r.post(to, "K-1", "here it is")
		f := bots.Upload{Name: "../an/ex\"port.md", Content: []byte("# all")}
		r.fake.Inject(sandbox.DiscordFault{Route: fakeSend, Execute: true, Drop: true})
		if _, err := r.bot.Upload(r.ctx, to, "K-2", f); err == nil {
			t.Fatal("the answer was not lost")
		}
		id, err := r.bot.Upload(r.ctx, to, "K-2", f)
		if err != nil {
			t.Fatal(err)
		}
		if got := r.given(to.Thread); len(got) != 1 || !strings.HasSuffix(got[0], ".md: # all") || strings.Contains(got[0], "/") {
			t.Errorf("there are the files %q", got)
		}
		r.finds(to, "K-2", id)
		if got := r.taken(); len(got) != 0 {
			t.Errorf("accepted %+v", got)
		}
	})
}

func TestFileThatIsRefusedIsRejectedAlone(t *testing.T) {
	for name, test := range map[string]struct {
		fault sandbox.DiscordFault
		want  error
	}{
		"too large":                       {sandbox.DiscordFault{Status: 413, Body: `{"message":"Request entity too large","code":40005}`}, bots.ErrTooLarge},
		"too large for what is before it": {sandbox.DiscordFault{Status: 413, Body: `<html>`}, bots.ErrTooLarge},
		"no right":                        {sandbox.DiscordFault{Status: 403, Body: `{"message":"Missing Permissions","code":50013}`}, bots.ErrNoFiles},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, setup{}, func(r *rig) {
				to := r.asked("hi")
				r.post(to, "K-1", "here it is")
				test.fault.Route = fakeSend
				r.fake.Inject(test.fault)
				_, err := r.bot.Upload(r.ctx, to, "K-2", bots.Upload{Name: "a", Content: []byte("x")})
				if !errors.Is(err, test.want) || !errors.Is(err, bots.ErrRejected) || errors.Is(err, agent.ErrUndeliverable) {
					t.Errorf("error is %v", err)
				}
				// The answer's place is still its own.
				id, err := r.bot.Upload(r.ctx, to, "K-3", bots.Upload{Name: "b", Content: []byte("x")})
				if got := r.given(to.Thread); err != nil || len(got) != 1 {
					t.Errorf("%q, %v, in the thread stand %q", id, err, got)
				}
			})
		})
	}
}

func TestFileForAnAuthor(t *testing.T) {
	file := bots.Upload{Name: "session.md", Content: []byte("all of it")}
	for name, slow := range map[string]bool{"at once": false, "late": true} {
		t.Run("command "+name, func(t *testing.T) {
			bubble(t, setup{}, func(r *rig) {
				r.onAccept(func(ctx context.Context, e bots.Event) error {
					if slow {
						time.Sleep(10 * time.Second)
					}
					return errors.Join(e.SendFile(ctx, file), e.Respond(ctx, "That is all."))
				})
				r.command("general", "help", nil)
				time.Sleep(time.Minute)
				r.one()
				general := r.channel("general")
				if got := r.given(general); len(got) != 1 || got[0] != "session.md: all of it" {
					t.Errorf("given %q", got)
				}
				if got := r.private(general); len(got) != 2 || got[0] != "" || got[1] != "That is all." {
					t.Errorf("told %q", got)
				}
			})
		})
	}
	t.Run("message", func(t *testing.T) {
		bubble(t, setup{}, func(r *rig) {
			r.onAccept(func(ctx context.Context, e bots.Event) error { return e.SendFile(ctx, file) })
			dm := r.fake.OpenDM("ada")
			r.say("ada", dm, "", "!export")
			r.one()
			if got := r.given(dm); len(got) != 1 || got[0] != "session.md: all of it" {
				t.Errorf("given %q", got)
			}
		})
	})
}

func TestFileNamesAreNames(t *testing.T) {
	for name, want := range map[string]string{
		"": "file", "..": "file", "a/b\\c": "a-b-c", "x\n.md": "x .md", "\xff.md": "-.md", strings.Repeat("x", 300) + ".md": strings.Repeat("x", 79) + "….md",
	} {
		if got := fileName(name); got != want {
			t.Errorf("%q is %q, want %q", name, got, want)
		}
	}
}
