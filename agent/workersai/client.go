package workersai

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"bobbin/agent"
)

// DefaultBaseURL is Cloudflare's API.
const DefaultBaseURL = "https://api.cloudflare.com/client/v4"

const (
	defaultMaxTokens   = 4096
	defaultIdleTimeout = 75 * time.Second
)

// Options configures a Client.
type Options struct {
	AccountID string // Cloudflare account: 32 hexadecimal digits
	APIToken  string // needs the permissions Workers AI Read and Edit
	BaseURL   string // empty: DefaultBaseURL
	// OpenAIURL names a server compatible with OpenAI's chat completions instead of
	// Workers AI, such as http://127.0.0.1:11434/v1. AccountID is then not used,
	// APIToken is optional, and nothing that is Cloudflare's own is sent.
	OpenAIURL string
	Gateway   string // id of an AI Gateway; empty: none
	// Models is the chain: the first that can answer does.
	Models []string
	// VisionModels are models of the chain that take pictures although their names are
	// not among those that are known to.
	VisionModels []string
	// SpeechModel writes down what is said in recordings; empty: [DefaultSpeechModel].
	SpeechModel string
	// MaxTokens bounds an answer, reasoning included, where the request does not.
	// 0 means 4096. Models that always reason get at least 4096 of it, since less
	// makes their answers come out empty.
	MaxTokens int
	// IdleTimeout is how long a stream may be silent, also before its first event.
	// 0 means 75 seconds.
	IdleTimeout time.Duration
	// HTTPClient sends the requests. It must have no total time-out, which would cut
	// long answers. Nil: one with keep-alive, HTTP/2 and dial time-outs.
	HTTPClient *http.Client
	Log        *slog.Logger // nil: no log
}

// Client is a Model on Workers AI. It is safe for concurrent use.
type Client struct {
	opts     Options
	account  string // URL of the account, without which there is only the chat
	endpoint string
	http     *http.Client
	log      *slog.Logger
	tools    toolCache
	secrets  *strings.Replacer

	mu       sync.Mutex
	verdicts map[string]verdict // by model
	warned   map[string]bool    // by model and code
	paused   *Error             // the account's day is used up
	resume   time.Time          // when paused ends
}

var _ agent.Model = (*Client)(nil)

var (
	cloudflareAccount = regexp.MustCompile(`^[0-9a-f]{32}$`)
	otherAccount      = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)
)

// New checks o and returns a Client. It makes no request. All faults of o are in the
// returned error, each on a line of its own, and none of its secrets.
func New(o Options) (*Client, error) {
	var faults []error
	fault := func(format string, args ...any) { faults = append(faults, fmt.Errorf(format, args...)) }

	o.MaxTokens = cmp.Or(o.MaxTokens, defaultMaxTokens)
	o.SpeechModel = cmp.Or(o.SpeechModel, DefaultSpeechModel)
	o.IdleTimeout = cmp.Or(o.IdleTimeout, defaultIdleTimeout)
	o.BaseURL = strings.TrimRight(cmp.Or(o.BaseURL, DefaultBaseURL), "/")
	o.OpenAIURL = strings.TrimRight(o.OpenAIURL, "/")
	if o.MaxTokens < 0 {
		fault("workers ai: max_tokens is negative")
	}
	if o.IdleTimeout < 0 {
		fault("workers ai: the idle time-out is negative")
	}
	if len(o.Models) == 0 {
		fault("workers ai: no model is named; name at least one in models")
	}
	for _, m := range slices.Concat(o.Models, o.VisionModels, []string{o.SpeechModel}) {
		if m == "" || strings.ContainsFunc(m, func(r rune) bool { return r <= ' ' || r == 0x7f }) {
			fault("workers ai: %q is no model id", m)
		}
	}
	if !headerSafe(o.APIToken) {
		fault("workers ai: the API token holds spaces or control characters; copy it again")
	}
	if !headerSafe(o.Gateway) {
		fault("workers ai: the gateway id holds spaces or control characters")
	}

	account, endpoint := "", o.OpenAIURL+"/chat/completions"
	if o.OpenAIURL != "" {
		if err := checkURL(o.OpenAIURL); err != nil {
			fault("workers ai: openai_url: %w", err)
		}
	} else {
		if err := checkURL(o.BaseURL); err != nil {
			fault("workers ai: base_url: %w", err)
		}
		want := otherAccount
		if strings.HasPrefix(o.BaseURL, "https://api.cloudflare.com/") {
			want = cloudflareAccount
		}
		if !want.MatchString(o.AccountID) {
			fault("workers ai: the account id must be the 32 hexadecimal digits from the dashboard's address (a token is no account id)")
		}
		if o.APIToken == "" {
			fault("workers ai: no API token; create one with Workers AI Read and Edit")
		}
		account = o.BaseURL + "/accounts/" + o.AccountID
		endpoint = account + "/ai/v1/chat/completions"
	}
	if len(faults) > 0 {
		return nil, errors.Join(faults...)
	}

	c := &Client{
		opts:     o,
		account:  account,
		endpoint: endpoint,
		http:     o.HTTPClient,
		log:      o.Log,
		secrets:  secretReplacer(o.APIToken, o.AccountID),
		verdicts: make(map[string]verdict),
		warned:   make(map[string]bool),
	}
	if c.log == nil {
		c.log = slog.New(slog.DiscardHandler)
	}
	if c.http == nil {
		c.http = newHTTPClient()
	}
	return c, nil
}

