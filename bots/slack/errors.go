package slack

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"bobbin/agent"
	"bobbin/bots"

	slackgo "github.com/slack-go/slack"
)

// codes of Slack that decide what happens next. What is in none of these sets is a no
// to the one message.
var (
	// goneCodes end the editing of one message.
	goneCodes = set("message_not_found", "edit_window_closed", "cant_update_message", "block_mismatch",
		"is_inactive")

	// closedCodes say that nothing can be posted to this place, or by this bot any
	// more. A token that is merely wrong or lacks a scope is not among them: the
	// admin can mend that, and the answer is still wanted then.
	closedCodes = set("channel_not_found", "is_archived", "not_in_channel", "user_not_in_channel", "thread_not_found",
		"cannot_reply_to_message", "messages_tab_disabled", "cannot_dm_bot", "user_disabled", "user_not_found",
		"account_inactive", "token_revoked", "team_not_found", "team_access_not_granted", "enterprise_is_restricted",
		"restricted_action", "restricted_action_read_only_channel", "restricted_action_thread_only_channel",
		"restricted_action_non_threadable_channel", "restricted_action_thread_locked", "access_denied")

	// tooMuchCodes refuse the form of a message, not the message.
	tooMuchCodes = set("msg_blocks_too_long", "invalid_blocks", "invalid_blocks_format", "msg_too_long")

	// passingCodes are failures of Slack's own, which pass, as a stream does in the way of
	// an edit.
	passingCodes = set("internal_error", "fatal_error", "service_unavailable", "request_timeout", "team_added_to_org",
		"org_login_required", "two_factor_setup_required", "accesslimited", "external_channel_migrating", conflictCode)

	// adminCodes can be mended by the admin while the answer waits.
	adminCodes = set("invalid_auth", "not_authed", "token_expired", "not_allowed_token_type", "missing_scope", "no_permission")

	// noFileCodes say that bobbin may not post files.
	noFileCodes = set("missing_scope", "no_permission", "not_allowed_token_type", "file_uploads_disabled")

	limitCodes = set("ratelimited", "rate_limited", "message_limit_exceeded")

	// fatalCodes end Run: connecting again with the same tokens cannot help.
	fatalCodes = set("invalid_auth", "not_authed", "account_inactive", "token_revoked", "token_expired", "not_allowed_token_type")

	absentCodes = set("not_in_channel", "channel_not_found")
)

func set(codes ...string) map[string]bool {
	m := make(map[string]bool, len(codes))
	for _, c := range codes {
		m[c] = true
	}
	return m
}

// code returns the error code of an answer of the Web API, or nothing.
func code(err error) string {
	if e, ok := errors.AsType[slackgo.SlackErrorResponse](err); ok {
		return e.Err
	}
	return ""
}

// hints say what the admin can do about a code.
var hints = map[string]string{
	"invalid_auth":           "the token is wrong; copy it again from the app's settings",
	"not_authed":             "the token is empty",
	"account_inactive":       "the app was removed from the workspace; install it again and use the new token",
	"token_revoked":          "the token was revoked; install the app again and use the new token",
	"token_expired":          "the token has expired; switch token rotation off or use a new token",
	"not_allowed_token_type": "this is another kind of token: bot_token starts with xoxb-, app_token with xapp-",
	"missing_scope":          "add the scope to the app and install it again",
	"link_disabled":          "switch Socket Mode on in the app's settings",
	"messages_tab_disabled":  "switch on the Messages tab in the app's App Home",
	"not_in_channel":         "invite the bot to the channel",
	"channel_not_found":      "invite the bot to the channel",
}

// explain adds to err what Slack and the hints say about it.
func explain(doing string, err error) error {
	e, ok := errors.AsType[slackgo.SlackErrorResponse](err)
	if !ok {
		return wrap(doing, err)
	}
	var more strings.Builder
	if hint := hints[e.Err]; hint != "" {
		more.WriteString(" (" + hint + ")")
	}
	if e.Needed != "" {
		more.WriteString(" (needed scope: " + e.Needed + ")")
	}
	for _, m := range e.ResponseMetadata.Messages {
		more.WriteString(" " + m)
	}
	return fmt.Errorf("slack: %s: %w%s", doing, err, more.String())
}

// fault gives an error of the Web API the meaning that [bots.Platform] asks for.
func fault(doing string, err error) error {
	if err == nil {
		return nil
	}
	explained := explain(doing, err)
	if e, ok := errors.AsType[*slackgo.RateLimitedError](err); ok {
		return &bots.RetryAfterError{After: max(e.RetryAfter, time.Second), Err: explained}
	}
	if e, ok := errors.AsType[slackgo.StatusCodeError](err); ok && e.Code == http.StatusTooManyRequests {
		return &bots.RetryAfterError{After: limitWait, Err: explained}
	}
	switch c := code(err); {
	case limitCodes[c]:
		return &bots.RetryAfterError{After: limitWait, Err: explained}
	case closedCodes[c]:
		return fmt.Errorf("%w: %w", agent.ErrUndeliverable, explained)
	case c == "", passingCodes[c], adminCodes[c]:
		return explained
	}
	return fmt.Errorf("%w: %w", bots.ErrRejected, explained)
}

// editFault is fault for Edit.
func editFault(doing string, err error) error {
	if goneCodes[code(err)] {
		return fmt.Errorf("%w: %w", bots.ErrGone, explain(doing, err))
	}
	return fault(doing, err)
}

// scrub removes the URL from an error of net/http or net/url: a response URL and the
// URL of a WebSocket let anyone who has them act.
func scrub(err error) error {
	if e, ok := errors.AsType[*url.Error](err); ok {
		return fmt.Errorf("%s: %w", strings.ToLower(e.Op), e.Err)
	}
	return err
}
