package discord

import (
	"cmp"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"bobbin/agent"
)

// place is a message: the channel or thread that it is in, and its id there. As an
// agent.MessageID it is written "channel/message", because an answer to a message
// may stand in another channel than its session's: in the thread that hangs on the
// message, or, where no thread can be opened, beside it.
type place struct{ channel, message string }

func (p place) id() agent.MessageID {
	if p.message == "" {
		return ""
	}
	return agent.MessageID(p.channel + "/" + p.message)
}

func parsePlace(id agent.MessageID) (place, error) {
	c, m, ok := strings.Cut(string(id), "/")
	if !ok || !validID(c) || !validID(m) {
		return place{}, fmt.Errorf("%q is no id of a Discord message", short(string(id), 60))
	}
	return place{c, m}, nil
}

// link is the address of a message, for people.
func link(guild string, id agent.MessageID) string {
	p, err := parsePlace(id)
	if err != nil {
		return ""
	}
	return "https://discord.com/channels/" + cmp.Or(guild, "@me") + "/" + p.channel + "/" + p.message
}

// validID reports whether s can be an id of Discord's. They are numbers; letters are
// let through for the sake of stand-ins.
func validID(s string) bool {
	if s == "" || len(s) > 64 {
		return false
	}
	for _, c := range []byte(s) {
		if (c < '0' || c > '9') && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && c != '-' && c != '_' {
			return false
		}
	}
	return true
}

// epoch is when Discord's clock begins, in Unix milliseconds.
const epoch = 1420070400000

// sent returns when the thing with that id was made: the id's upper 42 bits count
// milliseconds. An id that is no number says nothing, and now is the best guess.
func sent(id string) time.Time {
	n, err := strconv.ParseUint(id, 10, 64)
	if err != nil {
		return time.Now().UTC()
	}
	return time.UnixMilli(int64(n>>22) + epoch).UTC()
}

// hook is what a Target carries from the event to the answer, so that nothing has
// to be remembered in between. It holds an interaction's token and is a secret.
type hook struct {
	App      string `json:"app,omitempty"`
	Token    string `json:"token,omitempty"`
	Question string `json:"question,omitempty"` // of a slash command, to be shown
	About    string `json:"about,omitempty"`    // the address of the message that the question is about
	Title    string `json:"title,omitempty"`    // of the thread, if one is opened
	Late     bool   `json:"late,omitempty"`     // the question is old: the answer has to say which it is
}

func (h hook) encode() string {
	b, err := json.Marshal(h)
	if err != nil {
		return ""
	}
	return string(b)
}

// quote shows the question.
func (h hook) quote() string {
	if h.About == "" {
		return quote(h.Question)
	}
	return quote(h.Question) + "\n" + subtext + "About " + h.About
}

// String keeps the token out of logs.
func (hook) String() string { return "hook" }

// parseHook reads a Target's Hook. One that cannot be read is as good as none: the
// answer then has no title and shows no question.
func parseHook(s string) hook {
	var h hook
	if json.Unmarshal([]byte(s), &h) != nil {
		return hook{}
	}
	return h
}

// short cuts s to at most n runes, the last of which is then an ellipsis.
func short(s string, n int) string {
	count := 0
	cut := 0
	for i := range s {
		if count == n-1 {
			cut = i
		}
		if count++; count > n {
			return s[:cut] + "…"
		}
	}
	return s
}
