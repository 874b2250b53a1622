package sandbox

import (
	"context"
	"iter"
	"slices"
	"sync"
	"time"
)

// World is what a chat service's people can see: users, channels and messages, and a
// feed of every change. The stand-ins of Slack and Discord each keep one; the web
// page and the tests read it.
type World struct {
	mu       sync.Mutex
	users    []User
	channels []Channel
	messages map[string][]Message // by channel, in order of posting
	log      []Change
	first    int           // number of log[0]
	changed  chan struct{} // closed and replaced at each change
}

// User is an account of the service.
type User struct {
	ID   string `json:"id"`
	Name string `json:"name"`
	Bot  bool   `json:"bot,omitempty"`
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
	ReplyTo    string     `json:"reply_to,omitempty"` // Discord: the message referred to
	Key        string     `json:"key,omitempty"`      // Slack: metadata as JSON; Discord: the nonce
	OnlyFor    string     `json:"only_for,omitempty"` // an ephemeral message is for this user only
	Pending    bool       `json:"pending,omitempty"`  // Discord: a deferred response that is still empty
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

// ChangeKind classifies a Change.
type ChangeKind string

// The kinds of change.
const (
	Posted  ChangeKind = "posted"
	Edited  ChangeKind = "edited"
	Deleted ChangeKind = "deleted"
	Opened  ChangeKind = "opened" // a channel or thread appeared
	Typing  ChangeKind = "typing" // the bot shows that it is at work; Status may say with what
)

// Change is one thing that people saw happen.
type Change struct {
	Number  int        `json:"number"`
	At      time.Time  `json:"at"`
	Kind    ChangeKind `json:"kind"`
	Message *Message   `json:"message,omitempty"` // posted, edited, deleted
	Channel *Channel   `json:"channel,omitempty"` // opened
	In      string     `json:"in,omitempty"`      // typing: the channel
	Thread  string     `json:"thread,omitempty"`  // typing: the Slack thread
	Status  string     `json:"status,omitempty"`  // typing: words; on Slack empty takes the sign away
}

// keptChanges bounds the feed's memory. A watcher that falls further behind misses
// what was dropped; it can read the state again.
const keptChanges = 20_000

// NewWorld returns an empty world.
func NewWorld() *World {
	return &World{messages: make(map[string][]Message), changed: make(chan struct{})}
}

// AddUser adds an account.
func (w *World) AddUser(u User) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.users = append(w.users, u)
}

// Users returns all accounts in the order they were added.
func (w *World) Users() []User {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.users)
}

// User returns the account with that id.
func (w *World) User(id string) (User, bool) {
	return find(w, &w.users, func(u User) bool { return u.ID == id })
}

// AddChannel adds a channel, unless one with its id is there.
func (w *World) AddChannel(c Channel) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if slices.ContainsFunc(w.channels, func(o Channel) bool { return o.ID == c.ID }) {
		return
	}
	w.channels = append(w.channels, c)
	w.tell(Change{Kind: Opened, Channel: &c})
}

// Channels returns all channels in the order they were added.
func (w *World) Channels() []Channel {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.channels)
}

// Channel returns the channel with that id.
func (w *World) Channel(id string) (Channel, bool) {
	return find(w, &w.channels, func(c Channel) bool { return c.ID == id })
}

// Put posts m, or replaces the message of that id in its channel. A change of its
// reactions is no edit.
func (w *World) Put(m Message) {
	w.mu.Lock()
	defer w.mu.Unlock()
	list := w.messages[m.Channel]
	if i := slices.IndexFunc(list, func(o Message) bool { return o.ID == m.ID }); i >= 0 {
		m.At = list[i].At
		m.Edits = list[i].Edits
		if slices.EqualFunc(m.Reactions, list[i].Reactions, func(a, b Reaction) bool {
			return a.Emoji == b.Emoji && slices.Equal(a.Users, b.Users)
		}) {
			m.Edits++
		}
		list[i] = m
		w.tell(Change{Kind: Edited, Message: &m})
		return
	}
	if m.At.IsZero() {
		m.At = time.Now()
	}
	w.messages[m.Channel] = append(list, m)
	w.tell(Change{Kind: Posted, Message: &m})
}

// Delete removes a message and reports whether it was there.
func (w *World) Delete(channel, id string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	list := w.messages[channel]
	i := slices.IndexFunc(list, func(o Message) bool { return o.ID == id })
	if i < 0 {
		return false
	}
	m := list[i]
	w.messages[channel] = slices.Delete(slices.Clone(list), i, i+1)
	w.tell(Change{Kind: Deleted, Message: &m})
	return true
}

// Message returns one message.
func (w *World) Message(channel, id string) (Message, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, m := range w.messages[channel] {
		if m.ID == id {
			return m, true
		}
	}
	return Message{}, false
}

// Messages returns the messages of a channel, oldest first, those of its Slack
// threads included.
func (w *World) Messages(channel string) []Message {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.messages[channel])
}

// ShowTyping tells watchers that the bot is at work in a channel or Slack thread.
func (w *World) ShowTyping(channel, thread, status string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.tell(Change{Kind: Typing, In: channel, Thread: thread, Status: status})
}

// Next returns the number that the next change will have.
func (w *World) Next() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.first + len(w.log)
}

// Watch yields every change from the one numbered from on, as it happens, until ctx
// ends.
func (w *World) Watch(ctx context.Context, from int) iter.Seq[Change] {
	return func(yield func(Change) bool) {
		for {
			w.mu.Lock()
			from = max(from, w.first)
			batch := slices.Clone(w.log[min(from-w.first, len(w.log)):])
			changed := w.changed
			w.mu.Unlock()
			for _, c := range batch {
				if !yield(c) {
					return
				}
			}
			from += len(batch)
			if len(batch) > 0 {
				continue
			}
			select {
			case <-changed:
			case <-ctx.Done():
				return
			}
		}
	}
}

// tell appends to the feed. The caller holds mu.
func (w *World) tell(c Change) {
	c.Number = w.first + len(w.log)
	c.At = time.Now()
	w.log = append(w.log, c)
	if drop := len(w.log) - keptChanges; drop > keptChanges/10 {
		w.log = slices.Clone(w.log[drop:])
		w.first += drop
	}
	close(w.changed)
	w.changed = make(chan struct{})
}

func find[T any](w *World, in *[]T, is func(T) bool) (T, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if i := slices.IndexFunc(*in, is); i >= 0 {
		return (*in)[i], true
	}
	var none T
	return none, false
}
