package slack

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"bobbin/agent"
	"bobbin/bots"
	"bobbin/bots/markup"

	slackgo "github.com/slack-go/slack"
	"golang.org/x/time/rate"
)

var (
	_ bots.Platform   = (*Slack)(nil)
	_ bots.Typist     = (*Slack)(nil)
	_ bots.Streamer   = (*Slack)(nil)
	_ bots.Uploader   = (*Slack)(nil)
	_ bots.Downloader = (*Slack)(nil)
	_ bots.Reader     = (*Slack)(nil)
	_ bots.Marker     = (*Slack)(nil)
	_ bots.Referrer   = (*Slack)(nil)
	_ bots.Worder     = (*Slack)(nil)
)

// DefaultAPIURL is where the Web API is found unless Options say otherwise.
const DefaultAPIURL = "https://slack.com/api/"

// Options configures a [Slack].
type Options struct {
	BotToken string // xoxb-…; needed
	// AppToken (xapp-…, scope connections:write) selects Socket Mode.
	AppToken string
	// SigningSecret selects HTTP mode if there is no AppToken.
	SigningSecret string
	// Listen is the address of HTTP mode's server. Port 0 takes a free one; see Addr.
	Listen string
	// APIURL is the root of the Web API; empty means DefaultAPIURL.
	APIURL string
	// HTTPClient makes the calls; nil means one with sensible time-outs. It is
	// copied. If its transport is an *http.Transport, the WebSocket is dialed the
	// same way.
	HTTPClient *http.Client
	// Memory is what earlier runs have heard; nil means that nothing is remembered,
	// caught up with, or probed for.
	Memory bots.Memory
	// CatchUp is how far back messages are read that nobody listened to; 0 means that
	// none are.
	CatchUp time.Duration
	// Channels say who shares a conversation in a channel.
	Channels bots.Channels
	// Stream says how answers grow; empty means StreamEdits.
	Stream Stream
	// Reaction is the name of an emoji, without colons: to put it under a message asks
	// about it. Empty means that no emoji does.
	Reaction string
	// Greet offers a welcome where bobbin has come into a channel, and to people who look
	// at its messages for the first time.
	Greet bool
	// Prompts are suggested where Slack's pane for agents is opened; at most four are
	// shown.
	Prompts []Prompt
	// Home returns what the home tab of a person shows, as Markdown. nil means that the
	// tab is left as it is.
	Home func(ctx context.Context, user string) (markdown string, err error)
	// Log may be nil.
	Log *slog.Logger
}

// Slack is one bot account in one workspace. Use New.
type Slack struct {
	opts    Options
	log     *slog.Logger
	http    *http.Client // slack-go's
	calls   strict       // of http, for calls that are not slack-go's
	files   *http.Client
	api     *slackgo.Client
	me      atomic.Pointer[identity]
	addr    atomic.Pointer[string]
	health  health
	ignored tally
	names   *names
	markup  *markup.Renderer
	streams *streams
	intake  atomic.Pointer[intake] // while Run runs
	noSigns [signKinds]atomic.Bool
	noMarks atomic.Bool
	noPane  atomic.Bool
	panes   panes
	met     known            // greetings of people who have been here before
	meter   func(bots.Usage) // may be nil

	paces    map[string]*rate.Limiter // of calls beside posts and edits, by method or purpose
	hear     *hearing
	quiet    time.Duration // after which silence is looked into
	deafness health        // why an open connection is as good as none, or nil
	deafs    atomic.Int64
}

