package workersai

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"image"
	_ "image/gif"  // to look at pictures
	_ "image/jpeg" // to look at pictures
	_ "image/png"  // to look at pictures
	"mime/multipart"
	"net/http"
	"strings"

	"bobbin/agent"
)

// DefaultImageModel is FLUX.1 schnell. A picture of 1024 × 1024 pixels costs some 58 neurons
// by its price list, for four tiles and four steps, and it takes descriptions of up to 2,048
// characters: developers.cloudflare.com/workers-ai/models/flux-1-schnell.
const DefaultImageModel = "@cf/black-forest-labs/flux-1-schnell"

// MakeImage has a model make a picture of a description, of at most [agent.MaxMadeBytes].
// Most models answer with it as base64 in JSON, some with its bytes. Usage is zero where
// the service does not tell. An error is [agent.Public].
func (c *Client) MakeImage(ctx context.Context, model, prompt string) (img agent.Image, u agent.Usage, err error) {
	defer func() {
		if err != nil && ctx.Err() == nil {
			c.log.WarnContext(ctx, "a picture could not be made", "error", err)
		}
	}()
	contentType, body, err := imageRequest(model, prompt)
	if err != nil {
		return agent.Image{}, agent.Usage{}, fmt.Errorf("workers ai: build a request: %w", err)
	}
	raw, err := c.serve(ctx, service{
		name: model, path: "/ai/run/" + model, contentType: contentType, body: body, gateway: true, picture: true, says: ofImage,
	})
	if err != nil {
		return agent.Image{}, agent.Usage{}, err
	}
	img.Data = raw
	if img.Type = pictureType(raw); img.Type == "" {
		img.Data, u = imageAnswer(raw)
		img.Type = pictureType(img.Data)
	}
	switch {
	case img.Type == "":
		return agent.Image{}, u, noPicture(model)
	case len(img.Data) > agent.MaxMadeBytes:
		return agent.Image{}, u, &Error{
			Model: model, Message: fmt.Sprintf("the picture has %d bytes of at most %d", len(img.Data), agent.MaxMadeBytes),
			public: "the picture came out too large to be shown.",
		}
	}
	return img, u, nil
}

func noPicture(model string) error {
	return &Error{Model: model, Message: "the answer holds no picture", public: "the service answered without a picture."}
}

// imageAnswer reads an answer in JSON: an object with the picture, or the picture alone. It
// returns nil for anything else.
func imageAnswer(raw []byte) ([]byte, agent.Usage) {
	type cost struct {
		Neurons float64 `json:"neurons"`
	}
	var in struct {
		Image looseText `json:"image"`
		Usage cost      `json:"usage"`
		Meta  cost      `json:"meta"`
	}
	if json.Unmarshal(raw, &in) != nil && json.Unmarshal(raw, &in.Image) != nil {
		return nil, agent.Usage{}
	}
	text := string(in.Image)
	if _, data, ok := strings.Cut(text, ";base64,"); ok && strings.HasPrefix(text, "data:") {
		text = data
	}
	data, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		data = nil
	}
	return data, agent.Usage{Neurons: max(count(in.Usage.Neurons), count(in.Meta.Neurons))}
}

// imageRequest is the body of a request. FLUX.2 takes forms only.
func imageRequest(model, prompt string) (contentType string, body []byte, err error) {
	if !strings.Contains(model, "/flux-2-") {
		body, err = json.Marshal(map[string]string{"prompt": prompt})
		return "application/json", body, err
	}
	var b bytes.Buffer
	form := multipart.NewWriter(&b)
	if err = form.WriteField("prompt", prompt); err == nil {
		err = form.Close()
	}
	return form.FormDataContentType(), b.Bytes(), err
}

// pictureType is the MIME type of a picture, by its content; empty for anything else.
func pictureType(data []byte) string {
	switch kind := http.DetectContentType(data); kind {
	case "image/webp":
		return kind
	case "image/png", "image/jpeg", "image/gif":
		if size, _, err := image.DecodeConfig(bytes.NewReader(data)); err == nil && size.Width > 0 && size.Height > 0 {
			return kind
		}
	}
	return ""
}

// ofImage is what a model reads, and tells people, of a picture that could not be made.
func ofImage(e *Error) string {
	switch {
	case e == nil:
		return "the language model server that I am set up with makes no pictures."
	case e.refusesContent():
		return "the service refuses to make such a picture. Another description may do."
	case e.Class == Retry:
		return "the service that makes pictures is too busy or not reachable right now."
	case e.Class == Quota:
		return "today's allowance of the service that makes pictures is used up. It is renewed at midnight UTC."
	case e.Class == TooLong:
		return "the description is too long."
	case e.Class == Next:
		return "the model that makes pictures is not available. The people who run me need to look at my settings."
	}
	return "the service that makes pictures refused the request. The people who run me can find the reason in my log."
}

// refusesContent reports whether a filter has refused what was asked for.
func (e *Error) refusesContent() bool {
	words := strings.ToLower(e.Message)
	return e.Code == 3030 || e.Class == Fatal && (strings.Contains(words, "nsfw") || strings.Contains(words, "flagged") || strings.Contains(words, "content filter"))
}
