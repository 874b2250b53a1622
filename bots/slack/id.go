package slack

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"bobbin/agent"
)

// messageID names a message by channel and timestamp: timestamps alone are unique only
// within a channel. Events and posts make the same id for the same message.
func messageID(channel, ts string) agent.MessageID {
	return agent.MessageID(channel + "/" + ts)
}

// splitID is the reverse of messageID.
func splitID(id agent.MessageID) (channel, ts string, err error) {
	channel, ts, ok := strings.Cut(string(id), "/")
	if !ok || !isID(channel) || !isTS(ts) {
		return "", "", fmt.Errorf("slack: %q is no id of a Slack message", id)
	}
	return channel, ts, nil
}

// isID reports whether s can be the id of a user, channel or team.
func isID(s string) bool {
	for _, c := range []byte(s) {
		if c != '-' && c != '_' && (c < '0' || c > '9') && (c < 'A' || c > 'Z') && (c < 'a' || c > 'z') {
			return false
		}
	}
	return s != "" && len(s) <= 64
}

// isTS reports whether s has the form of a timestamp, "1700000000.000100".
func isTS(s string) bool {
	seconds, fraction, ok := strings.Cut(s, ".")
	return ok && isDigits(seconds, 12) && isDigits(fraction, 9)
}

func isDigits(s string, most int) bool {
	for _, c := range []byte(s) {
		if c < '0' || c > '9' {
			return false
		}
	}
	return s != "" && len(s) <= most
}

// sentAt reads the time from a valid timestamp.
func sentAt(ts string) time.Time {
	seconds, fraction, _ := strings.Cut(ts, ".")
	s, errS := strconv.ParseInt(seconds, 10, 64)
	ns, errN := strconv.ParseInt((fraction + "000000000")[:9], 10, 64)
	if errS != nil || errN != nil {
		return time.Time{}
	}
	return time.Unix(s, ns)
}
