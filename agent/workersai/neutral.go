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

// maxName bounds how much of a display name a model gets to see, in characters.
const maxName = 40

// authored returns the text of a user's entry. In a shared conversation it begins with
// who speaks, and nothing in it can pass for the beginning of someone else's.
func authored(e *agent.Entry) string {
	if e.Author == nil || e.Direct {
		return e.Text
	}
	return "[" + safeName(e.Author) + "] " + unpose(e.Text)
}

// unpose escapes each bracket at the start of a line that could pass for an author's
// name. A Markdown link or reference cannot.
func unpose(text string) string {
	if !strings.Contains(text, "[") {
		return text
	}
	var out strings.Builder
	for line := range strings.Lines(text) {
		bare := strings.TrimLeftFunc(line, func(r rune) bool { return !unicode.IsGraphic(r) || unicode.IsSpace(r) })
		if strings.HasPrefix(bare, "[") {
			_, after, closed := strings.Cut(bare, "]")
			if closed && !strings.HasPrefix(after, "(") && !strings.HasPrefix(after, "[") && !strings.HasPrefix(after, ":") {
				out.WriteString(line[:len(line)-len(bare)])
				out.WriteByte('\\')
				line = bare
			}
		}
		out.WriteString(line)
	}
	return out.String()
}

// safeName makes a display name harmless: it may be written by anyone, to look like
// instructions or like somebody else.
func safeName(a *agent.Author) string {
	for _, name := range []string{a.Name, a.ID} {
		var b strings.Builder
		n, space := 0, false
		for _, r := range name {
			switch {
			case n >= maxName:
			case unicode.IsSpace(r), unicode.Is(unicode.Z, r), unicode.IsControl(r):
				space = n > 0
			case strings.ContainsRune("[]{}<>|`\\", r), !unicode.IsPrint(r), r == unicode.ReplacementChar:
			default:
				if space {
					b.WriteByte(' ')
					n++
				}
				space = false
				b.WriteRune(r)
				n++
			}
		}
		if b.Len() > 0 {
			return b.String()
		}
	}
	return "someone"
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
