package markup

import (
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// zeroWidth is put inside of what a platform would act on. Unlike a backslash it also
// stops servers that look for mentions in the raw text.
const zeroWidth = "\u200b"

// liveInCode is what Slack reads as a mention, a date or a labelled link. Whether it
// does so in code too is not documented, so code is disarmed of exactly these.
var liveInCode = regexp.MustCompile(`<(!(?:here|channel|everyone|group|subteam|date)|[@#][A-Z0-9]|[a-zA-Z][a-zA-Z0-9+.-]*:[^>\s|]*\|)`)

var mrkdwnEscaper = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", "`", "ˋ")

func disarmCode(code string) string {
	if !strings.Contains(code, "<") {
		return code
	}
	return liveInCode.ReplaceAllString(code, "<"+zeroWidth+"$1")
}

// escape makes text mean nothing but itself in the dialect; before is what stands in
// the same block before it.
func (d *dialect) escape(text, before string, s style) string {
	switch d.flavor {
	case flavorPlain:
		return text
	case flavorSlackText:
		// mrkdwn has no backslash escapes; a backtick could open code.
		return mrkdwnEscaper.Replace(text)
	case flavorSlackBlocks, flavorDiscord:
	}
	var b strings.Builder
	b.Grow(len(text) + 16)
	prev, _ := utf8.DecodeLastRuneInString(before)
	lineStart := !s.oneLine && (before == "" || strings.HasSuffix(before, "\n"))
	if lineStart {
		prev = '\n'
		text = strings.TrimLeft(text, " \t")
		if m := lineMark(text); m != "" {
			text = escapeLineMark(&b, text, m, d)
			if b.Len() > 0 {
				prev, _ = utf8.DecodeLastRuneInString(b.String())
			}
		}
	}
	for i := 0; i < len(text); {
		if isURL(text, i) && !isASCIIWord(prev) {
			address := firstField(text[i:])
			b.WriteString(d.bareURL(address))
			i += len(address)
			prev = 'x'
			continue
		}
		r, size := utf8.DecodeRuneInString(text[i:])
		next, _ := utf8.DecodeRuneInString(text[i+size:])
		if i+size == len(text) {
			next = ' '
		}
		d.escapeRune(&b, r, prev, next, text[i+size:], s)
		prev = r
		i += size
	}
	return b.String()
}

// escapeLineMark writes the mark m that text begins with so that it begins no block,
// and returns the rest of text.
func escapeLineMark(b *strings.Builder, text, m string, d *dialect) string {
	switch {
	case m[0] >= '0' && m[0] <= '9':
		digits := len(m) - len(strings.TrimLeft(m, "0123456789"))
		b.WriteString(m[:digits] + `\` + m[digits:digits+1])
		return text[digits+1:]
	case m[0] == '>' && d.escapesEntities, m[0] == '*', m[0] == '~':
		return text // escaped where it stands
	}
	b.WriteString(`\` + m[:1])
	return text[1:]
}

func (d *dialect) escapeRune(b *strings.Builder, r, prev, next rune, rest string, s style) {
	switch r {
	case '\\':
		if next < utf8.RuneSelf && unicode.IsPunct(next) || unicode.IsSymbol(next) && next < utf8.RuneSelf {
			b.WriteByte('\\')
		}
	case '`':
		b.WriteByte('\\')
	case '*':
		if !unicode.IsSpace(prev) || !unicode.IsSpace(next) || prev == '\n' {
			b.WriteByte('\\')
		}
	case '_':
		if !wordRune(prev) || !wordRune(next) {
			b.WriteByte('\\')
		}
	case '~':
		if prev == '~' || next == '~' || !unicode.IsSpace(next) && d.flavor == flavorSlackBlocks {
			b.WriteByte('\\')
		}
	case '|':
		if s.cell || d.flavor == flavorDiscord && (prev == '|' || next == '|') {
			b.WriteByte('\\')
		}
	case '[', ']':
		if s.label {
			b.WriteByte('\\')
		}
	case '(':
		if prev == ']' {
			b.WriteByte('\\')
		}
	case '&':
		if d.escapesEntities && looksLikeEntity(rest) {
			b.WriteString("&amp;")
			return
		}
	case '<':
		if d.escapesEntities {
			b.WriteString("&lt;")
			return
		}
		b.WriteByte('<')
		if startsToken(rest) {
			b.WriteString(zeroWidth)
		}
		return
	case '>':
		if d.escapesEntities {
			b.WriteString("&gt;")
			return
		}
	case '@':
		b.WriteByte('@')
		if d.flavor == flavorDiscord && startsGroup(rest) {
			b.WriteString(zeroWidth)
		}
		return
	}
	b.WriteRune(r)
}

func wordRune(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }

// looksLikeEntity says whether an & before rest could be read as an entity.
func looksLikeEntity(rest string) bool {
	i := 0
	for i < len(rest) && i < 32 && (rest[i] == '#' || isASCIIWord(rune(rest[i]))) {
		i++
	}
	return i > 0 && i < len(rest) && rest[i] == ';' || i > 0 && i == len(rest)
}

// startsToken says whether a < before rest begins one of Discord's tokens: a mention,
// channel, command, emoji, time stamp, guide, or an address without preview.
func startsToken(rest string) bool {
	if rest == "" {
		return true
	}
	if strings.IndexByte("@#/:", rest[0]) >= 0 {
		return true
	}
	for _, p := range []string{"a:", "t:", "id:", "http", "sound:"} {
		if strings.HasPrefix(rest, p) {
			return true
		}
	}
	return false
}

// startsGroup says whether an @ before rest would ring everybody. An @ at the very
// end is taken as one, because what follows may complete it.
func startsGroup(rest string) bool {
	return rest == "" || rest[0] == '&' || rest[0] == '!' ||
		len(rest) >= 4 && strings.EqualFold(rest[:4], "here") ||
		len(rest) >= 8 && strings.EqualFold(rest[:8], "everyone")
}
