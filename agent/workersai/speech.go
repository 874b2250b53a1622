package workersai

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
)

// DefaultSpeechModel is Whisper. It takes recordings of most formats.
const DefaultSpeechModel = "@cf/openai/whisper-large-v3-turbo"

// MaxAudio is the longest recording that is transcribed, in bytes. The service documents
// no bound; long ones take it minutes, after which it gives up.
const MaxAudio = 25 << 20

// Transcribe returns what is said in a recording, in its own language; empty if nothing
// is. An error is [agent.Public].
func (c *Client) Transcribe(ctx context.Context, audio []byte) (string, error) {
	if len(audio) > MaxAudio {
		return "", &Error{
			Model: c.opts.SpeechModel, Message: fmt.Sprintf("a recording has %d bytes of at most %d", len(audio), MaxAudio),
			public: fmt.Sprintf("it is larger than the %d MiB of a recording that I can listen to.", MaxAudio>>20),
		}
	}
	body, err := json.Marshal(struct {
		Audio []byte `json:"audio"` // as base64
		Task  string `json:"task"`
		// In silence the model hears words that nobody said.
		SkipSilence bool `json:"vad_filter"`
	}{audio, "transcribe", true})
	if err != nil {
		return "", fmt.Errorf("workers ai: build a request: %w", err)
	}
	raw, err := c.serve(ctx, service{
		name: c.opts.SpeechModel, path: "/ai/run/" + c.opts.SpeechModel, contentType: "application/json", body: body, gateway: true,
	})
	if err != nil {
		return "", err
	}
	var heard struct {
		Text *looseText `json:"text"`
	}
	if err := json.Unmarshal(raw, &heard); err != nil || heard.Text == nil {
		return "", &Error{Model: c.opts.SpeechModel, Message: "the answer holds no transcript", public: "the recording could not be understood."}
	}
	return strings.ToValidUTF8(strings.TrimSpace(string(*heard.Text)), "\ufffd"), nil
}
