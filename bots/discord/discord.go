package discord

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"

	"bobbin/bots"
	"bobbin/bots/markup"
)

// Name is the platform's name in an agent.Address.
const Name = "discord"

// Threads says where the answer to a mention in a channel goes.
type Threads string

// The values of Threads. The zero value is Auto.
const (
	Auto   Threads = "auto"   // a new thread on the message; where that cannot be, a reply in the channel
	Always Threads = "always" // a new thread, or a plain word that it cannot be opened
	Never  Threads = "never"  // a reply in the channel, which then is the session
)

// Options configures a Discord. BotToken is required.
type Options struct {
	BotToken string
	// APIURL is the scheme and host of the REST API; empty means
	// https://discord.com/. The gateway's address comes from it.
	APIURL string
	// Threads is for channels in which what is said begins a thread.
	Threads Threads
	// Channels say who shares a conversation in a channel.
	Channels bots.Channels
	// MessageContent asks for the privileged message content intent. Without it
	// messages that do not mention bobbin arrive empty, so there are no follow-ups
	// without a mention; with it, it must be switched on in the developer portal.
	MessageContent bool
	// Commands are offered as slash commands; nil for ask, reset and help. What is said
	// with ask is answered for all to see, everything else for its user alone.
	Commands []Command
	// Reaction is the emoji with which people ask about a message: itself, or the name
	// of a server's own. Empty for none; reactions are not listened to then.
	Reaction string
	// Greet offers a welcome when bobbin has joined a server, in the channel where Discord
	// itself tells of such things, and to people who write to bobbin for the first time.
	Greet bool
	// HTTPClient is used for REST, nil for one with a 20 s timeout. Its redirects
	// are not followed.
	HTTPClient *http.Client
	// Dial connects to the gateway, nil for the net package's dialer and the
	// environment's proxy.
	Dial func(ctx context.Context, network, addr string) (net.Conn, error)
	// Memory is asked what earlier runs have heard; nil for no catch-up.
	Memory bots.Memory
	// CatchUp is how far back messages are read that were sent while nobody listened;
	// 0 for not at all.
	CatchUp time.Duration
	// Log is where to log to, nil for nowhere.
	Log *slog.Logger
}

// Discord is a bot account on Discord. It implements bots.Platform, bots.Typist and
// bots.Meter.
type Discord struct {
	opts Options
	rest *rest
	log  *slog.Logger

	me         atomic.Pointer[identity] // nil before the first READY
	heard      atomic.Int64             // when the gateway last said anything, Unix nanoseconds
	dispatched atomic.Int64             // when it last told of something, Unix nanoseconds
	newest     atomic.Int64             // when the newest message seen was sent, Unix nanoseconds
	deafs      atomic.Int32
	deafAfter  time.Duration
	identifies *rate.Limiter
	counts     counts

	pages *markup.Renderer

	stateMu sync.Mutex
	state   error // why not connected

	channels *recent[channel]    // by id
	roles    *recent[string]     // bobbin's own role, by guild
	ours     *recent[string]     // nonce of a message of ours → MessageID, as the gateway told
	keys     *recent[string]     // the same the other way round
	threads  *recent[string]     // thread → the channel where its messages really go
	taken    *recent[accepted]   // messages that were accepted
	edits    *recent[string]     // message → its last edit
	greeted  *recent[bool]       // welcomes that were offered, and DMs that need none
	firsts   *recent[string]     // message answered to → key of the post that refers to it
	subjects *recent[bots.Quote] // messages that a form is open for, by MessageID
	shown    *recent[bool]       // slash commands whose question is shown
}

var (
	_ bots.Platform = (*Discord)(nil)
	_ bots.Typist   = (*Discord)(nil)
	_ bots.Meter    = (*Discord)(nil)
)

// How much is remembered. What is forgotten is asked for again.
const (
	rememberChannels = 20_000
	rememberMessages = 5_000
)

// identifiesPerDay stays well below the 1,000 after which Discord resets the token.
const identifiesPerDay = 500

// New returns a Discord that Run will connect.
func New(o Options) (*Discord, error) {
	if o.BotToken == "" {
		return nil, errors.New("discord: no bot token; set discord.bot_token")
	}
	if o.Threads == "" {
		o.Threads = Auto
	}
	switch o.Threads {
	case Auto, Always, Never:
	default:
		return nil, fmt.Errorf("discord: threads is %q; use auto, always or never", o.Threads)
	}
	if o.APIURL == "" {
		o.APIURL = "https://discord.com/"
	}
	if o.Commands == nil {
		o.Commands = basicCommands()
	}
	base, err := url.Parse(o.APIURL)
	if err != nil || base.Host == "" || base.Scheme != "https" && base.Scheme != "http" {
		return nil, errors.New("discord: api_url is no http or https URL")
	}
	base.RawQuery, base.Fragment = "", ""
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	client := http.Client{Timeout: 20 * time.Second}
	if o.HTTPClient != nil {
		client = *o.HTTPClient
	}
	// A redirect could carry an interaction's token to another host.
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	o.BotToken = strings.TrimPrefix(o.BotToken, "Bot ")
	return &Discord{
		opts:       o,
		rest:       &rest{stile: newTurnstile(), base: base.JoinPath(apiPath), token: o.BotToken, client: &client},
		log:        o.Log.With("platform", Name),
		deafAfter:  deafAfter,
		identifies: rate.NewLimiter(rate.Every(24*time.Hour/identifiesPerDay), identifiesPerDay/10),
		state:      errors.New("discord: not started"),
		channels:   newRecent[channel](rememberChannels),
		roles:      newRecent[string](rememberChannels),
		ours:       newRecent[string](rememberMessages),
		keys:       newRecent[string](rememberMessages),
		threads:    newRecent[string](rememberMessages),
		taken:      newRecent[accepted](rememberMessages),
		edits:      newRecent[string](rememberMessages),
		greeted:    newRecent[bool](rememberMessages),
		firsts:     newRecent[string](rememberMessages),
		subjects:   newRecent[bots.Quote](rememberSubjects),
		pages:      markup.NewDiscord(),
		shown:      newRecent[bool](rememberMessages),
	}, nil
}

// Name implements bots.Platform.
func (d *Discord) Name() string { return Name }

// Ready implements bots.Platform.
func (d *Discord) Ready() error {
	d.stateMu.Lock()
	defer d.stateMu.Unlock()
	return d.state
}

func (d *Discord) setState(err error) {
	d.stateMu.Lock()
	defer d.stateMu.Unlock()
	d.state = err
}

// Render implements bots.Platform.
func (d *Discord) Render(markdown string) []bots.Message {
	pages := d.pages.Render(markdown)
	out := make([]bots.Message, len(pages))
	for i, p := range pages {
		out[i] = bots.Message{Text: p.Text, Plain: p.Plain, Source: p.Source}
	}
	return out
}

// Heard returns when the gateway last said anything, be it a heartbeat; the zero
// time before it has.
func (d *Discord) Heard() time.Time {
	if n := d.heard.Load(); n != 0 {
		return time.Unix(0, n)
	}
	return time.Time{}
}

// self returns bobbin's user id, empty before the first READY.
func (d *Discord) self() string {
	if me := d.me.Load(); me != nil {
		return me.user
	}
	return ""
}
