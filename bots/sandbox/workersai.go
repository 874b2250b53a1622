package sandbox

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"sync"
	"time"
)

// AIPace is a token's time at which an answer reads as if somebody wrote it.
const AIPace = 32 * time.Millisecond

const (
	aiMaxBody      = 10_000_000
	aiKeptRequests = 100
	// aiDefaultTokens is how short the service cuts an answer when max_tokens is missing.
	aiDefaultTokens = 256
)

// WorkersAIOptions configures a WorkersAI.
type WorkersAIOptions struct {
	AccountID string   // empty: any account will do
	APIToken  string   // empty: any token will do, but there has to be one
	Models    []string // empty: any model exists
	// Pace is the time between two tokens; 0: none. See AIPace.
	Pace time.Duration
	// Script decides each answer. Nil: AIStandIn does.
	Script func(context.Context, AIRequest) AIReply
}

// WorkersAI stands in for Cloudflare Workers AI: its chat endpoint, with the quirks
// of its streams and the refusals of its validation, its conversion to Markdown, Whisper,
// and models that make pictures. It is safe for concurrent use.
type WorkersAI struct {
	opts WorkersAIOptions
	mux  *http.ServeMux

	mu     sync.Mutex
	script func(context.Context, AIRequest) AIReply
	count  int
	kept   []AIRequest // the newest
	uses   []AIUse     // the newest
}

// NewWorkersAI returns a stand-in. It needs no closing; its answers end with the
// requests they belong to.
func NewWorkersAI(o WorkersAIOptions) *WorkersAI {
	a := &WorkersAI{opts: o, mux: http.NewServeMux()}
	a.SetScript(o.Script)
	a.mux.HandleFunc("POST "+aiAccountPath+"v1/chat/completions", a.serve)
	a.mux.HandleFunc("POST "+aiAccountPath+"run/{model...}", a.serveRun)
	a.mux.HandleFunc("POST "+aiAccountPath+"tomarkdown", a.serveMarkdown)
	a.mux.HandleFunc("GET "+aiAccountPath+"tomarkdown/supported", a.serveSupported)
	a.mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		aiRefuse(w, AIFails(http.StatusNotFound, 7003, "Could not route to "+r.URL.Path+", perhaps your object identifier is invalid?"))
	})
	return a
}

// Handler serves, below /client/v4/accounts/{account}/ai/, POST v1/chat/completions, POST
// run/{model} of Whisper and of models that make pictures, POST tomarkdown and GET tomarkdown/supported.
func (a *WorkersAI) Handler() http.Handler { return a.mux }

// SetScript replaces what decides the answers; nil is AIStandIn.
func (a *WorkersAI) SetScript(script func(context.Context, AIRequest) AIReply) {
	if script == nil {
		script = func(_ context.Context, r AIRequest) AIReply { return AIStandIn(r) }
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.script = script
}

// Count returns how many well-formed requests have arrived.
func (a *WorkersAI) Count() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.count
}

// Requests returns the newest hundred of the well-formed requests, oldest first.
func (a *WorkersAI) Requests() []AIRequest {
	a.mu.Lock()
	defer a.mu.Unlock()
	return slices.Clone(a.kept)
}

func (a *WorkersAI) serve(w http.ResponseWriter, r *http.Request) {
	if !a.admit(w, r) {
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, aiMaxBody))
	if err != nil {
		aiRefuse(w, AIFails(http.StatusRequestEntityTooLarge, 3006, "Request is too large"))
		return
	}
	var req AIRequest
	if err := json.Unmarshal(body, &req); err != nil {
		aiRefuse(w, AIFails(http.StatusBadRequest, 8001, "Invalid input"))
		return
	}
	if len(a.opts.Models) > 0 && !slices.Contains(a.opts.Models, req.Model) {
		aiRefuse(w, AIFails(http.StatusBadRequest, 5007, "No such model "+req.Model))
		return
	}
	if refusal := req.check(); refusal.Status != 0 {
		aiRefuse(w, refusal)
		return
	}
	req.Session = r.Header.Get("X-Session-Affinity")
	if req.MaxTokens == 0 {
		req.MaxTokens = aiDefaultTokens
	}

	a.mu.Lock()
	a.count++
	req.Number = a.count
	if len(a.kept) == aiKeptRequests {
		a.kept = slices.Delete(a.kept, 0, 1)
	}
	a.kept = append(a.kept, req)
	script := a.script
	a.mu.Unlock()

	a.answer(w, r, req, script(r.Context(), req))
}
