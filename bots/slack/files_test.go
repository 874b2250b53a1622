package slack

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"bobbin/agent"
	"bobbin/bots"
	"bobbin/bots/sandbox"
)

func TestFilesComeWithTheirMessageAndAreFetchedFromSlackOnly(t *testing.T) {
	bubble(t, sandbox.SlackOptions{NoLimits: true}, func(t *testing.T, r *rig) {
		dm := r.OpenDM("U0ADA")
		_, err := r.Upload("U0ADA", dm, "", "look at these",
			sandbox.SlackFile{Name: "notes.txt", Data: []byte("twelve bytes")},
			sandbox.SlackFile{Name: "clip.m4a", Data: []byte("hello"), Voice: true},
			sandbox.SlackFile{Name: "old.txt", Gone: "tombstone"},
			sandbox.SlackFile{Name: "there.txt", External: "https://docs.example/there.txt"},
			sandbox.SlackFile{Name: "shared.csv", Data: []byte("a,b"), CheckInfo: true})
		if err != nil {
			t.Fatal(err)
		}
		ev := r.one(t)
		if ev.Text != "look at these" || len(ev.Files) != 4 {
			t.Fatalf("%+v", ev)
		}
		names := func(f agent.File) string { return f.Name + " " + f.Type }
		for i, want := range []string{"notes.txt text/plain", "clip.m4a audio/mp4", "there.txt ", "shared.csv text/csv"} {
			if got := names(ev.Files[i]); !strings.HasPrefix(got, want) || ev.Files[i].Voice != (i == 1) || ev.Files[i].ID == "" {
				t.Errorf("file %d: %+v", i, ev.Files[i])
			}
		}
		for i, want := range map[int]string{0: "twelve bytes", 1: "hello", 3: "a,b"} {
			got, err := r.s.Download(t.Context(), ev.Target, ev.Files[i], 12)
			if err != nil || string(got) != want {
				t.Errorf("file %d: %q, %v", i, got, err)
			}
		}
		if data, err := r.s.Download(t.Context(), ev.Target, ev.Files[0], 11); !errors.Is(err, errTooLarge) || data != nil {
			t.Errorf("too large: %q, %v", data, err)
		}
		if _, err := r.s.Download(t.Context(), ev.Target, ev.Files[2], 100); err == nil {
			t.Error("fetched a file from elsewhere")
		}
		r.Fault(func(method string, _ url.Values) *sandbox.SlackFault {
			if method == "files" {
				return &sandbox.SlackFault{Status: http.StatusFound, Header: http.Header{"Location": {"http://slack.test/signin"}}}
			}
			return nil
		})
		if _, err := r.s.Download(t.Context(), ev.Target, ev.Files[0], 100); err == nil || !strings.Contains(err.Error(), "files:read") {
			t.Errorf("asked to sign in: %v", err)
		}
	})
}

func TestTokenGoesToNoOtherHost(t *testing.T) {
	real, test := testSlack(t), testSlack(t)
	real.opts.APIURL, test.opts.APIURL = DefaultAPIURL, "http://127.0.0.1:8081/api/"
	for address, want := range map[string][2]bool{
		"https://files.slack.com/files-pri/T1-F1/x.txt": {true, false},
		"https://acme.slack.com/x":                      {true, false},
		"http://files.slack.com/x":                      {false, false},
		"https://files.slack.com.evil.example/x":        {false, false},
		"https://evilslack.com/x":                       {false, false},
		"https://files.slack-gov.com/x":                 {false, false},
		"https://files.slack.com:8443/x":                {false, false},
		"https://files.slack.com@evil.example/x":        {false, false},
		"https://user@files.slack.com/x":                {false, false},
		"http://127.0.0.1:8081/files/F1/x":              {false, true},
		"https://127.0.0.1:8081/files/F1/x":             {false, false},
		"http://127.0.0.1:8082/files/F1/x":              {false, false},
		"/files/F1":                                     {false, false}, "": {false, false}, "file:///etc/passwd": {false, false},
	} {
		u, err := url.Parse(address)
		if err != nil {
			t.Fatal(err)
		}
		if got := [2]bool{real.ownHost(u), test.ownHost(u)}; got != want {
			t.Errorf("%s: %v, want %v", address, got, want)
		}
	}
}

