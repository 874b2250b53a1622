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

// escape appends text to dst such that it means nothing but itself in the dialect; dst is
// what stands in the same block before it.
func (d *dialect) escape(dst []byte, text string, s style) []byte {
	switch d.flavor {
	case flavorPlain:
		return append(dst, text...)
	case flavorSlackText:
		// mrkdwn has no backslash escapes; a backtick could open code.
		return append(dst, mrkdwnEscaper.Replace(text)...)
	case flavorSlackBlocks, flavorDiscord:
	}
	prev, _ := utf8.DecodeLastRune(dst)
	if !s.oneLine && (len(dst) == 0 || prev == '\n') {
		prev = '\n'
		text = strings.TrimLeft(text, " \t")
		if m := lineMark(text); m != "" {
			before := len(dst)
			dst, text = escapeLineMark(dst, text, m, d)
			if len(dst) > before {
				prev, _ = utf8.DecodeLastRune(dst)
			}
		}
	}
	for i := 0; i < len(text); {
		start := i
		for i < len(text) && (!escapable[text[i]] || text[i] == 'h' && !isURL(text, i)) {
			i++
		}
		if i > start {
			dst = append(dst, text[start:i]...)
			prev, _ = utf8.DecodeLastRuneInString(text[start:i])
			continue
		}
		if isURL(text, i) && !isASCIIWord(prev) {
			address := firstField(text[i:])
			dst = append(dst, d.bareURL(address)...)
			i += len(address)
			prev = 'x'
			continue
		}
		next, _ := utf8.DecodeRuneInString(text[i+1:])
		if i+1 == len(text) {
			next = ' '
		}
		dst = d.escapeByte(dst, text[i], prev, next, text[i+1:], s)
		prev = rune(text[i])
		i++
	}
	return dst
}

// escapable are the bytes that may be written other than they are, and the h of an address.
var escapable = bytesOf("\\`*_~|[](&<>@h")

// escapeLineMark appends the mark m that text begins with to dst so that it begins no
// block, and returns the rest of text, too.
func escapeLineMark(dst []byte, text, m string, d *dialect) ([]byte, string) {
	switch {
	case m[0] >= '0' && m[0] <= '9':
		digits := leadingDigits(m)
		dst = append(dst, m[:digits]...)
		return append(dst, '\\', m[digits]), text[digits+1:]
	case m[0] == '>' && d.escapesEntities, m[0] == '*', m[0] == '~':
		return dst, text // escaped where it stands
	}
	return append(dst, '\\', m[0]), text[1:]
}

// escapeByte appends c, which stands between prev and next. What follows it is rest.
func (d *dialect) escapeByte(dst []byte, c byte, prev, next rune, rest string, s style) []byte {
	switch c {
	case '\\':
		if next < utf8.RuneSelf && (unicode.IsPunct(next) || unicode.IsSymbol(next)) {
			dst = append(dst, '\\')
		}
	case '`':
		dst = append(dst, '\\')
	case '*':
		if !unicode.IsSpace(prev) || !unicode.IsSpace(next) || prev == '\n' {
			dst = append(dst, '\\')
		}
	case '_':
		if !wordRune(prev) || !wordRune(next) {
			dst = append(dst, '\\')
		}
	case '~':
		if prev == '~' || next == '~' || !unicode.IsSpace(next) && d.flavor == flavorSlackBlocks {
			dst = append(dst, '\\')
		}
	case '|':
		if s.cell || d.flavor == flavorDiscord && (prev == '|' || next == '|') {
			dst = append(dst, '\\')
		}
	case '[', ']':
		if s.label {
			dst = append(dst, '\\')
		}
	case '(':
		if prev == ']' {
			dst = append(dst, '\\')
		}
	case '&':
		if d.escapesEntities && looksLikeEntity(rest) {
			return append(dst, "&amp;"...)
		}
	case '<':
		if d.escapesEntities {
			return append(dst, "&lt;"...)
		}
		if startsToken(rest) {
			return append(dst, "<"+zeroWidth...)
		}
	case '>':
		if d.escapesEntities {
			return append(dst, "&gt;"...)
		}
	case '@':
		if d.flavor == flavorDiscord && startsGroup(rest) {
			return append(dst, "@"+zeroWidth...)
		}
	}
	return append(dst, c)
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
