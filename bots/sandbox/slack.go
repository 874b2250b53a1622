package sandbox

import (
	"cmp"
	"context"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// SlackOptions says what workspace and app a Slack stand-in plays. The zero value is
// a workspace with Ada, Grace and Linus in #general and #random, into which an app
// called bobbin is installed, with Slack's own limits and times.
type SlackOptions struct {
	TeamID, Team  string
	AppID, BotID  string
	Bot           User // the app's bot user
	BotToken      string
	AppToken      string
	SigningSecret string
	Users         []User    // people, and other bots
	Channels      []Channel // public unless their id starts with G
	// Events are the event subscriptions by their names in an app's manifest; the
	// default are all that the stand-in has, but app_context_changed.
	Events []string
	// Agent is how the app is declared as an agent: SlackAgentView, which is the
	// default, SlackAssistantView or SlackNoAgent.
	Agent string
	// Shortcuts are what the app has put into Slack's menus.
	Shortcuts []SlackShortcut
	// Commands are what the page offers to write after /bobbin. Slack itself knows no more
	// than a hint.
	Commands []SlackCommand

	// NoLimits turns rate limits off. Rates replaces those of single methods.
	NoLimits bool
	Rates    map[string]SlackRate

	// AckTimeout is how long an event or command may go unacknowledged; default 3 s.
	AckTimeout time.Duration
	// Redeliver holds the pause before each redelivery of an event. Slack's, and the
	// default, are nearly none, a minute, five minutes. Not nil but empty means none.
	Redeliver []time.Duration
	// PingInterval is the time between pings on a socket; default 10 s, negative
	// for none.
	PingInterval time.Duration
	// Sending, if not nil, is told of each frame that is about to be written to a socket,
	// which waits for it.
	Sending func(frame []byte)

	// EventsURL, CommandsURL and InteractionsURL, where set, get signed requests
	// instead of the sockets.
	EventsURL, CommandsURL, InteractionsURL string
	// HTTPClient sends them; default a plain client.
	HTTPClient *http.Client
}

// slackRedeliver are Slack's pauses before the redeliveries of an event.
var slackRedeliver = []time.Duration{500 * time.Millisecond, time.Minute, 5 * time.Minute}

// slackEvents are the subscriptions of an app that wants to hear of all it may answer.
var slackEvents = []string{
	"app_mention", "message.channels", "message.groups", "message.im", "app_home_opened", "assistant_thread_started",
	"assistant_thread_context_changed", "agent_session_stopped", "agent_session_title_changed", "member_joined_channel",
	"member_left_channel", "reaction_added", "reaction_removed",
}

func (o SlackOptions) withDefaults() SlackOptions {
	o.TeamID = cmp.Or(o.TeamID, "T0SANDBOX")
	o.Team = cmp.Or(o.Team, "Sandbox")
	o.AppID = cmp.Or(o.AppID, "A0BOBBIN")
	o.BotID = cmp.Or(o.BotID, "B0BOBBIN")
	if o.Bot == (User{}) {
		o.Bot = User{ID: "U0BOBBIN", Name: "bobbin"}
	}
	o.Bot.Bot = true
	o.BotToken = cmp.Or(o.BotToken, "xoxb-"+"sandbox")
	o.AppToken = cmp.Or(o.AppToken, "xapp-"+"sandbox")
	o.SigningSecret = cmp.Or(o.SigningSecret, "sandbox signing secret")
	if o.Users == nil {
		o.Users = []User{{ID: "U0ADA", Name: "Ada"}, {ID: "U0GRACE", Name: "Grace"}, {ID: "U0LINUS", Name: "Linus"}}
	}
	if o.Channels == nil {
		o.Channels = []Channel{{ID: "C0GENERAL", Name: "general"}, {ID: "C0RANDOM", Name: "random"}}
	}
	if o.Events == nil {
		o.Events = slackEvents
	}
	o.Agent = cmp.Or(o.Agent, SlackAgentView)
	o.AckTimeout = cmp.Or(o.AckTimeout, 3*time.Second)
	if o.Redeliver == nil {
		o.Redeliver = slackRedeliver
	}
	o.PingInterval = cmp.Or(o.PingInterval, 10*time.Second)
	if o.HTTPClient == nil {
		o.HTTPClient = &http.Client{}
	}
	return o
}

// Slack is a stand-in of Slack with one workspace and one app: the Web API, Socket
// Mode, and signed HTTP requests. Its methods are what people in the workspace do,
// and what can go wrong at Slack. They are safe for concurrent use.
type Slack struct {
	o     SlackOptions
	world *World
	rates slackRates

	ctx  context.Context // ends with Close
	stop context.CancelFunc
	wg   sync.WaitGroup // all goroutines

	// mu guards what follows. It is never held while anything is sent or awaited.
	mu         sync.Mutex
	closed     bool
	base       string // scheme, host and mount point at which callers reach us
	lastTS     int64  // newest ts given out, in microseconds
	events     map[string]bool
	extras     map[slackRef]*slackExtra
	forbidden  map[string]string // channel → error of all calls
	statuses   map[slackRef]int  // thread → number of its newest status
	statusSeq  int
	calls      map[string]int
	limited    map[string]int
	fault      func(method string, form slackForm) *SlackFault
	tickets    map[string]time.Time // one-time secrets of socket URLs → expiry
	sockets    []*slackSocket
	nextSocket int
	waiting    map[string]*slackDelivery // by envelope id
	stats      SlackDeliveries
	settled    chan struct{} // closed when nothing is on its way; nil while nobody waits for that
	recent     []*slackDelivery
	copies     int
	httpTail   map[string]chan struct{} // channel → first attempt of its newest event
	responses  map[string]*slackResponse
	triggers   map[string]*slackTrigger
	views      map[string]*slackView   // by id
	modals     map[string][]*slackView // by person, the top one last
	homes      map[string]*slackView   // by person
	streams    map[slackRef]*slackStream
	sessions   map[slackRef]*slackSession // by thread
	assistants map[slackRef]string        // thread of the assistant view → person
	viewing    map[string]string          // person → channel they look at
	files      map[string]*slackFile      // by id
	uploads    map[string]*slackFile      // by secret of the URL
	held       []string                   // files, oldest first
	heldBytes  int
}

// slackRef names a message.
type slackRef struct{ channel, ts string }

// slackExtra is what Slack keeps of a message beside what a Message holds.
type slackExtra struct {
	clientID string
	edited   string // ts of the last edit that people see as one
	subtype  string
	states   map[string]slackState       // person → what they have chosen in it
	offered  map[string][]map[string]any // options that external menus were given
}

// NewSlack returns a stand-in, which works until Close.
func NewSlack(o SlackOptions) *Slack {
	o = o.withDefaults()
	s := &Slack{
		o:         o,
		world:     NewWorld(),
		events:    make(map[string]bool),
		extras:    make(map[slackRef]*slackExtra),
		forbidden: make(map[string]string),
		statuses:  make(map[slackRef]int),
		calls:     make(map[string]int),
		limited:   make(map[string]int),
		tickets:   make(map[string]time.Time),
		waiting:   make(map[string]*slackDelivery),
		httpTail:  make(map[string]chan struct{}),
		responses: make(map[string]*slackResponse),

		triggers:   make(map[string]*slackTrigger),
		views:      make(map[string]*slackView),
		modals:     make(map[string][]*slackView),
		homes:      make(map[string]*slackView),
		streams:    make(map[slackRef]*slackStream),
		sessions:   make(map[slackRef]*slackSession),
		assistants: make(map[slackRef]string),
		viewing:    make(map[string]string),
		files:      make(map[string]*slackFile),
		uploads:    make(map[string]*slackFile),
	}
	s.ctx, s.stop = context.WithCancel(context.Background())
	s.rates.set(o.Rates)
	for _, e := range o.Events {
		s.events[e] = true
	}
	s.world.AddUser(o.Bot)
	for _, u := range o.Users {
		s.world.AddUser(u)
	}
	for _, c := range o.Channels {
		s.world.AddChannel(c)
	}
	return s
}

// Options returns what this stand-in plays, with all defaults filled in.
func (s *Slack) Options() SlackOptions {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.o
}

// World is what the people of the workspace see.
func (s *Slack) World() *World { return s.world }

// Handler serves the Web API under /api/, the sockets under /socket, the response URLs
// under /response/, and files under /files/ and /upload/. It may be mounted at any host, port and path.
func (s *Slack) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/api/{method}", s.serveAPI)
	mux.HandleFunc("GET /socket", s.serveSocket)
	mux.HandleFunc("POST /response/{id}", s.serveResponse)
	mux.HandleFunc("POST /upload/{secret}", s.serveUpload)
	mux.HandleFunc("GET /files/{id}/{name}", s.serveFile)
	mux.HandleFunc("GET /files/{id}/download/{name}", s.serveFile)
	mux.HandleFunc("GET /signin", serveSignIn)
	return mux
}

