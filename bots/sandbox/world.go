package sandbox

import (
	"cmp"
	"encoding/json"
	"slices"
	"sync"
	"time"
)

// World is what a chat service's people can see: users, channels and messages, and a
// feed of every change. The stand-ins of Slack and Discord each keep one; the web
// page and the tests read it.
type World struct {
	mu       sync.Mutex
	users    worldList[User]
	channels worldList[Channel]
	rooms    map[string]*worldRoom // by channel
	surfaces map[surfaceKey]Surface
	log      []Change
	first    int           // number of log[0]
	changed  chan struct{} // closed at the next change; nil while nobody waits for it
}

// User is an account of the service.
type User struct {
	ID   string `json:"id"`
	Name string `json:"name"`
	Bot  bool   `json:"bot,omitempty"`
	// Timezone is an IANA name; Slack tells it to apps.
	Timezone string `json:"timezone,omitempty"`
	// Deleted accounts stay visible and do nothing any more.
	Deleted bool `json:"deleted,omitempty"`
}

// Channel is a place to write in. On Discord a thread is a channel with a Parent; on
// Slack a thread is the messages of a channel that share a Thread.
type Channel struct {
	ID     string `json:"id"`
	Name   string `json:"name"`
	Direct bool   `json:"direct,omitempty"` // a DM between User and the bot
	User   string `json:"user,omitempty"`   // the person of a DM
	Parent string `json:"parent,omitempty"` // of a Discord thread
}

// Message is one visible message.
type Message struct {
	ID      string `json:"id"`
	Channel string `json:"channel"`
	Thread  string `json:"thread,omitempty"` // Slack: ts of the root
	User    string `json:"user"`
	Text    string `json:"text"`             // in the service's mark-up
	Blocks  string `json:"blocks,omitempty"` // Slack: the blocks as JSON
	// Components are Discord's buttons and menus as JSON; Slack's are among its blocks.
	Components string     `json:"components,omitempty"`
	Files      []File     `json:"files,omitempty"`
	Reactions  []Reaction `json:"reactions,omitempty"`
	ReplyTo    string     `json:"reply_to,omitempty"`  // Discord: the message referred to
	Key        string     `json:"key,omitempty"`       // Slack: metadata as JSON; Discord: the nonce
	OnlyFor    string     `json:"only_for,omitempty"`  // an ephemeral message is for this user only
	Pending    bool       `json:"pending,omitempty"`   // Discord: a deferred response that is still empty
	Streaming  bool       `json:"streaming,omitempty"` // Slack: a native stream that may still grow
	// UsedBy is who used a Discord command, and Used its name ("/ask"), above what
	// answers it.
	UsedBy string    `json:"used_by,omitempty"`
	Used   string    `json:"used,omitempty"`
	Edits  int       `json:"edits,omitempty"`
	At     time.Time `json:"at"`
}

// File is something attached to a message.
type File struct {
	ID   string `json:"id"`
	Name string `json:"name"`
	Type string `json:"type"` // MIME
	Size int    `json:"size"` // bytes
	URL  string `json:"url"`  // where the service serves its bytes
}

// Reaction is an emoji that people put under a message.
type Reaction struct {
	Emoji string   `json:"emoji"` // Slack: its name; Discord: itself
	Users []string `json:"users"`
}

// Surface is what the bot shows beside its messages: a dialog before one person, its
// home, the prompts that it suggests, the title of a thread.
type Surface struct {
	Kind   string          `json:"kind"`             // "modal", "home", "prompts", …
	User   string          `json:"user,omitempty"`   // who sees it; empty for all
	In     string          `json:"in,omitempty"`     // the channel it belongs to, if any
	Thread string          `json:"thread,omitempty"` // the Slack thread it belongs to, if any
	Data   json.RawMessage `json:"data,omitempty"`   // as its kind says; empty once it is gone
}

type surfaceKey struct{ kind, user, in, thread string }

func (s Surface) key() surfaceKey { return surfaceKey{s.Kind, s.User, s.In, s.Thread} }

// NewWorld returns an empty world.
func NewWorld() *World {
	return &World{
		rooms:    make(map[string]*worldRoom),
		surfaces: make(map[surfaceKey]Surface),
	}
}

// AddUser adds an account, or replaces the one with its id.
func (w *World) AddUser(u User) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.users.put(u.ID, u)
}

