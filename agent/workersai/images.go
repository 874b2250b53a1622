package workersai

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"bobbin/agent"
)

// MaxImage is the largest picture that is sent, in bytes.
const MaxImage = 4 << 20

// The pictures of one request. No bound of the service's own is documented beside that of
// a batch, 10 MB as text, which is a third more than as bytes.
const (
	maxImages     = 5
	maxImageBytes = 6 << 20
)

// imageTypes are those that all models take.
var imageTypes = []string{"image/png", "image/jpeg", "image/webp", "image/gif"}

// What a model is told of pictures that it does not get.
const (
	blindNote   = "[The picture itself is not here: this language model cannot see. Say so if the picture matters.]"
	tooManyNote = "[The picture itself is not here: too many came at once.]"
)

// attempting is a model to ask, with the pictures of the request or without.
type attempting struct {
	model    string
	pictures bool
}

// tries lists the models to ask, in their order.
func (c *Client) tries(r *agent.Request) []attempting {
	pictures := slices.ContainsFunc(r.Messages, func(e agent.Entry) bool { return e.Image != nil })
	var first, then []attempting
	for _, m := range c.opts.Models {
		to := &then
		if pictures && c.sees(m) {
			to = &first
		}
		t := attempting{model: m, pictures: to == &first}
		if m == r.Prefers {
			*to = slices.Insert(*to, 0, t)
			continue
		}
		*to = append(*to, t)
	}
	return append(first, then...)
}

// picturesRefused reports whether e may lie in the pictures, so that the same model may
// answer without them.
func picturesRefused(e *Error) bool {
	switch e.Status {
	case http.StatusBadRequest, http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType, http.StatusUnprocessableEntity:
		return e.Class == Fatal || e.Class == TooLong
	}
	words := strings.ToLower(e.Message)
	return slices.ContainsFunc([]string{"image", "vision", "multimodal", "mmproj"}, func(w string) bool { return strings.Contains(words, w) })
}

// checkImages refuses what no model could take.
func checkImages(es []agent.Entry) error {
	for i := range es {
		switch p := es[i].Image; {
		case p == nil:
		case len(p.Data) > MaxImage:
			return &Error{
				Message: fmt.Sprintf("a picture has %d bytes of at most %d", len(p.Data), MaxImage),
				public:  fmt.Sprintf("The picture is larger than the %d MiB that the language model takes.", MaxImage>>20),
			}
		case len(p.Data) == 0, !slices.Contains(imageTypes, p.Type):
			return &Error{
				Message: fmt.Sprintf("a picture of type %q with %d bytes", clip(p.Type, 80), len(p.Data)),
				public:  "The language model takes pictures as PNG, JPEG, WebP and GIF only.",
			}
		}
	}
	return nil
}

// imagesToSend are the indices of the newest entries whose pictures fit a request.
func imagesToSend(es []agent.Entry) map[int]bool {
	sent, size := make(map[int]bool), 0
	for i := len(es) - 1; i >= 0 && len(sent) < maxImages; i-- {
		if p := es[i].Image; p != nil {
			if size += len(p.Data); size > maxImageBytes {
				break
			}
			sent[i] = true
		}
	}
	return sent
}

// outPart is a part of a message with pictures.
type outPart struct {
	Type  string  `json:"type"`
	Text  string  `json:"text,omitempty"`
	Image *outURL `json:"image_url,omitempty"`
}

type outURL struct {
	URL string `json:"url"`
}

// MarshalJSON writes the content as a text, or as parts where there are pictures. Workers
// AI takes these as data only, never by their address.
func (m outMessage) MarshalJSON() ([]byte, error) {
	type plain outMessage
	if len(m.images) == 0 {
		return encode(plain(m))
	}
	var parts []outPart
	if m.Content != "" {
		parts = append(parts, outPart{Type: "text", Text: m.Content})
	}
	for _, p := range m.images {
		parts = append(parts, outPart{Type: "image_url", Image: &outURL{"data:" + p.Type + ";base64," + base64.StdEncoding.EncodeToString(p.Data)}})
	}
	return encode(struct {
		plain
		Content []outPart `json:"content"`
	}{plain(m), parts})
}

// encode writes JSON without escapes for HTML: they would blow code up, and models read it
// worse.
func encode(v any) ([]byte, error) {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	err := enc.Encode(v)
	return buf.Bytes(), err
}