// Close ends all sockets and deliveries and waits for them.
func (s *Slack) Close() {
	s.mu.Lock()
	s.closed = true
	s.giveUp()
	s.mu.Unlock()
	s.stop()
	s.DropSockets()
	s.wg.Wait()
}

// run starts an owned goroutine, unless Close has begun. The caller holds mu.
func (s *Slack) run(f func()) bool {
	if s.closed {
		return false
	}
	s.wg.Go(f)
	return true
}

// sleep waits for d and reports whether it may go on: neither ctx nor Slack has ended.
func (s *Slack) sleep(ctx context.Context, d time.Duration) bool {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	defer context.AfterFunc(s.ctx, stop)()
	return pause(ctx, d)
}

// note remembers at which address callers reach us; the URLs given out start with it.
func (s *Slack) note(r *http.Request) {
	scheme := "http"
	if r.TLS != nil {
		scheme = "https"
	}
	path, _, _ := strings.Cut(r.RequestURI, "?")
	mount := strings.TrimSuffix(path, r.URL.Path)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.base = scheme + "://" + r.Host + mount
}

// isBot reports whether user is the app's own.
func (s *Slack) isBot(user string) bool { return user == s.o.Bot.ID }

// Forbid lets all calls about a channel fail with an error of Slack's, such as
// not_in_channel, is_archived or channel_not_found; none heals it. Of a channel
// that the bot is not in or cannot see, no events come.
func (s *Slack) Forbid(channel, code string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if code == "" {
		delete(s.forbidden, channel)
		return
	}
	s.forbidden[channel] = code
}

// deafTo reports whether the app gets no events of a channel. The caller holds mu.
func (s *Slack) deafTo(channel string) bool {
	return slices.Contains([]string{"not_in_channel", "channel_not_found"}, s.forbidden[channel])
}