// Users returns all accounts in the order they were added.
func (w *World) Users() []User {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.users.list)
}

// User returns the account with that id.
func (w *World) User(id string) (User, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.users.get(id)
}

// AddChannel adds a channel, unless one with its id is there.
func (w *World) AddChannel(c Channel) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if _, there := w.channels.get(c.ID); there {
		return
	}
	w.channels.put(c.ID, c)
	w.tell(Change{Kind: Opened, Channel: &c})
}

// Channels returns all channels in the order they were added.
func (w *World) Channels() []Channel {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.channels.list)
}

// Channel returns the channel with that id.
func (w *World) Channel(id string) (Channel, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.channels.get(id)
}

// Put posts m, or replaces the message of that id in its channel. A change of its
// reactions is no edit, nor is what fills a response that was deferred.
func (w *World) Put(m Message) {
	w.mu.Lock()
	defer w.mu.Unlock()
	r := w.rooms[m.Channel]
	if r == nil {
		r = newWorldRoom()
		w.rooms[m.Channel] = r
	}
	if old := r.get(m.ID); old != nil {
		m.At = old.At
		m.Edits = old.Edits
		if !old.Pending && slices.EqualFunc(m.Reactions, old.Reactions, func(a, b Reaction) bool {
			return a.Emoji == b.Emoji && slices.Equal(a.Users, b.Users)
		}) {
			m.Edits++
		}
		r.replace(&m)
		w.tell(Change{Kind: Edited, Message: &m})
		return
	}
	if m.At.IsZero() {
		m.At = time.Now()
	}
	r.add(&m)
	w.tell(Change{Kind: Posted, Message: &m})
}

// Delete removes a message and reports whether it was there.
func (w *World) Delete(channel, id string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	m := w.rooms[channel].remove(id)
	if m == nil {
		return false
	}
	w.tell(Change{Kind: Deleted, Message: m})
	return true
}

// Message returns one message.
func (w *World) Message(channel, id string) (Message, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if m := w.rooms[channel].get(id); m != nil {
		return *m, true
	}
	return Message{}, false
}

// Messages returns the messages of a channel, oldest first, those of its Slack
// threads included.
func (w *World) Messages(channel string) []Message {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.rooms[channel].all()
}

// Replies returns the messages of a Slack thread without its root, oldest first. It
// costs as much as the thread is long.
func (w *World) Replies(channel, root string) []Message {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.rooms[channel].replies(root)
}

// ShowTyping tells watchers that the bot is at work in a channel or Slack thread. What
// it may say in turn while it does (loading) belongs to Slack.
func (w *World) ShowTyping(channel, thread, status string, loading ...string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.tell(Change{Kind: Typing, In: channel, Thread: thread, Status: status, Loading: loading})
}

// Show shows a surface in place of the one that was there, or takes it away if it
// holds no data.
func (w *World) Show(s Surface) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(s.Data) == 0 {
		if _, there := w.surfaces[s.key()]; !there {
			return
		}
		delete(w.surfaces, s.key())
	} else {
		w.surfaces[s.key()] = s
	}
	w.tell(Change{Kind: Shown, Surface: &s})
}

// Surface returns what is shown where at says, which needs no data itself.
func (w *World) Surface(at Surface) (Surface, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	s, ok := w.surfaces[at.key()]
	return s, ok
}

// Surfaces returns all that is shown beside the messages, by kind.
func (w *World) Surfaces() []Surface {
	w.mu.Lock()
	defer w.mu.Unlock()
	list := make([]Surface, 0, len(w.surfaces))
	for _, s := range w.surfaces {
		list = append(list, s)
	}
	slices.SortFunc(list, func(a, b Surface) int {
		return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.User, b.User), cmp.Compare(a.In, b.In), cmp.Compare(a.Thread, b.Thread))
	})
	return list
}

// worldList holds things in order, and finds each by its id at once.
type worldList[T any] struct {
	list []T
	at   map[string]int
}

func (l *worldList[T]) put(id string, v T) {
	if i, there := l.at[id]; there {
		l.list[i] = v
		return
	}
	if l.at == nil {
		l.at = make(map[string]int)
	}
	l.at[id] = len(l.list)
	l.list = append(l.list, v)
}

func (l *worldList[T]) get(id string) (T, bool) {
	if i, there := l.at[id]; there {
		return l.list[i], true
	}
	var none T
	return none, false
}