// Stream asks the first model of the chain that can answer, beginning with the one that
// r prefers. With pictures in r those that can see come before the others, which are told
// that there is something that they cannot see. The newest pictures are sent; one that is
// larger than [MaxImage] is refused.
//
// Until the first chunk with text, a failed attempt is repeated or the next model is
// asked, so chunks that only say that a model reasons may be followed by another
// model's. The Model of the last chunk is the one that answered.
//
// Errors are of type *[Error], or wrap ctx's error and its cause.
func (c *Client) Stream(ctx context.Context, r agent.Request) iter.Seq2[agent.Chunk, error] {
	s := &step{client: c, request: r}
	return func(yield func(agent.Chunk, error) bool) {
		s.yield = yield
		if err := s.run(ctx); err != nil && !s.broken {
			yield(agent.Chunk{}, err)
		}
	}
}

// Close drops the connections that are kept open for the next request.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// cloudflare reports whether the other side is Workers AI.
func (c *Client) cloudflare() bool { return c.opts.OpenAIURL == "" }

func newHTTPClient() *http.Client {
	dialer := &net.Dialer{Timeout: 10 * time.Second, KeepAlive: 30 * time.Second}
	return &http.Client{
		Transport: &http.Transport{
			Proxy:               http.ProxyFromEnvironment,
			DialContext:         dialer.DialContext,
			TLSHandshakeTimeout: 10 * time.Second,
			ForceAttemptHTTP2:   true,
			MaxIdleConns:        256,
			MaxIdleConnsPerHost: 256,
			IdleConnTimeout:     90 * time.Second,
			// A compressing proxy would hold events back until its window is full.
			DisableCompression: true,
			// Most requests, and what arrives of an answer at once, take one call each.
			WriteBufferSize: 16 << 10,
			ReadBufferSize:  16 << 10,
			// A connection that died unnoticed would otherwise cost the whole idle
			// time-out of every session on it.
			HTTP2: &http.HTTP2Config{SendPingTimeout: 20 * time.Second, PingTimeout: 10 * time.Second},
		},
		// A redirected POST would lose its body or carry the conversation elsewhere.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

func checkURL(s string) error {
	u, err := url.Parse(s)
	if err != nil {
		return errors.New("not a URL") // the parser's own error repeats the text, perhaps with a password
	}
	if u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return errors.New("must begin with http:// or https:// and a host")
	}
	if u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return errors.New("must have no user, query or fragment")
	}
	return nil
}

func headerSafe(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r >= 0x7f })
}

// secretReplacer takes what must not be seen out of texts that others wrote.
func secretReplacer(secrets ...string) *strings.Replacer {
	var pairs []string
	for _, s := range secrets {
		if len(s) >= 6 { // a shorter one is no secret, and would eat ordinary words
			pairs = append(pairs, s, "[hidden]")
		}
	}
	return strings.NewReplacer(pairs...)
}
