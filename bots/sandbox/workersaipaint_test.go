package sandbox

import (
	"bytes"
	"encoding/json"
	"image"
	"io"
	"mime/multipart"
	"net/http"
	"strings"
	"testing"
)

func TestWorkersAIMakesPicturesAsTheModelsDo(t *testing.T) {
	chat, a := newAIChat(t, WorkersAIOptions{})
	var b bytes.Buffer
	form := multipart.NewWriter(&b)
	if err := form.WriteField("prompt", "a fox"); err != nil {
		t.Fatal(err)
	}
	if err := form.Close(); err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct {
		path, contentType, body string
		code                    int
	}{
		"JSON":           {"run/@cf/black-forest-labs/flux-1-schnell", "application/json", `{"prompt":"a fox","steps":4}`, 0},
		"a form":         {"run/@cf/black-forest-labs/flux-2-klein-4b", form.FormDataContentType(), b.String(), 0},
		"JSON for forms": {"run/@cf/black-forest-labs/flux-2-klein-4b", "application/json", `{"prompt":"a fox"}`, 5006},
		"no prompt":      {"run/@cf/black-forest-labs/flux-1-schnell", "application/json", `{}`, 5006},
		"too long":       {"run/@cf/black-forest-labs/flux-1-schnell", "application/json", `{"prompt":"` + strings.Repeat("x", 2049) + `"}`, 5006},
		"too many steps": {"run/@cf/black-forest-labs/flux-1-schnell", "application/json", `{"prompt":"x","steps":9}`, 5006},
		"refused":        {"run/@cf/black-forest-labs/flux-1-schnell", "application/json", `{"prompt":"something NSFW"}`, 3030},
		"no such model":  {"run/@cf/nobody/paints", "application/json", `{"prompt":"x"}`, 5007},
	} {
		status, got := chat.serve(tc.path, tc.contentType, tc.body)
		if tc.code != 0 {
			if status != http.StatusBadRequest || len(got.Errors) != 1 || got.Errors[0].Code != tc.code {
				t.Errorf("%s: HTTP %d %+v", name, status, got.Errors)
			}
			continue
		}
		var made struct{ Image []byte }
		if err := json.Unmarshal(got.Result, &made); err != nil || status != http.StatusOK {
			t.Errorf("%s: HTTP %d, %v", name, status, err)
		}
		if c, kind, err := image.DecodeConfig(bytes.NewReader(made.Image)); err != nil || kind != "jpeg" || c.Width != aiSide {
			t.Errorf("%s: %s of %+v, %v", name, kind, c, err)
		}
	}
	if uses := a.Uses(); len(uses) != 2 || uses[0].Name != "a fox" {
		t.Errorf("used %+v", uses)
	}
	resp, err := http.DefaultClient.Do(func() *http.Request {
		url := strings.Replace(chat.url, "v1/chat/completions", "run/@cf/stabilityai/stable-diffusion-xl-base-1.0", 1)
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, strings.NewReader(`{"prompt":"a fox"}`))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", "Bearer "+chat.token)
		r.Header.Set("Content-Type", "application/json")
		return r
	}())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	data, err := io.ReadAll(resp.Body)
	if _, kind, decoded := image.Decode(bytes.NewReader(data)); err != nil || decoded != nil || kind != "png" || resp.Header.Get("Content-Type") != "image/png" {
		t.Errorf("%s: %s of %d bytes, %v %v", resp.Header.Get("Content-Type"), kind, len(data), err, decoded)
	}
	if bytes.Equal(aiPaint("a fox", true), aiPaint("a loom", true)) || !bytes.Equal(aiPaint("a fox", true), data) {
		t.Error("a picture does not follow from its description")
	}
}
