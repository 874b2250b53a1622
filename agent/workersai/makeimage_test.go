package workersai

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"image"
	"image/gif"
	"image/jpeg"
	"image/png"
	"io"
	"mime"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"

	"bobbin/agent"
)

// picture is one of 8 × 8 pixels.
func picture(t *testing.T, encode func(io.Writer, image.Image) error) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := encode(&b, image.NewRGBA(image.Rect(0, 0, 8, 8))); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func asJPEG(w io.Writer, img image.Image) error { return jpeg.Encode(w, img, nil) }
func asGIF(w io.Writer, img image.Image) error  { return gif.Encode(w, img, nil) }

func TestPicturesAreTakenInEveryShapeThatModelsAnswerIn(t *testing.T) {
	jpg, pngData := picture(t, asJPEG), picture(t, png.Encode)
	webp := []byte("RIFF\x1a\x00\x00\x00WEBPVP8L\x0d\x00\x00\x00\x2f\x00\x00\x00\x10\x07\x10\x11\x11\x88\x88\xfe\x07\x00")
	b64 := base64.StdEncoding.EncodeToString
	const model = "@cf/some/painter"
	for name, test := range map[string]struct {
		answer  string
		kind    string
		want    []byte
		neurons float64
	}{
		"base64 in the envelope":  {`{"result":{"image":"` + b64(jpg) + `"},"success":true,"errors":[],"messages":[]}`, "image/jpeg", jpg, 0},
		"with what it cost":       {`{"result":{"image":"` + b64(jpg) + `","usage":{"neurons":57.6}},"success":true}`, "image/jpeg", jpg, 57.6},
		"with its cost elsewhere": {`{"result":{"image":"` + b64(pngData) + `","meta":{"neurons":4}},"success":true}`, "image/png", pngData, 4},
		"without an envelope":     {`{"image":"` + b64(pngData) + `"}`, "image/png", pngData, 0},
		"as a data URL":           {`{"result":{"image":"data:image/png;base64,` + b64(pngData) + `"},"success":true}`, "image/png", pngData, 0},
		"alone in the envelope":   {`{"result":"` + b64(pngData) + `","success":true}`, "image/png", pngData, 0},
		"its bytes, PNG":          {string(pngData), "image/png", pngData, 0},
		"its bytes, JPEG":         {string(jpg), "image/jpeg", jpg, 0},
		"its bytes, GIF":          {string(picture(t, asGIF)), "image/gif", picture(t, asGIF), 0},
		"its bytes, WebP":         {string(webp), "image/webp", webp, 0},
	} {
		t.Run(name, func(t *testing.T) {
			c := serving(t, Options{Gateway: "g"}, func(w http.ResponseWriter, r *http.Request) {
				if want := "/client/v4/accounts/" + testAccount + "/ai/run/" + model; r.URL.Path != want || r.Method != http.MethodPost {
					t.Errorf("%s %s, want %s", r.Method, r.URL.Path, want)
				}
				if r.Header.Get("Authorization") != "Bearer "+testToken || r.Header.Get("Cf-Aig-Gateway-Id") != "g" {
					t.Errorf("headers %v", r.Header)
				}
				var in map[string]any
				if err := json.NewDecoder(r.Body).Decode(&in); err != nil || len(in) != 1 || in["prompt"] != "a fox" {
					t.Errorf("asked for %v, %v", in, err)
				}
				_, _ = io.WriteString(w, test.answer)
			})
			img, u, err := c.MakeImage(t.Context(), model, "a fox")
			if err != nil || img.Type != test.kind || !bytes.Equal(img.Data, test.want) || u != (agent.Usage{Neurons: test.neurons}) {
				t.Errorf("got %s of %d bytes, %+v, %v", img.Type, len(img.Data), u, err)
			}
		})
	}
}

func TestModelsThatTakeFormsGetOne(t *testing.T) {
	c := serving(t, Options{}, func(w http.ResponseWriter, r *http.Request) {
		if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "multipart/form-data" || r.FormValue("prompt") != "a “fox”" {
			t.Errorf("%q: %q, %v", kind, r.FormValue("prompt"), err)
		}
		_, _ = w.Write(picture(t, png.Encode))
	})
	if _, _, err := c.MakeImage(t.Context(), "@cf/black-forest-labs/flux-2-klein-4b", "a “fox”"); err != nil {
		t.Error(err)
	}
}