func TestUploadStandsInTheThreadAndIsFoundByItsKey(t *testing.T) {
	for name, fault := range map[string]*sandbox.SlackFault{"": nil, "lost answer": {Execute: true, Drop: true}} {
		bubble(t, sandbox.SlackOptions{NoLimits: true}, func(t *testing.T, r *rig) {
			to := r.asked(t)
			r.Fault(func(method string, _ url.Values) *sandbox.SlackFault {
				if method == completeMethod {
					return fault
				}
				return nil
			})
			if _, err := r.s.Find(t.Context(), to, "TURN-224"); !errors.Is(err, bots.ErrNotFound) {
				t.Fatalf("found before: %v", err)
			}
			id, err := r.s.Upload(t.Context(), to, "TURN-224", bots.Upload{Name: "../answer.md", Content: []byte("# All of it")})
			if (err == nil) != (fault == nil) || certain(err) && err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			found, err := r.s.Find(t.Context(), to, "TURN-224")
			if err != nil || id != "" && found != id {
				t.Errorf("%s: found %q, posted %q: %v", name, found, id, err)
			}
			replies := r.World().Replies("C0GENERAL", to.Thread)
			if len(replies) != 1 || len(replies[0].Files) != 1 || replies[0].Files[0].Name != "answer.md" || messageID("C0GENERAL", replies[0].ID) != found {
				t.Fatalf("%s: %+v", name, replies)
			}
			if f, ok := r.File(replies[0].Files[0].ID); !ok || string(f.Data) != "# All of it" {
				t.Errorf("%s: %+v", name, f)
			}
			if err := r.s.Delete(t.Context(), to, found); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestUploadIsFoundWithoutTheRightToReadFiles(t *testing.T) {
	bubble(t, sandbox.SlackOptions{NoLimits: true}, func(t *testing.T, r *rig) {
		to := r.asked(t)
		r.Fault(answer("files.info", `{"ok":false,"error":"missing_scope"}`))
		id, err := r.s.Upload(t.Context(), to, "TURN-224", bots.Upload{Name: "a.md", Content: []byte("x")})
		if replies := r.World().Replies("C0GENERAL", to.Thread); err != nil || len(replies) != 1 || id != messageID("C0GENERAL", replies[0].ID) {
			t.Errorf("%q, %v, %+v", id, err, replies)
		}
	})
}

func TestUploadThatIsRefusedLeavesNoDoubt(t *testing.T) {
	bubble(t, sandbox.SlackOptions{NoLimits: true}, func(t *testing.T, r *rig) {
		to := r.asked(t)
		for _, test := range []struct {
			method, code string
			want         error
		}{
			{"files.getUploadURLExternal", "missing_scope", bots.ErrNoFiles},
			{"files.getUploadURLExternal", "file_upload_size_restricted", bots.ErrTooLarge},
			{"files.getUploadURLExternal", "internal_error", bots.ErrRejected},
			{completeMethod, "not_allowed_file_type", bots.ErrRejected},
		} {
			r.Fault(answer(test.method, `{"ok":false,"error":"`+test.code+`"}`))
			_, err := r.s.Upload(t.Context(), to, "TURN-224", bots.Upload{Name: "a.md", Content: []byte("x")})
			if !errors.Is(err, test.want) || !errors.Is(err, bots.ErrRejected) || !strings.Contains(err.Error(), test.code) {
				t.Errorf("%s: %v", test.method, err)
			}
		}
		r.Fault(nil)
		if _, err := r.s.Upload(t.Context(), to, "TURN-224", bots.Upload{Name: "a.md"}); !errors.Is(err, bots.ErrRejected) {
			t.Errorf("an empty file: %v", err)
		}
	})
}

func TestFileForOnePersonGoesIntoTheirDM(t *testing.T) {
	bubble(t, sandbox.SlackOptions{NoLimits: true}, func(t *testing.T, r *rig) {
		dm := r.OpenDM("U0ADA")
		r.say(t, "U0ADA", "C0GENERAL", "", "@bobbin !export")
		inChannel := r.got()[0]
		r.command(t, "C0GENERAL", "export")
		byCommand := r.one(t)
		r.say(t, "U0ADA", dm, "", "!export")
		inDM := r.one(t)
		for i, ev := range []bots.Event{inChannel, byCommand, inDM} {
			if err := ev.SendFile(t.Context(), bots.Upload{Name: "session.md", Content: []byte("all")}); err != nil {
				t.Fatal(err)
			}
			sent := 0
			for _, m := range r.shown(dm) {
				sent += len(m.Files)
			}
			if told := r.whispers("C0GENERAL", "U0ADA"); sent != i+1 || len(told) != min(i+1, 2) {
				t.Errorf("%d files stand in the DM, told %q", sent, told)
			}
		}
		if len(r.shown("C0GENERAL")) != 1 {
			t.Errorf("shown to all: %+v", r.shown("C0GENERAL"))
		}
	})
}
