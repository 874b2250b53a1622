package discord

import (
	"errors"
	"fmt"
	"net/http"
	"time"

	"bobbin/agent"
	"bobbin/bots"
)

// Discord's error codes that a caller decides on, by their names in its
// documentation.
const (
	codeUnknownChannel     = 10003
	codeUnknownGuild       = 10004
	codeUnknownMessage     = 10008
	codeUnknownEmoji       = 10014
	codeOldMessageEdits    = 30046
	codeAlreadyAnswered    = 40060
	codeMissingAccess      = 50001
	codeCannotMessageUser  = 50007
	codeMissingPermissions = 50013
	codeThreadArchived     = 50083
	codeReactionBlocked    = 90001
	codeFileTooLarge       = 40005
	codeThreadExists       = 160004
	codeThreadLocked       = 160005
)

// advice is what an admin can do about e.
func advice(e *apiError) string {
	switch e.code {
	case codeMissingAccess:
		return "give bobbin's role View Channel there"
	case codeMissingPermissions:
		return "give bobbin's role Send Messages, Send Messages in Threads, Create Public Threads and Read Message History there"
	case codeCannotMessageUser:
		return "the person does not take direct messages"
	case codeThreadLocked:
		return "the thread is locked; a moderator can unlock it"
	}
	if e.status == http.StatusUnauthorized {
		return "Discord refused discord.bot_token"
	}
	return ""
}

// refusedError is an answer that can never be shown, with the sentence for people.
type refusedError struct {
	err    error
	public string
}

func (e *refusedError) Error() string   { return e.err.Error() }
func (e *refusedError) Public() string  { return e.public }
func (e *refusedError) Unwrap() []error { return []error{agent.ErrUndeliverable, e.err} }

// postError says what the error of a post means to the one who waits for it. A bad
// request lies in the message, such as one that a server's filter blocks; any other no
// in the place.
func postError(err error) error {
	switch e, _ := errors.AsType[*apiError](err); {
	case err == nil || !refused(err) || errors.Is(err, agent.ErrUndeliverable) || errors.Is(err, bots.ErrRejected):
		return err
	case (e.status == http.StatusBadRequest || e.status == http.StatusRequestEntityTooLarge) && !placeCodes[e.code]:
		return fmt.Errorf("%w: %w", bots.ErrRejected, err)
	}
	return &refusedError{err: err, public: "Discord does not let me write there."}
}

// fileError says what the error of a post with a file means, where that lies in the file:
// the text of the answer stands there.
func fileError(err error) error {
	switch e, _ := errors.AsType[*apiError](err); {
	case err == nil || e == nil:
		return err
	case e.code == codeFileTooLarge || e.status == http.StatusRequestEntityTooLarge:
		return fmt.Errorf("%w: %w", bots.ErrTooLarge, err)
	case e.code == codeMissingPermissions:
		return fmt.Errorf("%w: give bobbin's role Attach Files there: %w", bots.ErrNoFiles, err)
	}
	return err
}

// placeCodes refuse the place, whatever the status they come with.
var placeCodes = map[int]bool{
	codeUnknownChannel: true, codeUnknownGuild: true, codeMissingAccess: true, codeCannotMessageUser: true,
	codeMissingPermissions: true, codeThreadArchived: true, codeThreadLocked: true,
}

// longestEditWait is when waiting for an old message's edit quota is given up in
// favour of a new message.
const longestEditWait = time.Minute

// editError says what the error of an edit means. What was refused because of the
// message is ErrGone; what was refused because of the place is undeliverable.
func editError(err error) error {
	if err == nil {
		return nil
	}
	if wait, ok := errors.AsType[*bots.RetryAfterError](err); ok {
		if code(err) == codeOldMessageEdits && wait.After > longestEditWait {
			return fmt.Errorf("%w: %w", bots.ErrGone, err)
		}
		return err
	}
	if !refused(err) {
		return err
	}
	switch code(err) {
	case codeUnknownChannel, codeUnknownGuild, codeMissingAccess, codeThreadLocked, codeCannotMessageUser:
		return postError(err)
	}
	return fmt.Errorf("%w: %w", bots.ErrGone, err)
}