// A fault is a plain sentence, and is asked about once: each picture costs.
func TestPicturesThatAreNotMadeSayWhy(t *testing.T) {
	huge := append(picture(t, png.Encode), make([]byte, agent.MaxMadeBytes)...)
	for name, test := range map[string]struct {
		status int
		body   string
		class  Class
		public string
	}{
		"the day is over":     {429, envelope(4006, "you have used up your daily free allocation of 10,000 neurons"), Quota, "renewed at midnight UTC"},
		"refused":             {400, envelope(3030, "AiError: AiError: Input prompt contains NSFW content."), Fatal, "refuses to make such a picture"},
		"refused, other code": {400, envelope(8001, "AiError: prompt was flagged, please choose another"), Fatal, "refuses to make such a picture"},
		"withdrawn":           {410, envelope(5028, "Model was deprecated"), Next, "not available"},
		"no such model":       {400, envelope(5007, "No such model"), Next, "not available"},
		"another plan":        {403, envelope(5035, "needs Workers Paid"), Next, "not available"},
		"no permission":       {403, envelope(10000, "Authentication error"), Fatal, "refused the request"},
		"too long":            {413, envelope(3006, "Request is too large"), TooLong, "too long"},
		"a failure in a 200":  {200, `{"success":false,"errors":[{"code":8001,"message":"no"}],"result":null}`, Fatal, "refused the request"},
		"no picture":          {200, `{"success":true,"result":{"image":""}}`, Fatal, "without a picture"},
		"no base64":           {200, `{"success":true,"result":{"image":"<svg>"}}`, Fatal, "without a picture"},
		"text as a picture":   {200, `{"success":true,"result":{"image":"aGVsbG8gd29ybGQ="}}`, Fatal, "without a picture"},
		"half a picture":      {200, string(picture(t, png.Encode)[:16]), Fatal, "without a picture"},
		"a page":              {200, "<html>hello</html>", Fatal, "without a picture"},
		"nothing":             {200, "", Fatal, "without a picture"},
		"a list":              {200, `[1,2]`, Fatal, "without a picture"},
		"too large":           {200, string(huge), Fatal, "too large to be shown"},
	} {
		t.Run(name, func(t *testing.T) {
			asked := 0
			c := serving(t, Options{}, func(w http.ResponseWriter, r *http.Request) {
				_, _ = io.Copy(io.Discard, r.Body)
				asked++
				fail(w, test.status, test.body)
			})
			img, _, err := c.MakeImage(t.Context(), "@cf/some/painter", "x")
			e, ok := errors.AsType[*Error](err)
			if !ok || e.Class != test.class || !strings.Contains(e.Public(), test.public) || img.Data != nil || asked != 1 {
				t.Errorf("got %v after %d requests: %q", err, asked, agent.Explain(err))
			}
			if ok && (strings.Contains(e.Error(), testToken) || strings.Contains(e.Error(), testAccount)) {
				t.Errorf("secrets in %v", e)
			}
		})
	}
	c := newClient(t, Options{OpenAIURL: "http://127.0.0.1:1/v1"})
	if _, _, err := c.MakeImage(t.Context(), "m", "x"); !errors.Is(err, errNoService) || !strings.Contains(agent.Explain(err), "makes no pictures") {
		t.Errorf("with openai_url: %v", err)
	}
}

func TestAnAnswerWithoutEndIsNoPicture(t *testing.T) {
	c := serving(t, Options{}, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		chunk := append(picture(t, png.Encode), make([]byte, 1<<20)...)
		for range maxServed>>20 + 1 {
			if _, err := w.Write(chunk); err != nil {
				return
			}
		}
	})
	if _, _, err := c.MakeImage(t.Context(), "m", "x"); err == nil || !strings.Contains(err.Error(), "does not end") {
		t.Errorf("got %v", err)
	}
}

func TestABusyPainterIsAskedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		busy := 1
		c := inMemory(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			if busy--; busy >= 0 {
				fail(w, 429, envelope(3040, "Capacity temporarily exceeded, please try again."))
				return
			}
			_, _ = w.Write(picture(t, png.Encode))
		}), Options{})
		if img, _, err := c.MakeImage(t.Context(), "m", "x"); err != nil || img.Type != "image/png" {
			t.Errorf("got %s, %v", img.Type, err)
		}
		busy = 100
		if _, _, err := c.MakeImage(t.Context(), "m", "x"); err == nil || !strings.Contains(agent.Explain(err), "too busy") {
			t.Errorf("got %v", err)
		}
	})
}
