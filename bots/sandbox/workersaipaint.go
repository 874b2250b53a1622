package sandbox

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"io"
	"math"
	"math/rand/v2"
	"mime"
	"mime/multipart"
	"net/http"
	"strings"
	"unicode/utf8"
)

// aiPainter is a model that makes pictures.
type aiPainter struct {
	form  bool // it takes a form instead of JSON
	bytes bool // it answers with the picture's bytes instead of JSON
}

var aiPainters = map[string]aiPainter{
	"@cf/black-forest-labs/flux-1-schnell":         {},
	"@cf/black-forest-labs/flux-2-klein-4b":        {form: true},
	"@cf/stabilityai/stable-diffusion-xl-base-1.0": {bytes: true},
}

// aiMaxPrompt is the longest description of a picture, in characters.
const aiMaxPrompt = 2048

// servePainter makes a picture of a description: threads, woven as the description has it.
// One that has the word NSFW in it is refused.
func (a *WorkersAI) servePainter(w http.ResponseWriter, r *http.Request, model string, p aiPainter) {
	prompt, err := aiPrompt(http.MaxBytesReader(w, r.Body, aiMaxBody), r, p.form)
	switch n := utf8.RuneCountInString(prompt); {
	case err != nil:
		aiRefuse(w, AIFails(http.StatusBadRequest, 5006, "AiError: AiError: "+err.Error()))
		return
	case n == 0 || n > aiMaxPrompt:
		aiRefuse(w, AIFails(http.StatusBadRequest, 5006, "AiError: AiError: Error: Length of '/prompt' must be >= 1 and <= 2048"))
		return
	case strings.Contains(strings.ToLower(prompt), "nsfw"):
		aiRefuse(w, AIFails(http.StatusBadRequest, 3030, "AiError: AiError: Input prompt contains NSFW content."))
		return
	}
	data := aiPaint(prompt, p.bytes)
	a.used(AIUse{Service: model, Name: prompt, Size: len(data)})
	if !p.bytes {
		aiResult(w, map[string]any{"image": data})
		return
	}
	w.Header().Set("Content-Type", "image/png")
	_, _ = w.Write(data) // a client that is gone needs none
}

// aiPrompt reads the description of a picture.
func aiPrompt(body io.Reader, r *http.Request, form bool) (string, error) {
	kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if form != (kind == "multipart/form-data") {
		return "", fmt.Errorf("the model does not take %s", kind)
	}
	if form {
		r.Body = io.NopCloser(body)
		parts, err := r.MultipartReader()
		for err == nil {
			var part *multipart.Part
			if part, err = parts.NextPart(); err == nil && part.FormName() == "prompt" {
				var prompt []byte
				prompt, err = io.ReadAll(part)
				return string(prompt), err
			}
		}
		return "", err
	}
	var in struct {
		Prompt string `json:"prompt"`
		Steps  int    `json:"steps"`
		Seed   int    `json:"seed"`
	}
	d := json.NewDecoder(body)
	d.DisallowUnknownFields()
	err := d.Decode(&in)
	if err == nil && in.Steps > 8 {
		err = errors.New("'/steps' must be <= 8")
	}
	return in.Prompt, err
}

// aiSide is the width and height of a picture, in pixels.
const aiSide = 320

// aiPaint weaves a cloth whose colours and pattern follow from the description.
func aiPaint(prompt string, asPNG bool) []byte {
	h := fnv.New64a()
	_, _ = io.WriteString(h, prompt)            // a hash takes all
	dice := rand.New(rand.NewPCG(h.Sum64(), 1)) //nolint:gosec // a pattern
	hue, wave, bend := dice.Float64(), 1+3*dice.Float64(), 4+12*dice.Float64()
	warp, weft := aiYarn(hue), aiYarn(hue+0.15+0.3*dice.Float64())
	img := image.NewRGBA(image.Rect(0, 0, aiSide, aiSide))
	const thread = 8 // pixels
	for y := range aiSide {
		for x := range aiSide {
			col, row := x/thread, y/thread
			lift := math.Sin(float64(row)*wave*math.Pi/20)*bend + float64(col)
			over := (int(math.Floor(lift))+row)%4 < 2
			yarn, across := weft, float64(y%thread)
			if over {
				yarn, across = warp, float64(x%thread)
			}
			light := 0.55 + 0.45*math.Sin(math.Pi*(across+0.5)/thread) // a thread is round
			img.SetRGBA(x, y, color.RGBA{uint8(yarn[0] * light), uint8(yarn[1] * light), uint8(yarn[2] * light), 255})
		}
	}
	var b bytes.Buffer
	if asPNG {
		_ = png.Encode(&b, img) // a buffer takes all
	} else {
		_ = jpeg.Encode(&b, img, nil)
	}
	return b.Bytes()
}

// aiYarn is a colour: red, green and blue up to 255.
func aiYarn(hue float64) (rgb [3]float64) {
	for i := range rgb {
		rgb[i] = 160 + 65*math.Cos(2*math.Pi*(hue-float64(i)/3))
	}
	return rgb
}