// New returns an adapter that is not connected yet. Its errors name the option that is
// missing or wrong and never contain a token.
func New(o Options) (*Slack, error) {
	switch {
	case o.BotToken == "":
		return nil, errors.New("slack: bot_token is missing: copy the Bot User OAuth Token (xoxb-…) from the app's page OAuth & Permissions")
	case strings.HasPrefix(o.BotToken, "xapp-"):
		return nil, errors.New("slack: bot_token holds an app-level token (xapp-…); that one belongs in app_token")
	case strings.HasPrefix(o.AppToken, "xoxb-"):
		return nil, errors.New("slack: app_token holds a bot token (xoxb-…); that one belongs in bot_token")
	case o.AppToken == "" && o.SigningSecret == "":
		return nil, errors.New("slack: set app_token (Socket Mode) or signing_secret (HTTP mode)")
	case o.AppToken == "" && o.Listen == "":
		return nil, errors.New("slack: listen is missing: HTTP mode needs an address to serve on")
	}
	o.Stream = cmp.Or(o.Stream, StreamEdits)
	if !slices.Contains(Streams(), o.Stream) {
		return nil, fmt.Errorf("slack: stream is %q; it may be one of %q", o.Stream, Streams())
	}
	o.APIURL = cmp.Or(o.APIURL, DefaultAPIURL)
	u, err := url.Parse(o.APIURL)
	if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
		return nil, errors.New("slack: api_url is not an http or https URL")
	}
	// slack-go joins it with the method by plain concatenation.
	o.APIURL = strings.TrimRight(o.APIURL, "/") + "/"

	s := &Slack{
		opts: o, log: cmp.Or(o.Log, slog.New(slog.DiscardHandler)),
		paces: newPaces(), hear: newHearing(), quiet: deafAfter,
	}
	s.http, s.calls = httpClient(o.HTTPClient)
	s.api = slackgo.New(o.BotToken,
		slackgo.OptionAppLevelToken(o.AppToken),
		slackgo.OptionAPIURL(o.APIURL),
		slackgo.OptionHTTPClient(s.http),
	)
	s.files = fileClient(s.http, s.calls)
	s.names = newNames(s)
	s.markup = markup.NewSlack()
	s.streams = newStreams(o.Stream)
	s.health.set(errors.New("slack: not connected yet"))
	return s, nil
}

// Name returns "slack".
func (s *Slack) Name() string { return "slack" }

// Ready says why bobbin is not connected to Slack, or why its connection is as good as
// none, or nil.
func (s *Slack) Ready() error {
	if err := s.health.get(); err != nil {
		return err
	}
	return s.deafness.get()
}

// Addr returns the address that HTTP mode listens on, or nothing when it does not.
func (s *Slack) Addr() string {
	if a := s.addr.Load(); a != nil {
		return *a
	}
	return ""
}

// Ignored returns how many deliveries led to no event, by reason. There are at most 65
// reasons, so they may be the labels of a metric.
func (s *Slack) Ignored() map[string]int { return s.ignored.counts() }

// Render turns Markdown into messages of one markdown block each.
func (s *Slack) Render(markdown string) []bots.Message {
	pages := s.markup.Render(markdown)
	messages := make([]bots.Message, len(pages))
	for i, p := range pages {
		messages[i] = bots.Message{Text: p.Text, Plain: p.Plain, Source: p.Source}
	}
	return messages
}

// Budget returns Slack's limits: 50 calls of chat.update in a minute for the whole
// workspace; about one chat.postMessage in a second for each channel, and several hundred
// in a minute for the workspace, taken as 300. "Occasional bursts" are taken as a few calls.
func (s *Slack) Budget(to agent.Target) bots.Budget {
	team := "slack/" + url.PathEscape(to.Workspace)
	edit := bots.Rate{Scope: updateScope(to), Every: 1200 * time.Millisecond, Burst: 8, Window: time.Minute}
	if s.appends(to) {
		edit = bots.Rate{Scope: team + "/" + appendMethod, Every: 600 * time.Millisecond, Burst: 16, Window: time.Minute}
	}
	return bots.Budget{
		Post: bots.Rate{
			Scope: team + "/" + url.PathEscape(to.Channel) + "/" + postMethod, Every: time.Second, Burst: 2,
			Within: bots.Limit{Scope: team + "/" + postMethod, Every: 200 * time.Millisecond, Burst: 20},
		},
		Edit: edit,
	}
}

func updateScope(to agent.Target) string {
	return "slack/" + url.PathEscape(to.Workspace) + "/" + updateMethod
}

// Meter implements bots.Meter. Slack's answers say nothing of its limits; what is told are
// edits of answers that grow by appending.
func (s *Slack) Meter(report func(bots.Usage)) { s.meter = report }

func (s *Slack) identity() identity {
	if who := s.me.Load(); who != nil {
		return *who
	}
	return identity{}
}

// wrap says what failed, in a form that may be logged.
func wrap(doing string, err error) error { return fmt.Errorf("slack: %s: %w", doing, scrub(err)) }
