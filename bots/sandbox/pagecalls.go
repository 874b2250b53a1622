package sandbox

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"slices"
	"strings"
	"unicode/utf16"
)

const (
	// pageBody bounds a request's body in bytes.
	pageBody = 64 << 10
	// pageUpload bounds the body of a request with files, which grow by a third in JSON.
	pageUpload = 36 << 20
	// pageSlackText is how much the composer of Slack takes, in characters.
	pageSlackText = 12_000
	// pageDiscordText is how much Discord lets a person write, in UTF-16 units.
	pageDiscordText = 2_000
	// pageDiscordOption bounds the text that comes with a Discord command.
	pageDiscordOption = 6_000
	// pageThreadName is the longest name of a Discord thread.
	pageThreadName = 100
)

// pageRequest holds the fields of all calls; each reads those it needs.
type pageRequest struct {
	User    string            `json:"user"`
	Channel string            `json:"channel"`
	Thread  string            `json:"thread"`   // Slack: ts of the root
	ReplyTo string            `json:"reply_to"` // Discord: the message replied to
	Message string            `json:"message"`  // what is acted on; on Slack also a view
	Name    string            `json:"name"`     // of a command, thread, button, menu or emoji
	Text    string            `json:"text"`
	Options map[string]string `json:"options"` // of a Discord command, or what is put into a form
	Target  string            `json:"target"`  // Discord: the user whose menu was used
	Focused string            `json:"focused"` // Discord: the option that is being typed
	Values  []string          `json:"values"`  // chosen from a menu
	Files   []pageFile        `json:"files"`
}

// pageFile is a file that a person picked.
type pageFile struct {
	Option string `json:"option"` // of a Discord command
	Name   string `json:"name"`
	Type   string `json:"type"` // MIME
	Data   []byte `json:"data"`
}

// pageReply holds what a call made: a message or a channel.
type pageReply struct {
	ID      string `json:"id,omitempty"`
	Channel string `json:"channel,omitempty"`
	// Modal is the form that the bot has opened, Choices what it suggests, on Discord.
	Modal   *DiscordModal   `json:"modal,omitempty"`
	Choices []DiscordChoice `json:"choices,omitempty"`
	// Options are what a menu of Slack's offers for what was typed.
	Options []SlackOption `json:"options,omitempty"`
}

// pageError is a fault of the caller's, in words for the person at the page.
type pageError struct {
	status int
	msg    string
}

func (e *pageError) Error() string { return e.msg }

func pageBad(format string, args ...any) error {
	return &pageError{http.StatusUnprocessableEntity, fmt.Sprintf(format, args...)}
}

// pageCall makes a handler of f: one JSON object in, one out.
func pageCall(f func(pageRequest) (pageReply, error)) http.HandlerFunc {
	return pageCallWithin(pageBody, f)
}

// pageCallWithin is pageCall for bodies of another size.
func pageCallWithin(limit int64, f func(pageRequest) (pageReply, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		q, err := pageRead(w, r, limit)
		var reply pageReply
		if err == nil {
			reply, err = f(q)
		}
		if bad, ok := errors.AsType[*pageError](err); ok {
			pageFail(w, bad.status, bad.msg)
			return
		}
		if err != nil {
			// A stand-in's errors are about what a person did, and hold nothing secret.
			pageFail(w, http.StatusUnprocessableEntity, strings.TrimPrefix(err.Error(), "discord sandbox: "))
			return
		}
		pageAnswer(w, http.StatusOK, reply)
	}
}

func pageRead(w http.ResponseWriter, r *http.Request, limit int64) (pageRequest, error) {
	var q pageRequest
	// A form of another site can be sent without asking, but not with this type.
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "application/json" {
		return q, &pageError{http.StatusUnsupportedMediaType, "the body must be application/json"}
	}
	d := json.NewDecoder(http.MaxBytesReader(w, r.Body, limit))
	d.DisallowUnknownFields()
	err := d.Decode(&q)
	if err == nil {
		if _, more := d.Token(); !errors.Is(more, io.EOF) {
			err = errors.New("there is more after the object")
		}
	}
	if big, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return q, &pageError{http.StatusRequestEntityTooLarge, fmt.Sprintf("the body is larger than %d bytes", big.Limit)}
	}
	if err != nil {
		return q, &pageError{http.StatusBadRequest, "the body is not the JSON object wanted: " + err.Error()}
	}
	return q, nil
}

// pageMay reports why user may not write in channel: only people may, and in a DM
// only its own.
func pageMay(w *World, user, channel string) error {
	u, ok := w.User(user)
	if !ok || u.Bot {
		return &pageError{http.StatusNotFound, fmt.Sprintf("there is no person %.60q", user)}
	}
	c, ok := w.Channel(channel)
	if !ok || c.Direct && c.User != user {
		return &pageError{http.StatusNotFound, fmt.Sprintf("%s sees no channel %.60q", u.Name, channel)}
	}
	return nil
}

// pageMaySay reports why q may not be said: to is the message it answers, if any, what
// that is called, and size and limit are in the service's own unit.
func pageMaySay(w *World, q pageRequest, what, to string, size, limit int) error {
	if err := pageMay(w, q.User, q.Channel); err != nil {
		return err
	}
	if err := pageText(q.Text, size, limit); err != nil {
		return err
	}
	if to == "" {
		return nil
	}
	if _, ok := w.Message(q.Channel, to); !ok {
		return &pageError{http.StatusNotFound, fmt.Sprintf("there is no %s %.60q", what, to)}
	}
	return nil
}

func pageMayCommand(w *World, q pageRequest) error {
	if err := pageMay(w, q.User, q.Channel); err != nil {
		return err
	}
	if q.Name == "" {
		return pageBad("the command has no name")
	}
	return nil
}

func pageText(text string, size, limit int) error {
	if strings.TrimSpace(text) == "" {
		return pageBad("there is no text")
	}
	if size > limit {
		return pageBad("the text is too long: %d characters of %d", size, limit)
	}
	return nil
}

func pageUnits(text string) int { return len(utf16.Encode([]rune(text))) }

// pageDM opens the DM between a person and the bot.
func pageDM(w *World, user string, open func(string) string) (pageReply, error) {
	if !slices.ContainsFunc(w.Users(), func(u User) bool { return u.ID == user && !u.Bot }) {
		return pageReply{}, &pageError{http.StatusNotFound, fmt.Sprintf("there is no person %.60q", user)}
	}
	channel := open(user)
	if channel == "" {
		return pageReply{}, pageBad("the DM could not be opened")
	}
	return pageReply{Channel: channel}, nil
}

func pageFail(w http.ResponseWriter, status int, msg string) {
	pageAnswer(w, status, map[string]string{"error": msg})
}

func pageAnswer(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // a reader that has gone needs no answer
}
