package sandbox

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"image"
	_ "image/gif"  // what models see
	_ "image/jpeg" // what models see
	_ "image/png"  // what models see
	"slices"
	"strings"
)

// AIImage is a picture in a message.
type AIImage struct {
	Type string // MIME, as it was declared
	Data []byte
}

// aiSeers are parts of the ids of models that take pictures.
var aiSeers = []string{"/glm-5.3-flash", "/gemma-4-", "/qwen3.8-", "/kimi-k2.6", "/kimi-k2.7", "/deepseek-v4-pro", "/llama-4-", "/mistral-small-3.1-", "-vision-"}

func aiSees(model string) bool {
	return slices.ContainsFunc(aiSeers, func(part string) bool { return strings.Contains(model, part) })
}

// UnmarshalJSON reads a message whose content is a text, or a list of texts and pictures.
func (m *AIMessage) UnmarshalJSON(b []byte) error {
	type plain AIMessage
	in := struct {
		*plain
		Content json.RawMessage `json:"content"`
	}{plain: (*plain)(m)}
	if err := json.Unmarshal(b, &in); err != nil {
		return err
	}
	if len(in.Content) == 0 || in.Content[0] != '[' {
		if in.Content == nil {
			return nil
		}
		return json.Unmarshal(in.Content, &m.Content)
	}
	var parts []struct {
		Type  string `json:"type"`
		Text  string `json:"text"`
		Image struct {
			URL string `json:"url"`
		} `json:"image_url"`
	}
	if err := json.Unmarshal(in.Content, &parts); err != nil {
		return err
	}
	m.Parts = true
	var text []string
	for _, p := range parts {
		switch p.Type {
		case "text":
			text = append(text, p.Text)
		case "image_url":
			m.Images = append(m.Images, aiImageOf(p.Image.URL))
		default:
			return fmt.Errorf("no such part: %q", p.Type)
		}
	}
	joined := strings.Join(text, "\n")
	m.Content = &joined
	return nil
}

// aiImageOf reads a data URL. What is none gives a picture without data.
func aiImageOf(url string) (p AIImage) {
	rest, ok := strings.CutPrefix(url, "data:")
	kind, data, found := strings.Cut(rest, ";base64,")
	if !ok || !found {
		return p
	}
	p.Type = kind
	p.Data, _ = base64.StdEncoding.DecodeString(data) // what is no base64 is no picture, see check
	return p
}

// check says what is wrong with a picture.
func (p AIImage) check() string {
	switch {
	case !strings.HasPrefix(p.Type, "image/"):
		return "'image_url' must match ^data:image/"
	case len(p.Data) == 0:
		return "Invalid data for image - reason invalid base64 encoding"
	case p.Type == "image/webp" && len(p.Data) > 12 && string(p.Data[:4]) == "RIFF" && string(p.Data[8:12]) == "WEBP":
		return ""
	}
	_, format, err := image.DecodeConfig(bytes.NewReader(p.Data))
	if err != nil || "image/"+format != p.Type {
		return "Invalid data for image - reason cannot identify image file"
	}
	return ""
}

// words say what the stand-in makes of a picture: its size, and the colour that there is
// most of.
func (p AIImage) words() string {
	img, _, err := image.Decode(bytes.NewReader(p.Data))
	if err != nil {
		return "a picture of a format that I cannot look into"
	}
	const grid = 24
	b, count := img.Bounds(), map[string]int{}
	most := ""
	for i := range grid * grid {
		r, g, bl, a := img.At(b.Min.X+b.Dx()*(i%grid)/grid, b.Min.Y+b.Dy()*(i/grid)/grid).RGBA()
		name := "transparent"
		if a > 0x7fff {
			name = aiColour(int(r>>8), int(g>>8), int(bl>>8))
		}
		if count[name]++; count[name] > count[most] {
			most = name
		}
	}
	return fmt.Sprintf("a picture of %d × %d pixels, mostly %s", b.Dx(), b.Dy(), most)
}

// aiColour names the nearest of a few colours.
func aiColour(r, g, b int) string {
	best, least := "", 1<<30
	for _, c := range []struct {
		name    string
		r, g, b int
	}{
		{"black", 0, 0, 0}, {"white", 255, 255, 255}, {"grey", 128, 128, 128}, {"red", 220, 30, 30}, {"green", 30, 160, 50}, {"blue", 30, 60, 210},
		{"yellow", 240, 220, 40}, {"orange", 240, 140, 20}, {"purple", 130, 40, 160}, {"brown", 120, 75, 40}, {"pink", 245, 160, 190}, {"turquoise", 40, 190, 200},
	} {
		d := (r-c.r)*(r-c.r) + (g-c.g)*(g-c.g) + (b-c.b)*(b-c.b)
		if d < least {
			best, least = c.name, d
		}
	}
	return best
}
