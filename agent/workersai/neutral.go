package workersai

import (
	"cmp"
	"crypto/sha256"
	"encoding/base32"
	"encoding/hex"
	"regexp"
	"strings"
	"unicode"

	"bobbin/agent"
)

// authored returns the text of a user's entry. In a shared conversation it begins with
// who speaks, and nothing in it can pass for the beginning of someone else's.
func authored(e *agent.Entry) string {
	if e.Author == nil || e.Direct {
		return e.Text
	}
	return "[" + e.Author.Label() + "] " + unpose(e.Text)
}

// defines is what follows the label of a Markdown reference: an address.
var defines = regexp.MustCompile(`^:\s*(?i:https?://|mailto:|[</#])`)

// unpose escapes each bracket at the start of a line that could pass for an author's
// name. A Markdown link or reference cannot.
func unpose(text string) string {
	if !strings.Contains(text, "[") {
		return text
	}
	var out strings.Builder
	for line := range strings.Lines(agent.PlainLines(text)) {
		bare := strings.TrimLeftFunc(line, func(r rune) bool { return !unicode.IsGraphic(r) || unicode.IsSpace(r) })
		if strings.HasPrefix(bare, "[") {
			_, after, closed := strings.Cut(bare, "]")
			if closed && !strings.HasPrefix(after, "(") && !strings.HasPrefix(after, "[") && !defines.MatchString(after) {
				out.WriteString(line[:len(line)-len(bare)])
				out.WriteByte('\\')
				line = bare
			}
		}
		out.WriteString(line)
	}
	return out.String()
}

// breakImages puts a zero-width space into the beginning of an image's data URL.
// Workers AI takes any such text for an image, fails to decode it, and goes on failing
// for as long as the text is in the conversation.
func breakImages(s string) string {
	const scheme, kind = "data", "image/"
	var out strings.Builder
	kept := 0
	for at := 0; ; at++ {
		next := strings.IndexByte(s[at:], ':')
		if next < 0 {
			break
		}
		at += next
		if at >= len(scheme) && strings.EqualFold(s[at-len(scheme):at], scheme) &&
			len(s) > at+len(kind) && strings.EqualFold(s[at+1:at+1+len(kind)], kind) {
			out.WriteString(s[kept:at+1] + "\u200b")
			kept = at + 1
		}
	}
	if kept == 0 {
		return s
	}
	out.WriteString(s[kept:])
	return out.String()
}

var ninePlain = regexp.MustCompile(`^[A-Za-z0-9]{9}$`)

// callID returns id in the one form that all models accept. Ids from elsewhere, such
// as an older transcript, are hashed into it, so calls and results stay together.
func callID(id string) string {
	if ninePlain.MatchString(id) {
		return id
	}
	sum := sha256.Sum256([]byte(id))
	return base32.StdEncoding.EncodeToString(sum[:])[:9]
}

// affinity names a session to the provider without telling which it is.
func affinity(s agent.SessionID) string {
	sum := sha256.Sum256([]byte("bobbin session " + cmp.Or(string(s), "none")))
	return hex.EncodeToString(sum[:16])
}
