package agent

import (
	"net/url"
	"strings"
	"time"
)

// SessionID names one conversation. It is made by [Address.Session] and opaque to
// everything else. It is stored, so its form is a promise to existing data.
type SessionID string

// TurnID names one turn. It is random, at most 20 characters of [A-Z2-7], and never
// used twice, so a platform may build idempotency keys from it.
type TurnID string

// MessageID names a message on its platform. Only the adapter that made it may
// parse it.
type MessageID string

// Address is the place of a conversation. Platform and Channel are never empty.
type Address struct {
	Platform  string `json:"platform"`            // "slack", "discord"
	Workspace string `json:"workspace,omitempty"` // Slack team, Discord guild; empty in a Discord DM
	Channel   string `json:"channel"`             // channel or DM; for a thread, the channel it hangs on
	Thread    string `json:"thread,omitempty"`    // thread within Channel, empty for the channel itself
	// User is the person whose own conversation this is, where each person has one; empty
	// where all who write share it.
	User string `json:"user,omitempty"`
}

// Session returns the id of the conversation at a. Parts are escaped, so no two
// addresses share a session and the id never contains a NUL byte.
func (a Address) Session() SessionID {
	parts := []string{a.Platform, a.Workspace, a.Channel, a.Thread}
	if a.User != "" {
		parts = append(parts, a.User)
	}
	for i, p := range parts {
		parts[i] = url.PathEscape(p)
	}
	return SessionID(strings.Join(parts, "/"))
}

// Address returns the address whose Session is s.
func (s SessionID) Address() (a Address, ok bool) {
	parts := strings.Split(string(s), "/")
	if len(parts) != 4 && (len(parts) != 5 || parts[4] == "") {
		return Address{}, false
	}
	for i, to := range []*string{&a.Platform, &a.Workspace, &a.Channel, &a.Thread, &a.User}[:len(parts)] {
		part, err := url.PathUnescape(parts[i])
		if err != nil {
			return Address{}, false
		}
		*to = part
	}
	return a, true
}

// Target says where the answer to an inbound message goes.
type Target struct {
	Address
	// ReplyTo is the message that the answer refers to, on platforms that show
	// such a reference. Empty for none.
	ReplyTo MessageID `json:"reply_to,omitempty"`
	// Hook is a platform's own handle on a pending answer, such as a Discord
	// interaction. Opaque to all but the adapter that set it. It may be a bearer
	// secret and must never be logged.
	Hook string `json:"hook,omitempty"`
	// Recipient is the platform's id of the person being answered.
	Recipient string `json:"recipient,omitempty"`
}

// Author is a person who speaks to bobbin.
type Author struct {
	ID   string `json:"id"`             // the platform's user id
	Name string `json:"name,omitempty"` // display name as the platform gave it: untrusted text
}

// File is something that a person sent along with a message. All of it is untrusted.
type File struct {
	ID   string `json:"id"` // the platform's
	Name string `json:"name"`
	Type string `json:"type,omitempty"` // MIME, as the platform says
	Size int64  `json:"size,omitempty"` // bytes, as the platform says; 0: unknown
	// URL is where the platform keeps it, for the platform's adapter alone. It may be
	// signed and must never be logged or shown.
	URL string `json:"url,omitempty"`
	// Voice says that it is a message that was spoken instead of written.
	Voice bool `json:"voice,omitempty"`
}

// Inbound is one accepted message, on its way into a turn.
type Inbound struct {
	// EventID and MessageID identify the delivery and the message. A platform
	// may deliver one event twice, and one message as two events; either one
	// seen before makes Accept report the message as not fresh. Both are unique
	// within Target.Platform. EventID may be empty, MessageID may not.
	EventID   string    `json:"event_id,omitempty"`
	MessageID MessageID `json:"message_id"`
	Target    Target    `json:"target"`
	Author    Author    `json:"author"`
	// Direct says that nobody but Author speaks in this session.
	Direct bool `json:"direct,omitempty"`
	// Text is Markdown without the mention that addressed bobbin.
	Text string    `json:"text"`
	Sent time.Time `json:"sent"` // by the platform's clock
	// Files were sent with the message.
	Files []File `json:"files,omitempty"`
	// Command is what is wanted instead of an answer; empty for a message. See [Compact].
	Command string `json:"command,omitempty"`
	// Waits says that a sign under the message tells that it waits for a turn.
	Waits bool `json:"waits,omitempty"`
	// Withdrawn says that the message was taken back after it was accepted.
	Withdrawn bool `json:"withdrawn,omitempty"`
	// Late says that the message was found after the fact, so that its answer should say
	// what it answers.
	Late bool `json:"late,omitempty"`
}

// Session returns the conversation that in belongs to.
func (in Inbound) Session() SessionID { return in.Target.Session() }

// Image is a picture for models that can see.
type Image struct {
	Type string `json:"type"` // MIME
	Data []byte `json:"data"`
}

// Role says who an [Entry] is from.
type Role string

// The roles of a transcript's entries. System instructions are not entries: they
// are the same for a whole daemon and stand in front of every window.
const (
	RoleUser      Role = "user"
	RoleAssistant Role = "assistant"
	RoleTool      Role = "tool"
)

// Entry is one line of a session's transcript.
type Entry struct {
	Role Role      `json:"role"`
	At   time.Time `json:"at"`
	Text string    `json:"text,omitempty"`

	Author *Author `json:"author,omitempty"` // RoleUser

	Calls []ToolCall `json:"calls,omitempty"` // RoleAssistant: the tools it asked for
	Model string     `json:"model,omitempty"` // RoleAssistant: the model that wrote it
	Usage *Usage     `json:"usage,omitempty"` // RoleAssistant, RoleTool: what it cost
	Turn  TurnID     `json:"turn,omitempty"`  // RoleAssistant: the turn whose last word it is

	FileID string `json:"file_id,omitempty"` // RoleUser: the file that this is the content of
	Image  *Image `json:"image,omitempty"`   // RoleUser: to be seen in this turn only

	CallID string `json:"call_id,omitempty"` // RoleTool: the call this answers
	Tool   string `json:"tool,omitempty"`    // RoleTool: the tool's name
	// Made are files to be shown with the turn's answer, of RoleTool. It is a pointer since
	// entries are many, and hardly one has any.
	Made *[]Made `json:"made,omitempty"`

	Failed bool `json:"failed,omitempty"` // RoleTool, or a file: Text says what went wrong
	// Direct says that nobody but Author speaks in the session, so that a model need not
	// be told who does.
	Direct bool `json:"direct,omitempty"`
}
