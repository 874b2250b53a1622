package sandbox

import (
	"cmp"
	"crypto/rand"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/gorilla/websocket"
)

// DiscordOptions is how a stand-in of Discord starts. The zero value is useful:
// every field has a default.
type DiscordOptions struct {
	Token         string // the bot's; random when empty, see [Discord.Token]
	ApplicationID string // differs from BotID, as it does for older applications
	BotID         string
	BotName       string
	GuildID       string
	GuildName     string
	Users         []User   // the people (and other bots); ada, grace and linus by default
	Channels      []string // names of the guild's text channels; general and random by default

	// SystemChannel is where Discord itself writes; the first channel by default, "none"
	// for nowhere.
	SystemChannel string
	// NotInGuild starts with a bot that is in no guild yet; [Discord.Invite] changes that.
	NotInGuild bool

	// GatewayURL is what GET /gateway answers. By default it is the /gateway of the
	// Host that the request named, so a client must send the stand-in's own Host.
	GatewayURL string
	// CDN begins the links to files. By default it is http:// and the Host that the
	// bot's latest request named.
	CDN string
	// Heartbeat is the heartbeat_interval of Hello, 41.25 s by default. A client that
	// sends nothing for twice as long is dropped.
	Heartbeat time.Duration
	// AckWithin is how long an interaction waits for its callback, 3 s by default.
	AckWithin time.Duration
	// TokenLife is how long an interaction's token is good, 15 min by default.
	TokenLife time.Duration
	// NonceWindow is how long an enforced nonce is remembered, 5 min by default. The
	// documentation says "a few minutes".
	NonceWindow time.Duration
	// ForbiddenIntents are the privileged intents that are not switched on for the
	// application: asking for one closes the gateway with 4014, and without
	// MESSAGE_CONTENT the REST API hides content too.
	ForbiddenIntents int
	// Limits are the rate limits; its zero value is what Discord is seen to enforce.
	Limits DiscordLimits
}

// Discord is a stand-in of Discord with one guild and one application: the REST API
// version 9 (10 is accepted too) and the JSON gateway, as far as a bot that converses
// in text needs them. All methods are safe for concurrent use. Where a method takes a
// user or a channel, both the id and the name will do.
type Discord struct {
	o        DiscordOptions
	world    *World
	handler  http.Handler
	upgrader websocket.Upgrader
	done     chan struct{}
	wg       sync.WaitGroup

	mu           sync.Mutex // never held across I/O
	closed       bool
	lastID       int64
	channels     map[string]*discordChannel
	order        []string // ids of channels, oldest first
	messages     map[string]*discordMessage
	nonces       map[string]discordNonce
	commands     map[string][]*discordCommand // by guild; "" is global
	interactions map[string]*discordInteraction
	sessions     map[string]*discordSession
	conns        map[*discordConn]struct{}
	identifies   int
	twice        bool
	nextConns    []DiscordGatewayFault
	limits       DiscordLimits
	buckets      map[string]*discordBucket
	calls        map[string]int
	limited      map[string]int
	faults       []*discordArmedFault
	host         string // that the latest request named
	away         bool   // the bot is not in the guild
	joined       time.Time
	granted      map[string]DiscordPermission  // by user
	modals       map[string]*discordModal      // open before a user
	given        map[string]*discordAttachment // files among the options of commands
	givenOrder   []string
}

