package sandbox

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"mime"
	"net/http"
	"slices"
	"strings"
)

const (
	aiAccountPath = "/client/v4/accounts/{account}/ai/"
	aiMaxUpload   = 64 << 20
	aiWhisper     = "@cf/openai/whisper-large-v3-turbo"
)

// AIUse is a request to a service that is not the chat.
type AIUse struct {
	Service string // "tomarkdown", or a model
	Name    string // of the document; of a picture that was made, its description
	Size    int    // bytes, of what was sent, or of the picture
}

// Uses returns the newest hundred of the well-formed requests for conversions, transcripts
// and pictures, oldest first.
func (a *WorkersAI) Uses() []AIUse {
	a.mu.Lock()
	defer a.mu.Unlock()
	return slices.Clone(a.uses)
}

func (a *WorkersAI) used(u AIUse) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.uses) == aiKeptRequests {
		a.uses = a.uses[1:]
	}
	a.uses = append(a.uses, u)
}

// admit refuses those who bring no token, or one of another account.
func (a *WorkersAI) admit(w http.ResponseWriter, r *http.Request) bool {
	if id := a.opts.AccountID; id != "" && r.PathValue("account") != id {
		aiRefuse(w, AIFails(http.StatusNotFound, 7003, "Could not route to "+r.URL.Path+", perhaps your object identifier is invalid?"))
		return false
	}
	token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if !ok || token == "" || a.opts.APIToken != "" && token != a.opts.APIToken {
		aiRefuse(w, AIFails(http.StatusUnauthorized, 10000, "Authentication error"))
		return false
	}
	return true
}

// aiConversion is what became of one document.
type aiConversion struct {
	ID     string `json:"id"`
	Name   string `json:"name"`
	Type   string `json:"mimeType"`
	Format string `json:"format"`
	Tokens int    `json:"tokens,omitempty"`
	Data   string `json:"data,omitempty"`
	Error  string `json:"error,omitempty"`
}

// serveMarkdown converts the documents of a form.
func (a *WorkersAI) serveMarkdown(w http.ResponseWriter, r *http.Request) {
	if !a.admit(w, r) {
		return
	}
	r.Body = http.MaxBytesReader(w, r.Body, aiMaxUpload)
	form, err := r.MultipartReader()
	if err != nil {
		aiRefuse(w, AIFails(http.StatusBadRequest, 8001, "Invalid input: multipart/form-data is expected"))
		return
	}
	var done []aiConversion
	for {
		part, err := form.NextPart()
		if errors.Is(err, io.EOF) {
			break
		}
		var data []byte
		if err == nil {
			data, err = io.ReadAll(part)
		}
		if err != nil {
			aiRefuse(w, AIFails(http.StatusBadRequest, 8001, "Invalid input: "+err.Error()))
			return
		}
		switch {
		case part.FormName() == "conversionOptions":
			if !json.Valid(data) {
				aiRefuse(w, AIFails(http.StatusBadRequest, 8001, "Invalid input: conversionOptions"))
				return
			}
			continue
		case part.FormName() != "files" || part.FileName() == "":
			aiRefuse(w, AIFails(http.StatusBadRequest, 8001, "Invalid input: "+part.FormName()))
			return
		}
		kind, _, _ := mime.ParseMediaType(part.Header.Get("Content-Type"))
		c := aiConversion{ID: fmt.Sprintf("%d", len(done)+1), Name: part.FileName(), Type: kind, Format: "markdown"}
		if c.Data, err = aiConvert(c.Name, data); err != nil {
			c.Format, c.Error = "error", err.Error()
		}
		c.Tokens = len(c.Data) / 4
		done = append(done, c)
		a.used(AIUse{Service: "tomarkdown", Name: c.Name, Size: len(data)})
	}
	if len(done) == 0 {
		aiRefuse(w, AIFails(http.StatusBadRequest, 8001, "Invalid input: no files"))
		return
	}
	aiResult(w, done)
}

// serveSupported lists what can be converted.
func (a *WorkersAI) serveSupported(w http.ResponseWriter, r *http.Request) {
	if !a.admit(w, r) {
		return
	}
	type format struct {
		Extension string `json:"extension"`
		Type      string `json:"mimeType"`
	}
	var list []format
	for _, ext := range slices.Sorted(maps.Keys(aiConverters)) {
		list = append(list, format{"." + ext, mime.TypeByExtension("." + ext)})
	}
	aiResult(w, list)
}

// serveRun runs the models that are there beside those of the chat: Whisper, which cannot
// hear and says so, and those that make pictures.
func (a *WorkersAI) serveRun(w http.ResponseWriter, r *http.Request) {
	if !a.admit(w, r) {
		return
	}
	model := r.PathValue("model")
	if p, ok := aiPainters[model]; ok {
		a.servePainter(w, r, model, p)
		return
	}
	if model != aiWhisper {
		aiRefuse(w, AIFails(http.StatusBadRequest, 5007, "No such model "+model))
		return
	}
	var in struct {
		Audio    []byte `json:"audio"`
		Task     string `json:"task"`
		Language string `json:"language"`
		VAD      bool   `json:"vad_filter"`
		Prompt   string `json:"initial_prompt"`
	}
	d := json.NewDecoder(http.MaxBytesReader(w, r.Body, aiMaxUpload))
	d.DisallowUnknownFields()
	if err := d.Decode(&in); err != nil || in.Task != "" && in.Task != "transcribe" && in.Task != "translate" {
		aiRefuse(w, AIFails(http.StatusBadRequest, 5006, "AiError: AiError: Error: required properties at '/' are 'audio'"))
		return
	}
	if !aiIsAudio(in.Audio) {
		aiRefuse(w, AIFails(http.StatusBadRequest, 8001, "AiError: AiError: Invalid audio"))
		return
	}
	a.used(AIUse{Service: aiWhisper, Size: len(in.Audio)})
	text := fmt.Sprintf("This is what a stand-in hears in a recording of %d bytes.", len(in.Audio))
	aiResult(w, map[string]any{
		"text": text, "word_count": len(strings.Fields(text)), "vtt": "WEBVTT\n\n00:00.000 --> 00:04.000\n" + text + "\n",
		"segments":           []any{map[string]any{"start": 0, "end": 4, "text": text}},
		"transcription_info": map[string]any{"language": "en", "language_probability": 0.99, "duration": 4},
	})
}

// aiIsAudio knows the usual containers of sound.
func aiIsAudio(data []byte) bool {
	if len(data) < 12 {
		return false
	}
	for _, magic := range []string{"OggS", "ID3", "fLaC", "RIFF", "FORM", "\x1a\x45\xdf\xa3", "#!AMR", "\xff\xfb", "\xff\xf3", "\xff\xf2", "\xff\xf1", "\xff\xf9"} {
		if strings.HasPrefix(string(data[:12]), magic) {
			return true
		}
	}
	return string(data[4:8]) == "ftyp"
}

// aiResult answers with Cloudflare's envelope.
func aiResult(w http.ResponseWriter, result any) {
	w.Header().Set("Content-Type", "application/json")
	// A client that is gone needs no answer.
	_ = json.NewEncoder(w).Encode(map[string]any{"success": true, "result": result, "errors": []any{}, "messages": []any{}})
}
