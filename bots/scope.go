package bots

import "bobbin/agent"

// Scope says who shares a conversation in a channel. A thread is a conversation of its own
// whatever the scope is, and so is a DM.
type Scope string

// The scopes. The zero value is PerThread.
const (
	PerThread  Scope = "thread"  // what is said to bobbin in the channel begins a thread, which is the conversation
	PerChannel Scope = "channel" // all that is said to bobbin in the channel itself is one conversation
	PerUser    Scope = "user"    // the same, but each person has one of their own
)

// Scopes returns all scopes.
func Scopes() []Scope { return []Scope{PerThread, PerChannel, PerUser} }

// Threads reports whether what is said in the channel begins a thread.
func (s Scope) Threads() bool { return s != PerChannel && s != PerUser }

// Place returns the conversation that something belongs to which user says in a channel
// itself. thread is the one that it begins, where it begins one.
func (s Scope) Place(channel agent.Address, thread, user string) agent.Address {
	switch s {
	case PerChannel:
	case PerUser:
		channel.User = user
	default:
		channel.Thread = thread
	}
	return channel
}

// explain tells people how bobbin works in a channel.
func (s Scope) explain() string {
	switch s {
	case PerChannel:
		return "What is said to me in this channel is one conversation, which all here share; a thread is one of its own."
	case PerUser:
		return "Each person has a conversation of their own with me in this channel; a thread is one of its own, which all in it share."
	default:
		return "Each thread is a conversation with its own memory."
	}
}

// Rules say how bobbin behaves in a channel and its threads.
type Rules struct {
	Session Scope
	Follow  bool // a thread that bobbin is part of needs no mention
}

// Channels are the rules of a platform's channels.
type Channels struct {
	Default Rules
	Special map[string]Rules // of channels that differ, by their id
}

// Follows reports whether there is a channel in which threads need no mention.
func (c Channels) Follows() bool {
	for _, r := range c.Special {
		if r.Follow {
			return true
		}
	}
	return c.Default.Follow
}

// In returns the rules of a channel.
func (c Channels) In(channel string) Rules {
	if r, ok := c.Special[channel]; ok {
		return r
	}
	return c.Default
}