// NewDiscord returns a stand-in that serves nothing until its Handler is mounted.
// It owns goroutines while clients are connected; Close ends them.
func NewDiscord(o DiscordOptions) *Discord {
	o.Token = cmp.Or(o.Token, rand.Text())
	o.ApplicationID = cmp.Or(o.ApplicationID, "200000000000000001")
	o.BotID = cmp.Or(o.BotID, "200000000000000002")
	o.BotName = cmp.Or(o.BotName, "bobbin")
	o.GuildID = cmp.Or(o.GuildID, "200000000000000003")
	o.GuildName = cmp.Or(o.GuildName, "The Mill")
	o.Heartbeat = cmp.Or(o.Heartbeat, 41250*time.Millisecond)
	o.AckWithin = cmp.Or(o.AckWithin, 3*time.Second)
	o.TokenLife = cmp.Or(o.TokenLife, 15*time.Minute)
	o.NonceWindow = cmp.Or(o.NonceWindow, 5*time.Minute)
	if o.Users == nil {
		o.Users = []User{
			{ID: "210000000000000001", Name: "ada"},
			{ID: "210000000000000002", Name: "grace"},
			{ID: "210000000000000003", Name: "linus"},
		}
	}
	if o.Channels == nil {
		o.Channels = []string{"general", "random"}
	}
	o.SystemChannel = cmp.Or(o.SystemChannel, slices.Concat(o.Channels, []string{"none"})[0])
	d := &Discord{
		o:     o,
		world: NewWorld(),
		done:  make(chan struct{}),
		upgrader: websocket.Upgrader{
			HandshakeTimeout: 10 * time.Second,
			CheckOrigin:      func(*http.Request) bool { return true }, // the token is the guard
		},
		lastID:       300000000000000000,
		channels:     make(map[string]*discordChannel),
		messages:     make(map[string]*discordMessage),
		commands:     make(map[string][]*discordCommand),
		interactions: make(map[string]*discordInteraction),
		nonces:       make(map[string]discordNonce),
		sessions:     make(map[string]*discordSession),
		conns:        make(map[*discordConn]struct{}),
		limits:       o.Limits.withDefaults(),
		buckets:      make(map[string]*discordBucket),
		calls:        make(map[string]int),
		limited:      make(map[string]int),
		away:         o.NotInGuild,
		joined:       time.Now().AddDate(-1, 0, 0),
		granted:      make(map[string]DiscordPermission),
		modals:       make(map[string]*discordModal),
		given:        make(map[string]*discordAttachment),
	}
	d.world.AddUser(User{ID: o.BotID, Name: o.BotName, Bot: true})
	for _, u := range o.Users {
		d.world.AddUser(u)
	}
	for i, name := range o.Channels {
		d.addChannel(&discordChannel{id: strconv.Itoa(220000000000000001 + i), kind: discordText, name: name})
	}
	d.handler = d.routes()
	return d
}

// Handler serves /api/v9/…, the gateway's WebSocket at /gateway and the files of
// messages below /attachments/.
func (d *Discord) Handler() http.Handler { return d.handler }

// World is what the people of the guild see. Change it only through the Discord.
func (d *Discord) World() *World { return d.world }

// Token is the bot's token, without the word Bot that goes before it in a header.
func (d *Discord) Token() string { return d.o.Token }

// BotID is the id of the bot's user; <@id> mentions it.
func (d *Discord) BotID() string { return d.o.BotID }

// ApplicationID is the id that commands are registered for.
func (d *Discord) ApplicationID() string { return d.o.ApplicationID }

// GuildID is the id of the one guild.
func (d *Discord) GuildID() string { return d.o.GuildID }

// Close ends every gateway connection, makes every further request fail, and waits
// for what is being served.
func (d *Discord) Close() {
	d.mu.Lock()
	if !d.closed {
		d.closed = true
		close(d.done)
	}
	soon := time.Now().Add(time.Second)
	for c := range d.conns {
		c.close(websocket.CloseGoingAway)
		// A client that no longer reads must not hold up the writer.
		_ = c.ws.NetConn().SetWriteDeadline(soon)
		if c.ended {
			_ = c.ws.Close()
		}
	}
	d.mu.Unlock()
	d.wg.Wait()
}

// enter takes part in what Close waits for, unless it was called.
func (d *Discord) enter() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed {
		return false
	}
	d.wg.Add(1)
	return true
}

// discordEpoch is the first second of 2015, where snowflakes begin.
const discordEpoch = 1420070400000

// newID returns a snowflake: unique, rising, and holding the time as long as the
// clock stands after 2017 (the one of a synctest bubble does not). The caller holds mu.
func (d *Discord) newID() string {
	d.lastID = max(d.lastID+1, (time.Now().UnixMilli()-discordEpoch)<<22)
	return strconv.FormatInt(d.lastID, 10)
}

// user finds an account by id or name.
func (d *Discord) user(idOrName string) (User, error) {
	if u, ok := d.world.User(idOrName); ok {
		return u, nil
	}
	for _, u := range d.world.Users() {
		if strings.EqualFold(u.Name, idOrName) {
			return u, nil
		}
	}
	return User{}, fmt.Errorf("discord sandbox: no user %q", idOrName)
}

// channel finds a channel by id or name. The caller holds mu.
func (d *Discord) channel(idOrName string) (*discordChannel, error) {
	if c, ok := d.channels[idOrName]; ok {
		return c, nil
	}
	for _, id := range d.order {
		if c := d.channels[id]; c != nil && c.kind != discordDM && c.name == strings.TrimPrefix(idOrName, "#") {
			return c, nil
		}
	}
	return nil, fmt.Errorf("discord sandbox: no channel %q", idOrName)
}
